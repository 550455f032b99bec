package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// A member of staff copies a message to the app, learns what it is, and files it; whoever is
// not staff of a store or an owner hears nothing, and the log says nothing of what was sent.
func TestStaffAskTheApp(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "北门店", "staff": []string{"cashier0"}}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	who := w.bring("cashier0")
	r.pass(time.Minute)
	const text = "工地招人,包吃住,具体的请看我主页里写的介绍"
	_, err := r.box.Say(w.groups[0], who, text)
	must(t, err)
	r.pass(time.Minute)
	before := len(items[modCase](r, "/moderation/cases"))
	must(t, r.box.AddStaff(sandbox.Staff{UserID: "temp", Name: "临时"}))
	for _, user := range []string{"temp", "cashier0"} {
		_, err = r.box.WriteToApp(user, text)
		must(t, err)
		r.pass(time.Minute)
	}
	if n := len(r.box.Cards()); n != 1+before {
		t.Fatalf("%d cards, %d cases before", n, before)
	}
	r.pressFirst("ask-", "cashier0", "file")
	cases := items[modCase](r, "/moderation/cases")
	if len(cases) != 1 || cases[0].Member != who || cases[0].ChatID != w.groups[0] {
		t.Fatalf("cases %+v", cases)
	}
	_, err = r.box.WriteToApp("cashier0", "待办")
	must(t, err)
	r.pass(time.Minute)
	all := r.box.AppMessages()
	if len(all) == 0 || !strings.Contains(all[len(all)-1].Text, "案件 #1") {
		t.Errorf("messages %+v", all)
	}
	if strings.Contains(r.log.String(), "工地招人") {
		t.Error("the log tells what somebody sent to the app")
	}
}
