package moderation

import (
	"context"
	"fmt"
	"strings"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Undone is a case that was a mistake, and what was taken back with it.
type Undone struct {
	Case       store.Case
	Unblocked  int64  // names that the case had put on the blocklist
	Strikes    int64  // strikes that counted until now
	Invitation string // words to send to the person
}

// Undo takes a case back, whatever became of it: the person is off the blocklist if the case
// put him there, its strikes do not count, and what followed is released. Only once.
func (m *Moderator) Undo(ctx context.Context, id int64, by, note string) (Undone, error) {
	by, note = strings.TrimSpace(by), strings.TrimSpace(note)
	switch {
	case by == "" || len(by) > maxBy:
		return Undone{}, handlers.Invalidf("by", "has %d bytes; want 1 to %d: who decides", len(by), maxBy)
	case len(note) > maxReason:
		return Undone{}, handlers.Invalidf("note", "has %d bytes; want at most %d", len(note), maxReason)
	}
	var u Undone
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.HoldCase(id)
		if err != nil {
			return err
		}
		u, err = m.undo(tx, c, by, note, "")
		return err
	})
	return u, err
}

func (m *Moderator) undo(tx *store.Tx, c store.Case, by, note, task string) (Undone, error) {
	u := Undone{}
	if c.Status == store.CaseDismissed {
		return u, &handlers.Conflict{Detail: fmt.Sprintf("the case was dismissed already, by %s: %s", c.ClosedBy, c.Note)}
	}
	blocked, err := tx.BlockedByCase(c.ID)
	if err != nil {
		return u, err
	}
	for _, b := range blocked {
		if err := m.unblock(tx, b.Person, by); err != nil {
			return u, err
		}
		u.Unblocked++
	}
	if u.Strikes, err = tx.TakeStrikes(c.ID, by); err != nil {
		return u, err
	}
	if note == "" {
		note = "taken back"
	}
	was := c.Status
	if u.Unblocked > 0 {
		if err := m.step(tx, c, store.StepUnblocked, by, fmt.Sprintf("移出黑名单(%d 个编号)", u.Unblocked)); err != nil {
			return u, err
		}
	}
	if err := m.step(tx, c, store.StepUndone, by, fmt.Sprintf("原状态 %s,撤销违规记录 %d 条", was, u.Strikes)); err != nil {
		return u, err
	}
	if err := m.close(tx, c, store.CaseDismissed, note, by, task); err != nil {
		return u, err
	}
	if err := m.learn(tx, c, store.LabelHam, by); err != nil {
		return u, err
	}
	if u.Case, err = tx.Case(c.ID); err != nil {
		return u, err
	}
	at, err := m.place(tx, c)
	u.Invitation = invitation(c, at, was)
	return u, err
}

// pressedUndo takes a case back by a card's button.
func (m *Moderator) pressedUndo(tx *store.Tx, e bot.Event, c store.Case, d bot.CardPressed) error {
	if c.Status == store.CaseDismissed {
		return m.updateCard(tx, e, d, "已撤销过")
	}
	u, err := m.undo(tx, c, string(d.User), "taken back by a press", d.TaskID)
	if err != nil {
		return err
	}
	if err := m.updateCard(tx, e, d, "已撤销"); err != nil {
		return err
	}
	if u.Invitation == "" {
		return nil
	}
	return m.tellNote(tx, c, d.User, "已撤销,可以把下面这段话发给对方:\n"+u.Invitation)
}

// invitation is what may be sent to a person who was wronged.
func invitation(c store.Case, at place, was string) string {
	group := at.name
	if group == "" {
		group = "群聊"
	} else {
		group = "「" + handlers.Plain(group) + "」"
	}
	if was != store.CaseRemoved {
		return ""
	}
	return fmt.Sprintf("%s您好,之前误把您移出了%s,非常抱歉。记录已经撤销,欢迎您回来:我可以重新邀请您进群。", handlers.Plain(nameOf(c)), group)
}
