package handlers

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// BenchmarkInspect books joins among a million, with the checks and without. Each is of a store
// with a hundred groups, by a cashier with ten thousand joins whose hold is over, through a
// code that brings somebody every ten seconds. The commit is not in it.
func BenchmarkInspect(b *testing.B) {
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	file := manyBooks(b, from)
	now := from.AddDate(0, 0, 20)
	withSQL(b, file, `UPDATE chat SET shop_id = 's1' WHERE CAST(substr(chat_id, 3) AS INTEGER) < 100`,
		`INSERT INTO shop (id, name, region, manager, staff, created_at, updated_at) VALUES ('s1', '北门店', '', 'owner', '["cashier0","cashier1","cashier2"]', 0, 0)`,
		`UPDATE stint SET inviter = 'cashier' || (id % 5) WHERE id <= 50000`, `UPDATE entry SET staff = 'cashier' || (id % 5) WHERE id <= 50000`,
		`INSERT INTO tally SELECT period, staff, chat_id, COUNT(*), COUNT(*), 0, SUM(amount_fen), 0, 0, 0 FROM entry GROUP BY period, staff, chat_id`,
		`UPDATE stint SET state = 'till' WHERE id % 100 = 0`)
	s, err := store.OpenScratch(context.Background(), "sqlite:"+file, func() time.Time { return now })
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := &Rewards{Store: s, Now: func() time.Time { return now }, Zone: time.UTC}
	people := 0
	for _, enabled := range []bool{true, false} {
		b.Run(fmt.Sprint("checks=", enabled), func(b *testing.B) {
			c := DefaultChecks()
			c.Enabled = enabled
			if _, err := r.PutChecks(context.Background(), store.Checks{Data: c, By: "bench"}); err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				people++
				took = append(took, bookOne(b, r, people, now))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
		})
	}
}

// bookOne books a join and returns how long it took.
func bookOne(b *testing.B, r *Rewards, n int, now time.Time) (took time.Duration) {
	ordinal := 100
	st := store.Stint{ChatID: fmt.Sprint("wr", n%100), UserID: fmt.Sprint("new", n), UnionID: fmt.Sprint("newu", n), Name: "顾客甲", Kind: string(bot.Customer), State: "till",
		JoinedAt: now.Add(time.Duration(n) * 10 * time.Second), Inviter: fmt.Sprint("cashier", n%5), InviterBy: ByState, Ordinal: &ordinal}
	err := r.Store.Tx(context.Background(), func(tx *store.Tx) error {
		if _, err := tx.AddStint(&st); err != nil {
			return err
		}
		began := time.Now()
		err := r.judgePerson(tx, bot.MemberID(st.UserID), st.UnionID)
		took = time.Since(began)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return took
}
