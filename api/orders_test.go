package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/promotions"
	"xiaobu/store"
)

// counter is the API of a store whose promotion 1 posted two links, in code1 and code2.
type counter struct {
	t     *testing.T
	store *store.Store
	face  http.Handler
	now   time.Time
}

func newCounter(t *testing.T) *counter {
	c := &counter{t: t, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return c.now }
	s, err := store.OpenScratch(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), clock)
	c.must(err)
	t.Cleanup(func() { c.must(s.Close()) })
	c.store = s
	c.face = New(Config{Store: s, Token: "sixteen letters!", Zone: time.FixedZone("", 8*3600), Now: clock, Log: slog.New(slog.DiscardHandler), Version: "test",
		Orders: &promotions.Orders{Store: s}})
	c.must(s.Tx(t.Context(), func(tx *store.Tx) error {
		promo := store.Promotion{Name: "p", Status: store.PromotionActive}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		occ := store.Occurrence{PromotionID: promo.ID, At: tx.Now, Status: store.OccurrenceRunning}
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		return tx.AddLinks([]store.Link{{Code: "code1", PromotionID: promo.ID, OccurrenceID: occ.ID, Scope: "wr1", ChatID: "wr1", Owner: "wang", ShopID: "s1"},
			{Code: "code2", PromotionID: promo.ID, OccurrenceID: occ.ID, Scope: "wr2", ChatID: "wr2", Owner: "wang"}})
	}))
	return c
}

func (c *counter) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// call returns the status and the body of an answer.
func (c *counter) call(method, path, body string) (int, string) {
	c.t.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer sixteen letters!")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.face.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func order(id, code string, fen int64, at string) string {
	return fmt.Sprintf(`{"id":%q,"code":%q,"amount_fen":%d,"at":%q}`, id, code, fen, at)
}

func TestOrdersAreTakenDownOnce(t *testing.T) {
	c := newCounter(t)
	const at = "2026-11-23T10:05:00+08:00"
	one := order("A-1", "code1", 1980, at)
	for i, want := range []int{201, 200, 200} {
		status, body := c.call("POST", "/orders", one)
		if status != want || !strings.Contains(body, `"chat_id":"wr1","owner":"wang","store_id":"s1"`) || !strings.Contains(body, `"at":"2026-11-23T10:05:00+08:00"`) {
			t.Errorf("%d times: %d %s", i+1, status, body)
		}
	}
	// The same moment in another zone is the same order, and twice in a list is once.
	two := order("A-2", "code2", 0, at)
	list := "[" + strings.Join([]string{order("A-1", "code1", 1980, "2026-11-23T02:05:00Z"), two, two}, ",") + "]"
	if status, body := c.call("POST", "/orders", list); status != 201 || !strings.Contains(body, `"created":1`) || strings.Count(body, `"id":"A-2"`) != 2 {
		t.Errorf("a list: %d %s", status, body)
	}
	for _, other := range []string{order("A-1", "code2", 1980, at), order("A-1", "code1", 1981, at), order("A-1", "code1", 1980, "2026-11-23T10:06:00+08:00"),
		"[" + order("A-3", "code1", 1, at) + "," + order("A-1", "code1", 1, at) + "]", "[" + order("A-3", "code1", 1, at) + "," + order("A-3", "code1", 2, at) + "]"} {
		if status, body := c.call("POST", "/orders", other); status != 409 || !strings.Contains(body, "order A-") {
			t.Errorf("%s: %d %s", other, status, body)
		}
	}
	var got struct {
		Items []struct{ ID string }
		Next  string `json:"next_cursor"`
	}
	for path, want := range map[string]string{"/orders": "A-1 A-2", "/orders?limit=1": "A-1", "/orders?chat_id=wr2": "A-2", "/orders?promotion=1&chat_id=wr1": "A-1", "/orders?chat_id=wr3": ""} {
		status, body := c.call("GET", path, "")
		got.Items = nil
		c.must(json.Unmarshal([]byte(body), &got))
		var ids []string
		for _, o := range got.Items {
			ids = append(ids, o.ID)
		}
		if s := strings.Join(ids, " "); status != 200 || s != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := c.call("GET", "/orders?promotion=2", ""); status != 404 {
		t.Errorf("orders of a promotion that is not there: %d", status)
	}
}

func TestOrdersThatCannotBeAreRefused(t *testing.T) {
	c := newCounter(t)
	const at = "2026-11-23T10:05:00+08:00"
	good := order("A-1", "code1", 1, at)
	for _, r := range []struct {
		status         int
		body, location string
	}{
		{422, order("A-1", "nobody", 1, at), `body.code"`},
		{422, "[" + good + "," + order("A-2", "nobody", 1, at) + "]", `body[1].code"`},
		{422, "[" + good + `,{"id":"A-2","code":"code1","amount_fen":"9.90","at":"` + at + `"}]`, `body[1].amount_fen"`},
		{422, order("A-1", "code1", -1, at), `body.amount_fen"`},
		{422, order("A-1", "code1", 1_000_000_000_001, at), `body.amount_fen"`},
		{422, order("", "code1", 1, at), `body.id"`},
		{422, strings.Replace(good, "A-1", `A\u0007`, 1), `body.id"`},
		{422, order("A-1", "code1", 1, "2026-11-23 10:05"), `body.at"`},
		{422, order("A-1", "code1", 1, "2026-11-24T11:00:00+08:00"), `body.at"`},
		{422, order("A-1", "code1", 1, "1970-01-21T10:05:00Z"), `body.at"`},
		{422, `{"id":"A-1","code":"code1","at":"` + at + `"}`, `amount_fen`},
		{422, `{"id":"A-1","code":"code1","amount_fen":1,"at":"` + at + `","customer":"wm1"}`, `body.customer"`},
		{422, `[]`, `body"`},
		{422, `7`, `body"`},
		{422, "[" + strings.Repeat(good+",", maxOrders) + good + "]", `body"`},
	} {
		status, body := c.call("POST", "/orders", r.body)
		if status != r.status || !strings.Contains(body, r.location) {
			t.Errorf("%.200s: %d %s", r.body, status, body)
		}
	}
	for _, broken := range []string{``, `{`, `[{]`} {
		if status, body := c.call("POST", "/orders", broken); status != 400 && status != 422 {
			t.Errorf("%q: %d %s", broken, status, body)
		}
	}
	if _, body := c.call("GET", "/orders", ""); !strings.Contains(body, `"items":[]`) {
		t.Errorf("something was taken down: %s", body)
	}
}

// Shops repeat their reports when an answer is slow; the sums must not know it.
func TestOrdersThatAreReportedAtOnceCountOnce(t *testing.T) {
	c := newCounter(t)
	var list []string
	for i := range 50 {
		list = append(list, order(fmt.Sprintf("A-%d", i), "code"+string("12"[i%2]), 100, "2026-11-23T10:05:00+08:00"))
	}
	body := "[" + strings.Join(list, ",") + "]"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if status, answer := c.call("POST", "/orders", body); status != 200 && status != 201 {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	wg.Wait()
	c.must(c.store.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.AddClicks([]store.LinkHour{{LinkID: 1, Hour: c.now, Clicks: 7}}, []store.LinkUse{{LinkID: 1, Clicks: 7, At: c.now}})
	}))
	for path, want := range map[string]string{
		"":          `[{"at":"2026-11-23T10:00:00+08:00","clicks":7,"orders":50,"amount_fen":5000}]`,
		"?by=group": `[{"chat_id":"wr1","clicks":7,"orders":25,"amount_fen":2500},{"chat_id":"wr2","clicks":0,"orders":25,"amount_fen":2500}]`,
		"?by=owner&at=2026-11-23T10:00:00%2B08:00": `[{"owner":"wang","clicks":7,"orders":50,"amount_fen":5000}]`,
		"?by=store": `[{"clicks":0,"orders":25,"amount_fen":2500},{"store_id":"s1","clicks":7,"orders":25,"amount_fen":2500}]`,
	} {
		if status, body := c.call("GET", "/promotions/1/sales"+path, ""); status != 200 || !strings.Contains(body, `"items":`+want) {
			t.Errorf("sales%s: %d %s", path, status, body)
		}
	}
	_, first := c.call("GET", "/promotions/1/sales?by=store&limit=1", "")
	var page struct {
		Next string `json:"next_cursor"`
	}
	c.must(json.Unmarshal([]byte(first), &page))
	if _, second := c.call("GET", "/promotions/1/sales?by=store&limit=1&cursor="+page.Next, ""); !strings.Contains(second, `"s1"`) || strings.Contains(second, `"clicks":0`) {
		t.Errorf("the second page: %s", second)
	}
	for path, want := range map[string]int{"/promotions/1/sales?by=weather": 422, "/promotions/9/sales": 404, "/promotions/1/sales?at=2026-11-23T11:00:00Z": 404,
		"/promotions/1/sales?by=group&cursor=" + page.Next: 422, "/promotions/1/clicks": 422} {
		if status, body := c.call("GET", path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := c.call("GET", "/promotions/1/clicks?at=2026-11-23T02:00:00Z", ""); status != 200 || !strings.Contains(body, `{"hour":"2026-11-23T10:00:00+08:00","clicks":7}`) {
		t.Errorf("clicks: %d %s", status, body)
	}
}
