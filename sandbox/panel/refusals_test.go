package panel

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

func TestEveryCommandNamesTheFieldThatIsWrong(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for _, r := range (&panel{box: w.box}).routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != http.MethodPost && method != http.MethodPut || strings.HasSuffix(path, "/account/token/revoke") {
			continue
		}
		path = strings.TrimPrefix(strings.ReplaceAll(path, "{id}", "0"), "/sandbox")
		for body, want := range map[string]string{`{"no_such_field":1}`: `"no_such_field" is unknown; this call takes`, `[]`: "must be an object", `{"`: "body: "} {
			status, out := w.control(method, path, body)
			if msg, _ := out["error"].(string); status != http.StatusBadRequest || !strings.Contains(msg, want) {
				t.Errorf("%s with %s: HTTP %d %v", r.pattern, body, status, out)
			}
		}
	}
}

func TestWrongValuesAreExplained(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for _, tc := range []struct{ method, path, body, want string }{
		{"POST", "/staff", `{"user_id":7}`, `field "user_id" must be a string, got number`},
		{"POST", "/staff", `{"department":"x"}`, `field "department" must be a whole number, got string`},
		{"POST", "/staff", `{"department":1.5}`, `field "department" must be a whole number`},
		{"POST", "/staff", `{"hidden":"yes"}`, `field "hidden" must be true or false, got string`},
		{"POST", "/staff/wang", `{"hidden":1}`, `field "hidden" must be true or false, got number`},
		{"POST", "/groups/x/join", `{"users":"p"}`, `field "users" must be a list, got string`},
		{"POST", "/clock", `{"by":7}`, `field "by" must be a duration such as "2s", got number`},
		{"POST", "/clock", `{"by":"soon"}`, `field "by" must be a duration`},
		{"POST", "/clock", `{"to":"soon"}`, `field "to" must be a time such as`},
		{"POST", "/app/send", `{"data":"*"}`, `field "data"`},
		{"PUT", "/faults", `{"limits":{"page":"x"}}`, `field "limits.page" must be a whole number, got string`},
		{"PUT", "/faults", `{"limits":{"pages":1}}`, `field "limits": unknown field "pages"`},
		{"PUT", "/faults", `{"api":[]}`, `field "api" must be an object, got array`},
		{"POST", "/departments/x", `{}`, `must be a whole number, got "x"`},
		{"POST", "/contacts", `{"action":"marry"}`, `"action" must be add, half or delete`},
	} {
		status, out := w.control(tc.method, tc.path, tc.body)
		if msg, _ := out["error"].(string); status != http.StatusBadRequest || !strings.Contains(msg, tc.want) {
			t.Errorf("%s %s %s: HTTP %d %v, want %s", tc.method, tc.path, tc.body, status, out, tc.want)
		}
	}
}

func TestPagesExplainInTheirLanguage(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	b := newBrowser(w)
	forms := []struct {
		path   string
		fields url.Values
		zh, en string
	}{
		{"/sandbox/staff", url.Values{"salary": {"1"}}, "不认识字段", "is unknown; this call takes"},
		{"/sandbox/clock", url.Values{"by": {"soon"}}, "这样的时长", "must be a duration"},
		{"/sandbox/scan", url.Values{"config_id": {"0"}}, "没有这个 ID", "not found"},
		{"/sandbox/clock", url.Values{"by": {"-5m"}}, "沙箱不接受", "backwards"},
	}
	for _, lang := range []string{"zh", "en"} {
		b.send("/sandbox/ui/lang", url.Values{"lang": {lang}, "back": {"/sandbox/"}})
		for _, tc := range forms {
			want := map[string]string{"zh": tc.zh, "en": tc.en}[lang]
			tc.fields.Set("back", "/sandbox/ui/clock")
			if said := alert(b.send(tc.path, tc.fields)); !strings.Contains(said, want) {
				t.Errorf("%s %v says in %s %q, want %q", tc.path, tc.fields, lang, said, want)
			}
		}
	}
}
