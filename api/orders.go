package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

// maxOrders bounds one report.
const maxOrders = 1000

type orderBody struct {
	ID        string    `json:"id" minLength:"1" maxLength:"100" doc:"the shop's own, unique" example:"2026112300017"`
	Code      string    `json:"code" minLength:"1" maxLength:"64" doc:"what stood in the place of {code} in the link's address" example:"k3v9x2m8q4tz"`
	AmountFen int64     `json:"amount_fen" minimum:"0" doc:"what was sold"`
	At        time.Time `json:"at"`
}

// ordersBody is an order, or a list of them, as it was posted.
type ordersBody []byte

// UnmarshalJSON keeps what was posted; what is wrong with it is found out order by order.
func (b *ordersBody) UnmarshalJSON(data []byte) error {
	*b = slices.Clone(data)
	return nil
}

// Schema describes the body.
func (ordersBody) Schema(r huma.Registry) *huma.Schema {
	one, least, most := r.Schema(reflect.TypeFor[orderBody](), true, ""), 1, maxOrders
	return &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one, MinItems: &least, MaxItems: &most}}}
}

// orders reads what was posted, and names what is wrong with it by its place.
func (b ordersBody) orders(r huma.Registry) ([]store.Order, error) {
	var posted any
	if err := json.Unmarshal(b, &posted); err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	list, many := posted.([]any)
	if !many {
		list = []any{posted}
	}
	if n := len(list); n == 0 || n > maxOrders {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("there are %d orders; want 1 to %d", n, maxOrders),
			&huma.ErrorDetail{Message: "has the wrong number of orders", Location: "body"})
	}
	schema, path, res := r.Schema(reflect.TypeFor[orderBody](), false, ""), huma.NewPathBuffer(nil, 0), &huma.ValidateResult{}
	path.Push("body")
	for i, one := range list {
		if many {
			path.PushIndex(i)
		}
		huma.Validate(r, schema, path, huma.ModeWriteToServer, one, res)
		if many {
			path.Pop()
		}
	}
	if len(res.Errors) > 0 {
		return nil, huma.Error422UnprocessableEntity("validation failed", res.Errors...)
	}
	bodies, into := make([]orderBody, 1), any(nil)
	if into = &bodies[0]; many {
		into = &bodies
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	out := make([]store.Order, len(bodies))
	for i, o := range bodies {
		out[i] = store.Order{OrderID: o.ID, Code: o.Code, AmountFen: o.AmountFen, At: o.At}
	}
	return out, nil
}

type orderView struct {
	ID          string     `json:"id"`
	Code        string     `json:"code"`
	AmountFen   int64      `json:"amount_fen"`
	At          *time.Time `json:"at"`
	PromotionID string     `json:"promotion_id"`
	ChatID      *string    `json:"chat_id" doc:"null: the link is of several groups"`
	Owner       *string    `json:"owner" doc:"null: the link is of several owners"`
	StoreID     *string    `json:"store_id" doc:"null: the link is of several stores, or of none"`
	ReportedAt  *time.Time `json:"reported_at"`
}

func (s *server) viewOrder(o store.Order) orderView {
	return orderView{ID: o.OrderID, Code: o.Code, AmountFen: o.AmountFen, At: s.stamp(o.At), PromotionID: idString(o.PromotionID),
		ChatID: text(o.ChatID), Owner: text(o.Owner), StoreID: text(o.ShopID), ReportedAt: s.stamp(o.ReportedAt)}
}

type reportedOrders struct {
	Items   []orderView `json:"items" nullable:"false"`
	Created int         `json:"created" doc:"how many of them are new"`
}

func (s *server) orders() {
	type create struct{ Body ordersBody }
	type created struct {
		Status int
		Body   reportedOrders
	}
	post := op(http.MethodPost, "/orders", "report what was sold through a link: an order, or up to 1,000 in a list", http.StatusCreated)
	post.Description = "All are taken down or, where one is wrong, none. The id makes it safe to report an order again: with the same content " +
		"it is left alone (200 when nothing was new), with other content it is refused (409)."
	post.SkipValidateBody = true // orders() says more about a list
	huma.Register(s.api, post, func(ctx context.Context, in *create) (*created, error) {
		list, err := in.Body.orders(s.api.OpenAPI().Components.Schemas)
		if err != nil {
			return nil, err
		}
		kept, fresh, err := s.Orders.Report(ctx, list)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		out := created{Status: http.StatusOK, Body: reportedOrders{Items: []orderView{}, Created: fresh}}
		if fresh > 0 {
			out.Status = http.StatusCreated
		}
		for _, o := range kept {
			out.Body.Items = append(out.Body.Items, s.viewOrder(o))
		}
		return &out, nil
	})
	type filter struct {
		Page
		Promotion string `query:"promotion" doc:"id; left out: all"`
		ChatID    string `query:"chat_id"`
	}
	huma.Register(s.api, op(http.MethodGet, "/orders", "orders that were reported, in the order they were", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[orderView]], error) {
		f := store.OrderFilter{ChatID: in.ChatID, Limit: in.Limit + 1}
		var err error
		if in.Promotion != "" {
			p, err := s.promotion(ctx, in.Promotion)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			f.Promotion = p.ID
		}
		if f.Cursor, err = in.number(); err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Orders(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewOrder, func(o store.Order) string { return idString(o.ID) }), nil
	})
}

type saleView struct {
	ChatID    *string    `json:"chat_id,omitempty"`
	Owner     *string    `json:"owner,omitempty"`
	StoreID   *string    `json:"store_id,omitempty"`
	At        *time.Time `json:"at,omitempty" doc:"of the occurrence"`
	Clicks    int64      `json:"clicks" doc:"how often links were followed; a crash may lose some seconds of it"`
	Orders    int64      `json:"orders"`
	AmountFen int64      `json:"amount_fen"`
}

func (s *server) viewSale(by string) func(store.Sale) saleView {
	return func(sale store.Sale) saleView {
		v := saleView{Clicks: sale.Clicks, Orders: sale.Orders, AmountFen: sale.AmountFen}
		switch by {
		case "group":
			v.ChatID = text(sale.Key)
		case "owner":
			v.Owner = text(sale.Key)
		case "store":
			v.StoreID = text(sale.Key)
		default:
			v.At = s.stamp(sale.At)
		}
		return v
	}
}

// sales are the sums of what came by a promotion's links.
func (s *server) sales() {
	type filter struct {
		Page
		ID string    `path:"id"`
		By string    `query:"by" enum:"occurrence,group,store,owner" default:"occurrence"`
		At time.Time `query:"at" doc:"one occurrence; left out: all"`
	}
	get := op(http.MethodGet, "/promotions/{id}/sales", "what came by its links", http.StatusOK)
	get.Description = "Only what something came by is listed. A link says as much as the groups that it was posted in have in common: one per owner " +
		"says nothing of his groups, unless he has one. What is not known stands in an item without a name."
	huma.Register(s.api, get, func(ctx context.Context, in *filter) (*result[list[saleView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		f := store.SaleFilter{Promotion: p.ID, By: in.By, Begun: in.Cursor != "", Limit: in.Limit + 1}
		words, err := in.words(2)
		if err != nil {
			return nil, err
		}
		if f.From = words[1]; f.Begun && words[0] != in.By {
			return nil, badCursor()
		}
		if f.Occurrence, err = s.occurrenceAt(ctx, p.ID, in.At); err != nil {
			return nil, s.fail(ctx, err)
		}
		rows, err := s.Store.Read(ctx).Sales(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewSale(in.By), func(sale store.Sale) string { return wordsCursor(in.By, sale.Key) }), nil
	})
	s.clickHours()
}

type clickHourView struct {
	Hour   *time.Time `json:"hour" doc:"its first moment"`
	Clicks int64      `json:"clicks"`
}

func (s *server) clickHours() {
	type filter struct {
		ID string    `path:"id"`
		At time.Time `query:"at" required:"true" doc:"the occurrence"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/clicks", "how often the links of an occurrence were followed, hour by hour", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[clickHourView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		o, err := s.Store.Read(ctx).OccurrenceAt(p.ID, in.At)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		hours, err := s.Store.Read(ctx).ClickHours(o.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(hours, len(hours), func(h store.LinkHour) clickHourView { return clickHourView{s.stamp(h.Hour), h.Clicks} }, nil), nil
	})
}
