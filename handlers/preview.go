package handlers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// topStaff is how many of those who gain or lose most a preview names.
const topStaff = 10

// Cost is what joins came to, or would, in fen.
type Cost struct {
	Joins         int // that earned, whatever became of them
	Fen           int64
	HeldFen       int64 // the part of Fen that may still be voided by a leave
	VoidFen       int64 // not in Fen, as the two below
	ClawedBackFen int64
	RefusedJoins  int // by the budget
	RefusedFen    int64
}

func (c *Cost) add(e store.Entry) {
	if e.Reason == ReasonOverBudget {
		c.RefusedJoins++
		c.RefusedFen += e.AmountFen
		return
	}
	c.Joins++
	switch e.Status {
	case store.EntryVoid:
		c.VoidFen += e.AmountFen
	case store.EntryClawedBack:
		c.ClawedBackFen += e.AmountFen
	case store.EntryHeld:
		c.HeldFen += e.AmountFen
		c.Fen += e.AmountFen
	default:
		c.Fen += e.AmountFen
	}
}

// Beside is one part of a month: what it cost, and what it would have.
type Beside struct {
	Name       string // of the terms (empty: the rule itself), the store (empty: none) or the staff
	Was, Would Cost
}

// Difference is how much more it would have cost, in fen.
func (b Beside) Difference() int64 { return b.Would.Fen - b.Was.Fen }

// TierCost is what one step of the candidate would have cost.
type TierCost struct {
	Terms string
	Step  store.Tier
	Cost  Cost
}

// Preview is what a month would have cost under a candidate, beside what it did cost.
type Preview struct {
	Period   string
	From, To time.Time
	Joins    int // stays that began, of customers
	Total    Beside
	Terms    []Beside // by name
	Stores   []Beside // by id
	Gain     []Beside // the staff with the greatest gain first, at most ten
	Lose     []Beside
	Tiers    []TierCost // in the order of the rule
	Notes    []string   // what the figures do not know, for people
}

// previewer is the lawbook of a preview: the books, with the candidate in place of whatever
// rule was in force.
type previewer struct {
	candidate store.Rule
	first     time.Time // when the first rule came into force
	now       time.Time
	chats     map[string]store.Chat
	stays     []store.Stint         // all of the people who joined in the month, in the judge's order
	byUser    map[string][]int      // into stays
	byUnion   map[string][]int      // into stays
	entries   map[int64]store.Entry // by stay, of the month and of what came after it
	was       []store.Entry         // of the month
}

// would is a join that would have earned.
type would struct {
	store.Entry
	stay  store.Stint
	terms store.Terms
}

// RuleAt returns the candidate, unless no rule was in force: then none would have been.
func (p *previewer) RuleAt(t time.Time) (store.Rule, error) {
	if t.Before(p.first) {
		return store.Rule{}, store.ErrNotFound
	}
	return p.candidate, nil
}

// Chat returns a group.
func (p *previewer) Chat(id bot.ChatID) (store.Chat, error) {
	c, ok := p.chats[string(id)]
	if !ok {
		return c, store.ErrNotFound
	}
	return c, nil
}

// PreviewRule tells what a month would have cost under a candidate, whatever its effective
// date, beside what it did cost. It asks the judge that books. Period is a month such as
// 2026-11; empty is the last one that ended. Nothing is written.
func (r *Rewards) PreviewRule(ctx context.Context, candidate store.Rule, period string) (Preview, error) {
	if err := checkRule(candidate); err != nil {
		return Preview{}, err
	}
	rd := r.Store.Read(ctx)
	if err := checkNamedStores(rd, candidate); err != nil {
		return Preview{}, err
	}
	v, err := r.previewed(period)
	if err != nil {
		return v, err
	}
	p := &previewer{candidate: candidate, now: r.Now(), byUser: map[string][]int{}, byUnion: map[string][]int{}}
	if err := p.load(rd, v.From, v.To); err != nil {
		return v, fmt.Errorf("preview a rule: %w", err)
	}
	earned, err := r.judgeAll(p, &v)
	if err != nil {
		return v, fmt.Errorf("preview a rule: %w", err)
	}
	p.spend(earned)
	p.sum(&v, earned)
	return v, nil
}

// previewed returns the month to look at.
func (r *Rewards) previewed(period string) (Preview, error) {
	now := r.Now().In(r.Zone)
	from := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, r.Zone).AddDate(0, -1, 0)
	if period != "" {
		var err error
		if from, err = time.ParseInLocation("2006-01", period, r.Zone); err != nil {
			return Preview{}, Invalidf("period", "%q is no month; want one such as 2026-11", period)
		}
		if from.After(now) {
			return Preview{}, Invalidf("period", "%s is to come; want a month with joins to look at", period)
		}
	}
	v := Preview{Period: r.month(from), From: from, To: from.AddDate(0, 1, 0)}
	if now.Before(v.To) {
		v.note("the month is not over: joins until %s are counted", r.stamp(now))
	}
	return v, nil
}

func (v *Preview) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}

func (p *previewer) load(rd store.Reader, from, to time.Time) error {
	rules, err := rd.RuleSpans(0, 0)
	if err != nil {
		return err
	}
	p.first = rules[0].EffectiveFrom // the first day's rule is always there
	for _, rule := range rules {
		if rule.EffectiveFrom.Before(p.first) {
			p.first = rule.EffectiveFrom
		}
	}
	p.candidate.Version = rules[0].Version + 1
	chats, err := rd.Chats(store.ChatFilter{})
	if err != nil {
		return err
	}
	p.chats = make(map[string]store.Chat, len(chats))
	for _, c := range chats {
		p.chats[c.ChatID] = c
	}
	return p.loadPeople(rd, from, to)
}

// loadPeople reads at once what the judge asks person by person when it books.
func (p *previewer) loadPeople(rd store.Reader, from, to time.Time) (err error) {
	var others, later []store.Stint
	if p.stays, others, err = rd.StaysJoined(from, to); err != nil {
		return err
	}
	for _, st := range others {
		if !st.JoinedAt.Before(to) {
			later = append(later, st)
		}
	}
	if p.entries, err = rd.EntriesOfStints(later); err != nil {
		return err
	}
	if p.was, err = rd.Entries(store.EntryFilter{From: from, To: to}); err != nil {
		return err
	}
	for _, e := range p.was {
		p.entries[e.StintID] = e
	}
	p.stays = store.InOrder(append(p.stays, others...))
	for i, st := range p.stays {
		p.byUser[st.UserID] = append(p.byUser[st.UserID], i)
		if st.UnionID != "" {
			p.byUnion[st.UnionID] = append(p.byUnion[st.UnionID], i)
		}
	}
	return nil
}

// person returns the stays of the person of a stay, as store.PersonStints does, and which of
// them it is.
func (p *previewer) person(i int) ([]store.Stint, int) {
	st := p.stays[i]
	of := p.byUser[st.UserID]
	if more := p.byUnion[st.UnionID]; st.UnionID != "" && len(more) > 0 {
		of = slices.Concat(of, more)
		slices.Sort(of)
		of = slices.Compact(of)
	}
	if len(of) == 1 {
		return p.stays[i : i+1], 0
	}
	stays := make([]store.Stint, len(of))
	for k, at := range of {
		stays[k] = p.stays[at]
	}
	return stays, slices.Index(of, i)
}

// judgeAll judges the month's joins, and says where those that earn would stand now.
func (r *Rewards) judgeAll(p *previewer, v *Preview) ([]would, error) {
	var earned []would
	early := 0
	for i, st := range p.stays {
		if st.JoinedAt.Before(v.From) || !st.JoinedAt.Before(v.To) || st.Kind != string(bot.Customer) {
			continue
		}
		v.Joins++
		stays, at := p.person(i)
		j, err := judge(p, stays, at, p.entries)
		if err != nil {
			return nil, err
		}
		if j.reason == ReasonBeforeEffective {
			early++
		}
		if j.earns() {
			w := would{Entry: r.entryOf(st, j), stay: st, terms: j.terms}
			w.Status, w.Reason = statusOf(st, w.Entry, j.terms, p.now)
			if p.entries[st.ID].Reason == ReasonDecided {
				w.Status, w.Reason = store.EntryVoid, ReasonDecided // what somebody decided stands
			}
			earned = append(earned, w)
		}
	}
	if early > 0 {
		v.note("%d joins were before the first rule; they earn nothing under the candidate either", early)
	}
	return earned, nil
}

// spend refuses what goes beyond the candidate's budget: joins are booked in the order in
// which they became known, and what a leave sets free is there for those that come after it.
func (p *previewer) spend(earned []would) {
	budget := p.candidate.Budget
	if budget == nil {
		return
	}
	type step struct {
		at   time.Time
		i    int
		free bool
	}
	slices.SortStableFunc(earned, func(a, b would) int {
		return cmp.Or(a.stay.SeenAt.Compare(b.stay.SeenAt), cmp.Compare(a.stay.ID, b.stay.ID))
	})
	var steps []step
	for i, w := range earned {
		steps = append(steps, step{at: w.stay.SeenAt, i: i})
		if w.Status == store.EntryVoid || w.Status == store.EntryClawedBack {
			at := w.stay.LeftAt
			if at.Before(w.stay.SeenAt) {
				at = w.stay.SeenAt
			}
			steps = append(steps, step{at: at, i: i, free: true})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.i, b.i)) })
	spent := map[string]int64{}
	for _, s := range steps {
		w := &earned[s.i]
		scope := p.scope(*w)
		switch {
		case s.free && w.Reason != ReasonOverBudget:
			spent[scope] -= w.AmountFen
		case !s.free && !budget.Allows(spent[scope], w.AmountFen):
			w.Status, w.Reason = store.EntryVoid, ReasonOverBudget
		case !s.free:
			spent[scope] += w.AmountFen
		}
	}
}

// scope names whose budget a join spends from. A group without a store is a scope of its own.
func (p *previewer) scope(w would) string {
	switch p.candidate.Budget.Per {
	case store.BudgetStaff:
		return w.Staff
	case store.BudgetStore:
		return cmp.Or(p.chats[w.ChatID].ShopID, "group "+w.ChatID)
	}
	return ""
}

// sum adds up both sides.
func (p *previewer) sum(v *Preview, earned []would) {
	terms, stores, staff := sides{}, sides{}, sides{}
	add := func(e store.Entry, side func(*Beside) *Cost) {
		side(&v.Total).add(e)
		side(terms.of(e.Terms)).add(e)
		side(stores.of(p.chats[e.ChatID].ShopID)).add(e)
		side(staff.of(e.Staff)).add(e)
	}
	for _, e := range p.was {
		add(e, func(b *Beside) *Cost { return &b.Was })
	}
	v.Tiers = tiersOf(p.candidate)
	var last time.Time
	for _, w := range earned {
		add(w.Entry, func(b *Beside) *Cost { return &b.Would })
		i := slices.IndexFunc(v.Tiers, func(t TierCost) bool { return t.Terms == w.terms.Name })
		v.Tiers[i+w.terms.Step(w.Ordinal)].Cost.add(w.Entry)
		if w.Status == store.EntryHeld && w.DueAt.After(last) {
			last = w.DueAt
		}
	}
	v.Terms, v.Stores = terms.list(), stores.list()
	v.Gain, v.Lose = topOf(staff.list(), 1), topOf(staff.list(), -1)
	if !last.IsZero() {
		v.note("%s of the candidate's cost is still held, the last until %s: whoever leaves before takes it along", Yuan(v.Total.Would.HeldFen), last.In(v.From.Location()).Format(time.RFC3339))
	}
	if v.Total.Was.HeldFen > 0 {
		v.note("%s of what the month did cost is still held", Yuan(v.Total.Was.HeldFen))
	}
}

// sides adds up the parts of a month by name.
type sides map[string]*Beside

func (s sides) of(name string) *Beside {
	b, ok := s[name]
	if !ok {
		b = &Beside{Name: name}
		s[name] = b
	}
	return b
}

func (s sides) list() []Beside {
	out := make([]Beside, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		out = append(out, *s[name])
	}
	return out
}

// topOf returns who gains (sign 1) or loses (sign -1) most.
func topOf(staff []Beside, sign int64) []Beside {
	staff = slices.DeleteFunc(staff, func(b Beside) bool { return sign*b.Difference() <= 0 })
	slices.SortStableFunc(staff, func(a, b Beside) int { return cmp.Compare(sign*b.Difference(), sign*a.Difference()) })
	return staff[:min(len(staff), topStaff)]
}

// tiersOf lists all steps of a rule: its own, then those of its overrides.
func tiersOf(rule store.Rule) []TierCost {
	var out []TierCost
	for _, step := range rule.Tiers {
		out = append(out, TierCost{Step: step})
	}
	for _, o := range rule.Overrides {
		for _, step := range o.Tiers {
			out = append(out, TierCost{Terms: o.Name, Step: step})
		}
	}
	return out
}
