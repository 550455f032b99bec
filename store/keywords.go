package store

import "time"

// ConfirmedSpam lists the texts that people said are spam and did not take back, and those of
// cases that ended in a removal for spam, the latest first, at most limit of each.
func (r Reader) ConfirmedSpam(limit int) ([]string, error) {
	said, err := pluck[string](r.db.Table("correction").Where("label = ? AND "+notEnded, LabelSpam).Order("id DESC").Limit(limit), "text")
	if err != nil {
		return nil, err
	}
	removed, err := pluck[string](r.db.Table("mod_case").Where("status = ? AND verdict = 'spam' AND text <> ''", CaseRemoved).Order("id DESC").Limit(limit), "text")
	return append(said, removed...), err
}

// SaidMessage is what keyword rules are tried on.
type SaidMessage struct {
	Text        string
	Kind        string
	Fingerprint int64
}

// SaidSince lists messages of the feed since a moment, the latest first: those that were taken
// for spam, or the harmless ones that no case is about.
func (r Reader) SaidSince(since time.Time, spam bool, limit int) ([]SaidMessage, error) {
	q := r.db.Table("message").Select("text", "kind", "fingerprint").Where("received_at >= ?", ms(since)).Order("received_at DESC, message_id").Limit(limit)
	if spam {
		return all[SaidMessage](q.Where("verdict = 'spam'"))
	}
	return all[SaidMessage](q.Where("verdict = 'ham' AND case_id IS NULL"))
}
