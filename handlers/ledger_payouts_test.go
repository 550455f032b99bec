package handlers

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"xiaobu/bot"
	"xiaobu/store"
)

// paying is a payout as the model knows it.
type paying struct {
	id         int64
	period     string
	status, by string
	rewards    []int64 // stays
	recoveries []int64
	lines      []store.PayoutLine // as they were when it was paid
}

// closed is the last month that a payout closes; empty: none.
func (l *life) closed() (last string) {
	for _, p := range l.payments {
		if len(p.rewards) == 0 {
			continue
		}
		if p.status == store.PayoutCollected || p.status == store.PayoutApproved || p.status == store.PayoutPaid {
			last = max(last, p.period)
		}
	}
	return last
}

// refused demands that a step was refused, and for no other reason than that it may not be.
func (l *life) refused(err error, what string) {
	var conflict *Conflict
	var invalid *Invalid
	if l.ctx.Err() == nil && !errors.As(err, &conflict) && !errors.As(err, &invalid) {
		l.rt.Fatalf("%s: %v, want a refusal", what, err)
	}
	if l.ctx.Err() != nil {
		l.crash()
	}
}

// payday waits for the end of the month, with a few more joins shortly before, and pays it.
func (l *life) payday() {
	next := firstOfMonth(firstOfMonth(l.now).Add(40 * 24 * time.Hour))
	l.pass(max(0, next.Add(-2*time.Hour).Sub(l.now)))
	l.join()
	l.pass(next.Sub(l.now))
	l.collect()
	if n := len(l.payments); n > 0 && l.payments[n-1].status == store.PayoutCollected {
		p := l.payments[n-1]
		who := map[string]string{"anna": "bert", "bert": "anna"}[p.by]
		for _, verb := range []string{"approve", "pay"} {
			if rapid.IntRange(0, 4).Draw(l.rt, verb) < 4 {
				l.take(p, verb, who)
			}
		}
	}
}

// regret lets somebody leave who has been paid for.
func (l *life) regret() {
	var there []*stayed
	for _, f := range l.facts() {
		if _, paid := l.judge.paid[f.id]; paid && f.left.IsZero() {
			if s := l.here(bot.ChatID(f.chat), bot.MemberID(f.user)); s != nil && s.joined.Equal(f.joined) {
				there = append(there, s)
			}
		}
	}
	if len(there) > 0 {
		l.out(rapid.SampledFrom(there).Draw(l.rt, "who"))
	}
}

// collect makes a payout: at once, or for somebody to approve.
func (l *life) collect() {
	period := firstOfMonth(l.now).Add(-1).In(shanghai).Format("2006-01")
	over := rapid.IntRange(0, 7).Draw(l.rt, "over") > 0
	if !over {
		period = l.now.In(shanghai).Format("2006-01")
	}
	ask := PayoutAsk{Period: period, By: rapid.SampledFrom([]string{"", "anna", "bert"}).Draw(l.rt, "by"), CarryOver: rapid.IntRange(0, 3).Draw(l.rt, "carry") == 0}
	l.work()
	must, may := l.due(ask)
	got, err := l.payouts.Make(l.ctx, ask, noRemember)
	if err != nil && l.ctx.Err() != nil {
		l.crash()
		return
	}
	if !over || err != nil && len(must) == 0 && ask.By != "" {
		l.refused(err, "a payout of "+period)
		return
	}
	l.fine(err)
	p := &paying{id: got.ID, period: period, status: store.PayoutCollected, by: ask.By, rewards: l.of(got.ID)}
	p.recoveries = l.recoveries(p.rewards)
	l.payments = append(l.payments, p)
	for _, s := range must {
		if !slices.Contains(p.rewards, s) {
			l.rt.Fatalf("stay %d is payable, and not in payout %d of %v", s, p.id, p.rewards)
		}
	}
	for _, s := range p.rewards {
		if !slices.Contains(may, s) {
			l.rt.Fatalf("stay %d is in payout %d, and not payable", s, p.id)
		}
	}
	if ask.By == "" {
		l.paid(p)
	} else {
		l.comparePayout(p)
	}
}

// due are the stays that a payout must collect, and those that it may.
func (l *life) due(ask PayoutAsk) (must, may []int64) {
	facts := l.facts()
	variants, byStay := l.variants(facts), l.byStay()
	for _, f := range facts {
		some, all := false, !l.mayRefuse(byStay[f.id].version) && !byStay[f.id].flagged
		for _, v := range variants {
			w := v[f.id]
			fits := w.period == ask.Period || ask.CarryOver && w.period < ask.Period
			is := fits && w.reason == ReasonRewarded && w.status == store.EntryPayable && byStay[f.id].payout == 0
			some, all = some || is, all && is && !l.mayRefuse(w.version)
		}
		if some {
			may = append(may, f.id)
		}
		if all {
			must = append(must, f.id)
		}
	}
	return must, may
}

// byStay are the entries by their stay.
func (l *life) byStay() map[int64]entry {
	out := map[int64]entry{}
	for _, e := range l.entries() {
		if _, twice := out[e.stay]; twice {
			l.rt.Fatalf("stay %d has two entries", e.stay)
		}
		out[e.stay] = e
	}
	return out
}

// recoveries are the debts that a payout of some rewards gets back.
func (l *life) recoveries(rewards []int64) []int64 {
	byStay, gross := l.byStay(), map[string]int64{}
	for _, s := range rewards {
		gross[byStay[s].staff] += byStay[s].fen
	}
	var debts []debt
	for _, f := range l.facts() {
		if c, ok := l.judge.paid[f.id]; ok && !l.judge.keeps(f) && c.recovered == 0 && c.fen > 0 {
			if _, collects := gross[c.staff]; collects {
				debts = append(debts, debt{f.id, byStay[f.id].id, c.staff, c.fen})
			}
		}
	}
	out := recoverable(debts, gross)
	slices.Sort(out)
	return out
}

// standing are the rewards of a payout that it would still pay.
func (l *life) standing(p *paying) []int64 {
	byStay := l.byStay()
	return slices.DeleteFunc(slices.Clone(p.rewards), func(s int64) bool {
		return byStay[s].status != store.EntryPayable || byStay[s].payout != p.id
	})
}

func (l *life) propose(p *paying) {
	p.rewards = l.standing(p)
	p.recoveries = l.recoveries(p.rewards)
}

// of are the stays whose entries say that a payout has to do with them.
func (l *life) of(payout int64) []int64 {
	var out []int64
	for _, e := range l.entries() {
		if e.payout == payout {
			out = append(out, e.stay)
		}
	}
	slices.Sort(out)
	return out
}

func (l *life) lawOf(version int64) law {
	i := slices.IndexFunc(l.judge.laws, func(r law) bool { return r.version == version })
	return l.judge.laws[i]
}

// paid writes down that the money went out.
func (l *life) paid(p *paying) {
	p.status = store.PayoutPaid
	facts := l.facts()
	byStay, variants := l.byStay(), l.variants(facts)
	for _, s := range p.rewards {
		v := variants[0][s]
		for _, other := range variants {
			if other[s].reason == ReasonRewarded && other[s].terms == byStay[s].terms {
				v = other[s]
			}
		}
		l.judge.paid[s] = cash{verdict: v, payout: p.id, once: l.lawOf(v.version).once}
		l.once[s] = true
	}
	for _, s := range p.recoveries {
		c := l.judge.paid[s]
		c.recovered = p.id
		l.judge.paid[s] = c
	}
	l.comparePayout(p)
	lines, err := l.plot.store.Read(l.ctx).PayoutLines(p.id)
	l.fine(err)
	p.lines = lines
}

// step does something with some payout.
func (l *life) step() {
	if len(l.payments) == 0 {
		return
	}
	p := rapid.SampledFrom(l.payments).Draw(l.rt, "payout")
	who := rapid.SampledFrom([]string{"anna", "bert"}).Draw(l.rt, "who")
	l.take(p, rapid.SampledFrom([]string{"reverse", "approve", "pay", "discard"}).Draw(l.rt, "verb"), who)
}

// take takes a payout a step on, or tries to.
func (l *life) take(p *paying, verb, who string) {
	l.work()
	changed := !slices.Equal(l.standing(p), p.rewards) || !slices.Equal(l.recoveries(p.rewards), p.recoveries)
	may, err := l.try(p, verb, who, changed)
	switch {
	case l.ctx.Err() != nil && err != nil:
		l.crash()
	case may && changed && (verb == "approve" || verb == "pay"):
		l.refused(err, "a payout that changed")
		p.status = store.PayoutCollected
		l.propose(p)
	case !may:
		l.refused(err, verb)
	case err != nil:
		l.rt.Fatalf("%s payout %d: %v", verb, p.id, err)
	default:
		l.done(p, verb)
	}
	l.comparePayout(p)
}

// try asks for a step, and says whether it may be done.
func (l *life) try(p *paying, verb, who string, changed bool) (may bool, err error) {
	switch verb {
	case "approve":
		_, err = l.payouts.Approve(l.ctx, p.id, who, noRemember)
		return p.status == store.PayoutCollected && who != p.by, err
	case "pay":
		_, err = l.payouts.Pay(l.ctx, p.id, who, noRemember)
		return p.status == store.PayoutApproved, err
	case "discard":
		_, err = l.payouts.Discard(l.ctx, p.id, who, "test", noRemember)
		return p.status == store.PayoutCollected || p.status == store.PayoutApproved, err
	}
	_, err = l.payouts.Reverse(l.ctx, p.id, who, "test", noRemember)
	used := slices.ContainsFunc(slices.Collect(maps.Values(l.judge.paid)), func(c cash) bool { return c.payout == p.id && c.recovered != 0 })
	return p.status == store.PayoutPaid && !used, err
}

// done is what a step leads to.
func (l *life) done(p *paying, verb string) {
	switch verb {
	case "approve":
		p.status = store.PayoutApproved
	case "discard":
		p.status = store.PayoutDiscarded
	case "pay":
		l.paid(p)
	case "reverse":
		p.status = store.PayoutReversed
		for s, c := range l.judge.paid {
			if c.recovered == p.id {
				c.recovered = 0
				l.judge.paid[s] = c
			}
			if c.payout == p.id {
				delete(l.judge.paid, s)
			}
		}
		l.pass(0)
	}
}

// comparePayout demands that the books show a payout as the model does.
func (l *life) comparePayout(p *paying) {
	r := l.plot.store.Read(l.ctx)
	got, err := r.Payout(p.id)
	if !l.fine(err) {
		l.crash()
		return
	}
	if got.Status != p.status {
		l.rt.Fatalf("payout %d is %s, want %s", p.id, got.Status, p.status)
	}
	lines, err := r.PayoutLines(p.id)
	l.fine(err)
	if p.lines != nil {
		if !slices.Equal(lines, p.lines) {
			l.rt.Fatalf("the lines of payout %d were %v when it was paid, and are %v", p.id, p.lines, lines)
		}
		return
	}
	gross, kept := map[string]int64{}, map[string]int64{}
	byStay := l.byStay()
	if p.status == store.PayoutDiscarded {
		return
	}
	for _, s := range p.rewards {
		gross[byStay[s].staff] += byStay[s].fen
	}
	for _, s := range p.recoveries {
		kept[byStay[s].staff] += byStay[s].fen
	}
	sum := int64(0)
	for _, line := range lines {
		if line.GrossFen != gross[line.Staff] || line.RecoveredFen != kept[line.Staff] || line.AmountFen != line.GrossFen-line.RecoveredFen || line.AmountFen < 0 {
			l.rt.Fatalf("payout %d says %+v, want %d gross and %d kept back", p.id, line, gross[line.Staff], kept[line.Staff])
		}
		sum += line.AmountFen
		delete(gross, line.Staff)
	}
	if len(gross) > 0 || sum != got.TotalFen {
		l.rt.Fatalf("payout %d has %+v with lines %v, and no line for %v", p.id, got, lines, gross)
	}
}
