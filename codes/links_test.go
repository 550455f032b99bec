package codes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/store"
)

// forward is a store with links, and the handler that sends on to where they lead.
type forward struct {
	*desk
	links  *Links
	clicks *Visits
	seen   map[string]int
	mu     sync.Mutex
}

func newForward(t testing.TB) *forward {
	t.Helper()
	d := newDesk(t)
	f := &forward{desk: d, clicks: NewClicks(d.store), seen: map[string]int{}}
	f.links = &Links{Store: d.store, Count: f.clicks.Count, Now: d.pages.Now, Log: d.pages.Log, Seen: func(outcome string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen[outcome]++
	}}
	d.face = f.links.Handler()
	return f
}

// lead makes links of one occurrence: codes and where they lead, in turn.
func (f *forward) lead(pairs ...string) {
	f.t.Helper()
	f.tx(func(tx *store.Tx) error {
		promo := store.Promotion{Name: "p", Status: store.PromotionActive}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		occ := store.Occurrence{PromotionID: promo.ID, At: tx.Now, Status: store.OccurrenceRunning}
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		var links []store.Link
		for i := 0; i < len(pairs); i += 2 {
			links = append(links, store.Link{Code: pairs[i], PromotionID: promo.ID, OccurrenceID: occ.ID, Scope: pairs[i], URL: pairs[i+1]})
		}
		return tx.AddLinks(links)
	})
}

// clicked is how often a link was followed, as the books have it.
func (f *forward) clicked(code string) int64 {
	f.t.Helper()
	_, err := f.clicks.Flush(f.t.Context())
	must(f.t, err)
	l, err := f.store.Read(f.t.Context()).LinkByCode(code)
	must(f.t, err)
	return l.Clicks
}

func TestALinkLeadsWhereItWasMadeToLead(t *testing.T) {
	f := newForward(t)
	const to = "https://shop.example/sale?from=abcd1234efgh&x=%2F%2Fy#top"
	f.lead("abcd1234efgh", to, "ordersonly01", "")
	for _, path := range []string{"/l/abcd1234efgh", "/l/abcd1234efgh?url=https://evil.example", "/l/abcd1234efgh?next=//evil.example&code=other", "/l/abcd1234efgh?%0d%0aLocation:%20https://evil.example"} {
		w := f.get(path, "Referer", "https://evil.example", "X-Forwarded-Host", "evil.example")
		h := w.Header()
		if w.Code != http.StatusFound || !slices.Equal(h["Location"], []string{to}) || w.Body.Len() != 0 {
			t.Errorf("%s: %d %v", path, w.Code, h)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	for _, path := range []string{"/l/", "/l/unknown12345", "/l/ABCD1234EFGH", "/l/abcd1234efgh/", "/l/abcd1234efgh/more", "/l/%2F%2Fevil.example", "/l/https:%2F%2Fevil.example", "/l/%5C%5Cevil.example",
		"/l/abcd1234efgh%0d%0aLocation:%20https:%2F%2Fevil.example", "/l/abcd1234efgh%00", "/l/" + strings.Repeat("a", 10_000), "/l/群", "/l/%27%20OR%201=1", "/l/ordersonly01"} {
		w := f.get(path)
		f.shows(w, http.StatusNotFound, []string{"这个链接打不开", "请回到群里", `lang="zh-CN"`}, []string{"evil", "shop.example"})
		if w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	f.shows(f.get("/l/unknown12345", "Accept-Language", "en"), http.StatusNotFound, []string{"This link cannot be opened"}, []string{"链接"})
	// The mux tidies some paths up before we see them; that must not lead anywhere else either.
	for _, path := range []string{"/l//evil.example", "//evil.example/l/abcd1234efgh", "/l/../../evil.example", "/l//evil.example/..", "/l/./abcd1234efgh"} {
		w := f.get(path)
		if loc := w.Header().Get("Location"); strings.HasPrefix(loc, "//") || strings.Contains(loc, "://") || strings.Contains(loc, `\`) {
			t.Errorf("%s leads to %s", path, loc)
		}
	}
	post := httptest.NewRecorder()
	f.face.ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/l/abcd1234efgh", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", post.Code)
	}
}

func TestOnlyCustomersCount(t *testing.T) {
	f := newForward(t)
	f.lead("abcd1234efgh", "https://shop.example/")
	const wechat = "Mozilla/5.0 (Linux; Android 14; CUBOT X19 Build/UP1A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36 XWEB/1260 MMWEBSDK/2024 MicroMessenger/8.0.50 WeChat/arm64"
	want := int64(0)
	for _, c := range []struct {
		method, header, value string
		counts                bool
	}{
		{"GET", "User-Agent", wechat, true},
		{"GET", "User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.53 NetType/WIFI Language/zh_CN", true},
		{"GET", "User-Agent", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 wxwork/4.1.28", true},
		{"GET", "User-Agent", "", true},
		{"HEAD", "User-Agent", wechat, false},
		{"GET", "User-Agent", "WeChatShareExtensionNew/8.0.50 CFNetwork/1490.0.4 Darwin/23.2.0", false},
		{"GET", "User-Agent", "WeChat/8.0.50.33 CFNetwork/1490.0.4 Darwin/23.2.0", false},
		{"GET", "User-Agent", "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", false},
		{"GET", "User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", false},
		{"GET", "User-Agent", "TelegramBot (like TwitterBot)", false},
		{"GET", "Sec-Purpose", "prefetch;prerender", false},
		{"GET", "Purpose", "prefetch", false},
		{"GET", "X-Purpose", "preview", false},
		{"GET", "X-Moz", "prefetch", false},
	} {
		r := httptest.NewRequest(c.method, "/l/abcd1234efgh", nil)
		r.Header.Set(c.header, c.value)
		w := httptest.NewRecorder()
		f.face.ServeHTTP(w, r)
		if c.counts {
			want++
		}
		if w.Code != http.StatusFound || w.Header().Get("Location") != "https://shop.example/" {
			t.Errorf("%+v: %d %v", c, w.Code, w.Header())
		}
		if got := f.clicked("abcd1234efgh"); got != want {
			t.Errorf("%+v: %d clicks, want %d", c, got, want)
		}
	}
	if f.seen[LinkCounted] != 4 || f.seen[LinkPreview] != 10 {
		t.Errorf("seen: %v", f.seen)
	}
}

// Many who come at once are all counted, in the hour they came, and again after a restart;
// what could not be written is not lost.
func TestClicksAreCounted(t *testing.T) {
	f := newForward(t)
	f.lead("abcd1234efgh", "https://a.example/", "abcd1234efgi", "https://b.example/")
	const callers, each = 16, 50
	crowd := func() {
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for range each {
					f.get("/l/abcd1234efg" + string("hi"[i%2]))
					if i == 0 {
						if _, err := f.clicks.Flush(t.Context()); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
	}
	crowd()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	f.now = f.now.Add(time.Second) // the next hour
	f.get("/l/abcd1234efgh")
	if _, err := f.clicks.Flush(gone); err == nil {
		t.Error("who could not write must say so")
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	f.clicks.Run(ended, func(err error) { t.Error(err) })
	f.clicks = NewClicks(f.store) // another process
	f.links.Count = f.clicks.Count
	f.face = f.links.Handler()
	crowd()
	if a, b := f.clicked("abcd1234efgh"), f.clicked("abcd1234efgi"); a != callers*each+1 || b != callers*each {
		t.Errorf("%d and %d clicks, want %d and one less", a, b, callers*each+1)
	}
	l, err := f.store.Read(t.Context()).LinkByCode("abcd1234efgh")
	must(t, err)
	hours, err := f.store.Read(t.Context()).ClickHours(l.OccurrenceID)
	must(t, err)
	first := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	if len(hours) != 2 || !hours[0].Hour.Equal(first) || hours[0].Clicks != callers*each || hours[1].Clicks != callers*each+1 {
		t.Errorf("by hour: %+v", hours)
	}
	if !l.UsedAt.Equal(f.now) {
		t.Errorf("last followed at %v, want %v", l.UsedAt, f.now)
	}
}

// The database is asked once for a link, and can be away then.
func TestAKnownLinkAsksNobody(t *testing.T) {
	f := newForward(t)
	f.lead("abcd1234efgh", "https://a.example/")
	f.get("/l/abcd1234efgh")
	f.tx(func(tx *store.Tx) error { _, err := tx.PruneLinks(tx.Now.Add(time.Hour), 10); return err })
	if w := f.get("/l/abcd1234efgh"); w.Code != http.StatusFound {
		t.Errorf("asked again: %d", w.Code)
	}
	must(t, f.store.Close())
	f.shows(f.get("/l/other1234567"), http.StatusServiceUnavailable, []string{"现在打不开"}, nil)
	if w := f.get("/l/abcd1234efgh"); w.Code != http.StatusFound {
		t.Errorf("without the database: %d", w.Code)
	}
	if f.seen[LinkFailed] != 1 {
		t.Errorf("seen: %v", f.seen)
	}
}

// However many codes are tried or known, what is remembered has a bound, and a flood of codes
// that are not there pushes nothing out.
func TestWhatIsRememberedHasABound(t *testing.T) {
	var m recent
	m.young = map[string]target{}
	m.put("mine", target{1, "https://a.example/"})
	for i := range 3 * keptTargets {
		m.put(fmt.Sprint(i), target{int64(i), ""})
		if i%1000 == 0 {
			if _, ok := m.get("mine"); !ok {
				t.Fatalf("what is asked for again and again was forgotten after %d others", i)
			}
		}
	}
	if n := len(m.young) + len(m.old); n > 2*keptTargets {
		t.Errorf("%d are remembered", n)
	}
	if _, ok := m.get("0"); ok {
		t.Error("what nobody asks for is remembered for ever")
	}
	f := newForward(t)
	s := &linkServer{Links: f.links, paper: newPaper(f.links.Log), asks: make(chan struct{}, asksAtOnce)}
	s.known.young = map[string]target{}
	for i := range 300 {
		if _, err := s.find(t.Context(), fmt.Sprintf("nothere%05d", i)); err != store.ErrNotFound {
			t.Fatal(err)
		}
	}
	if n := len(s.known.young) + len(s.known.old); n != 0 {
		t.Errorf("%d codes that are not there are remembered", n)
	}
}

// BenchmarkRedirect is a link that is followed over HTTP on this machine, as fast as 64 clients
// at once go and a thousand times a second, beside the same handler that counts nothing, and
// beside a code that is not there. p99 is the client's own time included.
func BenchmarkRedirect(b *testing.B) {
	for _, c := range []struct {
		name, path string
		count      bool
		pace       time.Duration
	}{
		{"counted/full", "/l/abcd1234efgh", true, 0}, {"counted/1000a-second", "/l/abcd1234efgh", true, time.Millisecond},
		{"uncounted/full", "/l/abcd1234efgh", false, 0}, {"uncounted/1000a-second", "/l/abcd1234efgh", false, time.Millisecond},
		{"unknown/full", "/l/unknown12345", true, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newForward(b)
			f.links.Seen, f.links.Now = func(string) {}, time.Now
			if !c.count {
				f.links.Count = func(int64, time.Time) {}
			}
			f.lead("abcd1234efgh", "https://shop.example/sale?from=abcd1234efgh")
			server := httptest.NewServer(f.links.Handler())
			defer server.Close()
			ctx, stop := context.WithCancel(b.Context())
			var flusher sync.WaitGroup
			flusher.Go(func() { f.clicks.Run(ctx, func(err error) { b.Error(err) }) })
			follow(b, server.URL+c.path, c.pace)
			stop()
			flusher.Wait()
		})
	}
}

// follow asks for an address b.N times, once in each pace; 0 is as fast as it goes.
func follow(b *testing.B, address string, pace time.Duration) {
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	defer transport.CloseIdleConnections()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	b.SetParallelism(32) // 64 at a time on two cores
	b.ResetTimer()
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1) - 1
			began := start.Add(time.Duration(i) * pace)
			if time.Sleep(time.Until(began)); pace == 0 {
				began = time.Now()
			}
			r, err := http.NewRequest(http.MethodGet, address, nil)
			must(b, err)
			res, err := transport.RoundTrip(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			took[i] = time.Since(began)
		}
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "redirects/s")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
}
