package handlers

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"xiaobu/store"
)

// entry is a row of the ledger.
type entry struct {
	id, stay     int64
	staff        string
	ordinal      int
	fen, version int64
	terms        string
	status       string
	earned, due  time.Time
	settled      bool
	reason       string
	payout       int64
	recovered    int64
	period       string
	flagged      bool // waits for somebody to decide
}

// transfer is a row of the journal.
type transfer struct {
	id            int64
	key           string
	entry         int64
	at            int64
	debit, credit string
	fen           int64
	reason        string
}

func (p *plot) facts() []fact {
	return rows(p, "SELECT id, chat_id, user_id, union_id, kind = 'staff', inviter, joined_at, left_at, coalesce(ordinal, 0) FROM stint ORDER BY joined_at, user_id, chat_id", func(rs *sql.Rows, f *fact) error {
		var joined int64
		var left sql.NullInt64
		err := rs.Scan(&f.id, &f.chat, &f.user, &f.union, &f.staff, &f.inviter, &joined, &left, &f.ordinal)
		f.joined = time.UnixMilli(joined).UTC()
		if left.Valid {
			f.left = time.UnixMilli(left.Int64).UTC()
		}
		return err
	})
}

func (p *plot) entries() []entry {
	return rows(p, "SELECT id, stint_id, staff, ordinal, amount_fen, rule_version, terms, status, earned_at, due_at, settled_at IS NOT NULL, reason, coalesce(payout_id, 0), coalesce(recovered_by, 0), period, EXISTS (SELECT 1 FROM flag WHERE entry_id = entry.id AND status = 'open') FROM entry ORDER BY id", func(rs *sql.Rows, e *entry) error {
		var earned, due int64
		err := rs.Scan(&e.id, &e.stay, &e.staff, &e.ordinal, &e.fen, &e.version, &e.terms, &e.status, &earned, &due, &e.settled, &e.reason, &e.payout, &e.recovered, &e.period, &e.flagged)
		e.earned, e.due = time.UnixMilli(earned).UTC(), time.UnixMilli(due).UTC()
		return err
	})
}

func (p *plot) transfers() []transfer {
	return rows(p, "SELECT id, key, entry_id, at, debit, credit, amount_fen, reason FROM transfer ORDER BY id", func(rs *sql.Rows, t *transfer) error {
		return rs.Scan(&t.id, &t.key, &t.entry, &t.at, &t.debit, &t.credit, &t.fen, &t.reason)
	})
}

// final is the look when all is quiet.
func (l *life) final() {
	if l.rt.Failed() {
		return
	}
	l.compareStays()
	l.look()
	facts := l.facts()
	variants := l.variants(facts)
	byStay := l.byStay()
	for _, f := range facts {
		e, has := byStay[f.id]
		delete(byStay, f.id)
		l.someVariant(variants, func(v map[int64]verdict) error { return l.compareEntry(f, v[f.id], e, has) })
		l.someVariant(variants, func(v map[int64]verdict) error { return l.compareWhy(f, v[f.id], e) })
	}
	if len(byStay) > 0 {
		l.rt.Fatalf("entries without a stay: %v", byStay)
	}
	for _, p := range l.payments {
		l.comparePayout(p)
	}
	l.compareFigures()
	l.compareBudgets()
	audit, err := l.rewards.Audit(l.ctx, false)
	if l.fine(err) && audit.Differences > 0 {
		differences, err := l.plot.store.Read(l.ctx).Differences(audit.ID, 0, 10)
		l.fine(err)
		l.rt.Fatalf("the audit finds %+v", differences)
	}
}

// someVariant demands that something holds by the terms that some placing of the groups gave.
func (l *life) someVariant(variants []map[int64]verdict, holds func(map[int64]verdict) error) {
	var err error
	for _, v := range variants {
		if err = holds(v); err == nil {
			return
		}
	}
	l.rt.Fatalf("now %s: %v", at(l.now), err)
}

// compareStays demands that the books know who was where.
func (l *life) compareStays() {
	facts := l.facts()
	for _, s := range l.stays {
		i := slices.IndexFunc(facts, func(f fact) bool {
			return f.chat == string(s.chat) && f.user == string(s.user) && f.joined.Equal(s.joined)
		})
		if i < 0 {
			if l.exact || s.left.IsZero() {
				l.rt.Fatalf("the stay of %s in %s from %v is not in the books", s.user, s.chat, s.joined)
			}
			continue
		}
		f := facts[i]
		facts = slices.Delete(facts, i, i+1)
		switch {
		case f.left.IsZero() != s.left.IsZero() || f.staff != s.staff:
			l.rt.Fatalf("%v in the books is %v in truth", f, s)
		case l.exact && (!f.left.Equal(s.left) || f.inviter != "" && f.inviter != string(s.inviter)):
			l.rt.Fatalf("%v in the books is %v in truth", f, s)
		case l.exact && !s.staff && f.ordinal != l.ordinal(s):
			l.rt.Fatalf("%s in %s from %v: ordinal %d, want %d", s.user, s.chat, s.joined, f.ordinal, l.ordinal(s))
		case f.inviter == "" && s.inviter != "" && (s.left.IsZero() || s.left.Sub(s.joined) > 3*time.Minute && l.exact):
			l.rt.Fatalf("nobody brought %v, and %s did", f, s.inviter)
		}
	}
	facts = slices.DeleteFunc(facts, func(f fact) bool { return f.user == "owner" })
	if len(facts) > 0 && l.exact {
		l.rt.Fatalf("stays that never were: %v", facts)
	}
}

// ordinal counts the customers right after a join, from the definition.
func (l *life) ordinal(of *stayed) int {
	n := 0
	for _, s := range l.stays {
		earlier := s.joined.Before(of.joined) || s.joined.Equal(of.joined) && s.user <= of.user
		if s.chat == of.chat && !s.staff && earlier && (s == of || s.left.IsZero() || s.left.After(of.joined)) {
			n++
		}
	}
	return n
}

// compareEntry demands one entry for a stay that earns, and none that counts for another.
func (l *life) compareEntry(f fact, v verdict, e entry, has bool) error {
	if v.reason != ReasonRewarded {
		refused := e.reason == store.ReasonOverBudget && l.mayRefuse(e.version)
		if has && (e.status != store.EntryVoid || e.reason != v.reason && !refused) {
			return fmt.Errorf("%v earns nothing (%s), and has %v", f, v.reason, e)
		}
		return nil
	}
	if !has {
		return fmt.Errorf("%v earns (%v), and has no entry", f, v)
	}
	want := entry{id: e.id, stay: f.id, staff: v.staff, ordinal: f.ordinal, fen: v.fen, version: v.version, terms: v.terms, status: v.status,
		earned: f.joined, due: v.due, settled: e.settled, reason: ReasonLeftEarly, period: v.period, flagged: e.flagged}
	switch {
	case e.flagged && v.status == store.EntryPayable:
		want.status, want.reason = store.EntryHeld, e.reason
	case l.mayRefuse(v.version) && e.status == store.EntryVoid && e.reason == store.ReasonOverBudget:
		want.status, want.reason = e.status, e.reason
	case !v.early():
		want.reason = e.reason // what moved it last; explain tells what was decided
	case l.once[f.id] && e.status == store.EntryClawedBack:
		want.status = e.status // it was paid and clawed back before the payout was reversed
	}
	if c, paid := l.judge.paid[f.id]; paid {
		want.payout, want.recovered = c.payout, c.recovered
	}
	for _, p := range l.payments {
		fell := !l.settled && e.payout == 0 // a move took it out, and another gave it back
		if (p.status == store.PayoutCollected || p.status == store.PayoutApproved) && e.status == store.EntryPayable && slices.Contains(p.rewards, f.id) && !fell {
			want.payout = p.id
		}
	}
	if e != want {
		return fmt.Errorf("the entry of %v is\n%v, want\n%v", f, e, want)
	}
	return nil
}

// mayRefuse reports whether a version of the rule has a budget.
func (l *life) mayRefuse(version int64) bool {
	return slices.ContainsFunc(l.judge.laws, func(r law) bool { return r.version == version && r.budget != nil })
}

// compareWhy demands that the explanation of a stay gives the model's reason.
func (l *life) compareWhy(f fact, v verdict, e entry) error {
	st, err := l.plot.store.Read(l.ctx).Stint(f.id)
	l.fine(err)
	decision, reason, err := l.rewards.Decide(l.ctx, st)
	l.fine(err)
	want := v.reason
	switch {
	case e.reason == store.ReasonOverBudget && (v.reason == ReasonRewarded || v.reason == ReasonNotNew):
		want = e.reason
	case v.early():
		want = ReasonLeftEarly
	}
	if reason != want || (decision == "rewarded") != (want == ReasonRewarded) {
		return fmt.Errorf("%v is explained as %s %s, want %s", f, decision, reason, want)
	}
	return nil
}

// compareFigures demands that the figures of each month are the sums of its entries.
func (l *life) compareFigures() {
	type key struct{ period, staff, chat string }
	want := map[key]store.Tally{}
	chat := map[int64]string{}
	for _, f := range l.facts() {
		chat[f.id] = f.chat
	}
	for _, e := range l.entries() {
		k := key{e.period, e.staff, chat[e.stay]}
		t := want[k]
		t.Period, t.Staff, t.ChatID = k.period, k.staff, k.chat
		if e.reason != store.ReasonOverBudget {
			t.Joins++
		}
		switch e.status {
		case store.EntryHeld:
			t.HeldFen += e.fen
		case store.EntryPayable:
			t.PayableFen += e.fen
		case store.EntryVoid:
			t.VoidFen += e.fen
		case store.EntryClawedBack:
			t.ClawedBackFen += e.fen
		case store.EntryPaid:
			t.PaidFen += e.fen
		}
		want[k] = t
	}
	got := rows(l.plot, "SELECT period, staff, chat_id, joins, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen FROM tally", func(rs *sql.Rows, t *store.Tally) error {
		return rs.Scan(&t.Period, &t.Staff, &t.ChatID, &t.Joins, &t.HeldFen, &t.PayableFen, &t.VoidFen, &t.ClawedBackFen, &t.PaidFen)
	})
	for _, t := range got {
		if k := (key{t.Period, t.Staff, t.ChatID}); t != want[k] && t != (store.Tally{Period: t.Period, Staff: t.Staff, ChatID: t.ChatID}) {
			l.rt.Fatalf("the figures are %+v, want %+v", t, want[k])
		} else {
			delete(want, k)
		}
	}
	if len(want) > 0 {
		l.rt.Fatalf("no figures for %v", want)
	}
}

// compareBudgets demands that what a month comes to under one version of the rule is within its
// budget, and that nothing was refused that all entries booked before it left room for, where
// none comes back that another join stood before.
func (l *life) compareBudgets() {
	facts := map[int64]fact{}
	for _, f := range l.facts() {
		facts[f.id] = f
	}
	entries := l.entries()
	for _, rule := range l.judge.laws {
		if rule.budget == nil || rule.budget.Per == store.BudgetStore && len(l.places) > 1 {
			continue
		}
		same := func(a, b entry) bool {
			fa, fb := facts[a.stay], facts[b.stay]
			switch rule.budget.Per {
			case store.BudgetStaff:
				return a.period == b.period && a.staff == b.staff
			case store.BudgetStore:
				return a.period == b.period && l.judge.sameScope(OncePerStore, fa.chat, fb.chat)
			}
			return a.period == b.period
		}
		for _, e := range entries {
			if e.version != rule.version {
				continue
			}
			live, ever, alone := int64(0), int64(0), true
			for _, o := range entries {
				kept := o.status == store.EntryHeld || o.status == store.EntryPayable || o.status == store.EntryPaid
				if !same(e, o) {
					continue
				}
				if kept {
					live += o.fen
					alone = alone && o.version == rule.version
				}
				if o.id < e.id && o.reason != store.ReasonOverBudget {
					ever += o.fen
				}
			}
			if alone && live > rule.budget.Fen {
				l.rt.Fatalf("%d fen stand in the books under version %d, with a budget of %d: %v", live, rule.version, rule.budget.Fen, e)
			}
			if e.reason == store.ReasonOverBudget && !l.past && len(l.places) == 1 && ever+e.fen <= rule.budget.Fen {
				l.rt.Fatalf("%v was refused, and the budget of %d was never spent", e, rule.budget.Fen)
			}
		}
	}
}

// look demands what holds at every moment: the journal only grows, its keys name each transfer
// once, its sums are the balances, and every entry lies where its status says.
func (l *life) look() {
	now := l.transfers()
	if len(now) < len(l.before) || !slices.Equal(now[:len(l.before)], l.before) {
		l.rt.Fatalf("transfers changed: %v, before %v", now, l.before)
	}
	l.before = now
	keys, sums, lies := map[string]bool{}, map[string]int64{}, map[int64]map[string]int64{}
	for _, t := range now {
		if keys[t.key] || t.fen <= 0 {
			l.rt.Fatalf("transfer %v", t)
		}
		keys[t.key] = true
		if lies[t.entry] == nil {
			lies[t.entry] = map[string]int64{}
		}
		for _, m := range []map[string]int64{sums, lies[t.entry]} {
			m[t.debit] -= t.fen
			m[t.credit] += t.fen
		}
	}
	maps.DeleteFunc(sums, func(_ string, fen int64) bool { return fen == 0 })
	balances, err := l.plot.store.Read(l.ctx).Balances()
	if !l.fine(err) {
		return
	}
	maps.DeleteFunc(balances, func(_ string, fen int64) bool { return fen == 0 })
	if !maps.Equal(sums, balances) {
		l.rt.Fatalf("the balances are %v, the transfers say %v", balances, sums)
	}
	for _, e := range l.entries() {
		want := map[string]int64{}
		if (e.status == store.EntryHeld || e.status == store.EntryPayable || e.status == store.EntryPaid) && e.fen > 0 {
			want["company"] = -e.fen
			want[e.status+":"+e.staff] = e.fen
		}
		if e.status == store.EntryClawedBack && e.payout != 0 && e.recovered == 0 && e.fen > 0 {
			want["paid:"+e.staff], want["payable:"+e.staff] = e.fen, -e.fen // a debt
		}
		got := lies[e.id]
		maps.DeleteFunc(got, func(_ string, fen int64) bool { return fen == 0 })
		if !maps.Equal(got, want) {
			l.rt.Fatalf("entry %v: its transfers leave %v, want %v", e, got, want)
		}
		delete(lies, e.id)
	}
	if len(lies) > 0 {
		l.rt.Fatalf("transfers without entries: %v", lies)
	}
}

func (f fact) String() string {
	return fmt.Sprintf("stay %d of %s (%s) in %s, brought by %q as number %d, from %s to %s", f.id, f.user, f.union, f.chat, f.inviter, f.ordinal, at(f.joined), at(f.left))
}

func (s *stayed) String() string {
	return fmt.Sprintf("stay of %s in %s, brought by %q, from %s to %s", s.user, s.chat, s.inviter, at(s.joined), at(s.left))
}

func (v verdict) String() string {
	return fmt.Sprintf("%s for %s: %d fen by version %d, %s, due %s", v.reason, v.staff, v.fen, v.version, v.status, at(v.due))
}

func (e entry) String() string {
	return fmt.Sprintf("entry %d of stay %d for %s: %d fen by version %d as number %d, %s (%s), earned %s, due %s, settled %v, payout %d of %s",
		e.id, e.stay, e.staff, e.fen, e.version, e.ordinal, e.status, e.reason, at(e.earned), at(e.due), e.settled, e.payout, e.period)
}

func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(shanghai).Format("01-02 15:04:05.000")
}
