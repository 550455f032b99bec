package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// How app chats are looked after: nothing calls back when somebody comes in or goes.
const (
	appChatSpan  = 10 * time.Minute // between two reads
	appChatPause = time.Minute      // after a read that failed
	appChatBatch = 20
)

// findAppChat has a chat that is no known customer group looked after, if it is one of the
// app's own. WeCom has no list of them, so whoever names one makes it known.
func (m *Moderator) findAppChat(ctx context.Context, id bot.ChatID) error {
	r := m.Store.Read(ctx)
	if _, err := r.Chat(id); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := r.AppChat(id); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err := m.AddAppChat(ctx, id)
	return err
}

// AddAppChat has a chat of the app looked after, and reads it.
func (m *Moderator) AddAppChat(ctx context.Context, id bot.ChatID) (store.AppChat, error) {
	if id == "" || len(id) > maxMessageID {
		return store.AppChat{}, handlers.Invalidf("chat_id", "has %d bytes; want 1 to %d", len(id), maxMessageID)
	}
	if m.AppChats == nil {
		return store.AppChat{}, handlers.Invalidf("chat_id", "%s is no group that is known, and the platform has no chats of the app", id)
	}
	chat, err := m.AppChats.AppChat(ctx, string(id))
	if class := bot.ClassOf(err); class == bot.ClassGone || class == bot.ClassFix || class == bot.ClassGiveUp {
		return store.AppChat{}, handlers.Invalidf("chat_id", "%s is neither a group that is known nor a chat that this app made: %v", id, err)
	}
	if err != nil {
		return store.AppChat{}, err
	}
	chat.ID = string(id)
	if err := m.Store.Tx(ctx, func(tx *store.Tx) error { return m.readAppChat(tx, chat) }); err != nil {
		return store.AppChat{}, err
	}
	return m.Store.Read(ctx).AppChat(id)
}

func (m *Moderator) nextAppChat(r store.Reader) func() (time.Time, bool, error) {
	if m.AppChats == nil {
		return func() (time.Time, bool, error) { return time.Time{}, false, nil }
	}
	return r.NextAppChat
}

// lookAtAppChats reads the chats of the app whose time has come.
func (m *Moderator) lookAtAppChats(ctx context.Context) error {
	if m.AppChats == nil {
		return nil
	}
	due, err := m.Store.Read(ctx).DueAppChats(m.Now(), appChatBatch)
	if err != nil {
		return err
	}
	for _, known := range due {
		chat, err := m.AppChats.AppChat(ctx, known.ChatID)
		chat.ID = known.ChatID
		if err := m.lookedAt(ctx, chat, err); err != nil {
			return fmt.Errorf("look at app chat %s: %w", known.ChatID, err)
		}
	}
	return nil
}

// lookedAt takes what a read of a chat found, or why it failed.
func (m *Moderator) lookedAt(ctx context.Context, chat bot.AppChat, failed error) error {
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.AppChat(bot.ChatID(chat.ID)); errors.Is(err, store.ErrNotFound) {
			return nil // it is not looked after any more
		}
		if failed == nil {
			return m.readAppChat(tx, chat)
		}
		pause := max(appChatPause, bot.WaitOf(failed))
		if class := bot.ClassOf(failed); class == bot.ClassGone || class == bot.ClassFix {
			pause = appChatSpan
		}
		return tx.LookAtAppChat(bot.ChatID(chat.ID), tx.Now.Add(pause), failed.Error())
	})
}

// readAppChat writes down who is in a chat of the app: cases end there, and begin for those on
// the blocklist.
func (m *Moderator) readAppChat(tx *store.Tx, chat bot.AppChat) error {
	row := store.AppChat{ChatID: chat.ID, Name: chat.Name, Owner: string(chat.Owner), NextAt: tx.Now.Add(appChatSpan)}
	for _, u := range chat.Users {
		row.Members = append(row.Members, string(u))
	}
	if err := tx.PutAppChat(row); err != nil {
		return err
	}
	open, err := tx.OpenCasesIn(bot.ChatID(chat.ID))
	if err != nil {
		return err
	}
	for _, c := range open {
		if c, err = tx.HoldCase(c.ID); err != nil {
			return err
		}
		if row.Has(bot.MemberID(c.Member)) || c.Closed() {
			continue
		}
		by := c.ClaimedBy
		if by == "" {
			by = byList
		}
		begun, err := tx.HasStep(c.ID, store.StepBotRemoves) // else he may have left by himself
		if err != nil {
			return err
		}
		if err := m.removed(tx, c, "the chat's list does not have the person", by, begun || c.ClaimedBy != ""); err != nil {
			return err
		}
		if err := m.tellRemoval(tx, c); err != nil {
			return err
		}
	}
	return m.blockedInside(tx, row)
}

func (m *Moderator) blockedInside(tx *store.Tx, chat store.AppChat) error {
	members := slices.Clone(chat.Members)
	for len(members) > 0 {
		n := min(len(members), appChatNames)
		b, found, err := tx.IsBlocked(members[:n]...)
		if err != nil {
			return err
		}
		if !found {
			members = members[n:]
			continue
		}
		if err := m.findBlockedInside(tx, chat, b); err != nil {
			return err
		}
		members = slices.DeleteFunc(members, func(id string) bool { return id == b.Person })
	}
	return nil
}

// appChatNames is how many people are looked up on the blocklist at once.
const appChatNames = 200

// RemoveMember is the action of removing a person from a chat of the app.
type RemoveMember struct {
	Case   int64        `json:"case"`
	Nth    int          `json:"nth"`
	Chat   bot.ChatID   `json:"chat"`
	Member bot.MemberID `json:"member"`
}

// ActionKind names the action.
func (RemoveMember) ActionKind() string { return "remove_member" }

// ActionKey makes each attempt of a case one.
func (a RemoveMember) ActionKey() string { return fmt.Sprintf("remove_member:%d:%d", a.Case, a.Nth) }

// Retry is unsure: after a call that was cut off the chat is asked who is in it. Removing twice
// would do no harm, but somebody may have put the person back.
func (RemoveMember) Retry() bot.RetryRule { return bot.RetryUnsure }

// removeNow has the bot remove the person of a case.
func (m *Moderator) removeNow(tx *store.Tx, c store.Case) error {
	c.Asks++
	c.NextAt = m.within(c, tx.Now.Add(defaultRemind)) // should nothing come of it
	if err := tx.SaveCase(c, c.Status); err != nil {
		return err
	}
	if err := m.step(tx, c, store.StepBotRemoves, byBot, ""); err != nil {
		return err
	}
	_, err := tx.Enqueue(RemoveMember{Case: c.ID, Nth: c.Asks, Chat: bot.ChatID(c.ChatID), Member: bot.MemberID(c.Member)},
		store.When{Deadline: m.within(c, tx.Now.Add(defaultRemind))})
	return err
}

// MemberRemover performs RemoveMember.
type MemberRemover struct {
	*Moderator
	Platform interface {
		bot.MemberRemover
		bot.AppChatter
	}
}

// ActionKind names the action it performs.
func (MemberRemover) ActionKind() string { return RemoveMember{}.ActionKind() }

// Perform removes the person. What a person would have to mend first, such as a chat that would
// be left with one member, is no reason to wait: people are asked instead.
func (s MemberRemover) Perform(ctx context.Context, a store.Action) (any, error) {
	var r RemoveMember
	if err := a.Decode(&r); err != nil {
		return nil, err
	}
	c, err := s.Store.Read(ctx).Case(r.Case)
	if err != nil {
		return nil, err
	}
	if c.Closed() { // somebody said so after the action was taken up
		return nil, &bot.APIError{Op: "remove member", Class: bot.ClassGiveUp, Msg: "the case is closed: " + c.Status}
	}
	err = s.Platform.RemoveMember(ctx, r.Chat, r.Member)
	var refusal *bot.APIError
	if errors.As(err, &refusal) && refusal.Class == bot.ClassFix {
		given := *refusal
		given.Class = bot.ClassGiveUp
		return nil, &given
	}
	return nil, err
}

// Find looks whether the person is gone.
func (s MemberRemover) Find(ctx context.Context, a store.Action) (any, bool, error) {
	var r RemoveMember
	if err := a.Decode(&r); err != nil {
		return nil, false, err
	}
	chat, err := s.Platform.AppChat(ctx, string(r.Chat))
	if err != nil {
		return nil, false, err
	}
	return nil, !slices.Contains(chat.Users, bot.UserID(r.Member)), nil
}

// Record has the chat read, which alone closes the case; what was refused people are asked for.
func (s MemberRemover) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var r RemoveMember
	if err := a.Decode(&r); err != nil {
		return err
	}
	c, err := tx.HoldCase(r.Case)
	if err != nil || c.Closed() {
		return err
	}
	switch o.State {
	case store.ActionSent:
		c.NextAt = tx.Now.Add(recheck)
		if err := tx.SaveCase(c, c.Status); err != nil {
			return err
		}
		if err := s.step(tx, c, store.StepBotRemoved, byBot, ""); err != nil {
			return err
		}
		return s.lookAgain(tx, c, "")
	case store.ActionFailed, store.ActionExpired:
		if err := s.step(tx, c, store.StepBotFailed, byBot, o.Error); err != nil || c.Level > levelOwner {
			return err // people were asked meanwhile
		}
		return s.ask(tx, c)
	}
	return nil
}

// PostInChat is the action of saying something about a case in a chat of the app.
type PostInChat struct {
	Case int64      `json:"case"`
	What string     `json:"what"`
	Chat bot.ChatID `json:"chat"`
	Text string     `json:"text"`
}

// ActionKind names the action.
func (PostInChat) ActionKind() string { return "case_post" }

// ActionKey makes each post of a case one.
func (a PostInChat) ActionKey() string { return fmt.Sprintf("case_post:%d:%s", a.Case, a.What) }

// Retry is never: nobody can ask what was said in a chat, and twice is worse than not.
func (PostInChat) Retry() bot.RetryRule { return bot.RetryNever }

// ChatPoster performs PostInChat.
type ChatPoster struct{ Platform bot.AppChatter }

// ActionKind names the action it performs.
func (ChatPoster) ActionKind() string { return PostInChat{}.ActionKind() }

// Perform posts the text.
func (s ChatPoster) Perform(ctx context.Context, a store.Action) (any, error) {
	var p PostInChat
	if err := a.Decode(&p); err != nil {
		return nil, err
	}
	return nil, s.Platform.SendAppChat(ctx, string(p.Chat), p.Text)
}

// Record has nothing to add to the action's own state.
func (ChatPoster) Record(*store.Tx, store.Action, store.Outcome) error { return nil }

// post has something said in a case's chat.
func (m *Moderator) post(tx *store.Tx, c store.Case, what, text string) error {
	if err := m.step(tx, c, store.StepWarning, byBot, text); err != nil {
		return err
	}
	_, err := tx.Enqueue(PostInChat{Case: c.ID, What: what, Chat: bot.ChatID(c.ChatID), Text: text}, store.When{Deadline: tx.Now.Add(defaultRemind)})
	return err
}

// tellRemoval says in a chat that the bot removed somebody, and tells those who can take it
// back; what people did themselves they know.
func (m *Moderator) tellRemoval(tx *store.Tx, c store.Case) error {
	if done, err := tx.HasStep(c.ID, store.StepBotRemoved); err != nil || !done {
		return err
	}
	if err := m.post(tx, c, "removed", "【群管理】"+nameOf(c)+" 因违反群规已被移出。本群禁止发布与工作无关的广告和链接。"); err != nil {
		return err
	}
	if c.Rung == RungBlock { // those hear of it already
		return nil
	}
	return m.tellDone(tx, c, "小步已把此人移出群聊")
}

// tellDone shows those who are asked last what was done by itself, with a button that takes it
// back: the manager of the store, else those of moderation.notify.
func (m *Moderator) tellDone(tx *store.Tx, c store.Case, title string) error {
	if !m.Cards {
		return nil
	}
	at, err := m.place(tx, c)
	if err != nil {
		return err
	}
	to, what, err := m.people(tx, levelManager, at)
	if err != nil {
		return err
	}
	if what != store.StepEscalated { // nobody but the owner
		if to, _, err = m.people(tx, levelNotify, at); err != nil {
			return err
		}
	}
	if c, err = tx.Case(c.ID); err != nil {
		return err
	}
	for i, who := range to {
		card, err := m.card(tx.Reader, c, at, store.StepRemoved)
		if err != nil {
			return err
		}
		card.TaskID = fmt.Sprintf("case-%d-done-%d", c.ID, i+1)
		card.Title, card.Note = title, "如果是误判,请点「撤销」:移出黑名单,撤销违规记录。"
		card.Buttons = []bot.CardButton{{Text: "撤销", Key: keyUndo}}
		if _, err := tx.Enqueue(AskOwner{Case: c.ID, To: who, What: store.StepRemoved, Card: card}, store.When{Deadline: tx.Now.Add(caseLife)}); err != nil {
			return err
		}
	}
	return nil
}

// CaseNote is the action of telling a member of staff something about a case.
type CaseNote struct {
	Case int64      `json:"case"`
	To   bot.UserID `json:"to"`
	Text string     `json:"text"`
}

// ActionKind names the action.
func (CaseNote) ActionKind() string { return "case_note" }

// ActionKey makes one note of a case and person.
func (a CaseNote) ActionKey() string { return fmt.Sprintf("case_note:%d:%s", a.Case, a.To) }

// Retry is unsure, as for every text to staff.
func (CaseNote) Retry() bot.RetryRule { return bot.RetryUnsure }

// CaseNoteTeller performs CaseNote.
type CaseNoteTeller struct{ handlers.StaffTeller }

// ActionKind names the action it performs.
func (CaseNoteTeller) ActionKind() string { return CaseNote{}.ActionKind() }

func (m *Moderator) tellNote(tx *store.Tx, c store.Case, to bot.UserID, text string) error {
	_, err := tx.Enqueue(CaseNote{c.ID, to, text}, store.When{Deadline: tx.Now.Add(caseLife)})
	return err
}
