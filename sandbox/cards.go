package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	maxCardButtons   = 6
	maxCardRows      = 6
	maxMenu          = 3
	taskIDBytes      = 128
	buttonKeyBytes   = 1024
	responseCodeLife = 72 * time.Hour

	codeBadTaskID  = 42014
	codeBadKey     = 42018
	codeNoCallback = 43012
	codeBadReply   = 60140
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
	To       []string // userids
	Presses  []Press
	Updates  []CardUpdate
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

// readCard reads and checks a template card. Of the interactive kinds only
// button_interaction is simulated.
func (c *call) readCard() *Card {
	in := c.in.part("template_card")
	card := &Card{CardType: in.text("card_type"), TaskID: in.text("task_id"), At: c.now}
	switch card.CardType {
	case "button_interaction":
		if c.s.callbackURL == "" {
			in.bad(codeNoCallback, "no callback url is set for this app")
		}
		in.need("task_id", codeBadTaskID)
		card.readButtons(in)
	case "text_notice", "news_notice":
	default:
		in.bad(codeBadParam, "invalid Request Parameter: %scard_type %q is not simulated", in.where, card.CardType)
	}
	if !goodTaskID(card.TaskID) {
		in.bad(codeBadTaskID, "invalid task_id: want at most %d of letters, digits, _ - @", taskIDBytes)
	}
	if card.TaskID != "" && c.s.apps.byTask[card.TaskID] != nil {
		in.bad(codeBadTaskID, "task_id was used before")
	}
	card.readText(in)
	readCardLinks(in)
	return card
}

func goodTaskID(id string) bool { return len(id) <= taskIDBytes && madeOf(id, alphabetID+"_-@") }

// madeOf reports whether v has no character outside of an alphabet.
func madeOf(v, alphabet string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
}

// readButtons reads the buttons; those that lead to an address do not call back.
func (card *Card) readButtons(in args) {
	buttons := in.parts("button_list")
	if len(buttons) < 1 || len(buttons) > maxCardButtons {
		in.bad(codeBadParam, "invalid Request Parameter: %sbutton_list must have 1 to %d entries", in.where, maxCardButtons)
	}
	keys := map[string]bool{}
	for _, b := range buttons {
		text := b.need("text", codeEmptyParam)
		b.between("style", 1, 1, 4)
		if b.between("type", 0, 0, 1) == 1 {
			b.link("url", urlBytes, codeNoURL)
			continue
		}
		key := b.need("key", codeBadKey)
		if len(key) > buttonKeyBytes || keys[key] {
			b.bad(codeBadKey, "invalid %skey: too long or used by another button", b.where)
		}
		keys[key] = true
		card.Buttons = append(card.Buttons, Button{Text: text, Key: key})
	}
}

// readText reads what there is to read.
func (card *Card) readText(in args) {
	title := in.part("main_title")
	card.Title = title.text("title")
	quote := in.part("quote_area")
	quote.between("type", 0, 0, 2)
	source := in.part("source")
	source.between("desc_color", 0, 0, 3)
	lines := []string{
		source.text("desc"), card.Title, title.text("desc"), in.text("sub_title_text"),
		quote.text("title"), quote.text("quote_text"),
	}
	if card.Title == "" && in.text("sub_title_text") == "" {
		in.bad(codeNoTitle, "missing %smain_title.title", in.where)
	}
	rows := in.parts("horizontal_content_list")
	if len(rows) > maxCardRows {
		in.bad(codeBadParam, "invalid Request Parameter: %shorizontal_content_list has more than %d entries", in.where, maxCardRows)
	}
	for _, row := range rows {
		row.between("type", 0, 0, 3)
		f := Fact{Name: row.need("keyname", codeEmptyParam), Value: row.text("value")}
		card.Facts = append(card.Facts, f)
		lines = append(lines, f.Name+": "+f.Value)
	}
	card.Text = strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

// readCardLinks checks the menu and what a press on the card itself opens.
func readCardLinks(in args) {
	if in.has("card_action") {
		action := in.part("card_action")
		switch action.between("type", 0, 0, 2) {
		case 1:
			action.link("url", urlBytes, codeNoURL)
		case 2:
			action.need("appid", codeEmptyParam)
		}
	}
	if in.has("action_menu") {
		items := in.part("action_menu").parts("action_list")
		if len(items) < 1 || len(items) > maxMenu {
			in.bad(codeBadParam, "invalid Request Parameter: %saction_menu.action_list must have 1 to %d entries", in.where, maxMenu)
		}
		for _, item := range items {
			item.need("text", codeEmptyParam)
			item.need("key", codeBadKey)
		}
		if in.text("task_id") == "" {
			in.bad(codeBadTaskID, "missing %stask_id", in.where)
		}
	}
}

// showCard keeps a card that was sent and returns the code that changes it once.
func (s *Sandbox) showCard(now time.Time, card *Card, m *AppMessage) string {
	card.MsgID, card.To = m.MsgID, slices.Clone(m.To)
	s.apps.cards = append(s.apps.cards, card)
	if card.TaskID != "" {
		s.apps.byTask[card.TaskID] = card
	}
	for _, user := range card.To {
		s.note(now, EntryCard, user, nil, "sees the card "+card.TaskID+": "+card.Title)
	}
	s.tellWatchers(func(w watcher) { w.cardShown(now, card) })
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

// PressCard lets a member of staff press a button of a card, by its key, and makes the event
// template_card_event. Once the bot has changed the card nobody who sees the change can
// press it any more.
func (s *Sandbox) PressCard(user, taskID, key string) error {
	now := s.enter()
	defer s.leave()
	u, card := s.office.find(user), s.apps.byTask[taskID]
	switch {
	case u == nil || u.Resigned || card == nil:
		return fmt.Errorf("press card %s by %s: %w", taskID, user, ErrNotFound)
	case !card.pressable(u.UserID):
		return fmt.Errorf("press card %s by %s: the card was not shown to them or cannot be pressed any more", taskID, user)
	case !slices.ContainsFunc(card.Buttons, func(b Button) bool { return b.Key == key }):
		return fmt.Errorf("press card %s: button %q: %w", taskID, key, ErrNotFound)
	}
	code := s.issueResponseCode(now, card)
	card.Presses = append(card.Presses, Press{User: u.UserID, Key: key, At: now, ResponseCode: code})
	s.note(now, EntryCard, u.UserID, nil, fmt.Sprintf("pressed %s of %s", key, taskID))
	x := s.newEventFrom(now, u.UserID, "template_card_event")
	x.text("EventKey", key)
	x.text("TaskId", taskID)
	x.text("CardType", card.CardType)
	x.text("ResponseCode", code)
	x.number("AgentID", s.cfg.AgentID)
	s.emit(now, x, Callback{Kind: "template_card_event", Who: u.UserID, AppEvent: true})
	return nil
}

// updateCard changes a card for some of its readers, once for each response code, within 72
// hours.
// See https://developer.work.weixin.qq.com/document/path/94888
func updateCard(c *call) (reply, *failure) {
	in := c.in
	c.agent()
	code := in.need("response_code", codeBadReply)
	users := in.list("userids", maxRecipients)
	in.numbers("partyids")
	in.numbers("tagids")
	all := in.between("atall", 0, 0, 1) == 1
	text := ""
	if in.has("button") {
		text = in.part("button").need("replace_name", codeEmptyParam)
	} else {
		changed := &Card{}
		part := in.part("template_card")
		part.need("card_type", codeEmptyParam)
		changed.readText(part)
		text = changed.Text
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	rc := c.s.apps.codes[code]
	if rc == nil || rc.used || c.now.Sub(rc.issued) > responseCodeLife {
		return nil, refuse(codeBadReply, "invalid response_code")
	}
	rc.used = true
	update := CardUpdate{At: c.now, Text: text}
	invalid := []string{}
	if all {
		update.Users = slices.Clone(rc.card.To)
	}
	for _, id := range users {
		u := c.s.office.find(id)
		if u == nil || !slices.Contains(rc.card.To, u.UserID) {
			invalid = append(invalid, strings.ToLower(id))
			continue
		}
		update.Users = append(update.Users, u.UserID)
	}
	rc.card.Updates = append(rc.card.Updates, update)
	c.s.note(c.now, EntryCard, strings.Join(update.Users, "|"), nil, "sees "+rc.card.TaskID+" changed: "+text)
	return reply{"invaliduser": invalid}, nil
}

// Cards returns the cards that were shown, oldest first.
func (s *Sandbox) Cards() []Card {
	s.enter()
	defer s.leave()
	return copied(s.apps.cards, func(c *Card) {
		c.Presses, c.Updates = slices.Clone(c.Presses), slices.Clone(c.Updates)
	})
}

// watcher is told, under the lock, what the bot does that people react to. It may only plan.
type watcher interface {
	taskMade(now time.Time, t *massTask)
	taskReminded(now time.Time, t *massTask)
	cardShown(now time.Time, card *Card)
}

func (s *Sandbox) tellWatchers(tell func(watcher)) {
	for _, w := range s.watchers {
		tell(w)
	}
}
