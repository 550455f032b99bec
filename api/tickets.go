package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type ticketMessageView struct {
	MessageID string     `json:"message_id"`
	SentAt    *time.Time `json:"sent_at"`
	Text      string     `json:"text"`
}

type ticketStepView struct {
	At   *time.Time `json:"at"`
	What string     `json:"what" enum:"opened,asked,reminded,escalated,failed,taken,closed,spam" doc:"spam: it was advertising, and a case was opened"`
	Who  string     `json:"who" doc:"who did it, or who was told"`
	Note string     `json:"note"`
}

type ticketView struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind" enum:"complaint,refund,dissent"`
	ChatID     string     `json:"chat_id"`
	Member     string     `json:"member"`
	MemberName string     `json:"member_name"`
	Text       string     `json:"text" doc:"what was said first"`
	Said       int        `json:"said" doc:"how many messages it has"`
	Status     string     `json:"status" enum:"open,taken,closed"`
	Overdue    bool       `json:"overdue"`
	Who        *string    `json:"who" doc:"who took it, or closed it"`
	Note       *string    `json:"note"`
	CaseID     *string    `json:"case_id" doc:"of one that was advertising"`
	CreatedAt  *time.Time `json:"created_at"`
	DueAt      *time.Time `json:"due_at"`
	ClosedAt   *time.Time `json:"closed_at"`
}

// ticketDetail is a ticket with all of it.
type ticketDetail struct {
	ticketView
	Messages []ticketMessageView `json:"messages" nullable:"false" doc:"the first 50"`
	History  []ticketStepView    `json:"history" nullable:"false"`
}

func (s *server) viewTicket(t store.Ticket) ticketView {
	v := ticketView{ID: idString(t.ID), Kind: t.Kind, ChatID: t.ChatID, Member: t.Member, MemberName: t.MemberName, Text: t.Text, Said: t.Said, Status: t.Status,
		Overdue: t.Status != store.TicketClosed && !t.DueAt.After(s.Now()), Who: text(t.Who), Note: text(t.Note), CreatedAt: s.stamp(t.CreatedAt), DueAt: s.stamp(t.DueAt), ClosedAt: s.stamp(t.ClosedAt)}
	if t.CaseID != nil {
		id := idString(*t.CaseID)
		v.CaseID = &id
	}
	return v
}

func (s *server) ticketDetail(r store.Reader, id int64) (ticketDetail, error) {
	t, err := r.Ticket(id)
	if err != nil {
		return ticketDetail{}, err
	}
	out := ticketDetail{ticketView: s.viewTicket(t), Messages: []ticketMessageView{}, History: []ticketStepView{}}
	said, err := r.TicketMessages(id)
	if err != nil {
		return out, err
	}
	for _, m := range said {
		out.Messages = append(out.Messages, ticketMessageView{m.MessageID, s.stamp(m.SentAt), m.Text})
	}
	steps, err := r.TicketSteps(id)
	for _, step := range steps {
		out.History = append(out.History, ticketStepView{s.stamp(step.At), step.What, step.Who, step.Note})
	}
	return out, err
}

type ticketStatsView struct {
	Open          int64 `json:"open" doc:"nobody took them yet"`
	Taken         int64 `json:"taken"`
	Overdue       int64 `json:"overdue" doc:"of both"`
	Closed        int   `json:"closed" doc:"in the last thirty days"`
	ClosedLate    int   `json:"closed_late" doc:"of those, after they were due"`
	MedianSeconds int64 `json:"median_seconds" doc:"from opening to closing, nights included; 0: none was closed"`
}

// tickets is what customers want of people.
func (s *server) tickets() {
	type filter struct {
		Page
		Status string `query:"status" enum:"open,taken,closed,overdue"`
		ChatID string `query:"chat_id" maxLength:"128"`
		Store  string `query:"store" maxLength:"64" doc:"only of the groups of this store"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/tickets", "complaints and dissent that people are to answer", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[ticketView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Ticket, error) {
			return s.Store.Read(ctx).Tickets(store.TicketFilter{Status: in.Status, Chat: in.ChatID, Shop: in.Store, Now: s.Now(), Cursor: after, Limit: limit})
		}, s.viewTicket, func(t store.Ticket) int64 { return t.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/tickets/{id}", "one ticket with what was said and done", http.StatusOK), func(ctx context.Context, in *oneID) (*result[ticketDetail], error) {
		t, err := byID(in.ID, func(id int64) (ticketDetail, error) { return s.ticketDetail(s.Store.Read(ctx), id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(t), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/tickets/stats", "how many tickets wait, and how long the closed ones took", http.StatusOK), func(ctx context.Context, _ *struct{}) (*result[ticketStatsView], error) {
		n, err := s.Moderation.TicketStats(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(ticketStatsView{n.Open, n.Taken, n.Overdue, n.Closed, n.Late, int64(n.Median.Seconds())}), nil
	})
	s.ticketCommand("take", "somebody answers the customer", s.Moderation.TakeTicket)
	s.ticketCommand("close", "the customer was answered", s.Moderation.CloseTicket)
	s.ticketCommand("spam", "it is advertising: a case is opened", s.Moderation.TicketIsSpam)
}

type ticketStepBody struct {
	By   string `json:"by" maxLength:"64" doc:"who says so"`
	Note string `json:"note,omitempty" maxLength:"500"`
}

func (s *server) ticketCommand(name, summary string, do func(ctx context.Context, id int64, by, note string) (store.Ticket, error)) {
	type ask struct {
		ID   string `path:"id"`
		Body ticketStepBody
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/tickets/{id}/"+name, summary, http.StatusOK), func(ctx context.Context, in *ask) (*result[ticketDetail], error) {
		t, err := byID(in.ID, func(id int64) (ticketDetail, error) {
			if _, err := do(ctx, id, in.Body.By, in.Body.Note); err != nil {
				return ticketDetail{}, err
			}
			return s.ticketDetail(s.Store.Read(ctx), id)
		})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(t), nil
	})
}
