package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

func TestWhyCaseTellsWhatLedToItAndWhoDidWhat(t *testing.T) {
	t.Chdir(t.TempDir())
	at := time.Date(2026, 11, 23, 2, 5, 0, 0, time.UTC)
	s, err := store.Open(context.Background(), "sqlite:xiaobu.db", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	err = s.Tx(context.Background(), func(tx *store.Tx) error {
		c := store.Case{ChatID: "wr1", Member: "wm1", MemberName: "兼职小王", Text: "加V领红包", Verdict: "spam", Score: 0.97, Action: "remove", Rung: "block",
			Status: store.CaseOpen, Reasons: []store.Reason{{Check: "contact", Detail: "留了微信号", Weight: 2, Spans: []store.Span{{Start: 0, End: 4}}}}}
		if err := tx.NewChat(store.Chat{ChatID: "wr1", Name: "一群", Status: store.ChatActive}); err != nil {
			return err
		}
		if err := tx.AddCase(&c); err != nil {
			return err
		}
		return errors.Join(tx.AddStep(store.CaseStep{CaseID: c.ID, What: store.StepOpened}), tx.AddStep(store.CaseStep{CaseID: c.ID, What: store.StepClaimFalse, Who: "wang"}),
			tx.AddMessages([]store.Message{{MessageID: "m1", ChatID: "wr1", Sender: "wm1", SentAt: at, Text: "加V领红包", CaseID: &c.ID, Verdict: "spam"}}),
			tx.AddStrike(store.Strike{Member: "wm1", ChatID: "wr1", Verdict: "spam", Rung: "block", CaseID: &c.ID, ExpiresAt: at.Add(time.Hour)}))
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	r := xiaobu(t, "", nil, "why", "case", "1")
	for _, want := range []string{"兼职小王(wm1)", "一群(wr1)", "contact: 留了微信号 「加V」", "处罚阶梯 rung of the ladder: block", "声称不实 claim_false wang", "m1: 加V领红包", "spam → block"} {
		if r.code != exitDone || !strings.Contains(r.out, want) {
			t.Errorf("%d: no %q in\n%s%s", r.code, want, r.out, r.err)
		}
	}
}
