package wecom

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
)

// span writes a range of codes.
func span(from, to int) (codes []int) {
	for code := from; code <= to; code++ {
		codes = append(codes, code)
	}
	return codes
}

func TestEveryKnownCodeHasItsClass(t *testing.T) {
	for class, lists := range map[bot.Class][][]int{
		bot.ClassRetry:   {{-1, 6000, 45033, 41078, 41079, 90507}},
		bot.ClassToken:   {{40001, 40014, 42001, 42009}},
		bot.ClassBackoff: {{45009, 41094, 41063}},
		bot.ClassDone:    {{40071, 40100, 40129, 41048, 41051, 41093, 41096, 90504, 90508, 92002}},
		bot.ClassGone:    {{40003, 40050, 40068, 40096, 41044, 41047, 46004, 49008, 60003, 60111, 60123, 84061, 86003}},
		bot.ClassFix: {
			{40008, 40013, 40033, 40035, 40058, 40063, 40054, 40055, 40094, 40056, 40057, 40091, 40093, 40098, 40126},
			{41001, 41002, 41004, 41006, 41009, 41010, 41011, 41016, 41019, 41033, 41035},
			{41037, 41038, 41039, 41040, 41042, 41043, 41045, 41054, 41055, 41057, 41095, 42012},
			{43009, 43012, 44001, 44004, 45024, 45031, 45034, 48001, 48002, 48004, 48005, 48006, 48009, 49004},
			{50001, 50002, 50003, 60011, 60020, 60021, 80001, 81011, 81017, 82001, 82002, 82003},
			{84025, 84074, 84083, 84084, 85004, 85005, 85008, 85111, 90503, 90510, 301002},
			{86001, 86002, 86004, 86005, 86006, 86007, 86008, 86101, 86224},
			span(42014, 42020), span(42027, 42051), span(86201, 86220),
		},
		bot.ClassGiveUp: {
			{40004, 40005, 40006, 40007, 40009, 40011, 40029, 40031, 40032, 40078, 40097, 40099, 40123, 40128, 40130, 40131, 40201},
			{41041, 41046, 41049, 41050, 41052, 41053, 41056, 41058, 41059, 41060, 41061, 41062, 41064, 41065, 41067},
			{41068, 41069, 41070, 41071, 41072, 41076, 41077, 41080, 41081, 41082, 41083, 41084, 41088, 41089, 41090, 41091},
			{42003, 42022, 43004, 45001, 45002, 45007, 45008, 45029, 45032, 50100, 60140, 81013, 82004, 84014, 84015},
			{90500, 90501, 90502, 90509, 93000, 701001, 660001, 670001, 72023, 843001, 1, 123456789, -2},
		},
	} {
		for _, codes := range lists {
			for _, code := range codes {
				if got := classOf(code); got != class {
					t.Errorf("%d is %s, want %s", code, got, class)
				}
			}
		}
	}
}

func TestARefusalKeepsWeComsWordsWithinBounds(t *testing.T) {
	e := refusal(opChat, 49008, "chat is dismissed, hint: [1]\n\x00"+strings.Repeat("长", 200))
	if e.Op != opChat || e.Code != 49008 || !strings.HasPrefix(e.Msg, "chat is dismissed, hint: [1]长") {
		t.Errorf("got %+v", e)
	}
	if len(e.Msg) > maxMsg || !utf8.ValidString(e.Msg) {
		t.Errorf("%d bytes: %q", len(e.Msg), e.Msg)
	}
}

func TestRefusalsSayHowLongToWait(t *testing.T) {
	for code, want := range map[int]time.Duration{41094: 24 * time.Hour, 41063: time.Minute, 40058: 0} {
		if got := refusal(opMassRemind, code, "").Wait; got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

func TestWhatAPersonCanMendSaysWhere(t *testing.T) {
	for code, want := range map[int]string{
		40001: "wecom.secret", 40013: "wecom.corp_id", 40056: "wecom.agent_id", 48002: "可调用接口的应用", 84074: "客户联系", 60011: "可见范围", 60020: "企业可信IP",
	} {
		if got := refusal(opChat, code, "no").Error(); !strings.Contains(got, want) || !strings.Contains(got, strconv.Itoa(code)) {
			t.Errorf("%d: %q does not say %s", code, got, want)
		}
	}
	if got := refusal(opChat, 41051, "no").Error(); strings.Contains(got, ";") {
		t.Errorf("nothing can be done, but %q", got)
	}
}
