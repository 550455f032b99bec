package moderation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// Limits of a message of the feed.
const (
	maxMessageID = 128
	maxFeedText  = 64 << 10 // bytes that are judged and kept
	maxName      = 256      // bytes of a name
	maxCodes     = 8        // QR codes in a picture
	maxFuture    = 10 * time.Minute
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
	Revokes   string   // of a message of type revoke: the id of the message that it takes back
}

// heard is a message as it was understood before the books were asked: what of it is judged,
// what the detector says of that alone, and what its copies have in common.
type heard struct {
	FeedMessage
	text    string
	verdict spam.Verdict
	trace   spam.Trace
	codes   []string // what QR codes say that are not the company's own
	ticket  string   // the kind of ticket, where it is for people to answer
}

// Answer is the verdict on a message of the feed.
type Answer struct {
	CaseID  int64 // 0: none
	Verdict string
	Score   float64
	Reasons []store.Reason
	Action  string
	Would   string // the action that it would have been, had the group's mode let it

	TextScore float64 // of the text alone; 0 where nothing was judged
	About     float64 // the sum of what weighs about the sender
}

// harmless is the answer to what is not judged, and why.
func harmless(check, detail string) Answer {
	return Answer{Verdict: string(spam.Ham), Action: ActNone, Would: ActNone, Reasons: []store.Reason{{Check: check, Detail: detail, Weight: -1}}}
}

// hear understands a message: what can be said before its batch is judged.
func (m *Moderator) hear(ctx context.Context, msg FeedMessage) (heard, error) {
	if msg.Type == "" {
		msg.Type = "text"
	}
	if msg.SentAt.IsZero() {
		msg.SentAt = m.Now()
	}
	if err := m.checkMessage(msg); err != nil || msg.Type == typeRevoke {
		return heard{FeedMessage: msg}, err
	}
	codes, err := m.foreign(ctx, msg)
	if err != nil {
		return heard{}, fmt.Errorf("look for own codes: %w", err)
	}
	msg.Name = handlers.Clip(plain(msg.Name), maxName)
	said := lines(msg.Text, msg.Title, msg.URL)
	judged := lines(append([]string{said}, codes...)...)
	verdict, ticket := m.heed(judged, m.Detector.CheckWith(said, codes...))
	return heard{FeedMessage: msg, text: spoken(msg), verdict: verdict, trace: m.Detector.Trace(judged), codes: codes, ticket: ticket}, nil
}

// spoken is what of a message is kept and shown.
func spoken(msg FeedMessage) string {
	said := lines(msg.Text, msg.Title, msg.URL)
	for _, c := range msg.QR {
		said = lines(said, "二维码:"+plain(c))
	}
	return said
}

// lines joins what is not empty, a line each, as far as it is judged and kept.
func lines(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p = strings.TrimSpace(plain(p)); p != "" {
			some = append(some, p)
		}
	}
	return handlers.Clip(strings.Join(some, "\n"), maxFeedText)
}

// plain takes out of a text what no database keeps: NUL and what is not UTF-8.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func firstAnswer(k store.Message) Answer {
	a := Answer{Verdict: k.Verdict, Score: k.Score, Reasons: k.Reasons, Action: k.Action, Would: k.Would, TextScore: k.TextScore, About: k.About}
	if k.CaseID != nil {
		a.CaseID = *k.CaseID
	}
	return a
}

// typeRevoke is the type of a message that takes another one back.
const typeRevoke = "revoke"

var feedTypes = []string{"text", "link", "image", "card", "miniprogram", "file", typeRevoke}

func (h *heard) revokes() bool { return h.Type == typeRevoke }

func (m *Moderator) checkMessage(msg FeedMessage) error {
	ids := []struct{ field, id string }{{"message_id", msg.MessageID}, {"chat_id", string(msg.Chat)}, {"sender", string(msg.Sender)}}
	if msg.Type == typeRevoke {
		ids = []struct{ field, id string }{{"revokes", msg.Revokes}}
	}
	for _, f := range ids {
		if f.id == "" || len(f.id) > maxMessageID {
			return handlers.Invalidf(f.field, "has %d bytes; want 1 to %d", len(f.id), maxMessageID)
		}
		if !utf8.ValidString(f.id) || strings.ContainsFunc(f.id, unicode.IsControl) {
			return handlers.Invalidf(f.field, "holds characters that no id has")
		}
	}
	switch {
	case !slices.Contains(feedTypes, msg.Type):
		return handlers.Invalidf("type", "is %q; want one of %s", handlers.Clip(msg.Type, maxMessageID), strings.Join(feedTypes, ", "))
	case msg.SentAt.After(m.Now().Add(maxFuture)):
		return handlers.Invalidf("sent_at", "lies in the future; check the clock of the sender")
	case len(msg.QR) > maxCodes:
		return handlers.Invalidf("qr", "has %d codes; want at most %d", len(msg.QR), maxCodes)
	}
	return nil
}

// judge weighs who and what besides the text, and does what the verdict asks for. The row is
// what is to be written down.
func (m *Moderator) judge(tx *store.Tx, msg heard, f facts, p Policy) (Answer, store.Message, error) {
	a := verdict(msg, f, p)
	if msg.ticket != "" && !f.staff && p.tells() {
		if err := m.route(tx, msg); err != nil {
			return a, store.Message{}, err
		}
	}
	if a.Would != ActNone {
		done, err := m.act(tx, p, store.Case{ChatID: string(msg.Chat), Member: string(msg.Sender), MemberName: msg.Name, MessageID: msg.MessageID,
			Text: msg.text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons})
		if err != nil {
			return a, store.Message{}, err
		}
		a.Action, a.Would, a.CaseID = done.Action, done.Would, done.Case
	}
	row := store.Message{MessageID: msg.MessageID, ChatID: string(msg.Chat), Sender: string(msg.Sender), SentAt: msg.SentAt.UTC(),
		Text: msg.text, Verdict: a.Verdict, Score: a.Score, Reasons: a.Reasons, Action: a.Action,
		Kind: msg.Type, SenderName: msg.Name, TextScore: a.TextScore, About: a.About, Would: a.Would}
	if !f.staff { // what staff post is meant to be passed on
		row.Fingerprint = int64(msg.trace.Text)
		for _, t := range msg.trace.Tokens {
			row.Tokens = append(row.Tokens, int64(t))
		}
	}
	if a.CaseID != 0 {
		row.CaseID = &a.CaseID
	}
	return a, row, nil
}

func reasonsOf(v spam.Verdict) []store.Reason {
	out := make([]store.Reason, len(v.Reasons))
	for i, r := range v.Reasons {
		out[i] = store.Reason{Check: r.Check, Detail: r.Detail, Weight: r.Weight, Spans: spansOf(r.Spans)}
	}
	return out
}

func spansOf(spans []spam.Span) []store.Span {
	if len(spans) == 0 {
		return nil // as it is read back
	}
	out := make([]store.Span, len(spans))
	for i, s := range spans {
		out[i] = store.Span(s)
	}
	return out
}
