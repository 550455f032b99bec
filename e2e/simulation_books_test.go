package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"xiaobu/sandbox"
	"xiaobu/store"
)

// promptly is how late callbacks of a group may come for its history to be exact: what no
// list ever shows is told by callbacks alone, and they wait for each other no longer.
const promptly = 8 * time.Second

// stayKey names a stay: who, and the second in which it began.
func stayKey(user string, joined time.Time) string { return fmt.Sprintf("%s %d", user, joined.Unix()) }

// exact reports whether the bot was told of everything that happened in a group in time.
func (a *auditor) exact(g sandbox.Group) bool {
	if g.ID == a.s.company.hidden {
		return false // also when somebody else owns it now
	}
	for _, c := range a.s.box.Callbacks() {
		if c.Chat != g.ID {
			continue
		}
		i := slices.IndexFunc(c.Attempts, func(at sandbox.Attempt) bool { return at.Status == http.StatusOK })
		if i < 0 || c.Attempts[i].At.Sub(c.At) > promptly {
			return false
		}
	}
	for _, u := range a.s.box.Staff() {
		if u.Resigned {
			return false // nothing is told of the groups of the resigned
		}
	}
	return true
}

// members demands that the books' groups are the company's: who is present always, and
// where everything was told in time every stay there was, to the second.
func (a *auditor) members() {
	a.s.t.Helper()
	for _, g := range a.s.box.Groups() {
		if g.Owner == "hidden" {
			continue
		}
		if g.Dismissed && a.s.call(http.MethodGet, "/groups/"+g.ID, nil, nil) == http.StatusNotFound {
			continue // it was dissolved before anybody could read it
		}
		exact := a.exact(g)
		truth := map[string]sandbox.Stay{}
		for _, st := range g.History {
			if g.Dismissed && st.Left.IsZero() {
				st.LeftHow = "unknown" // it ended with the group
			}
			truth[stayKey(st.User, st.Joined)] = st
		}
		seen := map[string]bool{}
		for _, m := range items[member](a.s.rig, "/groups/"+g.ID+"/members?status=all") {
			key := stayKey(m.UserID, m.JoinedAt)
			st, ok := truth[key]
			if seen[key] {
				a.bad("group %s: %s is in the books twice", g.ID, key)
			}
			seen[key] = true
			switch {
			case !ok && (exact || m.LeftAt == nil):
				a.bad("group %s: %s is in the books and was never in the group", g.ID, key)
			case ok && (m.LeftAt == nil) != (st.LeftHow == ""):
				a.bad("group %s: %s left %v in the books, %q in truth", g.ID, key, m.LeftAt, st.LeftHow)
			case ok && exact:
				a.stay(g, st, m)
			}
		}
		for key, st := range truth {
			if !seen[key] && (exact || st.LeftHow == "") {
				a.bad("group %s: %s was in the group and is not in the books", g.ID, key)
			}
		}
	}
}

// stay compares one stay with the truth.
func (a *auditor) stay(g sandbox.Group, st sandbox.Stay, m member) {
	a.s.t.Helper()
	key := stayKey(st.User, st.Joined)
	if !st.Left.IsZero() && (m.LeftAt.Unix() != st.Left.Unix() || m.LeftHow != st.LeftHow) {
		a.bad("group %s: %s left %s (%s) in the books, %s (%s) in truth", g.ID, key, m.LeftAt, m.LeftHow, st.Left, st.LeftHow)
	}
	if st.Staff {
		return
	}
	least, most := ordinals(g, st)
	if m.Ordinal == nil || *m.Ordinal < least || *m.Ordinal > most {
		n := -1
		if m.Ordinal != nil {
			n = *m.Ordinal
		}
		a.bad("group %s: %s was number %d in the books, %d to %d in truth", g.ID, key, n, least, most)
	}
}

// ordinals counts the customers right after a join. Whoever leaves in the second of the join
// may or may not count.
func ordinals(g sandbox.Group, st sandbox.Stay) (least, most int) {
	at := st.Joined.Unix()
	for _, other := range g.History {
		before := other.Joined.Unix() < at || other.Joined.Unix() == at && other.User <= st.User
		self := other.User == st.User && other.Joined.Unix() == at
		if other.Staff || !before || self && other.Joined != st.Joined {
			continue // of two joins in one second a list shows one
		}
		if other.Left.IsZero() || other.Left.Unix() > at || self {
			least++
		}
		if other.Left.IsZero() || other.Left.Unix() >= at || self {
			most++
		}
	}
	return least, most
}

// books demands that entries and accounts tell the same, that each entry is for a join that
// was, and that nobody earned twice; where everything was told, that every join that earns
// has its entry.
func (a *auditor) books() {
	a.s.t.Helper()
	byStatus := map[string]int64{}
	entries := items[entry](a.s.rig, "/rewards/entries")
	byStay := map[string]entry{}
	for _, e := range entries {
		byStatus[e.Status] += e.AmountFen
		key := e.ChatID + " " + stayKey(e.Member, e.EarnedAt)
		if _, twice := byStay[key]; twice {
			a.bad("%s earned twice", key)
		}
		byStay[key] = e
	}
	a.ledger(entries, byStatus)
	a.persons(byStay)
}

// ledger demands that every transfer moves an amount between two accounts, and that their
// sums are the balances and the balances the entries.
func (a *auditor) ledger(entries []entry, byStatus map[string]int64) {
	a.s.t.Helper()
	r := a.s.app.Store.Read(context.Background())
	balances, err := r.Balances()
	must(a.s.t, err)
	sum, accounts, moved := int64(0), map[string]int64{}, map[string]int64{}
	for name, fen := range balances {
		sum += fen
		status, _, _ := strings.Cut(name, ":")
		accounts[status] += fen
	}
	for _, e := range entries {
		var id int64
		_, err := fmt.Sscan(e.ID, &id)
		must(a.s.t, err)
		steps, err := r.Transfers(id)
		must(a.s.t, err)
		at := "company"
		for _, step := range steps {
			if step.Debit != at || step.AmountFen != e.AmountFen {
				a.bad("entry %s: transfer %s moves %d from %s, but %d lie at %s", e.ID, step.Key, step.AmountFen, step.Debit, e.AmountFen, at)
			}
			at = step.Credit
			moved[step.Debit] -= step.AmountFen
			moved[step.Credit] += step.AmountFen
		}
		var x struct{ Evidence []string }
		a.s.want(http.StatusOK, http.MethodGet, "/rewards/explain?chat_id="+e.ChatID+"&member="+url.QueryEscape(e.Member), nil, &x)
		if len(x.Evidence) == 0 {
			a.bad("entry %s is not explained", e.ID)
		}
	}
	must(a.s.t, a.s.app.Store.Snapshot(context.Background(), func(r store.Reader) error {
		found, err := r.Audit()
		if err == nil && found.Audit.Differences > 0 {
			a.bad("the audit found %+v", found.Differences)
		}
		return err
	}))
	if sum != 0 {
		a.bad("the accounts sum to %d", sum)
	}
	for name, fen := range balances {
		if moved[name] != fen {
			a.bad("account %s has %d, the transfers moved %d", name, fen, moved[name])
		}
	}
	for _, status := range []string{"held", "payable", "paid"} {
		if accounts[status] != byStatus[status] {
			a.bad("%s: the accounts say %d, the entries %d", status, accounts[status], byStatus[status])
		}
	}
}

// personStay is a stay of a customer somewhere.
type personStay struct {
	sandbox.Stay
	chat string
	g    sandbox.Group
}

// persons judges everybody's joins again, from the company as it was.
func (a *auditor) persons(byStay map[string]entry) {
	a.s.t.Helper()
	exact := true
	union := map[string]string{}
	for _, c := range a.s.box.Customers() {
		union[c.ID] = c.ID
		if c.UnionID != "" {
			union[c.ID] = c.UnionID
		}
	}
	stays := map[string][]personStay{}
	for _, g := range a.s.box.Groups() {
		if g.Owner == "hidden" {
			continue
		}
		exact = exact && a.exact(g)
		for _, st := range g.History {
			if !st.Staff {
				stays[union[st.User]] = append(stays[union[st.User]], personStay{st, g.ID, g})
			}
		}
	}
	for _, all := range stays {
		slices.SortStableFunc(all, func(x, y personStay) int { return x.Joined.Compare(y.Joined) })
		earned := 0
		for i, st := range all {
			e, has := byStay[st.chat+" "+stayKey(st.User, st.Joined)]
			if has && e.Status != "void" && a.onlyCorp() {
				earned++
			}
			if exact {
				a.join(st, all[:i], all[i+1:], e, has)
			}
			delete(byStay, st.chat+" "+stayKey(st.User, st.Joined))
		}
		if earned > 1 && exact {
			a.bad("%s earned %d times", all[0].User, earned)
		}
	}
	for key := range byStay {
		a.bad("%s earned and never joined", key)
	}
}

// join judges one join: whether it earns, how much, and what became of it.
func (a *auditor) join(st personStay, before, after []personStay, e entry, has bool) {
	a.s.t.Helper()
	rule, ok := a.ruleAt(st.Joined)
	inviter, known := a.inviter(st)
	key := st.chat + " " + stayKey(st.User, st.Joined)
	first, tie := true, false
	for _, other := range before {
		first = first && !a.sameScope(rule.once, st.chat, other.chat)
	}
	for _, other := range slices.Concat(before, after) {
		tie = tie || other.Joined.Unix() == st.Joined.Unix()
	}
	earns := first && ok && inviter != ""
	switch {
	case tie || !known && first && ok:
		return // nobody can say which of two came first, or who brought somebody whom no list showed
	case !earns && has && e.Status != "void":
		a.bad("%s earned %s, and should not (first %v, rule %v, inviter %q)", key, e.Status, first, ok, inviter)
	case earns && !has:
		a.bad("%s earned nothing, and should (inviter %s)", key, inviter)
	case earns && e.Status == "void" && e.Reason != "left_early":
		a.bad("%s was voided (%s), and should not", key, e.Reason)
	case earns:
		a.amount(st, rule, inviter, e)
	}
}

func (a *auditor) amount(st personStay, rule ruleKnown, inviter string, e entry) {
	a.s.t.Helper()
	key := st.chat + " " + stayKey(st.User, st.Joined)
	least, most := ordinals(st.g, st.Stay)
	fen := func(n int) int64 {
		if n <= cheapJoins {
			return cheapFen
		}
		return dearFen
	}
	if e.Staff != inviter || e.AmountFen < fen(least) || e.AmountFen > fen(most) {
		a.bad("%s: %s earned %d, want %s and %d to %d", key, e.Staff, e.AmountFen, inviter, fen(least), fen(most))
	}
	left := st.Left
	if left.IsZero() && st.g.Dismissed {
		return // when it ended the books take from the callback
	}
	due := st.Joined.Truncate(time.Second).Add(rule.hold)
	want := []string{"payable", "paid"}
	switch end := left.Truncate(time.Second); {
	case !left.IsZero() && end.Before(due):
		want = []string{"void", "clawed_back"}
	case !left.IsZero() && end.Before(due.Add(rule.clawback)):
		want = []string{"clawed_back"}
	case a.s.botNow().Before(due):
		want = []string{"held"}
	}
	if !slices.Contains(want, e.Status) {
		a.bad("%s: the reward is %s, want %v", key, e.Status, want)
	}
}

// onlyCorp reports whether all rules so far reward a person once in the whole company.
func (a *auditor) onlyCorp() bool {
	return !slices.ContainsFunc(a.rules, func(r ruleKnown) bool { return r.once != "corp" })
}

// sameScope reports whether a stay in one group makes somebody no longer new in another.
func (a *auditor) sameScope(once, chat, other string) bool {
	store := a.s.company.storeOf[chat]
	return chat == other || once != "group" && once != "store" || once == "store" && store != "" && store == a.s.company.storeOf[other]
}

// ruleAt returns the version of the rule for a join.
func (a *auditor) ruleAt(joined time.Time) (rule ruleKnown, ok bool) {
	for _, r := range a.rules {
		if !r.from.After(joined.Truncate(time.Second)) {
			rule, ok = r, true
		}
	}
	return rule, ok
}

// inviter returns who brought a customer: by the state of a code, by the member list, by the
// code through which the customer was added before. It is not known where the list may never
// have shown the stay (it was over too soon, or the group was dissolved before its details
// caught up: a callback does not name who brought somebody), or a contact was made about then.
func (a *auditor) inviter(st personStay) (who string, known bool) {
	if end := a.ended(st); !end.IsZero() && end.Sub(st.Joined) < 3*time.Minute {
		return "", false
	}
	if who := a.s.company.staffOf[st.State]; who != "" {
		return who, true
	}
	for _, u := range a.s.box.Staff() {
		if u.UserID == st.Inviter {
			return u.UserID, true
		}
	}
	known = true
	for _, k := range a.s.box.Contacts() {
		if k.Customer != st.User || a.s.company.staffOf[k.State] == "" {
			continue
		}
		if k.AddedAt.Before(st.Joined.Add(-10 * time.Minute)) {
			who = a.s.company.staffOf[k.State]
		} else {
			known = false
		}
	}
	return who, known && (who == "" || a.contactsTold())
}

// ended is when a stay was over: when the person left, or with the group. Zero: it goes on.
func (a *auditor) ended(st personStay) time.Time {
	if !st.Left.IsZero() || !st.g.Dismissed {
		return st.Left
	}
	for _, c := range a.s.box.Callbacks() {
		if c.Chat == st.chat && c.Kind == "change_external_chat.dismiss" {
			return c.At
		}
	}
	return time.Time{}
}

// contactsTold reports whether the bot was told of every contact.
func (a *auditor) contactsTold() bool {
	return !slices.ContainsFunc(a.s.box.Callbacks(), func(c sandbox.Callback) bool {
		return strings.HasPrefix(c.Kind, "change_external_contact") && (!c.Delivered || c.Attempts[0].At.Sub(c.At) > time.Minute)
	})
}
