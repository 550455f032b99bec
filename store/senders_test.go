package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"xiaobu/bot"
)

func TestAroundAMessageAreItsCopiesAndTheSendersOthers(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		t0 := c.Now()
		tx(t, s, func(tx *Tx) error {
			var msgs []Message
			add := func(chat, sender string, ago time.Duration, print int64, tokens ...int64) {
				msgs = append(msgs, Message{MessageID: fmt.Sprint("m", len(msgs)), ChatID: chat, Sender: sender, SentAt: t0.Add(-ago), Fingerprint: print, Tokens: tokens})
			}
			add("wr1", "wm1", 0, 7, 70)
			add("wr2", "wm1", time.Minute, 7)
			add("wr2", "wm1", 9*time.Minute, 7)
			add("wr3", "wm2", 20*time.Minute, 7)
			add("wr4", "wm3", 20*time.Minute, -8, 70)
			add("wr5", "wm1", 31*time.Minute, 7, 70)
			add("wr6", "wm1", -time.Second, 7, 70) // later than what is asked about
			for i := range MostInAMinute + 5 {
				add("wr1", "wm4", time.Duration(i)*time.Millisecond, 0)
			}
			return tx.AddMessages(msgs)
		})
		many := []Saying{{Sender: "wm1", At: t0, Fingerprint: 7, Tokens: []int64{70, 71}}, {Sender: "wm4", At: t0}, {Sender: "wm9", At: t0, Fingerprint: -8, Tokens: []int64{71}}}
		for range 300 { // more than one statement takes
			many = append(many, Saying{Sender: "wm8", At: t0, Fingerprint: 99})
		}
		got, err := s.Read(t.Context()).Around(many, 10*time.Minute, 30*time.Minute)
		must(t, err)
		if a := got[0]; len(got) != 303 || a.Minute != 1 || a.Repeat != 3 || sortedCopies(a.Copies) != "[+wr1 +wr2 +wr2 -wr3]" || sortedCopies(a.Tokens) != "[+wr1 -wr4]" {
			t.Errorf("%d answers, the first %+v", len(got), a)
		}
		if a := got[1]; a.Minute != MostInAMinute || a.Repeat != 0 || a.Copies != nil || a.Tokens != nil {
			t.Errorf("a flood: %+v", a)
		}
		if a := got[2]; a.Minute != 0 || sortedCopies(a.Copies) != "[-wr4]" || a.Tokens != nil {
			t.Errorf("a stranger: %+v", a)
		}
		if fmt.Sprint(got[302]) != fmt.Sprint(Around{}) {
			t.Errorf("what nobody said: %+v", got[302])
		}
	})
}

func sortedCopies(cs []CopyIn) string {
	out := ids(cs, func(c CopyIn) string { return map[bool]string{true: "+", false: "-"}[c.Own] + c.ChatID })
	for i := range out {
		for j := range i {
			if out[i] < out[j] {
				out[i], out[j] = out[j], out[i]
			}
		}
	}
	return fmt.Sprint(out)
}

func TestWhatTheBooksSayAboutManyPeopleAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		tx(t, s, func(tx *Tx) error {
			for i, st := range []Stint{
				{ChatID: "wr1", UserID: "wm1", Kind: "customer", Inviter: "wang", Referrer: "wm7", UnionID: "u1", Nickname: "昵称"},
				{ChatID: "wr2", UserID: "wm1", Kind: "customer", Inviter: "wang", UnionID: "u1"},
				{ChatID: "wr2", UserID: "wm2", Kind: "customer", Inviter: "wang", Referrer: "wm7", UnionID: "u1"},
				{ChatID: "wr2", UserID: "wm3", Kind: "customer", Inviter: "wang"},
			} {
				st.JoinedAt = t0.Add(time.Duration(i-10) * time.Hour)
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
				if i > 1 {
					if err := tx.EndStint(st.ID, t0, bot.LeftRemoved); err != nil {
						return err
					}
				}
			}
			dismissed := Case{ChatID: "wr1", Member: "wm1", Status: CaseDismissed}
			return errors.Join(tx.NewChat(Chat{ChatID: "wr1", Owner: "wang", Status: ChatActive}), tx.NameStaff("wang", "王"), tx.Block(Blocked{Person: "u1", Reason: "广告"}),
				tx.AddCase(&dismissed), tx.Talk(map[string]string{"wm1": "2026-11-22", "wm2": "2026-11-22"}), tx.Talk(map[string]string{"wm1": "2026-11-23", "wm2": "2026-11-22"}),
				tx.Talk(map[string]string{"wm1": "2026-11-20"}), tx.SeeHosts(map[int64]bool{5: false, -6: true}), tx.SeeHosts(map[int64]bool{5: true, -6: false}))
		})
		people := []string{"wang", "wm1", "wm2", "wm9"}
		staff, err := r.StaffAmong(people)
		must(t, err)
		owners, err := r.OwnersOfChats([]string{"wr1", "wr9"})
		must(t, err)
		blocked, err := r.BlockedAmong([]string{"wm1", "u1"})
		must(t, err)
		stays, err := r.StaysOf(people)
		must(t, err)
		removed, err := r.RemovalsOf([]string{"u1", "u2"})
		must(t, err)
		talk, err := r.TalkOf(people)
		must(t, err)
		cases, err := r.CasesAbout(people, t0)
		must(t, err)
		if got := fmt.Sprint(staff, owners, blocked, talk, len(cases), cases[0].Status); got != "map[wang:true] map[wr1:wang] map[u1:广告] map[wm1:{2 2026-11-23} wm2:{1 2026-11-22}] 1dismissed" {
			t.Error(got)
		}
		if len(stays) != 3 || stays[0].Nickname != "昵称" || stays[0].Referrer != "wm7" || !stays[0].LeftAt.IsZero() || stays[2].LeftHow != "removed" || !stays[2].LeftAt.Equal(t0) {
			t.Errorf("stays %+v", stays)
		}
		if len(removed) != 1 || removed[0].UserID != "wm2" || removed[0].ChatID != "wr2" || !removed[0].At.Equal(t0) {
			t.Errorf("removals %+v", removed)
		}
		hosts, err := r.HostsAmong([]int64{5, -6, 7})
		must(t, err)
		if len(hosts) != 2 || !hosts[5].Trusted || !hosts[-6].Trusted || !hosts[5].FirstAt.Equal(t0) {
			t.Errorf("hosts %+v", hosts)
		}
		guests, err := r.GuestsOf([]string{"wang", "wm7", "li"}, t0.AddDate(0, 0, -1), 1)
		must(t, err)
		if got := fmt.Sprint(guests); got != "map[wang:{4 2} wm7:{2 1}]" {
			t.Error(got)
		}
		if few, err := r.GuestsOf([]string{"wang", "wm7"}, t0.AddDate(0, 0, -1), 2); err != nil || len(few) != 1 {
			t.Errorf("inviters with at least two: %v, %v", few, err)
		}
	})
}
