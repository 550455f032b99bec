package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// How a month of promotions is made up. It begins on the last day of November and ends on that
// of December, so that both are the last day of a month. The race detector sees four days.
const (
	monthDays   = 32 / min(slow, 8)
	monthGroups = 8
	monthOwners = 4
)

// month is a company that posts promotions for 32 days. Its owners are slow, and one is on
// leave for a while.
type month struct {
	*simulation
	broken bool
	promos []*regular
}

// regular is a promotion of the month as this test knows it: what was posted, and nothing of
// the bot's.
type regular struct {
	promo
	cron    string
	on      func(day time.Time) bool
	within  time.Duration
	confirm time.Duration // how long owners may take
}

// slot is one time of a promotion. What is posted then holds its day, so that the platform
// alone shows what belongs to it.
type slot struct {
	*regular
	at  time.Time
	day string // 12月3日
}

func (p *regular) slots(from, to time.Time, zone *time.Location) (out []slot) {
	for _, at := range p.promo.slots(from, to, zone) {
		if local := at.In(zone); p.on(local) {
			out = append(out, slot{p, at, local.Format("1月2日")})
		}
	}
	return out
}

// Thirty days with crashes, answers lost after the work was done, revoked tokens, times when
// the bot is not there at a slot, and slow owners: no group gets an occurrence twice, none is
// forgotten, and nothing is posted late or beyond the quota. Where nothing breaks everything
// that an owner confirmed arrives.
func TestAMonthOfPromotionsReachesEachGroupOnce(t *testing.T) {
	seed := uint64(30)
	if *oneSeed >= 0 {
		seed = uint64(*oneSeed)
	}
	for name, broken := range map[string]bool{"nothing breaks": false, "much breaks": true} {
		if slow > 1 && !broken {
			continue // the race detector sees the busier one
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &month{simulation: newSimulation(t, seed), broken: broken}
			m.test = "MonthOfPromotions"
			defer m.tellIfFailed()
			defer m.end()
			m.begin()
			m.live()
			m.check()
		})
	}
}

// begin makes the company, wakes the bot and posts the promotions.
func (m *month) begin() {
	m.t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(m.t, err)
	m.conf.Timezone = zone
	m.company = &company{names: map[string]string{}}
	m.audit.every = 12 * time.Hour
	for i := range monthOwners {
		m.company.owners = append(m.company.owners, fmt.Sprintf("owner%d", i))
		must(m.t, m.box.AddStaff(sandbox.Staff{UserID: m.company.owners[i], Name: fmt.Sprint("店长", i)}))
	}
	for i := range monthGroups {
		id, err := m.box.CreateGroup(m.company.owners[i*i%monthOwners], fmt.Sprint("群", i), m.company.owners[0])
		must(m.t, err)
		m.company.groups = append(m.company.groups, id)
	}
	m.wake()
	m.until(m.clock.now().Add(time.Minute))
	for i, g := range m.company.groups {
		store := fmt.Sprintf("s%d", i/2)
		m.want(http.StatusOK, http.MethodPut, "/stores/"+store, map[string]any{"name": "门店" + store}, nil)
		m.want(http.StatusOK, http.MethodPut, "/groups/"+g, map[string]any{"store_id": store}, nil)
	}
	weekday := func(days ...time.Weekday) func(time.Time) bool {
		return func(d time.Time) bool { return slices.Contains(days, d.Weekday()) }
	}
	m.post(&regular{cron: "每周一三五 10:07", within: 45 * time.Minute, confirm: 3 * time.Hour, on: weekday(time.Monday, time.Wednesday, time.Friday), promo: promo{text: "秒杀", hour: 10, minute: 7}}, "{store}")
	m.post(&regular{cron: "23 17 * * *", within: time.Minute, confirm: time.Hour, on: func(time.Time) bool { return true }, promo: promo{text: "每日", hour: 17, minute: 23}}, "")
	m.post(&regular{cron: "13 20 L * *", within: 2 * time.Hour, confirm: 12 * time.Hour, on: func(d time.Time) bool { return d.AddDate(0, 0, 1).Day() == 1 }, promo: promo{text: "月末", hour: 20, minute: 13}}, "{group}")
}

func (m *month) post(p *regular, more string) {
	m.t.Helper()
	missed := map[string]any{"policy": "skip"}
	if p.within > time.Minute {
		missed = map[string]any{"policy": "send_within", "within": p.within.String()}
	}
	var made struct{ ID string }
	m.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": p.text, "schedule": map[string]any{"cron": p.cron, "missed": missed},
		"targets": map[string]any{"all": true}, "confirm_within": p.confirm.String(), "message": map[string]any{"text": p.text + "/{date}/" + more}}, &made)
	p.id, p.created = made.ID, m.clock.now()
	m.promos = append(m.promos, p)
}

// live lets the month go by, and then two days on which everything works and nothing is posted.
func (m *month) live() {
	m.t.Helper()
	from := m.clock.now()
	end := from.AddDate(0, 0, monthDays)
	for _, s := range m.slots(end) {
		for i, owner := range m.company.owners {
			onLeave := i == 3 && s.at.Sub(from) > 10*24*time.Hour && s.at.Sub(from) < 14*24*time.Hour
			if wait := time.Duration(m.rand.Float64() * 1.1 * float64(s.confirm)); !onLeave && m.chance(0.9) {
				m.at(s.at.Add(time.Minute+wait.Round(time.Second)), func() { m.look(owner) })
			}
		}
		if m.broken && m.chance(0.8) {
			m.at(s.at.Add(-time.Duration(m.rand.IntN(60))*time.Second), m.breakSlot)
		}
	}
	for day := from; m.broken && day.Before(end); day = day.Add(16 * time.Hour) {
		m.at(day.Add(time.Duration(m.rand.IntN(16*60))*time.Minute), m.breakSlot)
	}
	for day := from; day.Before(end); day = day.AddDate(0, 0, 1) {
		m.until(day)
	}
	m.until(end)
	m.heal()
	for _, p := range m.promos {
		m.want(http.StatusNoContent, http.MethodDelete, "/promotions/"+p.id, nil, nil)
		p.ended = m.clock.now()
	}
	m.plan = nil
	m.until(m.clock.now().AddDate(0, 0, 2))
}

// slots are those of all promotions until a moment.
func (m *month) slots(until time.Time) (out []slot) {
	for _, p := range m.promos {
		out = append(out, p.slots(p.created.Add(time.Minute), until.Add(-time.Minute), m.conf.Timezone)...)
	}
	return out
}

// breakSlot lets something go wrong that mass messages suffer from.
func (m *month) breakSlot() {
	task := map[string]sandbox.APIFault{}
	switch m.rand.IntN(8) {
	case 0: // the work was done and nobody knows
		task["externalcontact/add_msg_template"] = sandbox.APIFault{CutAfter: true, Probability: 0.7}
		m.setFaults(sandbox.Faults{API: task})
	case 1:
		task["externalcontact/add_msg_template"] = sandbox.APIFault{Stall: time.Minute, Probability: 0.5}
		task["externalcontact/get_groupmsg_list_v2"] = sandbox.APIFault{CutBefore: true, Probability: 0.5}
		m.setFaults(sandbox.Faults{API: task})
	case 2:
		m.setFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"*": m.badCall()}, Callbacks: m.badPost()})
	case 3:
		m.setFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"*": {Revoke: true, Probability: 0.3}}})
	case 4:
		m.box.RevokeTokens()
		m.tell("all tokens are revoked")
	case 5:
		m.restart(time.Duration(1+m.rand.IntN(90)) * time.Minute)
	default:
		m.crashIn, m.crashAfter = 1+m.rand.IntN(6), m.chance(0.7)
		m.tell("the bot will crash at its %d. call", m.crashIn)
	}
}

// check compares what the groups got with what was to be posted.
func (m *month) check() {
	m.t.Helper()
	slots := m.slots(m.promos[0].ended)
	posts := m.posts()
	tried := 0
	for _, s := range slots {
		key := s.text + "/" + s.day
		tried += m.checkSlot(s, posts[key])
		delete(posts, key)
	}
	for key := range posts {
		m.audit.bad("%s was posted and is no slot", key)
	}
	m.company.promos = nil
	for _, p := range m.promos {
		m.company.promos = append(m.company.promos, &p.promo)
	}
	m.audit.deliveries()
	m.audit.rest()
	m.checkQuota()
	if want := len(slots) * monthGroups / 2; tried < want || m.broken && m.lives < monthDays/4 {
		m.audit.bad("only %d messages to groups were made and the bot lived %d times; the month shows nothing", tried, m.lives+1)
	}
	if !m.t.Failed() && testing.Verbose() {
		m.t.Logf("%d slots, %d messages to groups, %d lives", len(slots), tried, m.lives+1)
	}
}

// post is a mass message to a group as the platform has it.
type post struct {
	group     string
	at        time.Time
	confirmed bool
	status    int // 0: not sent
}

// posts are all of them, by promotion and day.
func (m *month) posts() map[string][]post {
	m.t.Helper()
	out := map[string][]post{}
	for _, t := range m.box.Tasks() {
		parts := strings.Split(t.Text, "/")
		key := parts[0] + "/" + parts[1]
		status := map[string]int{}
		for _, r := range t.Results {
			status[r.Target] = r.Status
		}
		for _, share := range t.Shares {
			for _, g := range share.Targets {
				out[key] = append(out[key], post{g, t.CreatedAt, !share.ConfirmedAt.IsZero(), status[g]})
			}
		}
	}
	return out
}

// checkSlot looks at one slot, and returns how many groups a message was made for.
func (m *month) checkSlot(s slot, posts []post) int {
	m.t.Helper()
	slack := time.Minute + max(m.skew, -m.skew)
	made := map[string]post{}
	for _, p := range posts {
		if _, twice := made[p.group]; twice {
			m.audit.bad("group %s has two messages of %s on %s", p.group, s.text, s.day)
		}
		made[p.group] = p
		if late := p.at.Sub(s.at); late < -slack || late > max(s.within, 5*time.Minute)+slack {
			m.audit.bad("%s of %s was made %s after its time", s.text, s.day, late)
		}
		if !m.broken && p.confirmed && p.status != sandbox.ResultSent {
			m.audit.bad("%s of %s was confirmed and did not reach group %s: %d", s.text, s.day, p.group, p.status)
		}
	}
	if status := m.became(s); status == "missed" || status == "skipped" {
		if len(posts) > 0 || m.wasThere(s) {
			m.audit.bad("%s of %s is %s; %d messages were made, and the bot was down %v", s.text, s.day, status, len(posts), m.downs)
		}
		return 0
	} else if status != "done" {
		m.audit.bad("%s of %s is %q", s.text, s.day, status)
	}
	m.checkRows(s, made)
	return len(made)
}

// became is the status of a slot's occurrence.
func (m *month) became(s slot) string {
	m.t.Helper()
	for _, o := range items[struct {
		At     time.Time
		Status string
	}](m.rig, "/promotions/"+s.id+"/occurrences") {
		if o.At.Equal(s.at) {
			return o.Status
		}
	}
	return ""
}

// wasThere reports whether the bot was up at some moment at which a slot was not too late.
func (m *month) wasThere(s slot) bool {
	slack := 10*time.Second + max(m.skew, -m.skew)
	return !slices.ContainsFunc(m.downs, func(d span) bool {
		return !d.from.After(s.at.Add(slack)) && !d.to.Before(s.at.Add(s.within-slack))
	})
}

// checkRows demands that each group has one row with its end, and that a group without a
// message has a reason: none is forgotten.
func (m *month) checkRows(s slot, made map[string]post) {
	m.t.Helper()
	rows := map[string]delivery{}
	for _, d := range items[delivery](m.rig, "/promotions/"+s.id+"/deliveries?at="+s.at.Format("2006-01-02T15:04:05Z")) {
		if _, twice := rows[d.ChatID]; twice {
			m.audit.bad("%s of %s has two deliveries for group %s", s.text, s.day, d.ChatID)
		}
		rows[d.ChatID] = d
	}
	for _, g := range m.company.groups {
		d, posted := rows[g], false
		if _, ok := made[g]; ok {
			posted = true
		}
		fine := d.Status == "blocked" && !posted && strings.Contains(d.Reason, "31 messages of this month") || slices.Contains([]string{"sent", "unsent", "cancelled"}, d.Status) && posted ||
			m.broken && !posted && d.Status == "failed" && d.Reason != ""
		if !fine || (d.Status == "sent") != (made[g].status == sandbox.ResultSent) {
			m.audit.bad("%s of %s, group %s: the books say %q (%s), the platform %+v", s.text, s.day, g, d.Status, d.Reason, made[g])
		}
	}
}

// checkQuota demands that the platform never had to refuse a group because of its quota: the
// bot counts itself.
func (m *month) checkQuota() {
	m.t.Helper()
	in := map[string]int{}
	for _, t := range m.box.Tasks() {
		for _, r := range t.Results {
			in[r.Target+r.At.In(m.conf.Timezone).Format(" 2006-01")]++
			if r.Status != sandbox.ResultSent {
				m.audit.bad("group %s was refused on %s: %d", r.Target, r.At, r.Status)
			}
		}
	}
	most := 0
	for key, n := range in {
		if most = max(most, n); n > 31 {
			m.audit.bad("%d messages in %s", n, key)
		}
	}
	if !m.broken && monthDays > 30 && most < 25 {
		m.audit.bad("no group got more than %d messages: the quota was never near", most)
	}
}
