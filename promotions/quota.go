package promotions

import (
	"fmt"
	"time"

	"xiaobu/store"
)

// quota says which of some groups may get one more mass message in a period.
type quota struct {
	limit int
	used  map[string]int // by group
}

// quotaOf counts what some groups have got, or will get, in the period of an occurrence.
func (p *Planner) quotaOf(r store.Reader, at time.Time, groups []store.Chat) (quota, error) {
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.ChatID
	}
	from, to := p.month(at)
	used, err := r.UsedQuota(ids, from, to)
	return quota{limit: p.monthDays(at), used: used}, err
}

// blocks says why a group may not get a mass message; empty: it may.
func (q quota) blocks(g store.Chat) string {
	switch {
	case g.Owner == "":
		return "the group has no known owner"
	case q.used[g.ChatID] >= q.limit:
		return fmt.Sprintf("the group got %d of %d messages of this month", q.used[g.ChatID], q.limit)
	}
	return ""
}

// month is the calendar month around a moment: WeCom counts a group's mass messages by it.
func (p *Planner) month(at time.Time) (from, to time.Time) {
	local := at.In(p.Zone)
	from = time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, p.Zone)
	return from, from.AddDate(0, 1, 0)
}

// monthDays is how many mass messages a group may get in the month of a moment: as many as
// the month has days.
// https://developer.work.weixin.qq.com/document/path/92135
func (p *Planner) monthDays(at time.Time) int {
	_, to := p.month(at)
	return to.AddDate(0, 0, -1).Day()
}
