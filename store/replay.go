package store

import (
	"maps"
	"time"
)

// Judged is what is kept of a verdict on a message, without its text.
type Judged struct {
	MessageID  string
	ChatID     string
	Sender     string
	ReceivedAt time.Time
	Verdict    string
	Score      float64
	TextScore  float64 // 0: nothing was judged
	About      float64
	Action     string
	Would      string
	Text       string // only where it was asked for
}

// JudgedFilter selects verdicts by when their messages came in.
type JudgedFilter struct {
	From, To time.Time // To is excluded
	Chat     string    // empty: all
	Texts    bool      // read the texts too
}

// EachJudged calls fn with the verdicts of a filter in the order in which the messages came in.
func (r Reader) EachJudged(f JudgedFilter, fn func(Judged) error) error {
	text := "''"
	if f.Texts {
		text = "text"
	}
	query := `SELECT message_id, chat_id, sender, received_at, verdict, score, text_score, about, action, would, ` + text + ` FROM message WHERE received_at >= ? AND received_at < ?`
	args := []any{f.From.UnixMilli(), f.To.UnixMilli()}
	if f.Chat != "" {
		query, args = query+` AND chat_id = ?`, append(args, f.Chat)
	}
	return r.scan(query+` ORDER BY received_at, message_id`, args, func(scan func(...any) error) error {
		var j Judged
		var at int64
		if err := scan(&j.MessageID, &j.ChatID, &j.Sender, &at, &j.Verdict, &j.Score, &j.TextScore, &j.About, &j.Action, &j.Would, &j.Text); err != nil {
			return err
		}
		j.ReceivedAt = fromMS(at)
		return fn(j)
	})
}

// HarmlessSince returns when the oldest message came in that no case is about: such are
// forgotten first.
func (r Reader) HarmlessSince() (at time.Time, ok bool, err error) {
	return r.min(`SELECT received_at FROM message WHERE case_id IS NULL ORDER BY received_at LIMIT 1`)
}

// PeopleSaid returns what people decided about some messages: removed or dismissed, by a
// correction that is in force, else by the case. Messages that nobody decided about are left out.
func (r Reader) PeopleSaid(messages []string) (map[string]string, error) {
	in, args := r.among("message_id", messages)
	cases, err := r.pairs(`SELECT message_id, status FROM (SELECT message.message_id, mod_case.status FROM message JOIN mod_case ON mod_case.id = message.case_id) AS m
		WHERE status IN ('`+CaseRemoved+`', '`+CaseDismissed+`') AND `+in, args...)
	if err != nil {
		return nil, err
	}
	words, err := r.pairs(`SELECT message_id, CASE WHEN label = '`+LabelSpam+`' THEN '`+CaseRemoved+`' ELSE '`+CaseDismissed+`' END
		FROM correction WHERE id NOT IN (SELECT correction_id FROM correction_end) AND `+in+` ORDER BY id`, args...)
	maps.Copy(cases, words)
	return cases, err
}

// InTickets returns those of some messages that were for people to answer.
func (r Reader) InTickets(messages []string) (map[string]string, error) {
	in, args := r.among("message_id", messages)
	return r.pairs(`SELECT message_id, '' FROM ticket_message WHERE `+in, args...)
}
