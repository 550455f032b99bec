package moderation

import (
	"context"
	"testing"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

// spammerWithGuests is a desk whose wm001 has a personal code by which wm002 and wm003 came,
// brought in at the same time by the cashier; the reward for wm003 is payable already.
func spammerWithGuests(t *testing.T) (h *desk, held, payable store.Entry) {
	h = deskWithGroup(t, 3)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		ch := store.Channel{Name: "老带新", Kind: store.ChannelGroup, State: "xbref", Status: store.ChannelMaking, ChatIDs: []string{string(g1)},
			Purpose: store.PurposeReferral, Referrer: "wm001", HomeChat: string(g1), Code: "c1"}
		if err := tx.AddChannel(&ch); err != nil {
			return err
		}
		if err := tx.OpenChannel(ch.ID, "conf1", "https://e.com/qr"); err != nil {
			return err
		}
		for i, e := range []*store.Entry{&held, &payable} {
			st := store.Stint{ChatID: "wr2", UserID: []string{"wm002", "wm003"}[i], Kind: "customer", JoinedAt: tx.Now, State: "xbref", Inviter: "cashier", Referrer: "wm001"}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			*e = store.Entry{Key: "join:" + st.UserID, StintID: st.ID, Staff: "cashier", ChatID: "wr2", Member: st.UserID, AmountFen: 50, Status: store.EntryHeld, EarnedAt: tx.Now, DueAt: tx.Now.Add(time.Hour), Period: "2026-11", Reason: "rewarded", RuleVersion: 1}
			if _, err := tx.AddEntry(e); err != nil {
				return err
			}
		}
		return tx.MoveEntry(payable, store.EntryPayable, "rewarded", nil)
	}))
	return h, held, payable
}

func (h *desk) consequences(cause string) map[string]string {
	h.t.Helper()
	all, err := h.store.Read(context.Background()).Consequences(cause)
	h.must(err)
	out := map[string]string{}
	for _, c := range all {
		out[c.Kind] += c.State
	}
	return out
}

func TestARemovedInviterBringsNobodyMore(t *testing.T) {
	h, held, payable := spammerWithGuests(t)
	r := h.store.Read(context.Background())
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: advert})
	c, err := r.OpenCase(g1, "wm001")
	h.must(err)
	h.deliver(h.world.leave(g1, "wm001", 1))
	h.pass(time.Minute)
	if got := h.consequences(CaseCause(c.ID)); got["code"] != store.ConsequenceWanted || got["flag"] != store.ConsequenceDone {
		t.Fatalf("consequences %v", got)
	}
	flag, err := r.Flag(held.ID)
	if err != nil || flag.Status != store.FlagOpen || flag.Signals[0].Name != handlers.SignalRemovedInviter {
		t.Errorf("flag %+v, %v", flag, err)
	}
	if _, err := r.Flag(payable.ID); err == nil {
		t.Error("what is payable was flagged")
	}
	by, err := Inviter(r, store.Case{ChatID: "wr2", Member: "wm002"})
	if err != nil || by.Inviter != "wm001" || !by.Customer || by.People != 2 || by.Removed != 0 {
		t.Errorf("inviter %+v, %v", by, err)
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return release(tx, c) }))
	if got := h.consequences(CaseCause(c.ID)); got["code"] != store.ConsequenceUndone || got["flag"] != store.ConsequenceUndone {
		t.Errorf("after the release: %v", got)
	}
	if _, err := r.Flag(held.ID); err == nil {
		t.Error("the flag stayed")
	}
	if acts, err := r.ActionsLike("code_"); err != nil || len(acts) != 1 || acts[0].State != store.ActionCancelled {
		t.Errorf("actions %+v, %v", acts, err)
	}
}

func TestWhatStandsForTwoReasonsOutlivesOne(t *testing.T) {
	h, held, _ := spammerWithGuests(t)
	ctx := context.Background()
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		for _, cause := range []string{"case:7", "block:wm001"} {
			if err := stop(tx, cause, "wm001"); err != nil {
				return err
			}
		}
		return release(tx, store.Case{ID: 7})
	}))
	if f, err := h.store.Read(ctx).Flag(held.ID); err != nil || f.Status != store.FlagOpen {
		t.Errorf("flag %+v, %v", f, err)
	}
	if acts, err := h.store.Read(ctx).ActionsLike("code_"); err != nil || len(acts) != 1 || acts[0].State != store.ActionPending {
		t.Errorf("actions %+v, %v", acts, err)
	}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return takeBack(tx, "block:wm001") }))
	if _, err := h.store.Read(ctx).Flag(held.ID); err == nil {
		t.Error("the flag stayed although nothing asks for it")
	}
}

func TestWhoLeftByHimselfKeepsHisCode(t *testing.T) {
	h, _, _ := spammerWithGuests(t)
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: advert})
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	if got := h.consequences("case:1"); len(got) != 0 {
		t.Errorf("consequences %v", got)
	}
}
