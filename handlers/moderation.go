package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// Actions that a verdict asks for.
const (
	ActNone   = "none"
	ActWarn   = "warn"   // a person should look at it
	ActRemove = "remove" // the owner is asked to remove the sender
)

// Limits of a message of the feed.
const (
	maxMessageID = 128
	maxFeedText  = 64 << 10 // bytes that are judged and kept
	maxFuture    = 10 * time.Minute
	repeatWindow = 10 * time.Minute
	repeatCount  = 3 // the same text so often within the window is flooding
)

// FeedMessage is what somebody said in a group, as the feed brings it.
type FeedMessage struct {
	MessageID string
	Chat      bot.ChatID
	Sender    bot.MemberID
	SentAt    time.Time
	Type      string
	Text      string
	URL       string
	Title     string
}

// Answer is the verdict on a message of the feed.
type Answer struct {
	CaseID  int64 // 0: none
	Verdict string
	Score   float64
	Reasons []store.Reason
	Action  string
}

// Moderation judges messages and people, and sees removals through: in a customer group
// only the owner can remove anybody, so it asks the owner and believes the member list.
type Moderation struct {
	Store    *store.Store
	Detector *spam.Detector
	Cards    bool // the platform can send cards to staff
	Now      func() time.Time
	Zone     *time.Location
	Log      *slog.Logger
}

// Name is the handler's name.
func (m *Moderation) Name() string { return "moderation" }

// Check judges a text alone.
func (m *Moderation) Check(text string) spam.Verdict { return m.Detector.Check(text) }

// Judge judges a message of the feed, writes the verdict down and, where it is spam, opens
// a case. A message that is known gets its first answer again.
func (m *Moderation) Judge(ctx context.Context, msg FeedMessage) (Answer, error) {
	if msg.Type == "" {
		msg.Type = "text"
	}
	if msg.SentAt.IsZero() {
		msg.SentAt = m.Now()
	}
	if err := m.checkMessage(msg); err != nil {
		return Answer{}, err
	}
	text := clip(strings.TrimSpace(strings.Join([]string{msg.Text, msg.Title, msg.URL}, "\n")), maxFeedText)
	verdict := m.Detector.Check(text) // outside the transaction: it takes the time of the text
	var a Answer
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		known, err := tx.Message(msg.MessageID)
		if err == nil {
			a = firstAnswer(known)
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		a, err = m.judge(tx, msg, text, verdict)
		return err
	})
	return a, err
}

func firstAnswer(k store.Message) Answer {
	a := Answer{Verdict: k.Verdict, Score: k.Score, Reasons: k.Reasons, Action: k.Action}
	if k.CaseID != nil {
		a.CaseID = *k.CaseID
	}
	return a
}

var feedTypes = []string{"text", "link", "image", "card", "miniprogram", "file"}

func (m *Moderation) checkMessage(msg FeedMessage) error {
	switch {
	case msg.MessageID == "" || len(msg.MessageID) > maxMessageID:
		return Invalidf("message_id", "has %d bytes; want 1 to %d", len(msg.MessageID), maxMessageID)
	case msg.Chat == "" || len(msg.Chat) > maxMessageID:
		return Invalidf("chat_id", "has %d bytes; want 1 to %d", len(msg.Chat), maxMessageID)
	case msg.Sender == "" || len(msg.Sender) > maxMessageID:
		return Invalidf("sender", "has %d bytes; want 1 to %d", len(msg.Sender), maxMessageID)
	case !slices.Contains(feedTypes, msg.Type):
		return Invalidf("type", "is %q; want one of %s", msg.Type, strings.Join(feedTypes, ", "))
	case msg.SentAt.After(m.Now().Add(maxFuture)):
		return Invalidf("sent_at", "lies in the future; check the clock of the sender")
	}
	return nil
}

// judge weighs who and what besides the text, and writes the verdict down.
func (m *Moderation) judge(tx *store.Tx, msg FeedMessage, text string, v spam.Verdict) (Answer, error) {
	a := Answer{Verdict: string(v.Verdict), Score: v.Score, Reasons: reasonsOf(v), Action: ActNone}
	staff, err := isStaff(tx.Reader, msg)
	if err != nil {
		return a, err
	}
	if staff {
		a = Answer{Verdict: string(spam.Ham), Action: ActNone,
			Reasons: []store.Reason{{Check: "staff", Detail: "本企业成员的消息不做判断", Weight: -1}}}
	} else if err := m.weighPerson(tx, msg, text, &a); err != nil {
		return a, err
	}
	switch a.Verdict {
	case string(spam.Spam):
		a.Action = ActRemove
	case string(spam.Suspect):
		a.Action = ActWarn
	}
	row := store.Message{MessageID: msg.MessageID, ChatID: string(msg.Chat), Sender: string(msg.Sender), SentAt: msg.SentAt.UTC(),
		Text: text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons, Action: a.Action}
	if a.Action != ActNone {
		c, err := m.open(tx, store.Case{ChatID: string(msg.Chat), Member: string(msg.Sender), MessageID: msg.MessageID,
			Text: text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons, Action: a.Action})
		if err != nil {
			return a, err
		}
		a.CaseID, row.CaseID = c.ID, &c.ID
	}
	return a, tx.AddMessage(row)
}

func reasonsOf(v spam.Verdict) []store.Reason {
	out := make([]store.Reason, len(v.Reasons))
	for i, r := range v.Reasons {
		out[i] = store.Reason{Check: r.Check, Detail: r.Detail, Weight: r.Weight}
	}
	return out
}

func isStaff(r store.Reader, msg FeedMessage) (bool, error) {
	if known, err := r.IsStaff(msg.Sender); err != nil || known {
		return known, err
	}
	st, err := r.LastStint(msg.Chat, msg.Sender)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return st.Kind == string(bot.Staff), err
}

// weighPerson adds what speaks for or against the sender.
func (m *Moderation) weighPerson(tx *store.Tx, msg FeedMessage, text string, a *Answer) error {
	union := ""
	if st, err := tx.LastStint(msg.Chat, msg.Sender); err == nil {
		union = st.UnionID
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	b, blocked, err := tx.IsBlocked(string(msg.Sender), union)
	if err != nil {
		return err
	}
	if blocked {
		a.Verdict, a.Score = string(spam.Spam), 1
		a.Reasons = append(a.Reasons, store.Reason{Check: "blocklist", Detail: "发送人在黑名单上:" + b.Reason, Weight: 10})
	}
	n, err := tx.SameTextCount(string(msg.Sender), text, msg.SentAt.Add(-repeatWindow))
	if err != nil {
		return err
	}
	if n+1 >= repeatCount && text != "" {
		a.Reasons = append(a.Reasons, store.Reason{Check: "repeat", Detail: fmt.Sprintf("10分钟内第%d次发送相同内容", n+1), Weight: 1})
		if a.Verdict == string(spam.Suspect) {
			a.Verdict, a.Score = string(spam.Spam), max(a.Score, 0.95)
		}
	}
	return nil
}

// open opens a case about a person in a group, or adds to the one that is open: a case that
// was only a warning becomes a removal when worse follows.
func (m *Moderation) open(tx *store.Tx, c store.Case) (store.Case, error) {
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

// Handle follows people and buttons: a join of a blocked person opens a case, a leave closes
// it, a press of a card's button is the owner's word.
func (m *Moderation) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	switch d := e.Data.(type) {
	case bot.MemberJoined:
		return m.joined(tx, e, d)
	case bot.MemberLeft:
		return m.left(tx, e, d)
	case bot.CardPressed:
		return m.pressed(tx, e, d)
	}
	return nil
}

func (m *Moderation) joined(tx *store.Tx, e bot.Event, d bot.MemberJoined) error {
	if d.Kind != bot.Customer {
		return nil
	}
	st, err := tx.Stint(d.StintID)
	if err != nil || !st.LeftAt.IsZero() {
		return err
	}
	b, blocked, err := tx.IsBlocked(string(d.Member), d.UnionID)
	if err != nil || !blocked {
		return err
	}
	_, err = m.open(tx, blockedCase(string(e.Chat), string(d.Member), b))
	return err
}

func blockedCase(chat, member string, b store.Blocked) store.Case {
	return store.Case{ChatID: chat, Member: member, Verdict: string(spam.Spam), Score: 1, Action: ActRemove,
		Reasons: []store.Reason{{Check: "blocklist", Detail: "黑名单上的人进群了:" + b.Reason, Weight: 10}}}
}

// left closes the case of someone whom the member list no longer has.
func (m *Moderation) left(tx *store.Tx, e bot.Event, d bot.MemberLeft) error {
	c, err := tx.OpenCase(e.Chat, d.Member)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if last, err := tx.LastStint(e.Chat, d.Member); err != nil || last.LeftAt.IsZero() {
		return err // came back meanwhile
	}
	how := map[bot.LeaveHow]string{bot.LeftRemoved: "was removed from the group", bot.LeftAlone: "left the group"}[d.How]
	if how == "" {
		how = "is no longer in the group"
	}
	return m.close(tx, c, store.CaseRemoved, how, "member list")
}

func (m *Moderation) close(tx *store.Tx, c store.Case, status, note, by string) error {
	known := c.Status
	c.Status, c.Note, c.ClosedBy, c.ClosedAt, c.NextAt = status, note, by, tx.Now, time.Time{}
	return tx.SaveCase(c, known)
}

// Block puts a person on the blocklist. Whoever is in a group right now gets a case at once.
func (m *Moderation) Block(ctx context.Context, b store.Blocked) error {
	if b.Person == "" || len(b.Person) > maxMessageID {
		return Invalidf("person", "has %d bytes; want a user id or union id", len(b.Person))
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Block(b); err != nil {
			return err
		}
		stays, err := tx.PresentPerson(b.Person)
		if err != nil {
			return err
		}
		for _, st := range stays {
			if st.Kind != string(bot.Customer) {
				continue
			}
			if _, err := m.open(tx, blockedCase(st.ChatID, st.UserID, b)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Dismiss closes a case: it was no spam.
func (m *Moderation) Dismiss(ctx context.Context, id int64) (store.Case, error) {
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error {
		return m.close(tx, c, store.CaseDismissed, "dismissed", "api")
	})
}

// Remove has the person of a case removed: the owner is asked now.
func (m *Moderation) Remove(ctx context.Context, id int64) (store.Case, error) {
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error {
		c.Action = ActRemove
		if err := tx.SaveCase(c, c.Status); err != nil {
			return err
		}
		return m.ask(tx, c)
	})
}

func (m *Moderation) change(ctx context.Context, id int64, fn func(*store.Tx, store.Case) error) (store.Case, error) {
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return err
		}
		if c.Status != store.CaseOpen && c.Status != store.CaseAsked {
			return &Conflict{"the case is closed: " + c.Status}
		}
		return fn(tx, c)
	})
	if err != nil {
		return store.Case{}, err
	}
	return m.Store.Read(ctx).Case(id)
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
