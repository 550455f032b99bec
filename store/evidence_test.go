package store

import (
	"testing"
	"time"

	"xiaobu/bot"
)

func TestEvidenceOutlivesItsCallback(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		call := event("k1", "chat:wr1")
		call.At = t0
		_, err := s.PutEvents(t.Context(), call)
		must(t, err)
		st := Stint{ChatID: "wr1", UserID: "wm1", Kind: "customer", JoinedAt: t0}
		channel := int64(7)
		keep := func(tx *Tx) error {
			id, err := tx.KeepCallback(1)
			if err != nil {
				return err
			}
			if err := tx.TellJoin(st.ID, id); err != nil {
				return err
			}
			return tx.TellLeave(st.ID, id)
		}
		tx(t, s, func(tx *Tx) error {
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			if err := tx.PutEvidence(Evidence{StintID: st.ID, JoinRead: t0.Add(time.Second), JoinVersion: "v1", Invitor: "li", ChannelID: &channel, ChannelName: "码"}); err != nil {
				return err
			}
			if err := tx.PutLeaveEvidence(Evidence{StintID: st.ID, LeaveRead: t0.Add(time.Minute), LeaveVersion: "v2", LeaveBy: LeaveByRead}); err != nil {
				return err
			}
			if err := tx.PutLeaveEvidence(Evidence{StintID: st.ID, LeaveRead: t0.Add(time.Hour), LeaveVersion: "v3", LeaveBy: LeaveByCallback}); err != nil {
				return err
			}
			return keep(tx)
		})
		e, err := r.Evidence(st.ID)
		must(t, err)
		if !e.Kept() || e.JoinCallback == nil || *e.JoinCallback != *e.LeaveCallback || *e.ChannelID != 7 || e.Invitor != "li" || !e.JoinRead.Equal(t0.Add(time.Second)) {
			t.Errorf("kept: %+v", e)
		}
		if !e.LeaveRead.Equal(t0.Add(time.Minute)) || e.LeaveVersion != "v2" || e.LeaveBy != LeaveByCallback {
			t.Errorf("the first read that missed the person: %+v", e)
		}
		_, err = s.PutEvents(t.Context(), call, call)
		must(t, err)
		if got, event, err := r.Callback(*e.JoinCallback); err != nil || got.Key != "k1" || got.Duplicates != 2 || event != 1 || !got.At.Equal(t0) {
			t.Errorf("while the inbox has it: %+v %d %v", got, event, err)
		}
		_, err = s.RouteEvents(t.Context(), 10, func(*Tx, bot.Event) ([]Route, error) { return nil, nil })
		must(t, err)
		tx(t, s, func(tx *Tx) error {
			n, err := tx.PruneInbox(t0.Add(time.Hour), 10)
			if n != 1 {
				t.Errorf("%d events were forgotten", n)
			}
			return err
		})
		if got, event, err := r.Callback(*e.JoinCallback); err != nil || got.Duplicates != 2 || event != 0 {
			t.Errorf("when the inbox has forgotten: %+v %d %v", got, event, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.DropLeaveEvidence(st.ID) })
		if e, err = r.Evidence(st.ID); err != nil || e.LeaveCallback != nil || e.LeaveBy != "" || !e.LeaveRead.IsZero() || e.ReopenedAt.IsZero() {
			t.Errorf("an end that was taken back: %+v %v", e, err)
		}
		if e, err = r.Evidence(99); err != nil || e.Kept() {
			t.Errorf("of an old stay: %+v %v", e, err)
		}
	})
}

func TestWhoWasThereIsCountedFromTheBooks(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		t0 := c.Now()
		stays := []Stint{
			{UserID: "wm1", JoinedAt: t0, LeftAt: t0.Add(2 * time.Second)},
			{UserID: "wm2", JoinedAt: t0, LeftAt: t0.Add(3 * time.Second)},
			{UserID: "wmb", JoinedAt: t0.Add(2 * time.Second)},
			{UserID: "wma", JoinedAt: t0.Add(2 * time.Second), LeftAt: t0.Add(2 * time.Second)}, // gone in the same second
			{UserID: "wmc", JoinedAt: t0.Add(2 * time.Second)},
			{UserID: "staff", Kind: "staff", JoinedAt: t0},
		}
		tx(t, s, func(tx *Tx) error {
			for i := range stays {
				if stays[i].ChatID = "wr1"; stays[i].Kind == "" {
					stays[i].Kind = "customer"
				}
				if _, err := tx.AddStint(&stays[i]); err != nil {
					return err
				}
			}
			return nil
		})
		r := s.Read(t.Context())
		for i, want := range map[int][]string{0: {"wm1"}, 1: {"wm1", "wm2"}, 2: {"wm2", "wmb"}, 3: {"wm2", "wma"}, 4: {"wm2", "wmb", "wmc"}} {
			got, err := r.PeopleAt(stays[i], 10)
			must(t, err)
			equal(t, stays[i].UserID, ids(got, func(c Counted) string { return c.UserID }), want)
		}
		told, err := r.StaysTold("wr1", []string{"wmb", "wmc", "nobody"}, []time.Time{t0.Add(3 * time.Second)})
		must(t, err)
		equal(t, "told of", ids(told, func(s Stint) string { return s.UserID }), []string{"wmb", "wmc", "wm2"})
		if one, err := r.PeopleAt(stays[4], 1); err != nil || len(one) != 1 {
			t.Errorf("a limit: %+v %v", one, err)
		}
	})
}

func TestTheRulesBeforeAndAfter(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		tx(t, s, func(tx *Tx) error {
			for i := range 3 {
				if err := tx.AddRule(&Rule{EffectiveFrom: t0.AddDate(1, 0, -i), OncePer: "corp", Tiers: []Tier{{Fen: 1}}}); err != nil {
					return err
				}
			}
			return nil
		})
		around, err := r.RulesAround(3)
		must(t, err)
		equal(t, "around 3", ids(around, func(r Rule) string { return string(rune('0' + r.Version)) }), []string{"2", "3", "4"})
		if next, err := r.NextRule(t0.AddDate(1, 0, -2)); err != nil || next.Version != 3 {
			t.Errorf("the next: %+v %v", next, err)
		}
		if _, err := r.NextRule(t0.AddDate(2, 0, 0)); err != ErrNotFound {
			t.Errorf("after all: %v", err)
		}
	})
}
