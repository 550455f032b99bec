package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
)

func TestWhatGroupsHaveInCommonIsAskedOfTheDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		month := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		next := month.AddDate(0, 1, 0)
		promo := Promotion{Name: "p", Status: PromotionActive}
		tx(t, s, func(tx *Tx) error {
			for i := range 6 {
				owner := []string{"wang", "li", ""}[i%3]
				chat := Chat{ChatID: fmt.Sprintf("wr%d", i), Name: fmt.Sprintf("群%d", i), Owner: owner, Status: ChatActive, Labels: []string{[]string{"even", "odd"}[i%2]}}
				if err := tx.NewChat(chat); err != nil {
					return err
				}
			}
			return errors.Join(tx.SaveStaffStatus(bot.StaffMember{ID: "li", Status: bot.StaffLeft}), tx.SaveStaffStatus(bot.StaffMember{ID: "wang", Status: bot.StaffActive}),
				tx.SetChatStatus("wr5", ChatDismissed), tx.SaveFollower("wang"), tx.NameStaff("wang", "王"), tx.AddPromotion(&promo),
				tx.PutShop(Shop{ID: "s1", Name: "一店", Manager: "zhao"}), tx.PutShop(Shop{ID: "s2", Name: "二店"}),
				tx.PlaceChat("wr0", "s1", []string{"even"}), tx.PlaceChat("wr1", "s2", []string{"odd"}), tx.PlaceChat("wr3", "s1", []string{"odd"}), tx.SetHandsOff("wr4", true),
				tx.PutAbsence(Absence{UserID: "li", FromDay: "2026-11-23", ToDay: "2026-11-24"}), tx.FillGroups([]string{"wr3", "wr3"}, next))
		})
		for i, at := range []time.Time{c.Now().Add(-2 * time.Hour), c.Now().Add(-time.Hour)} {
			tx(t, s, func(tx *Tx) error {
				occ := Occurrence{PromotionID: promo.ID, At: at, Status: OccurrenceDone}
				if _, err := tx.AddOccurrence(&occ); err != nil {
					return err
				}
				task := Task{OccurrenceID: occ.ID, Owner: "wang", Part: 1, Status: TaskClosed, ClosesAt: at}
				if err := tx.AddTask(&task); err != nil {
					return err
				}
				list := []Delivery{{OccurrenceID: occ.ID, PromotionID: promo.ID, TaskID: &task.ID, At: at, ChatID: "wr0", Owner: "wang", Status: DeliverySent}}
				if i == 0 {
					list = append(list, Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, TaskID: &task.ID, At: at, ChatID: "wr1", Owner: "li", Status: DeliveryFailed})
				}
				return tx.AddDeliveries(list)
			})
		}
		r := s.Read(context.Background())
		target := func(spec TargetSpec) Condition {
			cond, err := r.Targeted(spec)
			must(t, err)
			return cond
		}
		quota := func(most int) Condition {
			cond, err := r.OutOfQuota(c.Now(), month, next, most)
			must(t, err)
			return cond
		}
		all := target(TargetSpec{All: true})
		for name, q := range map[string]struct {
			cond Condition
			want []string
		}{
			"all":           {all, []string{"wr0", "wr1", "wr2", "wr3"}},
			"labels":        {target(TargetSpec{Selection: Selection{Labels: []string{"odd"}}}), []string{"wr1", "wr3"}},
			"without":       {target(TargetSpec{All: true, Exclude: Selection{Stores: []string{"s1"}}}), []string{"wr1", "wr2"}},
			"gone":          {r.Gone(TargetSpec{Selection: Selection{ChatIDs: []string{"wr0", "wr5"}}}), []string{"wr5"}},
			"ownerless":     {And(all, Ownerless()), []string{"wr2"}},
			"unpermitted":   {And(all, Unpermitted()), []string{"wr1"}},
			"inactive":      {And(all, OwnerInactive()), []string{"wr1"}},
			"away":          {And(all, Away("2026-11-24")), []string{"wr1"}},
			"back":          {And(all, Away("2026-11-25")), nil},
			"posted":        {And(all, PostedBy(promo.ID, month, next)), []string{"wr0"}},
			"posted before": {And(all, PostedBy(promo.ID, month, month.AddDate(0, 0, 5))), nil},
			"two of two":    {And(all, quota(2)), []string{"wr0", "wr3"}},
			"two of three":  {And(all, quota(3)), []string{"wr3"}},
			"either":        {And(all, Or(Ownerless(), Not(Ownerless()))), []string{"wr0", "wr1", "wr2", "wr3"}},
			"neither":       {Or(), nil},
		} {
			n, counts, err := r.CountGroups(q.cond, And(), Or(), Ownerless())
			must(t, err)
			some, err := r.SomeGroups(q.cond, 10)
			must(t, err)
			var ids []string
			for _, g := range some {
				ids = append(ids, g.ChatID)
			}
			if !slices.Equal(ids, q.want) || int(n) != len(q.want) || counts[0] != n || counts[1] != 0 {
				t.Errorf("%s: %v, counted %d %v", name, ids, n, counts)
			}
		}
		if n, owners, err := r.OwnersOf(And(all, Not(Ownerless())), 1); err != nil || n != 2 || len(owners) != 1 || owners[0].UserID != "li" {
			t.Errorf("owners: %d %+v %v", n, owners, err)
		}
		if shops, err := r.ManagedShops(all); err != nil || !slices.Equal(shops, []ShopCount{{"s1", "一店", "zhao", 2}}) {
			t.Errorf("shops: %+v %v", shops, err)
		}
		used, err := r.UsedQuota([]string{"wr0", "wr1", "wr2"}, month, next)
		if must(t, err); !maps.Equal(used, map[string]int{"wr0": 2}) {
			t.Errorf("used %v", used)
		}
		full, err := r.FullGroups([]string{"wr0", "wr3"}, next)
		if must(t, err); len(full) != 0 {
			t.Errorf("full in the next month: %v", full)
		}
		promos, posted, err := r.PromotionsOf(month, next, 5)
		if must(t, err); len(promos) != 1 || promos[0].ID != promo.ID || !slices.Equal(posted, []int64{promo.ID}) {
			t.Errorf("promotions of the month: %+v, posted %v", promos, posted)
		}
		if promos, posted, err := r.PromotionsOf(next, next.AddDate(0, 1, 0), 5); err != nil || len(promos)+len(posted) != 0 {
			t.Errorf("promotions of the next month: %+v %v %v", promos, posted, err)
		}
	})
}

func TestALookIsWrittenDownOnceForEachTimeItIsDue(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		promo := Promotion{Name: "p", Status: PromotionActive, NextAt: c.Now().Add(5 * time.Hour)}
		tx(t, s, func(tx *Tx) error { return tx.AddPromotion(&promo) })
		due, err := s.Read(ctx).DuePreflights(c.Now(), 10)
		must(t, err)
		if len(due) != 1 || due[0].PromotionID != promo.ID || !due[0].CheckedAt.IsZero() {
			t.Fatalf("due %+v", due)
		}
		f := due[0]
		f.At, f.CheckedAt, f.Verdict, f.DueAt = promo.NextAt, c.Now(), Yellow, promo.NextAt.Add(-time.Hour)
		f.Findings, f.Told = []Finding{{Code: "quota", Level: Yellow, Count: 3, Text: "三个群", TextEN: "three groups"}}, []string{"quota targets"}
		tx(t, s, func(tx *Tx) error { return tx.SavePreflight(f, due[0].DueAt) })
		err = s.Tx(ctx, func(tx *Tx) error { return tx.SavePreflight(f, due[0].DueAt) })
		if !errors.Is(err, ErrStale) {
			t.Errorf("written twice: %v", err)
		}
		kept, err := s.Read(ctx).Preflights([]int64{promo.ID, 99})
		must(t, err)
		if got := kept[promo.ID]; len(kept) != 1 || !slices.Equal(got.Findings, f.Findings) || !slices.Equal(got.Told, f.Told) || !got.At.Equal(f.At) {
			t.Errorf("kept %+v", kept)
		}
		if at, ok, err := s.Read(ctx).NextPreflight(); err != nil || !ok || !at.Equal(f.DueAt) {
			t.Errorf("next %v %v %v", at, ok, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.MovePromotion(promo, PromotionPaused, time.Time{}) })
		if at, ok, err := s.Read(ctx).NextPreflight(); err != nil || ok {
			t.Errorf("next of a paused one %v %v %v", at, ok, err)
		}
	})
}

// Owners of active groups are looked at in turn, and what is not known any more is forgotten.
func TestOwnersAreLookedAtInTurn(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tx(t, s, func(tx *Tx) error {
			for i, owner := range []string{"a", "b", "b", "c", "", "d"} {
				chat := Chat{ChatID: fmt.Sprintf("wr%d", i), Owner: owner, Status: ChatActive}
				if owner == "d" {
					chat.Status = ChatDismissed
				}
				if err := tx.NewChat(chat); err != nil {
					return err
				}
			}
			return errors.Join(tx.SaveFollower("a"), tx.SaveFollower("idle"))
		})
		look := func(limit int) []string {
			t.Helper()
			owners, err := s.Read(context.Background()).OwnersToLookAt(c.Now().Add(-time.Hour), limit)
			must(t, err)
			return owners
		}
		save := func(id, name string, status bot.StaffStatus) {
			t.Helper()
			tx(t, s, func(tx *Tx) error {
				return tx.SaveStaffStatus(bot.StaffMember{ID: bot.UserID(id), Name: name, Status: status})
			})
		}
		if got := look(9); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Fatalf("at first %v", got)
		}
		save("b", "乙", bot.StaffDisabled)
		if got := look(1); !slices.Equal(got, []string{"a"}) {
			t.Errorf("then %v", got)
		}
		c.Add(time.Minute)
		save("a", "甲", bot.StaffActive)
		c.Add(time.Hour)
		if got := look(9); !slices.Equal(got, []string{"c", "b"}) {
			t.Errorf("an hour later %v", got)
		}
		save("b", "", "")
		b, err := s.Read(context.Background()).Staff("b")
		if must(t, err); b.Name != "乙" || b.Status != "" || b.Follows || !b.LookedAt.Equal(c.Now()) {
			t.Errorf("b: %+v", b)
		}
		if a, err := s.Read(context.Background()).Staff("a"); err != nil || !a.Follows || a.Status != bot.StaffActive {
			t.Errorf("a: %+v %v", a, err)
		}
	})
}
