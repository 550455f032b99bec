package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"xiaobu/promotions"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// What became of owners, before their task was made or after, is said in words, and others
// are reached all the same.
func TestOwnersWhoCannotSend(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, nil)
	groups := map[string]string{}
	for _, owner := range []string{"good", "barred", "hidden", "left", "leaves", "swaps"} {
		must(t, r.box.AddStaff(sandbox.Staff{UserID: owner, Name: owner}))
		staff := []string{"good"}
		if owner == "good" {
			staff = nil
		}
		id, err := r.box.CreateGroup(owner, owner+"的群", staff...)
		must(t, err)
		groups[owner] = id
	}
	r.bringIn()
	r.until(monday.Add(10 * time.Hour))
	must(t, r.box.UpdateStaff(sandbox.Staff{UserID: "barred", Name: "barred", NoContacts: true}))
	must(t, r.box.UpdateStaff(sandbox.Staff{UserID: "hidden", Name: "hidden", Hidden: true}))
	must(t, r.box.Resign("left"))
	var promo struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"},
		"targets": map[string]any{"all": true}, "message": map[string]any{"text": "秒杀"}, "confirm_within": "2h"}, &promo)
	r.want(http.StatusOK, http.MethodPost, "/promotions/"+promo.ID+"/run", map[string]any{"force": true}, nil)
	r.pass(time.Minute)
	must(t, r.box.Resign("leaves"))
	must(t, r.box.ChangeOwner(groups["swaps"], "good"))
	for _, task := range r.box.Tasks() {
		if slices.Contains([]string{"good", "swaps"}, task.Sender) {
			must(t, r.box.Confirm(task.MsgID, task.Sender))
		}
	}
	r.pass(4 * time.Hour)
	got := map[string]string{}
	ds, err := r.app.Store.Read(t.Context()).Deliveries(store.DeliveryFilter{Promotion: 1})
	must(t, err)
	for _, d := range ds {
		got[d.ChatID] = promotions.Words(d.Delivery)
	}
	for owner, want := range map[string]string{
		"good":   "已发到群里",
		"barred": "没有发成:群主没有客户联系权限:管理后台 客户与上下游→客户联系→权限配置",
		"hidden": "没有发成:群主不在应用的可见范围里",
		"left":   "没有发成:企业微信找不到这位群主(可能已离职)",
		"leaves": "已取消:群主到截止时间还没有确认",
		"swaps":  "群主没有发到这个群:任务建好以后群换了群主,原群主的确认发不到这个群",
	} {
		if got[groups[owner]] != want {
			t.Errorf("%s: %q, want %q", owner, got[groups[owner]], want)
		}
	}
}
