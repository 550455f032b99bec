package moderation

import (
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

func TestWordsForPeople(t *testing.T) {
	p := Policy{StrikesExpire: 720 * time.Hour}
	for _, x := range [][2]string{
		{earlier(p, 2, 0), "近30天内2次因广告被移出"},
		{earlier(p, 0, 1), "近30天内1次疑似广告尚未定论"},
		{earlier(p, 2, 1), "近30天内2次因广告被移出,1次疑似广告尚未定论"},
		{blockedCase("wr1", "wm1", store.Blocked{}).Reasons[0].Detail, "黑名单上的人进群了"},
		{blockedCase("wr1", "wm1", store.Blocked{Reason: "退群又来"}).Reasons[0].Detail, "黑名单上的人进群了:退群又来"},
	} {
		if x[0] != x[1] {
			t.Errorf("%s, want %s", x[0], x[1])
		}
	}
	if w := warningText(store.Case{Member: "wmA1B2C3"}); strings.Contains(w, "wm") || strings.Contains(w, "@") {
		t.Errorf("names somebody by an id: %s", w)
	}
}
