package store

import "time"

// CaseCounts are the cases of a time, by what became of them.
type CaseCounts struct {
	Cases, Open, Overdue, Removed, Dismissed, Expired int64
	Warnings                                          int64 // those that never became a removal
	Claims, FalseClaims                               int64
}

// Add counts one more.
func (n *CaseCounts) Add(f CaseFigure) {
	n.Cases++
	n.Claims += f.Claims
	n.FalseClaims += f.FalseClaims
	if f.Action == "warn" {
		n.Warnings++
	}
	switch f.Status {
	case CaseRemoved:
		n.Removed++
	case CaseDismissed:
		n.Dismissed++
	case CaseExpired:
		n.Expired++
	default:
		n.Open++
		if f.Overdue {
			n.Overdue++
		}
	}
}

// CaseFigure is what is counted of a case.
type CaseFigure struct {
	ChatID, ChatName, ShopID, ShopName, Owner string
	Action, Status                            string
	Claims, FalseClaims                       int64
	Overdue                                   bool      // a removal that is open since before a moment
	CreatedAt                                 time.Time `gorm:"serializer:ms"`
	AskedAt                                   time.Time `gorm:"serializer:ms"`
	ClosedAt                                  time.Time `gorm:"serializer:ms"`
}

// CaseFigures lists what is counted of the cases that were opened from a time and before
// another, oldest first. Open removals from before late are overdue.
func (r Reader) CaseFigures(from, to, late time.Time) ([]CaseFigure, error) {
	return all[CaseFigure](r.db.Table("mod_case").
		Select(`mod_case.chat_id, COALESCE(chat.name, '') AS chat_name, COALESCE(chat.shop_id, '') AS shop_id, COALESCE(shop.name, '') AS shop_name,
			mod_case.owner, mod_case.action, mod_case.status, mod_case.claims, mod_case.false_claims,
			(mod_case.action = 'remove' AND mod_case.created_at < ?) AS overdue, mod_case.created_at, mod_case.asked_at, mod_case.closed_at`, ms(late)).
		Joins("LEFT JOIN chat ON chat.chat_id = mod_case.chat_id").Joins("LEFT JOIN shop ON shop.id = chat.shop_id").
		Where("mod_case.created_at >= ? AND mod_case.created_at < ?", ms(from), ms(to)).Order("mod_case.id"))
}

// OpenCases counts the cases of a store that are not closed, and of them the removals from
// before a moment and the warnings; an empty store means all. Warnings that somebody says to have
// given are no longer of interest.
func (r Reader) OpenCases(shop string, late time.Time) (open, overdue, warnings int64, err error) {
	var n struct{ Open, Overdue, Warnings int64 }
	query := `SELECT COUNT(*) AS open, COALESCE(SUM(CASE WHEN action = 'remove' AND created_at < ? THEN 1 ELSE 0 END), 0) AS overdue,
		COALESCE(SUM(CASE WHEN action = 'warn' THEN 1 ELSE 0 END), 0) AS warnings FROM mod_case WHERE ` + openCase + `
		AND NOT (action = 'warn' AND EXISTS (SELECT 1 FROM case_step WHERE case_id = mod_case.id AND what = '` + StepWarned + `'))`
	args := []any{ms(late)}
	if shop != "" {
		query += ` AND chat_id IN (SELECT chat_id FROM chat WHERE shop_id = ?)`
		args = append(args, shop)
	}
	err = r.db.Raw(query, args...).Scan(&n).Error
	return n.Open, n.Overdue, n.Warnings, err
}

// CaseStatuses counts cases by status.
func (r Reader) CaseStatuses() (map[string]int64, error) {
	var rows []struct {
		Status string
		N      int64
	}
	err := r.db.Raw(`SELECT status, COUNT(*) AS n FROM mod_case GROUP BY status`).Scan(&rows).Error
	counts := map[string]int64{}
	for _, row := range rows {
		counts[row.Status] = row.N
	}
	return counts, err
}

// RemovalTimes counts the removals that took no longer than each of some times, all of them, and
// the seconds that they took together.
func (r Reader) RemovalTimes(bounds []time.Duration) (within []uint64, count uint64, seconds float64, err error) {
	within = make([]uint64, len(bounds))
	var rows []int64
	err = r.db.Raw(`SELECT closed_at - created_at FROM mod_case WHERE status = ? AND closed_at IS NOT NULL`, CaseRemoved).Scan(&rows).Error
	for _, took := range rows {
		d := time.Duration(took) * time.Millisecond
		count++
		seconds += d.Seconds()
		for i, b := range bounds {
			if d <= b {
				within[i]++
			}
		}
	}
	return within, count, seconds, err
}
