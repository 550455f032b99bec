package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type targetBody struct {
	AppChatID string `json:"app_chat_id,omitempty" maxLength:"32" doc:"an internal chat that the app made"`
	Robot     string `json:"robot,omitempty" maxLength:"300" doc:"key or webhook address of a group robot; answers show only its end, which may be sent back"`
}

func (b targetBody) place() handlers.Place {
	return handlers.Place{AppChat: b.AppChatID, Robot: b.Robot}
}

func viewTarget(rd store.Reader, t store.ReportTarget) (targetBody, error) {
	b := targetBody{AppChatID: t.AppChat}
	if t.RobotID == nil {
		return b, nil
	}
	robot, err := rd.Robot(*t.RobotID)
	b.Robot = handlers.Redacted(robot.Key)
	return b, err
}

type reportBody struct {
	Enabled  *bool       `json:"enabled,omitempty" doc:"left out: true"`
	At       string      `json:"at,omitempty" example:"21:00" doc:"local time; left out: as it is"`
	Weekdays []int       `json:"weekdays,omitempty" maxItems:"7" doc:"1 Monday to 7 Sunday; left out: every day"`
	Lang     string      `json:"lang,omitempty" doc:"zh or en; left out: zh"`
	Text     string      `json:"text,omitempty" doc:"a template with placeholders such as {today}; left out: the one of the language. A line whose placeholders are all empty is left out of the message."`
	Target   *targetBody `json:"target,omitempty" doc:"chain only: where the leaderboard goes; left out: as it is, empty: nowhere"`
}

type reportView struct {
	Kind         string        `json:"kind"`
	Enabled      bool          `json:"enabled"`
	At           string        `json:"at"`
	Weekdays     []int         `json:"weekdays" nullable:"false"`
	Lang         string        `json:"lang"`
	Text         string        `json:"text" doc:"empty: the text that comes with the language"`
	DefaultText  string        `json:"default_text"`
	Placeholders []string      `json:"placeholders" nullable:"false"`
	Target       *targetBody   `json:"target,omitempty"`
	Stores       []storeTarget `json:"stores,omitempty" doc:"of the store report: where each store's goes"`
	Idle         string        `json:"idle,omitempty" doc:"why nothing is told although it is enabled"`
	UpdatedAt    *time.Time    `json:"updated_at"`
}

type storeTarget struct {
	StoreID string `json:"store_id"`
	targetBody
}

// ReportKind is the kind of report in a path.
type ReportKind struct {
	Kind string `path:"kind" enum:"cashier,store,chain,manager"`
}

func (s *server) reports() {
	type put struct {
		ReportKind
		Body reportBody
	}
	huma.Register(s.api, op(http.MethodGet, "/reports/{kind}", "how people are told every day", http.StatusOK), func(ctx context.Context, in *ReportKind) (*result[reportView], error) {
		return s.report(ctx, in.Kind)
	})
	huma.Register(s.api, op(http.MethodPut, "/reports/{kind}", "change how people are told every day", http.StatusOK), func(ctx context.Context, in *put) (*result[reportView], error) {
		if err := s.putReport(ctx, in.Kind, in.Body); err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.report(ctx, in.Kind)
	})
	s.reportStores()
	s.reportPreview()
	s.reportRuns()
}

func (s *server) putReport(ctx context.Context, kind string, b reportBody) error {
	known, err := s.Store.Read(ctx).Report(kind)
	if err != nil {
		return err
	}
	rep := store.Report{Kind: kind, Enabled: b.Enabled == nil || *b.Enabled, At: b.At, Weekdays: b.Weekdays, Lang: b.Lang, Text: b.Text}
	if rep.At == "" {
		rep.At = known.At
	}
	if rep.Lang == "" {
		rep.Lang = "zh"
	}
	var place *handlers.Place
	if b.Target != nil {
		p := b.Target.place()
		place = &p
	}
	return s.Reports.Put(ctx, rep, place)
}

func (s *server) report(ctx context.Context, kind string) (*result[reportView], error) {
	rd := s.Store.Read(ctx)
	rep, err := rd.Report(kind)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	targets, err := rd.ReportTargets(kind, "", 0)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	v := reportView{Kind: rep.Kind, Enabled: rep.Enabled, At: rep.At, Weekdays: rep.Weekdays, Lang: rep.Lang, Text: rep.Text,
		DefaultText: handlers.DefaultText(rep.Kind, rep.Lang), Placeholders: handlers.Placeholders(rep.Kind), UpdatedAt: s.stamp(rep.SavedAt)}
	for _, t := range targets {
		body, err := viewTarget(rd, t)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if t.ShopID == "" {
			v.Target = &body
			continue
		}
		v.Stores = append(v.Stores, storeTarget{StoreID: t.ShopID, targetBody: body})
	}
	if goes := kind == store.ReportStore || kind == store.ReportChain; goes && rep.Enabled && len(targets) == 0 {
		v.Idle = "no target is set: nothing is told until one is"
	}
	return answer(v), nil
}

func (s *server) reportStores() {
	type one struct {
		ID string `path:"store_id"`
	}
	type put struct {
		ID   string `path:"store_id"`
		Body targetBody
	}
	huma.Register(s.api, op(http.MethodPut, "/reports/stores/{store_id}", "where a store's leaderboard goes", http.StatusOK), func(ctx context.Context, in *put) (*result[storeTarget], error) {
		if err := s.Reports.PutStore(ctx, in.ID, in.Body.place()); err != nil {
			return nil, s.fail(ctx, err)
		}
		rd := s.Store.Read(ctx)
		t, err := rd.ReportTarget(store.ReportStore, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		body, err := viewTarget(rd, t)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(storeTarget{StoreID: in.ID, targetBody: body}), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/reports/stores/{store_id}", "let a store's leaderboard go nowhere", http.StatusNoContent), func(ctx context.Context, in *one) (*none, error) {
		if err := s.Reports.DropStore(ctx, in.ID); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
}

type reportPreviewView struct {
	To    string `json:"to" doc:"user id or store id; empty for the chain"`
	Text  string `json:"text"`
	Quiet bool   `json:"quiet" doc:"there is nothing to tell, so nothing is sent"`
}

func (s *server) reportPreview() {
	type query struct {
		ReportKind
		Staff   string `query:"staff" maxLength:"64" doc:"cashier and manager: whose"`
		StoreID string `query:"store_id" maxLength:"64" doc:"store: which"`
		Day     string `query:"day" doc:"left out: today" example:"2026-11-23"`
	}
	huma.Register(s.api, op(http.MethodGet, "/reports/{kind}/preview", "what a day's report would say, without sending it", http.StatusOK), func(ctx context.Context, in *query) (*result[reportPreviewView], error) {
		who := in.Staff
		if in.Kind == store.ReportStore {
			who = in.StoreID
		}
		p, err := s.Reports.Preview(ctx, in.Kind, who, in.Day)
		if err != nil {
			return nil, s.fail(ctx, asked(err))
		}
		return answer(reportPreviewView(p)), nil
	})
}

// asked says of a field that was refused that it stood in the query.
func asked(err error) error {
	var inv *handlers.Invalid
	if !errors.As(err, &inv) {
		return err
	}
	return huma.Error422UnprocessableEntity(inv.Error(), &huma.ErrorDetail{Message: inv.Detail, Location: "query." + inv.Field})
}

type dayView struct {
	Day     string     `json:"day"`
	At      *time.Time `json:"at" doc:"when it was to be told"`
	Status  string     `json:"status" enum:"planning,done,missed"`
	Planned int64      `json:"planned" doc:"messages"`
	Waiting int64      `json:"waiting" doc:"of them not sent yet"`
	Sent    int64      `json:"sent"`
	Failed  int64      `json:"failed" doc:"refused for good, or their time was over"`
	Unknown int64      `json:"unknown" doc:"cut off: nobody knows whether they were shown"`
	Reason  string     `json:"reason,omitempty"`
	BegunAt *time.Time `json:"begun_at"`
	DoneAt  *time.Time `json:"done_at" doc:"when all messages were planned"`
}

type toldView struct {
	To     string     `json:"to" doc:"user id or store id; chain for the chain"`
	Status string     `json:"status" enum:"pending,sending,sent,failed,unknown,expired"`
	Code   int        `json:"code,omitempty" doc:"WeCom's code"`
	Reason string     `json:"reason,omitempty"`
	SentAt *time.Time `json:"sent_at"`
	Text   string     `json:"text"`
}

func (s *server) reportRuns() {
	type runs struct {
		ReportKind
		Page
		Day string `query:"day" doc:"only this day" example:"2026-11-23"`
	}
	huma.Register(s.api, op(http.MethodGet, "/reports/{kind}/runs", "the days that were told, newest first", http.StatusOK), func(ctx context.Context, in *runs) (*result[list[dayView]], error) {
		rd := s.Store.Read(ctx)
		rows, err := rd.ReportRuns(in.Kind, in.Day, in.Cursor, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		views := make([]dayView, len(rows))
		for i, run := range rows {
			if views[i], err = s.viewDay(rd, run); err != nil {
				return nil, s.fail(ctx, err)
			}
		}
		return paged(views, in.Limit, func(v dayView) dayView { return v }, func(v dayView) string { return v.Day }), nil
	})
	type told struct {
		ReportKind
		Page
		Day    string `path:"day" example:"2026-11-23"`
		Status string `query:"status" enum:"pending,sending,sent,failed,unknown,expired"`
	}
	huma.Register(s.api, op(http.MethodGet, "/reports/{kind}/runs/{day}/messages", "whom a day was told, and what became of it", http.StatusOK), func(ctx context.Context, in *told) (*result[list[toldView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Action, error) {
			return s.Store.Read(ctx).ActionsPage(handlers.ReportKey(in.Kind, in.Day, ""), in.Status, after, limit)
		}, s.viewTold, func(a store.Action) int64 { return a.ID })
	})
}

func (s *server) viewDay(rd store.Reader, run store.ReportRun) (dayView, error) {
	v := dayView{Day: run.Day, At: s.stamp(run.At), Status: run.Status, Planned: run.Planned, Reason: run.Reason, BegunAt: s.stamp(run.CreatedAt), DoneAt: s.stamp(run.DoneAt)}
	counts, err := rd.ActionStates(handlers.ReportKey(run.Kind, run.Day, ""))
	v.Waiting = counts[store.ActionPending] + counts[store.ActionSending]
	v.Sent, v.Unknown = counts[store.ActionSent], counts[store.ActionUnknown]
	v.Failed = counts[store.ActionFailed] + counts[store.ActionExpired]
	return v, err
}

func (s *server) viewTold(a store.Action) toldView {
	v := toldView{Status: a.State, Code: a.Code, Reason: a.Error}
	v.To, v.Text = handlers.ReportOf(a)
	if a.State == store.ActionSent {
		v.SentAt = s.stamp(a.DoneAt)
	}
	return v
}
