package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/bot"
	"xiaobu/sandbox"
)

type robotOfAPI struct{ ID, Name, Key string }

func TestRobotsAreKeptWithoutShowingTheirKeys(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	const key = "693a91f6-7aaa-4bc4-97a0-0ec2f83a5aaa"
	body := map[string]any{"name": "店长群", "webhook": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key}
	var first, again, named robotOfAPI
	r.want(http.StatusCreated, http.MethodPost, "/robots", body, &first, "Idempotency-Key", "a")
	r.want(http.StatusCreated, http.MethodPost, "/robots", body, &again, "Idempotency-Key", "a")
	if first != again || first.Name != "店长群" || first.Key != "****5aaa" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	r.want(http.StatusConflict, http.MethodPost, "/robots", body, nil)
	for _, bad := range []string{`{"name":"","webhook":"` + key + `"}`, `{"name":"x","webhook":"short"}`, `{"name":"x","webhook":"https://evil.example/cgi-bin/webhook/send?key=` + key + `"}`} {
		r.want(http.StatusUnprocessableEntity, http.MethodPost, "/robots", bad, nil)
	}
	// A report that names the same robot does not keep it twice, and cannot be left without.
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": key}}, nil)
	r.want(http.StatusConflict, http.MethodDelete, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": "aaaabbbb-7aaa-4bc4-97a0-0ec2f83a5bbb"}}, nil)
	r.want(http.StatusNoContent, http.MethodDelete, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusNotFound, http.MethodGet, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusNotFound, http.MethodDelete, "/robots/x", nil, nil)
	// The one that the report brought may be given a name.
	r.want(http.StatusCreated, http.MethodPost, "/robots", map[string]any{"name": "总部群", "webhook": "aaaabbbb-7aaa-4bc4-97a0-0ec2f83a5bbb"}, &named)
	if all := items[robotOfAPI](r, "/robots"); !slices.Equal(all, []robotOfAPI{named}) || named.Name != "总部群" {
		t.Errorf("robots %+v, named %+v", all, named)
	}
	if strings.Contains(r.log.String(), key) {
		t.Error("the robot's key is in the log")
	}
}

// saleOf is a promotion at ten every day, with what it is to go to.
func saleOf(name string, targets map[string]any) map[string]any {
	return map[string]any{"name": name, "schedule": map[string]any{"cron": "0 10 * * *"}, "targets": targets,
		"message":  map[string]any{"text": "今天秒杀:{products}\n{store}", "attachments": []map[string]any{{"type": "link", "title": "看这里", "url": "https://example.com/sale"}}},
		"products": []map[string]any{{"name": "鸡蛋30枚", "price_fen": 990}}}
}

// staffRooms makes two app chats, the second with a robot in it that is kept.
func staffRooms(t *testing.T, r *rig) (chat, room, robot string) {
	t.Helper()
	var err error
	for i, id := range []*string{&chat, &room} {
		*id, err = r.app.Platform.CreateAppChat(t.Context(), bot.AppChat{ID: fmt.Sprintf("managers%d", i), Name: "店长群", Owner: "owner0", Users: []bot.UserID{"owner0", "owner1"}})
		must(t, err)
	}
	key, err := r.box.AddRobot(room, "小步")
	must(t, err)
	var kept robotOfAPI
	r.want(http.StatusCreated, http.MethodPost, "/robots", map[string]any{"name": "店长群", "webhook": r.wecom.URL + "/cgi-bin/webhook/send?key=" + key}, &kept)
	return chat, room, kept.ID
}

// saidIn is what was said in an app chat, with its time.
func saidIn(r *rig, chat string) []string {
	var out []string
	for _, room := range r.box.AppChats() {
		for _, m := range room.Messages {
			if room.ChatID == chat {
				out = append(out, m.At.In(r.conf.Timezone).Format("15:04 ")+m.Text)
			}
		}
	}
	return out
}

// Groups wait for their owners; staff chats do not. A restart in the middle changes nothing.
func TestAPromotionGoesToGroupsAndStaffChatsOnce(t *testing.T) {
	t.Parallel()
	onTowns(t, func(t *testing.T, r *rig, w *town) {
		chat, room, robot := staffRooms(t, r)
		var promo struct{ ID string }
		r.want(http.StatusCreated, http.MethodPost, "/promotions", saleOf("秒杀", map[string]any{"all": true, "app_chats": []string{chat}, "robots": []string{robot}}), &promo)
		r.want(http.StatusConflict, http.MethodDelete, "/robots/"+robot, nil, nil)
		busy := sandbox.APIFault{Fail: 45009}
		must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"appchat/send": busy, "webhook/send": busy, "externalcontact/add_msg_template": busy}}))
		r.until(at(0, 10, 0).Add(10 * time.Second)) // planned and tried
		r.restart(func(*app.Options) {})
		must(t, r.box.SetFaults(sandbox.Faults{}))
		r.until(at(0, 10, 10))
		for _, task := range r.box.Tasks() {
			must(t, r.box.Confirm(task.MsgID, task.Sender))
		}
		r.until(at(0, 11, 0))
		text := "今天秒杀:鸡蛋30枚 9.90元\n\n看这里\nhttps://example.com/sale"
		for _, id := range []string{chat, room} {
			if got := saidIn(r, id); !slices.Equal(got, []string{"10:00 " + text}) && !slices.Equal(got, []string{"10:01 " + text}) {
				t.Errorf("in %s was said %q", id, got)
			}
		}
		if n := len(r.box.Tasks()); n != 2 {
			t.Errorf("%d tasks", n)
		}
		status := map[string]string{}
		for _, d := range items[delivery](r, "/promotions/"+promo.ID+"/deliveries") {
			status[d.ChatID] = strings.TrimSpace(d.Outlet + " " + d.Status)
		}
		want := map[string]string{w.groups[0]: "sent", w.groups[1]: "sent", chat: "app_chat sent", "robot:" + robot: "robot sent"}
		if !maps.Equal(status, want) {
			t.Errorf("deliveries %v, want %v", status, want)
		}
		if occ := items[struct{ Status string }](r, "/promotions/"+promo.ID+"/occurrences"); occ[0].Status != "done" {
			t.Errorf("occurrences %+v", occ)
		}
	})
}

// What was cut off may have been said, so it is not said again; what was not said in its time
// never is; what a paused promotion has not said yet is taken back.
func TestStaffChatsAreToldOnceOrNotAtAll(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	chat, room, robot := staffRooms(t, r)
	var cut, late, paused struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", saleOf("一", map[string]any{"app_chats": []string{chat}}), &cut)
	r.want(http.StatusCreated, http.MethodPost, "/promotions", saleOf("二", map[string]any{"robots": []string{robot}}), &late)
	r.want(http.StatusCreated, http.MethodPost, "/promotions", saleOf("三", map[string]any{"robots": []string{robot}}), &paused)
	must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"appchat/send": {CutAfter: true}, "webhook/send": {Fail: 45009}}}))
	r.until(at(0, 10, 5))
	r.want(http.StatusOK, http.MethodPost, "/promotions/"+paused.ID+"/pause", nil, nil)
	r.until(at(0, 10, 40))
	must(t, r.box.SetFaults(sandbox.Faults{}))
	r.until(at(0, 12, 0))
	if said, none := saidIn(r, chat), saidIn(r, room); len(said) != 1 || len(none) != 0 {
		t.Errorf("said %q and %q", said, none)
	}
	for id, want := range map[string]string{cut.ID: "failed the call was cut off", late.ID: "failed could not be posted in time: its time was over; before that: webhook/send: 45009", paused.ID: "cancelled the promotion was stopped"} {
		ds := items[delivery](r, "/promotions/"+id+"/deliveries")
		if len(ds) != 1 || !strings.HasPrefix(ds[0].Status+" "+ds[0].Reason, want) {
			t.Errorf("%+v, want %q", ds, want)
		}
		if occ := items[struct{ Status string }](r, "/promotions/"+id+"/occurrences"); occ[0].Status != "done" {
			t.Errorf("occurrences %+v", occ)
		}
	}
}

func TestARobotSaysTwentyAMinuteHoweverMuchWaits(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	_, room, robot := staffRooms(t, r)
	const posts = 50
	for i := range posts {
		r.want(http.StatusCreated, http.MethodPost, "/promotions", saleOf(fmt.Sprint("秒杀", i), map[string]any{"robots": []string{robot}}), nil)
	}
	before := r.box.Calls("webhook/send")
	r.until(at(0, 11, 0))
	minutes := map[string]int{}
	for _, line := range saidIn(r, room) {
		minutes[line[:5]]++
	}
	if !maps.Equal(minutes, map[string]int{"10:00": 20, "10:01": 20, "10:02": 10}) {
		t.Errorf("said %v", minutes)
	}
	if n := r.box.Calls("webhook/send") - before; n != posts {
		t.Errorf("%d calls for %d posts", n, posts)
	}
	actions, err := r.app.Store.Read(t.Context()).ActionsLike("outlet:")
	must(t, err)
	key := r.box.Robots()[0].Key
	if written := fmt.Sprint(actions) + r.log.String(); len(actions) != posts || strings.Contains(written, key) {
		t.Errorf("%d actions; the robot's key must be in none, nor in the log", len(actions))
	}
}

func TestOutletsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	r, w := townRig(t)
	chat, _, robot := staffRooms(t, r)
	for field, targets := range map[string]map[string]any{
		"targets.app_chats[0]": {"app_chats": []string{w.groups[0]}},
		"targets.app_chats[1]": {"app_chats": []string{chat, chat}},
		"targets.robots[0]":    {"robots": []string{"77"}},
		"targets.robots[1]":    {"robots": []string{robot, robot}},
		"targets.robots[2]":    {"robots": []string{robot, robot, "x"}},
	} {
		r.refusal(http.StatusUnprocessableEntity, field, http.MethodPost, "/promotions", saleOf("x", targets))
	}
	long := saleOf("x", map[string]any{"robots": []string{robot}})
	long["message"] = map[string]any{"text": strings.Repeat("鸡", 700)}
	r.refusal(http.StatusUnprocessableEntity, "message.text", http.MethodPost, "/promotions", long)
	long["targets"] = map[string]any{"all": true}
	r.want(http.StatusCreated, http.MethodPost, "/promotions", long, nil)
	long["message"] = map[string]any{"text": "", "attachments": []map[string]any{{"type": "miniprogram", "title": "x", "app_id": "wx1", "page": "p", "media_id": "m"}}}
	long["targets"] = map[string]any{"app_chats": []string{chat}}
	r.refusal(http.StatusUnprocessableEntity, "message.text", http.MethodPost, "/promotions", long)
}
