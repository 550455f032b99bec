package promotions

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func count(n int64) *int64 { return &n }

func TestProductsAreNamedAsTheyAreSold(t *testing.T) {
	for _, c := range []struct {
		name     string
		products []store.Product
		want     string
	}{
		{"nothing", nil, ""},
		{"one", []store.Product{{Name: "鸡蛋30枚", PriceFen: 990}}, "鸡蛋30枚 9.90元"},
		{"all that can be said", []store.Product{{Name: "鸡蛋30枚", PriceFen: 990, WasFen: 1990, Stock: count(200), Limit: 2}},
			"鸡蛋30枚 9.90元(原价19.90元) 限200份 每人限2份"},
		{"two", []store.Product{{Name: "蛋", PriceFen: 1}, {Name: "米", PriceFen: 100}}, "\n蛋 0.01元\n米 1.00元"},
		{"one sold out", []store.Product{{Name: "蛋", PriceFen: 1, Stock: count(0)}, {Name: "米", PriceFen: 100}}, "米 1.00元"},
		{"all sold out", []store.Product{{Name: "蛋", PriceFen: 1, Stock: count(0)}}, ""},
	} {
		if got := productLines(c.products); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAMessageSaysTheDayAndTheDeadline(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC) // Monday 10:00
	spec := store.PromotionSpec{Message: bot.Message{Text: "{date}{weekday} 到{deadline} {store}", Attachments: []bot.Attachment{
		{Type: bot.AttachLink, Title: "{weekday}特价", Desc: "{date}", URL: "https://example.com/{date}"},
	}}}
	m := write(spec, at, at.Add(12*time.Hour), zone)
	if m.Text != "11月23日周一 到22:00 {store}" {
		t.Errorf("%q", m.Text)
	}
	if a := m.Attachments[0]; a.Title != "周一特价" || a.Desc != "11月23日" || a.URL != "https://example.com/{date}" {
		t.Errorf("%+v", a)
	}
	if m := write(spec, at, at.Add(15*time.Hour), zone); !strings.Contains(m.Text, "到11月24日01:00") {
		t.Errorf("%q", m.Text)
	}
	if spec.Message.Attachments[0].Title != "{weekday}特价" {
		t.Error("the promotion itself was changed")
	}
}

func TestPicturesOfProductsComeAfterTheAttachments(t *testing.T) {
	spec := sale()
	spec.Message.Attachments = slices.Repeat([]bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "https://example.com"}}, 7)
	for _, name := range []string{"a", "b", "c", "d"} {
		spec.Products = append(spec.Products, store.Product{Name: name, ImageURL: "https://example.com/" + name})
	}
	spec.Products[1].Stock = count(0) // a is sold out
	m := write(spec, time.Time{}, time.Time{}, time.UTC)
	if len(m.Attachments) != maxAttached || m.Attachments[7].ImageURL != "https://example.com/b" || m.Attachments[8].ImageURL != "https://example.com/c" {
		t.Errorf("%+v", m.Attachments)
	}
}

// branches makes four groups: two of store s1, one of s2, one of none; ow0 owns those of s1
// and the one without a store, ow1 the one of s2.
func (h *shop) branches() {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for _, s := range []store.Shop{{ID: "s1", Name: "东门店", Region: "华东"}, {ID: "s2", Name: "西门店", Region: "华西"}} {
			if err := tx.PutShop(s); err != nil {
				return err
			}
		}
		if err := tx.NameStaff("ow0", "王"); err != nil {
			return err
		}
		for _, c := range []store.Chat{{ChatID: "wr1", Owner: "ow0", ShopID: "s1"}, {ChatID: "wr2", Owner: "ow0", ShopID: "s1"}, {ChatID: "wr3", Owner: "ow1", ShopID: "s2"}, {ChatID: "wr4", Owner: "ow0"}} {
			c.Name, c.Status = "小步超市会员群"+c.ChatID, store.ChatActive
			if err := tx.NewChat(c); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (h *shop) tasksOf(p *Planner, spec store.PromotionSpec) []SendMass {
	h.t.Helper()
	ctx := context.Background()
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	r := h.store.Read(ctx)
	occs, err := r.Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	tasks, err := r.Tasks(occs[0].ID)
	h.must(err)
	var out []SendMass
	for _, task := range tasks {
		a, err := r.ActionByKey(SendMass{Task: task.ID}.ActionKey())
		h.must(err)
		var m SendMass
		h.must(a.Decode(&m))
		out = append(out, m)
	}
	return out
}

func TestGroupsOfAnOwnerWithTheSameMessageShareATask(t *testing.T) {
	for text, want := range map[string][]string{
		"今天{products}":     {"ow0 wr1 wr2 wr4 今天鸡蛋30枚 9.90元(原价19.90元) 限200份", "ow1 wr3 今天鸡蛋30枚 9.90元(原价19.90元) 限200份"},
		"{store}{region}见": {"ow0 wr1 wr2 东门店华东见", "ow0 wr4 见", "ow1 wr3 西门店华西见"},
		"{owner}在{group}":  {"ow0 wr1 王在小步超市会员群wr1", "ow0 wr2 王在小步超市会员群wr2", "ow0 wr4 王在小步超市会员群wr4", "ow1 wr3 在小步超市会员群wr3"},
	} {
		h := newShop(t)
		h.branches()
		spec := sale()
		spec.Message.Text = text
		var got []string
		for _, m := range h.tasksOf(h.planner(), spec) {
			line := string(m.Owner)
			for _, c := range m.Chats {
				line += " " + string(c)
			}
			got = append(got, line+" "+m.Message.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestAMessageThatOneGroupMakesTooLongIsRefused(t *testing.T) {
	h := newShop(t)
	h.branches()
	ctx := context.Background()
	spec := sale()
	spec.Message.Text = strings.Repeat("鸡", 1300) + "{store}{group}" // 3900, 9 and 24 bytes: it fits
	p := h.planner()
	_, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	spec.Message.Text += "{group}{group}{group}"
	_, err = p.Create(ctx, spec, noRemember)
	var inv *handlers.Invalid
	if !errors.As(err, &inv) || inv.Field != "message.text" || !strings.Contains(inv.Detail, "4005 bytes") {
		t.Errorf("%v", err)
	}
	// A group that gets a longer name later is left out, and only that group.
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.Chat("wr2")
		if err != nil {
			return err
		}
		c.Name = strings.Repeat("长", 40)
		return tx.SaveChatRead(c)
	}))
	h.plan(p, time.Hour)
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: 1})
	h.must(err)
	for _, d := range ds {
		blocked := d.Status == store.DeliveryBlocked && strings.Contains(d.Reason, "4029 bytes")
		if blocked != (d.ChatID == "wr2") {
			t.Errorf("%+v", d.Delivery)
		}
	}
	if len(ds) != 4 {
		t.Errorf("%d deliveries", len(ds))
	}
}

func TestContentThatMakesNoSenseIsRefused(t *testing.T) {
	h := newShop(t)
	h.branches()
	for field, spoil := range map[string]func(*store.PromotionSpec){
		"message.text": func(s *store.PromotionSpec) { s.Message.Text = "{prodcuts}" },
		"message.attachments[0].title": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "{shop}", URL: "https://example.com"}}
		},
		"message.attachments[0].desc": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", Desc: strings.Repeat("{group}", 22), URL: "https://example.com"}}
		},
		"products[0].name":      func(s *store.PromotionSpec) { s.Products[0].Name = "{store}的蛋" },
		"products[0].stock":     func(s *store.PromotionSpec) { s.Products[0].Stock = count(-1) },
		"products[0].limit":     func(s *store.PromotionSpec) { s.Products[0].Limit = -1 },
		"products[0].image_url": func(s *store.PromotionSpec) { s.Products[0].ImageURL = "data:image/png;base64,x" },
	} {
		s := sale()
		spoil(&s)
		_, err := h.planner().Create(context.Background(), s, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
