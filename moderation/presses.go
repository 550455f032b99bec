package moderation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xiaobu/bot"
	"xiaobu/store"
)

// pressed takes somebody's word: "not spam" closes the case; "removed" is believed once the
// group's member list agrees, so the group is read at once.
func (m *Moderator) pressed(tx *store.Tx, e bot.Event, d bot.CardPressed) error {
	if asked, err := wasShown(tx, d); err != nil || !asked {
		return err
	}
	if id, ok := numberOf(d.TaskID, "ticket"); ok {
		return m.ticketPressed(tx, e, d, id)
	}
	if id, ok := numberOf(d.TaskID, "ask"); ok {
		return m.askPressed(tx, e, d, id)
	}
	id, ok := numberOf(d.TaskID, "case")
	if !ok {
		return nil
	}
	c, err := tx.HoldCase(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	by := string(d.User)
	if d.Key == keyUndo {
		return m.pressedUndo(tx, e, c, d)
	}
	if c.Closed() {
		return m.updateCard(tx, e, d, "已处理过:"+settledNote(c.Status, ""))
	}
	note := ""
	switch d.Key {
	case keyDismiss:
		note = "已标记为不是广告"
		err = m.withLed(tx, c, func(c store.Case) error { return m.refuted(tx, c, by+" says it is no spam", by, d.TaskID) })
	case keyRemoved:
		note = "已收到,正在核对成员名单"
		err = m.withLed(tx, c, func(c store.Case) error { return m.claim(tx, e, c, by, d.TaskID) })
	case keyWarned:
		note = "已记下,谢谢"
		err = m.step(tx, c, store.StepWarned, by, d.TaskID)
	case keyRaise:
		note = "已改为移出"
		err = m.raise(tx, c, by, d.TaskID)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return m.updateCard(tx, e, d, note)
}

// wasShown reports whether the card that somebody pressed was sent to him. Task ids can be
// guessed, and the word of who was not asked is nobody's.
func wasShown(tx *store.Tx, d bot.CardPressed) (bool, error) {
	a, err := tx.ActionByKey("card:" + d.TaskID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same := func(to bot.UserID) bool { return strings.EqualFold(string(to), string(d.User)) } // as WeCom compares them
	var ask AskOwner
	var ticket TellTicket
	var answer AnswerApp
	switch a.Kind {
	case ask.ActionKind():
		err = a.Decode(&ask)
		return same(ask.To), err
	case ticket.ActionKind():
		err = a.Decode(&ticket)
		return slices.ContainsFunc(ticket.To, same), err
	case answer.ActionKind():
		err = a.Decode(&answer)
		return same(answer.To), err
	}
	return false, nil
}

// raise turns a warning into a removal because somebody wants it.
func (m *Moderator) raise(tx *store.Tx, c store.Case, by, detail string) error {
	if c.Action == ActRemove {
		return nil
	}
	c.Action, c.Level = ActRemove, levelOwner
	if err := tx.SaveCase(c, c.Status); err != nil {
		return err
	}
	if err := m.step(tx, c, store.StepRaised, by, detail); err != nil {
		return err
	}
	return m.start(tx, c)
}

// claim notes that someone says the person was removed, and has the group read.
func (m *Moderator) claim(tx *store.Tx, e bot.Event, c store.Case, by, task string) error {
	there, known, err := m.stillThere(tx, c)
	if err != nil {
		return err
	}
	c.Claims++
	if err := m.step(tx, c, store.StepClaimed, by, task); err != nil {
		return err
	}
	if known && !there {
		return m.removed(tx, c, "the member list no longer has the person", by, true)
	}
	c.ClaimedBy, c.NextAt = by, tx.Now.Add(recheck)
	if err := tx.SaveCase(c, c.Status); err != nil {
		return err
	}
	return m.lookAgain(tx, c, fmt.Sprintf("claim:%d", e.ID))
}

// numberOf reads the number out of the task id of a card, which begins with what the card is
// about: case-12-3 is about case 12.
func numberOf(task, about string) (int64, bool) {
	rest, ok := strings.CutPrefix(task, about+"-")
	if !ok {
		return 0, false
	}
	id, _, _ := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil
}
