package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAMemberHasOneOpenTicketInAGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		add := func(chat string) (out Ticket, fresh bool) {
			tx(t, s, func(tx *Tx) (err error) {
				out = Ticket{Kind: TicketRefund, ChatID: chat, Member: "wm1", DueAt: tx.Now.Add(time.Hour), NextAt: tx.Now.Add(time.Hour)}
				fresh, err = tx.AddTicket(&out)
				return err
			})
			return out, fresh
		}
		first, fresh := add("wr1")
		if _, again := add("wr1"); !fresh || again {
			t.Errorf("first %v, again %v", fresh, again)
		}
		if _, other := add("wr2"); !other {
			t.Error("another group has no ticket of its own")
		}
		for n := range 4 {
			tx(t, s, func(tx *Tx) error {
				known, err := tx.Ticket(first.ID)
				if err != nil {
					return err
				}
				return tx.AddTicketMessage(known, TicketMessage{MessageID: fmt.Sprint(n / 2), SentAt: tx.Now, Text: "x"}, 3)
			})
		}
		r := s.Read(ctx)
		said, err := r.TicketMessages(first.ID)
		must(t, err)
		if known, err := r.Ticket(first.ID); err != nil || len(said) != 2 || known.Said != 2 {
			t.Errorf("%d messages, said %d, %v", len(said), known.Said, err)
		}
		c.Add(2 * time.Hour)
		n, err := r.TicketCounts(c.Now())
		must(t, err)
		late, err := r.Tickets(TicketFilter{Status: TicketOverdue, Now: c.Now()})
		must(t, err)
		if n.Open != 2 || n.Overdue != 2 || len(late) != 2 {
			t.Errorf("counts %+v, %d overdue", n, len(late))
		}
		tx(t, s, func(tx *Tx) error {
			first.Status, first.NextAt, first.ClosedAt = TicketClosed, time.Time{}, tx.Now
			return tx.SaveTicket(first, TicketOpen)
		})
		if err := s.Tx(ctx, func(tx *Tx) error { return tx.SaveTicket(first, TicketOpen) }); !errors.Is(err, ErrStale) {
			t.Errorf("a closed ticket was closed again: %v", err)
		}
		if _, fresh := add("wr1"); !fresh {
			t.Error("no new ticket after the first was closed")
		}
		if took, err := r.TicketTimes(time.Time{}.Add(time.Second), 10); err != nil || len(took) != 1 || took[0].ClosedAt.Sub(took[0].CreatedAt) < 2*time.Hour {
			t.Errorf("times %+v, %v", took, err)
		}
	})
}

func TestReportsCountOncePerReporterAndAreCapped(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		since := c.Now().Add(-time.Hour)
		report := func(reporter, day string, staff bool, weight float64) (fresh bool) {
			tx(t, s, func(tx *Tx) (err error) {
				fresh, err = tx.AddMemberReport(&MemberReport{ChatID: "wr1", Member: "wm1", Reporter: reporter, Staff: staff, Day: day, Weight: weight})
				return err
			})
			return fresh
		}
		if !report("wm2", "2026-11-23", false, 0.25) || report("wm2", "2026-11-23", false, 0.25) || !report("wm2", "2026-11-24", false, 0.5) {
			t.Error("a reporter has one word a day")
		}
		sum := func() Reported {
			got, err := s.Read(ctx).ReportsAbout([]string{"wm1", "wm9"}, since)
			must(t, err)
			if _, ok := got["wm9"]; ok {
				t.Error("somebody whom nobody reported is reported")
			}
			return got["wm1"]
		}
		if got := sum(); got.People != 1 || got.Weight != 0.5 {
			t.Errorf("one reporter: %+v", got)
		}
		for n := range 20 {
			report(fmt.Sprint("gang", n), "2026-11-23", false, 0.25)
		}
		report("wang", "2026-11-23", true, 0.75)
		if got := sum(); got.People != 22 || got.Weight != memberWordsMost+0.75 {
			t.Errorf("a gang: %+v", got)
		}
		var id int64
		tx(t, s, func(tx *Tx) error {
			k := Case{ChatID: "wr1", Member: "wm1", Status: CaseDismissed}
			if err := tx.AddCase(&k); err != nil {
				return err
			}
			id = k.ID
			return tx.SettleReports(k, ReportRight)
		})
		rec, err := s.Read(ctx).ReportRecord("wm2")
		if err != nil || rec.Right != 2 || rec.Wrong != 0 || rec.Staff {
			t.Errorf("record %+v, %v", rec, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.SettleReports(Case{ID: id, Member: "wm1"}, ReportWrong) })
		recs, err := s.Read(ctx).ReportRecords("", 3)
		if err != nil || len(recs) != 3 || recs[0].Wrong != 1 || recs[0].Right != 0 {
			t.Errorf("records %+v, %v", recs, err)
		}
		if got := sum(); got.People != 0 || got.Weight != 0 {
			t.Errorf("words that were wrong count on: %+v", got)
		}
	})
}

func TestAConsequenceIsWantedOnceAndAgainAfterItWasUndone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, _ *clock) {
		want := func() (c Consequence, fresh bool) {
			tx(t, s, func(tx *Tx) (err error) {
				c = Consequence{Cause: "block:wang", Person: "wang", Kind: ConsequenceCode, Ref: 7}
				fresh, err = tx.AddConsequence(&c)
				return err
			})
			return c, fresh
		}
		first, fresh := want()
		if again, twice := want(); !fresh || twice || again.ID != first.ID {
			t.Errorf("wanted twice: %v %v %+v", fresh, twice, again)
		}
		tx(t, s, func(tx *Tx) error {
			first.State = ConsequenceUndone
			return tx.SaveConsequence(first, ConsequenceWanted)
		})
		if again, fresh := want(); !fresh || again.ID != first.ID {
			t.Error("what was undone is not wanted again")
		}
	})
}

// What is asked about staff, senders and inviters is asked in words that both databases take.
func TestWhatStaffAndInvitersAreAskedFor(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tx(t, s, func(tx *Tx) error {
			return errors.Join(tx.PutShop(Shop{ID: "s1", Staff: []string{"wang"}}), tx.NewChat(Chat{ChatID: "wr1", Status: ChatActive, ShopID: "s1", Owner: "li"}),
				tx.AddMessage(Message{MessageID: "m1", ChatID: "wr1", Sender: "wm1", SentAt: tx.Now, Text: "x", Verdict: "ham", Kind: "text", Fingerprint: 7}),
				tx.AddCase(&Case{ChatID: "wr1", Member: "wm1", Status: CaseRemoved, Verdict: "spam", Text: "广告"}))
		})
		r := s.Read(context.Background())
		since := c.Now().Add(-time.Hour)
		chats, err := r.ChatsOfStaff("wang", 10)
		must(t, err)
		owned, err := r.ChatsOfStaff("li", 10)
		must(t, err)
		said, err := r.SaidIn([]string{"wr1"}, 7, since, 10)
		must(t, err)
		_, err = r.SaidIn([]string{"wr1"}, 0, since, 10)
		must(t, err)
		_, err = r.MembersNamed([]string{"wr1"}, "张", 10)
		must(t, err)
		_, _, err = r.OpenIn([]string{"wr1"}, 10)
		must(t, err)
		spam, err := r.ConfirmedSpam(10)
		must(t, err)
		ham, err := r.SaidSince(since, false, 10)
		must(t, err)
		_, err = r.HeldOfGuests("wang", 10)
		must(t, err)
		_, err = r.BroughtInBy("wang")
		must(t, err)
		_, err = r.CodesOfPerson("wang", 10)
		must(t, err)
		if len(chats) != 1 || len(owned) != 1 || len(said) != 1 || len(spam) != 1 || len(ham) != 1 || ham[0].Fingerprint != 7 {
			t.Errorf("%d and %d groups, %d said, %d confirmed, harmless %+v", len(chats), len(owned), len(said), len(spam), ham)
		}
	})
}
