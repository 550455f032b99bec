package moderation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// The clock of a ticket. Nobody is asked, and no time counts, while stores sleep.
const (
	wakeFrom      = 8                // o'clock, local time
	wakeTo        = 21               // o'clock
	ticketNudge   = 30 * time.Minute // of waking time between a reminder and the next people
	ticketRetry   = 10 * time.Minute // after a card that could not be sent
	ticketSaid    = 50               // messages that are kept of a ticket
	ticketBatch   = 50
	ticketsMedian = 30 * 24 * time.Hour // whose closed tickets the figures are of
)

// Levels of asking people about a case or a ticket: each is passed once.
const (
	levelOwner = iota
	levelReminder
	levelManager
	levelNotify
	levelEnd
)

// route keeps what is for a person to answer: it opens a ticket about the sender, or adds to
// the one that is open. Whoever calls it takes no action on the message.
func (m *Moderator) route(tx *store.Tx, msg heard) error {
	t, err := tx.OpenTicket(msg.Chat, msg.Sender)
	if errors.Is(err, store.ErrNotFound) {
		t, err = m.openTicket(tx, msg)
	}
	if err != nil {
		return err
	}
	return tx.AddTicketMessage(t, store.TicketMessage{MessageID: msg.MessageID, SentAt: msg.SentAt.UTC(), Text: msg.text}, ticketSaid)
}

func (m *Moderator) openTicket(tx *store.Tx, msg heard) (store.Ticket, error) {
	p, err := m.policyFor(tx.Reader, msg.Chat)
	if err != nil {
		return store.Ticket{}, err
	}
	t := store.Ticket{Kind: msg.ticket, ChatID: string(msg.Chat), Member: string(msg.Sender), MemberName: msg.Name, Text: msg.text,
		DueAt: m.wakingAfter(tx.Now, p.TicketsWithin)}
	if st, err := tx.LastStint(msg.Chat, msg.Sender); err == nil {
		t.MemberName = cmp.Or(st.Nickname, st.Name, t.MemberName)
	}
	fresh, err := tx.AddTicket(&t)
	if err != nil {
		return t, err
	}
	if !fresh { // another process was faster
		return tx.OpenTicket(msg.Chat, msg.Sender)
	}
	return t, m.tell(tx, t)
}

// waking is a moment, or the next at which stores are awake.
func (m *Moderator) waking(t time.Time) time.Time {
	at := t.In(m.Zone)
	switch h := at.Hour(); {
	case h < wakeFrom:
		return onDay(at, 0, wakeFrom)
	case h >= wakeTo:
		return onDay(at, 1, wakeFrom)
	}
	return t
}

// wakingAfter is the moment when so much waking time has passed.
func (m *Moderator) wakingAfter(t time.Time, d time.Duration) time.Time {
	t = m.waking(t)
	for {
		at := t.In(m.Zone)
		left := onDay(at, 0, wakeTo).Sub(t)
		if d <= left {
			return t.Add(d)
		}
		d -= left
		t = onDay(at, 1, wakeFrom)
	}
}

func onDay(t time.Time, plus, hour int) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+plus, hour, 0, 0, 0, t.Location())
}

// tell shows a ticket to those whose turn it is: the owner of the group, or who stands in, at
// once and when it is overdue, then the store's manager, then those of moderation.notify.
// Where there is nobody at a level, the next one's turn comes.
func (m *Moderator) tell(tx *store.Tx, t store.Ticket) error {
	level := t.Asks
	var to []bot.UserID
	for ; level < levelEnd; level++ {
		var err error
		if to, err = m.ticketPeople(tx, t, level); err != nil {
			return err
		}
		if len(to) > 0 {
			break
		}
	}
	if len(to) == 0 && t.Asks == levelOwner { // nobody is known yet: the group may not have been read
		t.NextAt = m.wakingAfter(tx.Now, ticketNudge)
		return tx.SaveTicket(t, t.Status)
	}
	t.Asks, t.NextAt = min(level+1, levelEnd), m.nextTold(tx.Now, t, level)
	if err := tx.SaveTicket(t, t.Status); err != nil || len(to) == 0 || !m.Cards {
		return err
	}
	what := [...]string{levelOwner: "asked", levelReminder: "reminded", levelManager: "escalated", levelNotify: "escalated"}[level]
	if err := tx.AddTicketStep(store.TicketStep{TicketID: t.ID, What: what, Who: joinUsers(to)}); err != nil {
		return err
	}
	return m.sendTicket(tx, t, level, to)
}

func (m *Moderator) sendTicket(tx *store.Tx, t store.Ticket, level int, to []bot.UserID) error {
	card, err := m.ticketCard(tx, t, level)
	if err != nil {
		return err
	}
	_, err = tx.Enqueue(TellTicket{Ticket: t.ID, Level: level, To: to, Card: card}, store.When{NotBefore: m.waking(tx.Now)})
	return err
}

// nextTold is when the level after one has its turn; zero: there is none.
func (m *Moderator) nextTold(now time.Time, t store.Ticket, level int) time.Time {
	switch {
	case level >= levelNotify:
		return time.Time{}
	case t.DueAt.After(now):
		return t.DueAt
	}
	return m.wakingAfter(now, ticketNudge)
}

// ticketPeople are those who are told of a ticket at a level.
func (m *Moderator) ticketPeople(tx *store.Tx, t store.Ticket, level int) ([]bot.UserID, error) {
	if level == levelNotify {
		var to []bot.UserID
		for _, id := range m.Notify {
			to = append(to, bot.UserID(id))
		}
		return to, nil
	}
	chat, err := tx.Chat(bot.ChatID(t.ChatID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	who := chat.Owner
	if t.Status == store.TicketTaken {
		if known, err := tx.IsStaff(bot.MemberID(t.Who)); err != nil {
			return nil, err
		} else if known {
			who = t.Who
		}
	}
	if level == levelManager {
		shop, err := tx.Shop(chat.ShopID)
		if errors.Is(err, store.ErrNotFound) || err == nil && shop.Manager == who {
			return nil, nil // nobody, or who was told already
		}
		if err != nil {
			return nil, err
		}
		who = shop.Manager
	}
	return m.present(tx.Reader, bot.UserID(who), tx.Now)
}

// present is a member of staff, or who stands in while that one is away; nobody if nobody does.
func (m *Moderator) present(r store.Reader, who bot.UserID, now time.Time) ([]bot.UserID, error) {
	if who == "" {
		return nil, nil
	}
	away, standIn, err := handlers.StandIn(r, who, m.day(now))
	switch {
	case err != nil:
		return nil, err
	case !away:
		return []bot.UserID{who}, nil
	case standIn != "":
		return []bot.UserID{standIn}, nil
	}
	return nil, nil
}

func joinUsers(to []bot.UserID) string {
	var names []string
	for _, id := range to {
		names = append(names, string(id))
	}
	return strings.Join(names, " ")
}

// take says who answers the customer. The clock goes on; who took it gets a card to close it.
func (m *Moderator) take(tx *store.Tx, t store.Ticket, by, note string) error {
	known := t.Status
	t.Status, t.Who, t.Note = store.TicketTaken, by, cmp.Or(note, t.Note)
	if t.Asks < levelEnd {
		t.NextAt = m.nextTold(tx.Now, t, t.Asks-1)
	}
	if err := tx.SaveTicket(t, known); err != nil {
		return err
	}
	if err := tx.AddTicketStep(store.TicketStep{TicketID: t.ID, What: "taken", Who: by, Note: note}); err != nil || !m.Cards {
		return err
	}
	if staff, err := tx.IsStaff(bot.MemberID(by)); err != nil || !staff {
		return err
	}
	return m.sendTaken(tx, t, bot.UserID(by))
}

// finish closes a ticket.
func (m *Moderator) finish(tx *store.Tx, t store.Ticket, by, note string) error {
	return m.closeTicket(tx, t, "closed", by, note)
}

func (m *Moderator) closeTicket(tx *store.Tx, t store.Ticket, what, by, note string) error {
	known := t.Status
	t.Status, t.Who, t.Note, t.NextAt, t.ClosedAt = store.TicketClosed, by, cmp.Or(note, t.Note), time.Time{}, tx.Now
	if err := tx.SaveTicket(t, known); err != nil {
		return err
	}
	if err := cancelAll(tx, fmt.Sprintf("card:ticket-%d-", t.ID)); err != nil { // such as until the morning
		return err
	}
	return tx.AddTicketStep(store.TicketStep{TicketID: t.ID, What: what, Who: by, Note: note})
}

// notTicket says that what looked like a complaint is advertising: it becomes a case.
func (m *Moderator) notTicket(tx *store.Tx, t store.Ticket, by, note string) error {
	said, err := tx.TicketMessages(t.ID)
	if err != nil {
		return err
	}
	c := m.saidSpam(t.ChatID, t.Member, t.Text, by)
	if len(said) > 0 {
		c.MessageID = said[0].MessageID
	}
	if c, err = m.open(tx, c); err != nil {
		return err
	}
	t.CaseID = &c.ID
	return m.closeTicket(tx, t, "spam", by, note)
}

// saidSpam is the case of what a person says is advertising.
func (m *Moderator) saidSpam(chat, member, text, by string) store.Case {
	return store.Case{ChatID: chat, Member: member, Text: text, Verdict: "spam", Score: 1, Action: ActRemove, OpenedBy: by,
		Reasons: append([]store.Reason{{Check: "person", Detail: by + " 认定是广告", Weight: 5}}, reasonsOf(m.read(text))...)}
}

// TakeTicket says who answers the customer of a ticket.
func (m *Moderator) TakeTicket(ctx context.Context, id int64, by, note string) (store.Ticket, error) {
	return m.changeTicket(ctx, id, by, note, m.take)
}

// CloseTicket closes a ticket: the customer was answered.
func (m *Moderator) CloseTicket(ctx context.Context, id int64, by, note string) (store.Ticket, error) {
	return m.changeTicket(ctx, id, by, note, m.finish)
}

// TicketIsSpam closes a ticket that is advertising, and opens a case.
func (m *Moderator) TicketIsSpam(ctx context.Context, id int64, by, note string) (store.Ticket, error) {
	return m.changeTicket(ctx, id, by, note, m.notTicket)
}

func (m *Moderator) changeTicket(ctx context.Context, id int64, by, note string, step func(*store.Tx, store.Ticket, string, string) error) (store.Ticket, error) {
	if err := handlers.CheckWords("by", by, 64); err != nil {
		return store.Ticket{}, err
	}
	if err := handlers.CheckMost("note", note, 500); err != nil {
		return store.Ticket{}, err
	}
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		t, err := tx.Ticket(id)
		if err != nil {
			return err
		}
		if t.Status == store.TicketClosed {
			return &handlers.Conflict{Detail: fmt.Sprintf("the ticket was closed by %s", t.Who)}
		}
		return step(tx, t, by, note)
	})
	if err != nil {
		return store.Ticket{}, err
	}
	return m.Store.Read(ctx).Ticket(id)
}

// NextTicket returns when the next ticket is to be looked at.
func (m *Moderator) NextTicket(ctx context.Context) (time.Time, bool, error) {
	return m.Store.Read(ctx).NextTicket()
}

// MindTickets tells of the tickets whose time has come those whose turn it is.
func (m *Moderator) MindTickets(ctx context.Context) error {
	due, err := m.Store.Read(ctx).DueTickets(m.Now(), ticketBatch)
	errs := []error{err}
	for _, t := range due { // one that fails holds up no other
		err := m.Store.Tx(ctx, func(tx *store.Tx) error {
			now, err := tx.Ticket(t.ID)
			if err != nil || now.NextAt.IsZero() || now.NextAt.After(tx.Now) {
				return err
			}
			return m.tell(tx, now)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("mind ticket %d: %w", t.ID, err))
		}
	}
	return errors.Join(errs...)
}

// TicketStats are the figures of tickets: those that wait, and those that were closed in the
// last thirty days.
type TicketStats struct {
	store.TicketCounts
	Closed int           // in the last thirty days, at most 10,000
	Late   int           // of those, after they were due
	Median time.Duration // between opening and closing, nights included; 0: none was closed
}

// TicketStats counts.
func (m *Moderator) TicketStats(ctx context.Context) (TicketStats, error) {
	const most = 10_000
	r := m.Store.Read(ctx)
	n, err := r.TicketCounts(m.Now())
	if err != nil {
		return TicketStats{}, err
	}
	times, err := r.TicketTimes(m.Now().Add(-ticketsMedian), most)
	out := TicketStats{TicketCounts: n, Closed: len(times)}
	var took []time.Duration
	for _, t := range times {
		took = append(took, t.ClosedAt.Sub(t.CreatedAt))
		if t.ClosedAt.After(t.DueAt) {
			out.Late++
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		out.Median = took[len(took)/2]
	}
	return out, err
}
