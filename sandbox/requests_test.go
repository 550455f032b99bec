package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRequestsAreRememberedWithoutTheirSecrets(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.SetFaults(Faults{API: map[string]APIFault{"department/list": {Calls: 1, Status: 503}, "agent/get": {Calls: 1, CutAfter: true}}}))
	w.post("message/send", `{"touser":"wang","corpsecret":"very-secret-indeed","x":"秒杀"}`)
	for _, path := range []string{"department/list", "agent/get?agentid=1000002", "no/such"} {
		resp, err := w.server.Client().Get(w.url(path))
		if err == nil {
			resp.Body.Close()
		}
	}
	all := w.Requests(RequestFilter{})
	if len(all) != 5 {
		t.Fatalf("%d requests", len(all))
	}
	if got := shownQuery("%61ccess_token=abcdefgh&debug&agentid=%E5%85%83&corpsecret=%61bcdef&bad=%zz"); got != "access_token=abcd…&debug&agentid=元&corpsecret=abcd…&bad=%zz" {
		t.Errorf("query: %s", got)
	}
	for i, want := range []Request{
		{Path: "/cgi-bin/gettoken", Status: 200}, {Path: "/cgi-bin/message/send", Status: 200, Code: 41011},
		{Path: "/cgi-bin/department/list", Status: 503, Fault: "status 503"},
		{Path: "/cgi-bin/agent/get", Fault: "cut_after"}, {Path: "/cgi-bin/no/such", Status: 404},
	} {
		one := all[i]
		if one.Seq != int64(i+1) || one.Path != want.Path || one.Status != want.Status || one.Code != want.Code || one.Fault != want.Fault || one.Open || one.IP != "127.0.0.1" {
			t.Errorf("%d: %+v, want %+v", i, one, want)
		}
		for _, secret := range []string{w.token, DefaultSecret, "very-secret"} {
			if strings.Contains(one.Query+one.Body+one.Answer, secret) {
				t.Errorf("%s shows %s: %s %s %s", one.Path, secret, one.Query, one.Body, one.Answer)
			}
		}
	}
	if !strings.Contains(all[0].Query, "corpid="+DefaultCorpID) || !strings.Contains(all[0].Answer, `"access_token":"`+w.token[:4]+"…") {
		t.Errorf("gettoken: %s %s", all[0].Query, all[0].Answer)
	}
	if !strings.Contains(all[1].Body, "秒杀") || !strings.Contains(all[1].Answer, "41011") || !strings.Contains(all[3].Answer, "agentid") {
		t.Errorf("bodies: %+v %+v", all[1], all[3])
	}
	code := 41011
	for _, tc := range []struct {
		filter RequestFilter
		seqs   []int64
	}{
		{RequestFilter{After: 3}, []int64{4, 5}}, {RequestFilter{Limit: 2}, []int64{1, 2}},
		{RequestFilter{Limit: 2, Newest: true}, []int64{4, 5}}, {RequestFilter{Code: &code}, []int64{2}},
		{RequestFilter{Path: "agent"}, []int64{4}}, {RequestFilter{Failed: true}, []int64{2, 3, 4, 5}},
	} {
		var seqs []int64
		for _, one := range w.Requests(tc.filter) {
			seqs = append(seqs, one.Seq)
		}
		if len(seqs) != len(tc.seqs) || len(seqs) > 0 && (seqs[0] != tc.seqs[0] || seqs[len(seqs)-1] != tc.seqs[len(seqs)-1]) {
			t.Errorf("%+v: %v, want %v", tc.filter, seqs, tc.seqs)
		}
	}
	w.ClearRequests()
	if n := len(w.Requests(RequestFilter{})); n != 0 {
		t.Errorf("%d after clearing", n)
	}
}

func TestTheMemoryOfRequestsIsBounded(t *testing.T) {
	w := newWorld(t, Config{})
	body := strings.Repeat("长", keepBodyBytes)
	req, err := http.NewRequest(http.MethodPost, "http://x/cgi-bin/"+strings.Repeat("p", 9000)+"?"+strings.Repeat("q", 9000), nil)
	must(t, err)
	for range keepRequests + 10 {
		w.enter()
		w.traffic.keepArrival(w.clock.Now(), req, []byte(body)).end(w.clock.Now(), outcome{status: 200, told: told{json: []byte(body)}})
		w.leave()
	}
	all := w.Requests(RequestFilter{Newest: true, Limit: 1})
	one := all[0]
	if n := len(w.Requests(RequestFilter{})); n > keepRequests {
		t.Errorf("%d are remembered", n)
	}
	if len(one.Path) > keepPathBytes || len(one.Query) > keepQueryBytes || len(one.Body) > keepBodyBytes || len(one.Answer) > keepBodyBytes {
		t.Errorf("%d %d %d %d bytes", len(one.Path), len(one.Query), len(one.Body), len(one.Answer))
	}
	if strings.Contains(one.Body+one.Answer, "\uFFFD") || one.Size != len(body) {
		t.Error("a character was broken, or the size is that of the remembered part")
	}
}

func TestCallbacksAreFoundAndForgotten(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL})
	chat := w.group("一群")
	people := w.customers(2)
	w.invite(chat, people...)
	for _, tc := range []struct {
		filter CallbackFilter
		want   int
	}{
		{CallbackFilter{}, 3}, {CallbackFilter{Kind: "add_member"}, 2}, {CallbackFilter{Who: people[1]}, 1},
		{CallbackFilter{Chat: "wr0"}, 0}, {CallbackFilter{After: 2}, 1}, {CallbackFilter{Limit: 2, Newest: true}, 2},
		{CallbackFilter{Missed: true}, 3},
	} {
		if n := len(w.FindCallbacks(tc.filter)); n != tc.want {
			t.Errorf("%+v finds %d, want %d", tc.filter, n, tc.want)
		}
	}
	w.ClearCallbacks()
	if n := len(w.Callbacks()); n != 3 {
		t.Errorf("%d are left while all are under way", n)
	}
	w.step()
	w.ClearCallbacks()
	if n := len(w.Callbacks()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestTokensAreShownWithoutThemselves(t *testing.T) {
	w := newWorld(t, Config{})
	w.RevokeTokens()
	w.token = ""
	w.login()
	all := w.Tokens()
	if len(all) != 2 || !all[0].Revoked || all[1].Revoked || all[1].Head != w.token[:4] || !all[1].Expires.Equal(w.clock.Now().Add(2*time.Hour)) {
		t.Errorf("tokens: %+v", all)
	}
}
