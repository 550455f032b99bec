package archive

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testCorp   = "ww0000000000000001"
	testSecret = "the-secret-of-the-feed"
	anna       = "wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	ben        = "wmBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	room1      = "wrRRRRRRRRRRRRRRRRRRRRRRRRRRRRR1"
	room2      = "wrRRRRRRRRRRRRRRRRRRRRRRRRRRRRR2"
)

// testKeys are two generations of keys, made once.
var testKeys = sync.OnceValue(func() map[uint32]*rsa.PrivateKey {
	keys := map[uint32]*rsa.PrivateKey{}
	for v := uint32(1); v <= 2; v++ {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[v] = key
	}
	return keys
})

// putKey writes the key of a generation under the name of a version, in one of openssl's forms.
func putKey(t testing.TB, dir string, of, version uint32) {
	t.Helper()
	key := testKeys()[of]
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if version%2 == 0 {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		block = &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pem", version)), pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
}

// clock is a time that moves only when somebody waits.
type clock struct {
	mu  sync.Mutex
	at  time.Time
	max int // waits before it is taken for an endless loop
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.max--; c.max < 0 {
		return context.DeadlineExceeded
	}
	c.at = c.at.Add(d)
	return ctx.Err()
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC), max: 10_000}
}

// recording is an archive as WeCom would answer: the records stand in the JSON of GetChatData,
// their random keys encrypted by RSA. Only the cipher of the message itself, which is WeCom's own, is another.
type recording struct {
	t       testing.TB
	answers []string // one JSON for each record
	seq     uint64
	version uint32
	limit   int // at most so many come at once
	err     error
	pulls   []time.Time
	clock   *clock
	onPull  func(seq uint64)
	files   map[string][]byte
}

func (r *recording) Picture(_ context.Context, file string, limit int) ([]byte, error) {
	data, ok := r.files[file]
	if !ok {
		return nil, &SDKError{Code: 10005}
	}
	if len(data) > limit {
		return nil, nil
	}
	return data, nil
}

func (r *recording) Pull(ctx context.Context, seq uint64, limit int) ([]Record, error) {
	if limit < 1 || limit > MaxPull {
		return nil, &SDKError{Code: 10000}
	}
	r.pulls = append(r.pulls, r.clock.now())
	if r.onPull != nil {
		r.onPull(seq)
	}
	if r.err != nil {
		return nil, r.err
	}
	var out []Record
	for _, answer := range r.answers {
		var page struct {
			ErrCode  int      `json:"errcode"`
			ChatData []Record `json:"chatdata"`
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			r.t.Error(err)
		}
		for _, rec := range page.ChatData {
			if rec.Seq > seq && len(out) < min(limit, max(r.limit, 1)) {
				out = append(out, rec)
			}
		}
	}
	return out, ctx.Err()
}

func stream(key []byte) cipher.Stream {
	sum := sha256.Sum256(key)
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err)
	}
	return cipher.NewCTR(block, sum[:aes.BlockSize])
}

func (r *recording) Decrypt(key []byte, message string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(message)
	if err != nil || len(key) == 0 {
		return nil, &SDKError{Code: 10006}
	}
	stream(key).XORKeyStream(data, data)
	if string(data) == "DEADLY" {
		panic("the library ended the process")
	}
	if !bytes.HasPrefix(data, []byte("{")) {
		return nil, &SDKError{Code: 10006}
	}
	return data, nil
}

// say records a message in clear under the version of the moment, and returns its sequence number.
func (r *recording) say(clear string) uint64 {
	r.t.Helper()
	random := make([]byte, 24)
	if _, err := rand.Read(random); err != nil {
		r.t.Fatal(err)
	}
	key := []byte(base64.StdEncoding.EncodeToString(random))
	//lint:ignore SA1019 the platform encrypts so
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, &testKeys()[r.version].PublicKey, key)
	if err != nil {
		r.t.Fatal(err)
	}
	data := []byte(clear)
	stream(key).XORKeyStream(data, data)
	r.seq += 3 // numbers need not follow one another
	r.add(Record{Seq: r.seq, MsgID: fmt.Sprint("id", r.seq), KeyVersion: r.version, RandomKey: base64.StdEncoding.EncodeToString(sealed),
		Message: base64.StdEncoding.EncodeToString(data)})
	return r.seq
}

func (r *recording) add(rec Record) {
	data, err := json.Marshal(map[string]any{"errcode": 0, "errmsg": "ok", "chatdata": []Record{rec}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.answers = append(r.answers, string(data))
}

// text records what somebody says in a group, and returns the id of the message.
func (r *recording) text(room, from, words string) string {
	r.t.Helper()
	id := fmt.Sprintf("MSG%d_external", r.seq+3)
	r.say(r.message(id, room, from, "text", fmt.Sprintf(`"text":{"content":%q}`, words)))
	return id
}

func (r *recording) message(id, room, from, kind, body string) string {
	return fmt.Sprintf(`{"msgid":%q,"action":"send","from":%q,"tolist":["zhangsan"],"roomid":%q,"msgtime":%d,"msgtype":%q,%s}`,
		id, from, room, r.clock.now().UnixMilli(), kind, body)
}

// box is the feed: it checks signatures and keeps what it accepts.
type box struct {
	t      testing.TB
	clock  *clock
	mu     sync.Mutex
	got    []Post    // accepted, in order
	words  []consent // about the archive
	asked  int
	answer func(p Post, n int) (status int, body string) // 0: as a feed does
	before func(p Post)
	after  func(p Post)
}

// RoundTrip lets the feed answer within the process.
func (b *box) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if !b.signed(req.Header.Get("X-Xiaobu-Signature"), body) {
		b.t.Errorf("signature %q", req.Header.Get("X-Xiaobu-Signature"))
	}
	var p Post
	var word consent
	into := any(&p)
	if strings.HasSuffix(req.URL.Path, "/hooks/consents") {
		into, p.Type = &word, "consent"
	}
	if err := json.Unmarshal(body, into); err != nil {
		b.t.Errorf("posted %s: %v", body, err)
	}
	if b.before != nil {
		b.before(p)
	}
	status, answer := b.take(p, word)
	if b.after != nil {
		b.after(p)
	}
	if status < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Date": {b.clock.now().Format(http.TimeFormat)}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
}

func (b *box) signed(header string, body []byte) bool {
	at, mac, ok := strings.Cut(header, ",v1=")
	at = strings.TrimPrefix(at, "t=")
	h := hmac.New(sha256.New, []byte(testSecret))
	h.Write([]byte(at + "." + string(body)))
	return ok && mac == hex.EncodeToString(h.Sum(nil)) && at == strconv.FormatInt(b.clock.now().Unix(), 10)
}

func (b *box) take(p Post, word consent) (int, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.answer != nil {
		if status, body := b.answer(p, b.asked); status != 0 {
			return status, body
		}
	}
	if word.Person != "" {
		b.words = append(b.words, word)
		return http.StatusNoContent, ""
	}
	b.got = append(b.got, p)
	return http.StatusOK, `{"case_id":null,"verdict":"ham","score":0,"reasons":[],"action":"none"}`
}

func (b *box) texts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]string, len(b.got))
	for i, p := range b.got {
		out[i] = p.Text
	}
	return out
}

// rig is an archive between a recording and a box.
type rig struct {
	t     testing.TB
	clock *clock
	src   *recording
	box   *box
	keys  string
	dir   string
	log   bytes.Buffer
	state *State
	a     *Archive
}

func newRig(t testing.TB) *rig {
	t.Helper()
	c := newClock()
	r := &rig{t: t, clock: c, src: &recording{t: t, clock: c, version: 1, limit: MaxPull}, box: &box{t: t, clock: c}, keys: t.TempDir(), dir: t.TempDir()}
	putKey(t, r.keys, 1, 1)
	putKey(t, r.keys, 2, 2)
	t.Cleanup(func() {
		if r.state != nil {
			_ = r.state.Close()
		}
	})
	return r
}

// start opens the state directory, as a program that begins does.
func (r *rig) start(change ...func(*Config)) *Archive {
	r.t.Helper()
	if r.state != nil {
		if err := r.state.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	c := Config{Source: r.src, Keys: func() (*Keys, error) { return LoadKeys(r.keys) },
		Feed:     NewFeed("http://bot.test/hooks/messages", testSecret, r.box, r.clock.now),
		Interval: 15 * time.Second, Now: r.clock.now, Wait: r.clock.wait, Jitter: func() float64 { return 0 },
		Log: slog.New(slog.NewTextHandler(&r.log, nil))}
	for _, f := range change {
		f(&c)
	}
	var err error
	if r.state, err = OpenState(r.dir, testCorp, c.DryRun); err != nil {
		r.t.Fatal(err)
	}
	c.State = r.state
	if r.a, err = New(c); err != nil {
		r.t.Fatal(err)
	}
	return r.a
}

func (r *rig) once() {
	r.t.Helper()
	if err := r.a.Once(r.t.Context()); err != nil {
		r.t.Fatalf("%v\n%s", err, r.log.String())
	}
}

// fails works one step, which must fail with these words.
func (r *rig) fails(words ...string) {
	r.t.Helper()
	_, err := r.a.Step(r.t.Context())
	if err == nil {
		r.t.Fatal("the step went well")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.t.Errorf("%q does not say %q", err, w)
		}
	}
	if r.a.Status().Problem == "" {
		r.t.Error("the status knows of no problem")
	}
}

// saved is the position on disk.
func (r *rig) saved() Position {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, positionFile))
	if os.IsNotExist(err) {
		return Position{}
	}
	var p Position
	if err != nil || json.Unmarshal(data, &p) != nil {
		r.t.Fatalf("%s: %v", data, err)
	}
	return p
}

func (r *rig) wantTexts(want ...string) {
	r.t.Helper()
	if got := r.box.texts(); strings.Join(got, "|") != strings.Join(want, "|") {
		r.t.Errorf("posted %q, want %q\n%s", got, want, r.log.String())
	}
}

func (r *rig) wantCount(fate string, want int64) {
	r.t.Helper()
	n := int64(0)
	for k, v := range r.a.Status().Counts {
		if k.Fate == fate {
			n += v
		}
	}
	if n != want {
		r.t.Errorf("%s %d, want %d", fate, n, want)
	}
}

// refusals are those on disk.
func (r *rig) refusals() []refusal {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, refusedFile))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var out []refusal
	for line := range strings.Lines(string(data)) {
		var row refusal
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			r.t.Fatalf("%s: %v", line, err)
		}
		out = append(out, row)
	}
	return out
}
