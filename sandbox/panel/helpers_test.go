package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xiaobu/bot/wecom/crypt"
	"xiaobu/sandbox"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) leap(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.at) {
		c.at = to
	}
}

// world is a company with the staff wang, li and zhao behind a panel, and a client of both.
type world struct {
	t      *testing.T
	box    *sandbox.Sandbox
	clock  *clock
	server *httptest.Server
	token  string
}

// newWorld begins on Monday 2026-11-23, 00:00 in Shanghai.
func newWorld(t *testing.T, cfg sandbox.Config) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)}}
	cfg.Now, cfg.Leap = w.clock.now, w.clock.leap
	box, err := sandbox.New(cfg)
	must(t, err)
	w.box = box
	w.server = httptest.NewServer(Handler(box))
	t.Cleanup(w.server.Close)
	for _, u := range []sandbox.Staff{{UserID: "wang", Name: "王小棉"}, {UserID: "li", Name: "李小满"}, {UserID: "zhao", Name: "赵收银"}} {
		must(t, box.AddStaff(u))
	}
	resp, err := w.server.Client().Get(w.server.URL + "/cgi-bin/gettoken?corpid=" + sandbox.DefaultCorpID + "&corpsecret=" + sandbox.DefaultSecret)
	must(t, err)
	defer resp.Body.Close()
	var out struct {
		Token string `json:"access_token"`
	}
	must(t, json.NewDecoder(resp.Body).Decode(&out))
	w.token = out.Token
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// step does what is due.
func (w *world) step() {
	w.t.Helper()
	_, err := w.box.Step(context.Background())
	must(w.t, err)
}

// api makes a POST call of the platform that must succeed.
func (w *world) api(path string, body any) map[string]any {
	w.t.Helper()
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false) // the platform refuses \u003c
	must(w.t, enc.Encode(body))
	resp, err := w.server.Client().Post(w.server.URL+"/cgi-bin/"+path+"?access_token="+w.token, "application/json", &data)
	must(w.t, err)
	defer resp.Body.Close()
	var out map[string]any
	must(w.t, json.NewDecoder(resp.Body).Decode(&out))
	if out["errcode"] != 0.0 {
		w.t.Fatalf("%s with %v answered %v", path, body, out)
	}
	return out
}

// control makes a call of the control API and returns status and answer.
func (w *world) control(method, path, body string) (int, map[string]any) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+"/sandbox"+path, strings.NewReader(body))
	must(w.t, err)
	resp, err := w.server.Client().Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(w.t, err)
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		w.t.Fatalf("%s %s: HTTP %d, %v: %s", method, path, resp.StatusCode, err, data)
	}
	return resp.StatusCode, out
}

// does makes a call of the control API that must succeed.
func (w *world) does(path, body string) map[string]any {
	w.t.Helper()
	status, out := w.control(http.MethodPost, path, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s: HTTP %d %v", path, body, status, out)
	}
	return out
}

// dig walks into an answer by names and indexes.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

func size(v any) int {
	l, _ := v.([]any)
	return len(l)
}

// newReceiver is a callback that passes the address check and answers a status to events.
func newReceiver(t *testing.T, status int) string {
	t.Helper()
	codec, err := crypt.New(sandbox.DefaultToken, sandbox.DefaultAESKey, sandbox.DefaultCorpID)
	must(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		q := r.URL.Query()
		if r.Method != http.MethodGet {
			rw.WriteHeader(status)
			return
		}
		msg, err := codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), q.Get("echostr"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusForbidden)
			return
		}
		_, _ = rw.Write(msg)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// group makes a group of wang's with li in it.
func (w *world) group(name string) string {
	w.t.Helper()
	id, err := w.box.CreateGroup("wang", name, "li")
	must(w.t, err)
	return id
}

// card sends an interactive card.
func (w *world) card(to, task, title string) {
	w.t.Helper()
	w.api("message/send", map[string]any{
		"touser": to, "msgtype": "template_card", "agentid": sandbox.DefaultAgentID,
		"template_card": map[string]any{
			"card_type": "button_interaction", "task_id": task, "main_title": map[string]string{"title": title},
			"horizontal_content_list": []any{map[string]string{"keyname": "发送人", "value": "小鱼"}},
			"button_list":             []any{map[string]any{"text": "已移出", "key": "done"}, map[string]any{"text": "误报", "key": "no"}},
		},
	})
}

// task makes a mass message to groups and returns its msgid.
func (w *world) task(sender, text string, chats ...string) string {
	w.t.Helper()
	return w.api("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": sender, "chat_id_list": chats, "text": map[string]string{"content": text},
	})["msgid"].(string)
}

// joinWay makes a QR code into groups, contactWay one to staff; both return the config_id.
func (w *world) joinWay(chats ...string) string {
	w.t.Helper()
	return w.api("externalcontact/groupchat/add_join_way", map[string]any{"scene": 2, "chat_id_list": chats})["config_id"].(string)
}

func (w *world) contactWay(user string) string {
	w.t.Helper()
	return w.api("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "s", "user": []string{user}})["config_id"].(string)
}
