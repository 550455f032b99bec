package store

import "time"

// judgedColumns are what the judge and a preview need of a stay.
const judgedColumns = "id, chat_id, user_id, kind, union_id, joined_at, state, inviter, inviter_by, ordinal, seen_at, left_at"

// StaysJoined lists, with what the judge needs of them, the stays that began from one moment
// to another, To excluded, and the other stays of the same people, in no order.
func (r Reader) StaysJoined(from, to time.Time) (joined, others []Stint, err error) {
	joined, err = all[Stint](r.db.Select(judgedColumns).Where("joined_at >= ? AND joined_at < ?", ms(from), ms(to)))
	if err != nil {
		return nil, nil, err
	}
	seen := map[int64]bool{}
	for _, person := range []string{
		"user_id IN (SELECT user_id FROM stint WHERE joined_at >= ? AND joined_at < ?)",
		"union_id <> '' AND union_id IN (SELECT union_id FROM stint WHERE joined_at >= ? AND joined_at < ? AND union_id <> '')",
	} {
		found, err := all[Stint](r.db.Select(judgedColumns).Where(person, ms(from), ms(to)).Where("(joined_at < ? OR joined_at >= ?)", ms(from), ms(to)))
		if err != nil {
			return nil, nil, err
		}
		for _, st := range found {
			if !seen[st.ID] {
				seen[st.ID] = true
				others = append(others, st)
			}
		}
	}
	return joined, others, nil
}

// InOrder puts stays in the order in which they are judged.
func InOrder(stays []Stint) []Stint {
	sortStints(stays)
	return stays
}
