package moderation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// How long an owner is given, and how often asked.
const (
	caseLife   = 72 * time.Hour // then a case expires; WeCom keeps a card as long
	maxAsks    = 3
	askRetry   = 10 * time.Minute // after a card that could not be sent
	ownerRetry = 5 * time.Second  // while no owner is known; grows with the case's age
	recheck    = time.Minute      // after the owner said "removed" and the list did not agree
	maxQuote   = 200              // bytes of a message shown on a card
	caseBatch  = 50
	keyRemoved = "removed"
	keyDismiss = "dismiss"
)

// noOwner is the note of a case for which nobody can be asked.
const noOwner = "no owner of the group is known yet"

// askAfter is how long the owner has after each card.
var askAfter = [maxAsks]time.Duration{30 * time.Minute, 4 * time.Hour, caseLife}

// AskOwner is the action of showing a case to the group's owner.
type AskOwner struct {
	Case int64      `json:"case"`
	Nth  int        `json:"nth"`
	To   bot.UserID `json:"to"`
	Card bot.Card   `json:"card"`
}

// ActionKind names the action.
func (AskOwner) ActionKind() string { return "card" }

// ActionKey makes each card of a case one.
func (a AskOwner) ActionKey() string { return "card:" + a.Card.TaskID }

// Retry is never: a card that may have been shown is followed by a reminder instead.
func (AskOwner) Retry() bot.RetryRule { return bot.RetryNever }

// open opens a case about a person in a group, or adds to the one that is open: a case that
// was only a warning becomes a removal when worse follows.
func (m *Moderator) open(tx *store.Tx, c store.Case) (store.Case, error) {
	known, err := tx.OpenCase(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if err == nil {
		if known.Action == ActRemove || c.Action != ActRemove {
			return known, nil
		}
		known.Action = ActRemove
		if err := tx.SaveCase(known, known.Status); err != nil {
			return known, err
		}
		return known, m.ask(tx, known)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	c.Status = store.CaseOpen
	c.NextAt = tx.Now.Add(caseLife)
	if st, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member)); err == nil {
		c.MemberName = st.Name
		if st.Nickname != "" {
			c.MemberName = st.Nickname
		}
	}
	if err := tx.AddCase(&c); err != nil {
		return c, err
	}
	if c.Action != ActRemove {
		return c, nil
	}
	return c, m.ask(tx, c)
}

// ask writes a card to the owner into the outbox.
func (m *Moderator) ask(tx *store.Tx, c store.Case) error {
	if !m.Cards || c.Asks >= maxAsks {
		return nil
	}
	chat, err := tx.Chat(bot.ChatID(c.ChatID))
	if errors.Is(err, store.ErrNotFound) || (err == nil && chat.Owner == "") {
		return m.askLater(tx, c)
	}
	if err != nil {
		return err
	}
	known := c.Status
	c.Asks++
	if c.Note == noOwner {
		c.Note = ""
	}
	c.NextAt = tx.Now.Add(askAfter[min(c.Asks, maxAsks)-1])
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	_, err = tx.Enqueue(AskOwner{Case: c.ID, Nth: c.Asks, To: bot.UserID(chat.Owner), Card: m.card(c, chat)}, store.When{Deadline: c.CreatedAt.Add(caseLife)})
	return err
}

// askLater keeps a case for which nobody is known who could be asked: the feed may tell of a
// group before the first read of it. The group is read, and the case looked at again and
// again, ever more rarely.
func (m *Moderator) askLater(tx *store.Tx, c store.Case) error {
	c.Note = noOwner
	c.NextAt = tx.Now.Add(max(ownerRetry, tx.Now.Sub(c.CreatedAt)))
	if err := tx.SaveCase(c, c.Status); err != nil {
		return err
	}
	return lookAgain(tx, c, fmt.Sprintf("case:%d", c.ID))
}

// card shows what was said, why it was flagged, and what to do.
func (m *Moderator) card(c store.Case, chat store.Chat) bot.Card {
	name := c.MemberName
	if name == "" {
		name = c.Member
	}
	card := bot.Card{
		TaskID: caseTask(c, c.Asks),
		Title:  "疑似广告,请群主处理",
		Desc:   chat.Name,
		Quote:  handlers.Clip(c.Text, maxQuote),
		Note:   "请在群里移出该成员,再点「已移出」;误报请点「不是广告」。",
		Fields: []bot.CardField{{Name: "发送人", Value: name}, {Name: "时间", Value: c.CreatedAt.In(m.Zone).Format("01-02 15:04")}},
		Buttons: []bot.CardButton{
			{Text: "已移出", Key: keyRemoved, Primary: true},
			{Text: "不是广告", Key: keyDismiss},
		},
	}
	for _, r := range c.Reasons {
		if r.Weight > 0 && len(card.Fields) < 5 {
			card.Fields = append(card.Fields, bot.CardField{Name: "理由", Value: r.Detail})
		}
	}
	if c.Asks > 1 {
		card.Title = fmt.Sprintf("第%d次提醒:疑似广告还在群里", c.Asks-1)
	}
	return card
}

// CardSender performs AskOwner.
type CardSender struct{ Platform bot.StaffNotifier }

// ActionKind names the action it performs.
func (CardSender) ActionKind() string { return AskOwner{}.ActionKind() }

// Perform sends the card.
func (s CardSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var ask AskOwner
	if err := a.Decode(&ask); err != nil {
		return nil, err
	}
	ref, err := s.Platform.SendCard(ctx, []bot.UserID{ask.To}, ask.Card)
	return ref, err
}

// Record notes that the owner was asked. A card that was cut off may have been shown: the
// case counts as asked, and the reminder follows.
func (CardSender) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var ask AskOwner
	if err := a.Decode(&ask); err != nil {
		return err
	}
	c, err := tx.Case(ask.Case)
	if err != nil || (c.Status != store.CaseOpen && c.Status != store.CaseAsked) {
		return err
	}
	known := c.Status
	switch o.State {
	case store.ActionSent, store.ActionUnknown:
		c.Status = store.CaseAsked
		if c.AskedAt.IsZero() {
			c.AskedAt = tx.Now
		}
		if c.Asks == ask.Nth { // the owner's time begins when the card is there
			c.NextAt = tx.Now.Add(askAfter[min(c.Asks, maxAsks)-1])
		}
	case store.ActionFailed:
		c.Note, c.NextAt = "the owner could not be asked: "+o.Error, tx.Now.Add(askRetry)
	default:
		return nil
	}
	return tx.SaveCase(c, known)
}

// pressed takes the owner's word: "not spam" closes the case; "removed" is believed once
// the group's member list agrees, so the group is read at once.
func (m *Moderator) pressed(tx *store.Tx, e bot.Event, d bot.CardPressed) error {
	if id, ok := ticketOf(d.TaskID); ok {
		return m.ticketPressed(tx, e, d, id)
	}
	if id, ok := askOf(d.TaskID); ok {
		return m.askPressed(tx, e, d, id)
	}
	id, ok := caseOf(d.TaskID)
	if !ok {
		return nil
	}
	c, err := tx.Case(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	note := "已记录"
	if c.Status != store.CaseOpen && c.Status != store.CaseAsked {
		return m.updateCard(tx, e, d, "已处理过")
	}
	switch d.Key {
	case keyDismiss:
		note = "已标记为不是广告"
		err = m.close(tx, c, store.CaseDismissed, "the owner says it is no spam", string(d.User))
	case keyRemoved:
		note = "已收到,正在核对成员名单"
		err = m.claim(tx, e, c, string(d.User))
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return m.updateCard(tx, e, d, note)
}

// claim notes that someone says the person was removed, and has the group read.
func (m *Moderator) claim(tx *store.Tx, e bot.Event, c store.Case, by string) error {
	last, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	gone := errors.Is(err, store.ErrNotFound) || (err == nil && !last.LeftAt.IsZero())
	if err != nil && !gone {
		return err
	}
	if gone && err == nil {
		return m.close(tx, c, store.CaseRemoved, "the member list no longer has the person", by)
	}
	known := c.Status
	c.ClaimedBy, c.NextAt = by, tx.Now.Add(recheck)
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	return lookAgain(tx, c, fmt.Sprintf("claim:%d", e.ID))
}

// lookAgain has a case's group read.
func lookAgain(tx *store.Tx, c store.Case, why string) error {
	id := bot.ChatID(c.ChatID)
	_, err := tx.PutEvents(bot.Event{Key: "due:" + why + ":" + c.ChatID, Kind: bot.KindChatDue, At: tx.Now, Chat: id,
		Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: "case"}})
	return err
}

func (m *Moderator) updateCard(tx *store.Tx, e bot.Event, d bot.CardPressed, note string) error {
	if d.UpdateCode == "" {
		return nil
	}
	_, err := tx.Enqueue(handlers.UpdateCard{Code: d.UpdateCode, To: d.User, Note: note}, store.When{Deadline: tx.Now.Add(caseLife), Cause: e.ID})
	return err
}

// Next returns when the next case is to be looked at.
func (m *Moderator) Next(ctx context.Context) (time.Time, bool, error) {
	return m.Store.Read(ctx).NextCase()
}

// Review looks at the cases whose time has come: a claim that the list does not bear out is
// asked about again, an owner who does not answer is reminded, and in the end a case expires.
func (m *Moderator) Review(ctx context.Context) error {
	due, err := m.Store.Read(ctx).DueCases(m.Now(), caseBatch)
	if err != nil {
		return err
	}
	for _, c := range due {
		err := m.Store.Tx(ctx, func(tx *store.Tx) error {
			now, err := tx.Case(c.ID)
			if err != nil || now.NextAt.IsZero() || now.NextAt.After(tx.Now) {
				return err
			}
			return m.review(tx, now)
		})
		if err != nil {
			return fmt.Errorf("review case %d: %w", c.ID, err)
		}
	}
	return nil
}

func (m *Moderator) review(tx *store.Tx, c store.Case) error {
	if !tx.Now.Before(c.CreatedAt.Add(caseLife)) {
		return m.close(tx, c, store.CaseExpired, "nobody acted in time", "clock")
	}
	last, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	switch {
	case errors.Is(err, store.ErrNotFound) && c.ClaimedBy != "":
		return m.close(tx, c, store.CaseRemoved, "the member list does not have the person", c.ClaimedBy)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case err == nil && !last.LeftAt.IsZero():
		return m.close(tx, c, store.CaseRemoved, "the member list no longer has the person", "member list")
	}
	if c.ClaimedBy != "" {
		c.Note, c.ClaimedBy = c.ClaimedBy+" said removed, but the member list still has the person", ""
	}
	known := c.Status
	c.NextAt = c.CreatedAt.Add(caseLife)
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	if c.Action != ActRemove {
		return nil
	}
	return m.ask(tx, c)
}
func caseTask(c store.Case, nth int) string { return fmt.Sprintf("case-%d-%d", c.ID, nth) }

// caseOf reads a card's task id back.
func caseOf(task string) (int64, bool) {
	rest, ok := strings.CutPrefix(task, "case-")
	if !ok {
		return 0, false
	}
	id, _, _ := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil
}
