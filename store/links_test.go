package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// linked is an occurrence of a promotion with links.
func linked(t *testing.T, s *Store, at time.Time, links ...Link) (Promotion, Occurrence) {
	t.Helper()
	promo := Promotion{Name: "p", Status: PromotionActive}
	occ := Occurrence{At: at, Status: OccurrenceRunning}
	tx(t, s, func(tx *Tx) error {
		promo.ID, occ.ID = 0, 0
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		occ.PromotionID = promo.ID
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		rows := make([]Link, len(links))
		for i, l := range links {
			l.PromotionID, l.OccurrenceID = promo.ID, occ.ID
			rows[i] = l
		}
		return tx.AddLinks(rows)
	})
	return promo, occ
}

func salesText(sales []Sale) string {
	var out []string
	for _, s := range sales {
		out = append(out, fmt.Sprintf("%s:%d/%d/%d", s.Key, s.Clicks, s.Orders, s.AmountFen))
	}
	return strings.Join(out, " ")
}

func TestWhatLinksBringIsSummed(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		promo, occ := linked(t, s, c.Now(), Link{Code: "a", Scope: "wr1", ChatID: "wr1", Owner: "wang", ShopID: "s1"}, Link{Code: "b", Scope: "wr2", ChatID: "wr2", Owner: "wang"},
			Link{Code: "c", Scope: "wr3", ChatID: "wr3", Owner: "li", ShopID: "s1"}, Link{Code: "d", Scope: "wr4", ChatID: "wr4", Owner: "li", ShopID: "s1"})
		other, _ := linked(t, s, c.Now(), Link{Code: "e"})
		r := s.Read(t.Context())
		links, err := r.LinksByCode([]string{"a", "b", "c", "d", "e", "unknown"})
		must(t, err)
		if len(links) != 5 {
			t.Fatalf("%d links", len(links))
		}
		hour := c.Now().Truncate(time.Hour)
		for range 2 {
			tx(t, s, func(tx *Tx) error {
				return tx.AddClicks([]LinkHour{{links["a"].ID, hour, 2}, {links["a"].ID, hour.Add(time.Hour), 1}, {links["b"].ID, hour, 5}, {12345, hour, 1}},
					[]LinkUse{{LinkID: links["a"].ID, Clicks: 3, At: hour.Add(time.Hour)}, {LinkID: links["b"].ID, Clicks: 5, At: hour}, {LinkID: 12345, Clicks: 1, At: hour}})
			})
		}
		tx(t, s, func(tx *Tx) error {
			return tx.AddOrders([]Order{{OrderID: "1", Code: "a", AmountFen: 100, At: hour}, {OrderID: "2", Code: "c", AmountFen: 990, At: hour}, {OrderID: "3", Code: "a", AmountFen: 1, At: hour}}, links)
		})
		for by, want := range map[string]string{"group": "wr1:6/2/101 wr2:10/0/0 wr3:0/1/990", "store": ":10/0/0 s1:6/3/1091", "owner": "li:0/1/990 wang:16/2/101",
			"occurrence": fmt.Sprintf("%d:16/3/1091", occ.ID)} {
			f := SaleFilter{Promotion: promo.ID, By: by, Limit: 1}
			var got []Sale
			for {
				page, err := r.Sales(f)
				must(t, err)
				if len(page) == 0 {
					break
				}
				got, f.From, f.Begun = append(got, page...), page[0].Key, true
			}
			if salesText(got) != want {
				t.Errorf("by %s: %s, want %s", by, salesText(got), want)
			}
			if by == "occurrence" && !got[0].At.Equal(occ.At) {
				t.Errorf("the occurrence was at %v", got[0].At)
			}
			if got, err := r.Sales(SaleFilter{Promotion: other.ID, By: by}); err != nil || len(got) != 0 {
				t.Errorf("the other promotion: %v %v", got, err)
			}
		}
		if hours, err := r.ClickHours(occ.ID); err != nil || len(hours) != 2 || hours[0].Clicks != 14 || !hours[1].Hour.Equal(hour.Add(time.Hour)) {
			t.Errorf("by hour: %+v %v", hours, err)
		}
		if l, err := r.LinkByCode("a"); err != nil || l.Clicks != 6 || l.Orders != 2 || l.AmountFen != 101 || !l.UsedAt.Equal(hour.Add(time.Hour)) {
			t.Errorf("the link itself: %+v %v", l, err)
		}
		if _, err := r.Sales(SaleFilter{By: "weather"}); err == nil {
			t.Error("sales by weather")
		}
	})
}

func TestAnOrderIsWrittenDownOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		promo, _ := linked(t, s, c.Now(), Link{Code: "a", ChatID: "wr1"}, Link{Code: "b", Scope: "x", ChatID: "wr2"})
		r := s.Read(t.Context())
		links, err := r.LinksByCode([]string{"a", "b"})
		must(t, err)
		var wg sync.WaitGroup
		var mu sync.Mutex
		stale := 0
		for range 8 {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *Tx) error {
					return tx.AddOrders([]Order{{OrderID: "same", Code: "a", AmountFen: 5, At: tx.Now}}, links)
				})
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrStale) {
					stale++
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if l, err := r.LinkByCode("a"); err != nil || stale != 7 || l.Orders != 1 || l.AmountFen != 5 {
			t.Errorf("%d were told it is known: %+v %v", stale, l, err)
		}
		tx(t, s, func(tx *Tx) error {
			return tx.AddOrders([]Order{{OrderID: "2", Code: "b", At: tx.Now}, {OrderID: "3", Code: "a", At: tx.Now}}, links)
		})
		for _, c := range []struct {
			f    OrderFilter
			want string
		}{{OrderFilter{}, "same 2 3"}, {OrderFilter{Limit: 1}, "same"}, {OrderFilter{Promotion: promo.ID, ChatID: "wr1"}, "same 3"}, {OrderFilter{Promotion: promo.ID + 1}, ""}} {
			list, err := r.Orders(c.f)
			must(t, err)
			var ids []string
			for _, o := range list {
				ids = append(ids, o.OrderID)
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%+v: %s, want %s", c.f, got, c.want)
			}
		}
	})
}

func TestLinksThatNobodyFollowedAreForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		linked(t, s, c.Now(), Link{Code: "a", Scope: "1"}, Link{Code: "b", Scope: "2"}, Link{Code: "c", Scope: "3"})
		r := s.Read(t.Context())
		b, err := r.LinkByCode("b")
		must(t, err)
		at := c.Now().Truncate(time.Hour)
		tx(t, s, func(tx *Tx) error {
			return tx.AddClicks([]LinkHour{{b.ID, at, 1}, {b.ID, at.Add(time.Hour), 1}}, []LinkUse{{LinkID: b.ID, Clicks: 2, At: at}})
		})
		c.Add(time.Hour)
		var links, hours int64
		for range 3 {
			tx(t, s, func(tx *Tx) error {
				n, err := tx.PruneLinks(tx.Now, 1)
				links += n
				if err != nil {
					return err
				}
				n, err = tx.PruneClicks(at.Add(time.Hour), 1)
				hours += n
				return err
			})
		}
		if links != 2 || hours != 1 {
			t.Errorf("%d links and %d hours were forgotten", links, hours)
		}
		if l, err := r.LinkByCode("b"); err != nil || l.Clicks != 2 {
			t.Errorf("a link that was followed: %+v %v", l, err)
		}
	})
}

// A page of sums reads the links of that page, and a redirect one row.
func TestSalesReadNoMoreThanTheirPage(t *testing.T) {
	s := open(t, dsns(t)["sqlite"], newClock())
	k := &keeper{Interface: logger.Discard}
	s.read = s.read.Session(&gorm.Session{Logger: k})
	r := s.Read(t.Context())
	for _, by := range []string{"group", "store", "owner", "occurrence"} {
		_, err := r.Sales(SaleFilter{Promotion: 1, By: by, From: "1", Begun: true, Limit: 50})
		must(t, err)
	}
	_, err := r.LinkByCode("a")
	notFound(t, err)
	_, err = r.LinksByCode([]string{"a"})
	must(t, err)
	_, err = r.LinksOf(1, []string{"a", "b"})
	must(t, err)
	_, err = r.ClickHours(1)
	must(t, err)
	for _, f := range []OrderFilter{{Limit: 1}, {Promotion: 1, Limit: 1}, {ChatID: "wr1", Limit: 1}, {Promotion: 1, ChatID: "wr1", Limit: 1}} {
		_, err = r.Orders(f)
		must(t, err)
	}
	if len(k.said) != 12 {
		t.Fatalf("%d statements: %q", len(k.said), k.said)
	}
	for i, sql := range k.said {
		plan := planOf(t, s, sql)
		if strings.Contains(plan, "SCAN") || i < 4 && (strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "promotion_id=? AND")) {
			t.Errorf("%s\n%s", sql, plan)
		}
	}
}
