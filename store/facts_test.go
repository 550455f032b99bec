package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
)

func ids[T any](rows []T, id func(T) string) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, id(r))
	}
	return out
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestGroupsAndTheirStays(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(t.Context())
		t0 := c.Now()
		var first Stint
		tx(t, s, func(tx *Tx) error {
			for i, id := range []string{"wrB", "wra", "wrA"} {
				if err := tx.NewChat(Chat{ChatID: id, Owner: fmt.Sprint("owner", i%2), Status: ChatActive}); err != nil {
					return err
				}
			}
			if err := tx.NewChat(Chat{ChatID: "wrA", Name: "again", Status: ChatDismissed}); err != nil {
				return err
			}
			if err := tx.PutShop(Shop{ID: "s1", Name: "店"}); err != nil {
				return err
			}
			if err := tx.PlaceChat("wrA", "s1", []string{"秒杀"}); err != nil {
				return err
			}
			return tx.SaveChatRead(Chat{ChatID: "wrA", Name: "一群", Owner: "owner9", Status: ChatActive, Version: "v1", Versions: []string{"v1", "v0"}, Customers: 3, Staff: 1, CreatedAt: t0, SyncedAt: t0})
		})
		all, err := r.Chats(ChatFilter{})
		must(t, err)
		equal(t, "groups in the order of bytes", ids(all, func(c Chat) string { return c.ChatID }), []string{"wrA", "wrB", "wra"})
		next, err := r.Chats(ChatFilter{Cursor: "wrA", Limit: 1, Status: ChatActive})
		must(t, err)
		equal(t, "the next page", ids(next, func(c Chat) string { return c.ChatID }), []string{"wrB"})
		chat, err := r.Chat("wrA")
		must(t, err)
		if chat.Name != "一群" || chat.ShopID != "s1" || !slices.Equal(chat.Labels, []string{"秒杀"}) || !slices.Equal(chat.Versions, []string{"v1", "v0"}) || !chat.SyncedAt.Equal(t0) || !chat.FirstSeen.Equal(t0) {
			t.Errorf("the group: %+v", chat)
		}
		one := 1
		tx(t, s, func(tx *Tx) error {
			for i, user := range []string{"wmb", "wmB", "wma"} {
				st := Stint{ChatID: "wrA", UserID: user, Kind: "customer", JoinedAt: t0.Add(time.Duration(i/2) * time.Second), UnionID: "u-" + user, State: "S1", InviterBy: "none", Ordinal: &one}
				fresh, err := tx.AddStint(&st)
				if err != nil || !fresh || st.ID == 0 {
					return fmt.Errorf("stay %s: %v %v", user, fresh, err)
				}
				if again, err := tx.AddStint(&Stint{ChatID: "wrA", UserID: user, JoinedAt: st.JoinedAt}); err != nil || again {
					return fmt.Errorf("the same stay: %v %v", again, err)
				}
				if first.ID == 0 {
					first = st
				}
			}
			if err := tx.EndStint(first.ID, t0.Add(time.Minute), bot.LeftRemoved); err != nil {
				return err
			}
			_, err := tx.AddStint(&Stint{ChatID: "wrB", UserID: "wmz", UnionID: "u-wmb", Kind: "customer", JoinedAt: t0.Add(-time.Hour)})
			return err
		})
		user := func(s Stint) string { return s.UserID }
		for status, want := range map[string][]string{"all": {"wmB", "wmb", "wma"}, "present": {"wmB", "wma"}, "left": {"wmb"}} {
			got, err := r.Stints(StintFilter{Chat: "wrA", Status: status})
			must(t, err)
			equal(t, status, ids(got, user), want)
		}
		page, err := r.Stints(StintFilter{Chat: "wrA", Status: "all", AfterJoined: t0, AfterUser: "wmB", Limit: 1})
		must(t, err)
		equal(t, "the page after", ids(page, user), []string{"wmb"})
		later, err := r.StintsLeftAfter("wrA", t0.Add(time.Minute))
		must(t, err)
		equal(t, "not ended", ids(later, user), []string{"wmB", "wma"})
		person, err := r.PersonStints("wmb", "u-wmb")
		must(t, err)
		equal(t, "one person's stays", ids(person, user), []string{"wmz", "wmb"})
		here, err := r.PresentPerson("u-wmb")
		must(t, err)
		equal(t, "where a person is", ids(here, user), []string{"wmz"})
		if n, err := r.JoinCount("S1"); err != nil || n != 3 {
			t.Errorf("%d joins by the code, %v", n, err)
		}
		tx(t, s, func(tx *Tx) error {
			first.Name, first.UnionID = "改名", "u2"
			if err := tx.NameStint(first); err != nil {
				return err
			}
			if err := tx.ReopenStint(first.ID); err != nil {
				return err
			}
			return tx.SetChatStatus("wra", ChatDismissed)
		})
		st, err := r.LastStint("wrA", "wmb")
		must(t, err)
		if !st.LeftAt.IsZero() || st.LeftHow != "" || st.Name != "改名" || st.UnionID != "u2" || *st.Ordinal != 1 {
			t.Errorf("the stay that goes on: %+v", st)
		}
		if _, err := r.StintAt("wrA", "wmb", t0.Add(time.Second)); !errors.Is(err, ErrNotFound) {
			t.Errorf("a stay that never was: %v", err)
		}
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.SetChatStatus("wr?", ChatActive) }); !errors.Is(err, ErrStale) {
			t.Errorf("a group that never was: %v", err)
		}
	})
}

func TestPeopleShopsAndCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(t.Context())
		t0 := c.Now()
		var ch Channel
		tx(t, s, func(tx *Tx) error {
			for _, err := range []error{
				tx.NameStaff("wang", "小王"), tx.NameStaff("wang", ""), tx.SaveFollower("wang"), tx.SaveFollower("li"), tx.NameStaff("till1", "收银"),
				tx.PutShop(Shop{ID: "s2", Name: "旧名", Staff: []string{"a_b", "wang"}}), tx.PutShop(Shop{ID: "s2", Name: "北门店", Manager: "li", Staff: []string{"a_b", "wang"}}),
				tx.AddContact(Contact{Customer: "wm1", UserID: "wang", AddedAt: t0, State: "C1"}), tx.AddContact(Contact{Customer: "wm1", UserID: "wang", AddedAt: t0, State: "C2"}),
				tx.AddContact(Contact{Customer: "wm1", UserID: "li", AddedAt: t0.Add(time.Hour), State: "C1"}), tx.EndContact("wm1", "wang", t0.Add(time.Minute)),
				tx.PutWelcome(Welcome{ID: "7", Text: "您好"}), tx.PutWelcome(Welcome{ID: "7", Text: "欢迎", Attachments: []bot.Attachment{{Type: "link", URL: "https://x"}}}),
			} {
				if err != nil {
					return err
				}
			}
			ch = Channel{Name: "码", Kind: ChannelGroup, Staff: "till1", State: "S1", ChatIDs: []string{"wr1", "wr2"}, Status: ChannelMaking}
			if err := tx.AddChannel(&ch); err != nil {
				return err
			}
			return tx.OpenChannel(ch.ID, "cfg", "https://qr")
		})
		if row, err := r.Staff("wang"); err != nil || row.Name != "小王" || !row.Follows {
			t.Errorf("staff: %+v %v", row, err)
		}
		owners, err := r.Owners()
		must(t, err)
		equal(t, "who may have customers", owners, []string{"li", "wang"})
		for user, want := range map[string]string{"wang": "s2", "li": "s2", "a_b": "s2", "axb": "", "a": ""} {
			if shop, err := r.ShopOfStaff(user); shop.ID != want || (want == "") != errors.Is(err, ErrNotFound) {
				t.Errorf("%s works in %q %v, want %q", user, shop.ID, err, want)
			}
		}
		contacts, err := r.Contacts("wm1")
		must(t, err)
		if len(contacts) != 2 || contacts[0].UserID != "li" || contacts[1].State != "C1" || !contacts[1].RemovedAt.Equal(t0.Add(time.Minute)) {
			t.Errorf("contacts: %+v", contacts)
		}
		if n, err := r.ContactCount("C1"); err != nil || n != 2 {
			t.Errorf("%d contacts by the code, %v", n, err)
		}
		if w, err := r.Welcome("7"); err != nil || w.Text != "欢迎" || len(w.Attachments) != 1 {
			t.Errorf("greeting: %+v %v", w, err)
		}
		if got, err := r.ChannelByState("S1"); err != nil || got.Status != ChannelActive || got.QRCode != "https://qr" || len(got.ChatIDs) != 2 {
			t.Errorf("code: %+v %v", got, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.CloseChannel(ch.ID) })
		if n, err := r.ChannelCount(ChannelGroup); err != nil || n != 1 {
			t.Errorf("%d codes ever, %v", n, err)
		}
		if open, err := r.Channels(0, 10); err != nil || len(open) != 0 {
			t.Errorf("codes in use: %+v %v", open, err)
		}
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.AddChannel(&Channel{State: "S1", Kind: ChannelGroup}) }); err == nil {
			t.Error("a state must be taken for ever")
		}
		tx(t, s, func(tx *Tx) error {
			for i, want := range []bool{true, false} {
				if fresh, err := tx.Remember(FirstAnswer{Route: "POST /x", Key: "k", BodyHash: "h", Resource: fmt.Sprint(i)}); err != nil || fresh != want {
					return fmt.Errorf("remember: %v %v", fresh, err)
				}
			}
			return nil
		})
		if a, err := r.FirstAnswer("POST /x", "k"); err != nil || a.Resource != "0" {
			t.Errorf("the first answer: %+v %v", a, err)
		}
	})
}

func TestTheLedgerAlwaysSumsToZero(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(t.Context())
		t0 := c.Now()
		months := map[bool]string{false: "2026-11", true: "2026-12"}
		entry := func(n int, staff string, fen int64) Entry {
			return Entry{Key: fmt.Sprint("join:", n), StintID: int64(n), Staff: staff, ChatID: "wr1", Member: fmt.Sprint("wm", n), UnionID: fmt.Sprint("u", n%2), Ordinal: n,
				AmountFen: fen, RuleVersion: 1, Period: months[n == 3], Status: EntryHeld, EarnedAt: t0.Add(time.Duration(n) * time.Hour), DueAt: t0.Add(time.Duration(n+1) * time.Hour), Reason: "rewarded"}
		}
		var es []Entry
		tx(t, s, func(tx *Tx) error {
			if err := tx.NewChat(Chat{ChatID: "wr1", Status: ChatActive}); err != nil {
				return err
			}
			for n := 1; n <= 6; n++ {
				if _, err := tx.AddStint(&Stint{ChatID: "wr1", UserID: fmt.Sprint("wm", n), Kind: "customer", JoinedAt: t0}); err != nil {
					return err
				}
				e := entry(n, []string{"li", "wang"}[n%2], int64(50*n))
				if fresh, err := tx.AddEntry(&e); err != nil || !fresh {
					return fmt.Errorf("entry %d: %v %v", n, fresh, err)
				}
				es = append(es, e)
				if fresh, err := tx.AddEntry(&Entry{Key: e.Key, StintID: e.StintID, Status: EntryHeld, EarnedAt: t0, DueAt: t0}); err != nil || fresh {
					return fmt.Errorf("the same join: %v %v", fresh, err)
				}
			}
			return nil
		})
		if at, ok, err := r.NextDueEntry(); err != nil || !ok || !at.Equal(es[0].DueAt) {
			t.Errorf("next due %v %v %v", at, ok, err)
		}
		due, err := r.DueEntries(t0.Add(3*time.Hour), 10)
		must(t, err)
		equal(t, "due", ids(due, func(e Entry) string { return e.Member }), []string{"wm1", "wm2"})
		move := func(e *Entry, to string) {
			tx(t, s, func(tx *Tx) error { return tx.MoveEntry(*e, to, "why", nil) })
			e.Status = to
		}
		move(&es[0], EntryPayable)
		move(&es[1], EntryVoid)
		move(&es[2], EntryPayable)
		move(&es[3], EntryPayable)
		move(&es[3], EntryClawedBack)
		if err := s.Tx(t.Context(), func(tx *Tx) error {
			return tx.MoveEntry(Entry{ID: es[1].ID, Status: EntryHeld, AmountFen: 1}, EntryPayable, "", nil)
		}); !errors.Is(err, ErrStale) {
			t.Errorf("a second decision: %v", err)
		}
		var p Payout
		tx(t, s, func(tx *Tx) (err error) {
			p = Payout{Period: "2026-11"}
			err = tx.Collect(&p, "anna")
			return errors.Join(err, tx.PayEntries(p), tx.StepPayout(&p, PayoutPaid, "anna", ""))
		})
		if p.TotalFen != 50 {
			t.Errorf("paid %d fen, want 50", p.TotalFen)
		}
		balances, err := r.Balances()
		must(t, err)
		want := map[string]int64{"company": -50 - 150 - 250 - 300, "paid:wang": 50, "payable:wang": 150, "held:wang": 250, "held:li": 300}
		maps.DeleteFunc(balances, func(_ string, fen int64) bool { return fen == 0 })
		if !maps.Equal(balances, want) {
			t.Errorf("balances %v, want %v", balances, want)
		}
		lines, err := r.Statement(StatementFilter{Period: "2026-11"})
		must(t, err)
		equal(t, "statement", lines, []StatementLine{{"li", 3, 300, 0, 100, 200, 0}, {"wang", 2, 250, 0, 0, 0, 50}})
		lines, err = r.Statement(StatementFilter{Period: "2026-11", After: "li", Limit: 1})
		must(t, err)
		equal(t, "statement's next page", ids(lines, func(l StatementLine) string { return l.Staff }), []string{"wang"})
		paid, err := r.PayoutLines(p.ID)
		must(t, err)
		equal(t, "payout", paid, []PayoutLine{{PayoutID: p.ID, Staff: "wang", Joins: 1, GrossFen: 50, AmountFen: 50}})
		steps, err := r.Transfers(es[3].ID)
		must(t, err)
		equal(t, "an entry's way", ids(steps, func(t Transfer) string { return fmt.Sprint(t.Debit, ">", t.Credit, " ", t.AmountFen) }),
			[]string{"company>held:li 200", "held:li>payable:li 200", "payable:li>company 200"})
		some, err := r.Entries(EntryFilter{Staff: "li", From: t0.Add(3 * time.Hour), Cursor: es[3].ID, Limit: 5})
		must(t, err)
		equal(t, "entries", ids(some, func(e Entry) string { return e.Member }), []string{"wm6"})
		of, err := r.EntriesOfStints([]Stint{{ID: es[0].StintID}, {ID: es[3].StintID}, {ID: 1 << 40}})
		must(t, err)
		if len(of) != 2 || of[es[0].StintID].Member != "wm1" || of[es[3].StintID].Member != es[3].Member {
			t.Errorf("the entries of stays: %+v", of)
		}
	})
}

func TestTheNewestRuleInForceIsFound(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		tx(t, s, func(tx *Tx) error {
			for i, from := range []time.Time{t0, t0.Add(2 * time.Hour), t0.Add(time.Hour)} {
				if err := tx.AddRule(&Rule{EffectiveFrom: from, Tiers: []Tier{{UpTo: 2, Fen: int64(i)}, {Fen: 9}}, HoldMS: 1000, OncePer: "corp"}); err != nil {
					return err
				}
			}
			return nil
		})
		last, err := r.LastRule()
		must(t, err)
		for _, c := range []struct {
			at   time.Time
			want int64
		}{{t0, last.Version - 2}, {t0.Add(time.Hour), last.Version}, {t0.Add(3 * time.Hour), last.Version}} {
			if got, err := r.RuleAt(c.at); err != nil || got.Version != c.want {
				t.Errorf("at %v version %d %v, want %d", c.at, got.Version, err, c.want)
			}
		}
		if last.Terms("", nil).Fen(2) != 2 || last.Terms("", nil).Fen(3) != 9 || last.Hold() != time.Second {
			t.Errorf("rule: %+v", last)
		}
	})
}

func TestPromotionsAndWhatBecameOfThem(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		var chats []string
		p := Promotion{Name: "秒杀", Status: PromotionActive, NextAt: t0.Add(time.Hour)}
		p.Spec.Message.Text = "今天10点"
		o := Occurrence{At: t0.Add(time.Hour), Status: OccurrenceRunning, Message: bot.Message{Text: "今天10点"}}
		task := Task{Owner: "wang", Status: TaskPlanned, NextPollAt: t0.Add(2 * time.Hour), ClosesAt: t0.Add(24 * time.Hour)}
		tx(t, s, func(tx *Tx) error {
			if err := tx.AddPromotion(&p); err != nil {
				return err
			}
			o.PromotionID = p.ID
			for i, want := range []bool{true, false} {
				again := o
				if fresh, err := tx.AddOccurrence(&again); err != nil || fresh != want {
					return fmt.Errorf("occurrence %d: %v %v", i, fresh, err)
				} else if fresh {
					o = again
				}
			}
			task.OccurrenceID = o.ID
			if err := tx.AddTask(&task); err != nil {
				return err
			}
			var ds []Delivery
			for i := range 20 {
				chats = append(chats, fmt.Sprintf("wr%02d", i))
				ds = append(ds, Delivery{OccurrenceID: o.ID, PromotionID: p.ID, TaskID: &task.ID, At: o.At, ChatID: chats[i], Owner: "wang", Status: DeliveryPlanned})
			}
			ds[19].TaskID, ds[19].Status, ds[19].Reason = nil, DeliveryBlocked, "quota"
			return tx.AddDeliveries(ds)
		})
		if at, ok, err := r.NextPromotion(); err != nil || !ok || !at.Equal(p.NextAt) {
			t.Errorf("next %v %v %v", at, ok, err)
		}
		if due, err := r.DuePromotions(t0.Add(time.Hour)); err != nil || len(due) != 1 || due[0].Spec.Message.Text != "今天10点" {
			t.Errorf("due %+v %v", due, err)
		}
		for i, want := range []bool{true, false} {
			tx(t, s, func(tx *Tx) error {
				if ok, err := tx.LeaseTask(task, t0.Add(3*time.Hour)); err != nil || ok != want {
					t.Errorf("lease %d: %v %v", i, ok, err)
				}
				return nil
			})
		}
		known := task.Status
		task.Status, task.MsgID, task.SubmittedAt, task.NextPollAt = TaskSubmitted, "msg1", t0, t0.Add(4*time.Hour)
		tx(t, s, func(tx *Tx) error {
			if err := tx.SaveTask(task, known); err != nil {
				return err
			}
			if n, err := tx.MoveDeliveries(task.ID, "", []string{DeliveryPlanned}, Delivery{Status: DeliverySubmitted, SubmittedAt: t0}); err != nil || n != 19 {
				return fmt.Errorf("submitted %d %v", n, err)
			}
			if n, err := tx.MoveDeliveries(task.ID, "wr03", []string{DeliverySubmitted}, Delivery{Status: DeliverySent, SentAt: t0.Add(time.Minute)}); err != nil || n != 1 {
				return fmt.Errorf("sent %d %v", n, err)
			}
			return tx.CountReminder(task.ID)
		})
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.SaveTask(task, known) }); !errors.Is(err, ErrStale) {
			t.Errorf("a task moved meanwhile: %v", err)
		}
		if got, err := r.TaskByMsgID("msg1"); err != nil || got.ID != task.ID || got.Reminders != 1 || !got.SubmittedAt.Equal(t0) {
			t.Errorf("task: %+v %v", got, err)
		}
		if due, err := r.DueTasks(t0.Add(3*time.Hour), 5); err != nil || len(due) != 0 {
			t.Errorf("a leased task is due: %+v %v", due, err)
		}
		ds, err := r.Deliveries(DeliveryFilter{Promotion: p.ID, At: o.At, Limit: 4})
		must(t, err)
		if len(ds) != 4 || ds[3].Status != DeliverySent || ds[3].MsgID != "msg1" || ds[3].Reminders != 1 || !ds[3].SentAt.Equal(t0.Add(time.Minute)) {
			t.Errorf("deliveries: %+v", ds)
		}
		counts, err := r.DeliveryCounts(o.ID, "")
		must(t, err)
		if !maps.Equal(counts, map[string]int{DeliverySubmitted: 18, DeliverySent: 1, DeliveryBlocked: 1}) {
			t.Errorf("counts %v", counts)
		}
		used, err := r.UsedQuota(chats, t0, t0.Add(2*time.Hour))
		must(t, err)
		if len(used) != 19 || used["wr03"] != 1 || used["wr19"] != 0 {
			t.Errorf("quota used %v", used)
		}
		tx(t, s, func(tx *Tx) error {
			if err := tx.MovePromotion(p, PromotionPaused, time.Time{}); err != nil {
				return err
			}
			if err := tx.EndOccurrence(o.ID, "too early"); err != nil { // a task is still open
				return err
			}
			if open, err := tx.OpenOccurrences(p.ID); err != nil || len(open) != 1 {
				return fmt.Errorf("open occurrences %+v %v", open, err)
			}
			closed := task
			closed.Status = TaskClosed
			if err := tx.SaveTask(closed, TaskSubmitted); err != nil {
				return err
			}
			return tx.EndOccurrence(o.ID, "")
		})
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.MovePromotion(p, PromotionEnded, time.Time{}) }); !errors.Is(err, ErrStale) {
			t.Errorf("a promotion moved meanwhile: %v", err)
		}
		if open, err := r.OpenOccurrences(p.ID); err != nil || len(open) != 0 {
			t.Errorf("open occurrences %+v %v", open, err)
		}
		if list, err := r.Occurrences(p.ID, t0, 5); err != nil || len(list) != 1 || !list[0].DoneAt.Equal(t0) {
			t.Errorf("occurrences %+v %v", list, err)
		}
	})
}

func TestAnOccurrenceIsPlannedByOwnerAndGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		p := Promotion{Name: "秒杀", Status: PromotionActive}
		o := Occurrence{At: c.Now(), Status: OccurrencePlanned, Spec: PromotionSpec{Name: "秒杀"}}
		tx(t, s, func(tx *Tx) error {
			must(t, tx.AddPromotion(&p))
			o.PromotionID = p.ID
			for _, g := range []Chat{{ChatID: "wr1", Owner: "wang"}, {ChatID: "wr2", Owner: "li"}, {ChatID: "wr3", Owner: "wang"}, {ChatID: "wr4"}, {ChatID: "wr5", Owner: "li", Status: ChatDismissed}} {
				if g.Status == "" {
					g.Status = ChatActive
				}
				g.Labels = []string{"L"}
				must(t, tx.NewChat(g))
			}
			_, err := tx.AddOccurrence(&o)
			return err
		})
		r := s.Read(t.Context())
		groups := func() (ids []string) {
			o, err := r.Occurrence(o.ID)
			must(t, err)
			page, err := r.Targets(TargetFilter{TargetSpec: TargetSpec{All: true}, Occurrence: o.ID, After: o.Cursor, Limit: 3})
			must(t, err)
			for _, g := range page {
				ids = append(ids, g.ChatID+g.Labels[0])
			}
			return ids
		}
		if got := groups(); !slices.Equal(got, []string{"wr4L", "wr2L", "wr1L"}) {
			t.Errorf("the first three are %v", got)
		}
		tx(t, s, func(tx *Tx) error {
			must(t, tx.LockOccurrence(o.ID))
			must(t, tx.AddTask(&Task{OccurrenceID: o.ID, Owner: "li", Part: 2, Status: TaskPlanned, ClosesAt: c.Now()}))
			must(t, tx.AddDeliveries([]Delivery{{OccurrenceID: o.ID, PromotionID: p.ID, At: o.At, ChatID: "wr3", Owner: "li", Status: DeliveryBlocked}}))
			return tx.MoveOccurrence(o.ID, OccurrencePlanned, GroupCursor{"li", "wr2"})
		})
		if got := groups(); !slices.Equal(got, []string{"wr1L"}) { // wr3 was reached when it was li's
			t.Errorf("then %v", got)
		}
		if parts, err := r.LastParts(o.ID, "a", "m"); err != nil || parts["li"] != 2 {
			t.Errorf("parts %v %v", parts, err)
		}
		if open, err := r.PlannedOccurrences(); err != nil || len(open) != 1 || open[0].Spec.Name != "" {
			t.Errorf("planned: %+v %v", open, err)
		}
		if at, ok, err := r.NextPlanned(); err != nil || !ok || !at.Equal(o.At) {
			t.Errorf("next planned: %v %v %v", at, ok, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.MoveOccurrence(o.ID, OccurrenceRunning, GroupCursor{"wang", "wr3"}) })
		if _, ok, err := r.NextPlanned(); err != nil || ok {
			t.Errorf("still planned: %v %v", ok, err)
		}
		if o, err := r.Occurrence(o.ID); err != nil || o.Spec.Name != "秒杀" || o.Cursor != (GroupCursor{"wang", "wr3"}) {
			t.Errorf("occurrence: %+v %v", o, err)
		}
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.MoveOccurrence(o.ID, OccurrencePlanned, GroupCursor{}) }); !errors.Is(err, ErrStale) {
			t.Errorf("planned again: %v", err)
		}
	})
}

func TestCasesAndMessages(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		k := Case{ChatID: "wr1", Member: "wm1", Verdict: "spam", Score: 0.97, Reasons: []Reason{{Check: "ad", Detail: "兼职", Weight: 2.5}}, Status: CaseOpen, NextAt: t0.Add(time.Hour)}
		tx(t, s, func(tx *Tx) error {
			if err := tx.AddCase(&k); err != nil {
				return err
			}
			for i := range 3 {
				m := Message{MessageID: fmt.Sprint("m", i), ChatID: "wr1", Sender: "wm1", SentAt: t0.Add(time.Duration(i) * time.Minute), Text: "兼职", Fingerprint: 7, Verdict: "spam", Score: 0.97, Reasons: k.Reasons}
				if i == 0 {
					m.CaseID = &k.ID
				}
				if err := tx.AddMessage(m); err != nil {
					return err
				}
			}
			return nil
		})
		around, err := r.Around([]Saying{{Sender: "wm1", At: t0.Add(2 * time.Minute), Fingerprint: 7}}, time.Minute, time.Minute)
		if err != nil || around[0].Repeat != 2 {
			t.Errorf("messages alike %+v, %v", around, err)
		}
		if m, err := r.Message("m0"); err != nil || *m.CaseID != k.ID || m.Score != 0.97 || len(m.Reasons) != 1 || m.Reasons[0].Detail != "兼职" {
			t.Errorf("message: %+v %v", m, err)
		}
		if at, ok, err := r.NextCase(); err != nil || !ok || !at.Equal(k.NextAt) {
			t.Errorf("next case %v %v %v", at, ok, err)
		}
		asked := k
		asked.Status, asked.AskedAt, asked.Asks, asked.NextAt = CaseAsked, t0, 1, time.Time{}
		tx(t, s, func(tx *Tx) error { return tx.SaveCase(asked, CaseOpen) })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.SaveCase(k, CaseOpen) }); !errors.Is(err, ErrStale) {
			t.Errorf("a case moved meanwhile: %v", err)
		}
		if got, err := r.OpenCase("wr1", "wm1"); err != nil || got.Asks != 1 || !got.AskedAt.Equal(t0) {
			t.Errorf("case: %+v %v", got, err)
		}
		if due, err := r.DueCases(t0.Add(2*time.Hour), 5); err != nil || len(due) != 0 {
			t.Errorf("due %+v %v", due, err)
		}
		if list, err := r.Cases(CaseAsked, 0, 5); err != nil || len(list) != 1 {
			t.Errorf("cases %+v %v", list, err)
		}
		tx(t, s, func(tx *Tx) error {
			if n, err := tx.PruneMessages(t0.Add(time.Hour), 10); err != nil || n != 2 {
				return fmt.Errorf("pruned %d %v", n, err)
			}
			if err := tx.Block(Blocked{Person: "u1", Reason: "first"}); err != nil {
				return err
			}
			one := int64(1) // a case has nothing to add
			return errors.Join(tx.Block(Blocked{Person: "u1", Reason: "second"}), tx.Block(Blocked{Person: "u1", Reason: "third", CaseID: &one}))
		})
		if b, ok, err := r.IsBlocked("", "wm9", "u1"); err != nil || !ok || b.Reason != "second" || b.CaseID != nil {
			t.Errorf("blocked: %+v %v %v", b, ok, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.Unblock("u1") })
		if err := s.Tx(t.Context(), func(tx *Tx) error { return tx.Unblock("u1") }); !errors.Is(err, ErrNotFound) {
			t.Errorf("unblock twice: %v", err)
		}
	})
}

// Whoever looked at a task when the program ended is dead: the next start looks again at
// once, but leaves alone what is due much later.
func TestAStartLooksAtTasksThatTheDeadHeld(t *testing.T) {
	c, dsn := newClock(), dsns(t)["sqlite"]
	s, err := Open(t.Context(), dsn, c.Now)
	must(t, err)
	held := Task{Owner: "wang", Status: TaskSubmitted, MsgID: "msg1", NextPollAt: c.Now(), ClosesAt: c.Now().Add(time.Hour)}
	later := Task{Owner: "li", Status: TaskSubmitted, MsgID: "msg2", NextPollAt: c.Now().Add(10 * time.Minute), ClosesAt: c.Now().Add(time.Hour)}
	tx(t, s, func(tx *Tx) error {
		p := Promotion{Name: "秒杀", Status: PromotionActive}
		must(t, tx.AddPromotion(&p))
		o := Occurrence{PromotionID: p.ID, At: c.Now(), Status: OccurrenceRunning}
		if _, err := tx.AddOccurrence(&o); err != nil {
			return err
		}
		held.OccurrenceID, later.OccurrenceID = o.ID, o.ID
		must(t, tx.AddTask(&held))
		must(t, tx.AddTask(&later))
		mine, err := tx.LeaseTask(held, c.Now().Add(2*time.Minute))
		if !mine {
			t.Error("the lease was not given")
		}
		return err
	})
	must(t, s.Close())
	s = open(t, dsn, c)
	due, err := s.Read(t.Context()).DueTasks(c.Now(), 10)
	if err != nil || len(due) != 1 || due[0].ID != held.ID {
		t.Errorf("due: %+v %v", due, err)
	}
}

// Whoever shares a union id with somebody is that person, with all stays under either name.
func TestAPersonIsFoundUnderEveryName(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		at := func(n int) time.Time { return c.Now().Add(time.Duration(n) * time.Second) }
		tx(t, s, func(tx *Tx) error {
			for n, st := range []Stint{{UserID: "wm1"}, {UserID: "wm1", UnionID: "u"}, {UserID: "wm2", UnionID: "u"}, {UserID: "wm2"}, {UserID: "wm3"}, {UserID: "wm4"}, {UserID: "wm4", UnionID: "v"}} {
				st.ChatID, st.Kind, st.JoinedAt = "wr1", string(bot.Customer), at(n)
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
			}
			return nil
		})
		for name, want := range map[string]struct {
			user, union string
			n           int
		}{
			"by one name":                  {"wm1", "", 4},
			"by the other, with the union": {"wm2", "u", 4},
			"without a union":              {"wm3", "", 1},
			"an unknown one":               {"wm9", "", 0},
			"an unknown one of a person":   {"wm9", "v", 2},
		} {
			got, err := s.Read(t.Context()).PersonStints(bot.MemberID(want.user), want.union)
			must(t, err)
			if len(got) != want.n {
				t.Errorf("%s: %d stays, want %d", name, len(got), want.n)
			}
		}
	})
}
