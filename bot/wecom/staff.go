package wecom

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xiaobu/bot"
)

// Limits of messages to staff.
const (
	maxRecipients = 1000
	maxAppText    = 2048 // bytes
	maxTaskID     = 128  // bytes
	maxButtonKey  = 1024 // bytes
	maxButtons    = 6
	maxFields     = 6
)

// Lengths of a card's parts in characters, as WeCom advises: more is not shown.
const (
	cardTitle      = 36
	cardDesc       = 44
	cardQuote      = 300
	cardNote       = 160
	cardFieldName  = 10
	cardFieldValue = 30
	cardButton     = 10
)

// duplicateSpan is for how many seconds WeCom drops the same message to the same people.
const duplicateSpan = 1800

// messageWire is a message to staff as WeCom writes it.
type messageWire struct {
	ToUser            string    `json:"touser"`
	MsgType           string    `json:"msgtype"`
	AgentID           int64     `json:"agentid"`
	Text              *textWire `json:"text,omitempty"`
	Card              *cardWire `json:"template_card,omitempty"`
	DuplicateCheck    int       `json:"enable_duplicate_check"`
	DuplicateInterval int       `json:"duplicate_check_interval"`
}

// cardWire is a card with buttons as WeCom writes it. Parts that are not set are left out.
type cardWire struct {
	CardType string       `json:"card_type"`
	Title    cardTitled   `json:"main_title"`
	Quote    *cardQuoted  `json:"quote_area,omitempty"`
	Note     string       `json:"sub_title_text,omitempty"`
	Fields   []cardField  `json:"horizontal_content_list,omitempty"`
	Action   *cardAction  `json:"card_action,omitempty"`
	TaskID   string       `json:"task_id"`
	Buttons  []cardPushed `json:"button_list"`
}

type cardTitled struct {
	Title string `json:"title"`
	Desc  string `json:"desc,omitempty"`
}

type cardQuoted struct {
	Type int    `json:"type"`
	Text string `json:"quote_text"`
}

type cardField struct {
	Name  string `json:"keyname"`
	Value string `json:"value"`
}

type cardAction struct {
	Type int    `json:"type"`
	URL  string `json:"url"`
}

type cardPushed struct {
	Text  string `json:"text"`
	Style int    `json:"style"`
	Key   string `json:"key"`
}

// Styles of a button: the first one stands out.
const (
	stylePrimary = 1
	stylePlain   = 2
)

// SendCard sends a card with buttons to members of staff. Texts that are too long are cut.
// The same card is shown once within half an hour, however often it is sent; later WeCom
// takes its TaskID for used, which is an error of class done.
// https://developer.work.weixin.qq.com/document/path/90236
func (c *Client) SendCard(ctx context.Context, to []bot.UserID, card bot.Card) (bot.CardRef, error) {
	if len(card.Buttons) == 0 || len(card.Buttons) > maxButtons {
		return bot.CardRef{}, refused(opSend, fmt.Sprintf("%d buttons, wants 1 to %d", len(card.Buttons), maxButtons))
	}
	if !isTaskID(card.TaskID) {
		return bot.CardRef{}, refused(opSend, "task id is not made of letters, digits and _-@")
	}
	wire, err := cardOf(card)
	if err != nil {
		return bot.CardRef{}, err
	}
	ref, err := c.send(ctx, to, messageWire{MsgType: "template_card", Card: wire})
	var refusal *bot.APIError
	if errors.As(err, &refusal) && refusal.Code == codeCardID {
		refusal.Class = bot.ClassDone // its form was checked, so it was used before
	}
	return ref, err
}

// isTaskID reports whether WeCom takes an id for a card.
func isTaskID(id string) bool {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-@", r)
	}
	return id != "" && len(id) <= maxTaskID && strings.IndexFunc(id, func(r rune) bool { return !allowed(r) }) < 0
}

func cardOf(card bot.Card) (*cardWire, error) {
	w := &cardWire{
		CardType: "button_interaction",
		Title:    cardTitled{Title: cutRunes(card.Title, cardTitle), Desc: cutRunes(card.Desc, cardDesc)},
		Note:     cutRunes(card.Note, cardNote),
		TaskID:   card.TaskID,
	}
	if card.Quote != "" {
		w.Quote = &cardQuoted{Text: cutRunes(card.Quote, cardQuote)}
	}
	if card.URL != "" {
		w.Action = &cardAction{Type: 1, URL: card.URL}
	}
	for _, f := range card.Fields[:min(len(card.Fields), maxFields)] {
		w.Fields = append(w.Fields, cardField{cutRunes(f.Name, cardFieldName), cutRunes(f.Value, cardFieldValue)})
	}
	for _, b := range card.Buttons {
		if b.Key == "" || len(b.Key) > maxButtonKey {
			return nil, refused(opSend, fmt.Sprintf("button key of %d bytes, wants 1 to %d", len(b.Key), maxButtonKey))
		}
		style := stylePlain
		if b.Primary {
			style = stylePrimary
		}
		w.Buttons = append(w.Buttons, cardPushed{cutRunes(b.Text, cardButton), style, b.Key})
	}
	return w, nil
}

// SendText sends a text to members of staff; what is beyond 2,048 bytes is cut.
// https://developer.work.weixin.qq.com/document/path/90236
func (c *Client) SendText(ctx context.Context, to []bot.UserID, text string) error {
	_, err := c.send(ctx, to, messageWire{MsgType: "text", Text: &textWire{cutBytes(text, maxAppText)}})
	return err
}

// send sends a message within what each recipient may get. It fails if it reached nobody.
func (c *Client) send(ctx context.Context, to []bot.UserID, m messageWire) (bot.CardRef, error) {
	if len(to) == 0 || len(to) > maxRecipients {
		return bot.CardRef{}, refused(opSend, fmt.Sprintf("%d recipients, wants 1 to %d", len(to), maxRecipients))
	}
	if err := c.limits.takeMembers(opSend, to); err != nil {
		return bot.CardRef{}, err
	}
	m.ToUser, m.AgentID = joined(to), int64(c.agent)
	m.DuplicateCheck, m.DuplicateInterval = 1, duplicateSpan
	var answer struct {
		Invalid    string `json:"invaliduser"`
		Unlicensed string `json:"unlicenseduser"`
		MsgID      string `json:"msgid"`
		Code       string `json:"response_code"`
	}
	if err := c.post(ctx, opSend, m, &answer); err != nil {
		return bot.CardRef{}, err
	}
	if lost := unreached(to, answer.Invalid, answer.Unlicensed); lost == len(to) {
		return bot.CardRef{}, refusal(opSend, codeAllInvalid, "no recipient could be reached")
	} else if lost > 0 {
		c.log.Warn("message does not reach every recipient", "recipients", len(to), "unreached", lost)
	}
	return bot.CardRef{MsgID: answer.MsgID, UpdateCode: answer.Code}, nil
}

func joined(users []bot.UserID) string {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = string(u)
	}
	return strings.Join(ids, "|")
}

// unreached counts the recipients that WeCom lists as not reached. It lists them in lower
// case, whatever their ids are.
func unreached(to []bot.UserID, lists ...string) (n int) {
	listed := map[string]bool{}
	for _, list := range lists {
		for _, id := range strings.Split(list, "|") {
			listed[strings.ToLower(id)] = true
		}
	}
	for _, user := range to {
		if listed[strings.ToLower(string(user))] {
			n++
		}
	}
	return n
}

// UpdateCard replaces a card's buttons with a note, for the given people or, without any,
// for everyone who got the card.
// https://developer.work.weixin.qq.com/document/path/94888
func (c *Client) UpdateCard(ctx context.Context, updateCode string, to []bot.UserID, note string) error {
	type button struct {
		Name string `json:"replace_name"`
	}
	request := struct {
		Users   []bot.UserID `json:"userids,omitempty"`
		All     int          `json:"atall,omitempty"`
		AgentID int64        `json:"agentid"`
		Code    string       `json:"response_code"`
		Button  button       `json:"button"`
	}{to, 0, int64(c.agent), updateCode, button{note}}
	if len(to) == 0 {
		request.All = 1
	}
	return c.post(ctx, opUpdateCard, request, &struct{}{})
}
