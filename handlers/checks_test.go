package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// been is a stay of a customer that the books know: who, where, when (from start on), and how
// long it went on; zero: it does.
type been struct {
	user, chat, by string
	at, stayed     time.Duration
	state, union   string
	name           string
	staff          bool
}

func (h *house) been(stays ...been) (last store.Stint) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for _, b := range stays {
			last = store.Stint{ChatID: b.chat, UserID: b.user, Name: b.name, Kind: string(bot.Customer), UnionID: b.union, JoinedAt: start.Add(b.at), Inviter: b.by, InviterBy: ByInvitor, State: b.state}
			if b.state != "" {
				last.InviterBy = ByState
			}
			if b.staff {
				last.Kind = string(bot.Staff)
			}
			if b.stayed > 0 {
				last.LeftAt = last.JoinedAt.Add(b.stayed)
			}
			if _, err := tx.AddStint(&last); err != nil {
				return err
			}
		}
		return nil
	}))
	return last
}

// seen returns the signals of a join, looked for with some settings.
func (h *house) seen(st store.Stint, c store.CheckSettings) []store.Signal {
	h.t.Helper()
	rd := h.store.Read(context.Background())
	stays, err := rd.PersonStints(bot.MemberID(st.UserID), st.UnionID)
	h.must(err)
	i := &inspection{Reader: rd, sentences: sentences{shanghai}, checks: c, st: st, stays: stays, now: h.clock(),
		e: store.Entry{Staff: st.Inviter, Period: "2026-11"}}
	signals, err := i.signals(0)
	h.must(err)
	// Giving up early changes nothing about what is flagged.
	enough, err := i.signals(c.Threshold)
	h.must(err)
	if flagged := weigh(signals) >= c.Threshold; flagged != (weigh(enough) >= c.Threshold) || flagged && len(enough) != len(signals) {
		h.t.Errorf("all signals: %q; those looked at: %q", names(signals), names(enough))
	}
	return signals
}

func names(signals []store.Signal) string {
	var out []string
	for _, s := range signals {
		out = append(out, s.Name)
	}
	return strings.Join(out, " ")
}

const (
	minute = time.Minute
	hour   = time.Hour
	oneDay = 24 * time.Hour
)

// crowd is n people who join through one code, evenly from the start on, the last after a time.
func crowd(n int, state string, over time.Duration) []been {
	var out []been
	for i := range n {
		out = append(out, been{user: fmt.Sprint("wm", i), chat: "wr1", by: "anna", state: state, at: over * time.Duration(i) / time.Duration(n-1)})
	}
	return out
}

// goer comes and goes in two groups, staying a while each time.
func goer(user string, stayed time.Duration) []been {
	return []been{{user: user, chat: "wr1", by: "anna", at: -2 * oneDay, stayed: stayed}, {user: user, chat: "wr2", by: "bo", at: -oneDay, stayed: stayed}}
}

// Each signal is there from its threshold on, to the second and to the join, and not before.
func TestEachSignalBeginsAtItsThreshold(t *testing.T) {
	t.Parallel()
	rings := func(people int, stayed time.Duration) (out []been) {
		for i := range people {
			out = append(out, goer(fmt.Sprint("go", i), stayed)...)
		}
		return out
	}
	tills := func(last time.Duration, states ...string) (out []been) {
		for i, s := range states {
			out = append(out, been{user: "wm1", chat: fmt.Sprint("wr", i), by: "of " + s, state: s, at: time.Duration(i) * last / time.Duration(len(states)-1)})
		}
		return slices.Concat(out[1:], out[:1]) // looked at from the first
	}
	for name, c := range map[string]struct {
		stays []been // the last one is looked at
		want  string
	}{
		"20 at one code within a minute":             {crowd(20, "c1", minute-time.Second), "burst share"},
		"19 at one code within a minute":             {crowd(19, "c1", minute-time.Second), ""},
		"20 at one code within a minute and no less": {crowd(20, "c1", minute), "share"},
		"20 of one inviter without a code":           {crowd(20, "", minute-time.Second), "burst share"},
		"20 at two codes":                            {append(crowd(10, "c1", 10*time.Second), primed(crowd(10, "c2", 10*time.Second))...), "share"},
		"15 of 20 in a group":                        {append(others(crowd(14, "c1", 20*minute), 5), been{user: "x", chat: "wr1", by: "anna", at: hour}), ""},
		"16 of 20 in a group":                        {append(others(crowd(15, "c1", 20*minute), 4), been{user: "x", chat: "wr1", by: "anna", at: hour}), "share"},
		"in another group before":                    {[]been{{user: "wm1", chat: "wr2", by: "bo", at: -time.Second}, {user: "wm1", chat: "wr1", by: "anna"}}, "known"},
		"in another group later":                     {[]been{{user: "wm1", chat: "wr2", by: "bo", at: time.Second}, {user: "wm1", chat: "wr1", by: "anna"}}, ""},
		"in the same group before":                   {[]been{{user: "wm1", chat: "wr1", by: "bo", at: -oneDay, stayed: 4 * hour}, {user: "wm1", chat: "wr1", by: "anna"}}, ""},
		"under another user id":                      {[]been{{user: "wm2", chat: "wr1", by: "bo", at: time.Second, union: "u"}, {user: "wm1", chat: "wr1", by: "anna", union: "u"}}, "known"},
		"three come and go within three days":        {rings(3, 72*hour), "known ring"},
		"three come and stay a second longer":        {rings(3, 72*hour+time.Second), "known"},
		"two come and go":                            {rings(2, hour), "known"},
		"three codes in a week":                      {tills(7*oneDay, "c1", "c2", "c3"), "tills"},
		"three codes in more than a week":            {tills(7*oneDay+time.Second, "c1", "c2", "c3"), ""},
		"two codes":                                  {tills(oneDay, "c1", "c2"), ""},
		"a namesake of a colleague":                  {[]been{{user: "wm1", chat: "wr1", by: "anna", name: "李收银"}}, "staff"},
		"a namesake of a colleague elsewhere":        {[]been{{user: "wm1", chat: "wr2", by: "anna", name: "李收银"}}, ""},
		"a namesake of the inviter":                  {[]been{{user: "wm1", chat: "wr2", by: "anna", name: "安娜"}}, "staff"},
		"one letter":                                 {[]been{{user: "wm1", chat: "wr1", by: "anna", name: "李"}}, ""},
		"a colleague by the union id":                {[]been{{user: "chen", chat: "wr1", staff: true, at: hour, union: "u"}, {user: "wm1", chat: "wr1", by: "anna", union: "u"}}, "known staff"},
		"nothing":                                    {[]been{{user: "wm1", chat: "wr1", by: "anna", name: "顾客"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := storeWithStaff(t)
			signals := h.seen(h.been(c.stays...), DefaultChecks())
			if got := names(signals); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, s := range signals {
				if s.ZH == "" || s.EN == "" || strings.Contains(s.ZH+s.EN, "%!") || len(s.Stays) > maxShown {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func primed(stays []been) []been {
	for i := range stays {
		stays[i].user += "b"
	}
	return stays
}

// others gives some more joins to somebody else.
func others(stays []been, n int) []been {
	for i := range n {
		stays = append(stays, been{user: fmt.Sprint("y", i), chat: "wr1", by: "bo", at: 30 * minute})
	}
	return stays
}

// storeWithStaff has the group wr1 in a store where Li works, and the group wr2 in none.
func storeWithStaff(t *testing.T) *house {
	h := newHouse(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return errors.Join(tx.NameStaff("li", "李收银"), tx.NameStaff("anna", "安娜"), tx.PutShop(store.Shop{ID: "s1", Name: "北门店", Manager: "wang", Staff: []string{"li"}}),
			tx.NewChat(store.Chat{ChatID: "wr1"}), tx.NewChat(store.Chat{ChatID: "wr2"}), tx.PlaceChat("wr1", "s1", nil))
	}))
	return h
}

// Of ten people of one inviter whose hold is over, three that left within two days are seen.
func TestPeopleWhoLeaveRightAfterTheirHold(t *testing.T) {
	for name, c := range map[string]struct {
		people, left int
		after        time.Duration
		want         string
	}{
		"a third, five at least":   {15, 5, 48*hour - time.Second, "leaves"},
		"less than a third":        {17, 5, hour, ""},
		"four":                     {4, 4, hour, ""},
		"two days after the hold":  {15, 5, 48 * hour, ""},
		"at the end of their hold": {15, 5, 0, "leaves"},
	} {
		t.Run(name, func(t *testing.T) {
			h := houseWithGroup(t)
			h.rule(store.Rule{HoldMS: hour.Milliseconds()})
			h.checks(func(c *store.CheckSettings) { c.Enabled = false })
			var people []bot.Member
			for i := range c.people {
				people = append(people, by(i, "anna"))
			}
			h.deliver(h.world.join(g1, people...))
			h.pass(minute)
			h.set(h.stay(g1, string(people[0].ID)).JoinedAt.Add(hour + c.after))
			h.pass(0)
			for i := range c.left {
				h.deliver(h.world.leave(g1, people[i].ID, 0))
			}
			h.pass(minute)
			st := h.stay(g1, string(people[c.people-1].ID))
			settings := DefaultChecks()
			settings.Burst.Weight, settings.Share.Weight = 0, 0
			if got := names(h.seen(st, settings)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// checks changes what is looked for.
func (h *house) checks(change func(*store.CheckSettings)) {
	h.t.Helper()
	c := store.Checks{Data: DefaultChecks(), By: "test"}
	change(&c.Data)
	_, err := h.rewards.PutChecks(context.Background(), c)
	h.must(err)
}

// flags lists the flagged entries: of each its member, status, signals and who decided.
func (h *house) flags(f store.FlagFilter) string {
	h.t.Helper()
	rows, err := h.store.Read(context.Background()).Flags(f)
	h.must(err)
	var out []string
	for _, r := range rows {
		status := r.Flag.Status
		if r.Lapsed() {
			status = store.FlagLapsed
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Entry.Member, status, r.Entry.Status, r.Decision.Who)))
	}
	return strings.Join(out, ", ")
}

// 150 people are brought in by one cashier within a minute,
// all into one group, and half of them were elsewhere before.
func TestOrdinaryBulkJoinsAreNeverHeld(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.rule(store.Rule{HoldMS: hour.Milliseconds(), OncePer: OncePerGroup})
	for _, g := range []bot.ChatID{g1, g2} {
		h.world.group(g, "owner")
		h.readGroup(g)
	}
	h.pass(minute)
	var regulars, all []bot.Member
	for i := range 150 {
		m := by(i, "anna")
		m.UnionID, m.State = fmt.Sprint("u", i), "till1"
		all = append(all, m)
		if i%2 == 0 {
			regulars = append(regulars, by(i, "bo"))
			regulars[i/2].UnionID = m.UnionID
		}
	}
	h.deliver(h.world.join(g2, regulars...))
	h.pass(minute)
	h.deliver(h.world.join(g1, all...))
	h.pass(minute)
	e := h.entries()
	st := h.stay(g1, e[len(e)-1].Member)
	if got := names(h.seen(st, DefaultChecks())); len(e) != 225 || !strings.HasPrefix(got, "burst share") {
		t.Errorf("%d entries; signals of one: %q", len(e), got)
	}
	h.pass(2 * hour)
	for _, e := range h.entries() {
		if e.Status != store.EntryPayable {
			t.Fatalf("%+v", e)
		}
	}
	if got := h.flags(store.FlagFilter{}); got != "" {
		t.Errorf("flagged: %s", got)
	}
}

// flaggedHouse has two joins of one second, flagged as that is enough here; the hold is an hour.
func flaggedHouse(t *testing.T) *house {
	h := houseWithGroup(t)
	h.rule(store.Rule{HoldMS: hour.Milliseconds(), ClawbackMS: hour.Milliseconds()})
	h.checks(func(c *store.CheckSettings) { c.Threshold, c.Burst.Count = 0.4, 2 })
	h.deliver(h.world.join(g1, by(1, "anna"), by(2, "anna")))
	h.pass(minute)
	return h
}

func (h *house) decide(entry int, decision string) error {
	_, err := h.rewards.DecideFlag(context.Background(), store.FlagDecision{EntryID: h.entries()[entry].ID, Decision: decision, Who: "wang", Note: "问过了"})
	return err
}

func TestAFlaggedRewardWaitsForSomebodyToDecide(t *testing.T) {
	h := flaggedHouse(t)
	if got := h.flags(store.FlagFilter{Status: store.FlagOpen, Staff: "anna"}); got != "wm001 open held, wm002 open held" {
		t.Errorf("flagged: %s", got)
	}
	if got := h.flags(store.FlagFilter{Status: store.FlagOpen, Shop: "elsewhere"}); got != "" {
		t.Errorf("of another store: %s", got)
	}
	h.must(h.decide(0, store.DecideRelease)) // before it is due
	h.status(store.EntryHeld, store.EntryHeld)
	h.pass(hour)
	h.status(store.EntryPayable, store.EntryHeld)
	if at, some, err := h.rewards.Next(context.Background()); some || err != nil {
		t.Errorf("a flagged entry falls due: %v %v", at, err)
	}
	h.pass(30 * oneDay)
	h.status(store.EntryPayable, store.EntryHeld)
	h.must(h.decide(1, store.DecideRelease)) // after it was due
	h.status(store.EntryPayable, store.EntryPayable)
	if got := h.flags(store.FlagFilter{Status: store.FlagReleased}); got != "wm001 released payable wang, wm002 released payable wang" {
		t.Errorf("released: %s", got)
	}
}

// Neither a leave nor a new rule nor a return takes a decision back.
func TestAVoidedRewardStaysVoid(t *testing.T) {
	h := flaggedHouse(t)
	h.must(h.decide(0, store.DecideVoid))
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 70}}, HoldMS: hour.Milliseconds(), EffectiveFrom: start})
	h.pass(minute)
	h.deliver(h.world.leave(g1, customer(1).ID, 0))
	h.pass(minute)
	h.deliver(h.world.join(g1, by(1, "anna")))
	h.pass(2 * hour)
	e := h.entries()
	if len(e) != 2 || e[0].Status != store.EntryVoid || e[0].Reason != ReasonDecided || e[1].Status != store.EntryHeld || e[1].AmountFen != 70 {
		t.Errorf("entries: %+v", e)
	}
	if got := h.flags(store.FlagFilter{}); got != "wm001 voided void wang, wm002 open held" {
		t.Errorf("flags: %s", got)
	}
	h.status(store.EntryVoid, store.EntryHeld)
}

func TestALeaveSettlesAFlaggedReward(t *testing.T) {
	h := flaggedHouse(t)
	h.deliver(h.world.leave(g1, customer(1).ID, 0)) // within the hold
	h.pass(70 * minute)
	h.deliver(h.world.leave(g1, customer(2).ID, 0)) // after it, still held, within the clawback
	h.pass(minute)
	h.status(store.EntryVoid, store.EntryClawedBack)
	if got := h.flags(store.FlagFilter{Status: store.FlagLapsed}); got != "wm001 lapsed void, wm002 lapsed clawed_back" {
		t.Errorf("flags: %s", got)
	}
	var conflict *Conflict
	if err := h.decide(0, store.DecideRelease); !errors.As(err, &conflict) || !strings.Contains(conflict.Detail, ReasonLeftEarly) {
		t.Errorf("nothing is left to decide: %v", err)
	}
}

func TestAFlagIsDecidedOnce(t *testing.T) {
	h := flaggedHouse(t)
	h.must(h.decide(0, store.DecideVoid))
	var conflict *Conflict
	for _, decision := range []string{store.DecideVoid, store.DecideRelease} {
		if err := h.decide(0, decision); !errors.As(err, &conflict) || !strings.Contains(conflict.Detail, "voided by wang at 2026-11-23T10:") {
			t.Errorf("%s for the second time: %v", decision, err)
		}
	}
	h.checks(func(c *store.CheckSettings) { c.Enabled = false })
	h.deliver(h.world.join(g1, by(3, "anna"), by(4, "anna")))
	h.pass(minute)
	if err := h.decide(2, store.DecideVoid); !errors.As(err, &conflict) || !strings.Contains(conflict.Detail, "not flagged") {
		t.Errorf("an entry without a flag: %v", err)
	}
	var inv *Invalid
	for _, d := range []store.FlagDecision{{EntryID: 2, Decision: store.DecideVoid}, {EntryID: 2, Decision: store.DecideVoid, Who: " "}, {EntryID: 2, Decision: store.DecideVoid, Who: "wang", Note: strings.Repeat("x", maxNote+1)}} {
		if _, err := h.rewards.DecideFlag(context.Background(), d); !errors.As(err, &inv) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if _, err := h.rewards.DecideFlag(context.Background(), store.FlagDecision{EntryID: 99, Decision: store.DecideVoid, Who: "wang"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no entry: %v", err)
	}
	h.status(store.EntryVoid, store.EntryHeld, store.EntryHeld, store.EntryHeld)
}

// What is not known at the join may be known when the reward would be released; who was
// released by somebody is not looked at again.
func TestSignalsAreLookedAtAgainBeforeTheRelease(t *testing.T) {
	h := houseWithGroup(t)
	h.rule(store.Rule{HoldMS: hour.Milliseconds()})
	h.checks(func(c *store.CheckSettings) { c.Threshold = 0.3 })
	first := by(1, "anna")
	first.UnionID = "same"
	h.deliver(h.world.join(g1, first))
	h.pass(minute)
	if got := h.flags(store.FlagFilter{}); got != "" {
		t.Errorf("flagged at the join: %s", got)
	}
	second := by(2, "bo")
	second.UnionID = "same"
	h.deliver(h.world.join(g1, second))
	h.pass(2 * hour)
	if got := h.flags(store.FlagFilter{}); got != "wm001 open held" {
		t.Errorf("flagged at the release: %s", got)
	}
	h.must(h.decide(0, store.DecideRelease))
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 70}}, HoldMS: hour.Milliseconds(), EffectiveFrom: start})
	h.pass(minute)
	if e := h.entries(); len(e) != 1 || e[0].Status != store.EntryPayable || e[0].AmountFen != 70 {
		t.Errorf("entries: %+v", e)
	}
}

func TestWhatIsLookedForCanBeChanged(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	if c, err := h.rewards.Checks(ctx); err != nil || c.Version != 0 || c.Data != DefaultChecks() {
		t.Errorf("at first: %+v %v", c, err)
	}
	for field, spoil := range map[string]func(*store.Checks){
		"threshold":             func(c *store.Checks) { c.Data.Threshold = 0 },
		"signals.ring.weight":   func(c *store.Checks) { c.Data.Ring.Weight = -0.1 },
		"signals.burst.window":  func(c *store.Checks) { c.Data.Burst.WindowMS = 0 },
		"signals.leaves.within": func(c *store.Checks) { c.Data.Leaves.WithinMS = maxWindow.Milliseconds() + 1 },
		"signals.tills.count":   func(c *store.Checks) { c.Data.Tills.Count = 1 },
		"signals.share.share":   func(c *store.Checks) { c.Data.Share.Share = 1.1 },
		"by":                    func(c *store.Checks) { c.By = "" },
		"note":                  func(c *store.Checks) { c.Note = strings.Repeat("x", maxNote+1) },
	} {
		c := store.Checks{Data: DefaultChecks(), By: "wang"}
		spoil(&c)
		var inv *Invalid
		if _, err := h.rewards.PutChecks(ctx, c); !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	h.checks(func(c *store.CheckSettings) { c.Ring.Weight = 0 })
	c, err := h.rewards.Checks(ctx)
	if err != nil || c.Version != 1 || c.Data.Ring.Weight != 0 || c.By != "test" || !c.CreatedAt.Equal(start) {
		t.Errorf("changed: %+v %v", c, err)
	}
}

// By default no signal alone reaches the threshold, nor do those that any busy day shows.
func TestWhatWeighsEnough(t *testing.T) {
	c := DefaultChecks()
	weight := map[string]float64{}
	for _, n := range NamedChecks(&c) {
		weight[n.Signal] = n.Check.Weight
		if n.Check.Weight >= c.Threshold {
			t.Errorf("%s weighs enough alone", n.Signal)
		}
	}
	for names, want := range map[string]bool{
		"burst share known": false, "ring known": true, "staff known": true, "tills known": false, "tills burst": true, "leaves burst": true,
		"leaves share": false, "ring tills": true, "": false,
	} {
		var signals []store.Signal
		for _, name := range strings.Fields(names) {
			signals = append(signals, store.Signal{Name: name, Weight: weight[name]})
		}
		if got := weigh(signals) >= c.Threshold; got != want {
			t.Errorf("%q weighs %v", names, weigh(signals))
		}
	}
}
