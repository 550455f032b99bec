package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boombuler/barcode/qr"

	"xiaobu/api"
	"xiaobu/moderation"
	"xiaobu/spam"
	"xiaobu/store"
)

// hook is a feed with a database and nothing else around it.
type hook struct {
	t     *testing.T
	store *store.Store
	url   string
	now   time.Time
	srv   *httptest.Server
	fail  atomic.Bool // the feed is busy
}

const ad = "兼职日结300,加V:abc12345,名额有限"

// onHooks runs a test on a feed of every dialect there is.
func onHooks(t *testing.T, test func(h *hook)) {
	for name, dsn := range databases(t) {
		t.Run(name, func(t *testing.T) { test(newHook(t, dsn)) })
	}
}

func newHook(t *testing.T, dsn string) *hook {
	t.Helper()
	h := &hook{t: t, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
	s, err := store.OpenScratch(context.Background(), dsn, func() time.Time { return h.now })
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	log := slog.New(slog.DiscardHandler)
	clock := func() time.Time { return h.now }
	m := &moderation.Moderator{Store: s, Detector: spam.New(), Cards: true, Now: clock, Zone: time.UTC, Log: log}
	srv := httptest.NewServer(api.New(api.Config{Store: s, FeedSecret: feedSecret, Now: clock, Zone: time.UTC, Log: log, Moderation: m,
		Judge: func(ctx context.Context, msgs []moderation.FeedMessage) ([]moderation.Outcome, error) {
			if h.fail.Load() {
				return nil, moderation.ErrBusy
			}
			return m.Judge(ctx, msgs)
		}}))
	t.Cleanup(srv.Close)
	h.store, h.srv, h.url = s, srv, srv.URL+"/hooks/messages"
	return h
}

type feedReply struct {
	CaseID  *string          `json:"case_id"`
	Verdict string           `json:"verdict"`
	Score   float64          `json:"score"`
	Reasons []map[string]any `json:"reasons"`
	Action  string           `json:"action"`

	MessageID string `json:"message_id"`
	Problem   *struct {
		Status int    `json:"status"`
		Detail string `json:"detail"`
	} `json:"problem"`

	Items  []feedReply `json:"items"`
	Detail string      `json:"detail"` // of a refusal
}

// request is a signed POST.
func (h *hook) request(body string) *http.Request {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodPost, h.url, strings.NewReader(body))
	must(h.t, err)
	ts := strconv.FormatInt(h.now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(feedSecret))
	mac.Write([]byte(ts + "." + body))
	req.Header.Set("X-Xiaobu-Signature", "t="+ts+",v1="+hex.EncodeToString(mac.Sum(nil)))
	return req
}

func (h *hook) do(req *http.Request) (int, feedReply, http.Header) {
	h.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	must(h.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(h.t, err)
	var a feedReply
	if err := json.Unmarshal(data, &a); err != nil {
		h.t.Fatalf("answer %d %.200q: %v", resp.StatusCode, data, err)
	}
	return resp.StatusCode, a, resp.Header
}

func (h *hook) send(body string) (int, feedReply) {
	h.t.Helper()
	status, a, _ := h.do(h.request(body))
	return status, a
}

// bodyOf is a message with these fields beside the ones that must be.
func bodyOf(id string, fields map[string]any) string {
	m := map[string]any{"message_id": id, "chat_id": "wr1", "sender": "wm1", "sent_at": "2026-11-23T10:00:00+08:00", "type": "text"}
	for k, v := range fields {
		m[k] = v
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// Whatever people manage to write is judged, kept and answered.
func TestTheFeedTakesWhateverPeopleWrite(t *testing.T) {
	onHooks(t, func(h *hook) {
		deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
		for name, c := range map[string]struct {
			body    string
			status  int
			verdict string
		}{
			"invalid UTF-8":       {`{"message_id":"m1","chat_id":"wr1","sender":"wm1","text":"` + "你好\xff\xfe\xc3(" + `"}`, 200, "ham"},
			"a lone surrogate":    {`{"message_id":"m2","chat_id":"wr1","sender":"wm1","text":"\ud800 早上好"}`, 200, "ham"},
			"NUL in the text":     {bodyOf("m3", map[string]any{"text": "兼\x00职日结300,加V:abc\x0012345,名额有限"}), 200, "spam"},
			"NUL everywhere":      {bodyOf("m4", map[string]any{"text": "\x00", "title": "\x00", "url": "\x00", "sender_name": "小\x00王", "qr": []string{"\x00"}}), 200, "ham"},
			"turned around":       {bodyOf("m5", map[string]any{"text": "\u202e" + ad + "\u202c\u2066\u200f"}), 200, "spam"},
			"10,000 emoji":        {bodyOf("m6", map[string]any{"text": strings.Repeat("🎉👨‍👩‍👧", 5000)}), 200, "ham"},
			"nearly 1 MiB":        {bodyOf("m7", map[string]any{"text": strings.Repeat("好", 340_000)}), 200, "ham"},
			"nothing":             {bodyOf("m8", map[string]any{"text": ""}), 200, "ham"},
			"no type, no time":    {`{"message_id":"m9","chat_id":"wr1","sender":"wm1","text":"几点关门"}`, 200, "ham"},
			"a group of nobody":   {bodyOf("m10", map[string]any{"chat_id": "wr-nobody-knows", "text": ad}), 200, "spam"},
			"long ago":            {bodyOf("m11", map[string]any{"sent_at": "1999-01-01T00:00:00Z", "text": "早上好"}), 200, "ham"},
			"a clock a bit ahead": {bodyOf("m12", map[string]any{"sent_at": "2026-11-23T10:09:00+08:00"}), 200, "ham"},
			"the future":          {bodyOf("m13", map[string]any{"sent_at": "2026-11-23T10:11:00+08:00"}), 422, ""},
			"the year 9999":       {bodyOf("m14", map[string]any{"sent_at": "9999-12-31T23:59:59Z"}), 422, ""},
			"no time":             {bodyOf("m15", map[string]any{"sent_at": "gestern"}), 400, ""},
			"a key twice":         {`{"message_id":"m16","chat_id":"wr1","sender":"wm1","text":"早上好","text":"` + ad + `"}`, 200, "spam"},
			"unknown keys, deep":  {`{"message_id":"m17","chat_id":"wr1","sender":"wm1","text":"早","later":` + deep + `}`, 200, "ham"},
			"too deep":            {`{"message_id":"m18","later":` + deep + deep + strings.Repeat("[", 2000) + `}`, 400, ""},
			"two bodies":          {bodyOf("m19", nil) + bodyOf("m20", nil), 400, ""},
			"nothing at all":      {"", 400, ""},
			"null":                {"null", 422, ""},
			"a string":            {`"hello"`, 400, ""},
			"an unknown type":     {bodyOf("m21", map[string]any{"type": "hologram"}), 422, ""},
			"control in an id":    {bodyOf("m22\x00", nil), 422, ""},
			"a long id":           {bodyOf(strings.Repeat("m", 129), nil), 422, ""},
			"too many codes":      {bodyOf("m23", map[string]any{"qr": make([]string, 9)}), 422, ""},
			"an image of nothing": {bodyOf("m24", map[string]any{"type": "image", "image": "aGVsbG8="}), 200, "ham"},
			"no base64":           {bodyOf("m25", map[string]any{"type": "image", "image": "%%%"}), 400, ""},
		} {
			status, a := h.send(c.body)
			if status != c.status || a.Verdict != c.verdict {
				h.t.Errorf("%s: %d %+v, want %d %s", name, status, a, c.status, c.verdict)
			}
			if strings.Contains(a.Detail, "兼职") || strings.Contains(a.Detail, "早上好") {
				h.t.Errorf("%s: the refusal repeats what was said: %s", name, a.Detail)
			}
		}
		if m, err := h.store.Read(context.Background()).Message("m4"); err != nil || m.SenderName != "小王" || strings.Contains(m.Text, "\x00") {
			h.t.Errorf("NUL everywhere: %+v %v", m, err)
		}
		if m, err := h.store.Read(context.Background()).Message("m7"); err != nil || len(m.Text) > 64<<10 {
			h.t.Errorf("%d bytes were kept, %v", len(m.Text), err)
		}
	})
}

func TestWhatCameIsAnsweredTheSameAgain(t *testing.T) {
	h := newHook(t, sqliteFile(t))
	body := bodyOf("m1", map[string]any{"text": ad})
	req := h.request(body)
	signature := req.Header.Get("X-Xiaobu-Signature")
	_, first, _ := h.do(req)
	replay := func(body, signature string) (int, feedReply) {
		req := h.request(body)
		if signature != "" {
			req.Header.Set("X-Xiaobu-Signature", signature)
		}
		status, a, _ := h.do(req)
		return status, a
	}
	other := bodyOf("m1", map[string]any{"text": "早上好", "sender": "wm2", "chat_id": "wr2"})
	for name, c := range map[string]struct{ body, signature string }{"replayed": {body, signature}, "signed again": {body, ""}, "another content": {other, ""}} {
		if status, a := replay(c.body, c.signature); status != 200 || fmt.Sprint(a.Verdict, a.Score, *a.CaseID, a.Reasons) != fmt.Sprint(first.Verdict, first.Score, *first.CaseID, first.Reasons) {
			h.t.Errorf("%s: %d %+v, at first %+v", name, status, a, first)
		}
	}
	if status, _ := replay(other, signature); status != 403 {
		h.t.Errorf("a signature of another body: %d", status)
	}
	h.now = h.now.Add(301 * time.Second)
	if status, _ := replay(body, signature); status != 403 {
		h.t.Errorf("a replay after five minutes: %d", status)
	}
	if cases, err := h.store.Read(context.Background()).Cases("", 0, 0); err != nil || len(cases) != 1 {
		h.t.Errorf("%d cases, %v", len(cases), err)
	}
}

func TestAListOfMessages(t *testing.T) {
	onHooks(t, func(h *hook) {
		many := func(n int) string {
			var all []string
			for i := range n {
				all = append(all, bodyOf(fmt.Sprint("many", i), map[string]any{"text": "早"}))
			}
			return "[" + strings.Join(all, ",") + "]"
		}
		status, a := h.send(" [" + strings.Join([]string{bodyOf("m1", map[string]any{"text": ad}), bodyOf("m2", map[string]any{"text": "几点关门"}), `{"message_id":7}`,
			bodyOf("", nil), `{"type":"revoke","revokes":"m2"}`, bodyOf("m1", map[string]any{"text": "早"})}, ",") + "]")
		if status != 200 || len(a.Items) != 6 {
			h.t.Fatalf("%d %+v", status, a)
		}
		i := a.Items
		if i[0].Verdict != "spam" || i[0].MessageID != "m1" || i[1].Verdict != "ham" || i[2].Problem.Status != 400 || i[3].Problem.Status != 422 ||
			i[4].Verdict != "ham" || i[5].Verdict != "spam" || *i[5].CaseID != *i[0].CaseID {
			h.t.Errorf("items %+v", i)
		}
		if m, err := h.store.Read(context.Background()).Message("m2"); err != nil || m.RevokedAt.IsZero() {
			h.t.Errorf("taken back: %+v %v", m, err)
		}
		for n, want := range map[int]int{0: 200, 500: 200, 501: 422} {
			if status, a := h.send(many(n)); status != want || want == 200 && len(a.Items) != n {
				h.t.Errorf("%d messages: %d with %d items", n, status, len(a.Items))
			}
		}
		if status, _ := h.send("[1,"); status != 400 {
			h.t.Errorf("half a list: %d", status)
		}
	})
}

// qrPicture is a PNG with a code, as somebody posts it.
func qrPicture(t *testing.T, content string) []byte {
	t.Helper()
	code, err := qr.Encode(content, qr.M, qr.Auto)
	must(t, err)
	const dots, quiet = 6, 40
	n := code.Bounds().Dx()
	img := image.NewGray(image.Rect(0, 0, n*dots+2*quiet, n*dots+2*quiet))
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			img.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	for y := range n * dots {
		for x := range n * dots {
			img.Set(x+quiet, y+quiet, code.At(x/dots, y/dots))
		}
	}
	var buf bytes.Buffer
	must(t, png.Encode(&buf, img))
	return buf.Bytes()
}

func TestTheCodeOnAPictureIsRead(t *testing.T) {
	h := newHook(t, sqliteFile(t))
	const invitation = "https://weixin.qq.com/g/AwYAAExample"
	picture := base64.StdEncoding.EncodeToString(qrPicture(h.t, invitation))
	_, shown := h.send(bodyOf("m1", map[string]any{"type": "image", "image": picture}))
	_, told := h.send(bodyOf("m2", map[string]any{"type": "image", "qr": []string{invitation}, "sender": "wm2"}))
	if fmt.Sprint(shown.Reasons) != fmt.Sprint(told.Reasons) || shown.Score != told.Score {
		h.t.Errorf("read %+v, told %+v", shown, told)
	}
	r := h.store.Read(context.Background())
	for _, id := range []string{"m1", "m2"} {
		if m, err := r.Message(id); err != nil || !strings.Contains(m.Text, invitation) || len(m.Tokens) != 0 {
			h.t.Errorf("%s: %+v %v", id, m, err)
		}
	}
	var huge bytes.Buffer
	must(h.t, png.Encode(&huge, image.NewPaletted(image.Rect(0, 0, 8000, 8000), color.Palette{color.White})))
	began := time.Now()
	status, a := h.send(bodyOf("m3", map[string]any{"type": "image", "image": base64.StdEncoding.EncodeToString(huge.Bytes())}))
	if status != 200 || a.Verdict != "ham" || time.Since(began) > 2*time.Second {
		h.t.Errorf("a picture of 64 million dots: %d %+v after %v", status, a, time.Since(began))
	}
}

func TestABusyFeedSaysWhenToComeAgain(t *testing.T) {
	h := newHook(t, sqliteFile(t))
	h.fail.Store(true)
	for _, body := range []string{bodyOf("m1", nil), "[" + bodyOf("m1", nil) + "]"} {
		if status, _, header := h.do(h.request(body)); status != 503 || header.Get("Retry-After") == "" {
			h.t.Errorf("%d, again after %q", status, header.Get("Retry-After"))
		}
	}
	h.fail.Store(false)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"} {
		req := h.request(bodyOf("m2", nil))
		req.Header.Set("Content-Type", kind)
		if status, _, _ := h.do(req); status != 200 {
			h.t.Errorf("content type %q: %d", kind, status)
		}
	}
	req := h.request(bodyOf("m3", nil))
	req.Method = http.MethodGet
	if status, _, header := h.do(req); status != 405 || header.Get("Allow") != "POST" {
		h.t.Errorf("GET: %d", status)
	}
}

// Somebody who sends a byte now and then holds up nobody else, and what was answered when all
// connections break is on disk.
func TestSlowSendersHoldUpNobody(t *testing.T) {
	h := newHook(t, sqliteFile(t))
	addr := strings.TrimPrefix(h.srv.URL, "http://")
	for range 30 {
		c, err := net.Dial("tcp", addr)
		must(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "POST /hooks/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{")
		must(t, err)
	}
	const n = 60
	var wg sync.WaitGroup
	var taken atomic.Int64
	answered := make([]atomic.Bool, n)
	for i := range n {
		req := h.request(bodyOf(fmt.Sprint("m", i), map[string]any{"text": "几点关门"}))
		wg.Go(func() {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return // the connection broke
			}
			defer resp.Body.Close()
			var a feedReply
			if err := json.NewDecoder(resp.Body).Decode(&a); err == nil && a.Verdict == "ham" {
				answered[i].Store(true)
				taken.Add(1)
			}
		})
	}
	for taken.Load() < n/4 {
		time.Sleep(time.Millisecond)
	}
	h.srv.CloseClientConnections()
	wg.Wait()
	ids := []string{}
	for i := range n {
		if answered[i].Load() {
			ids = append(ids, fmt.Sprint("m", i))
		}
	}
	if rows, err := h.store.Read(context.Background()).Messages(ids); err != nil || len(rows) != len(ids) || len(ids) < n/4 {
		t.Errorf("%d answers, %d messages on disk, %v", len(ids), len(rows), err)
	}
}
