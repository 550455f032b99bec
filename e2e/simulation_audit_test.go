package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// auditor has a model of its own of what must be so. It knows the company as the sandbox
// plays it, what went over the wire, and what the bot's API says; of the database it reads
// the inbox's keys and the ledger, which the API does not show.
type auditor struct {
	s *simulation
}

func newAuditor(s *simulation) *auditor { return &auditor{s: s} }

func (a *auditor) bad(format string, args ...any) {
	a.s.t.Helper()
	a.s.t.Errorf("seed %d, %s: %s", a.s.seed, a.s.clock.now().In(a.s.conf.Timezone).Format("Mon 15:04:05.000"), fmt.Sprintf(format, args...))
}

// rule makes a new version of the reward rule and remembers it.
func (a *auditor) rule(from time.Time, hold, clawback time.Duration) {
	a.s.t.Helper()
	a.s.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"effective_from": from, "hold": hold.String(), "clawback": clawback.String(),
		"tiers": []map[string]any{{"up_to": 3, "fen": 50}, {"fen": 100}}}, nil)
}

// step is the look after every moment.
func (a *auditor) step() {
	a.s.t.Helper()
	a.welcomes()
	a.tasks()
	if a.s.t.Failed() {
		a.s.t.FailNow()
	}
}

// welcomes demands that no code is used late or again.
func (a *auditor) welcomes() {
	a.s.t.Helper()
	for _, w := range a.s.box.Welcomes() {
		if len(w.Attempts) > 1 {
			a.bad("the welcome of %s was sent %d times", w.Customer, len(w.Attempts))
		}
		for _, at := range w.Attempts {
			if late := at.At.Sub(w.IssuedAt); late > 20*time.Second+max(0, -a.s.skew) {
				a.bad("the welcome of %s was sent after %s", w.Customer, late)
			}
		}
	}
}

// tasks demands that a group gets one mass message for an occurrence, and no more.
func (a *auditor) tasks() {
	a.s.t.Helper()
	for _, p := range a.s.company.promos {
		due := append(p.slots(p.created, later(a.s.clock.now(), a.s.botNow()), a.s.conf.Timezone), p.runs...)
		made := map[string]int{}
		for _, t := range a.s.box.Tasks() {
			if t.Text != p.text {
				continue
			}
			for _, share := range t.Shares {
				for _, g := range share.Targets {
					if made[g]++; made[g] > len(due) {
						a.bad("promotion %s was due %d times and group %s has %d messages of it", p.id, len(due), g, made[g])
					}
				}
			}
		}
	}
}

// final is the look at the end, when all is quiet.
func (a *auditor) final() {
	a.s.t.Helper()
	a.kept()
	checkMembers(a.s.rig)
	a.deliveries()
	a.books()
	checkQuiet(a.s.rig)
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

// deliveries demands that each is what the platform shows, and each message is somebody's.
func (a *auditor) deliveries() {
	a.s.t.Helper()
	type post struct{ msg, chat string }
	claimed := map[post]string{}
	for _, p := range a.s.company.promos {
		for _, d := range items[delivery](a.s.rig, "/promotions/"+p.id+"/deliveries") {
			if d.MsgID == "" {
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
		if t.Personal {
			continue
		}
		truth := map[string]string{}
		for _, share := range t.Shares {
			for _, g := range share.Targets {
				truth[g] = "unsent"
				if !t.CancelledAt.IsZero() {
					truth[g] = "cancelled"
				}
			}
		}
		for _, r := range t.Results {
			truth[r.Target] = map[int]string{1: "sent", 3: "failed"}[r.Status]
		}
		for g, want := range truth {
			if got := claimed[post{t.MsgID, g}]; got != want {
				a.bad("message %s in group %s is %q on the platform and %q in the books", t.MsgID, g, want, got)
			}
			delete(claimed, post{t.MsgID, g})
		}
	}
}

// books demands that entries and accounts tell the same and nobody earned twice.
func (a *auditor) books() {
	a.s.t.Helper()
	byStatus, seen := map[string]int64{}, map[string]bool{}
	for _, e := range items[entry](a.s.rig, "/rewards/entries") {
		byStatus[e.Status] += e.AmountFen
		if e.Status != "void" && seen[e.Member] {
			a.bad("%s earned twice", e.Member)
		}
		seen[e.Member] = seen[e.Member] || e.Status != "void"
	}
	balances, err := a.s.app.Store.Read(context.Background()).Balances()
	must(a.s.t, err)
	sum, accounts := int64(0), map[string]int64{}
	for name, fen := range balances {
		sum += fen
		status, _, _ := strings.Cut(name, ":")
		accounts[status] += fen
	}
	if sum != 0 {
		a.bad("the accounts sum to %d", sum)
	}
	for _, status := range []string{"held", "payable", "paid"} {
		if accounts[status] != byStatus[status] {
			a.bad("%s: the accounts say %d, the entries %d", status, accounts[status], byStatus[status])
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
