package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
	"xiaobu/spam/evade"
	"xiaobu/store"
)

var waves = flag.Int("waves", 1, "how many waves of spam are lived through, each drawn from another seed")

// The wave: who is there, and how much is said within its three hours; less of all of it under
// the race detector.
const (
	waveGroups   = 50 / min(slow, 5)
	waveOwners   = 10
	waveMembers  = 6 // customers of a group who have been there for long
	waveSpammers = 20 / min(slow, 5)
	waveAdverts  = 10 // by each of them
	waveTick     = 10 * time.Second * min(slow, 6)
	waveLength   = 3 * time.Hour / min(slow, 3)
)

// habit is how an owner deals with cards.
type habit int

const (
	prompt habit = iota // removes the person within a quarter of an hour
	liar                // says "removed" and does nothing until the bot comes back
	slowly              // only moves after the reminder
	away                // somebody stands in
)

func habitOf(owner int) habit {
	return []habit{prompt, prompt, prompt, prompt, prompt, prompt, liar, liar, slowly, away}[owner]
}

// spammer is what is known of one while the wave goes on.
type spammer struct {
	id       string
	campaign []string
	account  string
	groups   []string
	said     []string // message ids, in their order
	firstAt  time.Time
	cardAt   time.Time            // the first card about them
	spoke    map[string]time.Time // by group: when first
	gone     map[string]time.Time // by group: when removed
}

type wave struct {
	*rig
	words    *wordsOf
	rng      *rand.Rand
	groups   []string
	owner    map[string]int // of a group
	members  map[string][]string
	spammers []*spammer
	by       map[string]*spammer
	plan     []deed
	seen     map[string]bool // cards that somebody reacts to
	lied     map[string]bool // cases that were claimed falsely
	asked    map[string]int  // cards of a case
	harmless int
	grieved  int
	staff    []string // message ids
}

// deed is something that somebody does at a moment.
type deed struct {
	at time.Time
	do func()
}

func (w *wave) at(t time.Time, do func()) { w.plan = append(w.plan, deed{t, do}) }

// between draws a duration.
func (w *wave) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.rng.Int64N(int64(to-from)))
}

func newWave(t *testing.T, seed uint64) *wave {
	rng := rand.New(rand.NewPCG(seed, 6))
	w := &wave{rig: newRig(t, seed, nil), rng: rng, words: &wordsOf{rng, evade.New(evade.Options{Harmless: []string{"今天的菜真新鲜", "谢谢大家", "晚上记得取快递", "这家店的水果不错", "天气转凉注意保暖"}})},
		owner: map[string]int{}, members: map[string][]string{}, by: map[string]*spammer{}, seen: map[string]bool{}, lied: map[string]bool{}, asked: map[string]int{}}
	w.populate()
	w.bringIn()
	w.until(monday.Add(9 * time.Hour))
	w.want(200, "PUT", "/staff/owner9/absence", map[string]any{"from": "2026-11-23", "to": "2026-11-25", "stand_in": "standin"}, nil)
	w.talk()
	w.advertise()
	return w
}

func (w *wave) customer(name string) string {
	id, err := w.box.AddCustomer(sandbox.Customer{Name: name, WithUnionID: true})
	must(w.t, err)
	return id
}

// populate makes the company: stores with a manager, owners of five groups each, members who
// came months ago.
func (w *wave) populate() {
	for _, who := range []string{"manager", "standin"} {
		must(w.t, w.box.AddStaff(sandbox.Staff{UserID: who, Name: who}))
	}
	began := monday.AddDate(0, -6, 0)
	for i := range waveOwners {
		must(w.t, w.box.AddStaff(sandbox.Staff{UserID: fmt.Sprint("owner", i), Name: fmt.Sprint("店长", i)}))
	}
	for i := range waveGroups {
		o := i % waveOwners
		var members []sandbox.Presence
		var ids []string
		for n := range waveMembers {
			id := w.customer(fmt.Sprintf("%d群邻居%d", i, n))
			ids = append(ids, id)
			members = append(members, sandbox.Presence{User: id, Joined: began.Add(time.Duration(n+1) * 24 * time.Hour), Scene: sandbox.SceneDirect, Inviter: fmt.Sprint("owner", o)})
		}
		g, err := w.box.EstablishGroup(fmt.Sprint("owner", o), fmt.Sprintf("%d群", i), []string{"standin"}, began, members)
		must(w.t, err)
		w.groups, w.members[g], w.owner[g] = append(w.groups, g), ids, o
	}
}

// talk plans what members and staff say.
func (w *wave) talk() {
	began := w.clock.now()
	for range 5000 / slow {
		g := w.groups[w.rng.IntN(len(w.groups))]
		at := began.Add(w.between(0, waveLength))
		if w.rng.IntN(25) == 0 {
			text, owner := w.words.one(announcements()), fmt.Sprint("owner", w.owner[g])
			w.at(at, func() {
				id, err := w.box.Say(g, owner, text)
				must(w.t, err)
				w.staff = append(w.staff, id)
			})
			continue
		}
		who := w.members[g][w.rng.IntN(waveMembers)]
		text, complaint := w.words.harmless()
		w.harmless++
		if complaint {
			w.grieved++
		}
		w.at(at, func() {
			_, err := w.box.Say(g, who, text)
			must(w.t, err)
		})
	}
}

// advertise plans the spammers: each comes into one to three groups and begins within minutes.
func (w *wave) advertise() {
	began := w.clock.now()
	for i := range waveSpammers {
		all := campaigns()
		s := &spammer{id: w.customer(fmt.Sprintf("新朋友%d", i)), campaign: all[i%len(all)], account: fmt.Sprintf("%c%c%05d", 'a'+w.rng.IntN(26), 'a'+w.rng.IntN(26), w.rng.IntN(100000)),
			spoke: map[string]time.Time{}, gone: map[string]time.Time{}}
		w.spammers, w.by[s.id] = append(w.spammers, s), s
		for _, n := range w.rng.Perm(len(w.groups))[:1+w.rng.IntN(3)] {
			s.groups = append(s.groups, w.groups[n])
		}
		at := began.Add(w.between(0, waveLength/2))
		for _, g := range s.groups {
			inviter := w.members[g][w.rng.IntN(waveMembers)]
			w.at(at, func() {
				_, err := w.box.Join(g, s.id, sandbox.How{Scene: sandbox.SceneDirect, Inviter: inviter})
				must(w.t, err)
			})
		}
		at = at.Add(w.between(time.Minute, 20*time.Minute))
		for n := range waveAdverts {
			g, text := s.groups[n%len(s.groups)], w.words.advert(s.campaign, s.account)
			w.at(at, func() { w.spam(s, g, text) })
			at = at.Add(w.between(30*time.Second, 5*time.Minute))
		}
	}
}

func (w *wave) spam(s *spammer, g, text string) {
	if !w.box.IsMember(g, s.id) {
		return
	}
	id, err := w.box.Say(g, s.id, text)
	must(w.t, err)
	now := w.clock.now()
	s.said = append(s.said, id)
	if s.firstAt.IsZero() {
		s.firstAt = now
	}
	if s.spoke[g].IsZero() {
		s.spoke[g] = now
	}
}

// live does what was planned, and lets owners react, until the evening.
func (w *wave) live() {
	end := w.clock.now().Add(10 * time.Hour / min(slow, 2))
	for busy := w.clock.now().Add(waveLength + time.Hour); w.clock.now().Before(end); {
		tick := waveTick
		if w.clock.now().After(busy) {
			tick = 5 * time.Minute
		}
		w.until(w.clock.now().Add(tick))
		slices.SortStableFunc(w.plan, func(a, b deed) int { return a.at.Compare(b.at) })
		n := 0
		for ; n < len(w.plan) && !w.plan[n].at.After(w.clock.now()); n++ {
			w.plan[n].do()
		}
		w.plan = slices.Clone(w.plan[n:])
		w.drain()
		for _, c := range w.box.Cards() {
			if !w.seen[c.TaskID] {
				w.seen[c.TaskID] = true
				w.react(c)
			}
		}
	}
}

// caseOf is the case that a card is about.
func (w *wave) caseOf(card sandbox.Card) (store.Case, bool) {
	rest, ok := strings.CutPrefix(card.TaskID, "case-")
	if !ok {
		return store.Case{}, false
	}
	number, _, _ := strings.Cut(rest, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	must(w.t, err)
	c, err := w.app.Store.Read(context.Background()).Case(id)
	must(w.t, err)
	return c, true
}

// react plans what somebody does about a card.
func (w *wave) react(card sandbox.Card) {
	c, ok := w.caseOf(card)
	if !ok {
		return
	}
	s, user, id := w.by[c.Member], card.To[0], fmt.Sprint(c.ID)
	w.asked[id]++
	if s == nil {
		w.press(card, user, w.between(time.Minute, 10*time.Minute), "dismiss")
		return
	}
	if s.cardAt.IsZero() {
		s.cardAt = card.At
	}
	if !slices.ContainsFunc(card.Buttons, func(b sandbox.Button) bool { return b.Key == "removed" }) {
		w.press(card, user, w.between(time.Minute, 10*time.Minute), "raise") // a warning about somebody who is plainly advertising
		return
	}
	switch h := habitOf(w.owner[c.ChatID]); {
	case h == liar && !w.lied[id]:
		w.lied[id] = true
		w.press(card, user, w.between(time.Minute, 5*time.Minute), "removed")
	case h == slowly && w.asked[id] == 1:
	default:
		in := w.between(2*time.Minute, 15*time.Minute)
		w.at(w.clock.now().Add(in), func() { w.remove(s, c.ChatID) })
		w.press(card, user, in+10*time.Second, "removed")
	}
}

func (w *wave) remove(s *spammer, g string) {
	if w.box.IsMember(g, s.id) {
		must(w.t, w.box.Remove(g, s.id))
		s.gone[g] = w.clock.now()
	}
}

// press plans a press of a button; by then the bot may have changed the card.
func (w *wave) press(card sandbox.Card, user string, in time.Duration, key string) {
	w.at(w.clock.now().Add(in), func() { _ = w.box.PressCard(user, card.TaskID, key) })
}

// A wave of spam: twenty people who advertise in fifty groups, each in ten variations, among
// five thousand harmless messages.
func TestSpamWave(t *testing.T) {
	t.Parallel()
	for i := range *waves {
		t.Run(fmt.Sprint("seed=", i), func(t *testing.T) {
			t.Parallel()
			w := newWave(t, uint64(i))
			w.live()
			w.checkHarmless()
			w.checkSpammers()
			w.report()
		})
	}
}

// checkHarmless demands that nobody was asked to remove a harmless member, that nobody of the
// staff was judged, and that complaints were handed to people.
func (w *wave) checkHarmless() {
	w.t.Helper()
	suspects := 0
	for _, c := range items[modCase](w.rig, "/moderation/cases") {
		if w.by[c.Member] != nil {
			continue
		}
		suspects++
		if got, err := w.app.Store.Read(context.Background()).Case(parseID(w.t, c.ID)); err != nil || got.Action == "remove" {
			w.t.Errorf("somebody harmless was to be removed: %+v %v", got, err)
		}
	}
	if most := w.harmless / 200; suspects > most {
		w.t.Errorf("%d cases about harmless members, at most %d are bearable", suspects, most)
	}
	w.t.Logf("harmless messages: %d, of which cases for a look came of %d, removals of none", w.harmless, suspects)
	for _, id := range w.staff {
		if m, err := w.app.Store.Read(context.Background()).Message(id); err != nil || m.Verdict != "ham" || m.CaseID != nil {
			w.t.Errorf("an announcement of staff was judged: %+v %v", m, err)
		}
	}
	tickets := len(items[ticket](w.rig, "/moderation/tickets"))
	if tickets == 0 && w.grieved > 0 {
		w.t.Errorf("no ticket came of %d complaints", w.grieved)
	}
	w.t.Logf("complaints: %d, tickets: %d", w.grieved, tickets)
}

func parseID(t testing.TB, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	must(t, err)
	return n
}

// checkSpammers demands that every spammer is gone from where he advertised, or that somebody
// was asked, and that a false claim was noticed.
func (w *wave) checkSpammers() {
	w.t.Helper()
	asked := map[string]bool{}
	for _, c := range items[modCase](w.rig, "/moderation/cases") {
		asked[c.Member] = true
		if w.by[c.Member] != nil && c.Status == store.CaseRemoved && w.box.IsMember(c.ChatID, c.Member) {
			w.t.Errorf("case %s says removed, but the person is in the group", c.ID)
		}
	}
	for _, s := range w.spammers {
		if len(s.said) > 0 && !asked[s.id] {
			w.t.Errorf("nobody was asked about a spammer who said %d things for %q", len(s.said), s.campaign[0])
		}
	}
	for id := range w.lied {
		if w.asked[id] < 2 {
			w.t.Errorf("case %s was claimed falsely and nobody came back", id)
		}
	}
}

// report prints the figures.
func (w *wave) report() {
	w.t.Helper()
	r := w.app.Store.Read(context.Background())
	said, flagged, first, third, stayed := 0, 0, 0, 0, 0
	var toCard, toRemoval []time.Duration
	for _, s := range w.spammers {
		caught := -1
		for i, id := range s.said {
			m, err := r.Message(id)
			must(w.t, err)
			said++
			if m.Verdict == "ham" {
				continue
			}
			flagged++
			if caught < 0 {
				caught = i
			}
		}
		if caught == 0 {
			first++
		}
		if caught >= 0 && caught < 3 {
			third++
		}
		if !s.cardAt.IsZero() {
			toCard = append(toCard, s.cardAt.Sub(s.firstAt))
		}
		for g, at := range s.spoke {
			if gone, ok := s.gone[g]; ok {
				toRemoval = append(toRemoval, gone.Sub(at))
			} else if w.box.IsMember(g, s.id) {
				stayed++
			}
		}
	}
	w.t.Logf("spammers: %d, caught at their first message %d, by the third %d", len(w.spammers), first, third)
	w.t.Logf("their messages: %d of %d planned were said before they were gone, %d of them caught", said, waveSpammers*waveAdverts, flagged)
	w.t.Logf("from the first message to the owner's card: median %v, longest %v", median(toCard), longest(toCard))
	w.t.Logf("from the first message in a group to the removal: median %v, longest %v; still in a group: %d", median(toRemoval), longest(toRemoval), stayed)
	w.t.Logf("false claims: %d", len(w.lied))
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2].Round(time.Second)
}

func longest(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return slices.Max(d).Round(time.Second)
}
