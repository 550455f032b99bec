package moderation

import (
	"errors"
	"fmt"
	"math"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// personCheck is something that is looked at about the sender of a message.
type personCheck struct {
	name   string
	weight float64 // in log-odds where the check speaks plainly; the settings may say another
}

var personChecks = []personCheck{
	{"repeat", 1}, // alone nothing: impatient people say things twice
}

// facts is what the books say about the sender of one message.
type facts struct {
	staff    bool
	stay     store.Stint // the last one in the group; zero: never seen there
	blocked  *store.Blocked
	sameText int // how often the person sent the same text within repeatWindow before
}

// loadFacts reads what the books say about messages and their senders, in their order. The
// messages are of one batch and none is in the books yet: an earlier one of the list counts
// for a later one as if it were.
func loadFacts(r store.Reader, msgs []heard) ([]facts, error) {
	out := make([]facts, len(msgs))
	for i, msg := range msgs {
		f := &out[i]
		st, err := r.LastStint(msg.Chat, msg.Sender)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		f.stay = st
		if f.staff, err = r.IsStaff(msg.Sender); err != nil {
			return nil, err
		}
		f.staff = f.staff || st.Kind == string(bot.Staff)
		b, blocked, err := r.IsBlocked(string(msg.Sender), st.UnionID)
		if err != nil {
			return nil, err
		}
		if blocked {
			f.blocked = &b
		}
		if f.sameText, err = r.SameTextCount(string(msg.Sender), msg.text, msg.SentAt.Add(-repeatWindow)); err != nil {
			return nil, err
		}
		for _, before := range msgs[:i] {
			if before.Sender == msg.Sender && before.text == msg.text {
				f.sameText++
			}
		}
	}
	return out, nil
}

// weigh says what speaks for or against the sender, whatever he wrote.
func weigh(msg heard, f facts) []store.Reason {
	var out []store.Reason
	if f.blocked != nil {
		out = append(out, store.Reason{Check: "blocklist", Detail: "发送人在黑名单上:" + f.blocked.Reason, Weight: 10})
	}
	if f.sameText+1 >= repeatCount && msg.text != "" {
		out = append(out, store.Reason{Check: "repeat", Detail: fmt.Sprintf("10分钟内第%d次发送相同内容", f.sameText+1), Weight: 1})
	}
	return append(out, aboutCodes(msg.codes)...)
}

// verdict joins what the text says with what is known about its sender, and says what follows
// in a group that goes by p. Weights are log-odds and add up.
func verdict(msg heard, f facts, p Policy) Answer {
	switch {
	case p.Mode == ModeOff:
		return harmless("off", "本群已关闭消息判断")
	case f.staff:
		return harmless("staff", "本企业成员的消息不做判断")
	}
	a := Answer{Action: ActNone, Would: ActNone}
	v, about := msg.verdict, weigh(msg, f)
	for _, r := range about {
		a.About += r.Weight
	}
	a.TextScore, a.Score, a.Reasons = v.Score, joined(v.Score, a.About), append(reasonsOf(v), about...)
	a.Verdict = string(label(a.TextScore, a.Score, p.Review, p.Removal))
	if f.blocked != nil {
		a.Verdict, a.Score = string(spam.Spam), 1
	}
	switch a.Verdict {
	case string(spam.Spam):
		a.Would = ActRemove
	case string(spam.Suspect):
		a.Would = ActWarn
	}
	if msg.ticket != "" { // people answer it, nobody acts on it
		a.Would = ActNone
	}
	if p.tells() {
		a.Action = a.Would
	}
	return a
}

// joined is the score of a text after weights were added to it.
func joined(text, weights float64) float64 {
	text = min(max(text, tiny), 1-tiny) // a score of 0 or 1 would be deaf
	return 1 / (1 + math.Exp(-weights)*(1-text)/text)
}

const tiny = 1e-9

// label is the verdict on a score that a text and its sender have together: what is known
// about a person alone makes nobody's harmless talk a removal.
func label(text, score, review, removal float64) spam.Label {
	switch {
	case score >= removal && text >= review:
		return spam.Spam
	case score >= review:
		return spam.Suspect
	}
	return spam.Ham
}
