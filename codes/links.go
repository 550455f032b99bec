package codes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"xiaobu/store"
)

// What became of a request for a link.
const (
	LinkCounted = "counted"
	LinkPreview = "preview" // answered and not counted: whoever asked is no customer
	LinkUnknown = "unknown"
	LinkFailed  = "failed"
)

// Links sends whoever follows a link of a promotion on to where it leads: GET /l/{code}. The
// address is the one that was written down when the code was made; nothing of the request has
// a part in it. No cookie is set and nothing of the visitor is kept.
type Links struct {
	Store *store.Store
	// Count counts that a link was followed.
	Count func(link int64, at time.Time)
	Now   func() time.Time
	Log   *slog.Logger
	Seen  func(outcome string) // LinkCounted … for each request
}

const (
	// keptTargets is how many links of each generation are remembered: with the longest
	// addresses both together are some 32 MB, with ordinary ones a quarter of that.
	keptTargets = 1 << 14
	// asksAtOnce bounds the look-ups that go on at once: strangers who try codes wait for each
	// other, and the rest of the house does not wait for them.
	asksAtOnce = 2
	askTime    = 2 * time.Second
)

// Handler serves /l/.
func (l *Links) Handler() http.Handler {
	s := &linkServer{Links: l, paper: newPaper(l.Log), asks: make(chan struct{}, asksAtOnce)}
	s.known.young = map[string]target{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /l/{code}", s.follow)
	mux.HandleFunc("GET /l/", func(w http.ResponseWriter, r *http.Request) { s.missing(w, r, store.ErrNotFound) })
	return mux
}

type linkServer struct {
	*Links
	*paper
	known  recent
	asking singleflight.Group
	asks   chan struct{}
}

// target is where a code leads.
type target struct {
	link int64
	url  string
}

func (s *linkServer) follow(w http.ResponseWriter, r *http.Request) {
	to, err := s.find(r.Context(), r.PathValue("code"))
	if err != nil {
		s.missing(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Location", to.url)
	h.Set("Cache-Control", "no-store") // or the next click would not come by here
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
	if preview(r) {
		s.Seen(LinkPreview)
		return
	}
	s.Count(to.link, s.Now())
	s.Seen(LinkCounted)
}

func (s *linkServer) missing(w http.ResponseWriter, r *http.Request, err error) {
	l := s.wordsFor(r)
	if errors.Is(err, store.ErrNotFound) {
		s.Seen(LinkUnknown)
		s.write(w, r, http.StatusNotFound, view{Words: l, Title: l.LinkGone, Do: l.LinkAgain})
		return
	}
	s.Seen(LinkFailed)
	if r.Context().Err() == nil {
		s.Log.Error("look up a link", "error", err)
	}
	s.write(w, r, http.StatusServiceUnavailable, view{Words: l, Title: l.LinkGone, Do: l.LinkLater})
}

// find returns where a code leads. What the database was asked once is remembered: a link
// never leads elsewhere. A code that is not there is not remembered, or a flood of them would
// push out those that are.
func (s *linkServer) find(ctx context.Context, code string) (target, error) {
	if !slug.MatchString(code) {
		return target{}, store.ErrNotFound
	}
	if t, ok := s.known.get(code); ok {
		return t, nil
	}
	found := s.asking.DoChan(code, func() (any, error) { return s.ask(ctx, code) })
	select {
	case <-ctx.Done():
		return target{}, ctx.Err()
	case res := <-found:
		if res.Err != nil {
			return target{}, res.Err
		}
		return res.Val.(target), nil
	}
}

// ask looks a code up, for everybody who asks for it now, also when the first of them is gone.
func (s *linkServer) ask(ctx context.Context, code string) (target, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	select {
	case s.asks <- struct{}{}:
		defer func() { <-s.asks }()
	case <-ctx.Done():
		return target{}, ctx.Err()
	}
	l, err := s.Store.Read(ctx).LinkByCode(code)
	if err == nil && l.URL == "" {
		err = store.ErrNotFound // its code is only for orders
	}
	if err != nil {
		return target{}, err
	}
	t := target{l.ID, l.URL}
	s.known.put(code, t)
	return t, nil
}

// recent remembers the targets that were asked for last, in two generations: when the young
// one is full it becomes the old one, and what was old and not asked for since is forgotten.
type recent struct {
	mu         sync.RWMutex
	young, old map[string]target
}

func (m *recent) get(code string) (target, bool) {
	m.mu.RLock()
	t, young := m.young[code]
	ok := young
	if !young {
		t, ok = m.old[code]
	}
	m.mu.RUnlock()
	if ok && !young {
		m.put(code, t)
	}
	return t, ok
}

func (m *recent) put(code string, t target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= keptTargets {
		m.old, m.young = m.young, make(map[string]target, keptTargets)
	}
	m.young[code] = t
}

// previewers are parts of what programs call themselves that open links without a customer:
// they draw previews, check for malice, or fill search engines. WeChat's own browser is
// MicroMessenger, and a customer; what fetches a title for a card is its share extension, or
// the app itself by CFNetwork, which no browser names. A checker that calls itself a browser
// cannot be told from one, and counts.
var previewers = []string{"bot/", "bot-", "bot;", "bot)", "spider", "crawler", "preview", "slurp", "wechatshareextension", "cfnetwork",
	"facebookexternalhit", "whatsapp/", "embedly", "headlesschrome", "lighthouse"}

// preview reports whether a request is no customer's: only the head is asked for, or the page
// is fetched before anybody wants it, or the program says that it is none.
func preview(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return true
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return true
		}
	}
	agent := strings.ToLower(r.UserAgent())
	for _, name := range previewers {
		if strings.Contains(agent, name) {
			return true
		}
	}
	return false
}
