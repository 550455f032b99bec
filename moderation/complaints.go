package moderation

import (
	"strings"

	"xiaobu/spam"
	"xiaobu/store"
)

// What a ticket is about is told by words; the first list that has one decides.
var ticketWords = []struct {
	kind  string
	words []string
}{
	{store.TicketRefund, []string{"退款", "退货", "退钱", "退我", "赔我", "赔偿", "赔钱", "还我钱", "退一赔"}},
	{store.TicketDissent, []string{"大家别买", "都别买", "别再买", "不要买了", "别来这家", "别上他们", "避雷", "黑店", "抵制", "割韭菜", "忽悠人", "还不如", "退群吧"}},
}

// heed decides whether a text is somebody's complaint or dissent, which people answer and
// nobody acts on; it returns the kind of ticket, or none, and the verdict to go by. Whoever
// writes a complaint into an advertisement is judged by what is left without it: hard
// evidence is something advertised together with a way to get in touch. A telephone number or
// the link of an order is none, since angry customers give these.
func (m *Moderator) heed(text string, v spam.Verdict) (spam.Verdict, string) {
	complaint, spoke := complained(v)
	kind := ticketKind(text)
	switch {
	case spoke && kind == "":
		kind = store.TicketComplaint
	case !spoke && kind == store.TicketRefund: // talk about refunds that the detector takes for none
		return v, ""
	case kind == "":
		return v, ""
	}
	rest := m.Detector.Check(without(text, complaint))
	if advertises(rest) || advertises(v) {
		if rest.Score > v.Score {
			v = rest
		}
		return v, ""
	}
	return v, kind
}

// complained returns where a text complains, as far as the detector says.
func complained(v spam.Verdict) (spans []spam.Span, spoke bool) {
	for _, r := range v.Reasons {
		if (r.Check == "complaint" || r.Check == "protest") && r.Weight < 0 {
			spans, spoke = append(spans, r.Spans...), true
		}
	}
	return spans, spoke
}

func ticketKind(text string) string {
	for _, k := range ticketWords {
		for _, w := range k.words {
			if strings.Contains(text, w) {
				return k.kind
			}
		}
	}
	return ""
}

// without is a text with the places of a complaint taken out. A mark stands for each, so that
// what was apart does not come together.
func without(text string, spans []spam.Span) string {
	cut := make([]bool, len(text))
	for _, s := range spans {
		for i := s.Start; i < s.End && i < len(text); i++ {
			cut[i] = true
		}
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case !cut[i]:
			b.WriteByte(text[i])
		case i == 0 || !cut[i-1]:
			b.WriteString(",")
		}
	}
	return b.String()
}

// advertises looks for hard evidence among what the checks found: a topic with an account, a
// wish to be added, a way into another group or a doubtful link; or, where the whole is
// plainly spam, with a telephone number. Talk of fakes and of swindles with compensation is
// what customers complain about, so there a telephone number says nothing.
func advertises(v spam.Verdict) bool {
	topic, plain, contact, joined := false, false, false, false
	for _, r := range v.Reasons {
		if r.Weight <= 0 {
			continue
		}
		switch r.Check {
		case "job", "laundering", "gambling", "porn", "loan", "documents", "boosting", "investment", "trade", "partner", "lure":
			topic, plain = true, true
		case "contraband", "scam":
			topic = true
		case "contact":
			contact = contact || r.Weight >= strongContact
		case "link":
			contact = contact || r.Weight >= strongLink
		case "add", "private", "profile", "group":
			contact = true
		case "topic-contact":
			joined = true
		}
	}
	return topic && contact || plain && joined && v.Verdict == spam.Spam
}

// The weights of the checks "contact" and "link" from which on they speak of more than a
// telephone number, a name after @ or an ordinary address.
const (
	strongContact = 2
	strongLink    = 3
)
