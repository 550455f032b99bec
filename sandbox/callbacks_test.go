package sandbox

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

func header(w *world, event string) string {
	return "<xml>\n<ToUserName><![CDATA[" + DefaultCorpID + "]]></ToUserName>\n<FromUserName><![CDATA[sys]]></FromUserName>\n" +
		fmt.Sprintf("<CreateTime>%d</CreateTime>\n", w.clock.Now().Unix()) + "<MsgType><![CDATA[event]]></MsgType>\n<Event><![CDATA[" + event + "]]></Event>\n"
}

func elem(name, v string) string { return "<" + name + "><![CDATA[" + v + "]]></" + name + ">\n" }

func TestEveryChangeMakesItsEvent(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	p := w.customers(3)
	chat := w.group("一群")
	c := header(w, "change_external_chat") + elem("ChatId", chat)
	k := header(w, "change_external_contact")
	var want []string
	expect := func(body string) { want = append(want, body+"</xml>") }
	versions := func() string {
		cb := w.Callbacks()[len(w.Callbacks())-1].XML
		return elem("LastMemVer", cut(cb, "<LastMemVer><![CDATA[", "]]>")) + elem("CurMemVer", cut(cb, "<CurMemVer><![CDATA[", "]]>"))
	}
	expect(c + elem("ChangeType", "create"))
	update := c + elem("ChangeType", "update")

	got[string](t)(w.JoinMany(chat, How{Inviter: "wang"}, p[0], p[1]))
	expect(update + elem("UpdateDetail", "add_member") + "<JoinScene>0</JoinScene>\n<MemChangeCnt>2</MemChangeCnt>\n<MemChangeList>\n" +
		elem("Item", p[0]) + elem("Item", p[1]) + "</MemChangeList>\n" + versions())
	got[string](t)(w.Join(chat, p[2], How{Scene: SceneQR}))
	expect(update + elem("UpdateDetail", "add_member") + "<JoinScene>3</JoinScene>\n<MemChangeCnt>1</MemChangeCnt>\n<MemChangeList>\n" +
		elem("Item", p[2]) + "</MemChangeList>\n" + versions())
	must(t, w.Leave(chat, p[0]))
	expect(update + elem("UpdateDetail", "del_member") + "<QuitScene>0</QuitScene>\n<MemChangeCnt>1</MemChangeCnt>\n<MemChangeList>\n" +
		elem("Item", p[0]) + "</MemChangeList>\n" + versions())
	must(t, w.Remove(chat, p[1]))
	expect(update + elem("UpdateDetail", "del_member") + "<QuitScene>1</QuitScene>\n<MemChangeCnt>1</MemChangeCnt>\n<MemChangeList>\n" +
		elem("Item", p[1]) + "</MemChangeList>\n" + versions())
	must(t, w.ChangeOwner(chat, "li"))
	expect(update + elem("UpdateDetail", "change_owner"))
	must(t, w.Rename(chat, "x"))
	expect(update + elem("UpdateDetail", "change_name"))
	must(t, w.SetNotice(chat, "x"))
	expect(update + elem("UpdateDetail", "change_notice"))
	must(t, w.Dismiss(chat))
	expect(c + elem("ChangeType", "dismiss"))

	way := w.ok("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "s]]>t", "user": []string{"wang"}})["config_id"].(string)
	pair := elem("UserID", "wang") + elem("ExternalUserID", p[0])
	state := "<State><![CDATA[s]]]]><![CDATA[>t]]></State>\n"
	half := got[Contact](t)(w.HalfAddContact("", p[0], Via{ConfigID: way}))
	expect(k + elem("ChangeType", "add_half_external_contact") + pair + state + elem("WelcomeCode", half.WelcomeCode))
	whole := got[Contact](t)(w.AddContact("", p[0], Via{ConfigID: way}))
	expect(k + elem("ChangeType", "add_external_contact") + pair + state + elem("WelcomeCode", whole.WelcomeCode))
	must(t, w.DeleteContact("wang", p[0], true))
	expect(k + elem("ChangeType", "del_follow_user") + pair)
	must(t, w.DeleteContact("wang", p[0], false))
	expect(k + elem("ChangeType", "del_external_contact") + pair)

	w.step()
	if gotten := r.messages(); !slices.Equal(gotten, want) {
		for i := range min(len(gotten), len(want)) {
			if gotten[i] != want[i] {
				t.Fatalf("event %d:\n%s\nwant:\n%s", i, gotten[i], want[i])
			}
		}
		t.Fatalf("%d events, want %d", len(gotten), len(want))
	}
	for _, text := range want {
		if err := xml.Unmarshal([]byte(text), new(struct{ Event string })); err != nil {
			t.Errorf("not XML: %v", err)
		}
	}
	if slices.ContainsFunc(r.agents, func(a string) bool { return a != "" }) {
		t.Errorf("customer events carry an agent: %v", r.agents)
	}
}

func TestAnotherProgramCanOpenTheEnvelope(t *testing.T) {
	var body struct{ ToUserName, Encrypt, AgentID string }
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if err := xml.NewDecoder(req.Body).Decode(&body); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	w := newWorld(t, Config{CallbackURL: server.URL})
	w.group("一群")
	w.step()
	_, plain, err := util.DecryptMsg(DefaultCorpID, body.Encrypt, DefaultAESKey)
	must(t, err)
	if string(plain) != w.Callbacks()[0].XML || body.ToUserName != DefaultCorpID {
		t.Errorf("opened %s", plain)
	}
}

func TestAppEventsCarryTheAgent(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	w.message("wang", "template_card", cardBody("case_1"))
	must(t, w.PressCard("wang", "case_1", "done"))
	w.step()
	if len(r.agents) != 1 || r.agents[0] != "1000002" {
		t.Errorf("agents: %v", r.agents)
	}
}

func TestARefusedCallbackIsTriedThreeMoreTimes(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(int, string) int { return http.StatusInternalServerError }
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	start := w.clock.Now()
	w.group("一群")
	w.settle()
	cb := w.Callbacks()[0]
	if len(cb.Attempts) != 4 || cb.Delivered || cb.GivenUp != 1 || w.InFlight() != 0 {
		t.Fatalf("callback: %+v, in flight %d", cb, w.InFlight())
	}
	for i, want := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second} {
		if at := cb.Attempts[i].At.Sub(start); at != want {
			t.Errorf("try %d after %v, want %v", i+1, at, want)
		}
	}
	if m := r.messages(); m[0] != m[3] {
		t.Error("a retry carries another message")
	}
	if keys := slices.Compact(slices.Sorted(slices.Values(r.keys))); len(keys) != 4 {
		t.Errorf("tries were not signed anew: %v", r.keys)
	}
}

func TestARetryStopsWithTheFirst200(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(n int, _ string) int {
		if n < 3 {
			return http.StatusNoContent // not 200
		}
		return http.StatusOK
	}
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	w.group("一群")
	if w.InFlight() != 1 {
		t.Errorf("%d in flight", w.InFlight())
	}
	w.settle()
	cb := w.Callbacks()[0]
	if len(cb.Attempts) != 3 || !cb.Delivered || cb.GivenUp != 0 || w.InFlight() != 0 {
		t.Errorf("callback: %+v", cb)
	}
}

func TestAnUnreachableReceiverIsTriedAgain(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: dead.URL + "/hook?tenant=7"})
	w.group("一群")
	w.step()
	a := w.Callbacks()[0].Attempts
	if len(a) != 1 || a[0].Err == "" || strings.Contains(a[0].Err, "signature") {
		t.Fatalf("attempts: %+v", a)
	}
	w.SetCallback(r.server.URL + "/hook?tenant=7")
	w.settle()
	if !w.Callbacks()[0].Delivered {
		t.Error("not delivered to the new address")
	}
}

func TestWithoutAddressEventsAreOnlyRecorded(t *testing.T) {
	w := newWorld(t, Config{})
	w.group("一群")
	if n := w.step(); n != 0 || len(w.Callbacks()) != 1 || w.InFlight() != 0 {
		t.Errorf("%d things done, %d callbacks", n, len(w.Callbacks()))
	}
	if err := w.VerifyURL(context.Background()); err == nil {
		t.Error("no address was verified")
	}
}

func TestVerifyURLWantsTheBareText(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL + "/callback?x=1"})
	must(t, w.VerifyURL(context.Background()))
	for name, answer := range map[string]http.HandlerFunc{
		"quotes": func(w http.ResponseWriter, req *http.Request) {
			q := req.URL.Query()
			msg, _ := r.codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), q.Get("echostr"))
			fmt.Fprintf(w, "%q", msg)
		},
		"a refusal": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"the echo": func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.WriteString(w, req.URL.Query().Get("echostr"))
		},
	} {
		server := httptest.NewServer(answer)
		w.SetCallback(server.URL)
		if err := w.VerifyURL(context.Background()); err == nil {
			t.Errorf("%s was accepted", name)
		}
		server.Close()
	}
	if err := w.VerifyURL(context.Background()); err == nil {
		t.Error("a closed server was accepted")
	}
}

func TestCopiesDeliverEachEventSeveralTimes(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Copies: 3}}))
	w.group("一群")
	w.settle()
	cb := w.Callbacks()[0]
	if n := len(r.messages()); n != 3 || len(cb.Attempts) != 3 || cb.Open != 0 {
		t.Errorf("%d deliveries, %+v", n, cb)
	}
}

func TestShuffleReordersButLosesNothing(t *testing.T) {
	run := func(seed uint64, f CallbackFaults) []string {
		r := newReceiver(t)
		w := newWorld(t, Config{Seed: seed, CallbackURL: r.server.URL})
		must(t, w.SetFaults(Faults{Callbacks: f}))
		chat := w.group("一群")
		for i := range 9 {
			must(t, w.Rename(chat, fmt.Sprint(i)))
			w.clock.Add(time.Second)
		}
		if f.Shuffle > 0 && w.InFlight() != 10 {
			t.Errorf("%d in flight", w.InFlight())
		}
		w.settle()
		return r.messages()
	}
	plain := run(1, CallbackFaults{})
	for name, f := range map[string]CallbackFaults{
		"a window of events": {Shuffle: 4}, "a window of time": {Within: 20 * time.Second},
	} {
		mixed := run(1, f)
		if slices.Equal(mixed, plain) || len(mixed) != 10 {
			t.Errorf("%s: %d events, in order", name, len(mixed))
		}
		slices.Sort(mixed)
		sorted := slices.Sorted(slices.Values(plain))
		if !slices.Equal(mixed, sorted) {
			t.Errorf("%s: other events", name)
		}
	}
}

func TestHeldEventsAreReleasedInTimeAndWhenFaultsEnd(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Shuffle: 10, Within: 5 * time.Second}}))
	w.group("一群")
	if at, more := w.Due(); !more || !at.Equal(w.clock.Now().Add(5*time.Second)) {
		t.Errorf("due %v %v", at, more)
	}
	w.settle()
	w.group("二群")
	must(t, w.SetFaults(Faults{}))
	w.step()
	if n := len(r.messages()); n != 2 {
		t.Errorf("%d delivered", n)
	}
}

func TestDroppedEventsAreNeverDelivered(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{Seed: 7, CallbackURL: r.server.URL})
	must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Drop: 0.5}}))
	for i := range 40 {
		w.group(fmt.Sprint(i))
	}
	w.settle()
	dropped := 0
	for _, cb := range w.Callbacks() {
		if cb.Dropped == cb.Delivered {
			t.Errorf("callback %d: %+v", cb.Seq, cb)
		}
		if cb.Dropped {
			dropped++
		}
	}
	if dropped < 8 || dropped > 32 || len(r.messages()) != 40-dropped {
		t.Errorf("%d dropped, %d delivered", dropped, len(r.messages()))
	}
}

func TestDelayPutsDeliveriesOff(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Delay: time.Hour}}))
	w.group("一群")
	w.clock.Add(time.Hour - time.Second)
	if n := w.step(); n != 0 {
		t.Error("delivered too early")
	}
	w.clock.Add(time.Second)
	if n := w.step(); n != 1 {
		t.Error("not delivered in time")
	}
}

func TestAStoppedStepKeepsTheLetter(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // the server notices a closed connection only then
		cancel()
		<-req.Context().Done()
	}))
	defer hangs.Close()
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: hangs.URL})
	w.group("一群")
	if _, err := w.Step(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("step: %v", err)
	}
	if cb := w.Callbacks()[0]; len(cb.Attempts) != 0 || w.InFlight() != 1 {
		t.Errorf("the stopped try counts: %+v", cb)
	}
	w.SetCallback(r.server.URL)
	w.step()
	if cb := w.Callbacks()[0]; !cb.Delivered || cb.Attempts[0].Try != 1 {
		t.Errorf("callback: %+v", cb)
	}
}
