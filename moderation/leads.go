package moderation

import (
	"errors"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Who advertises does so in many groups, and an owner who gets a card for each of them stops
// reading cards. So a card names all groups of the owner in which the person is, and a case
// about the same text in one of these stands on that card instead of having one of its own:
// one press answers all of them. What the owner could not know from the card, another text or
// a group that the person came into later, is asked about by itself.

// ledPause is how long those that stood on the card of a case that was closed wait before they
// have a card of their own: the owner may be on the way through the groups.
const ledPause = 2 * time.Minute

// lead is the open case on whose card another one may stand; nil: there is none.
func (m *Moderator) lead(tx *store.Tx, c store.Case, at place) (*store.Case, error) {
	if c.AppChat || c.Level != levelOwner || c.Asks > 0 || at.owner == "" || c.Text == "" {
		return nil, nil
	}
	st, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if err != nil || !st.LeftAt.IsZero() {
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	open, err := tx.OpenCasesOf(bot.MemberID(c.Member))
	if err != nil {
		return nil, err
	}
	for _, l := range open {
		shown := l.ID != c.ID && l.Lead == nil && l.Owner == string(at.owner) && l.Action == ActRemove && l.Asks == 1 && l.Claims == 0
		if shown && !st.SeenAt.After(l.CreatedAt) && m.sameText(l.Text, c.Text) {
			return &l, nil
		}
	}
	return nil, nil
}

// sameText reports whether two texts are one, or copies of each other.
func (m *Moderator) sameText(a, b string) bool {
	if a == b {
		return true
	}
	fa, fb := m.Detector.Trace(a).Text, m.Detector.Trace(b).Text
	return fa != 0 && fa == fb
}

// standOn puts a case on the card of another.
func (m *Moderator) standOn(tx *store.Tx, c, lead store.Case) error {
	known := c.Status
	c.Lead, c.Level, c.Owner, c.AskedTo = &lead.ID, levelReminder, lead.Owner, lead.AskedTo
	c.NextAt = m.within(c, lead.NextAt.Add(time.Second))
	if lead.Status == store.CaseAsked {
		c.Status, c.AskedAt = store.CaseAsked, tx.Now
	}
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	return m.step(tx, c, store.StepAsked, lead.AskedTo, caseTask(lead, 1))
}

// shownWith notes that the card of a case is there for those that stand on it.
func shownWith(tx *store.Tx, c store.Case) error {
	led, err := tx.Led(c)
	for _, l := range led {
		if l, err = tx.HoldCase(l.ID); err != nil {
			return err
		}
		if l.Status == store.CaseOpen {
			l.Status, l.AskedAt = store.CaseAsked, tx.Now
			if err := tx.SaveCase(l, store.CaseOpen); err != nil {
				return err
			}
		}
	}
	return err
}

// withLed does to the cases that stand on a case's card what is done to it.
func (m *Moderator) withLed(tx *store.Tx, c store.Case, do func(store.Case) error) error {
	led, err := tx.Led(c)
	if err != nil {
		return err
	}
	for _, l := range append([]store.Case{c}, led...) {
		if l, err = tx.HoldCase(l.ID); err != nil {
			return err
		}
		if l.Closed() {
			continue
		}
		if err := do(l); err != nil {
			return err
		}
	}
	return nil
}

// freeLed has those that stood on the card of a case that is closed asked about by themselves.
func (m *Moderator) freeLed(tx *store.Tx, c store.Case) error {
	led, err := tx.Led(c)
	for _, l := range led {
		if l, err = tx.HoldCase(l.ID); err != nil {
			return err
		}
		if l.Closed() || l.Lead == nil {
			continue
		}
		l.Lead, l.NextAt = nil, m.within(l, tx.Now.Add(ledPause))
		if err := tx.SaveCase(l, l.Status); err != nil {
			return err
		}
	}
	return err
}

// followsLead has a case wait as long as the one on whose card it stands; false: it goes its own
// way from now on.
func (m *Moderator) followsLead(tx *store.Tx, c store.Case) (bool, error) {
	if c.Lead == nil {
		return false, nil
	}
	lead, err := tx.Case(*c.Lead)
	if err != nil || lead.Closed() || lead.Level >= levelNotify || lead.Owner != c.Owner {
		return false, err
	}
	c.NextAt = m.within(c, lead.NextAt.Add(time.Second))
	if !c.NextAt.After(tx.Now) {
		c.NextAt = m.within(c, tx.Now.Add(ledPause))
	}
	return true, tx.SaveCase(c, c.Status)
}

// otherGroups names the other groups of a case's owner in which the person is.
func (m *Moderator) otherGroups(r store.Reader, c store.Case, at place) (string, error) {
	stays, err := r.PresentPerson(c.Member)
	if err != nil {
		return "", err
	}
	var names []string
	for _, st := range stays {
		if st.ChatID == c.ChatID {
			continue
		}
		chat, err := r.Chat(bot.ChatID(st.ChatID))
		if err != nil {
			return "", err
		}
		if chat.Owner == string(at.owner) && chat.Owner != "" {
			names = append(names, handlers.Plain(chat.Name))
		}
	}
	return strings.Join(names, "、"), nil
}
