package sandbox

import (
	"errors"
	"testing"
	"time"
)

// A company that exists already is read by the app as it is, and nothing is told about it.
func TestAFullGroupIsToldByAnErrorValue(t *testing.T) {
	w := newWorld(t, Config{})
	g := Group{ID: "wrfull", Name: "满群", Owner: "wang", CreatedAt: w.clock.Now()}
	for _, id := range w.customers(groupByQR) {
		g.History = append(g.History, Stay{User: id, Joined: w.clock.Now(), Scene: SceneQR})
	}
	must(t, w.PlantGroup(g))
	must(t, w.PlantJoinWay(JoinWay{ConfigID: "c", Chats: []string{g.ID}}))
	person := w.customers(1)[0]
	for _, how := range []How{{ConfigID: "c"}, {Scene: SceneQR}} {
		chat := g.ID
		if how.ConfigID != "" {
			chat = ""
		}
		if _, err := w.Join(chat, person, how); !errors.Is(err, ErrFull) {
			t.Errorf("%+v: %v", how, err)
		}
	}
	if _, err := w.Join(g.ID, "full", How{Scene: SceneQR}); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("somebody called full: %v", err)
	}
}

func TestWhatIsPlantedIsThereWithoutEvents(t *testing.T) {
	w := newWorld(t, Config{})
	past := w.clock.Now().Add(-48 * time.Hour)
	ids := w.customers(3)
	must(t, w.PlantGroup(Group{ID: "wr1", Name: "一群", Owner: "wang", CreatedAt: past, Version: "v7", History: []Stay{
		{User: "wang", Joined: past, Scene: SceneDirect},
		{User: ids[0], Joined: past.Add(time.Hour), Scene: SceneQR, State: "xb1"},
		{User: ids[1], Joined: past.Add(2 * time.Hour), Scene: SceneQR, Left: past.Add(3 * time.Hour), LeftHow: LeftAlone},
	}}))
	must(t, w.PlantJoinWay(JoinWay{ConfigID: "c1", Scene: 2, Chats: []string{"wr1"}, State: "xb1"}))
	must(t, w.PlantContactWay(ContactWay{ConfigID: "c2", Type: 1, Scene: 2, Users: []string{"li"}, State: "xb2"}))
	must(t, w.PlantContact(Contact{User: "li", Customer: ids[0], AddedAt: past, State: "xb2"}))
	group := w.ok("externalcontact/groupchat/get", map[string]any{"chat_id": "wr1", "need_name": 1})
	if size(dig(group, "group_chat", "member_list")) != 2 || dig(group, "group_chat", "member_version") != "v7" ||
		dig(group, "group_chat", "member_list", 1, "state") != "xb1" {
		t.Errorf("the group: %v", group)
	}
	if n := len(w.Callbacks()); n != 0 {
		t.Errorf("%d events about what was there already", n)
	}
	if joined, err := w.Join("", ids[2], How{ConfigID: "c1"}); err != nil || joined != "wr1" {
		t.Errorf("by the planted code: %q %v", joined, err)
	}
	if k, err := w.AddContact("", ids[2], Via{ConfigID: "c2"}); err != nil || k.User != "li" || k.State != "xb2" {
		t.Errorf("by the planted staff code: %+v %v", k, err)
	}
	got[string](t)(w.Say("wr1", ids[0], "早"))
	w.clock.Add(24 * time.Hour)
	w.login()
	counted := w.ok("externalcontact/groupchat/statistic", map[string]any{"day_begin_time": w.day(0)})
	same(t, "the group in figures", counts(dig(counted, "items", 0, "data")), figuresOf(0, 1, 1, 1, 3, 1, 1))
	must(t, w.Leave("wr1", ids[0]))
	if n := len(w.Callbacks()); n != 3 {
		t.Errorf("%d events, want a join, a contact and a leave", n)
	}
}

func TestAPlantedMassMessageGoesOnAndCounts(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.SetFaults(Faults{Limits: Limits{MassPerMonth: 2}}))
	one, two := w.group("一群"), w.group("二群")
	now := w.clock.Now()
	must(t, w.PlantTask(Task{MsgID: "m1", ChatType: "group", Sender: "wang", Text: "早", CreatedAt: now.Add(-time.Hour),
		Shares:  []Share{{User: "wang", Targets: []string{one, two}, ConfirmedAt: now.Add(-time.Minute)}},
		Results: []Result{{User: "wang", Target: one, Status: ResultSent, At: now.Add(-time.Minute)}}}))
	must(t, w.PlantTask(Task{MsgID: "m0", ChatType: "group", Sender: "wang", CreatedAt: now.AddDate(0, -1, 0),
		Shares:  []Share{{User: "wang", Targets: []string{one}, ConfirmedAt: now.AddDate(0, -1, 0)}},
		Results: []Result{{User: "wang", Target: one, Status: ResultSent, At: now.AddDate(0, -1, 0)}}}))
	if got, quota := w.MassQuota(one, now); got != 1 || quota != 2 {
		t.Errorf("received %d of %d this month, want 1 of 2", got, quota)
	}
	must(t, w.ConfirmSome("m1", "wang", two))
	if list := w.results("m1", "wang"); len(list) != 2 {
		t.Errorf("results: %v", list)
	}
	must(t, w.Confirm(w.massTo("wang", "午", one), "wang"))
	id := w.massTo("wang", "晚", one)
	must(t, w.Confirm(id, "wang"))
	if list := w.results(id, "wang"); len(list) != 1 || dig(list[0], "status") != float64(ResultQuota) {
		t.Errorf("the third of two: %v", list)
	}
}

func TestPlantedMediaExpires(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	must(t, w.PlantMedia(Media{MediaID: "fresh", Type: "file", UploadedAt: w.clock.Now().Add(-71 * time.Hour)}))
	body := map[string]any{"chat_type": "group", "sender": "wang", "chat_id_list": []string{chat},
		"attachments": []any{map[string]any{"msgtype": "file", "file": map[string]string{"media_id": "fresh"}}}}
	w.ok("externalcontact/add_msg_template", body)
	w.clock.Add(time.Hour)
	if out := w.post("externalcontact/add_msg_template", body); code(out) != codeBadMedia {
		t.Errorf("after three days: %v", out)
	}
}

func TestPlantingRefusesWhatCannotBe(t *testing.T) {
	w := newWorld(t, Config{})
	now := w.clock.Now()
	must(t, w.PlantTask(Task{MsgID: "m"}))
	must(t, w.PlantJoinWay(JoinWay{ConfigID: "c"}))
	must(t, w.PlantContactWay(ContactWay{ConfigID: "c"}))
	must(t, w.PlantGroup(Group{ID: "wr1", Owner: "wang"}))
	for name, err := range map[string]error{
		"no id":                                 w.PlantGroup(Group{Owner: "wang"}),
		"a taken id":                            w.PlantGroup(Group{ID: "wr1", Owner: "wang"}),
		"no owner":                              w.PlantGroup(Group{ID: "wr2", Owner: "nobody"}),
		"unknown member":                        w.PlantGroup(Group{ID: "wr2", Owner: "wang", History: []Stay{{User: "wm0", Joined: now}}}),
		"there twice":                           w.PlantGroup(Group{ID: "wr2", Owner: "wang", History: []Stay{{User: "li", Joined: now}, {User: "li", Joined: now}}}),
		"contact":                               w.PlantContact(Contact{User: "wang", Customer: "wm0"}),
		"taken join way":                        w.PlantJoinWay(JoinWay{ConfigID: "c"}),
		"join way to a group that is not there": w.PlantJoinWay(JoinWay{ConfigID: "c2", AutoCreate: true, Chats: []string{"wr404"}}),
		"taken staff way":                       w.PlantContactWay(ContactWay{ConfigID: "c"}),
		"media":                                 w.PlantMedia(Media{MediaID: "x"}),
		"taken msgid":                           w.PlantTask(Task{MsgID: "m"}),
		"unknown sender":                        w.PlantTask(Task{MsgID: "m2", Shares: []Share{{User: "nobody"}}}),
	} {
		if err == nil {
			t.Errorf("%s was planted", name)
		}
	}
	if groups := w.Groups(); len(groups) != 1 {
		t.Errorf("groups: %+v", groups)
	}
}
