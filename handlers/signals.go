package handlers

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/store"
)

// Bounds of what is looked at for one join.
const (
	maxBurst  = 500 // joins around one
	maxShort  = 2000
	maxLeaves = 100 // the latest joins of an inviter
	maxShown  = 10  // stays that a signal names
)

// shortStays is how many joins with a quick leave make somebody one who comes and goes.
const shortStays = 2

// inspection looks at one join that earned for what is worth a person's look. What it says is
// figures; whether anybody did wrong is for people to find out.
type inspection struct {
	store.Reader
	sentences
	checks store.CheckSettings
	st     store.Stint
	e      store.Entry
	stays  []store.Stint // all of the person
	now    time.Time
}

// found is what a signal has to say; nil when there is nothing.
type found struct {
	text  Text
	stays []store.Stint
}

// signals returns the signals of the join, in the order of NamedChecks. It looks at the cheap
// ones first and gives up, with none, once what is left could not reach enough.
func (i *inspection) signals(enough float64) ([]store.Signal, error) {
	named := map[string]NamedCheck{}
	var left []store.Signal
	for _, n := range NamedChecks(&i.checks) {
		named[n.Signal] = n
		left = append(left, store.Signal{Name: n.Signal, Weight: n.Check.Weight})
	}
	var out []store.Signal
	for _, l := range []struct {
		signal string
		ask    func(store.Check) (*found, error)
	}{
		{SignalKnown, i.known}, {SignalTills, i.tills}, {SignalRing, i.ring}, {SignalStaff, i.staff},
		{SignalBurst, i.burst}, {SignalLeaves, i.leaves}, {SignalShare, i.share},
	} {
		if weigh(slices.Concat(left, out)) < enough {
			return nil, nil
		}
		left = slices.DeleteFunc(left, func(s store.Signal) bool { return s.Name == l.signal })
		check := *named[l.signal].Check
		if check.Weight == 0 {
			continue
		}
		f, err := l.ask(check)
		if err != nil {
			return nil, err
		}
		if f != nil {
			out = append(out, store.Signal{Name: l.signal, Weight: check.Weight, ZH: f.text.ZH, EN: f.text.EN, Stays: shown(f.stays)})
		}
	}
	return asListed(out, NamedChecks(&i.checks)), nil
}

func asListed(signals []store.Signal, checks []NamedCheck) []store.Signal {
	at := func(s store.Signal) int {
		return slices.IndexFunc(checks, func(n NamedCheck) bool { return n.Signal == s.Name })
	}
	slices.SortFunc(signals, func(a, b store.Signal) int { return cmp.Compare(at(a), at(b)) })
	return signals
}

func shown(stays []store.Stint) []store.SignalStay {
	var out []store.SignalStay
	for _, st := range stays[:min(len(stays), maxShown)] {
		out = append(out, store.SignalStay{ChatID: st.ChatID, Member: st.UserID, JoinedAt: st.JoinedAt, LeftAt: st.LeftAt})
	}
	return out
}

// burst: many joins at one till. The window is the one around the join that holds most; its
// first and last join are less than the window apart.
func (i *inspection) burst(c store.Check) (*found, error) {
	joins, err := i.JoinsAtTill(i.st.State, i.st.Inviter, i.st.JoinedAt.Add(-c.Window()), i.st.JoinedAt.Add(c.Window()), maxBurst)
	if err != nil {
		return nil, err
	}
	var most []store.Stint
	from := 0
	for to := range joins {
		for joins[to].JoinedAt.Sub(joins[from].JoinedAt) >= c.Window() {
			from++
		}
		holds := !joins[from].JoinedAt.After(i.st.JoinedAt) && !joins[to].JoinedAt.Before(i.st.JoinedAt)
		if holds && to-from+1 > len(most) {
			most = joins[from : to+1]
		}
	}
	if len(most) < c.Count {
		return nil, nil
	}
	till := i.say("员工 %s", "of %s", i.st.Inviter)
	if i.st.State != "" {
		till = i.say("渠道码 %s", "with the code %s", i.st.State)
	}
	return &found{i.say("%s之内,%s有 %s 人入群(从 %s 人起提示)", "Within %s, %[3]s people joined at the till %[2]s (looked at from %[4]s on)", c.Window(), till, len(most), c.Count), most}, nil
}

// share: one inviter has nearly all joins of the group within the window, or of the store
// within the month.
func (i *inspection) share(c store.Check) (*found, error) {
	from := i.st.JoinedAt.Add(-c.Window())
	p, err := i.ShareOfGroup(i.st.ChatID, i.st.Inviter, from, i.st.JoinedAt)
	if err != nil {
		return nil, err
	}
	if p.Whole >= c.Count && p.Share() >= c.Share {
		return &found{text: i.say("入群前 %s内本群入群 %s 人,其中 %s 人由 %s 邀请(%s%%)", "In the %s before, %s people joined the group, %s of them brought by %s (%s%%)",
			c.Window(), p.Whole, p.Of, i.st.Inviter, p.Of*100/p.Whole)}, nil
	}
	chat, err := i.Chat(bot.ChatID(i.st.ChatID))
	if err != nil || chat.ShopID == "" {
		return nil, ignoreUnknown(err)
	}
	if p, err = i.ShareOfStore(chat.ShopID, i.st.Inviter, i.e.Period); err != nil || p.Whole < c.Count || p.Share() < c.Share {
		return nil, err
	}
	return &found{text: i.say("%s 门店 %s 计奖入群 %s 人,其中 %s 人由 %s 邀请(%s%%)", "In %s, %[3]s joins earned in store %[2]s, %[4]s of them brought by %[5]s (%[6]s%%)",
		i.e.Period, chat.ShopID, p.Whole, p.Of, i.st.Inviter, p.Of*100/p.Whole)}, nil
}

func ignoreUnknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// known: the person was in another group before, or is known under another user id.
func (i *inspection) known(store.Check) (*found, error) {
	var others []store.Stint
	names, groups := map[string]bool{}, map[string]bool{}
	for _, st := range i.stays {
		name := st.UserID != i.st.UserID
		group := st.ChatID != i.st.ChatID && st.JoinedAt.Before(i.st.JoinedAt)
		if name || group {
			others = append(others, st)
		}
		if name {
			names[st.UserID] = true
		}
		if group {
			groups[st.ChatID] = true
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	return &found{i.say("此人此前已在 %s 个其他群,另有 %s 个账号使用同一 unionid", "The person was in %s other groups before, and %s other user ids share the union id", len(groups), len(names)), others}, nil
}

// comesAndGoes returns the quick leaves of one person, if they were in several groups or
// by several inviters.
func comesAndGoes(stays []store.Stint, since time.Time, within time.Duration) []store.Stint {
	var short []store.Stint
	groups, inviters := map[string]bool{}, map[string]bool{}
	for _, st := range stays {
		if st.JoinedAt.Before(since) || st.LeftAt.IsZero() || st.LeftAt.Sub(st.JoinedAt) > within {
			continue
		}
		short = append(short, st)
		groups[st.ChatID], inviters[st.Inviter] = true, true
	}
	if len(short) < shortStays || len(groups) < 2 && len(inviters) < 2 {
		return nil
	}
	return short
}

// ring: several people come and go in the same groups, again and again.
func (i *inspection) ring(c store.Check) (*found, error) {
	since := i.st.JoinedAt.Add(-c.Window())
	own := comesAndGoes(i.stays, since, c.Within())
	if own == nil {
		return nil, nil
	}
	var chats []string
	for _, st := range own {
		chats = append(chats, st.ChatID)
	}
	slices.Sort(chats)
	around, err := i.ShortStays(slices.Compact(chats), since, c.Within(), maxShort)
	if err != nil {
		return nil, err
	}
	people := map[string][]store.Stint{}
	for _, st := range around {
		people[cmp.Or(st.UnionID, st.UserID)] = append(people[cmp.Or(st.UnionID, st.UserID)], st)
	}
	var stays []store.Stint
	ring := 0
	for _, st := range around { // in order, so that the evidence comes out the same
		who := cmp.Or(st.UnionID, st.UserID)
		if goes := comesAndGoes(people[who], since, c.Within()); goes != nil {
			stays = append(stays, goes...)
			ring++
		}
		delete(people, who)
	}
	if ring < c.Count {
		return nil, nil
	}
	return &found{i.say("%s内,有 %s 人(含此人)在相同的群里反复进出,每次停留不超过 %s", "Within %s, %s people (this one among them) joined and left the same groups again and again, staying at most %s", c.Window(), ring, c.Within()), stays}, nil
}

// tills: the person came through the codes of several staff within the window around the join.
func (i *inspection) tills(c store.Check) (*found, error) {
	var by []store.Stint
	staff := map[string]bool{}
	for _, st := range i.stays {
		apart := st.JoinedAt.Sub(i.st.JoinedAt).Abs()
		if apart <= c.Window() && (st.InviterBy == ByState || st.InviterBy == ByContactState) {
			staff[st.Inviter] = true
			by = append(by, st)
		}
	}
	if len(staff) < c.Count {
		return nil, nil
	}
	return &found{i.say("前后 %s内,此人扫了 %s 位员工的码", "Within %s around the join, the person came through the codes of %s staff", c.Window(), len(staff)), by}, nil
}

// leaves: the inviter's people tend to leave right after their hold.
func (i *inspection) leaves(c store.Check) (*found, error) {
	p, err := i.LeftAfterHold(i.e.Staff, i.now.Add(-c.Window()), i.now, c.Within(), maxLeaves)
	if err != nil || p.Of < c.Count || p.Share() < c.Share {
		return nil, err
	}
	return &found{text: i.say("%s 近 %s内过了保留期的 %s 人中,有 %s 人在期满后 %s内退群(%s%%)", "Of the people of %s whose hold ended in the last %s, %[4]s of %[3]s left within %[5]s after it (%[6]s%%)",
		i.e.Staff, c.Window(), p.Whole, p.Of, c.Within(), p.Of*100/p.Whole)}, nil
}

// staff: the customer has the name of a colleague of the group's store, or the union id of
// somebody who is in a group as staff.
func (i *inspection) staff(store.Check) (*found, error) {
	for _, st := range i.stays {
		if st.Kind == string(bot.Staff) {
			return &found{i.say("同一 unionid 在群 %s 中是员工 %s", "The same union id is in group %s as the colleague %s", st.ChatID, st.UserID), []store.Stint{st}}, nil
		}
	}
	name := strings.TrimSpace(i.st.Name)
	if utf8.RuneCountInString(name) < 2 {
		return nil, nil
	}
	colleagues := []string{i.st.Inviter}
	chat, err := i.Chat(bot.ChatID(i.st.ChatID))
	if err == nil && chat.ShopID != "" {
		var shop store.Shop
		if shop, err = i.Shop(chat.ShopID); err == nil {
			colleagues = append(append(colleagues, shop.Manager), shop.Staff...)
		}
	}
	if ignoreUnknown(err) != nil {
		return nil, err
	}
	who, err := i.StaffNamed(colleagues, name)
	if err != nil || who == "" {
		return nil, err
	}
	return &found{text: i.say("昵称与本店员工 %s 的姓名相同", "The name is the same as that of %s, a colleague of the store", who)}, nil
}
