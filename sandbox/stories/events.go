package stories

import (
	"fmt"
	"time"
)

// planEvents plans what happens at a time.
func (l *life) planEvents() {
	for i, e := range l.Script.Events {
		when := l.Start.AddDate(0, 0, e.Day-1).Add(e.At)
		if e.Kind == "crowd" {
			l.planCrowd(i, e, when)
			continue
		}
		l.at(when, func() error { return l.happen(e) })
	}
}

func (l *life) happen(e Event) error {
	chat := l.firsts[e.Group]
	switch e.Kind {
	case "rename":
		return l.s.Rename(chat, e.Text)
	case "notice":
		return l.s.SetNotice(chat, e.Text)
	case "owner":
		return l.s.ChangeOwner(chat, e.Staff)
	case "resign":
		l.gone[e.Staff] = true
		return l.s.Resign(e.Staff)
	case "dismiss":
		return l.s.Dismiss(chat)
	case "say":
		if e.Staff == "" {
			return l.reply(chat, e.Text)
		}
		_, err := l.s.Say(chat, e.Staff, e.Text)
		return err
	}
	return fmt.Errorf("%q is no kind of event", e.Kind)
}

// planCrowd plans many joins in a short time, such as at the opening of a store.
func (l *life) planCrowd(i int, e Event, when time.Time) {
	if len(l.Customers) == 0 {
		return
	}
	r := l.s.Rand(fmt.Sprint("crowd ", i))
	j := l.Script.Joins
	for k := range max(1, int(float64(e.Joins)*l.scale)) {
		person := pick(r, l.Customers)
		v := visit{person, l.homes[person], l.s.Rand(fmt.Sprint("crowd ", i, " ", k))}
		for s, st := range l.Stores {
			if st.ID == e.StoreID {
				v.store = s
			}
		}
		at := when.Add(between(r, Span{0, e.Within}))
		l.at(at, l.way(v, drawIndex(r, []float64{j.Code, j.Invitation, j.Link}), at))
		l.Joins++
	}
}
