package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

var quiet = slog.New(slog.DiscardHandler)

func noRemember(*store.Tx, string) error { return nil }

// greeter is a platform that knows names, quickly or not.
type greeter struct {
	world *world
	slow  bool
}

func (g greeter) Contact(ctx context.Context, id bot.ExternalUserID) (bot.Contact, error) {
	if g.slow {
		<-ctx.Done()
		return bot.Contact{}, ctx.Err()
	}
	return bot.Contact{ID: id, Name: "李四"}, nil
}

func (g greeter) FollowUsers(context.Context) ([]bot.UserID, error) { return nil, nil }

func (g greeter) StaffMember(_ context.Context, id bot.UserID) (bot.StaffMember, error) {
	return bot.StaffMember{ID: id, Name: "张三"}, nil
}

// greet runs the welcome of one new contact and returns what is to be sent.
func (h *house) greet(g greeter, state string, late time.Duration) (SendWelcome, bool) {
	h.t.Helper()
	ctx := context.Background()
	w := &Welcome{Contacts: g, Staff: g, Store: h.store, Now: h.clock, Log: quiet}
	h.seq++
	code := fmt.Sprintf("code%d", h.seq)
	e := bot.Event{Kind: bot.KindContactAdded, At: h.clock(), Deadline: h.clock().Add(20*time.Second - late),
		Data: bot.ContactAdded{User: "zhangsan", Customer: "wm001", State: state, WelcomeCode: code}}
	e, err := w.Fetch(ctx, e)
	h.must(err)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return w.Handle(ctx, tx, e) }))
	a, err := h.store.Read(ctx).ActionByKey(SendWelcome{Code: code}.ActionKey())
	if errors.Is(err, store.ErrNotFound) {
		return SendWelcome{}, false
	}
	h.must(err)
	var s SendWelcome
	h.must(a.Decode(&s))
	return s, true
}

func TestAGreetingNamesPeopleAndWaitsForNobody(t *testing.T) {
	h := newHouse(t)
	if s, _ := h.greet(greeter{world: h.world}, "", 0); s.Message.Text != "您好李四,我是张三,很高兴为您服务。" {
		t.Errorf("got %q", s.Message.Text)
	}
	began := time.Now()
	if s, _ := h.greet(greeter{world: h.world, slow: true}, "", 0); s.Message.Text != "您好,我是张三,很高兴为您服务。" {
		t.Errorf("with a slow platform: %q", s.Message.Text)
	}
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("waited %v for a name", waited)
	}
	if _, ok := h.greet(greeter{world: h.world}, "", 20*time.Second); ok {
		t.Error("a greeting was written after its 20 seconds")
	}
}

func TestAChannelHasItsOwnGreeting(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ch := store.Channel{Name: "adviser", Kind: store.ChannelContact, Staff: "zhangsan", State: "C1", Status: store.ChannelActive}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.PutShop(store.Shop{ID: "s1", Name: "幸福里店", Staff: []string{"zhangsan"}}); err != nil {
			return err
		}
		return tx.AddChannel(&ch)
	}))
	g := &Greetings{Store: h.store}
	_, err := g.Put(ctx, fmt.Sprint(ch.ID), bot.Message{Text: "{store}欢迎{customer}"})
	h.must(err)
	if s, _ := h.greet(greeter{world: h.world}, "C1", 0); s.Message.Text != "幸福里店欢迎李四" {
		t.Errorf("got %q", s.Message.Text)
	}
	if s, _ := h.greet(greeter{world: h.world}, "other", 0); !strings.HasPrefix(s.Message.Text, "您好李四") {
		t.Errorf("got %q", s.Message.Text)
	}
	for _, bad := range []bot.Message{{}, {Text: strings.Repeat("x", 4001)}, {Text: "{name}"}, {Text: "x", Attachments: make([]bot.Attachment, 10)}} {
		if _, err := g.Put(ctx, "default", bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
