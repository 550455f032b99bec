package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type inboxStats struct {
	Received        int64      `json:"received" doc:"events that came from outside, each counted once"`
	Duplicates      int64      `json:"duplicates" doc:"deliveries of events that were known already"`
	Pending         int64      `json:"pending" doc:"events that wait for a handler, derived ones too"`
	Done            int64      `json:"done"`
	Dead            int64      `json:"dead" doc:"events that a handler gave up"`
	OldestPendingAt *time.Time `json:"oldest_pending_at"`
}

type runView struct {
	Handler    string     `json:"handler"`
	State      string     `json:"state" enum:"pending,done,dead"`
	Attempts   int        `json:"attempts"`
	Error      *string    `json:"error"`
	NotBefore  *time.Time `json:"not_before"`
	FinishedAt *time.Time `json:"finished_at"`
}

type eventView struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	ChatID     *string    `json:"chat_id"`
	At         *time.Time `json:"at"`
	ReceivedAt *time.Time `json:"received_at"`
	Duplicates int64      `json:"duplicates"`
	Status     string     `json:"status" enum:"pending,done,dead"`
	Runs       []runView  `json:"runs" nullable:"false"`
}

func (s *server) viewEvent(it store.InboxItem) eventView {
	v := eventView{ID: idString(it.Event.ID), Kind: string(it.Event.Kind), ChatID: text(string(it.Event.Chat)), At: s.stamp(it.Event.At),
		ReceivedAt: s.stamp(it.ReceivedAt), Duplicates: it.Duplicates, Status: "pending", Runs: []runView{}}
	if it.State == store.EventDone || it.State == store.EventDead {
		v.Status = it.State
	}
	for _, r := range it.Runs {
		v.Runs = append(v.Runs, runView{Handler: r.Handler, State: r.State, Attempts: r.Attempts, Error: text(r.Error),
			NotBefore: s.stamp(r.NotBefore), FinishedAt: s.stamp(r.FinishedAt)})
	}
	return v
}

func (s *server) inbox() {
	huma.Register(s.api, op(http.MethodGet, "/inbox/stats", "count the inbox", http.StatusOK), func(ctx context.Context, _ *none) (*result[inboxStats], error) {
		st, err := s.Store.Read(ctx).InboxStats()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(inboxStats{st.Received, st.Duplicates, st.Pending, st.Done, st.Dead, s.stamp(st.OldestPending)}), nil
	})
	type filter struct {
		Page
		Status string `query:"status" enum:"pending,done,dead" doc:"left out: all"`
	}
	huma.Register(s.api, op(http.MethodGet, "/inbox", "events, newest first", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[eventView]], error) {
		before, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Inbox(in.Status, before, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewEvent, func(it store.InboxItem) string { return idString(it.Event.ID) }), nil
	})
	huma.Register(s.api, op(http.MethodPost, "/inbox/{id}/retry", "give a dead event another life", http.StatusOK), func(ctx context.Context, in *oneID) (*result[eventView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.RetryEvent(id) }); err == store.ErrStale {
			return nil, huma.Error409Conflict("the event has no dead run")
		} else if err != nil {
			return nil, s.fail(ctx, err)
		}
		it, err := s.Store.Read(ctx).InboxItem(id)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewEvent(it)), nil
	})
}
