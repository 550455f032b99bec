package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	responseCodeLife = 72 * time.Hour

	codeBadReply = 60140
)

// Card is a template card that was shown to staff.
type Card struct {
	TaskID   string
	MsgID    string
	CardType string
	At       time.Time
	Title    string
	Text     string   // everything there is to read, a line for each field
	Facts    []Fact   // the rows of the card
	Buttons  []Button // those that call back
	Menu     []Button // in the corner; they call back too
	// Questions are what is answered with a press: a choice beside the buttons, a vote, up to
	// three lists.
	Questions []Question
	To        []string // userids
	Presses   []Press
	Updates   []CardUpdate
}

// Question is what a card asks.
type Question struct {
	Key     string
	Title   string
	Many    bool     // more than one option may be chosen
	Options []Button // with the id of each as its key
	Chosen  []string // ids that are chosen before anybody chooses
}

func (q Question) offers(id string) bool {
	return slices.ContainsFunc(q.Options, func(o Button) bool { return o.Key == id })
}

// Choice is the answer to a Question.
type Choice struct {
	Question string   // its key
	Options  []string // ids
}

// Fact is one row of a card.
type Fact struct{ Name, Value string }

// Button is one button of a card.
type Button struct{ Text, Key string }

// Press is one press of a button.
type Press struct {
	User         string
	Key          string
	At           time.Time
	ResponseCode string
	Choices      []Choice
	Menu         bool // an item of the menu, not a button
}

// CardUpdate is one change of a card that was shown.
type CardUpdate struct {
	At    time.Time
	Users []string // who sees it changed; they can press no more
	Text  string   // the button's new name or the new card's text
}

// responseCode allows one change of one card.
type responseCode struct {
	card   *Card
	issued time.Time
	used   bool
}

func cardAPIs() map[string]api {
	return map[string]api{"message/update_template_card": write(updateCard)}
}

// showCard keeps a card that was sent and returns the code that changes it once.
func (s *Sandbox) showCard(now time.Time, card *Card, m *AppMessage) string {
	card.MsgID, card.To = m.MsgID, slices.Clone(m.To)
	s.apps.cards = append(s.apps.cards, card)
	if card.TaskID != "" {
		s.apps.byTask[card.TaskID] = card
	}
	for _, user := range card.To {
		s.note(now, EntryCard, user, nil, both("sees the card %s: %s", "收到卡片 %s：%s", card.TaskID, card.Title))
	}
	shown := copied([]*Card{card}, deepenCard)[0]
	s.tellWatchers(now, func(w Watcher) { w.CardShown(shown) })
	return s.issueResponseCode(now, card)
}

func (s *Sandbox) issueResponseCode(now time.Time, card *Card) string {
	code := s.dice.draw("response code", alphabetID, 43)
	s.apps.codes[code] = &responseCode{card: card, issued: now}
	return code
}

// pressable reports whether a member of staff has the card and it was not changed for them.
func (card *Card) pressable(user string) bool {
	return slices.Contains(card.To, user) && !slices.ContainsFunc(card.Updates, func(u CardUpdate) bool {
		return slices.Contains(u.Users, user)
	})
}

// PressCard lets a member of staff press a button of a card, or the one below its questions,
// by its key, and makes the event template_card_event. Questions that are not answered keep
// what was chosen before. Once the bot has changed the card nobody who sees the change can
// press it any more.
func (s *Sandbox) PressCard(user, taskID, key string, chosen ...Choice) error {
	now := s.enter()
	defer s.leave()
	u, card, err := s.cardOf(user, taskID)
	if err == nil && !slices.ContainsFunc(card.Buttons, func(b Button) bool { return b.Key == key }) {
		err = fmt.Errorf("button %q: %w", key, ErrNotFound)
	}
	var choices []Choice
	if err == nil {
		choices, err = card.choose(chosen)
	}
	if err != nil {
		return fmt.Errorf("press card %s by %s: %w", taskID, user, err)
	}
	s.press(now, u, card, Press{Key: key, Choices: choices})
	return nil
}

// PressCardMenu lets a member of staff choose from the menu in the corner of a card, and makes
// the event template_card_menu_event.
func (s *Sandbox) PressCardMenu(user, taskID, key string) error {
	now := s.enter()
	defer s.leave()
	u, card, err := s.cardOf(user, taskID)
	if err == nil && !slices.ContainsFunc(card.Menu, func(b Button) bool { return b.Key == key }) {
		err = fmt.Errorf("item %q: %w", key, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("press the menu of card %s by %s: %w", taskID, user, err)
	}
	s.press(now, u, card, Press{Key: key, Menu: true})
	return nil
}

// cardOf finds the newest card with a task_id that a member of staff can press.
func (s *Sandbox) cardOf(user, taskID string) (*Staff, *Card, error) {
	u := s.office.find(user)
	if u == nil || u.Resigned || s.apps.byTask[taskID] == nil {
		return nil, nil, ErrNotFound
	}
	for _, card := range slices.Backward(s.apps.cards) {
		if card.TaskID == taskID && card.pressable(u.UserID) && s.apps.byID[card.MsgID].Recalled.IsZero() {
			return u, card, nil
		}
	}
	return nil, nil, errors.New("the card was not shown to them or cannot be pressed any more")
}

// choose completes the answers to a card's questions: one option for each, unless it takes
// many.
func (card *Card) choose(chosen []Choice) ([]Choice, error) {
	var out []Choice
	for _, q := range card.Questions {
		answer := Choice{Question: q.Key, Options: q.Chosen}
		for _, c := range chosen {
			if c.Question == q.Key {
				answer.Options = unique(c.Options)
			}
		}
		if len(answer.Options) > 1 && !q.Many {
			return nil, fmt.Errorf("question %s takes one option", q.Key)
		}
		for _, id := range answer.Options {
			if !q.offers(id) {
				return nil, fmt.Errorf("question %s, option %q: %w", q.Key, id, ErrNotFound)
			}
		}
		out = append(out, answer)
	}
	for _, c := range chosen {
		if !slices.ContainsFunc(card.Questions, func(q Question) bool { return q.Key == c.Question }) {
			return nil, fmt.Errorf("question %q: %w", c.Question, ErrNotFound)
		}
	}
	return out, nil
}

// press notes a press and makes its event.
func (s *Sandbox) press(now time.Time, u *Staff, card *Card, p Press) {
	name := "template_card_event"
	if p.Menu {
		name = "template_card_menu_event"
	}
	p.User, p.At, p.ResponseCode = u.UserID, now, s.issueResponseCode(now, card)
	card.Presses = append(card.Presses, p)
	s.note(now, EntryCard, u.UserID, nil, both("pressed %s of %s", "按了卡片 %[2]s 的 %[1]s", p.Key, card.TaskID))
	x := s.newEventFrom(now, u.UserID, name)
	x.text("EventKey", p.Key)
	x.text("TaskId", card.TaskID)
	x.text("CardType", card.CardType)
	x.text("ResponseCode", p.ResponseCode)
	x.number("AgentID", s.cfg.AgentID)
	if len(p.Choices) > 0 {
		x.choices(p.Choices)
	}
	s.emit(now, x, Callback{Kind: name, Who: u.UserID, AppEvent: true, answerable: true, responseCode: p.ResponseCode})
}

// choices writes what was chosen.
func (x *event) choices(all []Choice) {
	x.b.WriteString("<SelectedItems>\n")
	for _, c := range all {
		x.b.WriteString("<SelectedItem>\n")
		x.text("QuestionKey", c.Question)
		x.b.WriteString("<OptionIds>\n")
		for _, id := range c.Options {
			x.text("OptionId", id)
		}
		x.b.WriteString("</OptionIds>\n</SelectedItem>\n")
	}
	x.b.WriteString("</SelectedItems>\n")
}

// cardChange is how a card is to look: with a button that cannot be pressed any more, or as
// another card.
type cardChange struct {
	button string // the new name
	card   *Card
}

func (ch cardChange) text() string {
	if ch.card == nil {
		return ch.button
	}
	if ch.button == "" {
		return ch.card.Text
	}
	return ch.card.Text + "\n" + ch.button
}

// updateCard changes a card for some of its readers, once for each response code, within 72
// hours.
// See https://developer.work.weixin.qq.com/document/path/94888
func updateCard(c *call) (reply, *failure) {
	in := c.in
	c.agent()
	code := in.need("response_code", codeBadReply)
	users := in.list("userids", maxRecipients)
	departments := in.numbers("partyids")
	in.numbers("tagids")
	all := in.between("atall", 0, 0, 1) == 1
	var change cardChange
	if in.has("button") {
		change.button = in.part("button").need("replace_name", codeNoButtonText)
	} else {
		part := in.part("template_card")
		part.need("card_type", codeEmptyParam)
		change.card, change.button = c.readCard(part, cardUpdated), part.text("replace_text")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	rc := c.s.apps.codes[code]
	if rc == nil || rc.used || c.now.Sub(rc.issued) > responseCodeLife {
		return nil, refuse(codeBadReply, "invalid response_code")
	}
	if change.card == nil && len(rc.card.Buttons) == 0 {
		return nil, refuse(codeNoKey, "the card has no button to be renamed")
	}
	rc.used = true
	invalid, readers := []string{}, []string{}
	for _, id := range users {
		u := c.s.office.find(id)
		if u == nil || !slices.Contains(rc.card.To, u.UserID) {
			invalid = append(invalid, strings.ToLower(id))
			continue
		}
		readers = append(readers, u.UserID)
	}
	for _, id := range rc.card.To {
		u := c.s.office.find(id)
		if all || u != nil && slices.ContainsFunc(departments, u.in) {
			readers = append(readers, id)
		}
	}
	c.s.changeCard(c.now, rc.card, unique(readers), change)
	return reply{"invaliduser": invalid}, nil
}

// changeCard shows readers their card changed. A new card with buttons can be pressed, unless
// its buttons are replaced too.
func (s *Sandbox) changeCard(now time.Time, card *Card, readers []string, change cardChange) {
	card.Updates = append(card.Updates, CardUpdate{At: now, Text: change.text(), Users: readers})
	s.note(now, EntryCard, strings.Join(readers, "|"), nil, both("sees %s changed: %s", "看到卡片 %s 变为：%s", card.TaskID, change.text()))
	if change.card == nil || change.button != "" || len(change.card.Buttons)+len(change.card.Menu) == 0 {
		return
	}
	next := change.card
	next.TaskID, next.MsgID, next.To = orText(next.TaskID, card.TaskID), card.MsgID, readers
	s.apps.cards = append(s.apps.cards, next)
	if s.apps.byTask[next.TaskID] == nil {
		s.apps.byTask[next.TaskID] = next
	}
}

// Cards returns the cards that were shown, oldest first.
func (s *Sandbox) Cards() []Card {
	s.enter()
	defer s.leave()
	return copied(s.apps.cards, deepenCard)
}

func deepenCard(c *Card) { c.Presses, c.Updates = slices.Clone(c.Presses), slices.Clone(c.Updates) }
