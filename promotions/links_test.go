package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// linker is a planner whose random codes are told apart by their first letters.
func (h *shop) linker() *Planner {
	p := h.planner()
	p.PublicURL = "https://xiaobu.example"
	n := 0
	p.Random = func() string { n++; return fmt.Sprintf("K%03dABCDEFGHIJKL", n) }
	return p
}

// shops makes four groups of two owners in two stores; one is in none.
func (h *shop) shops() {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := errors.Join(tx.PutShop(store.Shop{ID: "s1", Name: "东门店"}), tx.PutShop(store.Shop{ID: "s2", Name: "西门店"})); err != nil {
			return err
		}
		for _, c := range []store.Chat{{ChatID: "wr00", Owner: "owner0", ShopID: "s1"}, {ChatID: "wr01", Owner: "owner1", ShopID: "s2"},
			{ChatID: "wr02", Owner: "owner0", ShopID: "s1"}, {ChatID: "wr03", Owner: "owner1"}} {
			c.Status = store.ChatActive
			if err := tx.NewChat(c); err != nil {
				return err
			}
		}
		return nil
	}))
}

func linkedSale(per string) store.PromotionSpec {
	s := sale()
	s.Message.Text = "今天秒杀 {link}"
	s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "秒杀", URL: "{link}"},
		{Type: bot.AttachMiniprogram, Title: "秒杀", AppID: "wx1", Page: "pages/sale?from={code}", MediaID: "m"}}
	s.Link = &store.LinkSpec{URL: "https://shop.example/sale?from={code}&to=鸡蛋#{code}", Per: per}
	return s
}

func TestEachScopeHasALinkOfItsOwn(t *testing.T) {
	for per, want := range map[string]string{
		PerPromotion: "://", PerOwner: "owner0:/owner0/s1 owner1:/owner1/", "": "owner0:/owner0/s1 owner1:/owner1/", PerStore: ":wr03/owner1/ s1:/owner0/s1 s2:wr01/owner1/s2",
		PerGroup: "wr00:wr00/owner0/s1 wr01:wr01/owner1/s2 wr02:wr02/owner0/s1 wr03:wr03/owner1/",
	} {
		h := newShop(t)
		h.shops()
		p := h.linker()
		ctx := context.Background()
		promo, err := p.Create(ctx, linkedSale(per), noRemember)
		h.must(err)
		occ, err := p.RunNow(ctx, promo.ID, false, noRemember)
		h.must(err)
		h.must(p.Plan(ctx))
		r := h.store.Read(ctx)
		links, err := r.LinksOf(occ.ID, []string{"", "owner0", "owner1", "s1", "s2", "wr00", "wr01", "wr02", "wr03"})
		h.must(err)
		var got []string
		for scope, l := range links {
			if !strings.HasPrefix(l.Code, "k0") || len(l.Code) != linkCodeLength || l.URL != "https://shop.example/sale?from="+l.Code+"&to=%E9%B8%A1%E8%9B%8B#"+l.Code {
				t.Errorf("%s: %+v", per, l)
			}
			got = append(got, fmt.Sprintf("%s:%s/%s/%s", scope, l.ChatID, l.Owner, l.ShopID))
		}
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("per %q: %s, want %s", per, strings.Join(got, " "), want)
		}
		p.sentWith(t, h, occ, per, links)
	}
}

// sentWith demands that every group gets the link of its own scope, wherever it stands.
func (p *Planner) sentWith(t *testing.T, h *shop, occ store.Occurrence, per string, links map[string]store.Link) {
	t.Helper()
	r := h.store.Read(context.Background())
	tasks, err := r.Tasks(occ.ID)
	h.must(err)
	groups := 0
	for _, task := range tasks {
		a, err := r.ActionByKey(SendMass{Task: task.ID}.ActionKey())
		h.must(err)
		var m SendMass
		h.must(a.Decode(&m))
		for _, id := range m.Chats {
			groups++
			chat, err := r.Chat(id)
			h.must(err)
			l := links[linkScope(per, chat)]
			at := p.PublicURL + "/l/" + l.Code
			if m.Message.Text != "今天秒杀 "+at || m.Message.Attachments[0].URL != at || m.Message.Attachments[1].Page != "pages/sale?from="+l.Code {
				t.Errorf("per %q: %s gets %+v, want %s", per, id, m.Message, at)
			}
		}
	}
	if groups != 4 {
		t.Errorf("per %q: %d groups get it", per, groups)
	}
}

// A link that a later batch goes on with is the same one, and knows less then.
func TestALinkGoesOnInTheNextBatch(t *testing.T) {
	h := newShop(t)
	h.shops()
	p := h.linker()
	ctx := context.Background()
	promo, err := p.Create(ctx, linkedSale(PerOwner), noRemember)
	h.must(err)
	occ, err := p.RunNow(ctx, promo.ID, false, noRemember)
	h.must(err)
	occ, err = h.store.Read(ctx).Occurrence(occ.ID)
	h.must(err)
	occ.Spec = promo.Spec
	for i, c := range []struct{ chat, shop, wantChat, wantShop string }{{"wr00", "s1", "wr00", "s1"}, {"wr02", "s1", "", "s1"}, {"wr04", "s2", "", ""}, {"wr00", "s1", "", ""}} {
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
			codes, err := p.linkCodes(tx, occ, []store.Chat{{ChatID: c.chat, Owner: "owner9", ShopID: c.shop}})
			if err != nil {
				return err
			}
			l, err := tx.LinkByCode(codes[c.chat])
			if err != nil || !strings.HasPrefix(l.Code, "k003") || l.ChatID != c.wantChat || l.ShopID != c.wantShop || l.Owner != "owner9" {
				t.Errorf("batch %d: %+v %v", i, l, err)
			}
			return nil
		}))
	}
}

func TestLinksThatMakeNoSenseAreRefused(t *testing.T) {
	h := newShop(t)
	h.groups(1)
	p := h.linker()
	for name, c := range map[string]struct {
		field string
		spoil func(*store.PromotionSpec)
	}{
		"no link":           {"message.text", func(s *store.PromotionSpec) { s.Link = nil }},
		"no link, attached": {"message.attachments[0].url", func(s *store.PromotionSpec) { s.Link, s.Message.Text = nil, "x" }},
		"no link, only a code": {"message.attachments[1].page", func(s *store.PromotionSpec) {
			s.Link, s.Message.Text, s.Message.Attachments[0].URL = nil, "x", "https://a.example"
		}},
		"unused":              {"link", func(s *store.PromotionSpec) { s.Message = bot.Message{Text: "x"} }},
		"per":                 {"link.per", func(s *store.PromotionSpec) { s.Link.Per = "customer" }},
		"empty":               {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "" }},
		"script":              {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "javascript:alert(1)" }},
		"opaque":              {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https:evil.example" }},
		"no scheme":           {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "//evil.example" }},
		"header":              {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https://a.example/\r\nSet-Cookie: a=b" }},
		"in the host":         {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https://{code}.example/" }},
		"unknown placeholder": {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https://a.example/{customer}" }},
		"a circle":            {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https://xiaobu.example/l/{code}" }},
		"long":                {"link.url", func(s *store.PromotionSpec) { s.Link.URL = "https://a.example/" + strings.Repeat("a", 1000) }},
		"a product's name":    {"products[0].name", func(s *store.PromotionSpec) { s.Products[0].Name = "蛋{link}" }},
		"too long with it":    {"message.text", func(s *store.PromotionSpec) { s.Message.Text = strings.Repeat("{link}", 120) }},
	} {
		s := linkedSale("")
		c.spoil(&s)
		_, err := p.Create(context.Background(), s, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != c.field {
			t.Errorf("%s: %v, want %s", name, err, c.field)
		}
	}
	only := linkedSale("") // a mini-program needs no address
	only.Message.Text, only.Message.Attachments, only.Link.URL = "x", only.Message.Attachments[1:], ""
	if _, err := p.Create(context.Background(), only, noRemember); err != nil {
		t.Errorf("a code without an address: %v", err)
	}
}

func TestWhereALinkLeadsCanStandInAHeader(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example":                          "https://a.example",
		"https://a.example/{code}":                   "https://a.example/c1",
		"https://a.example/x y?q=a b":                "https://a.example/x%20y?q=a%20b",
		"https://a.example/秒杀?q=秒杀#秒杀":               "https://a.example/%E7%A7%92%E6%9D%80?q=%E7%A7%92%E6%9D%80#%E7%A7%92%E6%9D%80",
		"https://a.example/%2F%2Fb?u=http%3A%2F%2Fb": "https://a.example/%2F%2Fb?u=http%3A%2F%2Fb",
	} {
		if got := linkTarget(address, "c1"); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// A link that only this machine can open is worth a warning; without {link} there is none.
func TestALinkNobodyCanOpenIsWarnedOf(t *testing.T) {
	for address, want := range map[string]bool{"https://xiaobu.example": false, "http://127.0.0.1:8080": true, "http://localhost": true, "http://192.168.1.2": true} {
		for _, text := range []string{"秒杀 {link}", "秒杀"} {
			h := newShop(t)
			p := h.linker()
			p.PublicURL = address
			in := &inspection{p: p, spec: store.PromotionSpec{Message: bot.Message{Text: text}}}
			in.linkHost()
			found := len(in.findings) == 1 && in.findings[0].Code == FindLinkHost && in.findings[0].Level == store.Yellow
			if found != (want && text != "秒杀") {
				t.Errorf("%s %s: %+v", address, text, in.findings)
			}
		}
	}
}
