package store

import (
	"encoding/json"
	"strings"
)

// TargetCounts is what a selection comes to.
type TargetCounts struct {
	Groups    int64 // that would get it
	Customers int64 // in them
	Owners    int64
	Stores    int64
	NoOwner   int64 // of Groups, whose owner is not known: nobody can confirm
	HandsOff  int64 // selected, and left alone
	Excluded  int64 // selected, and excluded again
}

// fewTargets is up to how many groups are looked up one by one. More are found by going
// through all groups, which then costs less.
const fewTargets = 20_000

// TargetFilter asks for the groups that targets mean at this moment.
type TargetFilter struct {
	TargetSpec
	Occurrence int64       // groups that it has reached already are left out; 0: none
	Chat       string      // this group only; empty: all
	After      GroupCursor // the last group of the page before
	Limit      int         // 0: no limit
}

// Targets lists active groups by owner and id, with what it takes to say why they are meant
// and what they are told. Reading all of them page by page costs about one walk through all
// groups, and little where few of them are meant.
func (r Reader) Targets(f TargetFilter) ([]Chat, error) {
	q, err := r.meant(f.TargetSpec)
	if err != nil {
		return nil, err
	}
	if out, args := r.oneOf(f.Exclude); out != "" {
		q.add("NOT ("+out+")", args...)
	}
	q.add("NOT hands_off")
	q.add("(owner, chat_id) > (?, ?)", f.After.Owner, f.After.ChatID)
	if f.Chat != "" {
		q.add("chat_id = ?", f.Chat)
	}
	if f.Occurrence != 0 {
		q.add(`NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.chat_id = chat.chat_id AND delivery.occurrence_id = ?
			AND delivery.at = (SELECT at FROM occurrence WHERE id = ?))`, f.Occurrence, f.Occurrence)
	}
	rows, err := all[Chat](limited(r.db.Select("chat_id, name, owner, status, shop_id, labels, customers").
		Where(q.sql(), q.args...).Order("owner, chat_id"), f.Limit))
	if err != nil {
		return nil, err
	}
	via := newSelector(f.Selection)
	for i := range rows {
		rows[i].Via = via.of(rows[i])
	}
	return rows, nil
}

// CountTargets counts what targets mean at this moment.
func (r Reader) CountTargets(t TargetSpec) (TargetCounts, error) {
	var c TargetCounts
	q, err := r.meant(t)
	if err != nil {
		return c, err
	}
	out, args := r.oneOf(t.Exclude)
	if out == "" {
		out = "1 = 0"
	}
	err = r.db.Raw(`SELECT COALESCE(SUM(CASE WHEN gets THEN 1 ELSE 0 END), 0) AS groups, COALESCE(SUM(CASE WHEN gets THEN customers ELSE 0 END), 0) AS customers,
			COUNT(DISTINCT CASE WHEN gets AND owner <> '' THEN owner END) AS owners, COUNT(DISTINCT CASE WHEN gets AND shop_id <> '' THEN shop_id END) AS stores,
			COALESCE(SUM(CASE WHEN gets AND owner = '' THEN 1 ELSE 0 END), 0) AS no_owner,
			COALESCE(SUM(CASE WHEN hands_off AND NOT left_out THEN 1 ELSE 0 END), 0) AS hands_off, COALESCE(SUM(CASE WHEN left_out THEN 1 ELSE 0 END), 0) AS excluded
		FROM (SELECT owner, shop_id, customers, hands_off, left_out, NOT hands_off AND NOT left_out AS gets
			FROM (SELECT owner, shop_id, customers, hands_off, (`+out+`) AS left_out FROM chat WHERE `+q.sql()+`) AS meant) AS judged`,
		append(args, q.args...)...).Scan(&c).Error
	return c, err
}

// condition is the WHERE of a question, part by part.
type condition struct {
	parts []string
	args  []any
}

func (c *condition) add(part string, args ...any) {
	c.parts, c.args = append(c.parts, part), append(c.args, args...)
}

func (c *condition) sql() string { return strings.Join(c.parts, " AND ") }

// meant selects the active groups that targets name, before anything is left out again.
func (r Reader) meant(t TargetSpec) (*condition, error) {
	q := &condition{}
	q.add("status = 'active'") // as the index has it
	if t.All {
		return q, nil
	}
	ids, few, err := r.few(t.Selection)
	if err != nil {
		return nil, err
	}
	if few {
		part, args := r.among("chat.chat_id", ids)
		q.add(part, args...)
		return q, nil
	}
	part, args := r.oneOf(t.Selection)
	q.add("("+part+")", args...)
	return q, nil
}

// few lists the groups of a selection, unless they are many.
func (r Reader) few(s Selection) (ids []string, ok bool, err error) {
	ways := []struct {
		table, column string
		values        []string
	}{{"chat", "shop_id", s.Stores}, {"chat", "owner", s.Owners}, {"chat_label", "label", s.Labels}}
	n := len(s.ChatIDs)
	for _, by := range ways { // counted first: many that are not read cost little
		if len(by.values) > 0 && n <= fewTargets {
			part, args := r.among(by.column, by.values)
			var found int64
			some := r.db.Table(by.table).Select("1").Where(part, args...).Limit(fewTargets + 1 - n)
			if err := r.db.Table("(?) AS found", some).Count(&found).Error; err != nil {
				return nil, false, err
			}
			n += int(found)
		}
	}
	if n > fewTargets {
		return nil, false, nil
	}
	ids = append(ids, s.ChatIDs...)
	for _, by := range ways {
		if len(by.values) > 0 {
			part, args := r.among(by.column, by.values)
			found, err := pluck[string](r.db.Table(by.table).Where(part, args...), "chat_id")
			if err != nil {
				return nil, false, err
			}
			ids = append(ids, found...)
		}
	}
	return ids, true, nil
}

// oneOf is the condition that one way of a selection holds for a group; empty where it
// names nothing. The empty text that is appended keeps the database from finding groups by such a column and
// sorting all of them for each page.
func (r Reader) oneOf(s Selection) (string, []any) {
	var parts []string
	var args []any
	add := func(before, column string, values []string, after string) {
		if len(values) > 0 {
			part, arg := r.among(column, values)
			parts, args = append(parts, before+part+after), append(args, arg...)
		}
	}
	add("", "chat.chat_id || ''", s.ChatIDs, "")
	add("", "chat.shop_id || ''", s.Stores, "")
	add("", "chat.owner || ''", s.Owners, "")
	add("EXISTS (SELECT 1 FROM chat_label WHERE chat_label.chat_id = chat.chat_id AND ", "chat_label.label", s.Labels, ")")
	return strings.Join(parts, " OR "), args
}

// among is the condition that a column has one of the values. They are one parameter, for
// there may be more of them than a statement takes.
func (r Reader) among(column string, values []string) (string, []any) {
	list, _ := json.Marshal(notNil(values)) // of strings: it cannot fail
	if r.dialect == postgres {
		return column + " = ANY (ARRAY(SELECT json_array_elements_text(CAST(? AS json))))", []any{string(list)}
	}
	return column + " IN (SELECT value FROM json_each(?))", []any{string(list)}
}

// selector knows which way of a selection holds for a group.
type selector struct {
	chats, labels, stores, owners map[string]bool
}

func newSelector(s Selection) selector {
	set := func(values []string) map[string]bool {
		out := make(map[string]bool, len(values))
		for _, v := range values {
			out[v] = true
		}
		return out
	}
	return selector{set(s.ChatIDs), set(s.Labels), set(s.Stores), set(s.Owners)}
}

// of is what takes a group in.
func (s selector) of(c Chat) string {
	if s.chats[c.ChatID] {
		return "chat"
	}
	for _, l := range c.Labels {
		if s.labels[l] {
			return "label:" + l
		}
	}
	switch {
	case s.stores[c.ShopID]:
		return "store:" + c.ShopID
	case s.owners[c.Owner]:
		return "owner:" + c.Owner
	}
	return "all"
}

// KnownChats returns those of some group ids that are known.
func (r Reader) KnownChats(ids []string) ([]string, error) {
	return r.known("chat", "chat_id", ids)
}

// KnownShops returns those of some ids of shops that are known.
func (r Reader) KnownShops(ids []string) ([]string, error) { return r.known("shop", "id", ids) }

// KnownOwners returns those of some user ids that are known to be staff or to own a group.
func (r Reader) KnownOwners(ids []string) ([]string, error) {
	staff, err := r.known("staff", "user_id", ids)
	if err != nil {
		return nil, err
	}
	owners, err := r.known("chat", "owner", ids)
	return append(staff, owners...), err
}

// UsedLabels returns those of some labels that a group has.
func (r Reader) UsedLabels(labels []string) ([]string, error) {
	return r.known("chat_label", "label", labels)
}

func (r Reader) known(table, column string, values []string) ([]string, error) {
	if len(values) == 0 {
		return nil, nil
	}
	part, args := r.among(column, values)
	return pluck[string](r.db.Table(table).Distinct(column).Where(part, args...).Where(column+" <> ''"), column)
}

// UnfitTarget returns the first by id of some groups that is dismissed or hands-off.
func (r Reader) UnfitTarget(ids []string) (Chat, error) {
	part, args := r.among("chat.chat_id", ids)
	return first[Chat](r.db.Where(part, args...).Where("status <> 'active' OR hands_off").Order("chat_id"))
}
