package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// codeTown writes groups wr0 to wr2 of shop s1 and a code S0 to S2 for each.
func codeTown(t *testing.T, s *Store) []Channel {
	t.Helper()
	var out []Channel
	tx(t, s, func(tx *Tx) error {
		out = nil
		if err := tx.PutShop(Shop{ID: "s1", Region: "east"}); err != nil {
			return err
		}
		for i := range 3 {
			chat := fmt.Sprintf("wr%d", i)
			if err := tx.NewChat(Chat{ChatID: chat, Status: ChatActive, ShopID: "s1"}); err != nil {
				return err
			}
			c := Channel{Kind: ChannelGroup, State: fmt.Sprintf("S%d", i), Code: fmt.Sprintf("code%d", i), ShopID: "s1", ChatIDs: []string{chat}, Status: ChannelMaking}
			if err := tx.AddChannel(&c); err != nil {
				return err
			}
			if err := tx.OpenChannel(c.ID, "cfg", "qr"); err != nil {
				return err
			}
			if err := tx.SaveCondition(c); err != nil { // and need not be looked at
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	return out
}

func TestCodesAreLookedAtWhenTheirGroupsCrossALimit(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		codes := codeTown(t, s)
		due := func() (ids []int64) {
			all, err := s.Read(t.Context()).DueChannels(c.Now(), 10)
			must(t, err)
			for _, ch := range all {
				ids = append(ids, ch.ID)
			}
			return ids
		}
		calm := func() {
			tx(t, s, func(tx *Tx) error { return tx.db.Exec(`UPDATE channel SET look_at = NULL`).Error })
		}
		for _, step := range []struct {
			before, after int
			want          bool
		}{{0, 189, false}, {189, 190, true}, {190, 199, false}, {199, 200, true}, {200, 300, false}, {120, 320, true}, {200, 199, false}} {
			calm()
			tx(t, s, func(tx *Tx) error { return tx.LookAtCodesOf("wr1", step.before, step.after, 200) })
			if got := due(); (len(got) == 1 && got[0] == codes[1].ID) != step.want {
				t.Errorf("%+v: %v are due", step, got)
			}
		}
		calm()
		full := codes[1]
		full.Condition = CodeFull
		tx(t, s, func(tx *Tx) error { return tx.SaveCondition(full) })
		for name, look := range map[string]func(tx *Tx) error{
			"one left":       func(tx *Tx) error { return tx.LookAtCodesOf("wr1", 200, 199, 200) },
			"a group more":   func(tx *Tx) error { return tx.LookAtWaitingCodes() },
			"the night":      func(tx *Tx) error { return tx.LookAtTightCodes() },
			"group is gone":  func(tx *Tx) error { return tx.LookAtAllCodesOf("wr1") },
			"a shop's group": func(tx *Tx) error { return tx.PlaceChat("wr0", "s1", nil) },
		} {
			calm()
			tx(t, s, look)
			if got := due(); len(got) != 1 || got[0] != full.ID {
				t.Errorf("%s: %v are due", name, got)
			}
		}
	})
}

func TestOneHoldsACode(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		id := codeTown(t, s)[0].ID
		tx(t, s, func(tx *Tx) error { return tx.ClaimChannel(id, "a", time.Minute) })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.ClaimChannel(id, "b", time.Minute) }); !errors.Is(err, ErrStale) {
			t.Errorf("a second one: %v", err)
		}
		c.Add(time.Minute)
		tx(t, s, func(tx *Tx) error { return tx.ClaimChannel(id, "b", time.Minute) })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.ReleaseChannel(id, "a", time.Time{}) }); !errors.Is(err, ErrStale) {
			t.Errorf("one who lost it: %v", err)
		}
		tx(t, s, func(tx *Tx) error { return tx.DropChannel(id, "b", c.Now()) })
		if ch, err := s.Read(t.Context()).Channel(id); err != nil || ch.LeaseOwner != "b" || !ch.LookAt.Equal(c.Now()) {
			t.Errorf("cut off: %+v %v", ch, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.CloseChannel(id) })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.ClaimChannel(id, "c", time.Minute) }); !errors.Is(err, ErrStale) {
			t.Errorf("a deleted one: %v", err)
		}
	})
}

func TestTheEstateCountsByDay(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		codes := codeTown(t, s)
		days := []time.Time{c.Now().AddDate(0, 0, -2), c.Now().AddDate(0, 0, -1), c.Now()}
		tx(t, s, func(tx *Tx) error {
			for i, at := range []time.Duration{-100 * time.Hour, -30 * time.Hour, -24 * time.Hour, 0, time.Hour} {
				st := Stint{ChatID: "wr0", UserID: fmt.Sprintf("wm%d", i), Kind: "customer", State: "S0", JoinedAt: c.Now().Add(at), JoinScene: "qr"}
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
			}
			return tx.AddContact(Contact{Customer: "wm1", UserID: "u", AddedAt: c.Now(), State: "S1"})
		})
		r := s.Read(t.Context())
		joins, err := r.CodeJoins([]string{"S0", "S1", "S2"}, days)
		must(t, err)
		got := joins["S0"]
		if got.Total != 5 || fmt.Sprint(got.Days) != "[1 1 2]" || !got.Last.Equal(c.Now().Add(time.Hour)) || len(joins) != 1 {
			t.Errorf("joins %+v", joins)
		}
		contacts, err := r.CodeContacts([]string{"S0", "S1"}, days)
		must(t, err)
		if contacts["S1"].Total != 1 || contacts["S1"].Days[2] != 1 {
			t.Errorf("contacts %+v", contacts)
		}
		rooms, err := r.CodeRooms([]int64{codes[0].ID})
		must(t, err)
		if len(rooms) != 1 || rooms["wr0"].QRJoins != 5 {
			t.Errorf("groups %+v", rooms)
		}
		tx(t, s, func(tx *Tx) error { // a code without a shop is of that of its groups
			codes[2].ShopID, codes[2].Condition = "", CodeFull
			return errors.Join(tx.EditChannel(codes[2]), tx.SaveCondition(codes[2]))
		})
		if bad, err := r.AlarmedChannels("s1"); err != nil || len(bad) != 1 || bad[0].ID != codes[2].ID {
			t.Errorf("codes that lead nowhere: %+v %v", bad, err)
		}
		if bad, err := r.AlarmedChannels("s2"); err != nil || len(bad) != 0 {
			t.Errorf("of another shop: %+v %v", bad, err)
		}
		for status, want := range map[string]int{"": 3, CodeLive: 2, CodeUnused: 0, CodeFull: 1, CodeDead: 0} {
			some, err := r.Estate(EstateFilter{Region: "east", Shop: "s1", Status: status, Idle: c.Now().Add(time.Hour)})
			if err != nil || len(some) != want {
				t.Errorf("%q: %d codes %v, want %d", status, len(some), err, want)
			}
		}
		if n, err := r.CodesOf("wr0"); err != nil || n != 1 {
			t.Errorf("%d codes lead to wr0: %v", n, err)
		}
	})
}

func TestPersonalCodesAreOneForAMemberAndGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		add := func(state string) (id int64, err error) {
			err = s.Tx(t.Context(), func(tx *Tx) error {
				ch := Channel{Kind: ChannelGroup, Purpose: PurposeReferral, State: state, Referrer: "wm1", HomeChat: "wr1", ChatIDs: []string{"wr1"}, Status: ChannelMaking}
				if err := tx.AddChannel(&ch); err != nil {
					return err
				}
				id = ch.ID
				return tx.OpenChannel(id, "cfg", "qr")
			})
			return id, err
		}
		id, err := add("R1")
		must(t, err)
		if _, err := add("R2"); err == nil {
			t.Error("a member has two codes for a group")
		}
		r := s.Read(t.Context())
		if idle, err := r.IdleReferrals(c.Now().Add(-time.Hour), 10); err != nil || len(idle) != 1 || idle[0].ID != id || idle[0].ChatIDs[0] != "wr1" {
			t.Errorf("of somebody who is not there: %+v %v", idle, err)
		}
		tx(t, s, func(tx *Tx) error {
			for _, st := range []Stint{{ChatID: "wr1", UserID: "wm1", Kind: "customer", JoinedAt: c.Now()}, {ChatID: "wr1", UserID: "wm2", Kind: "customer", State: "R1", Referrer: "wm1", JoinedAt: c.Now()}} {
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
			}
			return nil
		})
		for since, want := range map[time.Duration]int64{-time.Hour: 0, time.Hour: 1} {
			if n, err := r.IdleReferralCount(c.Now().Add(since)); err != nil || n != want {
				t.Errorf("since %v: %d idle, want %d: %v", since, n, want, err)
			}
		}
		if b, err := r.BroughtBy([]string{"R1", "R9"}); err != nil || b["R1"].Joins != 1 || b["R1"].Present != 1 {
			t.Errorf("brought %+v %v", b, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.CloseChannel(id) })
		if _, err := add("R3"); err != nil {
			t.Errorf("a new code after the old was retired: %v", err)
		}
		if n, err := r.WayCounts(); err != nil || n.Used != 1 || n.Referrals != 1 {
			t.Errorf("counts %+v %v", n, err)
		}
	})
}
