package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const chatGet = "externalcontact/groupchat/get"

// raw makes a POST call and returns what HTTP says.
func (w *world) raw(ctx context.Context, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url(path), strings.NewReader(body))
	must(w.t, err)
	resp, err := w.server.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

const addTemplate = `{"text":{"content":"x"}}`

func TestFaultsBeforeTheWorkLeaveNothingDone(t *testing.T) {
	w := newWorld(t, Config{})
	const path = "externalcontact/group_welcome_template/add"
	for name, tc := range map[string]struct {
		fault  APIFault
		status int
		code   int
	}{
		"cut":    {APIFault{CutBefore: true}, 0, 0},
		"status": {APIFault{Status: 502}, 502, 0},
		"fail":   {APIFault{Fail: -1}, 200, -1},
	} {
		must(t, w.SetFaults(Faults{API: map[string]APIFault{"/cgi-bin/" + path: tc.fault}}))
		status, body, err := w.raw(context.Background(), path, addTemplate)
		if status != tc.status || (err != nil) != (tc.status == 0) {
			t.Errorf("%s: HTTP %d %q %v", name, status, body, err)
		}
		if tc.code != 0 && !strings.Contains(body, `"errcode":-1,"errmsg":"system busy"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	if n := len(w.GroupTemplates()); n != 0 {
		t.Errorf("%d templates were made", n)
	}
	if n := w.Calls(path); n != 3 {
		t.Errorf("%d calls counted", n)
	}
}

func TestFaultsAfterTheWorkHideThatItWasDone(t *testing.T) {
	w := newWorld(t, Config{})
	const path = "externalcontact/group_welcome_template/add"
	for i, fault := range []APIFault{{CutAfter: true}, {HalfBody: true}} {
		must(t, w.SetFaults(Faults{API: map[string]APIFault{path: fault}}))
		if status, body, err := w.raw(context.Background(), path, addTemplate); err == nil {
			t.Errorf("fault %d: HTTP %d %q", i, status, body)
		}
		if n := len(w.GroupTemplates()); n != i+1 {
			t.Errorf("fault %d: %d templates", i, n)
		}
	}
}

func TestAStalledCallIsDoneAndEndsWithItsClient(t *testing.T) {
	w := newWorld(t, Config{})
	const path = "externalcontact/group_welcome_template/add"
	must(t, w.SetFaults(Faults{API: map[string]APIFault{path: {Stall: 24 * time.Hour}}, Limits: Limits{Parallel: 1}}))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := w.raw(ctx, path, addTemplate); !errors.Is(err, context.Canceled) {
			t.Errorf("the stalled call: %v", err)
		}
	})
	for len(w.GroupTemplates()) == 0 { // the work is done before the answer
		yieldNow()
	}
	must(t, w.SetFaults(Faults{Limits: Limits{Parallel: 1}}))
	if out := w.post(path, addTemplate); code(out) != 45033 {
		t.Errorf("a second call at the same time: %v", out)
	}
	cancel()
	wg.Wait()
	for code(w.post(path, addTemplate)) != 0 { // until the server has noticed
		yieldNow()
	}
}

func TestFaultsEndAfterTheirCallsAndStarIsForTheRest(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	must(t, w.SetFaults(Faults{API: map[string]APIFault{chatGet: {Fail: 6000, Calls: 2}, "*": {Fail: -1, Calls: 1}}}))
	var codes []int
	for range 3 {
		codes = append(codes, code(w.post(chatGet, map[string]any{"chat_id": chat})))
	}
	if codes[0] != 6000 || codes[1] != 6000 || codes[2] != -1 {
		t.Errorf("codes %v", codes)
	}
	if out := w.post(chatGet, map[string]any{"chat_id": chat}); code(out) != 0 {
		t.Errorf("afterwards: %v", out)
	}
	if f := w.Faults(); len(f.API) != 0 {
		t.Errorf("left: %v", f.API)
	}
}

func TestFaultsByChanceComeFromTheSeed(t *testing.T) {
	run := func(seed uint64) (codes []int) {
		w := newWorld(t, Config{Seed: seed})
		chat := w.group("一群")
		must(t, w.SetFaults(Faults{API: map[string]APIFault{chatGet: {Fail: -1, Probability: 0.5}}}))
		for range 30 {
			codes = append(codes, code(w.post(chatGet, map[string]any{"chat_id": chat})))
		}
		return codes
	}
	a, b := run(3), run(3)
	failed := 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatal("the same seed failed other calls")
		}
		failed -= a[i]
	}
	if failed < 5 || failed > 25 {
		t.Errorf("%d of 30 failed", failed)
	}
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	for name, f := range map[string]Faults{
		"copies": {Callbacks: CallbackFaults{Copies: 11}}, "drop": {Callbacks: CallbackFaults{Drop: 1.1}},
		"shuffle": {Callbacks: CallbackFaults{Shuffle: -1}}, "delay": {Callbacks: CallbackFaults{Delay: -1}},
		"path": {API: map[string]APIFault{"no/such": {Fail: -1}}}, "status": {API: map[string]APIFault{"*": {Status: 200}}},
		"chance": {API: map[string]APIFault{"*": {Probability: 2}}}, "limit": {Limits: Limits{PerHour: -1}},
	} {
		if err := w.SetFaults(f); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestTooManyCallsCloseThePathForTheWindow(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	must(t, w.SetFaults(Faults{Limits: Limits{PerMinute: 3, PerHour: 5}}))
	try := func() int { return code(w.post(chatGet, map[string]any{"chat_id": chat})) }
	for range 3 {
		if n := try(); n != 0 {
			t.Fatalf("within the limit: %d", n)
		}
	}
	if n := try(); n != 45009 {
		t.Errorf("the fourth in a minute: %d", n)
	}
	w.clock.Add(59 * time.Second)
	if n := try(); n != 45009 {
		t.Errorf("before the minute is over: %d", n)
	}
	if out := w.ok("externalcontact/groupchat/list", map[string]any{"limit": 1}); code(out) != 0 {
		t.Errorf("another path: %v", out)
	}
	w.clock.Add(time.Second)
	if a, b, c := try(), try(), try(); a != 0 || b != 0 || c != 45009 {
		t.Errorf("the sixth in an hour: %d %d %d", a, b, c)
	}
	w.clock.Add(59 * time.Minute)
	if n := try(); n != 45009 {
		t.Errorf("before the hour is over: %d", n)
	}
	w.clock.Add(time.Minute)
	if n := try(); n != 0 {
		t.Errorf("after the hour: %d", n)
	}
}

func TestDebugAllowsFiveCallsAMinute(t *testing.T) {
	w := newWorld(t, Config{})
	for i := range 6 {
		want := 0
		if i == 5 {
			want = 45009
		}
		if out := w.get("getcallbackip?debug=1"); code(out) != want {
			t.Errorf("call %d: %v", i+1, out)
		}
	}
	if out := w.get("getcallbackip"); code(out) != 0 {
		t.Errorf("without debug: %v", out)
	}
}
