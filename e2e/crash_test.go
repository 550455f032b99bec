package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/sandbox"
	"xiaobu/store"
)

var kills = flag.Int("kills", 50/slow, "how often the crash test kills the program")

// buildProgram builds the real binary.
func buildProgram(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "xiaobu")
	out, err := exec.Command("go", "build", "-o", bin, "xiaobu/cmd/xiaobu").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// program is the real binary as a process of its own.
type program struct {
	t    testing.TB
	bin  string
	addr string
	env  []string
	db   string
	log  *syncBuffer
	cmd  *exec.Cmd
}

func newProgram(t testing.TB, database string, box sandbox.Config, base string) *program {
	t.Helper()
	addr := ownAddress(t)
	return &program{t: t, bin: buildProgram(t), addr: addr, db: database, log: &syncBuffer{}, env: append(os.Environ(),
		"XIAOBU_LISTEN="+addr, "XIAOBU_DATABASE="+database, "XIAOBU_API_TOKEN="+apiToken, "XIAOBU_FEED_SECRET="+feedSecret,
		"XIAOBU_WECOM_BASE_URL="+base, "XIAOBU_WECOM_CORP_ID="+box.CorpID, fmt.Sprintf("XIAOBU_WECOM_AGENT_ID=%d", box.AgentID),
		"XIAOBU_WECOM_SECRET="+box.Secret, "XIAOBU_WECOM_TOKEN="+box.Token, "XIAOBU_WECOM_AES_KEY="+box.AESKey)}
}

// start starts the program and waits until it is ready.
func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.bin, "serve")
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, p.log, p.log
	must(p.t, p.cmd.Start())
	for {
		resp, err := http.Get("http://" + p.addr + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if p.cmd.ProcessState != nil {
			p.t.Fatalf("the program ended: %s", p.log)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// kill ends the program as the kernel or a power cut would.
func (p *program) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // the error is that it was killed
}

// stop ends the program as an operator would.
func (p *program) stop() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(os.Interrupt))
	must(p.t, p.cmd.Wait())
}

// get asks the API; false if the program is not there.
func (p *program) get(method, path string, body io.Reader, out any, header ...string) bool {
	req, err := http.NewRequest(method, "http://"+p.addr+"/api/v1"+path, body)
	must(p.t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		return false
	}
	return out == nil || json.Unmarshal(data, out) == nil
}

// town is a sandbox in real time whose people never rest.
type town struct {
	t      testing.TB
	box    *sandbox.Sandbox
	url    string
	groups []string
	mu     sync.Mutex
	next   int
}

func newTown(t testing.TB, groups int) (*town, func()) {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Now: time.Now, Seed: 1})
	must(t, err)
	srv := httptest.NewServer(box.Handler())
	w := &town{t: t, box: box, url: srv.URL}
	w.populate(groups)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = box.Run(ctx) })
	return w, func() {
		cancel()
		wg.Wait()
		srv.Close()
	}
}

// populate makes three owners, three cashiers, and their groups.
func (w *town) populate(groups int) {
	w.t.Helper()
	for i := range 3 {
		must(w.t, w.box.AddStaff(sandbox.Staff{UserID: fmt.Sprintf("owner%d", i), Name: fmt.Sprintf("店长%d", i)}))
		must(w.t, w.box.AddStaff(sandbox.Staff{UserID: fmt.Sprintf("cashier%d", i), Name: fmt.Sprintf("收银%d", i)}))
	}
	for i := range groups {
		id, err := w.box.CreateGroup(fmt.Sprintf("owner%d", i%3), fmt.Sprintf("%d群", i+1), fmt.Sprintf("cashier%d", i%3))
		must(w.t, err)
		w.groups = append(w.groups, id)
	}
}

func (w *town) customer() string {
	w.mu.Lock()
	w.next++
	name := fmt.Sprintf("顾客%d", w.next)
	w.mu.Unlock()
	id, err := w.box.AddCustomer(sandbox.Customer{Name: name, WithUnionID: true})
	must(w.t, err)
	return id
}

// stir lets something happen: mostly joins, some leaves, contacts and talk.
func (w *town) stir(r *rand.Rand) {
	i := r.IntN(len(w.groups))
	g, owner, cashier := w.groups[i], fmt.Sprintf("owner%d", i%3), fmt.Sprintf("cashier%d", i%3)
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		_, err := w.box.Join(g, w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier})
		must(w.t, err)
	case 4, 5:
		group, err := w.box.Group(g)
		must(w.t, err)
		for _, m := range group.Members {
			if !m.Staff {
				must(w.t, w.box.Leave(g, m.User))
				break
			}
		}
	case 6, 7, 8:
		_, err := w.box.AddContact(owner, w.customer(), sandbox.Via{})
		must(w.t, err)
	default:
		spammer := w.customer()
		_, err := w.box.Join(g, spammer, sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier})
		must(w.t, err)
		_, err = w.box.Say(g, spammer, "兼职日结300,加V:abc12345,名额有限")
		must(w.t, err)
	}
}

// Killed again and again at any moment, the program loses nothing that it acknowledged and
// does nothing twice.
func TestKillsLoseNothingAndRepeatNothing(t *testing.T) {
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			if n := *kills; name == "sqlite" {
				killAgainAndAgain(t, database, n)
			} else {
				killAgainAndAgain(t, database, max(n/5, 1)) // the leases of the dead take a minute to run out
			}
		})
	}
}

func killAgainAndAgain(t *testing.T, database string, kills int) {
	w, closeTown := newTown(t, 6)
	defer closeTown()
	p := newProgram(t, database, w.box.Config(), w.url)
	w.box.SetCallback("http://" + p.addr + "/callback/wecom")
	w.box.SetFeed("http://"+p.addr+"/hooks/messages", feedSecret)
	p.start()
	r := rand.New(rand.NewPCG(1, 13))
	promo := postPromotion(p)
	runs := 0
	for range kills {
		pause := time.Duration(20+r.IntN(300)) * time.Millisecond
		for end := time.Now().Add(pause); time.Now().Before(end); {
			w.stir(r)
			// A second has at most one run; the quota of a month is thirty.
			if r.IntN(10) == 0 && runs < 25 && p.get(http.MethodPost, "/promotions/"+promo+"/run", nil, nil) {
				runs++
			}
			time.Sleep(time.Duration(1+r.IntN(4)) * time.Millisecond)
		}
		p.kill()
		p.start()
	}
	calm(w, p)
	p.stop()
	checkNothingLost(t, w, p)
	checkNothingTwice(t, w, p)
}

func postPromotion(p *program) string {
	p.t.Helper()
	var promo struct{ ID string }
	body, err := json.Marshal(map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"}, "targets": map[string]any{"all": true}, "message": map[string]any{"text": "秒杀"}})
	must(p.t, err)
	for !p.get(http.MethodPost, "/promotions", bytes.NewReader(body), &promo, "Content-Type", "application/json") {
		time.Sleep(10 * time.Millisecond)
	}
	return promo.ID
}

// calm waits until everything on both sides has come to rest.
func calm(w *town, p *program) {
	p.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		var st inboxStats
		var unasked struct{ Items []modCase }
		if p.get(http.MethodGet, "/inbox/stats", nil, &st) && st.Pending == 0 && w.box.InFlight() == 0 && openActions(p) == 0 &&
			p.get(http.MethodGet, "/moderation/cases?status=open", nil, &unasked) && len(unasked.Items) == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no rest: inbox %+v, %d in flight, %d actions; %s", st, w.box.InFlight(), openActions(p), p.log)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// metrics reads what is counted; false if the program is not there.
func (p *program) metrics() (string, bool) {
	resp, err := http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return string(data), err == nil
}

// openActions counts the actions that are still to be performed or found out about.
func openActions(p *program) int {
	data, ok := p.metrics()
	if !ok {
		return -1
	}
	n := 0
	for _, kind := range []string{"welcome", "card", "card_update", "mass", "owner_card"} {
		for _, state := range []string{"pending", "sending"} {
			n += metric(data, fmt.Sprintf(`xiaobu_outbox{kind=%q,state=%q}`, kind, state))
		}
	}
	return n + metric(data, `xiaobu_outbox{kind="mass",state="unknown"}`) + metric(data, `xiaobu_outbox{kind="owner_card",state="unknown"}`)
}

func checkNothingLost(t *testing.T, w *town, p *program) {
	t.Helper()
	s, err := store.OpenReader(context.Background(), p.db, time.Now)
	must(t, err)
	defer s.Close()
	items, err := s.Read(context.Background()).Inbox("", 0, 1_000_000)
	must(t, err)
	kept := map[string]bool{}
	for _, it := range items {
		_, sum, _ := strings.Cut(it.Event.Key, ".")
		kept[sum] = true
	}
	delivered := 0
	for _, c := range w.box.Callbacks() {
		if c.Delivered {
			delivered++
			if sum := sha256.Sum256([]byte(c.XML)); !kept[base64.RawURLEncoding.EncodeToString(sum[:])] {
				t.Errorf("callback %d was answered 200 and is not in the inbox", c.Seq)
			}
		}
	}
	for _, g := range w.box.Groups() {
		stints, err := s.Read(context.Background()).Stints(store.StintFilter{Chat: chatOf(g.ID), Status: "present"})
		must(t, err)
		if len(stints) != len(g.Members) {
			t.Errorf("group %s has %d members, the books %d", g.Name, len(g.Members), len(stints))
		}
	}
	t.Logf("%d callbacks acknowledged, all kept", delivered)
}

func checkNothingTwice(t *testing.T, w *town, p *program) {
	t.Helper()
	welcomed := 0
	for _, x := range w.box.Welcomes() {
		if len(x.Attempts) > 1 {
			t.Errorf("welcome code %s was used %d times", x.Code, len(x.Attempts))
		}
		if !x.SentAt.IsZero() {
			welcomed++
		}
	}
	s, err := store.OpenReader(context.Background(), p.db, time.Now)
	must(t, err)
	defer s.Close()
	r := s.Read(context.Background())
	known := map[string]bool{}
	occs, err := r.Occurrences(1, time.Time{}, 0)
	must(t, err)
	planned := 0
	for _, o := range occs {
		tasks, err := r.Tasks(o.ID)
		must(t, err)
		for _, task := range tasks {
			planned++
			if known[task.MsgID] {
				t.Errorf("two tasks have the mass message %s", task.MsgID)
			}
			known[task.MsgID] = true
		}
	}
	made := w.box.Tasks()
	for _, m := range made {
		if !known[m.MsgID] {
			t.Errorf("mass message %s of %s is nobody's", m.MsgID, m.Sender)
		}
	}
	if len(made) != planned {
		t.Errorf("%d mass messages were made, %d planned", len(made), planned)
	}
	cards := map[string]int{}
	for _, c := range w.box.Cards() {
		cards[c.TaskID]++
	}
	for id, n := range cards {
		if n > 1 {
			t.Errorf("card %s was shown %d times", id, n)
		}
	}
	entries, err := r.Entries(store.EntryFilter{})
	must(t, err)
	earned := map[string]bool{}
	for _, e := range entries {
		if earned[e.Member] {
			t.Errorf("%s earned twice", e.Member)
		}
		earned[e.Member] = true
	}
	t.Logf("%d welcomes, %d mass messages, %d cards, %d rewards, none twice", welcomed, len(made), len(cards), len(entries))
}
