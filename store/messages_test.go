package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestMessagesAreWrittenAllOrNone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		message := func(i int) Message {
			return Message{MessageID: fmt.Sprintf("m%03d", i), ChatID: "wr1", Sender: "wm1", SentAt: t0, Text: "兼职\n加我", Verdict: "spam", Score: 0.97, Kind: "link",
				SenderName: "小王", TextScore: 0.5, Fingerprint: -7, Would: "remove", Action: "none", Tokens: []int64{int64(i), -1}}
		}
		var many []Message
		for i := range 2*rowsAtOnce + 1 {
			many = append(many, message(i))
		}
		tx(t, s, func(tx *Tx) error { return tx.AddMessages(many) })
		tx(t, s, func(tx *Tx) error { return tx.AddMessages(nil) })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.AddMessages([]Message{message(500), message(7)}) }); !errors.Is(err, ErrKnownMessage) {
			t.Errorf("a known message was written again: %v", err)
		}
		got, err := r.Messages([]string{"m007", "m500", "m000"})
		if err != nil || len(got) != 2 || got[0].MessageID != "m000" {
			t.Fatalf("%d messages, %v", len(got), err)
		}
		want := message(7)
		want.ReceivedAt, want.Reasons, want.Tokens = t0, []Reason{}, nil
		if fmt.Sprintf("%+v", got[1]) != fmt.Sprintf("%+v", want) {
			t.Errorf("written %+v\nread    %+v", want, got[1])
		}
		tokens, err := all[MessageToken](r.db.Where("token = -1").Order("message_id"))
		if err != nil || len(tokens) != len(many) || tokens[7].MessageID != "m007" || !tokens[7].SentAt.Equal(t0) {
			t.Errorf("%d tokens, %v", len(tokens), err)
		}
	})
}

func TestMessagesAreTakenBackAndForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		tx(t, s, func(tx *Tx) error {
			return tx.AddMessage(Message{MessageID: "m1", SentAt: t0, Tokens: []int64{1, 2, 3}})
		})
		for i := range 2 {
			tx(t, s, func(tx *Tx) error { return tx.Revoke("m1", t0.Add(time.Duration(i+1)*time.Minute)) })
		}
		if m, err := r.Message("m1"); err != nil || !m.RevokedAt.Equal(t0.Add(time.Minute)) {
			t.Errorf("revoked at %v, %v", m.RevokedAt, err)
		}
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.Revoke("m2", t0) }); !errors.Is(err, ErrNotFound) {
			t.Errorf("a message nobody sent was taken back: %v", err)
		}
		for _, step := range []struct {
			before time.Time
			want   int64
		}{{t0, 0}, {t0.Add(time.Millisecond), 2}, {t0.Add(time.Millisecond), 1}} {
			tx(t, s, func(tx *Tx) error {
				if n, err := tx.PruneTokens(step.before, 2); err != nil || n != step.want {
					t.Errorf("%d tokens forgotten, %v", n, err)
				}
				return nil
			})
		}
	})
}
