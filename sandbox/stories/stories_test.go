package stories

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a story that is about to be lived, with a clock and the API.
type world struct {
	*sandbox.Sandbox
	t     testing.TB
	clock *clock
	story *Story
	token string
}

// begin begins a pack on Monday 2026-11-23, 00:00 in Shanghai, with an operator's codes if
// there are to be any.
func begin(t testing.TB, pack string, cfg sandbox.Config, o Options) *world {
	t.Helper()
	sc, err := Load(pack)
	must(t, err)
	return beginScript(t, sc, cfg, o)
}

func beginScript(t testing.TB, sc *Script, cfg sandbox.Config, o Options) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 11, 23, 0, 0, 0, 0, shanghai())}}
	cfg.Now = w.clock.Now
	var err error
	w.Sandbox, err = sandbox.New(cfg)
	must(t, err)
	w.story, err = Begin(w.Sandbox, sc, o)
	must(t, err)
	w.login()
	return w
}

func (w *world) login() {
	w.token = ""
	w.token = w.call(http.MethodGet, "gettoken?corpid="+sandbox.DefaultCorpID+"&corpsecret="+sandbox.DefaultSecret, nil)["access_token"].(string)
}

// call makes an API call without a network; it must succeed.
func (w *world) call(method, path string, body any) map[string]any {
	w.t.Helper()
	if w.token != "" {
		path += "?access_token=" + w.token
	}
	data, err := json.Marshal(body)
	must(w.t, err)
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequest(method, "/cgi-bin/"+path, strings.NewReader(string(data))))
	var out map[string]any
	must(w.t, json.Unmarshal(rec.Body.Bytes(), &out))
	if code, _ := out["errcode"].(float64); code != 0 {
		w.t.Fatalf("%s answered %v", path, out)
	}
	return out
}

func (w *world) post(path string, body any) map[string]any {
	w.t.Helper()
	return w.call(http.MethodPost, path, body)
}

// openCodes makes a join way and a contact way for everybody in the stores.
func (w *world) openCodes() {
	for _, st := range w.story.Stores {
		for _, p := range st.People {
			if !p.serves {
				continue
			}
			user := p.ID
			chats := idsOf(st.Groups)
			w.post("externalcontact/groupchat/add_join_way", map[string]any{
				"scene": 2, "auto_create_room": 0, "state": "j-" + user, "remark": "code of " + user, "chat_id_list": chats[max(0, len(chats)-5):],
			})
			w.post("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "c-" + user, "user": []string{user}})
		}
	}
}

// until moves the clock from due thing to due thing up to a time.
func (w *world) until(end time.Time) {
	w.t.Helper()
	for {
		_, err := w.Step(context.Background())
		must(w.t, err)
		at, more := w.Due()
		if !more || at.After(end) {
			w.clock.Set(end)
			return
		}
		w.clock.Set(at)
	}
}

// settle is until nothing waits.
func (w *world) settle() { w.until(w.story.End.AddDate(0, 1, 0)) }

func TestAWeekOfTheChainHasTwoToThreeHundredJoinsInOpeningHours(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 1}, Options{})
	w.openCodes()
	w.settle()
	joins, scenes := 0, map[int]int{}
	for _, g := range w.Groups() {
		for _, m := range g.History {
			if m.Staff {
				continue
			}
			joins++
			scenes[m.Scene]++
			if hour := m.Joined.In(shanghai()).Hour(); hour < 8 || hour > 22 {
				t.Errorf("%s joined at %v", m.Name, m.Joined)
			}
			if m.Scene == sandbox.SceneQR && m.State == "" {
				t.Errorf("%s came by a code without state although there were codes", m.Name)
			}
			if m.Joined.Before(w.story.Start) || !m.Joined.Before(w.story.End) {
				t.Errorf("%s joined at %v, outside of the week", m.Name, m.Joined)
			}
		}
	}
	if joins < 200 || joins > 300 {
		t.Errorf("%d joins", joins)
	}
	for scene := sandbox.SceneDirect; scene <= sandbox.SceneQR; scene++ {
		if scenes[scene] < 30 {
			t.Errorf("only %d joins by scene %d", scenes[scene], scene)
		}
	}
	ads := 0
	for _, m := range w.SaidInGroups() {
		if slices.Contains(w.story.Spammers, m.Sender) {
			ads++
		}
	}
	if said := len(w.SaidInGroups()); said < 45 || said > 80 || ads < 9 || ads > 12 {
		t.Errorf("%d messages, %d of them advertisements", said, ads)
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

// logOf is everything that can be seen of some days of a pack.
func logOf(t testing.TB, pack string, seed uint64, o Options) string {
	t.Helper()
	w := begin(t, pack, sandbox.Config{Seed: seed}, o)
	w.openCodes()
	w.settle()
	data, err := json.Marshal([]any{w.Log(0), w.Groups(), w.SaidInGroups(), w.Callbacks()})
	must(t, err)
	return string(data)
}

func TestEveryPackLivesTheSameDaysWithTheSameSeed(t *testing.T) {
	t.Parallel()
	for _, pack := range Names() {
		t.Run(pack, func(t *testing.T) {
			t.Parallel()
			o := Options{Days: 2, Scale: 0.2}
			if pack == "supermarket" {
				o.Scale = 0.05
			}
			first := logOf(t, pack, 5, o)
			if first != logOf(t, pack, 5, o) {
				t.Error("two runs with seed 5 differ")
			}
			if first == logOf(t, pack, 6, o) {
				t.Error("seeds 5 and 6 do the same")
			}
		})
	}
}

// What each pack is for happens in it.
func TestThePacksDoWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	live := func(t *testing.T, pack string, o Options) (*world, map[string]int) {
		w := begin(t, pack, sandbox.Config{Seed: 1}, o)
		w.openCodes()
		w.settle()
		sizes := map[string]int{}
		for _, g := range w.Groups() {
			for _, m := range g.Members {
				if !m.Staff && !g.Dismissed {
					sizes[g.Name]++
				}
			}
			if len(g.Members) > 500 {
				t.Errorf("%s: %s has %d members", pack, g.Name, len(g.Members))
			}
		}
		return w, sizes
	}
	said := func(w *world, text string) (n int) {
		for _, m := range w.SaidInGroups() {
			if strings.Contains(m.Message.Text, text) {
				n++
			}
		}
		return n
	}
	t.Run("wine", func(t *testing.T) {
		t.Parallel()
		_, sizes := live(t, "wine", Options{})
		if len(sizes) != 10 || sizes["九街品酒1群"] < 200 {
			t.Errorf("the week ended with %v", sizes)
		}
	})
	t.Run("unlock", func(t *testing.T) {
		t.Parallel()
		w, _ := live(t, "unlock", Options{})
		if first, second := said(w, "满50人啦"), said(w, "满100人!第二档"); first != 4 || second == 0 {
			t.Errorf("unlocked %d and %d times", first, second)
		}
	})
	t.Run("ambassadors", func(t *testing.T) {
		t.Parallel()
		w, _ := live(t, "ambassadors", Options{})
		by := map[string]int{}
		for _, g := range w.Groups() {
			for _, m := range g.History {
				by[m.State]++
			}
		}
		if by["j-ds_mo"] <= by["j-ds_ning"] || by["j-jiang_tz"] <= by["j-ds_yao"] {
			t.Errorf("by code: %v", by)
		}
	})
	t.Run("nearby", func(t *testing.T) {
		t.Parallel()
		w, sizes := live(t, "nearby", Options{})
		if sizes["旧厂宿舍群"] != 0 || sizes["望河花园买菜群"] == 0 || said(w, "接龙") < 50 {
			t.Errorf("%v, %d orders", sizes, said(w, "接龙"))
		}
	})
}

func TestASupermarketHasItsMembersFromTheStart(t *testing.T) {
	t.Parallel()
	w := begin(t, "supermarket", sandbox.Config{Seed: 1}, Options{Days: 1})
	if got := len(w.Groups()); got != 80 || w.story.Members < 34_500 || w.story.Members > 35_500 {
		t.Errorf("%d groups, %d members", got, w.story.Members)
	}
	if n := len(w.Callbacks()); n != 0 {
		t.Errorf("%d callbacks about what was there before", n)
	}
	out := w.post("externalcontact/groupchat/get", map[string]any{"chat_id": w.story.Stores[0].Groups[0].ID})
	members := out["group_chat"].(map[string]any)["member_list"].([]any)
	last := 0.0
	for _, m := range members {
		at := m.(map[string]any)["join_time"].(float64)
		if at < last {
			t.Fatal("the members are not in the order of joining")
		}
		last = at
	}
	if len(members) < 480 {
		t.Errorf("%d members", len(members))
	}
}

func TestSomePeopleComeBackAndSomeJoinSeveralGroups(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 2}, Options{})
	w.openCodes()
	w.settle()
	again, groupsOf := 0, map[string]map[string]bool{}
	for _, g := range w.Groups() {
		stays := map[string]int{}
		for _, m := range g.History {
			if stays[m.User]++; stays[m.User] == 2 {
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
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 3}, Options{})
	w.settle()
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

func (w *world) sale(owner string) string {
	w.t.Helper()
	return w.post("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": owner, "text": map[string]string{"content": "今天10点秒杀"},
	})["msgid"].(string)
}

func TestOwnersConfirmAsDiligentlyAsTheyAre(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 4}, Options{})
	w.until(w.story.Start.Add(10 * time.Hour))
	w.login()
	bounds := map[string][2]time.Duration{"wang_xb": {2 * time.Minute, 12 * time.Minute}, "li_xb": {2 * time.Hour, 5 * time.Hour}}
	owners := map[string]string{}
	for _, owner := range []string{"wang_xb", "li_xb", "liu_xb"} {
		owners[w.sale(owner)] = owner
	}
	made := w.clock.Now()
	w.settle()
	for _, task := range w.Tasks() {
		owner, at := owners[task.MsgID], task.Shares[0].ConfirmedAt
		bound, confirms := bounds[owner]
		if after := at.Sub(made); confirms != !at.IsZero() || confirms && (after < bound[0] || after > bound[1]) {
			t.Errorf("%s confirmed at %v, asked at %v", owner, at, made)
		}
	}
}

func TestAReminderMakesTheSlowOwnerConfirmSoon(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 4}, Options{})
	w.until(w.story.Start.Add(10 * time.Hour))
	w.login()
	w.post("externalcontact/remind_groupmsg_send", map[string]any{"msgid": w.sale("li_xb")})
	asked := w.clock.Now()
	w.settle()
	if after := w.Tasks()[0].Shares[0].ConfirmedAt.Sub(asked); after < 5*time.Minute || after > 15*time.Minute {
		t.Errorf("confirmed after %v", after)
	}
}

func TestAnOwnerRemovesWhomACardNamesAndPressesItsFirstButton(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 4, CallbackURL: "http://127.0.0.1:1/"}, Options{})
	w.until(w.story.Start.Add(2*24*time.Hour + 16*time.Hour))
	w.login()
	g, spammer := w.story.Stores[0].Groups[0], w.story.Spammers[0]
	if !w.IsMember(g.ID, spammer) {
		t.Fatal("the spammer has not come by Wednesday afternoon")
	}
	w.post("message/send", map[string]any{
		"touser": "wang_xb", "msgtype": "template_card", "agentid": sandbox.DefaultAgentID,
		"template_card": map[string]any{
			"card_type": "button_interaction", "task_id": "case_1",
			"main_title":              map[string]string{"title": "疑似广告", "desc": g.Name},
			"quote_area":              map[string]any{"type": 0, "quote_text": "加我微信"},
			"horizontal_content_list": []any{map[string]string{"keyname": "发送人", "value": "兼职福利-琳琳"}},
			"button_list":             []any{map[string]string{"text": "已移出", "key": "done"}, map[string]string{"text": "误报", "key": "no"}},
		},
	})
	w.until(w.clock.Now().Add(30 * time.Minute))
	if w.IsMember(g.ID, spammer) {
		t.Error("the spammer is still there")
	}
	card, err := w.Card("case_1")
	must(t, err)
	if len(card.Presses) != 1 || card.Presses[0].Key != "done" {
		t.Errorf("presses: %v", card.Presses)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	sc, err := Load("chain")
	must(t, err)
	for name, o := range map[string]Options{
		"a Tuesday":    {Monday: time.Date(2026, 11, 24, 0, 0, 0, 0, shanghai())},
		"noon":         {Monday: time.Date(2026, 11, 23, 12, 0, 0, 0, shanghai())},
		"no days":      {Days: -1},
		"too small":    {Scale: 0.001},
		"a month more": {Days: 60},
	} {
		s, err := sandbox.New(sandbox.Config{Now: time.Now})
		must(t, err)
		if _, err := Begin(s, sc, o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestNothingIsDueAfterTheWeek(t *testing.T) {
	t.Parallel()
	w := begin(t, "chain", sandbox.Config{Seed: 9}, Options{Scale: 0.3})
	w.settle()
	if at, more := w.Due(); more {
		t.Errorf("something is due at %v", at)
	}
	if log := w.Log(0); log[len(log)-1].At.After(w.story.End) {
		t.Errorf("the week ended at %v", log[len(log)-1].At)
	}
}
