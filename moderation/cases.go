package moderation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// What bounds a case.
const (
	caseLife  = 72 * time.Hour // then a case expires; WeCom keeps a card as long
	recheck   = time.Minute    // after somebody said "removed" and the list did not agree
	maxClaims = 2              // false ones that are answered with another card to whoever made them
	caseBatch = 50
	maxReason = 500 // bytes of what people write down
	maxBy     = 64
)

// Who acts besides people.
const (
	byAPI   = "api"
	byClock = "clock"
	byList  = "member list"
	byBot   = "bot"
)

// open opens a case about a person in a group, or adds to the one that is open: a case that
// was only a warning becomes a removal when worse follows.
func (m *Moderator) open(tx *store.Tx, c store.Case) (store.Case, error) {
	for {
		known, err := tx.OpenCase(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
		if err == nil {
			if known, err = tx.HoldCase(known.ID); err != nil {
				return c, err
			}
			if !known.Closed() {
				return m.add(tx, known, c)
			}
			continue // closed meanwhile
		}
		if !errors.Is(err, store.ErrNotFound) {
			return c, err
		}
		if err := m.describe(tx, &c); err != nil {
			return c, err
		}
		err = tx.AddCase(&c)
		if errors.Is(err, store.ErrStale) {
			continue // somebody else opened one in this moment
		}
		if err != nil {
			return c, err
		}
		if err := m.step(tx, c, store.StepOpened, c.OpenedBy, opening(c)); err != nil {
			return c, err
		}
		return c, m.start(tx, c)
	}
}

// describe fills in what is known of the person when a case is opened.
func (m *Moderator) describe(tx *store.Tx, c *store.Case) error {
	c.Status, c.NextAt = store.CaseOpen, tx.Now.Add(caseLife)
	st, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if c.UnionID == "" {
		c.UnionID = st.UnionID
	}
	if c.MemberName == "" {
		c.MemberName = st.Name
	}
	if st.Nickname != "" {
		c.MemberName = st.Nickname
	}
	return err
}

// opening says why a case was opened.
func opening(c store.Case) string {
	var why []string
	for _, r := range c.Reasons {
		if r.Weight > 0 {
			why = append(why, r.Detail)
		}
	}
	return strings.Join(why, ";")
}

// add takes what follows into an open case. What is worse than what it stands on takes its
// place, with the text that the reasons speak of.
func (m *Moderator) add(tx *store.Tx, known, c store.Case) (store.Case, error) {
	if c.MessageID != "" {
		if err := tx.AddStepAtMost(store.CaseStep{CaseID: known.ID, What: store.StepMessage, Detail: c.MessageID}, maxMessageSteps); err != nil {
			return known, err
		}
	}
	raised := known.Action != ActRemove && c.Action == ActRemove
	if !raised && !worse(c.Rung, known.Rung) {
		return known, nil
	}
	if raised {
		known.Action, known.Level, known.Lead = ActRemove, levelOwner, nil
		known.Verdict, known.Score, known.Reasons, known.Text, known.MessageID = c.Verdict, c.Score, c.Reasons, c.Text, c.MessageID
	}
	if worse(c.Rung, known.Rung) {
		known.Rung = c.Rung
	}
	if err := tx.SaveCase(known, known.Status); err != nil || !raised {
		return known, err
	}
	if err := m.step(tx, known, store.StepRaised, c.OpenedBy, opening(c)); err != nil {
		return known, err
	}
	return known, m.start(tx, known)
}

// maxMessageSteps is how many further messages of a person are told in a case's history; the
// case has them all.
const maxMessageSteps = 20

// start does what a case's action asks for: the person is warned, or removed where a program
// may, or somebody is asked to.
func (m *Moderator) start(tx *store.Tx, c store.Case) error {
	switch {
	case c.Action == ActWarn:
		return m.warn(tx, c)
	case c.Action != ActRemove:
		return nil
	case c.AppChat && m.acts(tx, c):
		return m.removeNow(tx, c)
	}
	return m.ask(tx, c)
}

// acts reports whether the bot may do something by itself in a case's group.
func (m *Moderator) acts(tx *store.Tx, c store.Case) bool {
	p, err := m.policyFor(tx.Reader, bot.ChatID(c.ChatID))
	return err == nil && p.Mode == ModeAct // else people are asked
}

// step writes down what was done about a case.
func (m *Moderator) step(tx *store.Tx, c store.Case, what, who, detail string) error {
	return tx.AddStep(store.CaseStep{CaseID: c.ID, What: what, Who: who, Detail: detail})
}

// close ends a case, and whatever of it still waits or is shown. task is the card that was
// pressed, if one was.
func (m *Moderator) close(tx *store.Tx, c store.Case, status, note, by, task string) error {
	known := c.Status
	c.Status, c.Note, c.ClosedBy, c.ClosedAt, c.NextAt = status, note, by, tx.Now, time.Time{}
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	if err := m.step(tx, c, status, by, note); err != nil {
		return err
	}
	if err := settled(tx, c); err != nil {
		return err
	}
	if err := callOff(tx, c); err != nil {
		return err
	}
	name := ""
	if staff, err := tx.IsStaff(bot.MemberID(by)); err != nil {
		return err
	} else if staff {
		if name, err = handlers.StaffName(tx.Reader, by); err != nil {
			return err
		}
	}
	if err := m.freeLed(tx, c); err != nil {
		return err
	}
	return m.settleCards(tx, c, settledNote(status, name), task)
}

// settledNote is what cards of a case say in the place of their buttons.
func settledNote(status, name string) string {
	word := map[string]string{store.CaseRemoved: "已移出", store.CaseDismissed: "已标记为不是广告", store.CaseExpired: "已过期"}[status]
	if name != "" && status == store.CaseDismissed {
		return "已由 " + name + " 处理:不是广告"
	}
	return word
}

// refuted closes a case of which somebody says that it was no spam, and learns from that.
func (m *Moderator) refuted(tx *store.Tx, c store.Case, note, by, task string) error {
	if err := m.dismissed(tx, c, note, by, task); err != nil {
		return err
	}
	return m.learn(tx, c, store.LabelHam, by)
}

// dismissed closes a case that was no spam: its strikes are taken back.
func (m *Moderator) dismissed(tx *store.Tx, c store.Case, note, by, task string) error {
	if _, err := tx.TakeStrikes(c.ID, by); err != nil {
		return err
	}
	return m.close(tx, c, store.CaseDismissed, note, by, task)
}

// removed closes a case whose person the member list no longer has. Where somebody removed him
// and the ladder has come so far, he goes on the blocklist.
func (m *Moderator) removed(tx *store.Tx, c store.Case, note, by string, confirmed bool) error {
	if err := m.close(tx, c, store.CaseRemoved, note, by, ""); err != nil {
		return err
	}
	if !confirmed {
		return nil
	}
	if c.Rung == RungBlock {
		if err := m.blockFor(tx, c); err != nil {
			return err
		}
	}
	if who := whoRemoved(c, by); who != "" {
		return m.learn(tx, c, store.LabelSpam, who) // last: from then on others who learn wait for us
	}
	return nil
}

// whoRemoved is the person whose word a removal is; empty: nobody's.
func whoRemoved(c store.Case, by string) string {
	if c.ClaimedBy != "" || by == byList || by == byBot || by == byClock {
		return c.ClaimedBy
	}
	return by
}

// Handle follows people and buttons: a join of a blocked person opens a case, a leave closes
// it, a press of a card's button is somebody's word.
func (m *Moderator) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	switch d := e.Data.(type) {
	case bot.MemberJoined:
		return m.joined(tx, e, d)
	case bot.MemberLeft:
		return m.left(tx, e, d)
	case bot.CardPressed:
		return m.pressed(tx, e, d)
	case bot.AppMessage:
		return m.asked(tx, e, d)
	}
	return nil
}

// left closes the case of someone whom the member list no longer has.
func (m *Moderator) left(tx *store.Tx, e bot.Event, d bot.MemberLeft) error {
	c, err := tx.OpenCase(e.Chat, d.Member)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if c, err = tx.HoldCase(c.ID); err != nil || c.Closed() {
		return err
	}
	last, err := tx.LastStint(e.Chat, d.Member)
	if err != nil || last.LeftAt.IsZero() {
		return err // came back meanwhile
	}
	return m.removed(tx, c, leaving(d.How), byList, d.How == bot.LeftRemoved || c.Claims > c.FalseClaims)
}

// leaving says how a person left.
func leaving(how bot.LeaveHow) string {
	switch how {
	case bot.LeftRemoved:
		return "was removed from the group"
	case bot.LeftAlone:
		return "left the group"
	}
	return "is no longer in the group"
}

// Dismiss closes a case: it was no spam. by may be empty.
func (m *Moderator) Dismiss(ctx context.Context, id int64, by, note string) (store.Case, error) {
	if by == "" {
		by = byAPI
	}
	if note == "" {
		note = "dismissed"
	}
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error { return m.refuted(tx, c, note, by, "") })
}

// Remove has the person of a case removed: whoever can is asked now. by may be empty.
func (m *Moderator) Remove(ctx context.Context, id int64, by string) (store.Case, error) {
	if by == "" {
		by = byAPI
	}
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error {
		if c.Action != ActRemove {
			return m.raise(tx, c, by, "")
		}
		if c.Lead != nil {
			c.Lead = nil
			if err := tx.SaveCase(c, c.Status); err != nil {
				return err
			}
		}
		return m.start(tx, c)
	})
}

func (m *Moderator) change(ctx context.Context, id int64, fn func(*store.Tx, store.Case) error) (store.Case, error) {
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.HoldCase(id)
		if err != nil {
			return err
		}
		if c.Closed() {
			return &handlers.Conflict{Detail: "the case is closed: " + c.Status}
		}
		return fn(tx, c)
	})
	if err != nil {
		return store.Case{}, err
	}
	return m.Store.Read(ctx).Case(id)
}

// Opening is a case that somebody opens by hand.
type Opening struct {
	Chat   bot.ChatID
	Member bot.MemberID
	Reason string
	By     string
	Action string // warn or remove; empty: remove
}

// Open opens a case by hand, or adds to the one that is open. A group that is not known is
// asked for among the app's own chats.
func (m *Moderator) Open(ctx context.Context, o Opening, remember handlers.Remember) (store.Case, error) {
	if err := checkOpening(&o); err != nil {
		return store.Case{}, err
	}
	if err := m.findAppChat(ctx, o.Chat); err != nil {
		return store.Case{}, err
	}
	var opened store.Case
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		c := store.Case{ChatID: string(o.Chat), Member: string(o.Member), Verdict: string(spam.Spam), Score: 1, Action: o.Action, OpenedBy: o.By,
			Reasons: []store.Reason{{Check: "by_hand", Detail: o.By + ":" + o.Reason, Weight: 10}}}
		var err error
		if c.AppChat, err = m.checkMember(tx, o); err != nil {
			return err
		}
		if opened, err = m.open(tx, c); err != nil {
			return err
		}
		if opened, err = tx.Case(opened.ID); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(opened.ID))
	})
	return opened, err
}

func checkOpening(o *Opening) error {
	if o.Action == "" {
		o.Action = ActRemove
	}
	switch {
	case o.Chat == "" || len(o.Chat) > maxMessageID:
		return handlers.Invalidf("chat_id", "has %d bytes; want 1 to %d", len(o.Chat), maxMessageID)
	case o.Member == "" || len(o.Member) > maxMessageID:
		return handlers.Invalidf("member", "has %d bytes; want 1 to %d", len(o.Member), maxMessageID)
	case o.Action != ActRemove && o.Action != ActWarn:
		return handlers.Invalidf("action", "is %q; want %s or %s", o.Action, ActRemove, ActWarn)
	case strings.TrimSpace(o.Reason) == "" || len(o.Reason) > maxReason:
		return handlers.Invalidf("reason", "has %d bytes; want 1 to %d: the person who is asked reads it", len(o.Reason), maxReason)
	case strings.TrimSpace(o.By) == "" || len(o.By) > maxBy:
		return handlers.Invalidf("by", "has %d bytes; want 1 to %d: who opens the case", len(o.By), maxBy)
	}
	return nil
}

// checkMember refuses a case about somebody who is not in the group, or who belongs to the
// company and is in a customer group.
func (m *Moderator) checkMember(tx *store.Tx, o Opening) (appChat bool, err error) {
	chat, err := tx.AppChat(o.Chat)
	if err == nil {
		if !chat.Has(o.Member) {
			return true, handlers.Invalidf("member", "is not in the chat %s", o.Chat)
		}
		return true, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	st, err := tx.LastStint(o.Chat, o.Member)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !st.LeftAt.IsZero():
		return false, handlers.Invalidf("member", "is not in the group %s", o.Chat)
	case err == nil && st.Kind == string(bot.Staff):
		return false, handlers.Invalidf("member", "belongs to the company; cases in customer groups are about customers")
	}
	return false, err
}
