package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/sandbox"
)

// liveRig is a rig in real time: the sandbox and the bot both run by themselves. The groups
// are those of owner0 to owner2, each with a cashier, and the bot knows them.
func liveRig(t *testing.T, database string, groups int) (*rig, *town) {
	t.Helper()
	r := newRigOn(t, database, 1, time.Now)
	w := &town{t: t, box: r.box, url: r.wecom.URL}
	w.populate(groups)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.box.Run(ctx) })
	wg.Go(func() { r.app.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	waitFor(t, time.Minute, "the groups to be known", func() bool {
		return len(items[struct{}](r, "/groups")) == groups && resting(r)
	})
	return r, w
}

// waitFor polls until something is so.
func waitFor(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s in vain", limit, what)
		}
	}
}

// resting says whether everything that happened has been taken in.
func resting(r *rig) bool {
	var st inboxStats
	r.want(http.StatusOK, http.MethodGet, "/inbox/stats", nil, &st)
	return st.Pending == 0 && r.box.InFlight() == 0
}

// acknowledged demands that each callback was accepted at the first try, and returns how many
// there were and the longest time from happening to answer.
func acknowledged(t *testing.T, box *sandbox.Sandbox) (n int, longest time.Duration) {
	t.Helper()
	for _, c := range box.Callbacks() {
		if len(c.Attempts) != 1 || !c.Delivered {
			t.Errorf("callback %s was not accepted at once: %+v", c.Kind, c.Attempts)
			continue
		}
		n++
		longest = max(longest, c.Attempts[0].At.Sub(c.At))
	}
	return n, longest
}

// While every call to the platform takes six seconds, longer than it waits for an answer to
// a callback, callbacks are accepted at once; and when it is well again, all is made good.
func TestAStuckPlatformDoesNotHoldUpCallbacks(t *testing.T) {
	r, w := liveRig(t, sqliteFile(t), 10)
	must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"*": {Stall: 6 * time.Second}}}))
	for i := range 300 / slow {
		owner, g := fmt.Sprintf("owner%d", i%3), w.groups[i%len(w.groups)]
		if i%10 == 0 {
			_, err := r.box.AddContact(owner, w.customer(), sandbox.Via{})
			must(t, err)
		}
		_, err := r.box.Join(g, w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashierOf(g, w)})
		must(t, err)
		time.Sleep(10 * time.Millisecond)
	}
	waitFor(t, 20*time.Second, "the callbacks", func() bool { return r.box.InFlight() == 0 })
	n, longest := acknowledged(t, r.box)
	must(t, r.box.SetFaults(sandbox.Faults{}))
	waitFor(t, 2*time.Minute, "rest", func() bool { return resting(r) })
	checkMembers(r)
	t.Logf("%d callbacks accepted, the slowest after %v, while each call took 6s", n, longest.Round(time.Millisecond))
}

func cashierOf(chat string, w *town) string {
	for i, g := range w.groups {
		if g == chat {
			return fmt.Sprintf("cashier%d", i%3)
		}
	}
	return ""
}

// New contacts are greeted before their code dies, however much goes on in the groups.
func TestGreetingsDoNotQueueBehindGroups(t *testing.T) {
	r, w := liveRig(t, sqliteFile(t), 20)
	must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"*": {Stall: 100 * time.Millisecond}}}))
	for i := range 2000 / slow {
		if i%20 < 3 {
			_, err := r.box.AddContact(fmt.Sprintf("owner%d", i%3), w.customer(), sandbox.Via{})
			must(t, err)
		}
		g := w.groups[i%len(w.groups)]
		_, err := r.box.Join(g, w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashierOf(g, w)})
		must(t, err)
	}
	sent := func() (n int, longest time.Duration) {
		for _, x := range r.box.Welcomes() {
			if !x.SentAt.IsZero() {
				n++
				longest = max(longest, x.SentAt.Sub(x.IssuedAt))
			}
		}
		return n, longest
	}
	waitFor(t, time.Minute, "the greetings", func() bool { n, _ := sent(); return n == 300/slow })
	_, longest := sent()
	waitFor(t, 2*time.Minute, "rest", func() bool { return resting(r) })
	checkMembers(r)
	t.Logf("%d greetings among %d events of groups, the slowest after %v", 300/slow, 2000/slow, longest.Round(time.Millisecond))
}

// Two processes share a PostgreSQL database and take callbacks in turn: what happens is the
// same as with one.
func TestTwoProcessesShareADatabase(t *testing.T) {
	database, ok := databases(t)["postgres"]
	if !ok {
		return // SQLite is for one process
	}
	r, w := liveRig(t, database, 6)
	o := r.options(r.conf, time.Now, false)
	o.Owner = "other"
	other, err := app.New(context.Background(), o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { other.Run(ctx) })
	var turn atomic.Int64
	both := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		[]http.Handler{r.app.Handler(), other.Handler()}[turn.Add(1)%2].ServeHTTP(rw, req)
	}))
	defer func() {
		both.Close()
		cancel()
		wg.Wait()
		must(t, other.Close())
	}()
	r.box.SetCallback(both.URL + "/callback/wecom")
	r.box.SetFeed(both.URL+"/hooks/messages", feedSecret)
	must(t, r.box.SetFaults(sandbox.Faults{Callbacks: sandbox.CallbackFaults{Copies: 2}})) // one for each, mostly
	dice := rand.New(rand.NewPCG(1, 2))
	for range 600 / slow {
		w.stir(dice)
		time.Sleep(5 * time.Millisecond)
	}
	waitFor(t, time.Minute, "rest", func() bool { return resting(r) })
	checkMembers(r)
	checkBooks(r)
	cards := map[string]int{}
	for _, c := range r.box.Cards() {
		if cards[c.TaskID]++; cards[c.TaskID] > 1 {
			t.Errorf("card %s was shown twice", c.TaskID)
		}
	}
	greeted := 0
	waitFor(t, time.Minute, "the greetings", func() bool {
		greeted = 0
		for _, x := range r.box.Welcomes() {
			if !x.SentAt.IsZero() {
				greeted++
			}
		}
		return greeted == len(r.box.Welcomes())
	})
	for _, x := range r.box.Welcomes() {
		if len(x.Attempts) != 1 {
			t.Errorf("welcome code %s was tried %d times", x.Code, len(x.Attempts))
		}
	}
	t.Logf("%d events, %d greeted, %d cards", turn.Load(), greeted, len(cards))
}

// A rush of joins is read together: what arrives within the settle time costs one call.
func TestARushOfJoinsCostsFewCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, nil)
	w := &town{t: t, box: r.box, url: r.wecom.URL}
	w.populate(20)
	r.bringIn()
	before := r.box.Calls("externalcontact/groupchat/get")
	for i := range 1000 / slow {
		g := w.groups[i%len(w.groups)]
		_, err := r.box.Join(g, w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashierOf(g, w)})
		must(t, err)
		r.pass(10 * slow * time.Millisecond)
	}
	r.pass(5 * time.Minute)
	calls := r.box.Calls("externalcontact/groupchat/get") - before
	if calls > 100 {
		t.Errorf("%d joins in 20 groups within 10 s cost %d calls", 1000/slow, calls)
	}
	checkMembers(r)
	t.Logf("%d joins in 20 groups within 10 s cost %d calls of groupchat/get", 1000/slow, calls)
}

// BenchmarkStart is the start on an empty database, up to the moment at which callbacks are
// welcome.
func BenchmarkStart(b *testing.B) {
	r := newRig(b, 1, time.Now)
	for b.Loop() {
		conf := r.conf
		conf.Database = "sqlite:" + b.TempDir() + "/x.db"
		a, err := app.New(context.Background(), r.options(conf, time.Now, false))
		must(b, err)
		must(b, a.Close())
	}
}
