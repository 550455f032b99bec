package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type missedBody struct {
	Policy string `json:"policy,omitempty" doc:"skip or send_within; left out: send_within"`
	Within string `json:"within,omitempty" doc:"how late send_within may be, 1m to 24h; left out: 30m"`
}

type scheduleBody struct {
	Cron     string     `json:"cron" doc:"minute hour day month weekday" example:"0 10 * * 1,3,5"`
	Timezone string     `json:"timezone,omitempty" doc:"IANA name; left out: the configured one"`
	StartsOn *string    `json:"starts_on,omitempty" nullable:"true" example:"2026-11-23"`
	EndsOn   *string    `json:"ends_on,omitempty" nullable:"true" doc:"the last day, included"`
	Missed   missedBody `json:"missed,omitempty"`
}

type targetsBody struct {
	ChatIDs []string `json:"chat_ids,omitempty"`
	Labels  []string `json:"labels,omitempty"`
	Stores  []string `json:"stores,omitempty"`
	All     bool     `json:"all,omitempty"`
}

type productBody struct {
	Name     string `json:"name"`
	PriceFen int64  `json:"price_fen"`
	WasFen   int64  `json:"was_fen,omitempty"`
	Stock    int64  `json:"stock,omitempty"`
}

type promotionBody struct {
	Name     string        `json:"name"`
	Schedule scheduleBody  `json:"schedule"`
	Targets  targetsBody   `json:"targets"`
	Message  messageBody   `json:"message"`
	Products []productBody `json:"products,omitempty"`
}

func (b promotionBody) spec() store.PromotionSpec {
	var s store.PromotionSpec
	s.Name = b.Name
	s.Schedule.Cron, s.Schedule.Timezone = b.Schedule.Cron, b.Schedule.Timezone
	if b.Schedule.StartsOn != nil {
		s.Schedule.StartsOn = *b.Schedule.StartsOn
	}
	if b.Schedule.EndsOn != nil {
		s.Schedule.EndsOn = *b.Schedule.EndsOn
	}
	s.Schedule.Missed.Policy, s.Schedule.Missed.Within = b.Schedule.Missed.Policy, b.Schedule.Missed.Within
	s.Targets.ChatIDs, s.Targets.Labels, s.Targets.Stores, s.Targets.All = b.Targets.ChatIDs, b.Targets.Labels, b.Targets.Stores, b.Targets.All
	s.Message = b.Message.message()
	for _, p := range b.Products {
		s.Products = append(s.Products, store.Product(p))
	}
	return s
}

type promotionView struct {
	ID       string `json:"id"`
	Status   string `json:"status" enum:"active,paused,ended"`
	Name     string `json:"name"`
	Schedule struct {
		Cron     string     `json:"cron"`
		Timezone string     `json:"timezone"`
		StartsOn *string    `json:"starts_on"`
		EndsOn   *string    `json:"ends_on"`
		Missed   missedBody `json:"missed"`
	} `json:"schedule"`
	Targets struct {
		ChatIDs []string `json:"chat_ids" nullable:"false"`
		Labels  []string `json:"labels" nullable:"false"`
		Stores  []string `json:"stores" nullable:"false"`
		All     bool     `json:"all"`
	} `json:"targets"`
	Message struct {
		Text        string           `json:"text"`
		Attachments []attachmentBody `json:"attachments" nullable:"false"`
	} `json:"message"`
	Products []productBody `json:"products" nullable:"false"`
	NextAt   *time.Time    `json:"next_at"`
}

func (s *server) viewPromotion(p store.Promotion) promotionView {
	v := promotionView{ID: idString(p.ID), Status: p.Status, Name: p.Spec.Name, NextAt: s.stamp(p.NextAt), Products: []productBody{}}
	sc := p.Spec.Schedule
	v.Schedule.Cron, v.Schedule.Timezone, v.Schedule.StartsOn, v.Schedule.EndsOn = sc.Cron, sc.Timezone, text(sc.StartsOn), text(sc.EndsOn)
	v.Schedule.Missed = missedBody{Policy: sc.Missed.Policy, Within: sc.Missed.Within}
	t := p.Spec.Targets
	v.Targets.ChatIDs, v.Targets.Labels, v.Targets.Stores, v.Targets.All = some(t.ChatIDs), some(t.Labels), some(t.Stores), t.All
	v.Message.Text, v.Message.Attachments = p.Spec.Message.Text, viewAttachments(p.Spec.Message.Attachments)
	for _, pr := range p.Spec.Products {
		v.Products = append(v.Products, productBody(pr))
	}
	return v
}

// some is never null.
func some(v []string) []string {
	if v == nil {
		return []string{}
	}
	return v
}

type occurrenceView struct {
	At     *time.Time `json:"at"`
	Status string     `json:"status" enum:"planned,running,done,missed,skipped"`
	Reason *string    `json:"reason"`
	DoneAt *time.Time `json:"done_at"`
}

func (s *server) viewOccurrence(o store.Occurrence) occurrenceView {
	return occurrenceView{At: s.stamp(o.At), Status: o.Status, Reason: text(o.Reason), DoneAt: s.stamp(o.DoneAt)}
}

type deliveryView struct {
	ID          string     `json:"id"`
	At          *time.Time `json:"at"`
	ChatID      string     `json:"chat_id"`
	Owner       string     `json:"owner"`
	MsgID       *string    `json:"msgid"`
	Status      string     `json:"status" enum:"planned,submitted,sent,failed,unsent,cancelled,blocked"`
	Code        int        `json:"code" doc:"WeCom's code, 0 for none"`
	Reason      *string    `json:"reason"`
	SubmittedAt *time.Time `json:"submitted_at"`
	SentAt      *time.Time `json:"sent_at"`
	Reminders   int        `json:"reminders"`
}

func (s *server) viewDelivery(d store.DeliveryView) deliveryView {
	return deliveryView{ID: idString(d.ID), At: s.stamp(d.At), ChatID: d.ChatID, Owner: d.Owner, MsgID: text(d.MsgID), Status: d.Status, Code: d.Code,
		Reason: text(d.Reason), SubmittedAt: s.stamp(d.SubmittedAt), SentAt: s.stamp(d.SentAt), Reminders: d.Reminders}
}

type oneID struct {
	ID string `path:"id"`
}

func (s *server) promotions() {
	type create struct {
		Keyed
		Body promotionBody
	}
	huma.Register(s.api, op(http.MethodPost, "/promotions", "plan a promotion", http.StatusCreated), func(ctx context.Context, in *create) (*result[promotionView], error) {
		p, err := once(ctx, s, "POST /promotions", in.Keyed, in.Body, func(remember handlers.Remember) (store.Promotion, error) {
			return s.Promotions.Create(ctx, in.Body.spec(), remember)
		}, func(id string) (store.Promotion, error) { return s.promotion(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewPromotion(p)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions", "list promotions", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[promotionView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Promotions(after, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewPromotion, func(p store.Promotion) string { return idString(p.ID) }), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}", "one promotion", http.StatusOK), func(ctx context.Context, in *oneID) (*result[promotionView], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewPromotion(p)), nil
	})
	s.promotionCommands()
	s.occurrences()
	s.deliveries()
}

func (s *server) promotion(ctx context.Context, id string) (store.Promotion, error) {
	n, err := idOf(id)
	if err != nil {
		return store.Promotion{}, err
	}
	return s.Store.Read(ctx).Promotion(n)
}

func (s *server) promotionCommands() {
	command := func(name, summary string, do func(context.Context, int64) (store.Promotion, error)) {
		huma.Register(s.api, op(http.MethodPost, "/promotions/{id}/"+name, summary, http.StatusOK), func(ctx context.Context, in *oneID) (*result[promotionView], error) {
			id, err := idOf(in.ID)
			if err != nil {
				return nil, err
			}
			p, err := do(ctx, id)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return answer(s.viewPromotion(p)), nil
		})
	}
	command("pause", "stop it; what was not submitted is taken back", s.Promotions.Pause)
	command("resume", "let it go on with its next time", s.Promotions.Resume)
	huma.Register(s.api, op(http.MethodDelete, "/promotions/{id}", "end it for good", http.StatusNoContent), func(ctx context.Context, in *oneID) (*none, error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if _, err := s.Promotions.End(ctx, id); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
	type run struct {
		Keyed
		ID string `path:"id"`
	}
	huma.Register(s.api, op(http.MethodPost, "/promotions/{id}/run", "post it now, besides its schedule", http.StatusOK), func(ctx context.Context, in *run) (*result[occurrenceView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		o, err := once(ctx, s, "POST /promotions/"+in.ID+"/run", in.Keyed, nil, func(remember handlers.Remember) (store.Occurrence, error) {
			return s.Promotions.RunNow(ctx, id, remember)
		}, func(occ string) (store.Occurrence, error) {
			n, err := idOf(occ)
			if err != nil {
				return store.Occurrence{}, err
			}
			return s.Store.Read(ctx).Occurrence(n)
		})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewOccurrence(o)), nil
	})
}

func (s *server) occurrences() {
	type filter struct {
		Page
		ID string `path:"id"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/occurrences", "its slots, oldest first, the next one last", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[occurrenceView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		var from time.Time
		if after > 0 {
			from = time.UnixMilli(after)
		}
		rows, err := s.Store.Read(ctx).Occurrences(p.ID, from, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if !p.NextAt.IsZero() && len(rows) <= in.Limit && p.NextAt.After(from) {
			rows = append(rows, store.Occurrence{At: p.NextAt, Status: store.OccurrencePlanned})
		}
		return paged(rows, in.Limit, s.viewOccurrence, func(o store.Occurrence) string { return strconv.FormatInt(o.At.UnixMilli(), 10) }), nil
	})
}

func (s *server) deliveries() {
	type filter struct {
		Page
		ID string    `path:"id"`
		At time.Time `query:"at" doc:"one occurrence; left out: all"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/deliveries", "what became of it, group by group", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[deliveryView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: p.ID, At: in.At, Cursor: after, Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewDelivery, func(d store.DeliveryView) string { return idString(d.ID) }), nil
	})
}
