package rehearse

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// What people do where the past tells nothing.
const (
	usualConfirm = 10 * time.Minute // an owner of whom no task is known
	firstHour    = 9                // the hours of the day in which people come when a rate
	lastHour     = 21               // was given and nobody has ever come
	fewJoins     = 24               // joins that tell enough about the hours of the day
	newShare     = 0.85             // of people have a union id, where nobody has come so far
)

// people are those who come, go and confirm. They act in the sandbox's time.
type people struct {
	s       *stage
	chance  *rand.Rand
	nothing map[string]int           // who found everything full, by channel or group
	joins   map[string][]store.Stint // the joins of late, by group
	leaves  map[string][]store.Stint // the leaves of late
	before  map[string]bool          // stays of people who had been in another group before, by JoinKey
	regular []string                 // customers who are or were in some group
	hours   [24]float64              // which part of the company's joins falls into an hour
	news    int
}

func newPeople(s *stage) *people {
	p := &people{s: s, chance: s.box.Rand("people"), nothing: map[string]int{},
		joins: map[string][]store.Stint{}, leaves: map[string][]store.Stint{}, before: map[string]bool{}}
	p.learn()
	return p
}

// learn sorts the past by group and hour.
func (p *people) learn() {
	seen := map[string]bool{}
	var all []store.Stint
	for _, c := range p.s.past.chats {
		for _, st := range p.s.past.stints[c.ChatID] {
			if st.Kind == string(bot.Customer) {
				all = append(all, st)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b store.Stint) int { return a.JoinedAt.Compare(b.JoinedAt) })
	from, n := p.s.past.asOf.Add(-history), 0
	for _, st := range all {
		if seen[st.UserID] {
			p.before[store.JoinKey(st)] = true
		} else {
			seen[st.UserID] = true
			p.regular = append(p.regular, st.UserID)
		}
		if !st.JoinedAt.Before(from) {
			p.joins[st.ChatID] = append(p.joins[st.ChatID], st)
			p.hours[p.local(st.JoinedAt).Hour()]++
			n++
		}
		if !st.LeftAt.IsZero() && !st.LeftAt.Before(from) {
			p.leaves[st.ChatID] = append(p.leaves[st.ChatID], st)
		}
	}
	for h := range p.hours {
		switch {
		case n >= fewJoins:
			p.hours[h] /= float64(n)
		case h >= firstHour && h < lastHour:
			p.hours[h] = 1.0 / (lastHour - firstHour)
		default:
			p.hours[h] = 0
		}
	}
}

func (p *people) local(t time.Time) time.Time { return t.In(p.s.o.Config.Timezone) }

// plan draws who comes and goes from one moment to another, and lets owners confirm.
func (p *people) plan(from, to time.Time) {
	for _, c := range p.s.past.chats {
		if c.Status != store.ChatActive || c.Owner == "" {
			continue
		}
		since := p.s.past.since(c.CreatedAt)
		joins := p.rates(times(p.joins[c.ChatID], false), since, p.s.o.JoinsPerDay)
		perDay := FromPast
		if p.s.o.LeaveRate >= 0 {
			perDay = p.s.o.LeaveRate * float64(c.Customers)
		}
		leaves := p.rates(times(p.leaves[c.ChatID], true), since, perDay)
		p.draw(joins, from, to, func() error { return p.join(c) })
		p.draw(leaves, from, to, func() error { return p.leave(c) })
	}
	p.planContacts(from, to)
	p.s.box.Watch(p)
	for _, t := range p.s.past.tasks {
		if t.Status == store.TaskSubmitted {
			p.confirm(t.MsgID, t.Owner, t.SubmittedAt)
		}
	}
}

func times(stints []store.Stint, left bool) []time.Time {
	out := make([]time.Time, len(stints))
	for i, st := range stints {
		if out[i] = st.JoinedAt; left {
			out[i] = st.LeftAt
		}
	}
	return out
}

// rates is how often something happens in each hour of the week, Sunday 0:00 first: as in
// the past, or so often a day. A past of less than a week tells hours, but no weekdays.
func (p *people) rates(past []time.Time, since time.Time, perDay float64) [7 * 24]float64 {
	var out [7 * 24]float64
	if perDay >= 0 {
		for i := range out {
			out[i] = perDay * p.hours[i%24]
		}
		return out
	}
	days := max(p.s.past.asOf.Sub(since).Hours()/24, 1)
	for _, t := range past {
		local := p.local(t)
		switch {
		case t.Before(since):
		case days < 7:
			for day := range 7 {
				out[day*24+local.Hour()] += 1 / days
			}
		default:
			out[int(local.Weekday())*24+local.Hour()] += 7 / days
		}
	}
	return out
}

// draw plans as many of a thing as chance and its rates want.
func (p *people) draw(rates [7 * 24]float64, from, to time.Time, do func() error) {
	for hour := from.Truncate(time.Hour); hour.Before(to); hour = hour.Add(time.Hour) {
		local := p.local(hour)
		for range poisson(p.chance, rates[int(local.Weekday())*24+local.Hour()]) {
			at := hour.Add(time.Duration(p.chance.Int64N(int64(time.Hour)))).Truncate(time.Second)
			if at.After(from) && at.Before(to) {
				p.s.box.At(at, do)
			}
		}
	}
}

// poisson draws how often something happens that happens so often on average.
func poisson(r *rand.Rand, mean float64) int {
	const most = 500
	limit, product := math.Exp(-mean), 1.0
	for n := range most {
		if product *= r.Float64(); product <= limit {
			return n
		}
	}
	return most
}

// enter tries to come in. Who finds everything full is counted; who was there already, or
// whose way is gone, just does not come.
func (p *people) enter(chat, person string, how sandbox.How, counts string) error {
	_, err := p.s.box.Join(chat, person, how)
	if errors.Is(err, sandbox.ErrFull) {
		p.nothing[counts]++
	}
	return err
}

// join lets somebody come into a group in the way of one who came before.
func (p *people) join(c store.Chat) error {
	r := p.chance
	like := store.Stint{ChatID: c.ChatID, JoinScene: string(bot.JoinQR)}
	if past := p.joins[c.ChatID]; len(past) > 0 {
		like = past[r.IntN(len(past))]
	} else if ch := p.codesInto(c.ChatID); len(ch) > 0 {
		like.State = ch[r.IntN(len(ch))].State
	}
	person, err := p.comer(c.ChatID, like)
	if err != nil {
		return err
	}
	how := sandbox.How{Scene: sandbox.SceneLink}
	for _, ch := range p.s.past.channels {
		if ch.Kind == store.ChannelGroup && ch.State == like.State {
			return p.enter("", person, sandbox.How{ConfigID: ch.ConfigID}, "channel:"+fmt.Sprint(ch.ID))
		}
	}
	switch {
	case like.InviterBy == "contact_state":
		return p.befriendAndJoin(c, person, like.Inviter)
	case like.JoinScene == string(bot.JoinQR):
		how.Scene = sandbox.SceneQR
	case like.Inviter != "" && p.s.box.IsMember(c.ChatID, like.Inviter):
		how = sandbox.How{Scene: sandbox.SceneDirect, Inviter: like.Inviter}
	}
	return p.enter(c.ChatID, person, how, "group:"+c.ChatID)
}

// codesInto lists the group codes that lead into a group.
func (p *people) codesInto(chat string) []store.Channel {
	var out []store.Channel
	for _, ch := range p.s.past.channels {
		if ch.Kind == store.ChannelGroup && slices.Contains(ch.ChatIDs, chat) {
			out = append(out, ch)
		}
	}
	return out
}

// comer is who joins: somebody new, or a known person where the one who came before was
// known already.
func (p *people) comer(chat string, like store.Stint) (string, error) {
	if p.before[store.JoinKey(like)] && len(p.regular) > 0 {
		id := p.regular[p.chance.IntN(len(p.regular))]
		if !p.s.box.IsMember(chat, id) {
			return id, nil
		}
	}
	union := like.UnionID != ""
	if like.ID == 0 {
		union = p.chance.Float64() < newShare
	}
	p.news++
	return p.s.box.AddCustomer(sandbox.Customer{Name: fmt.Sprintf("新客户%d", p.news), WithUnionID: union})
}

// befriendAndJoin lets somebody scan a colleague's own code first and follow a link then.
func (p *people) befriendAndJoin(c store.Chat, person, staff string) error {
	for _, ch := range p.s.past.channels {
		if ch.Kind == store.ChannelContact && ch.Staff == staff {
			// An error says that they know each other already.
			_, _ = p.s.box.AddContact("", person, sandbox.Via{ConfigID: ch.ConfigID})
			break
		}
	}
	p.s.box.At(p.s.clock.now().Add(time.Minute), func() error {
		return p.enter(c.ChatID, person, sandbox.How{Scene: sandbox.SceneLink}, "group:"+c.ChatID)
	})
	return nil
}

// leave lets somebody leave who has been there for about as long as one who left before.
func (p *people) leave(c store.Chat) error {
	age, how := time.Duration(-1), ""
	if past := p.leaves[c.ChatID]; len(past) > 0 {
		like := past[p.chance.IntN(len(past))]
		age, how = like.LeftAt.Sub(like.JoinedAt), like.LeftHow
	}
	now := p.s.clock.now()
	var there []sandbox.Stay
	for _, m := range p.s.box.Members(c.ChatID) {
		if !m.Staff {
			there = append(there, m)
		}
	}
	if len(there) == 0 {
		return nil
	}
	who := there[p.chance.IntN(len(there))]
	if age >= 0 {
		who = slices.MinFunc(there, func(a, b sandbox.Stay) int {
			return int((now.Sub(a.Joined) - age).Abs() - (now.Sub(b.Joined) - age).Abs())
		})
	}
	goes := p.s.box.Leave
	if how == string(bot.LeftRemoved) {
		goes = p.s.box.Remove
	}
	return goes(c.ChatID, who.User)
}

// planContacts lets new customers add colleagues by their codes as often as of late. Those
// whose code led to a join of a group come with the join.
func (p *people) planContacts(from, to time.Time) {
	if p.s.o.JoinsPerDay >= 0 {
		return
	}
	joined := map[string]bool{}
	for _, c := range p.s.past.chats {
		for _, st := range p.joins[c.ChatID] {
			if st.InviterBy == "contact_state" {
				joined[st.UserID] = true
			}
		}
	}
	since := p.s.past.asOf.Add(-history)
	for _, ch := range p.s.past.channels {
		if ch.Kind != store.ChannelContact {
			continue
		}
		var added []time.Time
		for _, k := range p.s.past.contacts {
			if k.State == ch.State && !k.AddedAt.Before(since) && !joined[k.Customer] {
				added = append(added, k.AddedAt)
			}
		}
		p.draw(p.rates(added, p.s.past.since(ch.CreatedAt), FromPast), from, to, func() error {
			person, err := p.comer("", store.Stint{})
			if err == nil {
				_, err = p.s.box.AddContact("", person, sandbox.Via{ConfigID: ch.ConfigID})
			}
			return err
		})
	}
}

// confirm plans when an owner confirms a task that was made at a time, if at all.
func (p *people) confirm(msgID, owner string, made time.Time) {
	outcomes, _ := p.s.past.habit(owner)
	after, ok := p.choose(outcomes, p.s.clock.now().Sub(made))
	if !ok {
		return
	}
	p.s.box.At(made.Add(after), func() error {
		if !p.s.box.Waits(msgID, owner) {
			return nil
		}
		return p.s.box.Confirm(msgID, owner)
	})
}

// choose draws after how long an owner confirms who has not for some time already.
func (p *people) choose(outcomes []outcome, waited time.Duration) (time.Duration, bool) {
	possible := slices.DeleteFunc(slices.Clone(outcomes), func(o outcome) bool { return o.confirmed && o.after < waited })
	switch p.s.o.Confirm {
	case ConfirmNone:
		return 0, false
	case ConfirmAll:
		possible = slices.DeleteFunc(possible, func(o outcome) bool { return !o.confirmed })
	}
	if len(possible) == 0 {
		return waited + usualConfirm, p.s.o.Confirm == ConfirmAll || len(outcomes) == 0
	}
	o := possible[p.chance.IntN(len(possible))]
	return o.after, o.confirmed
}

// TaskMade lets those who are to confirm a mass message do so.
func (p *people) TaskMade(t sandbox.Task) {
	for _, share := range t.Shares {
		p.confirm(t.MsgID, share.User, t.CreatedAt)
	}
}

// TaskReminded changes nothing: the past that habits are drawn from had its reminders too.
func (p *people) TaskReminded(sandbox.Task) {}

// CardShown changes nothing: what an owner decides about a person is not foreseen.
func (p *people) CardShown(sandbox.Card) {}

// GroupMade changes nothing: who comes into a new group is not known.
func (p *people) GroupMade(sandbox.Group) {}
