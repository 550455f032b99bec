package store

import (
	"fmt"
	"testing"
)

// manyPayable fills the books with a month of cashiers who each brought so many.
func manyPayable(tb testing.TB, s *Store, cashiers, each int) {
	tb.Helper()
	tx(tb, s, func(tx *Tx) error {
		for _, stmt := range []string{
			`INSERT INTO chat (chat_id, name, owner, status, shop_id, labels, version, versions, customers, staff, first_seen) VALUES ('wr1', '一号群', 'o', 'active', '', '[]', '', '[]', 0, 0, 0)`,
			`CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %[1]d) SELECT i FROM n`,
			`INSERT INTO staff (user_id, name, follows) SELECT 'cashier' || i, '收银员' || i, FALSE FROM n WHERE i < %[2]d`,
			`INSERT INTO stint (id, chat_id, user_id, kind, name, nickname, union_id, joined_at, join_scene, state, inviter, inviter_by, seen_at, left_how)
				SELECT i + 1, 'wr1', 'wm' || i, 'customer', '', '', '', 1793500000000 + i * 1000, '', '', 'cashier' || (i %% %[2]d), 'state', 0, '' FROM n`,
			`INSERT INTO entry (id, key, stint_id, staff, chat_id, member, union_id, ordinal, amount_fen, rule_version, period, status, earned_at, due_at, reason)
				SELECT i + 1, 'join:' || i, i + 1, 'cashier' || (i %% %[2]d), 'wr1', 'wm' || i, '', i + 1, 50 + 50 * (i %% 2), 1, '2026-11', 'payable', 1793500000000 + i * 1000, 0, 'rewarded' FROM n`,
			`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) SELECT key || ':1:held', id, 0, 'company', 'held:' || staff, amount_fen, '' FROM entry`,
			`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) SELECT key || ':2:payable', id, 0, 'held:' || staff, 'payable:' || staff, amount_fen, '' FROM entry`,
			`INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen)
				SELECT period, staff, chat_id, COUNT(*), COUNT(*), 0, SUM(amount_fen), 0, 0, 0 FROM entry GROUP BY period, staff, chat_id`,
			`DROP TABLE n`,
		} {
			if err := tx.db.Exec(fmt.Sprintf(stmt+" --%[1]d %[2]d", cashiers*each, cashiers)).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkPayout collects, approves and pays 5,000 cashiers with 20 joins each in one
// transaction.
func BenchmarkPayout(b *testing.B) {
	s := benchStore(b)
	manyPayable(b, s, 5000, 20)
	pay := func() {
		tx(b, s, func(tx *Tx) error {
			p := Payout{Period: "2026-11"}
			if err := tx.Collect(&p, "api"); err != nil || p.TotalFen != 7_500_000 {
				return fmt.Errorf("%+v: %w", p, err)
			}
			if err := tx.StepPayout(&p, PayoutApproved, "api", ""); err != nil {
				return err
			}
			if err := tx.PayEntries(p); err != nil {
				return err
			}
			return tx.StepPayout(&p, PayoutPaid, "api", "")
		})
	}
	reverse := func(id int64) {
		tx(b, s, func(tx *Tx) error {
			p, err := tx.Payout(id)
			if err != nil {
				return err
			}
			return tx.ReverseEntries(p)
		})
	}
	for id := int64(1); b.Loop(); id++ {
		pay()
		b.StopTimer()
		reverse(id)
		b.StartTimer()
	}
}
