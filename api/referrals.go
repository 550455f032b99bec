package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type referralView struct {
	ID        string     `json:"id"`
	ChatID    string     `json:"chat_id" doc:"the group it was asked for"`
	Member    string     `json:"member"`
	State     string     `json:"state"`
	ConfigID  string     `json:"config_id"`
	QRCode    string     `json:"qr_code"`
	Code      string     `json:"code"`
	URL       string     `json:"url"`
	Status    string     `json:"status" enum:"active,retired"`
	Joins     int64      `json:"joins" doc:"customers who came by it, each time they came"`
	Present   int64      `json:"present" doc:"of those, stays that go on"`
	CreatedAt *time.Time `json:"created_at"`
	RetiredAt *time.Time `json:"retired_at"`
}

func (s *server) viewReferrals(r store.Reader, rows []store.Channel) ([]referralView, error) {
	states := make([]string, len(rows))
	for i, c := range rows {
		states[i] = c.State
	}
	brought, err := r.BroughtBy(states)
	if err != nil {
		return nil, err
	}
	out := make([]referralView, len(rows))
	for i, c := range rows {
		b := brought[c.State]
		out[i] = referralView{ID: idString(c.ID), ChatID: c.HomeChat, Member: c.Referrer, State: c.State, ConfigID: c.ConfigID, QRCode: c.QRCode,
			Code: c.Code, URL: s.PublicURL + "/q/" + c.Code, Status: "active", Joins: b.Joins, Present: b.Present,
			CreatedAt: s.stamp(c.CreatedAt), RetiredAt: s.stamp(c.DeletedAt)}
		if c.Status == store.ChannelDeleted {
			out[i].Status = "retired"
		}
	}
	return out, nil
}

type usageView struct {
	Used      int64 `json:"used" doc:"codes that this program made; the company's other programs have theirs"`
	Limit     int64 `json:"limit"`
	Referrals int64 `json:"referrals"`
	Retirable int64 `json:"retirable" doc:"referrals of people who left their group, or that brought nobody for 90 days"`
}

type referralBody struct {
	ChatID string `json:"chat_id" maxLength:"64"`
	Member string `json:"member" maxLength:"64" doc:"a customer who is in the group"`
}

func (s *server) referrals() {
	type create struct {
		Keyed
		Body referralBody
	}
	type filter struct {
		Page
		Member string `query:"member" maxLength:"64"`
		ChatID string `query:"chat_id" maxLength:"64"`
		Status string `query:"status" enum:"active,retired"`
	}
	huma.Register(s.api, op(http.MethodPost, "/referrals", "give a customer a personal code; the same one again while it lasts", http.StatusCreated), func(ctx context.Context, in *create) (*result[referralView], error) {
		made, err := once(ctx, s, "POST /referrals", in.Keyed, in.Body, func(remember handlers.Remember) (store.Channel, error) {
			return s.Channels.Refer(ctx, in.Body.ChatID, in.Body.Member, remember)
		}, func(id string) (store.Channel, error) { return byID(id, s.Store.Read(ctx).Channel) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		views, err := s.viewReferrals(s.Store.Read(ctx), []store.Channel{made})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(views[0]), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/referrals", "list personal codes and whom they brought", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[referralView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		status := map[string]string{"active": store.ChannelActive, "retired": store.ChannelDeleted}[in.Status]
		r := s.Store.Read(ctx)
		rows, err := r.Referrals(store.ReferralFilter{Member: in.Member, Chat: in.ChatID, Status: status, Cursor: after, Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		views, err := s.viewReferrals(r, rows)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(views, in.Limit, func(v referralView) referralView { return v }, func(v referralView) string { return v.ID }), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/referrals/{id}", "retire a personal code", http.StatusNoContent), s.dropping(s.Channels.Retire))
	huma.Register(s.api, op(http.MethodGet, "/channels/usage", "how many codes there are, and may be", http.StatusOK), func(ctx context.Context, _ *none) (*result[usageView], error) {
		u, err := s.Channels.Usage(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(usageView(u)), nil
	})
}
