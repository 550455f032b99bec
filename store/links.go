package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Link is a code behind {link} in one occurrence of a promotion.
type Link struct {
	ID           int64
	Code         string
	PromotionID  int64
	OccurrenceID int64
	Scope        string // what it was made for: an owner, a store or a group; empty: the occurrence
	URL          string `gorm:"column:url"` // where it leads
	// ChatID, Owner and ShopID are what the groups that it was posted in have in common; empty
	// where they differ, and where a group has none.
	ChatID, Owner, ShopID string
	Clicks                int64
	Orders                int64
	AmountFen             int64
	CreatedAt             time.Time `gorm:"serializer:ms"`
	UsedAt                time.Time `gorm:"serializer:ms"` // of the last click or order; zero: never
}

// TableName is the table of links.
func (Link) TableName() string { return "link" }

// AddLinks writes new links.
func (tx *Tx) AddLinks(links []Link) error {
	for i := range links {
		links[i].CreatedAt = tx.Now
	}
	return chunked(links, func(part []Link) error {
		return tx.db.CreateInBatches(part, 8).Error // 13 columns: about 100 parameters a statement
	})
}

// ShareLink writes what the groups of a link have in common, now that it goes to more of them.
func (tx *Tx) ShareLink(l Link) error {
	return one(tx.db.Exec(`UPDATE link SET chat_id = ?, owner = ?, shop_id = ? WHERE id = ?`, l.ChatID, l.Owner, l.ShopID, l.ID))
}

// LinksOf returns the links of an occurrence that were made for some scopes, by scope.
func (r Reader) LinksOf(occurrence int64, scopes []string) (map[string]Link, error) {
	out := map[string]Link{}
	err := chunked(scopes, func(part []string) error {
		links, err := all[Link](r.db.Where("occurrence_id = ? AND scope IN ?", occurrence, part))
		for _, l := range links {
			out[l.Scope] = l
		}
		return err
	})
	return out, err
}

// LinkByCode returns the link of a code.
func (r Reader) LinkByCode(code string) (Link, error) {
	return first[Link](r.db.Where("code = ?", code))
}

// LinksByCode returns links by their codes; those that are not there are left out.
func (r Reader) LinksByCode(codes []string) (map[string]Link, error) {
	out := map[string]Link{}
	err := chunked(codes, func(part []string) error {
		links, err := all[Link](r.db.Where("code IN ?", part))
		for _, l := range links {
			out[l.Code] = l
		}
		return err
	})
	return out, err
}

// LinkHour is how often a link was followed in an hour. It is a statistic: what a crash loses
// of the last seconds is not counted.
type LinkHour struct {
	LinkID int64     `gorm:"primaryKey"`
	Hour   time.Time `gorm:"primaryKey;serializer:ms"` // its first moment
	Clicks int64
}

// TableName is the table of clicks by hour.
func (LinkHour) TableName() string { return "link_hour" }

// LinkUse is what is added to a link's sums.
type LinkUse struct {
	LinkID, Clicks, Orders, AmountFen int64
	At                                time.Time // the last click or order
}

// AddClicks adds what was counted of some links and hours. The uses are the same clicks, a row
// a link.
func (tx *Tx) AddClicks(hours []LinkHour, uses []LinkUse) error {
	if len(hours) == 0 {
		return nil
	}
	err := tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "link_id"}, {Name: "hour"}},
		DoUpdates: clause.Assignments(map[string]any{"clicks": gorm.Expr("link_hour.clicks + excluded.clicks")}),
	}).CreateInBatches(hours, 33).Error
	if err != nil {
		return err
	}
	return tx.useLinks(uses)
}

// useLinks adds to the sums of links; one that was forgotten is left out.
func (tx *Tx) useLinks(uses []LinkUse) error {
	const each = 20 // 5 parameters a row; see chunked
	for len(uses) > 0 {
		part := uses[:min(each, len(uses))]
		uses = uses[len(part):]
		rows, args := make([]string, len(part)), []any{}
		for i, u := range part {
			// PostgreSQL takes a parameter for a text unless it is told.
			rows[i] = `(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))`
			args = append(args, u.LinkID, u.Clicks, u.Orders, u.AmountFen, u.At.UnixMilli())
		}
		err := tx.db.Exec(`UPDATE link SET clicks = clicks + column2, orders = orders + column3, amount_fen = amount_fen + column4,
			used_at = CASE WHEN used_at > column5 THEN used_at ELSE column5 END
			FROM (VALUES `+strings.Join(rows, ", ")+`) AS used WHERE link.id = used.column1`, args...).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// ClickHours lists how often the links of an occurrence were followed, hour by hour.
func (r Reader) ClickHours(occurrence int64) ([]LinkHour, error) {
	return all[LinkHour](r.db.Table("link_hour").Select("0 AS link_id, hour, SUM(link_hour.clicks) AS clicks").
		Joins("JOIN link ON link.id = link_hour.link_id").Where("link.occurrence_id = ?", occurrence).Group("hour").Order("hour"))
}

// SaleFilter selects what the links of a promotion brought.
type SaleFilter struct {
	Promotion  int64
	Occurrence int64  // 0: all
	By         string // group, store, owner or occurrence
	From       string // a key: from behind it on. Of an occurrence it is a number
	Begun      bool   // whether From holds; the first key may be empty
	Limit      int
}

// Sale is what came by links that have something in common: a group, a store, an owner or an
// occurrence.
type Sale struct {
	Key       string    // of the group, the store or the owner; empty: not known. Or the occurrence's id
	At        time.Time `gorm:"serializer:ms"` // of the occurrence, where that is asked for
	Clicks    int64
	Orders    int64
	AmountFen int64
}

// Sales sums what came by a promotion's links. What nothing came by is not in it.
func (r Reader) Sales(f SaleFilter) ([]Sale, error) {
	column, ok := map[string]string{"group": "link.chat_id", "store": "link.shop_id", "owner": "link.owner", "occurrence": "link.occurrence_id"}[f.By]
	if !ok {
		return nil, fmt.Errorf("sales are not summed by %q", f.By)
	}
	q := r.db.Table("link").Where("link.promotion_id = ? AND link.used_at IS NOT NULL", f.Promotion).Group(column).Order(column)
	sums := "SUM(link.clicks) AS clicks, SUM(link.orders) AS orders, SUM(link.amount_fen) AS amount_fen"
	if f.Occurrence != 0 {
		q = q.Where("link.occurrence_id = ?", f.Occurrence)
	}
	behind := any(f.From)
	if f.By == "occurrence" {
		id, err := strconv.ParseInt(f.From, 10, 64)
		if behind = id; f.Begun && err != nil {
			return nil, fmt.Errorf("sales from behind occurrence %q: %w", f.From, err)
		}
		q = q.Select("CAST(link.occurrence_id AS TEXT) AS key, MIN(occurrence.at) AS at, " + sums).Joins("JOIN occurrence ON occurrence.id = link.occurrence_id")
	} else {
		q = q.Select(column + " AS key, " + sums)
	}
	if f.Begun {
		q = q.Where(column+" > ?", behind)
	}
	return all[Sale](limited(q, f.Limit))
}

// PruneClicks forgets at most limit hours from before a time.
func (tx *Tx) PruneClicks(before time.Time, limit int) (int64, error) {
	res := tx.db.Exec(`DELETE FROM link_hour WHERE (link_id, hour) IN (SELECT link_id, hour FROM link_hour WHERE hour < ? ORDER BY hour LIMIT ?)`,
		before.UnixMilli(), limit)
	return res.RowsAffected, res.Error
}

// PruneLinks forgets at most limit links that were made before a time and that nobody ever
// followed. The others keep their sums, and keep leading where they lead.
func (tx *Tx) PruneLinks(before time.Time, limit int) (int64, error) {
	res := tx.db.Exec(`DELETE FROM link WHERE id IN (SELECT id FROM link WHERE used_at IS NULL AND created_at < ? ORDER BY created_at LIMIT ?)`,
		before.UnixMilli(), limit)
	return res.RowsAffected, res.Error
}
