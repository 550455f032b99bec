package store

import (
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// CodeUnused is the state of a code that leads somewhere and that nobody has come by.
const CodeUnused = "unused"

// EstateFilter selects codes; empty fields select everything. Personal codes of customers are
// left out.
type EstateFilter struct {
	Shop   string
	Region string
	Status string    // live, nearly_full, full, dead or unused
	Idle   time.Time // a code made before, by which nobody ever came, is unused
	Cursor int64
	Limit  int // 0: no limit
}

// Estate lists codes by id.
func (r Reader) Estate(f EstateFilter) ([]Channel, error) {
	q := r.db.Where("channel.id > ? AND channel.status = ? AND channel.purpose <> ?", f.Cursor, ChannelActive, PurposeReferral).Order("channel.id")
	return all[Channel](limited(inState(inShops(q, f.Region, f.Shop), f), f.Limit))
}

// inShops keeps the codes of a region's shops, or of one shop; empty selects everything. A code
// without a shop is one of the shops of the groups it leads to.
func inShops(q *gorm.DB, region, shop string) *gorm.DB {
	if region == "" && shop == "" {
		return q
	}
	const of = `(SELECT id FROM shop WHERE region = ? OR ? = '') AND (shop_id = ? OR ? = '')`
	return q.Where(`(shop_id IN `+of+` OR shop_id = '' AND id IN (SELECT channel_id FROM channel_chat WHERE chat_id IN
		(SELECT chat_id FROM chat WHERE shop_id IN `+of+`)))`, region, region, shop, shop, region, region, shop, shop)
}

// inState keeps the codes in a state.
func inState(q *gorm.DB, f EstateFilter) *gorm.DB {
	const used = `(EXISTS (SELECT 1 FROM stint WHERE stint.state = channel.state AND stint.state <> '')
		OR EXISTS (SELECT 1 FROM contact WHERE contact.state = channel.state AND contact.state <> ''))`
	switch f.Status {
	case "":
		return q
	case CodeUnused:
		return q.Where("channel.condition = 'live' AND channel.created_at < ? AND NOT "+used, ms(f.Idle))
	case CodeLive:
		return q.Where("channel.condition = 'live' AND (channel.created_at >= ? OR "+used+")", ms(f.Idle))
	}
	return q.Where("channel.condition = ?", f.Status)
}

// CodeRoom is a group that a code leads to.
type CodeRoom struct {
	ChatID  string
	Name    string
	Status  string
	ShopID  string
	People  int
	QRJoins int // joins by code ever
}

// CodeRooms returns the groups of codes, by group.
func (r Reader) CodeRooms(ids []int64) (map[string]CodeRoom, error) {
	out := map[string]CodeRoom{}
	err := chunked(ids, func(part []int64) error {
		var rows []CodeRoom
		err := r.db.Raw(`SELECT chat_id, name, status, shop_id, customers + staff AS people,
			(SELECT COUNT(*) FROM stint WHERE stint.chat_id = chat.chat_id AND stint.join_scene = 'qr') AS qr_joins
			FROM chat WHERE chat_id IN (SELECT chat_id FROM channel_chat WHERE channel_id IN ?)`, part).Scan(&rows).Error
		for _, row := range rows {
			out[row.ChatID] = row
		}
		return err
	})
	return out, err
}

// CodeTraffic is how many came by a code.
type CodeTraffic struct {
	Total int64
	Last  time.Time
	Days  []int64 // by the days asked for
}

// CodeJoins counts the joins of customers by the state they carried, in all and on days whose
// beginnings are given in order; the last day has no end.
func (r Reader) CodeJoins(states []string, days []time.Time) (map[string]CodeTraffic, error) {
	return r.traffic("stint", "joined_at", "AND kind = 'customer'", states, days)
}

// CodeContacts is CodeJoins for customers who became contacts.
func (r Reader) CodeContacts(states []string, days []time.Time) (map[string]CodeTraffic, error) {
	return r.traffic("contact", "added_at", "", states, days)
}

func (r Reader) traffic(table, at, and string, states []string, days []time.Time) (map[string]CodeTraffic, error) {
	var bucket strings.Builder
	bucket.WriteString("CASE")
	for i, d := range days[1:] {
		fmt.Fprintf(&bucket, " WHEN %s < %d THEN %d", at, d.UnixMilli(), i)
	}
	fmt.Fprintf(&bucket, " ELSE %d END", len(days)-1)
	out := map[string]CodeTraffic{}
	err := chunked(states, func(part []string) error {
		var totals []struct {
			State  string
			N      int64
			LastAt int64
		}
		err := r.db.Raw(`SELECT state, COUNT(*) AS n, MAX(`+at+`) AS last_at FROM `+table+` WHERE state IN ? AND state <> '' `+and+` GROUP BY state`, part).Scan(&totals).Error
		if err != nil {
			return err
		}
		for _, t := range totals {
			out[t.State] = CodeTraffic{Total: t.N, Last: fromMS(t.LastAt), Days: make([]int64, len(days))}
		}
		var daily []struct {
			State string
			Day   int
			N     int64
		}
		err = r.db.Raw(`SELECT state, `+bucket.String()+` AS day, COUNT(*) AS n FROM `+table+` WHERE state IN ? AND state <> '' `+and+
			` AND `+at+` >= ? GROUP BY 1, 2`, part, days[0].UnixMilli()).Scan(&daily).Error
		for _, d := range daily {
			out[d.State].Days[d.Day] = d.N
		}
		return err
	})
	return out, err
}

// CodeScans is how often the public page of a code was opened.
type CodeScans struct {
	ChannelID int64
	Scans     int64
	LastAt    int64 // milliseconds
}

// CodeScansOf returns the scans of codes, by id.
func (r Reader) CodeScansOf(ids []int64) (map[int64]CodeScans, error) {
	out := map[int64]CodeScans{}
	err := chunked(ids, func(part []int64) error {
		var rows []CodeScans
		err := r.db.Raw(`SELECT channel_id, SUM(scans) AS scans, MAX(last_at) AS last_at FROM channel_day WHERE channel_id IN ? GROUP BY channel_id`, part).Scan(&rows).Error
		for _, row := range rows {
			out[row.ChannelID] = row
		}
		return err
	})
	return out, err
}
