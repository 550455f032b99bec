package wecom

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/util"

	"xiaobu/bot"
	"xiaobu/bot/wecom/crypt"
)

const (
	testToken = "QDG6eK"
	testKey   = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	timestamp = "1409659813"
	nonce     = "1372623149"
)

// desk is a callback whose events and observations can be looked at.
type desk struct {
	*Callback
	events   []bot.Event
	observed []string
	fail     error
	notes    notes
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{}
	c, err := NewCallback(CallbackConfig{
		Corp: testCorp, Token: testToken, AESKey: testKey, Now: newClock().now, Log: d.notes.log(),
		Put: func(_ context.Context, events ...bot.Event) error {
			d.events = append(d.events, events...)
			return d.fail
		},
		Observe: func(status int, kind string) { d.observed = append(d.observed, fmt.Sprint(status, " ", kind)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Callback = c
	return d
}

// sealed encrypts a message for a corp and signs it.
func sealed(t testing.TB, corp, message string) (encrypted string, query url.Values) {
	t.Helper()
	c, err := crypt.New(testToken, testKey, corp)
	if err != nil {
		t.Fatal(err)
	}
	encrypted = c.Seal([]byte(message), [16]byte{1, 2, 3})
	return encrypted, url.Values{"msg_signature": {c.Sign(timestamp, nonce, encrypted)}, "timestamp": {timestamp}, "nonce": {nonce}}
}

// posted seals a message into a request.
func posted(t testing.TB, message string) (body string, query url.Values) {
	t.Helper()
	encrypted, query := sealed(t, testCorp, message)
	return "<xml><ToUserName><![CDATA[" + testCorp + "]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt><AgentID><![CDATA[]]></AgentID></xml>", query
}

func (d *desk) do(method string, query url.Values, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(method, "/callback/wecom?"+query.Encode(), body))
	return w
}

func TestTheAddressCheckIsAnsweredWithTheBareText(t *testing.T) {
	d := newDesk(t)
	echo, query := sealed(t, testCorp, "1616140317555161061")
	query.Set("echostr", echo)
	w := d.do(http.MethodGet, query, nil)
	if w.Code != 200 || w.Body.String() != "1616140317555161061" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	// Some proxies decode the query on the way.
	w = httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/?"+strings.ReplaceAll(query.Encode(), "%2B", "+"), nil)
	if d.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("with plain plus signs: %d", w.Code)
	}
	if d.observed[0] != "200 url_check" {
		t.Errorf("observed %v", d.observed)
	}
}

func TestTheAddressCheckRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(q url.Values)
		want   int
	}{
		"no signature":      {func(q url.Values) { q.Del("msg_signature") }, 400},
		"no timestamp":      {func(q url.Values) { q.Del("timestamp") }, 400},
		"no nonce":          {func(q url.Values) { q.Set("nonce", "") }, 400},
		"no text":           {func(q url.Values) { q.Del("echostr") }, 400},
		"a wrong signature": {func(q url.Values) { q.Set("msg_signature", strings.Repeat("0", 40)) }, 403},
		"another nonce":     {func(q url.Values) { q.Set("nonce", "1") }, 403},
		"another company": {func(q url.Values) {
			echo, other := sealed(t, "wwOther", "x")
			q.Set("echostr", echo)
			q.Set("msg_signature", other.Get("msg_signature"))
		}, 403},
		"a malformed text that is signed": {func(q url.Values) {
			c, _ := crypt.New(testToken, testKey, testCorp)
			q.Set("echostr", "AAAA")
			q.Set("msg_signature", c.Sign(timestamp, nonce, "AAAA"))
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			echo, query := sealed(t, testCorp, "secret answer")
			query.Set("echostr", echo)
			tc.change(query)
			d := newDesk(t)
			w := d.do(http.MethodGet, query, nil)
			if w.Code != tc.want || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("got %d %q, want %d", w.Code, w.Body, tc.want)
			}
			if want := fmt.Sprint(tc.want, " "); d.observed[0] != want {
				t.Errorf("observed %v", d.observed)
			}
		})
	}
}

func TestAnEventIsWrittenDownAndAnsweredWithNothing(t *testing.T) {
	for name, file := range sampleFiles(t) {
		if strings.HasPrefix(name, "change_") || strings.HasPrefix(name, "app_") || strings.HasPrefix(name, "customer_") {
			d := newDesk(t)
			body, query := posted(t, string(file))
			w := d.do(http.MethodPost, query, strings.NewReader(body))
			if w.Code != 200 || w.Body.Len() != 0 || len(d.events) != 1 {
				t.Errorf("%s: %d %q, %d events", name, w.Code, w.Body, len(d.events))
				continue
			}
			e := d.events[0]
			if e.Corp != testCorp || d.observed[0] != "200 "+string(e.Kind) {
				t.Errorf("%s: corp %s, observed %v", name, e.Corp, d.observed)
			}
		}
	}
}

func TestTheEnvelopeMayBeWrittenInAnyOrder(t *testing.T) {
	encrypted, query := sealed(t, testCorp, string(event(chatFields)))
	for _, body := range []string{
		"<xml><Encrypt>" + encrypted + "</Encrypt></xml>",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <AgentID>1000002</AgentID>\n <Encrypt>\n<![CDATA[" + encrypted + "]]>\n</Encrypt><ToUserName/>\n</xml>\n",
	} {
		d := newDesk(t)
		r := httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if d.ServeHTTP(w, r); w.Code != 200 || len(d.events) != 1 {
			t.Errorf("got %d for %s", w.Code, body)
		}
	}
}

func TestAnotherProgramsEnvelopeIsAccepted(t *testing.T) {
	message := event(chatFields + "<ChangeType>create</ChangeType>")
	raw, err := util.EncryptMsg([]byte("0123456789abcdef"), message, testCorp, testKey)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"msg_signature": {util.Signature(testToken, timestamp, nonce, string(raw))}, "timestamp": {timestamp}, "nonce": {nonce}}
	body, err := xml.Marshal(struct {
		XMLName struct{} `xml:"xml"`
		Encrypt string
	}{Encrypt: string(raw)})
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	if w := d.do(http.MethodPost, query, bytes.NewReader(body)); w.Code != 200 || d.events[0].Chat != "wr1" {
		t.Errorf("got %d, %+v", w.Code, d.events)
	}
}

// cutReader breaks off in the middle of a body.
type cutReader struct{ io.Reader }

func (r cutReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestWhatIsNoCallbackIsRefused(t *testing.T) {
	good, query := posted(t, string(event(chatFields)))
	plain := string(event(chatFields))
	other, otherQuery := sealed(t, "wwOther", plain)
	inner, innerQuery := posted(t, strings.Replace(plain, testCorp, "wwOther", 1))
	broken, brokenQuery := posted(t, "no message")
	declared, declaredQuery := posted(t, `<!DOCTYPE xml>`+plain)
	timeless, timelessQuery := posted(t, strings.Replace(plain, "1718000100", "now", 1))
	c, _ := crypt.New(testToken, testKey, testCorp)
	noiseQuery := url.Values{"msg_signature": {c.Sign(timestamp, nonce, "AAAA")}, "timestamp": {timestamp}, "nonce": {nonce}}
	forged := url.Values{"msg_signature": {strings.Repeat("a", 40)}, "timestamp": {timestamp}, "nonce": {nonce}}
	for name, tc := range map[string]struct {
		body  io.Reader
		query url.Values
		want  int
	}{
		"a forged signature":                {strings.NewReader(good), forged, 403},
		"no signature at all":               {strings.NewReader(good), nil, 403},
		"a plain message":                   {strings.NewReader(plain), query, 400},
		"a plain message without signature": {strings.NewReader(plain), nil, 400},
		"an envelope for another company":   {strings.NewReader("<xml><Encrypt>" + other + "</Encrypt></xml>"), otherQuery, 403},
		"a message for another company":     {strings.NewReader(inner), innerQuery, 403},
		"no XML":                            {strings.NewReader(`{"encrypt":"x"}`), query, 400},
		"nothing":                           {strings.NewReader(""), query, 400},
		"half an envelope":                  {strings.NewReader(good[:len(good)-3]), query, 400},
		"a body cut off":                    {cutReader{strings.NewReader(good)}, query, 400},
		"a DOCTYPE":                         {strings.NewReader(`<!DOCTYPE xml [<!ENTITY e "x">]>` + good), query, 400},
		"a DOCTYPE in the message":          {strings.NewReader(declared), declaredQuery, 400},
		"a signed text that does not open":  {strings.NewReader("<xml><Encrypt>AAAA</Encrypt></xml>"), noiseQuery, 400},
		"a signed message that is no XML":   {strings.NewReader(broken), brokenQuery, 400},
		"a signed message without a time":   {strings.NewReader(timeless), timelessQuery, 400},
		"a body over the limit":             {strings.NewReader(good + strings.Repeat(" ", maxCallback)), query, 413},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.do(http.MethodPost, tc.query, tc.body)
			if w.Code != tc.want || len(d.events) != 0 {
				t.Errorf("got %d and %d events, want %d", w.Code, len(d.events), tc.want)
			}
			if text := d.notes.String(); strings.Contains(text, "wr1") || !strings.Contains(text, "callback refused") {
				t.Errorf("logged %s", text)
			}
		})
	}
}

func TestABodyOfExactlyTheLimitIsRead(t *testing.T) {
	good, query := posted(t, string(event(chatFields)))
	d := newDesk(t)
	body := good + strings.Repeat("\n", maxCallback-len(good))
	if w := d.do(http.MethodPost, query, strings.NewReader(body)); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	d := newDesk(t)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"} {
		if w := d.do(method, nil, nil); w.Code != 405 || w.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestAnEventThatCannotBeStoredIsDeliveredAgain(t *testing.T) {
	d := newDesk(t)
	d.fail = errors.New("disk full")
	body, query := posted(t, string(event(contactFields+"<ChangeType>add_external_contact</ChangeType><State>"+whisper+"</State><WelcomeCode>WELCOME</WelcomeCode>")))
	if w := d.do(http.MethodPost, query, strings.NewReader(body)); w.Code != 500 {
		t.Errorf("got %d", w.Code)
	}
	text := d.notes.String()
	if !strings.Contains(text, "disk full") || !strings.Contains(text, d.events[0].Key) {
		t.Errorf("logged %s", text)
	}
	for _, content := range []string{whisper, "WELCOME\"", testToken, testKey} {
		if strings.Contains(text, content) {
			t.Errorf("%q was logged: %s", content, text)
		}
	}
	d.fail = nil
	d.do(http.MethodPost, query, strings.NewReader(body))
	if len(d.events) != 2 || d.events[0].Key != d.events[1].Key {
		t.Error("the second delivery has another key")
	}
}

func TestStoringIsBounded(t *testing.T) {
	var left time.Duration
	c, err := NewCallback(CallbackConfig{Corp: testCorp, Token: testToken, AESKey: testKey, Now: newClock().now,
		Put: func(ctx context.Context, _ ...bot.Event) error {
			deadline, ok := ctx.Deadline()
			if left = time.Until(deadline); !ok {
				t.Error("no deadline")
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	body, query := posted(t, string(event(chatFields)))
	c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), strings.NewReader(body)))
	if left <= 4*time.Second || left > 4500*time.Millisecond {
		t.Errorf("%s to store an event", left)
	}
}

func TestNewCallbackRefusesBadSettings(t *testing.T) {
	put := func(context.Context, ...bot.Event) error { return nil }
	for name, cfg := range map[string]CallbackConfig{
		"no corp":   {Token: "t", AESKey: testKey, Now: time.Now, Put: put},
		"no token":  {Corp: "c", AESKey: testKey, Now: time.Now, Put: put},
		"no clock":  {Corp: "c", Token: "t", AESKey: testKey, Put: put},
		"no store":  {Corp: "c", Token: "t", AESKey: testKey, Now: time.Now},
		"a bad key": {Corp: "c", Token: "t", AESKey: "short", Now: time.Now, Put: put},
	} {
		if _, err := NewCallback(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Whatever arrives, the handler answers with one of its statuses, and only a signed
// message becomes an event.
func FuzzCallbackBody(f *testing.F) {
	good, query := posted(f, string(event(chatFields)))
	for _, seed := range []string{good, good[:60], "<xml><Encrypt></Encrypt></xml>", "<!DOCTYPE a>" + good, strings.Repeat("<a>", 50), "<xml><Encrypt>AAAA</Encrypt>&x;"} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	codec, _ := crypt.New(testToken, testKey, testCorp)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		d := newDesk(t)
		body, q := data, query
		if seal { // as the message inside a valid envelope
			encrypted := codec.Seal(data, [16]byte{})
			body = []byte("<xml><Encrypt>" + encrypted + "</Encrypt></xml>")
			q = url.Values{"msg_signature": {codec.Sign(timestamp, nonce, encrypted)}, "timestamp": {timestamp}, "nonce": {nonce}}
		}
		w := d.do(http.MethodPost, q, bytes.NewReader(body))
		switch w.Code {
		case 200:
			if len(d.events) != 1 {
				t.Error("answered 200 without an event")
			}
			if !seal && !bytes.Contains(data, []byte("<Encrypt")) {
				t.Errorf("an unsigned body was accepted: %q", data)
			}
		case 400, 403, 413:
			if len(d.events) != 0 {
				t.Errorf("answered %d and kept an event", w.Code)
			}
		default:
			t.Errorf("answered %d", w.Code)
		}
	})
}

func BenchmarkCallbackNoStore(b *testing.B) {
	c, err := NewCallback(CallbackConfig{Corp: testCorp, Token: testToken, AESKey: testKey, Now: newClock().now,
		Put: func(context.Context, ...bot.Event) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	body, query := posted(b, string(sampleFiles(b)["change_external_chat.update.add_member.invited"]))
	target := "/callback/wecom?" + query.Encode()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
