package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// lateAfter is when a post that appears is late: a sale at ten is no sale at noon.
const lateAfter = 30 * time.Minute

// gathering is a report in the making.
type gathering struct {
	*stage
	r        store.Reader
	rep      *Report
	names    map[string]string // of staff
	groups   map[string]*Group
	days     map[string]*Day
	owners   map[string]*Owner
	refusals map[string]*Refusal
	posts    []post
	delays   map[string][]time.Duration // until owners confirmed
	reached  map[string]map[string]bool // the groups of each owner's tasks
}

// post is one group of one occurrence.
type post struct {
	store.Delivery
	promotion string
}

// report reads off the copy and the sandbox what came of the days.
func (s *stage) report(ctx context.Context) (*Report, error) {
	zone := s.o.Config.Timezone
	g := &gathering{stage: s, r: s.app.Store.Read(ctx), names: map[string]string{}, groups: map[string]*Group{}, days: map[string]*Day{},
		owners: map[string]*Owner{}, refusals: map[string]*Refusal{}, delays: map[string][]time.Duration{}, reached: map[string]map[string]bool{},
		rep: &Report{Schema: Schema, Company: s.o.Config.WeCom.CorpID, From: s.o.From.In(zone), To: s.to.In(zone), AsOf: s.asOf.In(zone), Timezone: zone.String(), Seed: s.o.Seed}}
	for i := range s.o.Days {
		date := s.o.From.In(zone).AddDate(0, 0, i).Format(time.DateOnly)
		g.days[date] = &Day{Date: date}
	}
	for _, gather := range []func() error{
		g.company, g.promotions, g.memberships, func() error { return g.rewards(ctx) }, g.quotas, g.comers, g.collisions, g.sum, g.assume,
	} {
		if err := gather(); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	return g.rep, nil
}

func (g *gathering) in(t time.Time) bool { return !t.Before(g.o.From) && t.Before(g.to) }

func (g *gathering) day(t time.Time) *Day { return g.days[g.date(t)] }

func (g *gathering) date(t time.Time) string {
	return t.In(g.o.Config.Timezone).Format(time.DateOnly)
}

// company reads names and groups as they are at the end.
func (g *gathering) company() error {
	for _, u := range g.box.Staff() {
		g.names[u.UserID] = u.Name
	}
	chats, err := g.r.Chats(store.ChatFilter{Status: store.ChatActive})
	if err != nil {
		return err
	}
	g.rep.Groups = []Group{}
	for _, c := range chats {
		g.rep.Groups = append(g.rep.Groups, Group{ChatID: c.ChatID, Name: or(c.Name, c.ChatID), Store: g.past.shops[c.ShopID].Name, Owner: c.Owner, Customers: c.Customers})
		g.rep.Totals.Customers += c.Customers
	}
	g.rep.Totals.Groups = len(chats)
	for i := range g.rep.Groups {
		g.groups[g.rep.Groups[i].ChatID] = &g.rep.Groups[i]
	}
	return nil
}

// promotions reads the calendar: every slot in the days, with its tasks and groups.
func (g *gathering) promotions() error {
	g.rep.Calendar = []Occurrence{}
	promos, err := g.r.Promotions(0, 0)
	if err != nil {
		return err
	}
	for _, p := range promos {
		occs, err := g.r.Occurrences(p.ID, g.o.From.Add(-time.Millisecond), 0)
		if err != nil {
			return err
		}
		for _, occ := range occs {
			if !g.in(occ.At) {
				continue
			}
			if err := g.occurrence(p, occ); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(g.rep.Calendar, func(a, b Occurrence) int { return a.At.Compare(b.At) })
	return nil
}

func (g *gathering) occurrence(p store.Promotion, occ store.Occurrence) error {
	o := Occurrence{At: occ.At.In(g.o.Config.Timezone), PromotionID: fmt.Sprint(p.ID), Promotion: p.Name, Status: occ.Status, Reason: occ.Reason,
		Past: !occ.At.After(g.asOf), ChatIDs: []string{}}
	deliveries, err := g.r.Deliveries(store.DeliveryFilter{Promotion: p.ID, At: occ.At})
	if err != nil {
		return err
	}
	day := g.day(occ.At)
	for _, d := range deliveries {
		if d.Outlet == "" { // staff chats are not in the sandbox; see assume
			g.delivery(&o, day, post{d.Delivery, p.Name})
		}
	}
	if occ.Status == store.OccurrenceMissed || occ.Status == store.OccurrenceSkipped {
		g.refuse(Refusal{Code: occ.Status, What: p.Name, Count: 1, Detail: occ.Reason}, "", occ.At)
	}
	tasks, err := g.r.Tasks(occ.ID)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		g.task(day, t)
	}
	funnel, err := g.r.Funnels(store.FunnelFilter{Promotion: p.ID, Occurrence: occ.ID})
	if err != nil {
		return err
	}
	o.Owners, o.Confirmed, o.Joins24h, o.Leaves24h = int(funnel[0].Owners), int(funnel[0].Confirmed), int(funnel[0].Joins), int(funnel[0].Leaves)
	day.Occurrences++
	day.Tasks += len(tasks)
	g.rep.Calendar = append(g.rep.Calendar, o)
	return nil
}

// delivery counts one group of an occurrence.
func (g *gathering) delivery(o *Occurrence, day *Day, d post) {
	g.posts = append(g.posts, d)
	o.ChatIDs = append(o.ChatIDs, d.ChatID)
	if g.reached[d.Owner] == nil {
		g.reached[d.Owner] = map[string]bool{}
	}
	g.reached[d.Owner][d.ChatID] = true
	for _, sum := range []*Outcomes{&o.Outcomes, &day.Outcomes, &g.rep.Totals.Outcomes} {
		sum.count(d.Status)
	}
	switch d.Status {
	case store.DeliverySent:
		if d.SentAt.Sub(d.At) > lateAfter {
			o.SentLate++
			g.rep.Totals.SentLate++
		}
		if at := d.SentAt.In(g.o.Config.Timezone); o.LastSentAt == nil || at.After(*o.LastSentAt) {
			o.LastSentAt = &at
		}
		if known := g.groups[d.ChatID]; known != nil {
			known.Posts++
		}
	case store.DeliveryPlanned, store.DeliverySubmitted:
	default:
		g.refuse(Refusal{Code: codeOf(d.Delivery), What: d.promotion, Owner: d.Owner, Count: 1, Detail: d.Reason}, d.ChatID, d.At)
	}
}

func (o *Outcomes) count(status string) {
	o.Planned++
	switch status {
	case store.DeliverySent:
		o.Sent++
	case store.DeliveryPlanned, store.DeliverySubmitted:
		o.Waiting++
	case store.DeliveryCancelled:
		o.Unconfirmed++
	case store.DeliveryBlocked:
		o.Blocked++
	default:
		o.Failed++
	}
}

// codeOf names why a group did not get a post.
func codeOf(d store.Delivery) string {
	switch {
	case d.Status == store.DeliveryCancelled:
		return "not_confirmed"
	case d.Status == store.DeliveryBlocked && d.Owner == "":
		return "no_owner"
	case d.Status == store.DeliveryBlocked:
		return "quota_used"
	case d.Status == store.DeliveryUnsent:
		return "not_related"
	}
	for _, known := range []struct {
		code  int
		means string
	}{
		{3, "platform_quota"}, {2, "not_related"}, {84074, "no_permission"}, {48002, "no_permission"}, {60111, "owner_gone"},
		{60011, "not_visible"}, {40007, "media_expired"}, {45002, "too_long"}, {41048, "not_related"},
	} {
		if d.Code == known.code || known.code > 1000 && strings.Contains(d.Reason, fmt.Sprintf(": %d ", known.code)) {
			return known.means
		}
	}
	return "other"
}

// refuse adds to the refusals of one code, thing and owner.
func (g *gathering) refuse(r Refusal, chat string, at time.Time) {
	key := r.Code + "\x00" + r.What + "\x00" + r.Owner
	known := g.refusals[key]
	if known == nil {
		r.ChatIDs, r.OwnerName = []string{}, or(g.names[r.Owner], r.Owner)
		known = &r
		g.refusals[key] = known
	} else {
		known.Count += r.Count
	}
	if chat != "" && !slices.Contains(known.ChatIDs, chat) {
		known.ChatIDs = append(known.ChatIDs, chat)
	}
	if local := at.In(g.o.Config.Timezone); !at.IsZero() && (known.FirstAt == nil || local.Before(*known.FirstAt)) {
		known.FirstAt = &local
	}
}

// task counts what an owner has to confirm.
func (g *gathering) task(day *Day, t store.Task) {
	o := g.owners[t.Owner]
	if o == nil {
		listed, read := g.past.listed()
		_, basis := g.past.habit(t.Owner)
		o = &Owner{UserID: t.Owner, Name: or(g.names[t.Owner], t.Owner), PerDay: map[string]int{}, Basis: basis, Listed: listed[t.Owner] || read.IsZero()}
		g.owners[t.Owner] = o
	}
	o.Tasks++
	o.PerDay[day.Date]++
	o.Reminders += t.Reminders
	switch {
	case !t.ConfirmedAt.IsZero():
		o.Confirmed++
		g.delays[t.Owner] = append(g.delays[t.Owner], t.ConfirmedAt.Sub(t.SubmittedAt))
	case t.Status == store.TaskFailed:
		o.Failed++
	case t.Status == store.TaskCancelled:
		o.Unconfirmed++
	default:
		o.Waiting++
	}
}

// memberships counts who came and went.
func (g *gathering) memberships() error {
	stints, err := g.r.StintsAfter(0, 0)
	for _, st := range stints {
		group := g.groups[st.ChatID]
		if st.Kind != string(bot.Customer) || group == nil {
			continue
		}
		if g.in(st.JoinedAt) {
			group.Joins++
			g.day(st.JoinedAt).Joins++
			g.rep.Totals.Joins++
		}
		if !st.LeftAt.IsZero() && g.in(st.LeftAt) {
			group.Leaves++
			g.day(st.LeftAt).Leaves++
			g.rep.Totals.Leaves++
		}
	}
	return err
}

// rewards sums what the joins of the days earned.
func (g *gathering) rewards(ctx context.Context) error {
	entries, err := g.r.Entries(store.EntryFilter{From: g.o.From, To: g.to})
	if err != nil {
		return err
	}
	w := &g.rep.Rewards
	staff, groups, tiers := map[string]*RewardLine{}, map[string]*RewardLine{}, map[string]*RewardLine{}
	for _, e := range entries {
		w.Rewarded++
		*w.of(e.Status) += e.AmountFen
		if e.Status == store.EntryVoid || e.Status == store.EntryClawedBack {
			continue
		}
		g.day(e.EarnedAt).RewardFen += e.AmountFen
		g.rep.Totals.RewardFen += e.AmountFen
		name := e.ChatID
		if known := g.groups[e.ChatID]; known != nil {
			name = known.Name
		}
		add(staff, e.Staff, or(g.names[e.Staff], e.Staff), e.AmountFen)
		add(groups, e.ChatID, name, e.AmountFen)
		add(tiers, fmt.Sprint(e.AmountFen), "", e.AmountFen)
	}
	w.ByStaff, w.ByGroup, w.ByTier = lines(staff), lines(groups), lines(tiers)
	if w.ReleasedFen, err = g.r.Released(g.o.From, g.to); err != nil {
		return err
	}
	return g.unrewarded(ctx, entries)
}

func (w *Rewards) of(status string) *int64 {
	switch status {
	case store.EntryPayable:
		return &w.PayableFen
	case store.EntryVoid:
		return &w.VoidFen
	case store.EntryClawedBack:
		return &w.ClawedBackFen
	case store.EntryPaid:
		return &w.PaidFen
	}
	return &w.HeldFen
}

func add(to map[string]*RewardLine, key, name string, fen int64) {
	if to[key] == nil {
		to[key] = &RewardLine{Key: key, Name: name}
	}
	to[key].Joins++
	to[key].Fen += fen
}

// lines are the sums, the largest first.
func lines(of map[string]*RewardLine) []RewardLine {
	out := make([]RewardLine, 0, len(of))
	for _, l := range of {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b RewardLine) int { return cmp.Or(cmp.Compare(b.Fen, a.Fen), cmp.Compare(a.Key, b.Key)) })
	return out
}

// unrewarded counts the joins that earned nothing by the reason that explain gives.
func (g *gathering) unrewarded(ctx context.Context, entries []store.Entry) error {
	earned := map[int64]bool{}
	for _, e := range entries {
		earned[e.StintID] = true
	}
	stints, err := g.r.StintsAfter(0, 0)
	if err != nil {
		return err
	}
	judge := &handlers.Rewards{Store: g.app.Store, Now: g.clock.now}
	why := map[string]int{}
	for _, st := range stints {
		if st.Kind != string(bot.Customer) || !g.in(st.JoinedAt) {
			continue
		}
		g.rep.Rewards.Joins++
		if earned[st.ID] {
			continue
		}
		_, reason, err := judge.Decide(ctx, st)
		if err != nil {
			return err
		}
		why[reason]++
	}
	g.rep.Rewards.NotRewarded = []Count{}
	for code, n := range why {
		g.rep.Rewards.NotRewarded = append(g.rep.Rewards.NotRewarded, Count{code, n})
	}
	slices.SortFunc(g.rep.Rewards.NotRewarded, func(a, b Count) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Code, b.Code)) })
	return nil
}

// quotas tells what every group has received in the months of the days (or the weeks or days
// that the company counts by), as the sandbox counted it, which counts as WeCom does.
func (g *gathering) quotas() error {
	g.rep.Quotas = []Quota{}
	first, _ := g.period(g.rep.From)
	byKey := map[string]*Quota{}
	for from, to := g.period(g.rep.From); from.Before(g.rep.To); from, to = g.period(to) {
		middle := from.Add(to.Sub(from) / 2)
		for _, group := range g.rep.Groups {
			q := Quota{ChatID: group.ChatID, Group: group.Name, Store: group.Store, Owner: or(g.names[group.Owner], group.Owner), Month: g.periodName(from)}
			q.Used, q.Quota = g.box.MassQuota(group.ChatID, middle)
			if from.Equal(first) {
				q.Before = g.before[group.ChatID]
			}
			q.Left = max(q.Quota-q.Used, 0)
			g.rep.Quotas = append(g.rep.Quotas, q)
		}
	}
	for i := range g.rep.Quotas {
		byKey[g.rep.Quotas[i].ChatID+g.rep.Quotas[i].Month] = &g.rep.Quotas[i]
	}
	for _, d := range g.posts {
		from, _ := g.period(d.At)
		q := byKey[d.ChatID+g.periodName(from)]
		if q == nil {
			continue
		}
		switch code := codeOf(d.Delivery); {
		case d.Status == store.DeliverySubmitted || d.Status == store.DeliveryPlanned:
			q.Waiting++
		case d.Status != store.DeliverySent && (code == "quota_used" || code == "platform_quota"):
			q.Blocked++
		}
	}
	if rule := g.o.Config.WeCom.MassQuota; rule == sandbox.MassWeek || rule == sandbox.MassDay { // each would be a row for most groups
		g.rep.Quotas = slices.DeleteFunc(g.rep.Quotas, func(q Quota) bool { return q.Used+q.Waiting+q.Blocked == 0 })
	}
	slices.SortStableFunc(g.rep.Quotas, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(b.Blocked, a.Blocked), cmp.Compare(a.Left, b.Left), cmp.Compare(a.Month, b.Month))
	})
	return nil
}

// period is the month, week or day by which mass messages are counted at a moment.
func (g *gathering) period(at time.Time) (from, to time.Time) {
	zone := g.o.Config.Timezone
	local := at.In(zone)
	year, month, day := local.Date()
	date := func(month time.Month, day int) time.Time { return time.Date(year, month, day, 0, 0, 0, 0, zone) }
	switch g.o.Config.WeCom.MassQuota {
	case sandbox.MassDay:
		return date(month, day), date(month, day+1)
	case sandbox.MassWeek:
		day -= (int(local.Weekday()) + 6) % 7
		return date(month, day), date(month, day+7)
	}
	return date(month, 1), date(month+1, 1)
}

func (g *gathering) periodName(from time.Time) string {
	switch g.o.Config.WeCom.MassQuota {
	case sandbox.MassDay, sandbox.MassWeek:
		return from.Format(time.DateOnly)
	}
	return from.Format("2006-01")
}

// comers tells who would have found no way in.
func (g *gathering) comers() error {
	channels := map[string]store.Channel{}
	for _, ch := range g.past.channels {
		channels[fmt.Sprint(ch.ID)] = ch
	}
	for _, what := range slices.Sorted(keys(g.people.nothing)) {
		n := g.people.nothing[what]
		kind, id, _ := strings.Cut(what, ":")
		switch kind {
		case "channel":
			ch := channels[id]
			g.refuse(Refusal{Code: "channel_full", What: ch.Name, Owner: ch.Staff, Count: n}, "", time.Time{})
			for _, chat := range ch.ChatIDs {
				g.refuse(Refusal{Code: "channel_full", What: ch.Name, Owner: ch.Staff}, chat, time.Time{})
			}
		case "group":
			if known := g.groups[id]; known != nil {
				g.refuse(Refusal{Code: "group_full", What: known.Name, Owner: known.Owner, Count: n}, id, time.Time{})
			}
		}
	}
	return nil
}

// collisions finds groups with several posts on one day.
func (g *gathering) collisions() error {
	byDay := map[string][]post{}
	for _, d := range g.posts {
		key := g.date(d.At) + "\x00" + d.ChatID
		byDay[key] = append(byDay[key], d)
	}
	found := map[string]*Collision{}
	for _, key := range slices.Sorted(keys(byDay)) {
		posts := byDay[key]
		if len(posts) < 2 {
			continue
		}
		date, chat, _ := strings.Cut(key, "\x00")
		c := g.collision(date, posts)
		same := c.Kind + date + strings.Join(c.Times, ",") + strings.Join(c.Promotions, "\x00")
		if found[same] == nil {
			found[same] = &c
		}
		found[same].ChatIDs = append(found[same].ChatIDs, chat)
	}
	g.rep.Collisions = []Collision{}
	for _, key := range slices.Sorted(keys(found)) {
		g.rep.Collisions = append(g.rep.Collisions, *found[key])
	}
	rank := []string{SameMinute, SameHour, SameDay}
	slices.SortStableFunc(g.rep.Collisions, func(a, b Collision) int {
		return cmp.Or(slices.Index(rank, a.Kind)-slices.Index(rank, b.Kind), cmp.Compare(a.Date, b.Date), cmp.Compare(a.Times[0], b.Times[0]))
	})
	return nil
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (g *gathering) collision(date string, posts []post) Collision {
	slices.SortStableFunc(posts, func(a, b post) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.PromotionID, b.PromotionID)) })
	c := Collision{Kind: SameDay, Date: date, ChatIDs: []string{}}
	for i, d := range posts {
		c.Times = append(c.Times, d.At.In(g.o.Config.Timezone).Format("15:04"))
		c.Promotions = append(c.Promotions, d.promotion)
		if i == 0 {
			continue
		}
		switch gap := d.At.Sub(posts[i-1].At); {
		case gap < time.Minute:
			c.Kind = SameMinute
		case gap < time.Hour && c.Kind != SameMinute:
			c.Kind = SameHour
		}
	}
	return c
}

// sum brings the parts together.
func (g *gathering) sum() error {
	t := &g.rep.Totals
	t.Occurrences = len(g.rep.Calendar)
	for _, date := range slices.Sorted(keys(g.days)) {
		g.rep.Days = append(g.rep.Days, *g.days[date])
		t.Tasks += g.days[date].Tasks
	}
	g.rep.Owners = []Owner{}
	for _, id := range slices.Sorted(keys(g.owners)) {
		o := g.owners[id]
		o.Groups = len(g.reached[id])
		if d := g.delays[id]; len(d) > 0 {
			slices.Sort(d)
			minutes := int(d[len(d)/2].Round(time.Minute).Minutes())
			o.MedianMinutes = &minutes
		}
		t.Reminders += o.Reminders
		g.rep.Owners = append(g.rep.Owners, *o)
	}
	slices.SortStableFunc(g.rep.Owners, func(a, b Owner) int { return b.Tasks - a.Tasks })
	g.rep.Refusals = []Refusal{}
	for _, key := range slices.Sorted(keys(g.refusals)) {
		g.rep.Refusals = append(g.rep.Refusals, *g.refusals[key])
	}
	slices.SortStableFunc(g.rep.Refusals, func(a, b Refusal) int { return b.Count - a.Count })
	for _, w := range g.box.Welcomes() {
		if !w.SentAt.IsZero() && g.in(w.SentAt) {
			t.Welcomes++
		}
	}
	return nil
}
