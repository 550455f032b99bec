package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/store"
)

// maxCaseMessages is how many messages one case shows.
const maxCaseMessages = 200

type caseView struct {
	ID          string       `json:"id"`
	ChatID      string       `json:"chat_id"`
	AppChat     bool         `json:"app_chat" doc:"a chat of the app, where the bot may remove people"`
	Member      string       `json:"member"`
	MemberName  string       `json:"member_name"`
	MessageID   *string      `json:"message_id"`
	Text        string       `json:"text" doc:"what the reasons speak of"`
	Verdict     string       `json:"verdict" enum:"spam,suspect,ham"`
	Score       float64      `json:"score"`
	Reasons     []reasonView `json:"reasons" nullable:"false"`
	Action      string       `json:"action" enum:"none,warn,remove"`
	Rung        *string      `json:"rung" doc:"of the ladder; null: a person or the blocklist opened it"`
	Status      string       `json:"status" enum:"open,asked_owner,removed,dismissed,expired"`
	Note        *string      `json:"note"`
	OpenedBy    *string      `json:"opened_by" doc:"null: a message or the blocklist"`
	AskedTo     *string      `json:"asked_to" doc:"who got the newest card"`
	Asks        int          `json:"asks"`
	Claims      int          `json:"claims" doc:"how often somebody said removed"`
	FalseClaims int          `json:"false_claims" doc:"how often the member list did not agree"`
	Lead        *string      `json:"lead" doc:"the case on whose card this one stands as well"`
	CreatedAt   *time.Time   `json:"created_at"`
	AskedAt     *time.Time   `json:"asked_at" doc:"when the first card was there"`
	ClosedAt    *time.Time   `json:"closed_at"`
	ClosedBy    *string      `json:"closed_by"`
}

func (s *server) viewCase(c store.Case) caseView {
	v := caseView{ID: idString(c.ID), ChatID: c.ChatID, AppChat: c.AppChat, Member: c.Member, MemberName: c.MemberName, MessageID: text(c.MessageID),
		Text: c.Text, Verdict: c.Verdict, Score: c.Score, Reasons: viewReasons(c.Reasons), Action: c.Action, Rung: text(c.Rung), Status: c.Status,
		Note: text(c.Note), OpenedBy: text(c.OpenedBy), AskedTo: text(c.AskedTo), Asks: c.Asks, Claims: c.Claims, FalseClaims: c.FalseClaims,
		CreatedAt: s.stamp(c.CreatedAt), AskedAt: s.stamp(c.AskedAt), ClosedAt: s.stamp(c.ClosedAt), ClosedBy: text(c.ClosedBy)}
	if c.Lead != nil {
		v.Lead = text(idString(*c.Lead))
	}
	return v
}

type caseStepView struct {
	At     *time.Time `json:"at"`
	What   string     `json:"what"`
	Who    *string    `json:"who" doc:"a user id, or api, clock, bot, member list"`
	Detail *string    `json:"detail"`
}

type caseMessageView struct {
	MessageID string       `json:"message_id"`
	SentAt    *time.Time   `json:"sent_at"`
	Text      string       `json:"text"`
	Verdict   string       `json:"verdict"`
	Score     float64      `json:"score"`
	Reasons   []reasonView `json:"reasons" nullable:"false"`
}

type strikeView struct {
	ChatID    string     `json:"chat_id"`
	MessageID string     `json:"message_id"`
	CaseID    *string    `json:"case_id"`
	Verdict   string     `json:"verdict"`
	Rung      string     `json:"rung"`
	At        *time.Time `json:"at"`
	ExpiresAt *time.Time `json:"expires_at"`
	TakenAt   *time.Time `json:"taken_at" doc:"when it was taken back; null: it counts until it expires"`
	TakenBy   *string    `json:"taken_by"`
}

// caseDetail is a case with all that led to it and was done about it.
type caseDetail struct {
	caseView
	History  []caseStepView    `json:"history" nullable:"false"`
	Messages []caseMessageView `json:"messages" nullable:"false" doc:"of the person, oldest first, at most 200"`
	Strikes  []strikeView      `json:"strikes" nullable:"false" doc:"against the person, in all groups"`
}

func (s *server) detailCase(ctx context.Context, c store.Case) (caseDetail, error) {
	r := s.Store.Read(ctx)
	d := caseDetail{caseView: s.viewCase(c), History: []caseStepView{}, Messages: []caseMessageView{}, Strikes: []strikeView{}}
	steps, err := r.CaseSteps(c.ID)
	if err != nil {
		return d, err
	}
	for _, st := range steps {
		d.History = append(d.History, caseStepView{s.stamp(st.At), st.What, text(st.Who), text(st.Detail)})
	}
	messages, err := r.CaseMessages(c.ID, maxCaseMessages)
	if err != nil {
		return d, err
	}
	for _, m := range messages {
		d.Messages = append(d.Messages, caseMessageView{m.MessageID, s.stamp(m.SentAt), m.Text, m.Verdict, m.Score, viewReasons(m.Reasons)})
	}
	strikes, err := r.Strikes(c.Member)
	for _, st := range strikes {
		v := strikeView{ChatID: st.ChatID, MessageID: st.MessageID, Verdict: st.Verdict, Rung: st.Rung, At: s.stamp(st.At),
			ExpiresAt: s.stamp(st.ExpiresAt), TakenAt: s.stamp(st.TakenAt), TakenBy: text(st.TakenBy)}
		if st.CaseID != nil {
			v.CaseID = text(idString(*st.CaseID))
		}
		d.Strikes = append(d.Strikes, v)
	}
	return d, err
}

type caseFilter struct {
	Page
	Status string    `query:"status" enum:"open,asked_owner,removed,dismissed,expired"`
	ChatID string    `query:"chat_id"`
	Member string    `query:"member"`
	Store  string    `query:"store"`
	Action string    `query:"action" enum:"none,warn,remove"`
	From   time.Time `query:"from" doc:"opened at or after"`
	To     time.Time `query:"to" doc:"opened before"`
}

type openCaseBody struct {
	ChatID string `json:"chat_id" doc:"a group, or a chat of the app"`
	Member string `json:"member"`
	Reason string `json:"reason" doc:"who is asked reads it"`
	By     string `json:"by" example:"anna"`
	Action string `json:"action,omitempty" enum:",warn,remove" doc:"left out: remove"`
}

type caseDecision struct {
	By   string `json:"by,omitempty" maxLength:"64" doc:"who decides; left out: api" example:"anna"`
	Note string `json:"note,omitempty" maxLength:"500"`
}

func (s *server) cases() {
	huma.Register(s.api, op(http.MethodGet, "/moderation/cases", "list cases", http.StatusOK), func(ctx context.Context, in *caseFilter) (*result[list[caseView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Case, error) {
			return s.Store.Read(ctx).CasesOf(store.CaseFilter{Status: in.Status, ChatID: in.ChatID, Member: in.Member, ShopID: in.Store, Action: in.Action,
				From: in.From, To: in.To, After: after, Limit: limit})
		}, s.viewCase, func(c store.Case) int64 { return c.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/cases/{id}", "one case, with its history", http.StatusOK), func(ctx context.Context, in *oneID) (*result[caseDetail], error) {
		c, err := byID(in.ID, s.Store.Read(ctx).Case)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		d, err := s.detailCase(ctx, c)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(d), nil
	})
	type opening struct {
		Keyed
		Body openCaseBody
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/cases", "open a case by hand", http.StatusCreated), func(ctx context.Context, in *opening) (*result[caseView], error) {
		c, err := once(ctx, s, "POST /moderation/cases", in.Keyed, in.Body, func(remember handlers.Remember) (store.Case, error) {
			return s.Moderation.Open(ctx, moderation.Opening{Chat: bot.ChatID(in.Body.ChatID), Member: bot.MemberID(in.Body.Member),
				Reason: in.Body.Reason, By: in.Body.By, Action: in.Body.Action}, remember)
		}, func(id string) (store.Case, error) { return byID(id, s.Store.Read(ctx).Case) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewCase(c)), nil
	})
	s.caseCommands()
}

type caseCommand struct {
	ID   string `path:"id"`
	Body *caseDecision
}

func (in *caseCommand) decision() caseDecision {
	if in.Body == nil {
		return caseDecision{}
	}
	return *in.Body
}

func (s *server) caseCommands() {
	command := func(name, summary string, do func(context.Context, int64, caseDecision) (store.Case, error)) {
		huma.Register(s.api, op(http.MethodPost, "/moderation/cases/{id}/"+name, summary, http.StatusOK), func(ctx context.Context, in *caseCommand) (*result[caseView], error) {
			c, err := byID(in.ID, func(id int64) (store.Case, error) { return do(ctx, id, in.decision()) })
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return answer(s.viewCase(c)), nil
		})
	}
	command("remove", "have the person removed: the owner is asked, or the bot does it", func(ctx context.Context, id int64, d caseDecision) (store.Case, error) {
		return s.Moderation.Remove(ctx, id, d.By)
	})
	command("dismiss", "it was no spam", func(ctx context.Context, id int64, d caseDecision) (store.Case, error) {
		return s.Moderation.Dismiss(ctx, id, d.By, d.Note)
	})
	type undone struct {
		caseView
		Unblocked  int64  `json:"unblocked" doc:"names that the case had put on the blocklist"`
		Strikes    int64  `json:"strikes_taken" doc:"strikes that do not count any more"`
		Invitation string `json:"invitation" doc:"words to send to the person who was removed; empty: nobody was"`
	}
	type undo struct {
		ID   string `path:"id"`
		Body struct {
			By   string `json:"by" maxLength:"64" doc:"who decides" example:"anna"`
			Note string `json:"note,omitempty" maxLength:"500" doc:"why"`
		}
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/cases/{id}/undo", "it was a mistake: take back what the case led to, once", http.StatusOK), func(ctx context.Context, in *undo) (*result[undone], error) {
		u, err := byID(in.ID, func(id int64) (moderation.Undone, error) {
			return s.Moderation.Undo(ctx, id, in.Body.By, in.Body.Note)
		})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(undone{s.viewCase(u.Case), u.Unblocked, u.Strikes, u.Invitation}), nil
	})
}

type statsView struct {
	ID              string   `json:"id" doc:"empty: all of them together"`
	Name            string   `json:"name"`
	Cases           int64    `json:"cases"`
	Open            int64    `json:"open"`
	Overdue         int64    `json:"overdue" doc:"open removals that the manager should know of"`
	Removed         int64    `json:"removed"`
	Dismissed       int64    `json:"dismissed"`
	Expired         int64    `json:"expired"`
	Warnings        int64    `json:"warnings"`
	Claims          int64    `json:"claims"`
	FalseClaims     int64    `json:"false_claims"`
	Precision       *float64 `json:"precision" doc:"removed among removed and dismissed; null: nothing is decided"`
	ToCardMedian    *float64 `json:"seconds_to_card_median"`
	ToCardP90       *float64 `json:"seconds_to_card_p90"`
	ToRemovalMedian *float64 `json:"seconds_to_removal_median"`
	ToRemovalP90    *float64 `json:"seconds_to_removal_p90"`
}

func viewStats(f moderation.Stats) statsView {
	seconds := func(ms *int64) *float64 {
		if ms == nil {
			return nil
		}
		v := float64(*ms) / 1000
		return &v
	}
	v := statsView{ID: f.ID, Name: f.Name, Cases: f.Cases, Open: f.Open, Overdue: f.Overdue, Removed: f.Removed, Dismissed: f.Dismissed, Expired: f.Expired,
		Warnings: f.Warnings, Claims: f.Claims, FalseClaims: f.FalseClaims, ToCardMedian: seconds(f.ToCardMedian), ToCardP90: seconds(f.ToCardP90),
		ToRemovalMedian: seconds(f.ToRemovalMedian), ToRemovalP90: seconds(f.ToRemovalP90)}
	if p, ok := f.Precision(); ok {
		v.Precision = &p
	}
	return v
}

func (s *server) caseStats() {
	type filter struct {
		From time.Time `query:"from" required:"true" doc:"cases opened at or after"`
		To   time.Time `query:"to" doc:"and before; left out: now"`
		By   string    `query:"by" default:"group" enum:"group,store,owner"`
	}
	type stats struct {
		Total statsView   `json:"total"`
		Items []statsView `json:"items" nullable:"false"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/stats", "what became of cases, and how soon", http.StatusOK), func(ctx context.Context, in *filter) (*result[stats], error) {
		if in.To.IsZero() {
			in.To = s.Now()
		}
		rows, err := s.Moderation.Stats(ctx, in.From, in.To, in.By)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		out := stats{Items: []statsView{}}
		for _, f := range rows {
			if f.ID == "" {
				out.Total = viewStats(f)
				continue
			}
			out.Items = append(out.Items, viewStats(f))
		}
		return answer(out), nil
	})
}
