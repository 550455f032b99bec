package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"
)

// manner is how soon the owner of groups confirms mass messages.
type manner int

const (
	never  manner = iota // not even when reminded
	prompt               // within minutes
	slow                 // after hours, or minutes after a reminder
)

// taskMade plans when those who are to confirm a mass message do so.
func (c *chain) taskMade(now time.Time, t *massTask) {
	for _, share := range t.Shares {
		r := c.s.dice.fresh("confirm " + t.MsgID + share.User)
		switch c.manners[share.User] {
		case prompt:
			c.confirm(now.Add(between(r, 2*time.Minute, 12*time.Minute)), t.MsgID, share.User)
		case slow:
			c.confirm(awake(now.Add(between(r, 2*time.Hour, 5*time.Hour))), t.MsgID, share.User)
		case never:
		}
	}
}

// taskReminded makes the slow one confirm soon.
func (c *chain) taskReminded(now time.Time, t *massTask) {
	for _, share := range t.Shares {
		if share.ConfirmedAt.IsZero() && c.manners[share.User] == slow {
			r := c.s.dice.fresh(fmt.Sprint("reminded ", len(t.Reminders), t.MsgID, share.User))
			c.confirm(awake(now.Add(between(r, 5*time.Minute, 15*time.Minute))), t.MsgID, share.User)
		}
	}
}

// confirm plans a confirmation; one that has become needless is left out.
func (c *chain) confirm(when time.Time, msgID, user string) {
	c.soon(when, func() error {
		if !c.waits(msgID, user) {
			return nil
		}
		return c.s.Confirm(msgID, user)
	})
}

func (c *chain) waits(msgID, user string) bool {
	c.s.enter()
	defer c.s.leave()
	t, share, err := c.s.mass.share(msgID, c.s.office.find(user))
	return err == nil && t != nil && share.ConfirmedAt.IsZero()
}

// cardShown lets the first owner of groups among the readers of a card look into it some
// minutes later.
func (c *chain) cardShown(now time.Time, card *Card) {
	for _, user := range card.To {
		if _, owner := c.manners[user]; !owner || len(card.Buttons) == 0 {
			continue
		}
		r := c.s.dice.fresh("card " + card.TaskID)
		c.soon(awake(now.Add(between(r, 3*time.Minute, 12*time.Minute))), func() error {
			return c.act(user, card.TaskID, r)
		})
		return
	}
}

// act removes the customer whom a card names from the owner's groups by hand, then presses
// the card's first button. A card that names nobody is left alone.
func (c *chain) act(user, taskID string, r *rand.Rand) error {
	person, chats, key := c.named(user, taskID)
	if person == "" {
		return nil
	}
	for _, chat := range chats {
		if err := c.s.Remove(chat, person); err != nil {
			return err
		}
	}
	c.at(c.s.cfg.Now().Add(between(r, 15*time.Second, 90*time.Second)), func() error {
		return c.s.PressCard(user, taskID, key)
	})
	return nil
}

// named finds whom a card is about among the customers of the owner's groups: by id, else by
// the longest name that the card's rows and titles show; and the groups to remove them from:
// those that the card names, or all.
func (c *chain) named(user, taskID string) (person string, chats []string, key string) {
	c.s.enter()
	defer c.s.leave()
	card := c.s.apps.byTask[taskID]
	best := 0
	var inNamed, inAny []string
	for _, g := range c.s.rooms.all {
		if g.owner.UserID != user || g.dismissed {
			continue
		}
		for _, m := range g.stays {
			if m.to != 0 || m.staff {
				continue
			}
			fit := card.fits(m.user, c.s.nameOf(m.user))
			if fit == 0 || fit < best {
				continue
			}
			if m.user != person {
				person, best, inNamed, inAny = m.user, fit, nil, nil
			}
			inAny = append(inAny, g.id)
			if strings.Contains(card.Text, g.name) {
				inNamed = append(inNamed, g.id)
			}
		}
	}
	if len(inNamed) > 0 {
		inAny = inNamed
	}
	return person, inAny, card.Buttons[0].Key
}

// fits says how surely a card is about a person: 0 not at all, more for a longer name, most
// for the id.
func (card *Card) fits(id, name string) int {
	if strings.Contains(card.Text, id) {
		return 1000
	}
	name = plainName(name)
	if utf8.RuneCountInString(name) < 2 {
		return 0
	}
	for _, f := range card.Facts {
		if plainName(f.Value) == name {
			return 500 + len(name)
		}
	}
	if strings.Contains(plainName(card.Text), name) {
		return len(name)
	}
	return 0
}

// plainName drops what cannot be seen.
func plainName(v string) string {
	return strings.NewReplacer("\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "").Replace(v)
}
