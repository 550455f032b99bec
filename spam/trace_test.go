package spam

import (
	"strings"
	"testing"
)

func TestCopiesOfATextLeaveTheSameTrace(t *testing.T) {
	d := New()
	plain := d.Trace("诚招宝妈在家做手工,加微信 abc12345 详聊")
	for _, other := range []string{
		"诚招宝妈在家做手工，加微信abc12345详聊",
		"诚·招·宝·妈 在家做手工,加微信ＡＢＣ１２３４５详聊!!!",
		"诚招宝\u200b妈在家做手工🎉🎉加微信abc12345详聊",
		"诚招寶媽在家做手工,加微信 abc12345 详聊",
	} {
		got := d.Trace(other)
		if got.Text != plain.Text || len(got.Tokens) != 1 || got.Tokens[0] != plain.Tokens[0] {
			t.Errorf("%q leaves %x, want %x", other, got, plain)
		}
	}
	if got := d.Trace("诚招宝妈在家做手工,加微信 abc12346 详聊"); got.Text == plain.Text || got.Tokens[0] == plain.Tokens[0] {
		t.Errorf("another account leaves the same trace: %x", got)
	}
}

func TestTraceOfLinksAndOfLittle(t *testing.T) {
	d := New()
	link := func(text string) uint64 {
		t.Helper()
		got := d.Trace(text).Tokens
		if len(got) != 1 {
			t.Fatalf("%q has %d tokens, want one", text, len(got))
		}
		return got[0]
	}
	if a, b := link("看 https://abc.top/x1?u=7"), link("快来abc.top/x1?u=8"); a != b {
		t.Errorf("one page, two tokens: %x %x", a, b)
	}
	if a, b := link("abc.top/x1"), link("abc.top/x2"); a == b {
		t.Errorf("two pages, one token: %x", a)
	}
	a, b := d.Trace("看 https://abc.top/x1"), d.Trace("买 shop.abc.top/y?z=1 和 jd.com")
	if len(a.Hosts) != 1 || len(b.Hosts) != 1 || a.Hosts[0] != b.Hosts[0] || d.Trace("abd.top/x1").Hosts[0] == a.Hosts[0] {
		t.Errorf("hosts %x and %x", a.Hosts, b.Hosts)
	}
	for _, text := range []string{"", "好的", "收到,谢谢", strings.Repeat("🎉", 10000)} {
		if got := d.Trace(text); got.Text != 0 || len(got.Tokens) != 0 {
			t.Errorf("%.20q leaves %x", text, got)
		}
	}
	if got := d.Trace(strings.Repeat("加微信 a1b2c3d4 或微信 x9y8z7w6v5 电话13800001111 ", 500)); len(got.Tokens) != 3 {
		t.Errorf("%d tokens of three accounts", len(got.Tokens))
	}
}
