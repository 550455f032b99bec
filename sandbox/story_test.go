package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// week builds the chain and lives the week with a hand-moved clock; before runs after the
// stores have opened.
func week(t *testing.T, cfg Config, o ChainOptions, before func(w *world, st *Story)) (*world, *Story) {
	t.Helper()
	w := newWorld(t, cfg)
	st := got[*Story](t)(Chain(w.Sandbox, o))
	if before != nil {
		before(w, st)
	}
	w.settle()
	return w, st
}

// openCodes makes a join way and a contact way for everybody in the stores.
func openCodes(w *world, st *Story) {
	for _, store := range st.Stores {
		for _, user := range store.Staff() {
			w.ok("externalcontact/groupchat/add_join_way", map[string]any{
				"scene": 2, "auto_create_room": 0, "state": "j-" + user,
				"chat_id_list": []string{store.Groups[0].ID, store.Groups[1].ID},
			})
			w.ok("externalcontact/add_contact_way", map[string]any{
				"type": 1, "scene": 2, "state": "c-" + user, "user": []string{user},
			})
		}
	}
}

func TestAWeekHasTwoToThreeHundredJoinsInOpeningHours(t *testing.T) {
	w, st := week(t, Config{Seed: 1}, ChainOptions{}, openCodes)
	joins, removed, scenes := 0, 0, map[int]int{}
	for _, g := range w.Groups() {
		if len(g.Members) < 4 {
			t.Errorf("%s has %d members", g.Name, len(g.Members))
		}
		for _, m := range g.History {
			if m.Staff {
				continue
			}
			joins++
			scenes[m.Scene]++
			if m.LeftHow == LeftRemoved {
				removed++
			}
			hour := m.Joined.In(shanghai()).Hour()
			if hour < 8 || hour > 22 {
				t.Errorf("%s joined at %v", m.Name, m.Joined)
			}
			if m.Scene == SceneQR && m.State == "" {
				t.Errorf("%s came by a code without state although there were codes", m.Name)
			}
			if m.Joined.Before(st.Start) || !m.Joined.Before(st.End) {
				t.Errorf("%s joined at %v, outside of the week", m.Name, m.Joined)
			}
		}
	}
	if joins < 200 || joins > 300 {
		t.Errorf("%d joins", joins)
	}
	for scene := SceneDirect; scene <= SceneQR; scene++ {
		if scenes[scene] < 30 {
			t.Errorf("only %d joins by scene %d", scenes[scene], scene)
		}
	}
	said := w.SaidInGroups()
	if len(said) < 45 || len(said) > 80 {
		t.Errorf("%d messages", len(said))
	}
	ads := 0
	for _, m := range said {
		if m.Sender == st.Spammer {
			ads++
		}
	}
	if ads < 9 || ads > 12 {
		t.Errorf("%d advertisements", ads)
	}
	codes := 0
	for _, k := range w.Contacts() {
		if k.WelcomeCode != "" && strings.HasPrefix(k.State, "c-") {
			codes++
		}
	}
	if codes < 40 {
		t.Errorf("only %d welcome codes from contact ways", codes)
	}
}

func TestTheSameSeedLivesTheSameWeek(t *testing.T) {
	logOf := func(seed uint64) string {
		r := newReceiver(t)
		w, _ := week(t, Config{Seed: seed, CallbackURL: r.server.URL}, ChainOptions{Joins: 120}, openCodes)
		data, err := json.Marshal([]any{w.Log(0), w.Groups(), w.SaidInGroups(), r.messages(), r.keys})
		must(t, err)
		return string(data)
	}
	first, again := logOf(5), logOf(5)
	if first != again {
		t.Error("two runs with seed 5 differ")
	}
	if first == logOf(6) {
		t.Error("seeds 5 and 6 do the same")
	}
}

func TestSomePeopleComeBackAndSomeJoinSeveralGroups(t *testing.T) {
	w, _ := week(t, Config{Seed: 2}, ChainOptions{}, openCodes)
	again, groupsOf := 0, map[string]map[string]bool{}
	for _, g := range w.Groups() {
		stays := map[string]int{}
		for _, m := range g.History {
			stays[m.User]++
			if stays[m.User] == 2 {
				again++
			}
			if groupsOf[m.User] == nil {
				groupsOf[m.User] = map[string]bool{}
			}
			groupsOf[m.User][g.ID] = true
		}
	}
	several := 0
	for user, in := range groupsOf {
		if strings.HasPrefix(user, "wm") && len(in) > 1 {
			several++
		}
	}
	if again == 0 || several == 0 {
		t.Errorf("%d came back, %d joined several groups", again, several)
	}
}

func TestWithoutABotPeopleFindOtherWays(t *testing.T) {
	w, _ := week(t, Config{Seed: 3}, ChainOptions{}, nil)
	n := 0
	for _, g := range w.Groups() {
		for _, m := range g.History {
			if !m.Staff {
				n++
			}
		}
	}
	if n < 200 {
		t.Errorf("%d joins", n)
	}
}

func TestOwnersConfirmAsIsTheirManner(t *testing.T) {
	w := newWorld(t, Config{Seed: 4})
	st := got[*Story](t)(Chain(w.Sandbox, ChainOptions{}))
	w.clock.Set(st.Start.Add(10 * time.Hour))
	w.step()
	w.login()
	ids := map[string]string{}
	for _, store := range st.Stores {
		out := w.ok("externalcontact/add_msg_template", map[string]any{
			"chat_type": "group", "sender": store.Xiaobu, "text": map[string]string{"content": "今天10点秒杀"},
		})
		ids[out["msgid"].(string)] = store.Xiaobu
	}
	made := w.clock.Now()
	w.settle()
	for _, task := range w.Tasks() {
		after := task.Shares[0].ConfirmedAt.Sub(made)
		switch user := ids[task.MsgID]; user {
		case st.Stores[0].Xiaobu:
			if after < time.Minute || after > 15*time.Minute {
				t.Errorf("%s confirmed after %v", user, after)
			}
		case st.Stores[1].Xiaobu:
			if after < 2*time.Hour || after > 14*time.Hour {
				t.Errorf("%s confirmed after %v", user, after)
			}
		default:
			if !task.Shares[0].ConfirmedAt.IsZero() {
				t.Errorf("%s confirmed", user)
			}
		}
	}
}

func TestAReminderMakesTheSlowOwnerConfirmSoon(t *testing.T) {
	w := newWorld(t, Config{Seed: 4})
	st := got[*Story](t)(Chain(w.Sandbox, ChainOptions{}))
	w.clock.Set(st.Start.Add(10 * time.Hour))
	w.step()
	w.login()
	out := w.ok("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": st.Stores[1].Xiaobu, "text": map[string]string{"content": "今天10点秒杀"},
	})
	w.ok("externalcontact/remind_groupmsg_send", map[string]any{"msgid": out["msgid"]})
	asked := w.clock.Now()
	w.settle()
	if after := w.Tasks()[0].Shares[0].ConfirmedAt.Sub(asked); after < 0 || after > 20*time.Minute {
		t.Errorf("confirmed after %v", after)
	}
}

func TestAnOwnerRemovesWhomACardNamesAndPressesItsFirstButton(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{Seed: 4, CallbackURL: r.server.URL})
	st := got[*Story](t)(Chain(w.Sandbox, ChainOptions{}))
	w.until(st.Start.Add(2*24*time.Hour + 16*time.Hour))
	w.login()
	g := st.Stores[0].Groups[0]
	there := func() bool {
		return slices.ContainsFunc(got[Group](t)(w.Group(g.ID)).Members, func(m Stay) bool { return m.User == st.Spammer })
	}
	if !there() {
		t.Fatal("the spammer has not come by Wednesday afternoon")
	}
	w.ok("message/send", map[string]any{
		"touser": st.Stores[0].Xiaobu, "msgtype": "template_card", "agentid": DefaultAgentID,
		"template_card": map[string]any{
			"card_type": "button_interaction", "task_id": "case_1",
			"main_title":              map[string]string{"title": "疑似广告", "desc": g.Name},
			"quote_area":              map[string]any{"type": 0, "quote_text": "加我微信"},
			"horizontal_content_list": []any{map[string]string{"keyname": "发送人", "value": "兼职福利-琳琳"}},
			"button_list":             []any{map[string]string{"text": "已移出", "key": "done"}, map[string]string{"text": "误报", "key": "no"}},
		},
	})
	w.until(w.clock.Now().Add(30 * time.Minute))
	if there() {
		t.Error("the spammer is still there")
	}
	card := w.Cards()[0]
	if len(card.Presses) != 1 || card.Presses[0].Key != "done" {
		t.Errorf("presses: %v", card.Presses)
	}
	pressed := slices.ContainsFunc(r.messages(), func(m string) bool {
		return strings.Contains(m, "<Event><![CDATA[template_card_event]]></Event>") && strings.Contains(m, "<EventKey><![CDATA[done]]></EventKey>")
	})
	if !pressed {
		t.Error("no event about the press")
	}
}

func TestStoryOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]ChainOptions{
		"a Tuesday":    {Monday: time.Date(2026, 11, 24, 0, 0, 0, 0, shanghai())},
		"noon":         {Monday: time.Date(2026, 11, 23, 12, 0, 0, 0, shanghai())},
		"no days":      {Days: -1},
		"few people":   {Customers: 5},
		"a month more": {Days: 60},
	} {
		w := newWorld(t, Config{})
		if _, err := Chain(w.Sandbox, o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestNothingIsDueAfterTheWeek(t *testing.T) {
	r := newReceiver(t)
	w, st := week(t, Config{Seed: 9, CallbackURL: r.server.URL}, ChainOptions{Joins: 60}, nil)
	if at, more := w.Due(); more {
		t.Errorf("something is due at %v", at)
	}
	if n := w.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
	if now := w.clock.Now(); now.After(st.End.Add(time.Hour)) {
		t.Errorf("the week ended at %v", now)
	}
	for _, cb := range w.Callbacks() {
		if !cb.Delivered || len(cb.Attempts) != 1 || cb.Attempts[0].Status != http.StatusOK {
			t.Fatalf("callback %d %s: %v", cb.Seq, cb.Kind, cb.Attempts)
		}
	}
}
