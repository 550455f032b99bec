package handlers

import (
	"cmp"
	"errors"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// The estate's figures.
const (
	EstateDays  = 14                 // whole days that joins are shown for, today among them
	estateIdle  = 7 * 24 * time.Hour // a code older than that by which nobody ever came is unused
	estateChunk = 500
)

// EstateFilter selects codes of the estate; empty fields select everything.
type EstateFilter struct {
	Shop, Region, Status string
	Cursor               int64
	Limit                int // 0: all
}

// EstateCode is a code with how it does.
type EstateCode struct {
	store.Channel
	ShopName, Region string
	StaffName        string
	Groups           []store.CodeRoom
	Joins, Contacts  store.CodeTraffic
	Scans            int64
	LastScan         time.Time // of its public page; zero: never
	Status           string    // live, nearly_full, full, dead or unused
}

// Estate tells of codes how they do, by id, and the days that its figures are for: they begin
// at midnight in the zone.
func Estate(r store.Reader, f EstateFilter, now time.Time, zone *time.Location) (codes []EstateCode, days []time.Time, err error) {
	y, m, d := now.In(zone).Date()
	for i := range EstateDays {
		days = append(days, time.Date(y, m, d-EstateDays+1+i, 0, 0, 0, 0, zone))
	}
	idle := now.Add(-estateIdle)
	about := &estateNames{r: r, shops: map[string]store.Shop{}, staff: map[string]string{}}
	for cursor := f.Cursor; ; {
		n := estateChunk
		if f.Limit > 0 {
			n = min(n, f.Limit-len(codes))
		}
		if n == 0 {
			return codes, days, nil
		}
		rows, err := r.Estate(store.EstateFilter{Shop: f.Shop, Region: f.Region, Status: f.Status, Idle: idle, Cursor: cursor, Limit: n})
		if err != nil {
			return nil, nil, err
		}
		some, err := about.codes(rows, days, idle)
		if err != nil {
			return nil, nil, err
		}
		codes = append(codes, some...)
		if len(rows) < n {
			return codes, days, nil
		}
		cursor = rows[len(rows)-1].ID
	}
}

// estateNames remembers whom and what the codes name.
type estateNames struct {
	r     store.Reader
	shops map[string]store.Shop
	staff map[string]string
}

func (e *estateNames) codes(rows []store.Channel, days []time.Time, idle time.Time) ([]EstateCode, error) {
	ids, states := make([]int64, len(rows)), make([]string, len(rows))
	for i, ch := range rows {
		ids[i], states[i] = ch.ID, ch.State
	}
	rooms, err := e.r.CodeRooms(ids)
	if err != nil {
		return nil, err
	}
	joins, err := e.r.CodeJoins(states, days)
	if err != nil {
		return nil, err
	}
	contacts, err := e.r.CodeContacts(states, days)
	if err != nil {
		return nil, err
	}
	scans, err := e.r.CodeScansOf(ids)
	if err != nil {
		return nil, err
	}
	out := make([]EstateCode, len(rows))
	for i, ch := range rows {
		c := EstateCode{Channel: ch, Joins: joins[ch.State], Contacts: contacts[ch.State], Scans: scans[ch.ID].Scans, Status: ch.Condition}
		if at := scans[ch.ID].LastAt; at > 0 {
			c.LastScan = time.UnixMilli(at)
		}
		for _, id := range ch.ChatIDs {
			if rm, ok := rooms[id]; ok {
				c.Groups = append(c.Groups, rm)
			}
		}
		if ch.Condition == store.CodeLive && ch.CreatedAt.Before(idle) && c.Joins.Total+c.Contacts.Total == 0 {
			c.Status = store.CodeUnused
			c.Alarm = "还没有人扫码进来"
		}
		if err := e.name(&c); err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// name fills in whose the code is, in words. One without a shop is of that of its groups.
func (e *estateNames) name(c *EstateCode) error {
	id := c.ShopID
	for _, g := range c.Groups {
		id = cmp.Or(id, g.ShopID)
	}
	if _, ok := e.shops[id]; !ok && id != "" {
		shop, err := e.r.Shop(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		e.shops[id] = shop
	}
	c.ShopName, c.Region = e.shops[id].Name, e.shops[id].Region
	if _, ok := e.staff[c.Staff]; !ok && c.Staff != "" {
		row, err := e.r.Staff(bot.UserID(c.Staff))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		e.staff[c.Staff] = row.Name
	}
	c.StaffName = e.staff[c.Staff]
	return nil
}
