package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrKnownMessage: a message of the same id is in the books.
var ErrKnownMessage = errors.New("the message is known")

// Message is a message of the feed with the verdict that was answered.
type Message struct {
	MessageID   string `gorm:"primaryKey"`
	ChatID      string
	Sender      string
	SentAt      time.Time `gorm:"serializer:ms"`
	ReceivedAt  time.Time `gorm:"serializer:ms"`
	Text        string    // what was judged: text, title, address and the content of QR codes
	CaseID      *int64
	Verdict     string
	Score       float64
	Reasons     []Reason  `gorm:"serializer:json"`
	Action      string    // what was answered
	Kind        string    // text, link, image …
	SenderName  string    // as the feed told it; empty: it did not
	TextScore   float64   // of the text alone, 0 to 1
	Fingerprint int64     // what copies of the text have in common; 0: too short to say, or from staff
	About       float64   // what the checks of the sender weighed together
	Would       string    // the action that the verdict asks for, whatever the mode let happen
	RevokedAt   time.Time `gorm:"serializer:ms"` // when its sender took it back; zero: did not
	Tokens      []int64   `gorm:"-"`             // fingerprints of links and accounts; only for AddMessages
}

// TableName is the table of messages.
func (Message) TableName() string { return "message" }

// MessageToken is a link, an account or the content of a QR code in a message.
type MessageToken struct {
	Token      int64     `gorm:"primaryKey"` // its fingerprint
	SentAt     time.Time `gorm:"primaryKey;serializer:ms"`
	MessageID  string    `gorm:"primaryKey"`
	ChatID     string
	Sender     string
	ReceivedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of tokens.
func (MessageToken) TableName() string { return "message_token" }

const (
	messageColumns = 17
	tokenColumns   = 6
	// rowsAtOnce is how many rows one statement writes on PostgreSQL, where a way to the
	// server costs more than a row. SQLite has no way to go.
	rowsAtOnce = 100
)

// AddMessages writes messages with their verdicts and tokens, all or none. It fails with
// ErrKnownMessage when one of them is in the books already.
func (tx *Tx) AddMessages(msgs []Message) error {
	// In one order, so that two processes with the same messages do not wait for each other.
	msgs = slices.Clone(msgs)
	slices.SortFunc(msgs, func(a, b Message) int { return strings.Compare(a.MessageID, b.MessageID) })
	var rows, tokens []any
	for _, m := range msgs {
		reasons, err := json.Marshal(notNil(m.Reasons))
		if err != nil {
			return fmt.Errorf("encode reasons: %w", err)
		}
		rows = append(rows, m.MessageID, m.ChatID, m.Sender, m.SentAt.UnixMilli(), tx.Now.UnixMilli(), m.Text, m.CaseID, m.Verdict, m.Score, string(reasons),
			m.Action, m.Kind, m.SenderName, m.TextScore, m.Fingerprint, m.Would, m.About)
		for _, t := range m.Tokens {
			tokens = append(tokens, t, m.SentAt.UnixMilli(), m.MessageID, m.ChatID, m.Sender, tx.Now.UnixMilli())
		}
	}
	n, err := tx.insert(`message (message_id, chat_id, sender, sent_at, received_at, text, case_id, verdict, score, reasons, action, kind, sender_name, text_score, fingerprint, would, about)`,
		messageColumns, rows)
	if err == nil && n != int64(len(msgs)) {
		err = ErrKnownMessage
	}
	if err == nil {
		_, err = tx.insert(`message_token (token, sent_at, message_id, chat_id, sender, received_at)`, tokenColumns, tokens)
	}
	return err
}

// insert writes rows of so many columns each, leaves out those that are there, and returns
// how many were written.
func (tx *Tx) insert(into string, columns int, values []any) (int64, error) {
	size := 1
	if tx.dialect == postgres {
		size = rowsAtOnce
	}
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	var written int64
	for part := range slices.Chunk(values, size*columns) {
		n, err := tx.exec("INSERT INTO "+into+" VALUES "+row+strings.Repeat(","+row, len(part)/columns-1)+" ON CONFLICT DO NOTHING", part...)
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// LockFeed makes transactions that judge messages run one after another, also when several
// processes share a database: what one of them counts, another has written or will count.
func (tx *Tx) LockFeed() error {
	if tx.dialect == sqlite {
		return nil // has one writer
	}
	return tx.db.Exec("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' feed'))").Error
}

// AddMessage writes one message.
func (tx *Tx) AddMessage(m Message) error { return tx.AddMessages([]Message{m}) }

// Message returns one message.
func (r Reader) Message(id string) (Message, error) {
	return first[Message](r.db.Where("message_id = ?", id))
}

// Messages returns those of some messages that are in the books.
func (r Reader) Messages(ids []string) ([]Message, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return all[Message](r.db.Where("message_id IN ?", ids).Order("message_id"))
}

// Revoke notes that the sender of a message took it back. It keeps the first time; a message
// that is not in the books is ErrNotFound.
func (tx *Tx) Revoke(id string, at time.Time) error {
	res := tx.db.Exec(`UPDATE message SET revoked_at = COALESCE(revoked_at, ?) WHERE message_id = ?`, ms(at), id)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return res.Error
}

// PruneMessages forgets harmless messages from before a time, at most limit at once; what a
// case is about stays with the case.
func (tx *Tx) PruneMessages(before time.Time, limit int) (int64, error) {
	return tx.exec(`DELETE FROM message WHERE message_id IN (SELECT message_id FROM message WHERE received_at < ? AND case_id IS NULL ORDER BY received_at LIMIT ?)`,
		before.UnixMilli(), limit)
}

// PruneCaseMessages forgets the messages from before a time of cases that were closed before it,
// at most limit at once. A case keeps the text that it stands on.
func (tx *Tx) PruneCaseMessages(before time.Time, limit int) (int64, error) {
	return tx.exec(`DELETE FROM message WHERE message_id IN (SELECT message.message_id FROM message JOIN mod_case ON mod_case.id = message.case_id
		WHERE received_at < ? AND closed_at < ? ORDER BY received_at LIMIT ?)`, before.UnixMilli(), before.UnixMilli(), limit)
}

// PruneTokens forgets tokens from before a time, at most limit at once.
func (tx *Tx) PruneTokens(before time.Time, limit int) (int64, error) {
	return tx.exec(`DELETE FROM message_token WHERE (token, sent_at, message_id) IN
		(SELECT token, sent_at, message_id FROM message_token WHERE received_at < ? ORDER BY received_at LIMIT ?)`, before.UnixMilli(), limit)
}

// HeardFrom reports whether any stored message is from a group. It may read the whole table: ask
// it outside of transactions.
func (r Reader) HeardFrom(chat string) (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE chat_id = ? LIMIT 1) m`, chat).Scan(&n).Error
	return n > 0, err
}
