package moderation

import (
	"context"
	"errors"
	"testing"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

func noKey(*store.Tx, string) error { return nil }

func (h *desk) report(member, reporter string) store.MemberReport {
	h.t.Helper()
	r, _, err := h.Report(context.Background(), store.MemberReport{ChatID: string(g1), Member: member, Reporter: reporter}, noKey)
	h.must(err)
	return r
}

func (h *desk) openCases() int {
	h.t.Helper()
	n, err := h.store.Read(context.Background()).Cases(store.CaseOpen, 0, 0)
	h.must(err)
	return len(n)
}

func TestEnoughReportsHaveAPersonLookAtIt(t *testing.T) {
	h := deskWithGroup(t, 6)
	for _, by := range []string{"wm002", "wm003", "wm003", "wm002"} {
		if r := h.report("wm001", by); r.Weight != 0.25 || r.Staff {
			t.Errorf("report %+v", r)
		}
	}
	if n := h.openCases(); n != 0 {
		t.Fatalf("%d cases after two people", n)
	}
	if r := h.report("wm001", "wm004"); r.CaseID == nil {
		t.Fatalf("three people: %+v", r)
	}
	h.report("wm001", "wm005")
	c, err := h.store.Read(context.Background()).OpenCase(g1, "wm001")
	h.must(err)
	if c.Action != ActWarn || c.Verdict != "suspect" || c.Reasons[0].Check != "reports" || h.openCases() != 1 {
		t.Errorf("case %+v", c)
	}
	if r := h.report("wm006", "owner"); !r.Staff || r.Weight != 0.75 || r.CaseID == nil {
		t.Errorf("a word of staff: %+v", r)
	}
}

func TestAReporterIsWorthWhatHeWasRight(t *testing.T) {
	h := deskWithGroup(t, 4)
	ctx := context.Background()
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: advert})
	h.report("wm001", "wm002")
	h.judge(FeedMessage{MessageID: "m2", Chat: g1, Sender: "wm003", Text: advert})
	h.report("wm003", "wm004")
	c, err := h.store.Read(ctx).OpenCase(g1, "wm003")
	h.must(err)
	_, err = h.Dismiss(ctx, c.ID, "", "")
	h.must(err)
	h.deliver(h.world.leave(g1, "wm001", 1))
	h.pass(time.Minute)
	if r := h.report("wm003", "wm002"); r.Weight != 0.4 {
		t.Errorf("right once: %+v", r)
	}
	if r := h.report("wm002", "wm004"); r.Weight != 0.2 {
		t.Errorf("wrong once: %+v", r)
	}
}

func TestReportsThatCannotBeAreRefused(t *testing.T) {
	h := deskWithGroup(t, 2)
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm002", Text: "在吗"})
	for field, r := range map[string]store.MemberReport{
		"chat_id":    {Member: "wm001", Reporter: "wm002"},
		"member":     {ChatID: string(g1), Member: "owner", Reporter: "wm001"},
		"reporter":   {ChatID: string(g1), Member: "wm001", Reporter: "wm777"},
		"message_id": {ChatID: string(g1), Member: "wm001", Reporter: "wm002", MessageID: "m1"},
	} {
		var inv *handlers.Invalid
		if _, _, err := h.Report(context.Background(), r, noKey); !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	var inv *handlers.Invalid
	if _, _, err := h.Report(context.Background(), store.MemberReport{ChatID: string(g1), Member: "wm001", Reporter: "wm001"}, noKey); !errors.As(err, &inv) {
		t.Errorf("somebody reports himself: %v", err)
	}
}
