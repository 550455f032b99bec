package handlers

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xiaobu/bot"
	"xiaobu/store"
)

// histories is how many random histories the ledger is compared with its model in.
var histories = flag.Int("histories", 300, "how many random histories the ledger is compared with its model in")

// monthEnd is when a history begins: 15 hours before the end of November in Shanghai.
var monthEnd = time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)

// g3 is a third group.
const g3 = bot.ChatID("wr3")

// stayed is a stay as it truly was.
type stayed struct {
	chat         bot.ChatID
	user         bot.MemberID
	staff        bool
	inviter      bot.UserID
	joined, left time.Time
}

// life is one history: the company as it is, the program beside it, and the judge.
type life struct {
	*plot
	rt      *rapid.T
	ctx     context.Context
	world   *world
	rewards *Rewards
	payouts *Payouts
	d       *Dispatcher
	judge   *referee
	stays   []*stayed
	unions  map[bot.MemberID]string // who they will turn out to be
	post    []letter
	exact   bool      // every callback comes in time
	lazy    bool      // nobody looks what has fallen due
	moved   bool      // a group changed its store after somebody joined
	due     time.Time // when the next held entry falls due, as it was last heard
	starts  int
	seq     int
	before  []transfer // what the ledger held when it was last looked at
}

func (p *plot) begin(rt *rapid.T) *life {
	p.clear()
	l := &life{plot: p, rt: rt, judge: &referee{shop: map[string]string{}, paid: map[int64]verdict{}, zone: shanghai}, unions: map[bot.MemberID]string{}}
	l.world = p.company()
	l.start()
	l.exact = rapid.Bool().Draw(rt, "exact")
	for n := range 6 {
		l.unions[customer(n).ID] = rapid.SampledFrom([]string{"", "uA", "uA", "u" + strconv.Itoa(n)}).Draw(rt, "union")
	}
	l.judge.rules = []terms{{version: 1, from: monthEnd, tiers: []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}, hold: 168 * time.Hour, once: OncePerCorp}}
	l.rule()
	l.pass(time.Minute)
	return l
}

// start is the program after it was started.
func (l *life) start() {
	l.starts++
	l.ctx, l.cut = context.WithCancel(context.Background())
	l.payouts = &Payouts{Store: l.plot.store, Now: func() time.Time { return l.now }, Zone: shanghai}
	l.rewards, l.d = l.furnish(l.world, "start"+strconv.Itoa(l.starts))
}

// crash ends the program in the middle of what it does and starts it again.
func (l *life) crash() {
	l.left = 0
	l.cut()
	l.reopen()
	l.start()
}

// fine ends the history on an error, unless the power was cut.
func (l *life) fine(err error) bool {
	if err != nil && l.ctx.Err() == nil {
		l.rt.Fatalf("at %v: %v", l.now, err)
	}
	return err == nil
}

// work does what is due.
func (l *life) work() {
	for {
		_, err := l.d.Drain(l.ctx)
		l.fine(err)
		l.settle()
		if l.ctx.Err() == nil {
			return
		}
		l.crash()
	}
}

// settle releases what is due, unless nobody looks.
func (l *life) settle() {
	l.due = time.Time{}
	if l.lazy {
		return
	}
	due, some, err := l.rewards.Next(l.ctx)
	if l.fine(err) && some && !due.After(l.now) {
		l.fine(l.rewards.Settle(l.ctx))
		due, some, err = l.rewards.Next(l.ctx)
	}
	if l.fine(err) && some {
		l.due = due
	}
}

// next is when something happens again.
func (l *life) next() (at time.Time, ok bool) {
	at, ok, err := l.d.NextDue(l.ctx)
	l.fine(err)
	earlier := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	if !l.due.IsZero() {
		earlier(l.due)
	}
	if len(l.post) > 0 {
		earlier(l.post[0].at)
	}
	return at, ok
}

// pass lets time go by.
func (l *life) pass(d time.Duration) {
	end := l.now.Add(d)
	for {
		l.work()
		at, ok := l.next()
		if !ok || at.After(end) {
			break
		}
		l.now = later(l.now, at)
		l.arrive()
	}
	l.now = end
	l.work()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// arrive hands in the callbacks that are there; one that cannot be taken is brought again.
func (l *life) arrive() {
	var events []bot.Event
	for len(l.post) > 0 && !l.post[0].at.After(l.now) {
		events, l.post = append(events, l.post[0].event), l.post[1:]
	}
	if len(events) == 0 {
		return
	}
	if _, err := l.plot.store.PutEvents(l.ctx, events...); !l.fine(err) {
		l.crash()
		_, err := l.plot.store.PutEvents(l.ctx, events...)
		l.fine(err)
	}
}

// send brings a callback on its way: it may come several times, late, or not at all.
func (l *life) send(e bot.Event) {
	slowest, copies := 6000, rapid.IntRange(1, 3).Draw(l.rt, "copies")
	if !l.exact {
		slowest, copies = rapid.SampledFrom([]int{1000, 6000, 200_000}).Draw(l.rt, "slowest"), rapid.IntRange(0, 2).Draw(l.rt, "copies")
	}
	for i := range copies {
		delay := time.Duration(rapid.IntRange(0, slowest*(1+8*i)).Draw(l.rt, "delay")) * time.Millisecond
		l.post = append(l.post, letter{l.now.Add(delay), e})
	}
	slices.SortStableFunc(l.post, func(a, b letter) int { return a.at.Compare(b.at) })
}

// read asks for a look at a group, as every night does.
func (l *life) read(g bot.ChatID) {
	l.seq++
	l.post = append([]letter{{l.now, bot.Event{Key: fmt.Sprintf("due:%d", l.seq), Kind: bot.KindChatDue, At: l.now, Chat: g, Lane: bot.ChatLane(g), Derived: true, Data: bot.ChatDue{Why: "test"}}}}, l.post...)
}

func (l *life) here(g bot.ChatID, user bot.MemberID) *stayed {
	for _, s := range l.stays {
		if s.chat == g && s.user == user && s.left.IsZero() {
			return s
		}
	}
	return nil
}

// join brings people into a group in one second.
func (l *life) join() {
	g := rapid.SampledFrom([]bot.ChatID{g1, g2, g3}).Draw(l.rt, "chat")
	var people []bot.Member
	for range rapid.IntRange(1, 3).Draw(l.rt, "people") {
		m := customer(rapid.IntRange(0, 6).Draw(l.rt, "person"))
		m.Inviter = rapid.SampledFrom([]bot.UserID{"c1", "c2", "c1", "c2", ""}).Draw(l.rt, "inviter")
		if m.ID == customer(6).ID {
			m.ID, m.Kind = "colleague", bot.Staff
		}
		again := slices.ContainsFunc(people, func(o bot.Member) bool { return o.ID == m.ID })
		if again || l.here(g, m.ID) != nil || l.tooSoon(g, m.ID) {
			continue
		}
		m.JoinedAt, m.UnionID = l.world.second(), l.known(m.ID)
		people = append(people, m)
		l.stays = append(l.stays, &stayed{chat: g, user: m.ID, staff: m.Kind == bot.Staff, inviter: m.Inviter, joined: m.JoinedAt})
	}
	if len(people) > 0 {
		l.send(l.world.join(g, people...))
	}
}

// known is the union id of a person as the platform shows it at present.
func (l *life) known(user bot.MemberID) string {
	if c, ok := l.world.contacts[bot.ExternalUserID(user)]; ok {
		return c.UnionID
	}
	return ""
}

// tooSoon keeps a person from coming back within two seconds: WeCom's whole seconds cannot tell
// such stays apart.
func (l *life) tooSoon(g bot.ChatID, user bot.MemberID) bool {
	return slices.ContainsFunc(l.stays, func(s *stayed) bool {
		return s.chat == g && s.user == user && l.world.second().Sub(s.joined) < 3*time.Second
	})
}

func (l *life) present() []*stayed {
	var out []*stayed
	for _, s := range l.stays {
		if s.left.IsZero() {
			out = append(out, s)
		}
	}
	return out
}

func (l *life) leave() {
	if there := l.present(); len(there) > 0 {
		l.out(rapid.SampledFrom(there).Draw(l.rt, "who"))
	}
}

// out takes somebody out of a group. Of who was there for a moment only the callbacks tell, not
// exactly where several people share one: the model of the groups tries that.
func (l *life) out(s *stayed) {
	if l.exact && l.now.Sub(s.joined) < 10*time.Second {
		return
	}
	s.left = l.world.second()
	l.send(l.world.leave(s.chat, s.user, rapid.IntRange(0, 1).Draw(l.rt, "scene")))
}

// edge lets somebody leave around the second in which the hold or the clawback ends.
func (l *life) edge() {
	there := l.present()
	if len(there) == 0 {
		return
	}
	s := rapid.SampledFrom(there).Draw(l.rt, "who")
	rule, ok := l.judge.inForce(s.joined)
	at := s.joined.Add(rule.hold + time.Duration(rapid.IntRange(-1, 1).Draw(l.rt, "seconds"))*time.Second)
	if rapid.Bool().Draw(l.rt, "clawback") {
		at = at.Add(rule.clawback)
	}
	if !ok || at.Before(l.now) {
		return
	}
	l.pass(at.Sub(l.now))
	if s.left.IsZero() {
		l.out(s)
	}
}

// learn makes known who somebody is in other companies' eyes.
func (l *life) learn() {
	user := customer(rapid.IntRange(0, 5).Draw(l.rt, "person")).ID
	l.world.contacts[bot.ExternalUserID(user)] = bot.Contact{ID: bot.ExternalUserID(user), UnionID: l.unions[user]}
	for _, g := range l.world.groups {
		for i := range g.Members {
			if g.Members[i].ID == user {
				g.Members[i].UnionID = l.unions[user]
			}
		}
	}
}

// place gives a group to a store.
func (l *life) place() {
	g := rapid.SampledFrom([]bot.ChatID{g1, g2, g3}).Draw(l.rt, "chat")
	shop := rapid.SampledFrom([]string{"", "s1", "s2"}).Draw(l.rt, "shop")
	err := l.plot.store.Tx(l.ctx, func(tx *store.Tx) error { return tx.PlaceChat(g, shop, nil) })
	if !l.fine(err) {
		l.crash()
		return
	}
	l.moved = l.moved || len(l.stays) > 0 && l.judge.shop[string(g)] != shop
	l.judge.shop[string(g)] = shop
}

// rule makes a new version: from the next second, or from some time in the future.
func (l *life) rule() {
	ahead := rapid.SampledFrom([]time.Duration{time.Second, time.Second, 10 * time.Second, time.Hour}).Draw(l.rt, "ahead")
	r := store.Rule{
		EffectiveFrom: l.world.second().Add(ahead),
		Tiers: rapid.SampledFrom([][]store.Tier{
			{{UpTo: 2, Fen: 50}, {Fen: 100}}, {{Fen: 70}}, {{UpTo: 1, Fen: 10}, {UpTo: 3, Fen: 20}, {Fen: 30}}, {{UpTo: 1, Fen: 40}, {Fen: 0}},
		}).Draw(l.rt, "tiers"),
		HoldMS:     rapid.SampledFrom([]time.Duration{time.Hour, time.Hour, 10 * time.Minute, 0}).Draw(l.rt, "hold").Milliseconds(),
		ClawbackMS: rapid.SampledFrom([]time.Duration{0, 30 * time.Minute, 48 * time.Hour}).Draw(l.rt, "clawback").Milliseconds(),
		OncePer:    rapid.SampledFrom([]string{OncePerCorp, OncePerCorp, OncePerStore, OncePerGroup}).Draw(l.rt, "once"),
	}
	r, err := l.rewards.PutRule(l.ctx, r, noRemember)
	if !l.fine(err) {
		l.crash()
		if r, err = l.plot.store.Read(l.ctx).LastRule(); !l.fine(err) || r.Version == l.judge.rules[len(l.judge.rules)-1].version {
			return // it was cut off
		}
	}
	l.judge.rules = append(l.judge.rules, terms{r.Version, r.EffectiveFrom, r.Tiers, r.Hold(), r.Clawback(), r.OncePer})
}

// pay pays the month before, if there is something to pay.
func (l *life) pay() {
	end := firstOfMonth(l.now)
	begin := firstOfMonth(end.Add(-time.Hour))
	l.work()
	verdicts := l.judge.verdicts(l.facts(), l.now)
	var due []int64
	for _, e := range l.entries() {
		v := verdicts[e.stay]
		if e.status == store.EntryPayable && v.period == begin.In(shanghai).Format("2006-01") {
			due = append(due, e.stay)
			if v.status != store.EntryPayable {
				l.rt.Fatalf("entry %d would be paid and is %s", e.id, v.status)
			}
		}
	}
	_, err := l.payouts.Make(l.ctx, PayoutAsk{Period: begin.In(shanghai).Format("2006-01")}, noRemember)
	if !l.fine(err) {
		l.crash()
		return
	}
	for _, stay := range due {
		l.judge.paid[stay] = verdicts[stay]
	}
}

func firstOfMonth(t time.Time) time.Time {
	y, m, _ := t.In(shanghai).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, shanghai)
}

// jump lets much time go by, or just so much that another month begins.
func (l *life) jump() {
	d := rapid.SampledFrom([]time.Duration{10 * time.Minute, time.Hour, 5 * time.Hour, 50 * time.Hour, 0}).Draw(l.rt, "jump")
	if d == 0 {
		next := firstOfMonth(firstOfMonth(l.now).Add(40 * 24 * time.Hour))
		d = next.Sub(l.now) + time.Duration(rapid.IntRange(-1, 0).Draw(l.rt, "second"))*time.Second
	}
	l.pass(max(d, 0))
}

// doze stops looking for what has fallen due, or begins again.
func (l *life) doze() { l.lazy = !l.lazy }

// fail cuts the power some transactions from now.
func (l *life) fail() { l.left = rapid.IntRange(1, 12).Draw(l.rt, "transactions") }

func (l *life) nightly() { l.read(rapid.SampledFrom([]bot.ChatID{g1, g2, g3}).Draw(l.rt, "chat")) }

// live lives through a random history and compares the books with the model.
func (l *life) live() {
	acts := []func(){l.join, l.join, l.join, l.join, l.leave, l.leave, l.edge, l.edge, l.rule, l.place, l.learn, l.pay, l.jump, l.jump, l.doze, l.fail, l.nightly, l.look}
	for range rapid.IntRange(1, 20).Draw(l.rt, "steps") {
		acts[rapid.IntRange(0, len(acts)-1).Draw(l.rt, "act")]()
		l.pass(time.Duration(rapid.SampledFrom([]int{0, 1, 1, 2, 10, 60}).Draw(l.rt, "pause")) * time.Second)
	}
	l.lazy = false
	l.pass(10 * time.Minute)
	for _, g := range []bot.ChatID{g1, g2, g3} {
		l.read(g)
	}
	l.pass(10 * time.Minute)
	l.left = 0
	l.final()
}

// The ledger equals a model that judges the whole history anew, over random histories: people
// who join, leave and come back to several groups, some of them one person, as it turns out;
// groups that change stores; rules that change; callbacks that come late, doubled, turned around
// or never; months that end and are paid; a program that is cut off anywhere and starts again.
func TestTheLedgerEqualsAModelThatJudgesTheWholeHistory(t *testing.T) {
	const workers = 2
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set(strconv.Itoa((*histories + workers - 1) / workers)); err != nil {
		t.Fatal(err)
	}
	defer checks.Value.Set(before)
	t.Run("histories", func(t *testing.T) {
		for w := range workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				p := newPlot(t)
				rapid.Check(t, func(rt *rapid.T) {
					rapid.SliceOfN(rapid.Bool(), w, w).Draw(rt, "worker") // another way through the same seed
					p.begin(rt).live()
				})
			})
		}
	})
}
