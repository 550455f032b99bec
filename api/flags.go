package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type signalStay struct {
	ChatID   string     `json:"chat_id"`
	Member   string     `json:"member"`
	JoinedAt *time.Time `json:"joined_at"`
	LeftAt   *time.Time `json:"left_at"`
}

type signalView struct {
	Signal string       `json:"signal" enum:"burst,share,known,ring,tills,leaves,staff,removed_inviter" doc:"removed_inviter: who brought the person was removed for spam or put on the blocklist"`
	Weight float64      `json:"weight"`
	ZH     string       `json:"zh" doc:"what was seen, in Chinese"`
	EN     string       `json:"en" doc:"the same in English"`
	Stays  []signalStay `json:"stays" nullable:"false" doc:"some of the stays it is based on, at most ten"`
}

type decisionView struct {
	Decision string     `json:"decision" enum:"release,void"`
	By       string     `json:"by"`
	Note     string     `json:"note"`
	At       *time.Time `json:"at"`
}

type flagView struct {
	Entry     entryView     `json:"entry"`
	Status    string        `json:"status" enum:"open,released,voided,lapsed" doc:"lapsed: a leave voided the entry before anybody decided"`
	Weight    float64       `json:"weight" doc:"the sum of the signals"`
	Threshold float64       `json:"threshold" doc:"the weight from which on an entry was flagged then"`
	Signals   []signalView  `json:"signals" nullable:"false"`
	FlaggedAt *time.Time    `json:"flagged_at"`
	Decision  *decisionView `json:"decision"`
}

func (s *server) viewFlag(f store.FlaggedEntry) flagView {
	v := flagView{Entry: s.viewEntry(f.Entry), Status: f.Flag.Status, Weight: f.Flag.Weight, Threshold: f.Flag.Threshold, Signals: []signalView{}, FlaggedAt: s.stamp(f.Flag.FlaggedAt)}
	if f.Lapsed() {
		v.Status = store.FlagLapsed
	}
	for _, signal := range f.Flag.Signals {
		view := signalView{Signal: signal.Name, Weight: signal.Weight, ZH: signal.ZH, EN: signal.EN, Stays: []signalStay{}}
		for _, st := range signal.Stays {
			view.Stays = append(view.Stays, signalStay{ChatID: st.ChatID, Member: st.Member, JoinedAt: s.stamp(st.JoinedAt), LeftAt: s.stamp(st.LeftAt)})
		}
		v.Signals = append(v.Signals, view)
	}
	if d := f.Decision; d.EntryID != 0 {
		v.Decision = &decisionView{Decision: d.Decision, By: d.Who, Note: d.Note, At: s.stamp(d.At)}
	}
	return v
}

func (s *server) flags() {
	type filter struct {
		Page
		Status  string `query:"status" enum:"open,released,voided,lapsed"`
		Staff   string `query:"staff" maxLength:"64"`
		StoreID string `query:"store_id" maxLength:"64"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/flags", "rewards that wait for somebody to decide, and what was decided", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[flagView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Flags(store.FlagFilter{Status: in.Status, Staff: in.Staff, Shop: in.StoreID, Cursor: after, Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewFlag, func(f store.FlaggedEntry) string { return idString(f.Entry.ID) }), nil
	})
	s.decide(store.DecideRelease, "let a flagged reward be paid once its hold is over")
	s.decide(store.DecideVoid, "void a flagged reward for good")
	s.checks()
}

type decisionBody struct {
	By   string `json:"by" doc:"who decides"`
	Note string `json:"note,omitempty" doc:"why"`
}

func (s *server) decide(decision, summary string) {
	type ask struct {
		ID   string `path:"id"`
		Body decisionBody
	}
	huma.Register(s.api, op(http.MethodPost, "/rewards/entries/{id}/"+decision, summary, http.StatusOK), func(ctx context.Context, in *ask) (*result[flagView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		f, err := s.Rewards.DecideFlag(ctx, store.FlagDecision{EntryID: id, Decision: decision, Who: in.Body.By, Note: in.Body.Note})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewFlag(f)), nil
	})
}

type signalCheck struct {
	Weight *float64 `json:"weight,omitempty" doc:"0: not looked for"`
	Window string   `json:"window,omitempty" doc:"how far around or before the join is looked, such as 60s"`
	Within string   `json:"within,omitempty" doc:"how soon a leave counts, such as 48h"`
	Count  *int     `json:"count,omitempty" doc:"from how many on"`
	Share  *float64 `json:"share,omitempty" doc:"from which share on, 0 to 1"`
}

type checksBody struct {
	Version   string                 `json:"version,omitempty" readOnly:"true" doc:"0: what the program comes with"`
	Enabled   *bool                  `json:"enabled,omitempty" doc:"left out: true"`
	Threshold float64                `json:"threshold,omitempty" doc:"the weight from which on an entry is flagged; left out: 1"`
	Signals   map[string]signalCheck `json:"signals,omitempty" doc:"by name: burst, share, known, ring, tills, leaves, staff; what is left out is as the program comes with"`
	By        string                 `json:"by,omitempty" doc:"who changes it; required"`
	Note      string                 `json:"note,omitempty"`
	CreatedAt *time.Time             `json:"created_at,omitempty" readOnly:"true"`
}

// checks turns the body into settings.
func (b checksBody) checks() (store.Checks, error) {
	c := store.Checks{Data: handlers.DefaultChecks(), By: b.By, Note: b.Note}
	if b.Enabled != nil {
		c.Data.Enabled = *b.Enabled
	}
	if b.Threshold != 0 {
		c.Data.Threshold = b.Threshold
	}
	known := 0
	for _, n := range handlers.NamedChecks(&c.Data) {
		body, ok := b.Signals[n.Signal]
		if !ok {
			continue
		}
		known++
		if err := body.into(n); err != nil {
			return c, err
		}
	}
	if known < len(b.Signals) {
		return c, huma.Error422UnprocessableEntity("signals names one that is not looked for",
			&huma.ErrorDetail{Message: "want burst, share, known, ring, tills, leaves or staff", Location: "body.signals"})
	}
	return c, nil
}

func (b signalCheck) into(n handlers.NamedCheck) error {
	field := "signals." + n.Signal + "."
	for _, f := range []struct {
		name    string
		given   bool
		matters bool
	}{{"window", b.Window != "", n.Windowed}, {"within", b.Within != "", n.Left}, {"count", b.Count != nil, n.Counted}, {"share", b.Share != nil, n.Shared}} {
		if f.given && !f.matters {
			return huma.Error422UnprocessableEntity(fmt.Sprintf("%s%s does not matter to this signal", field, f.name),
				&huma.ErrorDetail{Message: "leave it out", Location: "body." + field + f.name})
		}
	}
	window, err := duration(field+"window", b.Window, n.Check.Window())
	if err != nil {
		return err
	}
	within, err := duration(field+"within", b.Within, n.Check.Within())
	if err != nil {
		return err
	}
	n.Check.WindowMS, n.Check.WithinMS = window.Milliseconds(), within.Milliseconds()
	if b.Weight != nil {
		n.Check.Weight = *b.Weight
	}
	if b.Count != nil {
		n.Check.Count = *b.Count
	}
	if b.Share != nil {
		n.Check.Share = *b.Share
	}
	return nil
}

func (s *server) viewChecks(c store.Checks) checksBody {
	v := checksBody{Version: idString(c.Version), Enabled: &c.Data.Enabled, Threshold: c.Data.Threshold, Signals: map[string]signalCheck{}, By: c.By, Note: c.Note, CreatedAt: s.stamp(c.CreatedAt)}
	for _, n := range handlers.NamedChecks(&c.Data) {
		b := signalCheck{Weight: &n.Check.Weight}
		if n.Windowed {
			b.Window = short(n.Check.Window())
		}
		if n.Left {
			b.Within = short(n.Check.Within())
		}
		if n.Counted {
			b.Count = &n.Check.Count
		}
		if n.Shared {
			b.Share = &n.Check.Share
		}
		v.Signals[n.Signal] = b
	}
	return v
}

func (s *server) checks() {
	type put struct{ Body checksBody }
	huma.Register(s.api, op(http.MethodGet, "/rewards/checks", "what is looked for before a reward is released", http.StatusOK), func(ctx context.Context, _ *none) (*result[checksBody], error) {
		c, err := s.Rewards.Checks(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewChecks(c)), nil
	})
	huma.Register(s.api, op(http.MethodPut, "/rewards/checks", "change what is looked for; what is flagged already stays flagged", http.StatusOK), func(ctx context.Context, in *put) (*result[checksBody], error) {
		c, err := in.Body.checks()
		if err == nil {
			c, err = s.Rewards.PutChecks(ctx, c)
		}
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewChecks(c)), nil
	})
}
