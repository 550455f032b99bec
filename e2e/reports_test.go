package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// texts are what the app told staff by a plain text, oldest first: who, when and what.
func texts(r *rig) []sandbox.AppMessage {
	return slices.DeleteFunc(r.box.AppMessages(), func(m sandbox.AppMessage) bool { return m.Type != "text" })
}

// at is a local time on a day of the story, 0 for Monday.
func at(day, hour, minute int) time.Time {
	return monday.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// bring lets a cashier bring a new customer into the town's first group.
func (w *town) bring(cashier string) string {
	w.t.Helper()
	who := w.customer()
	_, err := w.box.Join(w.groups[0], who, sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier})
	must(w.t, err)
	return who
}

// A week: a message in the evening of each day that had something to tell, none on others.
func TestACashierIsToldOnceADay(t *testing.T) {
	t.Parallel()
	onTowns(t, cashiersWeek)
}

// onTowns lives something through in a town on every database there is.
func onTowns(t *testing.T, live func(*testing.T, *rig, *town)) {
	t.Helper()
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, database, 1, nil)
			w := &town{t: t, box: r.box, url: r.wecom.URL}
			w.populate(2)
			r.bringIn()
			live(t, r, w)
		})
	}
}

func cashiersWeek(t *testing.T, r *rig, w *town) {
	t.Helper()
	r.until(at(0, 10, 0))
	left := w.bring("cashier0")
	w.bring("cashier0")
	w.bring("owner0")
	r.until(at(1, 22, 0)) // Tuesday is quiet until after the report
	w.bring("cashier0")
	r.until(at(3, 9, 0))
	must(t, w.box.Leave(w.groups[0], left)) // Thursday: one of Monday is lost
	r.until(at(6, 23, 0))

	var got []string
	for _, m := range texts(r) {
		got = append(got, fmt.Sprintf("%s %s", m.At.In(r.conf.Timezone).Format("Mon 15:04"), strings.Join(m.To, ",")))
	}
	want := []string{"Mon 21:00 cashier0", "Mon 21:00 owner0", "Wed 21:00 cashier0", "Thu 21:00 cashier0"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	told := texts(r)
	for i, want := range []string{
		"收银0,辛苦了!\n今天(11月23日)您带来 2 人进群,奖励 1.00元。\n本月共 2 人,奖励 1.00元。\n现在观察期内 1.00元,可发放 0.00元;本月已发 0.00元。",
		"店长0,辛苦了!\n今天(11月23日)您带来 1 人进群,奖励 0.50元。\n本月共 1 人,奖励 0.50元。\n现在观察期内 0.50元,可发放 0.00元;本月已发 0.00元。",
		"收银0,辛苦了!\n今天(11月25日)没有新人进群。\n上次播报以后另有 1 人,奖励 0.50元,已计入。\n本月共 3 人,奖励 1.50元。\n现在观察期内 1.50元,可发放 0.00元;本月已发 0.00元。",
		"收银0,辛苦了!\n今天(11月26日)没有新人进群。\n本月共 3 人,奖励 1.00元。\n现在观察期内 1.00元,可发放 0.00元;本月已发 0.00元。\n· 顾*(1群)11月23日进群:观察期没满就退群,不计 0.50元",
	} {
		if i < len(told) && told[i].Text != want {
			t.Errorf("message %d is\n%s\nwant\n%s", i, told[i].Text, want)
		}
	}
}

type reportSettings struct {
	Enabled      bool
	At, Lang     string
	Text         string
	Default      string `json:"default_text"`
	Idle         string
	Placeholders []string
	Target       *struct {
		AppChat string `json:"app_chat_id"`
		Robot   string
	}
}

func TestReportSettingsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "一店"}, nil)
	for _, c := range []struct {
		status             int
		where              string
		method, path, body string
	}{
		{422, "at", "PUT", "/reports/cashier", `{"at":"24:00"}`},
		{422, "at", "PUT", "/reports/cashier", `{"at":"9:00"}`},
		{422, "weekdays[1]", "PUT", "/reports/cashier", `{"weekdays":[1,1]}`},
		{422, "weekdays[0]", "PUT", "/reports/cashier", `{"weekdays":[0]}`},
		{422, "lang", "PUT", "/reports/cashier", `{"lang":"fr"}`},
		{422, "{today}", "PUT", "/reports/cashier", `{"text":"{todai}"}`},
		{422, "blank", "PUT", "/reports/cashier", `{"text":" \n "}`},
		{422, "1200", "PUT", "/reports/cashier", `{"text":"` + strings.Repeat("字", 401) + `"}`},
		{422, "target", "PUT", "/reports/cashier", `{"target":{"robot":"` + strings.Repeat("a", 20) + `"}}`},
		{422, "target.robot", "PUT", "/reports/chain", `{"target":{"robot":"short"}}`},
		{422, "target.robot", "PUT", "/reports/chain", `{"target":{"robot":"https://evil.example/cgi-bin/webhook/send?key=0123456789abcdef"}}`},
		{422, "target.robot", "PUT", "/reports/chain", `{"target":{"robot":"0123456789abcdef","app_chat_id":"x"}}`},
		{422, "target.app_chat_id", "PUT", "/reports/chain", `{"target":{"app_chat_id":"nowhere"}}`},
		{422, "kind", "PUT", "/reports/boss", `{}`},
		{404, "", "PUT", "/reports/stores/s9", `{"robot":"0123456789abcdef"}`},
		{422, "app_chat_id", "PUT", "/reports/stores/s1", `{}`},
		{404, "", "DELETE", "/reports/stores/s1", ""},
		{422, "staff", "GET", "/reports/cashier/preview", ""},
		{422, "day", "GET", "/reports/cashier/preview?staff=cashier0&day=2026-13-01", ""},
		{422, "day", "GET", "/reports/cashier/preview?staff=cashier0&day=2027-01-01", ""},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		r.refusal(c.status, c.where, c.method, c.path, body)
	}
	var s reportSettings
	r.want(http.StatusOK, http.MethodGet, "/reports/chain", nil, &s)
	if !s.Enabled || s.At != "21:05" || s.Idle == "" || s.Target != nil {
		t.Errorf("after all refusals: %+v", s)
	}
}

func TestARobotsKeyIsKeptAndNotShown(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	const key = "693a91f6-7aaa-4bc4-97a0-0ec2f83a5aaa"
	var s reportSettings
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key}}, &s)
	if s.Target == nil || s.Target.Robot != "****5aaa" || s.Idle != "" {
		t.Fatalf("the target is shown as %+v, idle %q", s.Target, s.Idle)
	}
	s = reportSettings{}
	r.want(http.StatusOK, http.MethodGet, "/reports/chain", nil, &s)
	// What was shown may be sent back, and leaving the target out leaves it.
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"at": "21:30", "target": map[string]any{"robot": s.Target.Robot}}, nil)
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"lang": "en"}, &s)
	kept, err := r.app.Store.Read(t.Context()).ReportTarget("chain", "")
	must(t, err)
	robot, err := r.app.Store.Read(t.Context()).Robot(*kept.RobotID)
	must(t, err)
	if robot.Key != key || s.At != "21:30" {
		t.Errorf("the key is %q, the time %s", robot.Key, s.At)
	}
	s = reportSettings{}
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{}}, &s)
	if s.Target != nil || s.Idle == "" {
		t.Errorf("after it was taken away: %+v", s)
	}
	if strings.Contains(r.log.String(), key) {
		t.Error("the key is in the log")
	}
}

// The leaderboards go where they were sent, a store's manager hears of what is out of order,
// and what cannot be sent says why.
func TestLeaderboardsAndExceptions(t *testing.T) {
	t.Parallel()
	onTowns(t, leadersDay)
}

func leadersDay(t *testing.T, r *rig, w *town) {
	t.Helper()
	chat, err := r.app.Platform.CreateAppChat(t.Context(), bot.AppChat{ID: "managers", Name: "店长群", Owner: "owner0", Users: []bot.UserID{"owner0", "owner1"}})
	must(t, err)
	key, err := r.box.AddRobot(chat, "小步")
	must(t, err)
	for i, name := range []string{"人民路店", "解放路店"} {
		id := fmt.Sprintf("s%d", i)
		r.want(http.StatusOK, http.MethodPut, "/stores/"+id, map[string]any{"name": name, "manager": fmt.Sprintf("owner%d", i), "staff": []string{fmt.Sprintf("cashier%d", i)}}, nil)
		r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[i], map[string]any{"store_id": id}, nil)
	}
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": r.wecom.URL + "/cgi-bin/webhook/send?key=" + key}}, nil)
	r.want(http.StatusOK, http.MethodPut, "/reports/stores/s0", map[string]any{"app_chat_id": chat}, nil)
	r.want(http.StatusOK, http.MethodPut, "/reports/stores/s1", map[string]any{"robot": key}, nil)

	r.until(at(0, 10, 0))
	gone := w.bring("cashier0")
	w.bring("cashier0")
	w.bring("owner0")
	r.until(at(0, 11, 0))
	must(t, w.box.Leave(w.groups[0], gone))
	r.until(at(0, 23, 0))

	rooms := r.box.AppChats()
	var said []string
	for _, m := range rooms[0].Messages {
		said = append(said, m.At.In(r.conf.Timezone).Format("15:04 ")+m.Robot+"\n"+m.Text)
	}
	want := []string{
		"21:05 小步\n全部门店 11月23日\n今日进群 3 人,奖励 1.00元。\n今日门店榜\n1. 人民路店 2人 1.00元\n今日个人榜\n1. 收银0 1人 0.50元\n1. 店长0 1人 0.50元\n" +
			"本月累计 3 人,奖励 1.00元。\n本月门店榜\n1. 人民路店 2人 1.00元\n本月个人榜\n1. 收银0 1人 0.50元\n1. 店长0 1人 0.50元",
		"21:05 \n人民路店 11月23日\n今日进群 3 人,奖励 1.00元。\n今日个人榜\n1. 收银0 1人 0.50元\n1. 店长0 1人 0.50元\n" +
			"本月累计 3 人,奖励 1.00元。\n本月个人榜\n1. 收银0 1人 0.50元\n1. 店长0 1人 0.50元",
	}
	slices.Sort(said)
	slices.Sort(want)
	if !slices.Equal(said, want) {
		t.Errorf("in the chat was said\n%s\nwant\n%s", strings.Join(said, "\n--\n"), strings.Join(want, "\n--\n"))
	}
	told := texts(r)
	last := told[len(told)-1]
	if want := "店长0,11月23日 有这些情况,请看一下:\n【人民路店】\n· 1 笔奖励不计(提前退群等),共 0.50元"; last.Text != want || !slices.Equal(last.To, []string{"owner0"}) {
		t.Errorf("%v was told\n%s\nwant\n%s", last.To, last.Text, want)
	}

	// Tuesday the robot is taken out of the group.
	r.until(at(1, 10, 0))
	must(t, r.box.RemoveRobot(key))
	w.bring("cashier0")
	r.until(at(1, 23, 0))
	runs := items[struct {
		Day             string
		Planned, Failed int
	}](r, "/reports/chain/runs")
	if len(runs) != 3 || runs[0].Day != "2026-11-24" || runs[0].Planned != 1 || runs[0].Failed != 1 || runs[1].Failed != 0 {
		t.Errorf("runs %+v", runs)
	}
	why := items[struct{ To, Status, Reason string }](r, "/reports/chain/runs/2026-11-24/messages")
	if len(why) != 1 || why[0].To != "chain" || why[0].Status != "failed" || !strings.Contains(why[0].Reason, "93000") || strings.Contains(why[0].Reason, key) {
		t.Errorf("messages %+v", why)
	}
	if strings.Contains(r.log.String(), key) {
		t.Error("the robot's key is in the log")
	}

	// without a store the group still counts in the chain's sums, as it does for its people
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": ""}, nil)
	var shown struct {
		Text string `json:"text"`
	}
	r.want(http.StatusOK, http.MethodGet, "/reports/chain/preview?day=2026-11-23", nil, &shown)
	if !strings.Contains(shown.Text, "今日进群 3 人,奖励 1.00元。") {
		t.Errorf("a group without a store is missing in %q", shown.Text)
	}
}

// Who has left is told nothing more, and the run says so.
func TestWhoCannotBeReachedIsWrittenDown(t *testing.T) {
	t.Parallel()
	r, w := townRig(t)
	r.until(at(0, 10, 0))
	w.bring("cashier0")
	r.until(at(0, 20, 0))
	must(t, r.box.Resign("cashier0"))
	r.until(at(1, 12, 0))
	runs := items[struct{ Planned, Sent, Waiting, Failed int }](r, "/reports/cashier/runs?day=2026-11-23")
	if len(runs) != 1 || runs[0].Planned != 1 || runs[0].Failed != 1 {
		t.Errorf("runs %+v", runs)
	}
	why := items[struct{ To, Status, Reason, Text string }](r, "/reports/cashier/runs/2026-11-23/messages?status=failed")
	if len(why) != 1 || why[0].To != "cashier0" || !strings.Contains(why[0].Reason, "81013") || why[0].Text == "" {
		t.Errorf("messages %+v", why)
	}
}

// A text whose answer is lost goes out again as long as WeCom shows it once; after that
// nobody knows, and the run says so.
func TestAReportThatIsCutOffIsShownOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault sandbox.APIFault
		until time.Time // from when on the platform is well again
		shown int
		state string
	}{
		"after the work":           {sandbox.APIFault{CutAfter: true}, at(0, 21, 10), 1, "sent"},
		"before the work":          {sandbox.APIFault{CutBefore: true}, at(0, 21, 10), 1, "sent"},
		"after it, for an hour":    {sandbox.APIFault{CutAfter: true}, at(0, 22, 0), 1, "unknown"},
		"before it, for an hour":   {sandbox.APIFault{CutBefore: true}, at(0, 22, 0), 0, "unknown"},
		"refused for half a day":   {sandbox.APIFault{Fail: 45009}, at(1, 9, 0), 0, "expired"},
		"busy for a short while":   {sandbox.APIFault{Fail: -1}, at(0, 21, 1), 1, "sent"},
		"not a member for a while": {sandbox.APIFault{Fail: 60111}, at(0, 22, 0), 0, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := townRig(t)
			r.until(at(0, 10, 0))
			w.bring("cashier0")
			r.until(at(0, 20, 59))
			must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"message/send": c.fault}}))
			r.until(c.until)
			must(t, r.box.SetFaults(sandbox.Faults{}))
			r.until(at(1, 12, 0))
			shown := 0
			for _, m := range texts(r) {
				if !m.Duplicate {
					shown++
				}
			}
			got := items[struct{ Status, Reason string }](r, "/reports/cashier/runs/2026-11-23/messages")
			if shown != c.shown || len(got) != 1 || got[0].Status != c.state || (c.state != "sent" && got[0].Reason == "") {
				t.Errorf("shown %d times, want %d; %+v, want %s", shown, c.shown, got, c.state)
			}
		})
	}
}

// Many cashiers at nine, in several batches: everybody gets one message. Five thousand take
// some ten times as long.
func TestManyCashiersAreToldOnceEach(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	const people = 500 / slow
	r.until(at(0, 10, 0))
	for i := range people {
		must(t, r.box.AddStaff(sandbox.Staff{UserID: fmt.Sprintf("c%04d", i), Name: fmt.Sprintf("收银%d", i)}))
	}
	must(t, r.app.Store.Tx(t.Context(), func(tx *store.Tx) error {
		for i := range people {
			s := store.Stint{ChatID: "wr", UserID: fmt.Sprintf("wm%d", i), Kind: "customer", Name: "王芳", JoinedAt: tx.Now, Inviter: fmt.Sprintf("c%04d", i)}
			if _, err := tx.AddStint(&s); err != nil {
				return err
			}
			e := store.Entry{Key: store.JoinKey(s), StintID: s.ID, Staff: s.Inviter, ChatID: s.ChatID, Member: s.UserID, Ordinal: 1, AmountFen: 50, RuleVersion: 1,
				Period: "2026-11", Status: store.EntryHeld, EarnedAt: s.JoinedAt, DueAt: s.JoinedAt.Add(time.Hour * 168), Reason: "rewarded"}
			if _, err := tx.AddEntry(&e); err != nil {
				return err
			}
		}
		return nil
	}))
	r.until(at(0, 20, 59))
	r.until(at(0, 23, 59))
	got := map[string]int{}
	for _, m := range texts(r) {
		got[strings.Join(m.To, ",")]++
		if len(m.Dropped) > 0 || m.Duplicate {
			t.Errorf("%+v", m)
		}
	}
	if len(got) != people {
		t.Errorf("%d people were told, want %d", len(got), people)
	}
	for who, n := range got {
		if n != 1 {
			t.Errorf("%s was told %d times", who, n)
		}
	}
}
