package store

import "time"

// ReferralFilter selects personal codes of customers; empty fields select everything.
type ReferralFilter struct {
	Member string
	Chat   string // the group that the code was asked for
	Status string // active or deleted
	Cursor int64  // the last id of the page before
	Limit  int    // 0: no limit
}

// Referrals lists personal codes that exist or existed, in the order of making.
func (r Reader) Referrals(f ReferralFilter) ([]Channel, error) {
	q := r.db.Where("id > ? AND referrer <> '' AND status <> ?", f.Cursor, ChannelMaking).Order("id")
	q = where(where(where(q, "referrer", f.Member), "home_chat", f.Chat), "status", f.Status)
	return all[Channel](limited(q, f.Limit))
}

// ReferralOf returns the code that a customer has for a group, or that is being made.
func (r Reader) ReferralOf(member, chat string) (Channel, error) {
	return first[Channel](r.db.Where("referrer = ? AND home_chat = ? AND referrer <> '' AND status <> 'deleted'", member, chat))
}

// Brought is how many customers came by a personal code.
type Brought struct {
	State   string
	Joins   int64
	Present int64 // of those stays go on
}

// BroughtBy counts what personal codes brought, by state. Their owners do not count.
func (r Reader) BroughtBy(states []string) (map[string]Brought, error) {
	out := map[string]Brought{}
	err := chunked(states, func(part []string) error {
		var rows []Brought
		err := r.db.Raw(`SELECT state, COUNT(*) AS joins, SUM(CASE WHEN left_at IS NULL THEN 1 ELSE 0 END) AS present FROM stint
			WHERE state IN ? AND state <> '' AND kind = 'customer' AND referrer <> '' GROUP BY state`, part).Scan(&rows).Error
		for _, row := range rows {
			out[row.State] = row
		}
		return err
	})
	return out, err
}

// WayCounts is how many codes there are at the platform, as far as the house made them.
type WayCounts struct {
	Used      int64 // those being made too
	Referrals int64
}

// WayCounts counts the codes there are.
func (r Reader) WayCounts() (c WayCounts, err error) {
	err = r.db.Raw(`SELECT COUNT(*) AS used, COALESCE(SUM(CASE WHEN purpose = 'referral' THEN 1 ELSE 0 END), 0) AS referrals
		FROM channel WHERE status <> 'deleted'`).Scan(&c).Error
	return c, err
}

// idleReferral selects personal codes of people who left their group, and old ones that have
// brought nobody since a time.
const idleReferral = ` FROM channel WHERE purpose = 'referral' AND status = 'active' AND (
	NOT EXISTS (SELECT 1 FROM stint WHERE stint.chat_id = channel.home_chat AND stint.user_id = channel.referrer AND stint.left_at IS NULL)
	OR created_at < ? AND NOT EXISTS (SELECT 1 FROM stint WHERE stint.state = channel.state AND stint.state <> '' AND stint.joined_at >= ?))`

// IdleReferrals lists the personal codes that may be retired, oldest first.
func (r Reader) IdleReferrals(since time.Time, limit int) ([]Channel, error) {
	var out []Channel
	err := r.db.Raw(`SELECT *`+idleReferral+` ORDER BY id LIMIT ?`, since.UnixMilli(), since.UnixMilli(), limit).Scan(&out).Error
	return out, err
}

// IdleReferralCount counts them.
func (r Reader) IdleReferralCount(since time.Time) (n int64, err error) {
	err = r.db.Raw(`SELECT COUNT(*)`+idleReferral, since.UnixMilli(), since.UnixMilli()).Scan(&n).Error
	return n, err
}
