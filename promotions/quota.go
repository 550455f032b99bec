package promotions

import (
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// What a company may have set its mass messages to be counted by.
const (
	QuotaMonth = "month" // as many as the month has days; also the empty rule
	QuotaWeek  = "week"  // 7, from Monday to Sunday
	QuotaDay   = "day"   // 1
)

// Quota is how many mass messages a group may get, those that people send by hand included.
// The platform does not say on which day its week begins, nor in which zone it counts; Monday
// and the company's zone are the likely ones.
// https://developer.work.weixin.qq.com/document/path/92135
type Quota struct {
	Rule string // QuotaMonth, QuotaWeek or QuotaDay
	Zone *time.Location
}

// period is the month, week or day around a moment; to is excluded.
func (q Quota) period(at time.Time) (from, to time.Time) {
	local := at.In(q.Zone)
	year, month, day := local.Date()
	switch q.Rule {
	case QuotaDay:
		return date(year, month, day, q.Zone), date(year, month, day+1, q.Zone)
	case QuotaWeek:
		day -= (int(local.Weekday()) + 6) % 7
		return date(year, month, day, q.Zone), date(year, month, day+7, q.Zone)
	}
	return date(year, month, 1, q.Zone), date(year, month+1, 1, q.Zone)
}

func date(year int, month time.Month, day int, zone *time.Location) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// most is how many mass messages a group may get in the period of a moment.
func (q Quota) most(at time.Time) int {
	switch q.Rule {
	case QuotaDay:
		return 1
	case QuotaWeek:
		return 7
	}
	_, to := q.period(at)
	return to.AddDate(0, 0, -1).Day()
}

// words name the period in Chinese and English.
func (q Quota) words() (zh, en string) {
	switch q.Rule {
	case QuotaDay:
		return "当天", "day"
	case QuotaWeek:
		return "本周", "week"
	}
	return "本月", "month"
}

// spent is what some groups have of their quota already.
type spent struct {
	Quota
	most int
	used map[string]int  // by group
	full map[string]bool // as the platform said
}

// spent counts what uses the quota of some groups in the period of a moment: what was sent in
// it and what may still be, for an owner may confirm what waits at any time. A group that the
// platform called full stays so until the period is over, whatever we count: people send by
// hand too.
func (q Quota) spent(r store.Reader, at time.Time, groups []store.Chat) (spent, error) {
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.ChatID
	}
	s := spent{Quota: q, most: q.most(at)}
	from, to := q.period(at)
	// An occurrence uses a group's quota once at most, so most of the time nothing is to be
	// counted group by group, which reads a row for each of them.
	n, err := r.QuotaOccurrences(from, to)
	if err == nil && n >= s.most {
		s.used, err = r.UsedQuota(ids, from, to)
	}
	if err != nil {
		return s, err
	}
	s.full, err = r.FullGroups(ids, at)
	return s, err
}

// blocks says why a group may not get a mass message; without words it may.
func (s spent) blocks(g store.Chat) reason {
	_, period := s.words()
	switch {
	case g.Owner == "":
		return reasonNoOwner
	case s.used[g.ChatID] >= s.most:
		return reasonQuota.saying(fmt.Sprintf("the group got %d of %d messages of this %s", s.used[g.ChatID], s.most, period))
	case s.full[g.ChatID]:
		return reasonQuotaByHand.saying(fmt.Sprintf("the group got all messages of this %s, as WeCom says: some were sent by hand", period))
	}
	return reason{}
}

// remember writes down which groups the platform called full when their owner confirmed.
func (q Quota) remember(tx *store.Tx, confirmed time.Time, results []bot.SendResult) error {
	var full []string
	for _, res := range results {
		if res.Status == bot.SendQuota {
			full = append(full, string(res.Chat))
		}
	}
	if len(full) == 0 {
		return nil
	}
	_, until := q.period(confirmed)
	if !until.After(tx.Now) {
		return nil // the period is over
	}
	slices.Sort(full) // so that two who write down the same groups do not wait for each other in turn
	return tx.FillGroups(full, until)
}

func (p *Planner) quota() Quota { return Quota{p.QuotaRule, p.Zone} }
