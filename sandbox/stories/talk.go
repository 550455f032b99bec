package stories

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"xiaobu/sandbox"
)

// planTalk plans what people say in the groups.
func (l *life) planTalk(r *rand.Rand, days int) {
	t := l.Script.Talk
	l.planChatter(r, days, "small talk", t.SmallTalk, Span{20 * time.Second, 4 * time.Minute})
	l.planChatter(r, days, "question", t.Questions, Span{time.Minute, 8 * time.Minute})
	l.planChatter(r, days, "complaint", t.Complaints, Span{5 * time.Minute, 40 * time.Minute})
	l.planChatter(r, days, "order", t.Orders, Span{20 * time.Second, 4 * time.Minute})
}

// planChatter plans the talk of one kind: its texts take turns, each time in some group.
func (l *life) planChatter(r *rand.Rand, days int, kind string, c Chatter, pause Span) {
	var chats []Group
	for _, groups := range l.rooms {
		chats = append(chats, groups...)
	}
	if len(c.Talks) == 0 || len(chats) == 0 {
		return
	}
	earliest := l.Start.Add(l.Script.Talk.From)
	offset := r.IntN(len(c.Talks))
	for i := range int(math.Round(c.PerDay * float64(days) * l.scale)) {
		chat := pick(r, chats).ID
		own := l.s.Rand(fmt.Sprint(kind, " ", i))
		when := l.moment(r)
		if when.Before(earliest) {
			when = earliest.Add(between(r, Span{0, 5 * time.Hour}))
		}
		for _, line := range c.Talks[(offset+i)%len(c.Talks)] {
			say := l.speak
			if line.Store {
				say = func(chat, text string, _ *rand.Rand) error { return l.reply(chat, text) }
			}
			l.at(when, func() error { return say(chat, line.Text, own) })
			when = when.Add(between(r, pause))
		}
	}
}

// speak lets one of the customers in a group say something; an empty group is silent.
func (l *life) speak(chat, text string, r *rand.Rand) error {
	there := l.talkers(chat)
	if len(there) == 0 {
		return nil
	}
	_, err := l.s.Say(chat, pick(r, there), text)
	return err
}

// reply lets the owner of a group say something, if anybody is there to read it.
func (l *life) reply(chat, text string) error {
	g, err := l.s.Group(chat)
	if err != nil || g.Dismissed || len(l.customersIn(chat)) == 0 {
		return err
	}
	_, err = l.s.Say(chat, g.Owner, text)
	return err
}

// planSpam plans the raids of the spammers: through a link that a customer has passed on
// into one group after the other, with advertising in each. The names take turns.
func (l *life) planSpam(r *rand.Rand) {
	first := 0
	for i, sp := range l.Script.Spammers {
		said := 0
		for j, raid := range sp.Raids {
			person := l.Spammers[first+j%len(sp.Names)]
			when := l.Start.AddDate(0, 0, raid.Day-1).Add(raid.At)
			for k, chat := range l.raided(r, raid) {
				when = when.Add(between(r, Span{0, 40 * time.Minute}))
				own := l.s.Rand(fmt.Sprint("raid ", i, " ", j, " ", k))
				l.at(when, func() error { return l.sneakIn(chat, person, own) })
				at := when
				for range sp.Each {
					at = at.Add(between(r, sp.Pause))
					m := sandbox.Message{Text: sp.Texts[said%len(sp.Texts)]}
					said++
					l.at(at, func() error { return l.advertise(chat, person, m) })
				}
				if sp.Link != "" {
					l.at(at.Add(5*time.Second), func() error {
						return l.advertise(chat, person, sandbox.Message{Type: "link", Title: sp.Title, URL: sp.Link})
					})
				}
			}
		}
		first += len(sp.Names)
	}
}

// raided are the groups of a raid.
func (l *life) raided(r *rand.Rand, raid Raid) []string {
	var all, out []string
	for _, groups := range l.rooms {
		for _, g := range groups {
			all = append(all, g.ID)
		}
	}
	for _, n := range raid.Groups {
		out = append(out, all[n-1])
	}
	for _, i := range r.Perm(len(all))[:min(raid.Any, len(all))] {
		out = append(out, all[i])
	}
	return out
}

func (l *life) advertise(chat, person string, m sandbox.Message) error {
	if !l.s.IsMember(chat, person) {
		return nil
	}
	_, err := l.s.Share(chat, person, m)
	return err
}

// sneakIn brings a spammer into a group by a link that a customer has passed on.
func (l *life) sneakIn(chat, person string, r *rand.Rand) error {
	there := l.customersIn(chat)
	if len(there) == 0 || l.s.IsMember(chat, person) {
		return nil
	}
	_, err := l.s.Join(chat, person, sandbox.How{Scene: sandbox.SceneLink, Inviter: pick(r, there)})
	return err
}
