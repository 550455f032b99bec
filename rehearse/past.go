package rehearse

import (
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// history is how far back the past counts.
const history = 28 * 24 * time.Hour

// fewOutcomes is how many of an owner's own tasks tell enough about the owner.
const fewOutcomes = 3

// past is what the books tell about the time before.
type past struct {
	asOf     time.Time
	chats    []store.Chat
	staff    []store.StaffRow
	stints   map[string][]store.Stint // by group, in the order of joining
	contacts []store.Contact
	channels []store.Channel
	promos   []store.Promotion
	shops    map[string]store.Shop
	tasks    []pastTask
	outcomes map[string][]outcome // by owner
	everyone []outcome
}

// pastTask is a task with the groups it was for and what it said.
type pastTask struct {
	store.Task
	deliveries []store.Delivery
	message    bot.Message
}

// outcome is what an owner did with a task: confirmed it after a while, or never.
type outcome struct {
	confirmed bool
	after     time.Duration
}

func readPast(r store.Reader, asOf time.Time) (past, error) {
	p := past{asOf: asOf, stints: map[string][]store.Stint{}, shops: map[string]store.Shop{}, outcomes: map[string][]outcome{}}
	var err error
	read := func(what func() error) {
		if err == nil {
			err = what()
		}
	}
	read(func() (err error) { p.chats, err = r.Chats(store.ChatFilter{}); return err })
	read(func() (err error) { p.staff, err = r.AllStaff(); return err })
	read(func() (err error) { p.contacts, err = r.AllContacts(); return err })
	read(func() (err error) { p.channels, err = r.Channels(0, 0); return err })
	read(func() (err error) { p.promos, err = r.Promotions(0, 0); return err })
	read(func() error {
		stints, err := r.StintsAfter(0, 0)
		for _, st := range stints {
			p.stints[st.ChatID] = append(p.stints[st.ChatID], st)
		}
		return err
	})
	for _, list := range p.stints {
		slices.SortStableFunc(list, func(a, b store.Stint) int { return a.JoinedAt.Compare(b.JoinedAt) })
	}
	read(func() error {
		shops, err := r.Shops("", 0)
		for _, sh := range shops {
			p.shops[sh.ID] = sh
		}
		return err
	})
	read(func() error { return p.readTasks(r) })
	return p, err
}

// readTasks reads every task that somebody was asked to confirm, and what came of it.
func (p *past) readTasks(r store.Reader) error {
	tasks, err := r.TasksSince(time.UnixMilli(1))
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.MsgID == "" {
			continue
		}
		switch {
		case !t.ConfirmedAt.IsZero():
			p.note(t.Owner, outcome{true, max(t.ConfirmedAt.Sub(t.SubmittedAt), 0)})
		case t.Status == store.TaskCancelled || t.Status == store.TaskClosed:
			p.note(t.Owner, outcome{})
		}
		over := t.Status != store.TaskSubmitted && t.Status != store.TaskConfirmed
		if over && t.SubmittedAt.Before(p.asOf.AddDate(0, -1, -1)) && t.NextPollAt.IsZero() {
			continue // of a month that is over
		}
		full := pastTask{Task: t}
		if full.deliveries, err = r.TaskDeliveries(t.ID); err != nil {
			return err
		}
		occ, err := r.Occurrence(t.OccurrenceID)
		if err != nil {
			return err
		}
		full.message = occ.Message
		p.tasks = append(p.tasks, full)
	}
	return nil
}

func (p *past) note(owner string, o outcome) {
	p.outcomes[owner] = append(p.outcomes[owner], o)
	p.everyone = append(p.everyone, o)
}

// habit returns what an owner's tasks came to so far, and whose habit it is: the owner's
// own, the company's where the owner has few, or nobody's.
func (p *past) habit(owner string) (outcomes []outcome, whose string) {
	switch own := p.outcomes[owner]; {
	case len(own) >= fewOutcomes:
		return own, BasisOwn
	case len(p.everyone) > 0:
		return p.everyone, BasisCompany
	}
	return nil, BasisNone
}

// since is the moment from which the past of a group counts.
func (p *past) since(created time.Time) time.Time {
	from := p.asOf.Add(-history)
	if created.After(from) {
		return created
	}
	return from
}

// listed tells the staff who were on WeCom's list of members with customer contact when it
// was last read, and when that was; zero when it never was.
func (p *past) listed() (map[string]bool, time.Time) {
	const oneReading = time.Hour
	var last time.Time
	for _, u := range p.staff {
		if u.Follows && u.SyncedAt.After(last) {
			last = u.SyncedAt
		}
	}
	out := map[string]bool{}
	for _, u := range p.staff {
		if u.Follows && last.Sub(u.SyncedAt) < oneReading {
			out[u.UserID] = true
		}
	}
	return out, last
}
