package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xiaobu/bot/wecom/crypt"
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
	mu  sync.Mutex
	now time.Time
}

// newClock begins on Monday 2026-11-23, 00:00 in Shanghai.
func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 23, 0, 0, 0, 0, shanghai())}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}

// world is a sandbox with a clock, served over HTTP, and a client with a token.
type world struct {
	*Sandbox
	t      *testing.T
	clock  *clock
	server *httptest.Server
	token  string
}

// newWorld makes a company with the staff wang (owner of groups), li and zhao.
func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	cfg.Now = w.clock.Now
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Sandbox = s
	w.server = httptest.NewServer(s.Handler())
	t.Cleanup(w.server.Close)
	for _, u := range []Staff{{UserID: "wang", Name: "王小棉"}, {UserID: "li", Name: "李小满"}, {UserID: "zhao", Name: "赵收银"}} {
		must(t, s.AddStaff(u))
	}
	w.login()
	return w
}

// login fetches a token.
func (w *world) login() {
	w.t.Helper()
	out := w.get("gettoken?corpid=" + DefaultCorpID + "&corpsecret=" + DefaultSecret)
	w.token, _ = out["access_token"].(string)
	if w.token == "" {
		w.t.Fatalf("gettoken answered %v", out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got returns v or fails.
func got[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// customers adds n customers.
func (w *world) customers(n int) []string {
	w.t.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = got[string](w.t)(w.AddCustomer(Customer{Name: "顾客", WithUnionID: true}))
	}
	return out
}

// group makes a group of wang's with li in it.
func (w *world) group(name string) string {
	w.t.Helper()
	return got[string](w.t)(w.CreateGroup("wang", name, "li"))
}

// invite brings people into a group through wang.
func (w *world) invite(chat string, people ...string) {
	w.t.Helper()
	for _, p := range people {
		got[string](w.t)(w.Join(chat, p, How{Inviter: "wang"}))
	}
}

// step does what is due.
func (w *world) step() int {
	w.t.Helper()
	return got[int](w.t)(w.Step(context.Background()))
}

// settle moves the clock from due thing to due thing until nothing waits.
func (w *world) settle() {
	w.t.Helper()
	for range 100_000 {
		w.step()
		at, more := w.Due()
		if !more {
			return
		}
		w.clock.Set(at)
	}
	w.t.Fatal("the sandbox does not settle")
}

// until moves the clock from due thing to due thing up to a time.
func (w *world) until(end time.Time) {
	w.t.Helper()
	for {
		w.step()
		at, more := w.Due()
		if !more || at.After(end) {
			w.clock.Set(end)
			return
		}
		w.clock.Set(at)
	}
}

func (w *world) url(path string) string {
	address := w.server.URL + "/cgi-bin/" + path
	if w.token != "" && !strings.Contains(path, "access_token") && !strings.HasPrefix(path, "gettoken") {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		address += sep + "access_token=" + w.token
	}
	return address
}

// get makes a GET call.
func (w *world) get(path string) map[string]any {
	w.t.Helper()
	resp, err := w.server.Client().Get(w.url(path))
	return w.read(path, resp, err)
}

// post makes a POST call; body is JSON text or something to be encoded.
func (w *world) post(path string, body any) map[string]any {
	w.t.Helper()
	text, ok := body.(string)
	if !ok {
		text = string(encode(body))
	}
	resp, err := w.server.Client().Post(w.url(path), "application/json", strings.NewReader(text))
	return w.read(path, resp, err)
}

// ok makes a POST call that must succeed.
func (w *world) ok(path string, body any) map[string]any {
	w.t.Helper()
	out := w.post(path, body)
	if code(out) != 0 {
		w.t.Fatalf("%s with %v answered %v", path, body, out)
	}
	return out
}

func (w *world) read(path string, resp *http.Response, err error) map[string]any {
	w.t.Helper()
	must(w.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(w.t, err)
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s answered HTTP %d %s", path, resp.StatusCode, data)
	}
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	must(w.t, dec.Decode(&out))
	return out
}

func code(out map[string]any) int {
	v, ok := out["errcode"].(float64)
	if !ok {
		return -9999
	}
	return int(v)
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

// receiver plays the bot's callback: it opens what comes and answers with a status.
type receiver struct {
	t      *testing.T
	codec  *crypt.Codec
	server *httptest.Server

	mu     sync.Mutex
	answer func(n int, xml string) int // n counts deliveries from 1
	got    []string
	keys   []string // timestamp, nonce and signature of each
	agents []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	codec, err := crypt.New(DefaultToken, DefaultAESKey, DefaultCorpID)
	must(t, err)
	r := &receiver{t: t, codec: codec, answer: func(int, string) int { return http.StatusOK }}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	if req.Method == http.MethodGet {
		msg, err := r.codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), q.Get("echostr"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		_, _ = w.Write(msg)
		return
	}
	var env struct {
		ToUserName, Encrypt, AgentID string
	}
	if err := xml.NewDecoder(req.Body).Decode(&env); err != nil {
		r.t.Errorf("envelope: %v", err)
	}
	msg, err := r.codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), env.Encrypt)
	if err != nil {
		r.t.Errorf("open: %v", err)
	}
	r.mu.Lock()
	r.got = append(r.got, string(msg))
	r.keys = append(r.keys, q.Get("timestamp")+" "+q.Get("nonce")+" "+q.Get("msg_signature"))
	r.agents = append(r.agents, env.AgentID)
	status := r.answer(len(r.got), string(msg))
	r.mu.Unlock()
	w.WriteHeader(status)
}

func (r *receiver) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.got...)
}

// fileOf makes a file of n bytes that begins as its kind must.
func fileOf(kind string, n int) []byte {
	var head []byte
	switch kind {
	case "voice":
		head = append([]byte(voiceHead), bytes.Repeat([]byte{0x3c}, max(0, n-len(voiceHead)))...)
	case "video":
		head = []byte("\x00\x00\x00\x10ftypmp42\x00\x00\x00\x00mp42")
	case "file":
		head = []byte("text")
	default:
		head = pictureOf(1, 1)
	}
	return append(head, make([]byte, max(0, n-len(head)))...)[:n]
}

// pictureOf draws a PNG.
func pictureOf(width, height int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// upload posts a file of n bytes, of the kind that the address names.
func (w *world) upload(path string, n int) map[string]any {
	w.t.Helper()
	address, err := url.Parse(path)
	must(w.t, err)
	return w.uploadFile(path, "a.png", fileOf(address.Query().Get("type")+address.Query().Get("media_type"), n))
}

// uploadFile posts a file.
func (w *world) uploadFile(path, name string, data []byte) map[string]any {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("media", name)
	must(w.t, err)
	_, err = part.Write(data)
	must(w.t, err)
	must(w.t, form.Close())
	resp, err := w.server.Client().Post(w.url(path), form.FormDataContentType(), &body)
	return w.read(path, resp, err)
}

// yieldNow lets others run while a test looks at a condition again and again.
func yieldNow() { runtime.Gosched() }
