package store

import (
	"strings"
	"time"

	"xiaobu/bot"
)

// Condition is what groups may have in common; it is asked in the database, so that a million
// groups need no memory.
type Condition struct {
	sql  string
	args []any
}

// And holds where all conditions do; without any it always does.
func And(conds ...Condition) Condition { return combined(" AND ", "1 = 1", conds) }

// Or holds where one of the conditions does; without any it never does.
func Or(conds ...Condition) Condition { return combined(" OR ", "1 = 0", conds) }

// Not holds where the condition does not.
func Not(c Condition) Condition { return Condition{"NOT (" + c.sql + ")", c.args} }

func combined(word, none string, conds []Condition) Condition {
	if len(conds) == 0 {
		return Condition{sql: none}
	}
	var out Condition
	sqls := make([]string, len(conds))
	for i, c := range conds {
		sqls[i] = "(" + c.sql + ")"
		out.args = append(out.args, c.args...)
	}
	out.sql = strings.Join(sqls, word)
	return out
}

// Targeted are the groups that a promotion means.
func (r Reader) Targeted(t TargetSpec) (Condition, error) {
	q, err := r.meant(t)
	if err != nil {
		return Condition{}, err
	}
	if out, args := r.oneOf(t.Exclude); out != "" {
		q.add("NOT ("+out+")", args...)
	}
	q.add("NOT chat.hands_off")
	return Condition{q.sql(), q.args}, nil
}

// Gone are the groups that a promotion names and that were dismissed.
func (r Reader) Gone(t TargetSpec) Condition {
	part, args := r.among("chat.chat_id", t.ChatIDs)
	return And(Condition{sql: "chat.status = 'dismissed'"}, Condition{part, args})
}

// Ownerless are the groups whose owner is not known.
func Ownerless() Condition { return Condition{sql: "chat.owner = ''"} }

// Unpermitted are the groups whose owner is not among those who may have customers.
func Unpermitted() Condition {
	return Condition{"chat.owner <> '' AND NOT EXISTS (SELECT 1 FROM staff WHERE staff.user_id = chat.owner AND staff.follows = ?)", []any{true}}
}

// OwnerInactive are the groups whose owner's account is disabled, was never activated or left the
// company, when it was last looked at.
func OwnerInactive() Condition {
	return Condition{"EXISTS (SELECT 1 FROM staff WHERE staff.user_id = chat.owner AND staff.status IN (?,?,?))",
		[]any{string(bot.StaffDisabled), string(bot.StaffNotActivated), string(bot.StaffLeft)}}
}

// Away are the groups whose owner is absent on a local day such as 2026-11-23.
func Away(day string) Condition {
	return Condition{"EXISTS (SELECT 1 FROM absence WHERE absence.user_id = chat.owner AND from_day <= ? AND to_day >= ?)", []any{day, day}}
}

// OutOfQuota are the groups that may get no mass message at a moment, of which a group may get
// so many from one time to another.
func (r Reader) OutOfQuota(at, from, to time.Time, most int) (Condition, error) {
	full := Condition{"EXISTS (SELECT 1 FROM quota_full WHERE quota_full.chat_id = chat.chat_id AND until > ?)", []any{at.UnixMilli()}}
	if times, err := r.QuotaOccurrences(from, to); err != nil || times < most {
		return full, err
	}
	counted := Condition{"(SELECT COUNT(*) FROM delivery WHERE delivery.chat_id = chat.chat_id AND " + usesQuota + ") >= ?",
		append(quotaArgs(from, to), most)}
	return Or(full, counted), nil
}

// PostedBy are the groups that a promotion reached, or may still reach, by its times between two
// moments.
func PostedBy(promotion int64, from, to time.Time) Condition {
	return Condition{`EXISTS (SELECT 1 FROM delivery WHERE delivery.chat_id = chat.chat_id AND delivery.at >= ? AND delivery.at < ? AND delivery.promotion_id = ?
		AND delivery.status IN ('planned', 'submitted', 'sent'))`, []any{from.UnixMilli(), to.UnixMilli(), promotion}}
}

// CountGroups counts the groups of a condition, and how many of them meet each of others.
func (r Reader) CountGroups(c Condition, each ...Condition) (total int64, counts []int64, err error) {
	columns, args := []string{"COUNT(*)"}, []any{}
	for _, e := range each {
		columns, args = append(columns, "COALESCE(SUM(CASE WHEN "+e.sql+" THEN 1 ELSE 0 END), 0)"), append(args, e.args...)
	}
	rows, err := r.db.Raw("SELECT "+strings.Join(columns, ", ")+" FROM chat WHERE "+c.sql, append(args, c.args...)...).Rows()
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	counts = make([]int64, len(each))
	into := []any{&total}
	for i := range counts {
		into = append(into, &counts[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, nil, err
		}
	}
	return total, counts, rows.Err()
}

// SomeGroups lists the first groups of a condition, by id.
func (r Reader) SomeGroups(c Condition, limit int) ([]Chat, error) {
	return all[Chat](r.db.Where(c.sql, c.args...).Order("chat_id").Limit(limit))
}

// OwnersOf counts the owners of the groups of a condition and lists the first of them, by id,
// with their names.
func (r Reader) OwnersOf(c Condition, limit int) (total int64, first []StaffRow, err error) {
	if err := r.db.Raw("SELECT COUNT(DISTINCT owner) FROM chat WHERE "+c.sql, c.args...).Scan(&total).Error; err != nil {
		return 0, nil, err
	}
	err = r.db.Raw("SELECT g.owner AS user_id, COALESCE(staff.name, '') AS name FROM (SELECT DISTINCT owner FROM chat WHERE "+c.sql+
		") AS g LEFT JOIN staff ON staff.user_id = g.owner ORDER BY g.owner LIMIT ?", append(append([]any{}, c.args...), limit)...).Scan(&first).Error
	return total, first, err
}

// ShopCount is how many groups of a shop meet a condition.
type ShopCount struct {
	ID      string
	Name    string
	Manager string
	N       int64
}

// ManagedShops counts the groups of a condition by shop, of shops that have a manager.
func (r Reader) ManagedShops(c Condition) ([]ShopCount, error) {
	var out []ShopCount
	err := r.db.Raw("SELECT shop.id, shop.name, shop.manager, g.n FROM (SELECT shop_id, COUNT(*) AS n FROM chat WHERE "+c.sql+
		" GROUP BY shop_id) AS g JOIN shop ON shop.id = g.shop_id WHERE shop.manager <> '' ORDER BY shop.id", c.args...).Scan(&out).Error
	return out, err
}
