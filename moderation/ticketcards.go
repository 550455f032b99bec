package moderation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Buttons of a ticket's card.
const (
	keyTake = "take"
	keyDone = "done"
	keySpam = "spam"
)

// TellTicket is the action of showing a ticket to those who are to answer the customer.
type TellTicket struct {
	Ticket int64        `json:"ticket"`
	Level  int          `json:"level"`
	To     []bot.UserID `json:"to"`
	Card   bot.Card     `json:"card"`
}

// ActionKind names the action.
func (TellTicket) ActionKind() string { return "ticket_card" }

// ActionKey makes each card of a ticket one.
func (t TellTicket) ActionKey() string { return "card:" + t.Card.TaskID }

// Retry is never: a card that may have been shown is followed by the next instead.
func (TellTicket) Retry() bot.RetryRule { return bot.RetryNever }

// ticketNames are the kinds in the words of those who answer.
var ticketNames = map[string]string{store.TicketComplaint: "投诉", store.TicketRefund: "退款", store.TicketDissent: "不同意见"}

// ticketCard says who wants what and until when. It asks for an answer, never for a removal.
func (m *Moderator) ticketCard(tx *store.Tx, t store.Ticket, level int) (bot.Card, error) {
	chat, err := tx.Chat(bot.ChatID(t.ChatID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return bot.Card{}, err
	}
	kind := ticketNames[t.Kind]
	card := bot.Card{
		TaskID: fmt.Sprintf("ticket-%d-%d", t.ID, level),
		Title:  "顾客" + kind + ",请回复顾客",
		Desc:   cmp.Or(chat.Name, t.ChatID),
		Quote:  handlers.Clip(t.Text, maxQuote),
		Note:   "请回复顾客,不要移出。处理好后点「已解决」;其实是广告,点「这是广告」。",
		Fields: []bot.CardField{{Name: "顾客", Value: cmp.Or(t.MemberName, t.Member)}, {Name: "类型", Value: kind},
			{Name: "期限", Value: t.DueAt.In(m.Zone).Format("01-02 15:04") + " 前"}},
		Buttons: []bot.CardButton{{Text: "我来处理", Key: keyTake, Primary: true}, {Text: "已解决", Key: keyDone}, {Text: "这是广告", Key: keySpam}},
	}
	if t.Said > 1 {
		card.Fields = append(card.Fields, bot.CardField{Name: "消息", Value: strconv.Itoa(t.Said) + " 条"})
	}
	if t.Status == store.TicketTaken {
		card.Fields = append(card.Fields, bot.CardField{Name: "处理人", Value: t.Who})
		card.Buttons = card.Buttons[1:]
		card.Buttons[0].Primary = true
	}
	if !t.DueAt.After(tx.Now) {
		card.Title = "已超时:" + card.Title
	}
	return card, nil
}

// TicketTeller performs TellTicket.
type TicketTeller struct{ Platform bot.StaffNotifier }

// ActionKind names the action it performs.
func (TicketTeller) ActionKind() string { return TellTicket{}.ActionKind() }

// Perform sends the card.
func (s TicketTeller) Perform(ctx context.Context, a store.Action) (any, error) {
	var t TellTicket
	if err := a.Decode(&t); err != nil {
		return nil, err
	}
	return s.Platform.SendCard(ctx, t.To, t.Card)
}

// Record has the next people told soon where a card could not be sent.
func (TicketTeller) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var told TellTicket
	if err := a.Decode(&told); err != nil || o.State != store.ActionFailed {
		return err
	}
	t, err := tx.Ticket(told.Ticket)
	if err != nil || t.Status == store.TicketClosed {
		return err
	}
	if err := tx.AddTicketStep(store.TicketStep{TicketID: t.ID, What: "failed", Who: joinUsers(told.To), Note: o.Error}); err != nil || t.Asks != told.Level+1 {
		return err
	}
	if t.Asks < levelEnd {
		t.NextAt = tx.Now.Add(ticketRetry)
	}
	return tx.SaveTicket(t, t.Status)
}

// ticketPressed takes a press on a ticket's card.
func (m *Moderator) ticketPressed(tx *store.Tx, e bot.Event, d bot.CardPressed, id int64) error {
	t, err := tx.Ticket(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	do := map[string]struct {
		step func(*store.Tx, store.Ticket, string, string) error
		note string
	}{keyTake: {m.take, "已由您处理"}, keyDone: {m.finish, "已解决"}, keySpam: {m.notTicket, "已转为疑似广告"}}[d.Key]
	if do.step == nil {
		return nil
	}
	if t.Status == store.TicketClosed {
		return m.updateCard(tx, e, d, "已处理过")
	}
	if err := do.step(tx, t, string(d.User), ""); err != nil {
		return err
	}
	return m.updateCard(tx, e, d, do.note)
}

func (m *Moderator) sendTaken(tx *store.Tx, t store.Ticket, by bot.UserID) error {
	card, err := m.ticketCard(tx, t, t.Asks)
	if err != nil {
		return err
	}
	card.TaskID = fmt.Sprintf("ticket-%d-taken-%d", t.ID, tx.Now.UnixMilli())
	card.Title = "您已接手:" + card.Title
	_, err = tx.Enqueue(TellTicket{Ticket: t.ID, Level: levelEnd, To: []bot.UserID{by}, Card: card}, store.When{})
	return err
}
