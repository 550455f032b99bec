package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// memberIDs asks who is in a group, and the group's version.
func (w *world) memberIDs(chat string) (ids []string, version string) {
	w.t.Helper()
	chatOut := w.ok(chatGet, map[string]any{"chat_id": chat})["group_chat"].(map[string]any)
	for _, m := range chatOut["member_list"].([]any) {
		ids = append(ids, m.(map[string]any)["userid"].(string))
	}
	return ids, chatOut["member_version"].(string)
}

func TestJoinsOfAMomentAreToldTogether(t *testing.T) {
	w := newWorld(t, Config{CallbackURL: "http://bot.invalid/"})
	chat := got[string](t)(w.CreateGroup("wang", "一群"))
	must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Merge: time.Second, Delay: time.Hour}}))
	var who []string
	for i := range 3 {
		id := got[string](t)(w.AddCustomer(Customer{Name: "顾客"}))
		who = append(who, id)
		must(t, func() error { _, err := w.Join(chat, id, How{Scene: SceneQR}); return err }())
		w.clock.Add(300 * time.Millisecond)
		if n := len(w.Callbacks()); n != 1 {
			t.Fatalf("%d events after %d joins, want the group's alone", n, i+1)
		}
	}
	must(t, w.Leave(chat, who[0])) // ends the wait
	events := w.Callbacks()
	joined := events[1].XML
	_, version := w.memberIDs(chat)
	for _, want := range append(who, "<MemChangeCnt>3</MemChangeCnt>") {
		if !strings.Contains(joined, want) {
			t.Errorf("the event lacks %s: %s", want, joined)
		}
	}
	w.clock.Add(2 * time.Second)
	_, err := w.Step(t.Context())
	must(t, err)
	events = w.Callbacks()
	left := events[len(events)-1].XML
	if len(events) != 3 || !strings.Contains(left, "del_member") || !strings.Contains(left, "<CurMemVer><![CDATA["+version) {
		t.Errorf("%d events, the last %s", len(events), left)
	}
	from, _, _ := strings.Cut(strings.SplitN(joined, "<CurMemVer>", 2)[1], "</")
	if !strings.Contains(left, "<LastMemVer>"+from) {
		t.Errorf("the leave does not follow on from the joins:\n%s\n%s", joined, left)
	}
}

func TestDetailsLagByADrawForEachChange(t *testing.T) {
	w := newWorld(t, Config{})
	chat := got[string](t)(w.CreateGroup("wang", "一群"))
	must(t, w.SetFaults(Faults{Details: DetailFaults{Lag: 10 * time.Second, Spread: 20 * time.Second}}))
	seen := map[time.Duration]bool{}
	for range 4 {
		id := got[string](t)(w.AddCustomer(Customer{Name: "顾客"}))
		must(t, func() error { _, err := w.Join(chat, id, How{Scene: SceneQR}); return err }())
		waited := time.Duration(0)
		for ids, _ := w.memberIDs(chat); !slices.Contains(ids, id); ids, _ = w.memberIDs(chat) {
			w.clock.Add(time.Second)
			waited += time.Second
		}
		if waited < 10*time.Second || waited > 30*time.Second {
			t.Errorf("a join shows after %v", waited)
		}
		seen[waited] = true
	}
	if len(seen) < 2 {
		t.Errorf("every change lags the same: %v", seen)
	}
	must(t, w.SetFaults(Faults{}))
	id := got[string](t)(w.AddCustomer(Customer{Name: "顾客"}))
	must(t, func() error { _, err := w.Join(chat, id, How{Scene: SceneQR}); return err }())
	if ids, _ := w.memberIDs(chat); !slices.Contains(ids, id) {
		t.Error("the lag goes on after it was switched off")
	}
}

func TestStaleDetailsShowTheListBefore(t *testing.T) {
	w := newWorld(t, Config{})
	chat := got[string](t)(w.CreateGroup("wang", "一群"))
	_, before := w.memberIDs(chat)
	id := got[string](t)(w.AddCustomer(Customer{Name: "顾客"}))
	must(t, func() error { _, err := w.Join(chat, id, How{Scene: SceneQR}); return err }())
	must(t, w.SetFaults(Faults{Details: DetailFaults{Stale: 0.5}}))
	old, fresh := 0, 0
	for range 20 {
		ids, version := w.memberIDs(chat)
		if slices.Contains(ids, id) != (version != before) {
			t.Errorf("version %s shows %v", version, ids)
		}
		if version == before {
			old++
		} else {
			fresh++
		}
	}
	if old == 0 || fresh == 0 {
		t.Errorf("%d old and %d fresh lists", old, fresh)
	}
}

func TestShortPagesMayChangeBetweenThem(t *testing.T) {
	w := newWorld(t, Config{})
	var chats []string
	for range 4 {
		chats = append(chats, got[string](t)(w.CreateGroup("wang", "群")))
	}
	must(t, w.SetFaults(Faults{Limits: Limits{Page: 1}}))
	cursor, seen := "", []string{}
	for {
		out := w.ok("externalcontact/groupchat/list", map[string]any{"limit": 100, "cursor": cursor})
		page := out["group_chat_list"].([]any)
		if len(page) != 1 {
			t.Fatalf("a page of %d", len(page))
		}
		seen = append(seen, page[0].(map[string]any)["chat_id"].(string))
		if len(seen) == 2 {
			must(t, w.Dismiss(chats[0]))
			must(t, w.Dismiss(chats[2]))
			chats = append(chats, got[string](t)(w.CreateGroup("wang", "新群")))
		}
		if cursor = out["next_cursor"].(string); cursor == "" {
			break
		}
	}
	if want := []string{chats[0], chats[1], chats[3], chats[4]}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestATokenIsRevokedAtACall(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.SetFaults(Faults{API: map[string]APIFault{"*": {Revoke: true, Calls: 1}}}))
	if out := w.post("externalcontact/groupchat/list", map[string]any{"limit": 1}); out["errcode"] != float64(codeBadToken) {
		t.Errorf("answered %v", out)
	}
	w.login()
	w.ok("externalcontact/groupchat/list", map[string]any{"limit": 1})
}

func TestImpossibleDetailFaultsAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	for _, f := range []Faults{
		{Callbacks: CallbackFaults{Merge: 2 * time.Second}}, {Callbacks: CallbackFaults{Merge: -1}},
		{Details: DetailFaults{Lag: -1}}, {Details: DetailFaults{Spread: -1}}, {Details: DetailFaults{Stale: 1.1}}, {Limits: Limits{Page: -1}},
	} {
		if err := w.SetFaults(f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}
