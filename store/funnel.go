package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// By what a funnel or a coverage is told apart.
const (
	ByAll   = ""
	ByStore = "store" // where the groups stand now; in sums of old occurrences, where they stood
	ByOwner = "owner"
	ByGroup = "group"
)

// funnelSpan is how long after it was posted a message has to do with who comes and goes, in
// milliseconds.
const funnelSpan = 24 * 60 * 60 * 1000

// Funnel counts what became of one occurrence of a promotion, or of several: then everything
// is counted once in each. Who joins or leaves within a day after two messages is counted for
// both.
type Funnel struct {
	ID        string // of the store or owner; empty: everything, or groups without one
	Groups    int64  // that were meant, blocked ones included
	Blocked   int64  // not even tried
	Tasks     int64
	Owners    int64 // who had something to confirm
	Confirmed int64 // of them those who confirmed all of it
	Sent      int64 // groups that were reached
	Failed    int64
	Unsent    int64
	Cancelled int64
	Waiting   int64 // groups of which nothing is known yet
	Joins     int64 // of customers, in the 24 hours after each group was reached
	Leaves    int64
	// Outlets are staff chats, besides the groups, and OutletsSent those that were reached.
	Outlets     int64
	OutletsSent int64
}

func (f Funnel) plus(o Funnel) Funnel {
	return Funnel{f.ID, f.Groups + o.Groups, f.Blocked + o.Blocked, f.Tasks + o.Tasks, f.Owners + o.Owners, f.Confirmed + o.Confirmed, f.Sent + o.Sent,
		f.Failed + o.Failed, f.Unsent + o.Unsent, f.Cancelled + o.Cancelled, f.Waiting + o.Waiting, f.Joins + o.Joins, f.Leaves + o.Leaves,
		f.Outlets + o.Outlets, f.OutletsSent + o.OutletsSent}
}

// FunnelFilter selects what funnels count.
type FunnelFilter struct {
	Promotion  int64
	Occurrence int64  // 0: all of the promotion
	By         string // ByAll, ByStore or ByOwner
	From       string // an ID: from behind it on
	Begun      bool   // whether From holds; the first ID may be empty
	Limit      int    // 0: all
}

// FunnelOf counts what became of all occurrences from one time to another, To excluded, in the
// groups that are in a store now; empty: in all groups.
func (r Reader) FunnelOf(from, to time.Time, shop string) (Funnel, error) {
	which, args := "occurrence_id IN (SELECT id FROM occurrence WHERE at >= ? AND at < ?)", []any{ms(from), ms(to)}
	if shop != "" {
		which, args = which+" AND d.chat_id IN (SELECT chat_id FROM chat WHERE shop_id = ?)", append(args, shop)
	}
	found, err := r.countFunnels(FunnelFilter{}, which, args...)
	return append(found, Funnel{})[0], err
}

// Funnels lists funnels by ID: one for everything, which may count nothing, or one for each
// store or owner. What is old stands in sums; what may still change is counted.
func (r Reader) Funnels(f FunnelFilter) ([]Funnel, error) {
	which, arg := "occurrence_id = ?", any(f.Occurrence)
	var summed []Funnel
	if f.Occurrence == 0 {
		which, arg = "occurrence_id IN (SELECT id FROM occurrence WHERE promotion_id = ? AND summed_at IS NULL)", f.Promotion
		q := r.db.Table("funnel").Where("promotion_id = ? AND kind = ?", f.Promotion, f.By).Order("id")
		if f.Begun {
			q = q.Where("id > ?", f.From)
		}
		var err error
		if summed, err = all[Funnel](limited(q, f.Limit)); err != nil {
			return nil, err
		}
	}
	fresh, err := r.countFunnels(f, which, arg)
	if err != nil {
		return nil, err
	}
	of := map[string]Funnel{}
	if f.By == ByAll {
		of[""] = Funnel{}
	}
	for _, part := range [][]Funnel{summed, fresh} {
		for _, v := range part {
			of[v.ID] = v.plus(of[v.ID])
		}
	}
	out := slices.SortedFunc(maps.Values(of), func(a, b Funnel) int { return cmp.Compare(a.ID, b.ID) })
	if f.Limit > 0 {
		out = out[:min(len(out), f.Limit)]
	}
	return out, nil
}

// funnelKey is the column that funnels are told apart by, and the join that it needs.
func funnelKey(by string) (column, join string, err error) {
	switch by {
	case ByAll:
		return "''", "", nil
	case ByOwner:
		return "d.owner", "", nil
	case ByGroup:
		return "d.chat_id", "", nil
	case ByStore:
		return "COALESCE(c.shop_id, '')", " LEFT JOIN chat c ON c.chat_id = d.chat_id", nil
	}
	return "", "", fmt.Errorf("nothing is counted by %q", by)
}

// countFunnels counts deliveries: first what each owner has of each occurrence, then all.
func (r Reader) countFunnels(f FunnelFilter, which string, of ...any) ([]Funnel, error) {
	column, join, err := funnelKey(f.By)
	if err != nil {
		return nil, err
	}
	args := append([]any{funnelSpan, funnelSpan}, of...)
	rest := ""
	if f.By != ByAll {
		rest = " AND d.outlet = ''"
	}
	if f.Begun {
		rest, args = rest+" AND "+column+" > ?", append(args, f.From)
	}
	var out []Funnel
	query := `SELECT id, SUM(chats) AS "groups", SUM(blocked) AS blocked, SUM(tasks) AS tasks,
		COUNT(*) FILTER (WHERE tasks > 0) AS owners, COUNT(*) FILTER (WHERE tasks > 0 AND confirmed = tasks) AS confirmed,
		SUM(sent) AS sent, SUM(failed) AS failed, SUM(unsent) AS unsent, SUM(cancelled) AS cancelled, SUM(waiting) AS waiting,
		SUM(joins) AS joins, SUM(leaves) AS leaves, SUM(outlets) AS outlets, SUM(outlets_sent) AS outlets_sent
		FROM (SELECT ` + column + ` AS id, COUNT(*) FILTER (WHERE d.outlet = '') AS chats, COUNT(*) FILTER (WHERE d.status = 'blocked') AS blocked,
			COUNT(DISTINCT d.task_id) AS tasks, COUNT(DISTINCT CASE WHEN t.confirmed_at IS NOT NULL THEN t.id END) AS confirmed,
			COUNT(*) FILTER (WHERE d.status = 'sent' AND d.outlet = '') AS sent, COUNT(*) FILTER (WHERE d.status = 'failed' AND d.outlet = '') AS failed,
			COUNT(*) FILTER (WHERE d.status = 'unsent') AS unsent, COUNT(*) FILTER (WHERE d.status = 'cancelled' AND d.outlet = '') AS cancelled,
			COUNT(*) FILTER (WHERE d.status IN ('planned', 'submitted') AND d.outlet = '') AS waiting,
			COUNT(*) FILTER (WHERE d.outlet <> '') AS outlets, COUNT(*) FILTER (WHERE d.status = 'sent' AND d.outlet <> '') AS outlets_sent,
			SUM(CASE WHEN d.status = 'sent' THEN (SELECT COUNT(*) FROM stint s WHERE s.chat_id = d.chat_id AND s.joined_at >= d.sent_at
				AND s.joined_at < d.sent_at + ? AND s.kind = 'customer') ELSE 0 END) AS joins,
			SUM(CASE WHEN d.status = 'sent' THEN (SELECT COUNT(*) FROM stint s WHERE s.chat_id = d.chat_id AND s.left_at >= d.sent_at
				AND s.left_at < d.sent_at + ? AND s.kind = 'customer') ELSE 0 END) AS leaves
			FROM delivery d LEFT JOIN task t ON t.id = d.task_id` + join + `
			WHERE d.` + which + rest + ` GROUP BY 1, d.occurrence_id, d.owner) AS parts
		GROUP BY id ORDER BY id`
	if f.Limit > 0 {
		query, args = query+" LIMIT ?", append(args, f.Limit)
	}
	err = r.db.Raw(query, args...).Scan(&out).Error
	return out, err
}

// Unsummed lists the oldest occurrences from before a time that are over and not in the sums
// yet.
func (r Reader) Unsummed(before time.Time, limit int) ([]Occurrence, error) {
	return all[Occurrence](r.db.Omit("Spec").Where("summed_at IS NULL AND at < ? AND status IN ?", ms(before),
		[]string{OccurrenceDone, OccurrenceMissed, OccurrenceSkipped}).Order("at, id").Limit(limit))
}

// SumFunnels adds the funnels of an occurrence to the sums of its promotion, by kind: ByAll,
// ByStore, ByOwner. It fails with ErrStale when they are in them already.
func (tx *Tx) SumFunnels(occ Occurrence, kinds map[string][]Funnel) error {
	if err := one(tx.db.Exec(`UPDATE occurrence SET summed_at = ? WHERE id = ? AND summed_at IS NULL`, tx.Now.UnixMilli(), occ.ID)); err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		for _, f := range kinds[kind] {
			_, err := tx.exec(`INSERT INTO funnel AS f (promotion_id, kind, id, "groups", blocked, tasks, owners, confirmed, sent, failed, unsent, cancelled, waiting, joins, leaves, outlets, outlets_sent)
				VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (promotion_id, kind, id) DO UPDATE SET "groups" = f."groups" + excluded."groups",
				blocked = f.blocked + excluded.blocked, tasks = f.tasks + excluded.tasks, owners = f.owners + excluded.owners, confirmed = f.confirmed + excluded.confirmed,
				sent = f.sent + excluded.sent, failed = f.failed + excluded.failed, unsent = f.unsent + excluded.unsent, cancelled = f.cancelled + excluded.cancelled,
				waiting = f.waiting + excluded.waiting, joins = f.joins + excluded.joins, leaves = f.leaves + excluded.leaves,
				outlets = f.outlets + excluded.outlets, outlets_sent = f.outlets_sent + excluded.outlets_sent`,
				occ.PromotionID, kind, f.ID, f.Groups, f.Blocked, f.Tasks, f.Owners, f.Confirmed, f.Sent, f.Failed, f.Unsent, f.Cancelled, f.Waiting,
				f.Joins, f.Leaves, f.Outlets, f.OutletsSent)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Covered counts how many groups were meant by an occurrence, and reached.
type Covered struct {
	ID      string    // of the store, owner or group
	At      time.Time `gorm:"serializer:ms"` // of the occurrences; zero: of all of them
	Groups  int64
	Blocked int64
	Sent    int64
}

// CoverageFilter selects what a coverage counts.
type CoverageFilter struct {
	From, To time.Time // To excluded
	By       string    // ByStore, ByOwner or ByGroup
	After    string    // an ID: from behind it on
	Begun    bool      // whether After holds
	Limit    int       // IDs
}

// Coverage counts, for a page of stores, owners or groups by ID, the groups that were meant
// and reached at each time, oldest first.
func (r Reader) Coverage(f CoverageFilter) ([]Covered, error) {
	column, join, err := funnelKey(f.By)
	if err != nil {
		return nil, err
	}
	from := ` FROM occurrence o JOIN delivery d ON d.occurrence_id = o.id` + join + ` WHERE o.at >= ? AND o.at < ? AND d.outlet = ''`
	args := []any{ms(f.From), ms(f.To)}
	if f.Begun {
		from, args = from+" AND "+column+" > ?", append(args, f.After)
	}
	page := args
	if f.Limit > 0 {
		var last []string
		err := r.db.Raw(`SELECT DISTINCT `+column+` AS id`+from+` ORDER BY id LIMIT ?`, append(slices.Clone(args), f.Limit)...).Scan(&last).Error
		if err != nil || len(last) == 0 {
			return nil, err
		}
		from, page = from+" AND "+column+" <= ?", append(page, last[len(last)-1])
	}
	var out []Covered
	err = r.db.Raw(`SELECT `+column+` AS id, o.at, COUNT(*) AS "groups", COUNT(*) FILTER (WHERE d.status = 'blocked') AS blocked,
		COUNT(*) FILTER (WHERE d.status = 'sent') AS sent`+from+` GROUP BY `+column+`, o.at ORDER BY id, o.at`, page...).Scan(&out).Error
	return out, err
}
