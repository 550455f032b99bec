package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/sandbox"
)

const (
	crashesAtOnce = 24
	dayLimit      = 3 * time.Minute // of real time, for one day
)

// TestACrashAtEveryCall lives through one busy day again and again, each time killing the
// real program at another of its calls, before the platform did the work or before its
// answer; the program is started again, and the day must end as if nothing had happened.
func TestACrashAtEveryCall(t *testing.T) {
	t.Parallel() // for the most part it waits
	if slow > 1 {
		t.Skip("the program under test is not built with the race detector")
	}
	bin := buildProgram(t)
	began := time.Now()
	calm := newDay(t, bin, crash{})
	calm.live()
	if t.Failed() {
		return
	}
	var crashes []crash
	for _, op := range slices.Sorted(maps.Keys(calm.calls)) {
		for n := range calm.calls[op] {
			crashes = append(crashes, crash{op, n + 1, false}, crash{op, n + 1, true})
		}
	}
	hit := map[crash]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	turn := make(chan struct{}, crashesAtOnce)
	for _, c := range crashes {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			t.Run(c.String(), func(t *testing.T) {
				d := newDay(t, bin, c)
				d.live()
				mu.Lock()
				defer mu.Unlock()
				hit[c] = d.killed
			})
		})
	}
	wg.Wait()
	for _, c := range crashes {
		if c.n == 1 && !hit[c] { // a further read may not have been needed
			t.Errorf("no day had its crash in %s", c)
		}
	}
	t.Logf("%d days with a crash, %v", len(crashes), time.Since(began).Round(time.Second))
}

// crash is the call that is the program's last, the n-th of its path, and whether the platform
// has done its work then. Calls run side by side, so that their number in the whole day would
// name another one each time.
type crash struct {
	op    string // below /cgi-bin/; "": none
	n     int
	after bool
}

func (c crash) String() string { return fmt.Sprintf("%s no %d, %s", c.op, c.n, moment(c.after)) }

func moment(after bool) string {
	if after {
		return "after its work"
	}
	return "before its work"
}

// day is one life of a small company with the real program in real time.
type day struct {
	*town
	p     *program
	crash crash

	mu     sync.Mutex     // guards what follows
	calls  map[string]int // by path
	killed bool
	over   bool
}

func newDay(t *testing.T, bin string, c crash) *day {
	t.Helper()
	d := &day{crash: c, calls: map[string]int{}}
	box, err := sandbox.New(sandbox.Config{Now: time.Now, Seed: 1})
	must(t, err)
	srv := httptest.NewServer(http.HandlerFunc(d.serve))
	d.town = &town{t: t, box: box, url: srv.URL}
	d.populate(2)
	addr := ownAddress(t)
	w := box.Config()
	database := "sqlite:" + filepath.Join(memoryDir(t), "day.db")
	d.p = &program{t: t, bin: bin, addr: addr, db: database, log: &syncBuffer{}, env: append(os.Environ(), "XIAOBU_WECOM_SETTLE=50ms",
		"XIAOBU_LISTEN="+addr, "XIAOBU_DATABASE="+database, "XIAOBU_API_TOKEN="+apiToken, "XIAOBU_FEED_SECRET="+feedSecret,
		"XIAOBU_WECOM_BASE_URL="+srv.URL, "XIAOBU_WECOM_CORP_ID="+w.CorpID, fmt.Sprintf("XIAOBU_WECOM_AGENT_ID=%d", w.AgentID),
		"XIAOBU_WECOM_SECRET="+w.Secret, "XIAOBU_WECOM_TOKEN="+w.Token, "XIAOBU_WECOM_AES_KEY="+w.AESKey)}
	box.SetCallback("http://" + addr + "/callback/wecom")
	box.SetFeed("http://"+addr+"/hooks/messages", feedSecret)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = box.Run(ctx) })
	wg.Go(d.supervise)
	t.Cleanup(func() {
		d.end()
		cancel()
		wg.Wait()
		srv.Close()
	})
	return d
}

// serve counts the program's calls, and kills it in the one that is meant.
func (d *day) serve(w http.ResponseWriter, r *http.Request) {
	op := strings.TrimPrefix(r.URL.Path, "/cgi-bin/")
	d.mu.Lock()
	d.calls[op]++
	mine := op == d.crash.op && d.calls[op] == d.crash.n
	d.killed = d.killed || mine
	d.mu.Unlock()
	if !mine {
		d.box.Handler().ServeHTTP(w, r)
		return
	}
	if d.crash.after {
		d.box.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	d.kill()
	panic(http.ErrAbortHandler)
}

func (d *day) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.p.cmd.Process.Kill() // it may have ended by itself; supervise sees that
}

// supervise starts the program, and starts it again whenever it has ended, until the day is over.
func (d *day) supervise() {
	for {
		d.mu.Lock()
		if d.over {
			d.mu.Unlock()
			return
		}
		cmd := exec.Command(d.p.bin, "serve")
		cmd.Env, cmd.Stdout, cmd.Stderr = d.p.env, d.p.log, d.p.log
		d.p.cmd = cmd
		err := cmd.Start()
		d.mu.Unlock()
		if err != nil {
			d.t.Errorf("start: %v", err)
			return
		}
		_ = cmd.Wait() // the error is that it was killed
	}
}

func (d *day) end() {
	d.mu.Lock()
	d.over = true
	d.mu.Unlock()
	d.kill()
}

// await waits until something is so.
func (d *day) await(what string, so func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(dayLimit); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("there is still no %s\n%s", what, d.p.log)
		}
	}
}

// order has the operator do something, again and again until it is answered.
func (d *day) order(method, path string, body, out any) {
	d.t.Helper()
	data, err := json.Marshal(body)
	must(d.t, err)
	d.await("answer to "+path, func() bool {
		return d.p.get(method, path, bytes.NewReader(data), out, "Content-Type", "application/json", "Idempotency-Key", method+path)
	})
}

// live is the busy day: a company is brought in, customers join and leave, are greeted, one
// is a spammer, a sale with a poster is posted and confirmed, rewards fall due.
func (d *day) live() {
	d.t.Helper()
	d.await("company", func() bool {
		var known struct{ Items []struct{ Status string } }
		return d.p.get(http.MethodGet, "/groups", nil, &known) && len(known.Items) == 2
	})
	d.order(http.MethodPut, "/rewards/rule", map[string]any{"effective_from": time.Now().Add(-time.Minute), "tiers": []any{map[string]any{"fen": 50}}, "hold": "0s"}, nil)
	var promo, file struct{ ID string }
	d.await("poster", func() bool {
		return d.p.get(http.MethodPost, "/media?name=a.png", bytes.NewReader(poster(d.t)), &file, "Content-Type", "image/png", "Idempotency-Key", "poster")
	})
	targets := map[string]any{"all": true, "robots": []string{d.robot()}}
	message := map[string]any{"text": "秒杀", "attachments": []any{map[string]any{"type": "image", "media": file.ID}}}
	d.order(http.MethodPost, "/promotions", map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"}, "targets": targets, "message": message}, &promo)
	var brought []string
	for i := range 3 {
		c := d.customer()
		brought = append(brought, c)
		_, err := d.box.Join(d.groups[i%2], c, sandbox.How{Scene: sandbox.SceneDirect, Inviter: fmt.Sprintf("cashier%d", i%2)})
		must(d.t, err)
		_, err = d.box.AddContact(fmt.Sprintf("owner%d", i%2), c, sandbox.Via{})
		must(d.t, err)
		d.await("rest", d.rests)
	}
	must(d.t, d.box.Leave(d.groups[0], brought[0]))
	_, err := d.box.Say(d.groups[1], brought[1], "兼职日结300,加V:abc12345,名额有限")
	must(d.t, err)
	d.order(http.MethodPost, "/promotions/"+promo.ID+"/run", nil, nil)
	d.await("mass messages", func() bool { return len(d.box.Tasks()) == 2 })
	d.await("cards of them", func() bool { return d.cards("mass-") == 2 })
	for _, task := range d.box.Tasks() {
		must(d.t, d.box.Confirm(task.MsgID, task.Sender))
	}
	for _, c := range d.box.Cards() {
		if strings.HasPrefix(c.TaskID, "mass-") {
			must(d.t, d.box.PressCard(c.To[0], c.TaskID, c.Buttons[0].Key))
		}
	}
	told := true // the staff's chat, as far as the program knows
	d.await("deliveries", func() bool {
		var ds struct{ Items []delivery }
		ok := d.p.get(http.MethodGet, "/promotions/"+promo.ID+"/deliveries", nil, &ds)
		for _, one := range ds.Items {
			cutOff := one.Outlet != "" && d.killed && strings.HasPrefix(one.Reason, "the call was cut off")
			told = told && !cutOff
			ok = ok && (one.Status == "sent" || cutOff)
		}
		return ok && len(ds.Items) == 3
	})
	if n := len(d.box.AppChats()[0].Messages); n > 1 || told && n == 0 {
		d.t.Errorf("the staff's chat was told %d times", n)
	}
	d.await("rest", d.rests)
	d.audit(brought)
}

// robot puts a robot into a chat of staff and has it kept.
func (d *day) robot() string {
	d.t.Helper()
	chat, err := d.box.CreateInternalGroup("owner0", "店长群", "owner1", "cashier0")
	must(d.t, err)
	key, err := d.box.AddRobot(chat, "小步")
	must(d.t, err)
	var kept robotOfAPI
	d.order(http.MethodPost, "/robots", map[string]any{"name": "店长群", "webhook": key}, &kept)
	return kept.ID
}

// cards counts the cards whose ids begin alike.
func (d *day) cards(prefix string) (n int) {
	for _, c := range d.box.Cards() {
		if strings.HasPrefix(c.TaskID, prefix) {
			n++
		}
	}
	return n
}

// rests reports whether nothing is under way on either side.
func (d *day) rests() bool {
	var st inboxStats
	return d.box.InFlight() == 0 && d.p.get(http.MethodGet, "/inbox/stats", nil, &st) && st.Pending == 0 && openActions(d.p) == 0
}

// audit demands that everything was done once. A greeting or a card that was under way when
// the program was killed, whatever else it was killed in, may not have been done; but then
// the program says that it does not know.
func (d *day) audit(brought []string) {
	d.t.Helper()
	missing := 0
	for _, w := range d.box.Welcomes() {
		if len(w.Attempts) > 1 {
			d.t.Errorf("a welcome was sent %d times", len(w.Attempts))
		}
		if w.SentAt.IsZero() {
			missing++
		}
	}
	if missing > d.unknown("welcome") {
		d.t.Errorf("%d of %d were not welcomed", missing, len(d.box.Welcomes()))
	}
	if n := d.cards("case-"); n != 1 && n+d.unknown("card") != 1 {
		d.t.Errorf("the owner saw %d cards of the case", n)
	}
	if n := d.cards("mass-"); n != 2 {
		d.t.Errorf("two owners saw %d cards of the mass messages", n)
	}
	if n := len(d.box.Tasks()); n != 2 {
		d.t.Errorf("%d mass messages", n)
	}
	if n := len(d.box.Uploads()); n != 1 && !(n == 2 && d.killed) {
		d.t.Errorf("the poster was uploaded %d times", n)
	}
	var entries struct{ Items []entry }
	d.order(http.MethodGet, "/rewards/entries", nil, &entries)
	earned := map[string]int{}
	for _, e := range entries.Items {
		if earned[e.Member]++; e.Status != "payable" || e.AmountFen != 50 {
			d.t.Errorf("reward %+v", e)
		}
	}
	for _, c := range brought {
		if earned[c] != 1 {
			d.t.Errorf("%s earned %d times", c, earned[c])
		}
	}
	d.auditBooks()
}

// unknown is how many actions of a kind had an outcome that the program does not know.
func (d *day) unknown(kind string) int {
	d.t.Helper()
	if !d.killed {
		return 0
	}
	n := -1
	d.await("metrics", func() bool {
		data, ok := d.p.metrics()
		n = metric(data, fmt.Sprintf(`xiaobu_outbox{kind=%q,state="unknown"}`, kind))
		return ok
	})
	return n
}

func (d *day) auditBooks() {
	d.t.Helper()
	for _, g := range d.box.Groups() {
		var books struct{ Items []member }
		d.order(http.MethodGet, "/groups/"+g.ID+"/members", nil, &books)
		in := map[string]bool{}
		for _, m := range books.Items {
			in[m.UserID] = true
		}
		for _, m := range g.Members {
			if !in[m.User] {
				d.t.Errorf("%s is in group %s and not in the books", m.User, g.Name)
			}
		}
		if len(books.Items) != len(g.Members) {
			d.t.Errorf("group %s has %d members, the books %d", g.Name, len(g.Members), len(books.Items))
		}
	}
	for _, c := range d.box.Callbacks() {
		if c.GivenUp > 0 {
			d.t.Errorf("callback %d was given up", c.Seq)
		}
	}
	if d.crash.op != "" && !d.killed {
		d.t.Logf("this day had only %d calls of %s", d.calls[d.crash.op], d.crash.op)
	}
}
