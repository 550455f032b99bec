package stories

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Call is one call of the bot's API.
type Call struct {
	Method string
	Path   string // below /api/v1
	Body   map[string]any
}

// Setup is what the operator of the bot does before the story begins, in order: stores,
// groups, welcomes, codes for staff, the rule of rewards, promotions.
func (st *Story) Setup() []Call {
	var calls []Call
	put := func(path string, body map[string]any) { calls = append(calls, Call{http.MethodPut, path, body}) }
	b := st.Script.Bot
	for _, shop := range st.Stores {
		put("/stores/"+shop.ID, map[string]any{"name": shop.Name, "region": shop.Region, "manager": shop.Manager, "staff": shop.Staff()})
		for _, g := range shop.Groups {
			body := map[string]any{"store_id": shop.ID}
			if len(b.Labels) > 0 {
				body["labels"] = b.Labels
			}
			put("/groups/"+g.ID, body)
		}
	}
	if b.Welcome != "" {
		put("/welcomes/default", map[string]any{"text": b.Welcome})
	}
	if b.GroupWelcome != "" {
		put("/welcomes/group", map[string]any{"text": b.GroupWelcome})
	}
	for _, shop := range st.Stores {
		calls = append(calls, shop.codes(b.Codes)...)
	}
	if b.Reward != nil {
		put("/rewards/rule", b.Reward.body(st.Start))
	}
	for _, p := range b.Promotions {
		calls = append(calls, Call{http.MethodPost, "/promotions", p.body()})
	}
	return calls
}

// codes are the channels of a store's staff.
func (st Store) codes(codes []Code) []Call {
	var calls []Call
	add := func(name, staff string, more map[string]any) {
		more["name"], more["staff"] = name, staff
		calls = append(calls, Call{http.MethodPost, "/channels", more})
	}
	for _, c := range codes {
		for _, user := range st.With(c.Position) {
			if c.Contact {
				add(st.Name+" "+user, user, map[string]any{"kind": "contact_qr"})
				continue
			}
			for _, groups := range st.behind(c) {
				body := map[string]any{"kind": "group_qr", "chat_ids": idsOf(groups)}
				if c.AutoCreate {
					body["auto_create"], body["base_name"] = true, trimBytes(st.Name, 30)+"新群"
				}
				add(groups[0].Name+" "+user, user, body)
			}
		}
	}
	return calls
}

// behind are the groups behind each code of a member of staff. A code leads to at most five;
// those made last come first when people are led to the newest.
func (st Store) behind(c Code) [][]Group {
	newest := slices.Clone(st.Groups)
	slices.Reverse(newest)
	switch {
	case len(newest) == 0:
		return nil
	case c.Groups == "newest":
		return [][]Group{newest[:1]}
	case c.Groups == "all":
		return [][]Group{newest[:min(5, len(newest))]}
	}
	var out [][]Group
	for _, g := range st.Groups {
		out = append(out, []Group{g})
	}
	return out
}

func idsOf(groups []Group) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.ID)
	}
	return out
}

// trimBytes cuts a text to so many bytes, between characters.
func trimBytes(v string, n int) string { return strings.ToValidUTF8(v[:min(len(v), n)], "") }

func (r *Reward) body(from time.Time) map[string]any {
	tiers := []map[string]any{}
	for _, t := range r.Tiers {
		tier := map[string]any{"fen": t.Fen}
		if t.UpTo > 0 {
			tier["up_to"] = t.UpTo
		}
		tiers = append(tiers, tier)
	}
	return map[string]any{"effective_from": from, "hold": r.Hold, "clawback": r.Clawback, "once_per": r.OncePer, "tiers": tiers}
}

func (p Promotion) body() map[string]any {
	products := []map[string]any{}
	for _, one := range p.Products {
		product := map[string]any{"name": one.Name, "price_fen": one.Price, "was_fen": one.Was}
		if one.InStock > 0 { // 0 would be sold out
			product["stock"] = one.InStock
		}
		products = append(products, product)
	}
	targets := map[string]any{"all": true}
	if len(p.Stores) > 0 {
		targets = map[string]any{"stores": p.Stores}
	}
	return map[string]any{
		"name":     p.Name,
		"schedule": map[string]any{"cron": p.Cron, "missed": map[string]any{"policy": "send_within", "within": p.Within}},
		"targets":  targets, "message": map[string]any{"text": p.Text}, "products": products,
	}
}
