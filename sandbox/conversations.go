package sandbox

import (
	"fmt"
	"time"
)

// talk counts what is said in one group, by day. Figures are kept for good: they are small.
type talk struct {
	spoken map[string]bool // people who ever said something
	days   map[int]talkDay
}

// talkDay is one day of a group in Asia/Shanghai.
type talkDay struct {
	messages int
	voices   int // people who spoke for the first time ever
}

func newTalk() talk { return talk{spoken: map[string]bool{}, days: map[int]talkDay{}} }

// say counts one message.
func (t *talk) say(now time.Time, who string) {
	day := t.days[dayOf(now)]
	day.messages++
	if !t.spoken[who] {
		t.spoken[who] = true
		day.voices++
	}
	t.days[dayOf(now)] = day
}

// until adds up what was said up to a day, and by how many people.
func (t *talk) until(day int) (messages, voices int) {
	for d, of := range t.days {
		if d <= day {
			messages += of.messages
			voices += of.voices
		}
	}
	return messages, voices
}

// dayOf numbers the days of Asia/Shanghai.
func dayOf(at time.Time) int { return int((at.Unix() + 8*60*60) / (24 * 60 * 60)) }

// dayStart is when a day begins.
func dayStart(day int) time.Time { return time.Unix(int64(day)*24*60*60-8*60*60, 0) }

// exchanges are the chats between one member of staff and one customer, by day.
type exchanges map[int]map[pair]*exchange

// exchange is one such chat on one day.
type exchange struct {
	sent    int       // messages of the member of staff
	opened  time.Time // when the customer opened the day's chat; zero: the customer did not
	replied time.Time // when the member answered that; zero: never
}

// converse counts one message outside of groups.
func (s *Sandbox) converse(now time.Time, who pair, byCustomer bool) {
	day := dayOf(now)
	if s.exchanges[day] == nil {
		s.exchanges[day] = map[pair]*exchange{}
	}
	x := s.exchanges[day][who]
	if x == nil {
		x = &exchange{}
		s.exchanges[day][who] = x
		if byCustomer {
			x.opened = now
		}
	}
	if byCustomer {
		return
	}
	x.sent++
	if !x.opened.IsZero() && x.replied.IsZero() {
		x.replied = now
	}
}

// Write lets a member of staff write to a customer or a customer to a member of staff, who
// must be contacts, outside of groups. The platform shows the app nothing of it but figures.
func (s *Sandbox) Write(from, to, text string) error {
	now := s.enter()
	defer s.leave()
	byCustomer := s.office.find(from) == nil
	user, customer := from, to
	if byCustomer {
		user, customer = to, from
	}
	u, k := s.contactOf(user, customer)
	if k == nil || u.Resigned {
		return fmt.Errorf("%s writes to %s: no such contact: %w", from, to, ErrNotFound)
	}
	if text == "" || !k.ByCustomer.IsZero() {
		return fmt.Errorf("%s writes to %s: want a text, and that neither has deleted the other", from, to)
	}
	if !byCustomer && s.intercept(now, u, nil, text) {
		return fmt.Errorf("%s writes to %s: %w", from, to, ErrIntercepted)
	}
	s.note(now, EntrySay, from, nil, both("to %s: %s", "对 %s 说：%s", s.nameOf(to), text))
	s.converse(now, pair{u.UserID, customer}, byCustomer)
	if byCustomer {
		s.startChat(now, u, customer)
	}
	return nil
}
