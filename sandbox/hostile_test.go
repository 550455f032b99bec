package sandbox

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// documentedCodes are the platform's codes that a client is told how to take, as single
// numbers and ranges.
var documentedCodes = [][2]int{
	{-1, 0}, {6000, 6000}, {40001, 40001}, {40003, 40009}, {40011, 40014}, {40029, 40035}, {40050, 40078}, {40091, 40100},
	{40123, 40131}, {40201, 40201}, {41001, 41019}, {41033, 41096}, {42001, 42051}, {43004, 43012}, {44001, 44004},
	{45001, 45034}, {46004, 46004}, {48001, 48009}, {49004, 49008}, {50001, 50003}, {50100, 50100}, {60003, 60021}, {60111, 60140},
	{80001, 80001}, {81011, 81017}, {82001, 82004}, {84014, 84084}, {85004, 85111}, {86001, 86008}, {86101, 86224},
	{90500, 90510}, {92002, 92002}, {93000, 93000}, {301002, 301002},
}

// nasty are values that clients in other languages, or with faults, put into a field.
func nasty() []any {
	deep := any("x")
	for range 50 {
		deep = []any{map[string]any{"x": deep}}
	}
	return []any{
		nil, true, 0, -1, 1.5, json.Number("1e400"), json.Number("9223372036854775807"),
		"", "1", "||", "\x00\u202e😀]]>%s../", strings.Repeat("长", 5_000),
		[]any{}, []any{nil}, []any{""}, []any{1}, []any{[]any{}}, []any{map[string]any{}}, slices.Repeat([]any{"x"}, 2_100),
		map[string]any{"": nil, "media_id": 1, "content": nil, "userid_list": "x"}, deep,
	}
}

// spoilAll makes copies of a body with one field each, at any depth, replaced by a value.
func spoilAll(body map[string]any, value any) []spoilt {
	var out []spoilt
	for _, name := range slices.Sorted(maps.Keys(body)) {
		with := func(v any) map[string]any {
			c := maps.Clone(body)
			c[name] = v
			return c
		}
		out = append(out, spoilt{name, with(value)})
		switch inner := body[name].(type) {
		case map[string]any:
			for _, s := range spoilAll(inner, value) {
				out = append(out, spoilt{name + "." + s.field, with(s.body)})
			}
		case []any:
			for i, item := range inner {
				list := slices.Clone(inner)
				list[i] = value
				out = append(out, spoilt{fmt.Sprintf("%s[%d]", name, i), with(list)})
				object, _ := item.(map[string]any)
				for _, s := range spoilAll(object, value) {
					list := slices.Clone(inner)
					list[i] = s.body
					out = append(out, spoilt{fmt.Sprintf("%s[%d].%s", name, i, s.field), with(list)})
				}
			}
		}
	}
	return out
}

// answersProperly fails unless a request is answered with HTTP 200 and JSON with a code of
// the platform, and leaves the lock free.
func (w *world) answersProperly(what string, req *http.Request) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if broken := recover(); broken != nil {
				w.t.Fatalf("%s: panic: %v", what, broken)
			}
		}()
		w.Handler().ServeHTTP(rec, req)
	}()
	if !w.mu.TryLock() {
		w.t.Fatalf("%s: the lock is held", what)
	}
	w.mu.Unlock()
	var out struct {
		ErrCode *int    `json:"errcode"`
		ErrMsg  *string `json:"errmsg"`
	}
	err := json.Unmarshal(rec.Body.Bytes(), &out)
	if rec.Code != http.StatusOK || err != nil || out.ErrCode == nil || out.ErrMsg == nil {
		w.t.Errorf("%s: HTTP %d %v %.200s", what, rec.Code, err, rec.Body)
		return
	}
	if !slices.ContainsFunc(documentedCodes, func(r [2]int) bool { return r[0] <= *out.ErrCode && *out.ErrCode <= r[1] }) {
		w.t.Errorf("%s: code %d is none of the platform's: %s", what, *out.ErrCode, *out.ErrMsg)
	}
}

func (w *world) request(method, path, body string) *http.Request {
	address := "/cgi-bin/" + strings.TrimPrefix(w.url(path), w.server.URL+"/cgi-bin/")
	return httptest.NewRequest(method, address, strings.NewReader(body))
}

// Every field of every call takes every nasty value without harm.
func TestRangesOfSecondsDoNotWrapAround(t *testing.T) {
	w := newWorld(t, Config{})
	for _, path := range []string{"externalcontact/get_groupmsg_list_v2", "externalcontact/get_moment_list"} {
		// 2^55 seconds are a multiple of 2^64 nanoseconds.
		w.refused(path, map[string]int{
			`{"chat_type":"group","start_time":1,"end_time":36028797018963969}`:     40058,
			`{"chat_type":"group","start_time":1,"end_time":9223372036854775807}`:   40058,
			`{"chat_type":"group","start_time":1000,"end_time":999}`:                40058,
			`{"chat_type":"group","start_time":-9223372036854775808,"end_time":10}`: 40063,
		})
	}
}

func TestUnknownPathsAreToldApartUpToALimit(t *testing.T) {
	w := newWorld(t, Config{})
	before := w.TotalCalls()
	for i := range keepUnknown + 100 {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/cgi-bin/no/%d/%s", i, strings.Repeat("x", 1000)), nil)
		w.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	if n := len(w.AllCalls()); n > keepUnknown+10 || w.Calls("…") != 100 || w.TotalCalls()-before != keepUnknown+100 {
		t.Errorf("%d paths are kept, %d calls of others, %d in all", n, w.Calls("…"), w.TotalCalls()-before)
	}
	for _, e := range w.Log(0) {
		if len(e.Text) > 2*keepPathBytes {
			t.Fatalf("the log keeps %d bytes", len(e.Text))
		}
	}
}

func TestCallbacksAreXMLWhateverNamesHold(t *testing.T) {
	w := newWorld(t, Config{DirectoryEvents: true})
	must(t, w.AddStaff(Staff{UserID: "odd", Name: "<script>\x00]]>\x1b[2J\ufffe\u202e\xff小"}))
	all := w.Callbacks()
	var in struct{ Name string }
	if err := xml.Unmarshal([]byte(all[len(all)-1].XML), &in); err != nil || in.Name != "<script>]]>[2J\u202e\ufffd小" {
		t.Errorf("%q, %v", in.Name, err)
	}
}

func TestNoValueOfAFieldBreaksACall(t *testing.T) {
	w, fill := showcase(t)
	for _, c := range goodCalls() {
		if c.body == "" {
			continue
		}
		var body map[string]any
		must(t, json.Unmarshal([]byte(fill.Replace(c.body)), &body))
		path := fill.Replace(c.path)
		for i, value := range nasty() {
			for _, s := range spoilAll(body, value) {
				w.answersProperly(fmt.Sprintf("%s with %s = nasty %d", c.path, s.field, i), w.request(http.MethodPost, path, string(encode(s.body))))
			}
			w.clock.Add(time.Second) // so that the limits of a minute stay away
		}
		w.login()
	}
}

// So do the fields in addresses, missing ones and doubled ones too.
func TestNoAddressBreaksACall(t *testing.T) {
	w, fill := showcase(t)
	values := []string{"", "x", "-1", "0", "99999999999999999999", "1.5", "%00", "%F0%9F%98%80", "a%26b", strings.Repeat("y", 5000), "[]", "null"}
	for _, c := range goodCalls() {
		path, query, _ := strings.Cut(fill.Replace(c.path), "?")
		fields := got[url.Values](t)(url.ParseQuery(query))
		for name := range fields {
			for _, v := range values {
				other := maps.Clone(fields)
				other.Del(name)
				for _, address := range []string{other.Encode() + "&" + name + "=" + v, other.Encode() + "&" + name + "=" + v + "&" + name + "=z", other.Encode()} {
					method := http.MethodGet
					if c.body != "" {
						method = http.MethodPost
					}
					w.answersProperly(fmt.Sprintf("%s with %s=%.20s", path, name, v), w.request(method, path+"?"+address, c.body))
				}
			}
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodGet, http.MethodPost} {
			if method == http.MethodHead {
				continue // has no body to look at
			}
			w.answersProperly(method+" "+path, w.request(method, path, "{}"))
		}
	}
}

// And what is no JSON object, or hardly.
func TestNoBodyBreaksACall(t *testing.T) {
	w, _ := showcase(t)
	bodies := []string{
		"", " ", "null", "[]", "1", `"x"`, "{", "{}", `{"a":}`, `{"a":1}{"b":2}`, "{\"a\":\"\xff\xfe\"}", `{"a":"\ud800"}`, "<xml></xml>",
		"a=b&c=d", strings.Repeat("[", 20_000), `{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
		`{"chat_id":"a","chat_id":"b"}`, `{"CHAT_ID":"a"}`, "\ufeff{}",
	}
	for path, op := range w.apis {
		if op.method == http.MethodGet {
			continue
		}
		for i, body := range bodies {
			req := w.request(http.MethodPost, path, body)
			w.answersProperly(fmt.Sprintf("%s with body %d", path, i), req)
			if op.upload {
				req = w.request(http.MethodPost, path+"?type=image&media_type=image&attachment_type=1", body)
				req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
				w.answersProperly(fmt.Sprintf("%s with body %d in a form", path, i), req)
			}
		}
	}
}

func TestEveryCallOfBothPlatformsIsListed(t *testing.T) {
	w := newWorld(t, Config{})
	found := map[string]Endpoint{}
	for _, e := range w.Endpoints() {
		found[e.Name] = e
		if !w.knownPath(e.Name) || e.Method == "" {
			t.Errorf("%+v", e)
		}
	}
	for name, path := range map[string]string{"user/get": "/cgi-bin/user/get", "mp/user/get": "/cgi-bin/user/get", "mp/sns/userinfo": "/sns/userinfo"} {
		if e := found[name]; e.Path != path || e.Account != strings.HasPrefix(name, accountPrefix) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if len(found) != len(w.apis)+len(w.accountAPIs) {
		t.Errorf("%d of %d calls", len(found), len(w.apis)+len(w.accountAPIs))
	}
}
