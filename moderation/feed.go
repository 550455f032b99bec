package moderation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
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
	Name      string   // what the sender is called, where the feed knows it
	QR        []string // what QR codes in its picture say
}

// heard is a message as it was understood before the books were asked: what of it is judged,
// what the detector says of that alone, and what its copies have in common.
type heard struct {
	FeedMessage
	text    string
	verdict spam.Verdict
	trace   spam.Trace
}

// Answer is the verdict on a message of the feed.
type Answer struct {
	CaseID  int64 // 0: none
	Verdict string
	Score   float64
	Reasons []store.Reason
	Action  string
}

// Judge judges a message of the feed, writes the verdict down and, where it is spam, opens
// a case. A message that is known gets its first answer again.
func (m *Moderator) Judge(ctx context.Context, msg FeedMessage) (Answer, error) {
	if msg.Type == "" {
		msg.Type = "text"
	}
	if msg.SentAt.IsZero() {
		msg.SentAt = m.Now()
	}
	if err := m.checkMessage(msg); err != nil {
		return Answer{}, err
	}
	said := m.hear(msg) // outside the transaction: it takes the time of the text
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
		a, err = m.judge(tx, said)
		return err
	})
	return a, err
}

func (m *Moderator) hear(msg FeedMessage) heard {
	text := handlers.Clip(strings.TrimSpace(strings.Join([]string{msg.Text, msg.Title, msg.URL}, "\n")), maxFeedText)
	return heard{FeedMessage: msg, text: text, verdict: m.Detector.Check(text), trace: m.Detector.Trace(text)}
}

func firstAnswer(k store.Message) Answer {
	a := Answer{Verdict: k.Verdict, Score: k.Score, Reasons: k.Reasons, Action: k.Action}
	if k.CaseID != nil {
		a.CaseID = *k.CaseID
	}
	return a
}

var feedTypes = []string{"text", "link", "image", "card", "miniprogram", "file"}

func (m *Moderator) checkMessage(msg FeedMessage) error {
	switch {
	case msg.MessageID == "" || len(msg.MessageID) > maxMessageID:
		return handlers.Invalidf("message_id", "has %d bytes; want 1 to %d", len(msg.MessageID), maxMessageID)
	case msg.Chat == "" || len(msg.Chat) > maxMessageID:
		return handlers.Invalidf("chat_id", "has %d bytes; want 1 to %d", len(msg.Chat), maxMessageID)
	case msg.Sender == "" || len(msg.Sender) > maxMessageID:
		return handlers.Invalidf("sender", "has %d bytes; want 1 to %d", len(msg.Sender), maxMessageID)
	case !slices.Contains(feedTypes, msg.Type):
		return handlers.Invalidf("type", "is %q; want one of %s", msg.Type, strings.Join(feedTypes, ", "))
	case msg.SentAt.After(m.Now().Add(maxFuture)):
		return handlers.Invalidf("sent_at", "lies in the future; check the clock of the sender")
	}
	return nil
}

// judge weighs who and what besides the text, and writes the verdict down.
func (m *Moderator) judge(tx *store.Tx, msg heard) (Answer, error) {
	known, err := loadFacts(tx.Reader, []heard{msg})
	if err != nil {
		return Answer{}, err
	}
	f := known[0]
	a := Answer{Verdict: string(spam.Ham), Action: ActNone,
		Reasons: []store.Reason{{Check: "staff", Detail: "本企业成员的消息不做判断", Weight: -1}}}
	if !f.staff {
		a = m.verdict(msg.verdict, weigh(msg, f))
	}
	switch a.Verdict {
	case string(spam.Spam):
		a.Action = ActRemove
	case string(spam.Suspect):
		a.Action = ActWarn
	}
	row := store.Message{MessageID: msg.MessageID, ChatID: string(msg.Chat), Sender: string(msg.Sender), SentAt: msg.SentAt.UTC(),
		Text: msg.text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons, Action: a.Action,
		Kind: msg.Type, SenderName: msg.Name, TextScore: msg.verdict.Score, Would: a.Action}
	if !f.staff { // what staff post is meant to be passed on
		row.Fingerprint = int64(msg.trace.Text)
		for _, t := range msg.trace.Tokens {
			row.Tokens = append(row.Tokens, int64(t))
		}
	}
	if a.Action != ActNone {
		c, err := m.open(tx, store.Case{ChatID: string(msg.Chat), Member: string(msg.Sender), MessageID: msg.MessageID,
			Text: msg.text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons, Action: a.Action})
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
		out[i] = store.Reason{Check: r.Check, Detail: r.Detail, Weight: r.Weight, Spans: spansOf(r.Spans)}
	}
	return out
}

func spansOf(spans []spam.Span) []store.Span {
	out := make([]store.Span, len(spans))
	for i, s := range spans {
		out[i] = store.Span(s)
	}
	return out
}
