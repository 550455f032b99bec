package wecom

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestEscapesBecomePlainText(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"\u003cb\u003e \u0026"}`: `{"a":"<b> &"}`,
		`"\u2028\u2029\u4e2d"`:         "\"\u2028\u2029中\"",
		`"\ud83d\ude00"`:               `"😀"`,
		`"\\u003c"`:                    `"\\u003c"`, // a backslash and five letters
		`"\\\u003c"`:                   `"\\<"`,
		`"\\\\u003c"`:                  `"\\\\u003c"`,
		`"\u0022 \u005c \u000a \n"`:    `"\u0022 \u005c \u000a \n"`, // JSON needs these
		`"\ud83d x \ude00"`:            `"\ud83d x \ude00"`,         // halves of characters
		`"\ud83d\u003c"`:               `"\ud83d<"`,
		`"plain 中"`:                    `"plain 中"`,
		`\u00`:                         `\u00`,
		`\`:                            `\`,
	} {
		if got := string(unescape([]byte(in))); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{
		`{"a":"\u003c\u003e\u0026","b":["\\u003c",{"\u4e2d":"\ud83d\ude00"}]}`,
		`"\ud83d\u003c\u0000\u001f\u007f\uffff\\\"\/\b"`, `"\ud800\udfff\udfff\ud800"`, "\"\xe4\\u4e2d\x80\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out := unescape(in)
		if len(out) > len(in) {
			t.Errorf("grew from %d to %d bytes", len(in), len(out))
		}
		var before, after any
		if json.Unmarshal(in, &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%q became %q", in, out)
		}
	})
}
