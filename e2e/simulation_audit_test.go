package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"xiaobu/sandbox"
)

// auditor has a model of its own of what must be so. It knows the company as the sandbox
// plays it, what went over the wire, and what the bot's API says; of the database it reads
// the inbox's keys and the ledger, which the API does not show.
type auditor struct {
	s         *simulation
	rules     []ruleKnown
	quietFrom time.Time
	every     time.Duration // between two looks; 0: after every moment
	lookAgain time.Time
}

// ruleKnown is a version of the reward rule.
type ruleKnown struct {
	from           time.Time
	hold, clawback time.Duration
	once           string // corp, store or group
}

// What the rule pays for a join, by how many customers the group has then.
const (
	cheapJoins = 3
	cheapFen   = 50
	dearFen    = 100
)

// welcomeTime is what WeCom allows for a greeting.
const welcomeTime = 20 * time.Second

func newAuditor(s *simulation) *auditor { return &auditor{s: s} }

func (a *auditor) bad(format string, args ...any) {
	a.s.t.Helper()
	a.s.t.Errorf("seed %d, %s: %s", a.s.seed, a.s.clock.now().In(a.s.conf.Timezone).Format("Mon 15:04:05.000"), fmt.Sprintf(format, args...))
}

// rule makes a new version of the reward rule and remembers it.
func (a *auditor) rule(from time.Time, hold, clawback time.Duration) {
	a.s.t.Helper()
	once := a.s.some([]string{"corp", "corp", "store", "group"})
	a.s.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"effective_from": from, "once_per": once, "hold": hold.String(), "clawback": clawback.String(),
		"tiers": []map[string]any{{"up_to": cheapJoins, "fen": cheapFen}, {"fen": dearFen}}}, nil)
	a.rules = append(a.rules, ruleKnown{from, hold, clawback, once})
	a.s.tell("the rule from now on: hold %s, clawback %s, once per %s", hold, clawback, once)
}

// step is the look after every moment.
func (a *auditor) step() {
	a.s.t.Helper()
	if now := a.s.clock.now(); now.Before(a.lookAgain) {
		return
	} else if a.every > 0 {
		a.lookAgain = now.Add(a.every)
	}
	a.welcomes()
	a.tasks()
	a.cards()
	a.reports()
	if a.s.t.Failed() {
		a.s.t.FailNow()
	}
}

// welcomes demands that no code is used late or again, and in quiet times each is used.
func (a *auditor) welcomes() {
	a.s.t.Helper()
	now := a.s.clock.now()
	for _, w := range a.s.box.Welcomes() {
		if len(w.Attempts) > 1 {
			a.bad("the welcome of %s was sent %d times", w.Customer, len(w.Attempts))
		}
		for _, at := range w.Attempts {
			if late := at.At.Sub(w.IssuedAt); late > welcomeTime+max(0, -a.s.skew)+time.Second {
				a.bad("the welcome of %s was sent after %s", w.Customer, late)
			}
		}
		if a.s.quiet && w.IssuedAt.After(a.quietFrom) && w.SentAt.IsZero() && now.Sub(w.IssuedAt) > welcomeTime {
			a.bad("%s was not welcomed: %+v", w.Customer, w.Attempts)
		}
	}
}

// tasks demands that a group gets one mass message for an occurrence, and no more, and never
// more in a month than the month has days.
func (a *auditor) tasks() {
	a.s.t.Helper()
	all := a.s.box.Tasks()
	inAll := map[string]int{}
	for _, p := range a.s.company.promos {
		due := len(p.slots(p.created, later(a.s.clock.now(), a.s.botNow()), a.s.conf.Timezone)) + len(p.runs)
		made := map[string]int{}
		for _, t := range all {
			if text, _, _ := strings.Cut(t.Text, " "); text != p.text {
				continue
			}
			for _, share := range t.Shares {
				for _, g := range share.Targets {
					inAll[g]++
					if made[g]++; made[g] > due {
						a.bad("promotion %s was due %d times and group %s has %d messages of it", p.id, due, g, made[g])
					}
				}
			}
		}
	}
	for _, g := range slices.Sorted(maps.Keys(inAll)) {
		if inAll[g] > 30 {
			a.bad("group %s has %d messages in November", g, inAll[g])
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cards demands that an owner is told once of an occurrence's mass messages, asked once about
// a case, and reminded half an hour later at the earliest, unless the owner has pressed a button.
func (a *auditor) cards() {
	a.s.t.Helper()
	last := map[string]time.Time{} // by case
	all := a.s.box.Cards()
	told := map[string]bool{} // by occurrence and owner
	for i, c := range all {
		if rest, mass := strings.CutPrefix(c.TaskID, "mass-"); mass {
			occ, _, _ := strings.Cut(rest, "-")
			if key := occ + " to " + strings.Join(c.To, ","); told[key] {
				a.bad("a second card of occurrence %s", key)
			} else {
				told[key] = true
			}
			continue
		}
		of := c.TaskID[:max(0, strings.LastIndex(c.TaskID, "-"))]
		pressed := slices.ContainsFunc(all[:i], func(earlier sandbox.Card) bool {
			return strings.HasPrefix(earlier.TaskID, of+"-") && len(earlier.Presses) > 0
		})
		if before, ok := last[of]; ok && !pressed && c.At.Sub(before) < 30*time.Minute-callTime {
			a.bad("%s: a card, and another %s later", of, c.At.Sub(before))
		}
		last[of] = c.At
	}
}

// reports demands that nobody is shown a day's figures twice.
func (a *auditor) reports() {
	a.s.t.Helper()
	shown := map[string]bool{}
	for _, m := range a.s.box.AppMessages() {
		_, day, ok := strings.Cut(m.Text, "今天(")
		if m.Type != "text" || m.Duplicate || !ok {
			continue
		}
		day, _, _ = strings.Cut(day, ")")
		if key := strings.Join(m.To, ",") + " of " + day; shown[key] {
			a.bad("%s was told twice", key)
		} else {
			shown[key] = true
		}
	}
}

// final is the look at the end, when all is quiet.
func (a *auditor) final() {
	a.s.t.Helper()
	a.kept()
	a.members()
	a.occurrences()
	a.deliveries()
	a.links()
	a.books()
	a.cases()
	a.rest()
}

// kept demands that what was answered with 200 is in the inbox.
func (a *auditor) kept() {
	a.s.t.Helper()
	items, err := a.s.app.Store.Read(context.Background()).Inbox("", 0, 1_000_000)
	must(a.s.t, err)
	kept := map[string]bool{}
	for _, it := range items {
		_, sum, _ := strings.Cut(it.Event.Key, ".")
		kept[sum] = true
	}
	for _, c := range a.s.box.Callbacks() {
		if sum := sha256.Sum256([]byte(c.XML)); c.Delivered && !kept[base64.RawURLEncoding.EncodeToString(sum[:])] {
			a.bad("callback %d (%s) was answered 200 and is not in the inbox", c.Seq, c.Kind)
		}
	}
}

// up reports whether the bot was there at a moment, and a moment before and after.
func (a *auditor) up(at time.Time) bool {
	for _, d := range a.s.downs {
		if !at.Before(d.from.Add(-5*time.Second)) && !at.After(d.to.Add(5*time.Second)) {
			return false
		}
	}
	return true
}

// occurrences demands that every slot of a promotion has come to something, none was missed
// while the bot was there, and none was kept that was late by more than is allowed.
func (a *auditor) occurrences() {
	a.s.t.Helper()
	for _, p := range a.s.company.promos {
		status := map[int64]string{}
		for _, o := range items[struct {
			At     time.Time
			Status string
		}](a.s.rig, "/promotions/"+p.id+"/occurrences") {
			status[o.At.Unix()] = o.Status
		}
		for _, slot := range p.slots(p.created.Add(time.Minute), p.ended.Add(-time.Minute), a.s.conf.Timezone) {
			missed := status[slot.Unix()] == "missed" || status[slot.Unix()] == "skipped"
			switch {
			case status[slot.Unix()] == "":
				a.bad("promotion %s: nothing became of its slot %s", p.id, slot)
			case missed && a.up(slot.Add(-a.s.skew)):
				a.bad("promotion %s: its slot %s was missed and the bot was there", p.id, slot)
			case slot.After(a.quietFrom.Add(time.Minute)):
				a.reached(p, slot)
			}
		}
	}
}

// reached demands that a slot in quiet times has a delivery for every group that lives.
func (a *auditor) reached(p *promo, slot time.Time) {
	a.s.t.Helper()
	got := map[string]int{}
	for _, d := range items[delivery](a.s.rig, "/promotions/"+p.id+"/deliveries?at="+slot.Format("2006-01-02T15:04:05Z")) {
		got[d.ChatID]++
	}
	for _, g := range a.s.box.Groups() {
		switch n := got[g.ID]; {
		case n > 1:
			a.bad("promotion %s, slot %s: %d deliveries for group %s", p.id, slot, n, g.ID)
		case n == 0 && !g.Dismissed && g.Owner != "hidden" && a.knownBefore(g, slot):
			a.bad("promotion %s, slot %s: no delivery for group %s", p.id, slot, g.ID)
		}
	}
}

// knownBefore reports whether the bot was told of a group well before a moment: by its
// callback, at the start, or by a night's comparison.
func (a *auditor) knownBefore(g sandbox.Group, at time.Time) bool {
	early := at.Add(-5 * time.Minute)
	if g.ID == a.s.company.hidden {
		return false
	}
	if slices.Contains(a.s.company.groups, g.ID) || g.CreatedAt.Before(a.quietFrom) && a.quietFrom.Add(24*time.Hour).Before(early) {
		return true
	}
	return slices.ContainsFunc(a.s.box.Callbacks(), func(c sandbox.Callback) bool {
		return c.Chat == g.ID && c.Delivered && c.Attempts[len(c.Attempts)-1].At.Before(early)
	})
}

// deliveries demands that each is what the platform shows, and each message is somebody's.
func (a *auditor) deliveries() {
	a.s.t.Helper()
	type post struct{ msg, chat string }
	claimed := map[post]string{}
	for _, p := range a.s.company.promos {
		for _, d := range items[delivery](a.s.rig, "/promotions/"+p.id+"/deliveries") {
			if d.MsgID == "" {
				if d.Status == "planned" || d.Status == "submitted" || d.Status == "sent" {
					a.bad("a delivery of promotion %s is %s and no message", p.id, d.Status)
				}
				continue
			}
			key := post{d.MsgID, d.ChatID}
			if _, twice := claimed[key]; twice {
				a.bad("two deliveries are message %s in group %s", d.MsgID, d.ChatID)
			}
			claimed[key] = d.Status
		}
	}
	for _, t := range a.s.box.Tasks() {
		for g, want := range truthOf(t) {
			if got := claimed[post{t.MsgID, g}]; !t.Personal && got != want {
				a.bad("message %s in group %s is %q on the platform and %q in the books", t.MsgID, g, want, got)
			}
		}
	}
}

// links demands that every link that was ever posted leads to its promotion's shop with a code
// that the books know.
func (a *auditor) links() {
	a.s.t.Helper()
	for _, t := range a.s.box.Tasks() {
		text, link, linked := strings.Cut(t.Text, " "+a.s.conf.PublicURL)
		for _, p := range a.s.company.promos {
			if !linked || text != p.text {
				continue
			}
			if status, to := a.s.follow(link); status != http.StatusFound || to != p.shop()+strings.TrimPrefix(link, "/l/") {
				a.bad("the link %s of promotion %s leads to %d %s", link, p.id, status, to)
			}
		}
	}
}

// truthOf is what became of a mass message in each of its groups.
func truthOf(t sandbox.Task) map[string]string {
	truth := map[string]string{}
	for _, share := range t.Shares {
		for _, g := range share.Targets {
			truth[g] = "unsent"
			if !t.CancelledAt.IsZero() && share.ConfirmedAt.IsZero() {
				truth[g] = "cancelled"
			}
		}
	}
	for _, r := range t.Results {
		truth[r.Target] = map[int]string{sandbox.ResultSent: "sent", sandbox.ResultQuota: "failed"}[r.Status]
	}
	return truth
}

// cases demands that only who did something has a case, and no two at once in a group.
func (a *auditor) cases() {
	a.s.t.Helper()
	open, any := map[string]bool{}, map[string]bool{}
	for _, c := range items[modCase](a.s.rig, "/moderation/cases") {
		any[c.ChatID+c.Member] = true
		if !a.s.company.guilty[c.Member] {
			a.bad("%s has a case and did nothing", c.Member)
		}
		if c.Status != "open" && c.Status != "asked_owner" {
			continue
		}
		if open[c.ChatID+c.Member] {
			a.bad("%s has two open cases in group %s", c.Member, c.ChatID)
		}
		open[c.ChatID+c.Member] = true
	}
	for _, said := range a.s.box.SaidInGroups() {
		if said.Posted && strings.Contains(said.Message.Text, "加V") && !any[said.Chat+said.Sender] {
			a.bad("what %s said in group %s was taken and made no case", said.Sender, said.Chat)
		}
	}
	for _, g := range a.s.box.Groups() {
		for _, m := range g.Members {
			if at := a.s.company.blocked[m.User]; !at.IsZero() && g.Owner != "hidden" && !g.Dismissed && !any[g.ID+m.User] {
				a.bad("%s is on the blocklist and in group %s, and there is no case", m.User, g.ID)
			}
		}
	}
}

// rest demands that nothing waits, nothing is dead, and no secret is in the log.
func (a *auditor) rest() {
	a.s.t.Helper()
	checkQuiet(a.s.rig)
	log := a.s.log.String()
	for token := range a.s.tokens {
		if strings.Contains(log, token) {
			a.bad("the log holds an access token")
		}
	}
	for _, c := range a.s.box.Cards() {
		for _, p := range c.Presses {
			if strings.Contains(log, p.ResponseCode) {
				a.bad("the log holds a response code")
			}
		}
	}
}
