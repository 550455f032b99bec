package stories

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/sandbox"
)

// TaskMade plans when those who are to confirm a mass message do so by themselves.
func (l *life) TaskMade(t sandbox.Task) {
	for _, share := range t.Shares {
		if span := l.person[share.User].diligence.Confirm; span != nil {
			l.confirm(t.CreatedAt, *span, l.s.Rand("confirm "+t.MsgID+share.User), t.MsgID, share.User)
		}
	}
}

// TaskReminded makes those confirm who do so once they are reminded.
func (l *life) TaskReminded(t sandbox.Task) {
	at := t.Reminders[len(t.Reminders)-1]
	for _, share := range t.Shares {
		if span := l.person[share.User].diligence.Reminded; span != nil && share.ConfirmedAt.IsZero() {
			l.confirm(at, *span, l.s.Rand(fmt.Sprint("reminded ", len(t.Reminders), t.MsgID, share.User)), t.MsgID, share.User)
		}
	}
}

// confirm plans a confirmation, at night for the next morning; one that has become needless
// is left out.
func (l *life) confirm(from time.Time, span Span, r *rand.Rand, msgID, user string) {
	l.at(awake(from.Add(between(r, span))), func() error {
		if !l.s.Waits(msgID, user) {
			return nil
		}
		return l.s.Confirm(msgID, user)
	})
}

// CardShown lets the first among the readers of a card who cares look into it some time later.
// One about a mass message accuses nobody: who reads it confirms when TaskMade planned it.
func (l *life) CardShown(card sandbox.Card) {
	if strings.Contains(card.Text, "群发助手") {
		return
	}
	for _, user := range card.To {
		span := l.person[user].diligence.Card
		if span == nil || len(card.Buttons) == 0 {
			continue
		}
		r := l.s.Rand("card " + card.TaskID)
		l.at(awake(card.At.Add(between(r, *span))), func() error { return l.act(user, card.TaskID, r) })
		return
	}
}

// act removes the customer whom a card names from the reader's groups by hand, then presses
// the card's first button. A card that names nobody is left alone, and one that says that
// nobody is to be removed is only pressed.
func (l *life) act(user, taskID string, r *rand.Rand) error {
	card, err := l.s.Card(taskID)
	if err != nil {
		return err
	}
	person, chats := l.named(user, card)
	if person == "" {
		return nil
	}
	if strings.Contains(card.Text, "不用移出") {
		chats = nil
	}
	for _, chat := range chats {
		if err := l.s.Remove(chat, person); err != nil {
			return err
		}
	}
	l.at(l.s.Config().Now().Add(between(r, Span{15 * time.Second, 90 * time.Second})), func() error {
		return l.s.PressCard(user, taskID, card.Buttons[0].Key)
	})
	return nil
}

// named finds whom a card is about among the customers of the reader's groups: by id, else
// by the longest name that the card's rows and titles show; and the groups to remove them
// from: those that the card names, or all.
func (l *life) named(user string, card sandbox.Card) (person string, chats []string) {
	best := 0
	var inNamed, inAny []string
	for _, g := range l.s.Groups() {
		if g.Owner != user || g.Dismissed {
			continue
		}
		for _, m := range g.Members {
			if m.Staff {
				continue
			}
			fit := fits(card, m)
			if fit == 0 || fit < best {
				continue
			}
			if m.User != person {
				person, best, inNamed, inAny = m.User, fit, nil, nil
			}
			inAny = append(inAny, g.ID)
			if strings.Contains(card.Text, g.Name) {
				inNamed = append(inNamed, g.ID)
			}
		}
	}
	if len(inNamed) > 0 {
		inAny = inNamed
	}
	return person, inAny
}

// fits says how surely a card is about a person: 0 not at all, more for a longer name, most
// for the id.
func fits(card sandbox.Card, m sandbox.Stay) int {
	if strings.Contains(card.Text, m.User) {
		return 1000
	}
	name := plainName(m.Name)
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
