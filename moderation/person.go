package moderation

import (
	"errors"
	"fmt"
	"math"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

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
	return out
}

// verdict joins what the text says with what the person's reasons say: weights are log-odds
// and add up. Reasons about a person alone make nobody's talk a removal, but for the blocklist.
func (m *Moderator) verdict(v spam.Verdict, about []store.Reason) Answer {
	a := Answer{Verdict: string(v.Verdict), Score: v.Score, Reasons: append(reasonsOf(v), about...), Action: ActNone}
	sum := 0.0
	for _, r := range about {
		sum += r.Weight
		if r.Check == "blocklist" {
			a.Verdict, a.Score = string(spam.Spam), 1
		}
	}
	if sum == 0 || a.Score == 1 {
		return a
	}
	a.Score = 1 / (1 + math.Exp(-sum)*(1-v.Score)/max(v.Score, 1e-9))
	a.Verdict = string(m.Detector.Label(a.Score))
	if v.Verdict == spam.Ham && a.Verdict == string(spam.Spam) {
		a.Verdict = string(spam.Suspect)
	}
	return a
}
