package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// cardKinds are one good card of each kind; $FILE is an uploaded file.
func cardKinds() map[string]string {
	option := `{"id":"a","text":"甲"},{"id":"b","text":"乙"}`
	action := `"card_action":{"type":1,"url":"https://e.com","appid":"","pagepath":""}`
	menu := `"action_menu":{"desc":"更多","action_list":[{"text":"不再提醒","key":"stop"},{"text":"转交","key":"hand"}]}`
	submit := `"submit_button":{"text":"提交","key":"submit"}`
	return map[string]string{
		"text_notice": `"task_id":"t-text_notice","main_title":{"title":"通知","desc":"一店"},"emphasis_content":{"title":"100","desc":"人"},
			"sub_title_text":"小字","horizontal_content_list":[{"keyname":"甲","value":"乙"},{"type":1,"keyname":"网","value":"站","url":"https://e.com"},
			{"type":2,"keyname":"附件","value":"a.pdf","media_id":"$FILE"},{"type":3,"keyname":"店长","value":"王","userid":"wang"}],
			"jump_list":[{"type":1,"title":"官网","url":"https://e.com"},{"type":2,"title":"小程序","appid":"wx1","pagepath":"p"},{"title":"无"}],` + action + "," + menu,
		"news_notice": `"task_id":"t-news_notice","main_title":{"title":"图文"},"card_image":{"url":"https://e.com/a.png","aspect_ratio":1.3},
			"image_text_area":{"type":1,"url":"https://e.com","title":"左","desc":"右","image_url":"https://e.com/a.png"},
			"vertical_content_list":[{"title":"惊喜","desc":"红包"}],"jump_list":[{"type":1,"title":"官网","url":"https://e.com"}],` + action,
		"button_interaction": `"task_id":"t-button_interaction","main_title":{"title":"审批"},
			"button_selection":{"question_key":"q1","title":"处理","option_list":[` + option + `],"selected_id":"a"},
			"button_list":[{"text":"好","style":1,"key":"yes"},{"type":1,"text":"详情","url":"https://e.com"}],` + menu,
		"vote_interaction": `"task_id":"t-vote_interaction","main_title":{"title":"投票"},
			"checkbox":{"question_key":"q1","option_list":[{"id":"a","text":"甲","is_checked":true},{"id":"b","text":"乙","is_checked":false}],"mode":1},` + submit,
		"multiple_interaction": `"task_id":"t-multiple_interaction","main_title":{"title":"多选"},"select_list":[
			{"question_key":"q1","title":"一","selected_id":"b","option_list":[` + option + `]},
			{"question_key":"q2","title":"二","option_list":[` + option + `]}],` + submit,
	}
}

// sendCard sends a card to wang, as its JSON without the kind.
func (w *world) sendCard(kind, fields string) map[string]any {
	w.t.Helper()
	return w.post("message/send", fmt.Sprintf(`{"touser":"wang","agentid":%d,"msgtype":"template_card","template_card":{"card_type":%q,%s}}`,
		DefaultAgentID, kind, fields))
}

func newCardWorld(t *testing.T) (*world, map[string]string) {
	t.Helper()
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	kinds := cardKinds()
	for kind, fields := range kinds {
		kinds[kind] = strings.ReplaceAll(fields, "$FILE", w.upload("media/upload?type=file", 10)["media_id"].(string))
	}
	return w, kinds
}

func TestCardsOfAllKindsAreShown(t *testing.T) {
	w, kinds := newCardWorld(t)
	for kind, want := range map[string]string{
		"text_notice": "通知\n一店\n小字\n100\n人\n官网\n小程序\n无\n甲: 乙\n网: 站\n附件: a.pdf\n店长: 王",
		"news_notice": "图文\n官网\n左\n右\n惊喜\n红包", "button_interaction": "审批\n处理", "vote_interaction": "投票", "multiple_interaction": "多选\n一\n二",
	} {
		if out := w.sendCard(kind, kinds[kind]); code(out) != 0 || out["response_code"] == "" {
			t.Errorf("%s: %v", kind, out)
			continue
		}
		all := w.Cards()
		if card := all[len(all)-1]; card.Text != want || card.CardType != kind {
			t.Errorf("%s: %q", kind, card.Text)
		}
	}
}

func TestCardsAreRefused(t *testing.T) {
	w, kinds := newCardWorld(t)
	options := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"id":"%d","text":"x"}`, i))
		}
		return `[` + strings.Join(all, ",") + `]`
	}
	repeat := func(item string, n int) string { return `[` + strings.Repeat(item+",", n-1) + item + `]` }
	for _, tc := range []struct {
		kind, old, new string
		want           int
	}{
		{"text_notice", `"card_action":`, `"other":`, 40063},
		{"text_notice", `"card_action":{"type":1`, `"card_action":{"type":0`, 40058},
		{"text_notice", `"card_action":{"type":1,"url":"https://e.com"`, `"card_action":{"type":2`, 40063},
		{"text_notice", `"type":3,"keyname":"店长","value":"王","userid":"wang"`, `"type":3,"keyname":"店长","userid":"ghost"`, 40003},
		{"text_notice", `"type":1,"keyname":"网"`, `"type":2,"keyname":"网","media_id":"x"`, 40007},
		{"text_notice", `"type":1,"keyname":"网"`, `"type":4,"keyname":"网"`, 40058},
		{"text_notice", `{"title":"无"}`, `{"title":"无"},{"title":"四"}`, 40058},
		{"text_notice", `{"title":"无"}`, `{"type":1,"title":"无"}`, 41010},
		{"text_notice", `"key":"hand"`, `"key":"stop"`, 42018},
		{"text_notice", `"task_id":"t-text_notice",`, ``, 42014},
		{"text_notice", `{"text":"转交","key":"hand"}`, `{"text":"转交"}`, 42019},
		{"news_notice", `"main_title":{"title":"图文"},`, `"sub_title_text":"只有小字",`, 41016},
		{"news_notice", `1.3`, `1.29`, 40058},
		{"news_notice", `1.3`, `2.26`, 40058},
		{"news_notice", `"card_image":{"url":"https://e.com/a.png","aspect_ratio":1.3},`, ``, 0},
		{"news_notice", `"image_url":"https://e.com/a.png"`, `"image_url":""`, 41010},
		{"news_notice", `[{"title":"惊喜","desc":"红包"}]`, repeat(`{"title":"x"}`, 5), 40058},
		{"button_interaction", `"style":1`, `"style":5`, 40058},
		{"button_interaction", `"selected_id":"a"`, `"selected_id":"c"`, 40058},
		{"button_interaction", `{"text":"好"`, `{"text":""`, 42020},
		{"vote_interaction", `"mode":1`, `"mode":2`, 40058},
		{"vote_interaction", `"question_key":"q1",`, ``, 42019},
		{"vote_interaction", `"submit_button":`, `"other":`, 40063},
		{"vote_interaction", `"id":"b"`, `"id":"a"`, 42018},
		{"vote_interaction", `[{"id":"a","text":"甲","is_checked":true},{"id":"b","text":"乙","is_checked":false}]`, options(21), 40058},
		{"vote_interaction", `[{"id":"a","text":"甲","is_checked":true},{"id":"b","text":"乙","is_checked":false}]`, `[]`, 40058},
		{"multiple_interaction", `"question_key":"q2"`, `"question_key":"q1"`, 42018},
		{"multiple_interaction", `[{"id":"a","text":"甲"},{"id":"b","text":"乙"}]`, options(11), 40058},
		{"multiple_interaction", `"select_list":[`, `"select_list":[],"other":[`, 40058},
		{"multiple_interaction", `"task_id":"t-multiple_interaction"`, `"task_id":"` + strings.Repeat("t", 129) + `"`, 42014},
	} {
		fields := strings.Replace(kinds[tc.kind], tc.old, tc.new, 1)
		if fields == kinds[tc.kind] {
			t.Fatalf("%s has no %s", tc.kind, tc.old)
		}
		if out := w.sendCard(tc.kind, fields); code(out) != tc.want {
			t.Errorf("%s with %.60s: %v, want %d", tc.kind, tc.new, out, tc.want)
		}
	}
}

func TestQuestionsOfACardAreAnswered(t *testing.T) {
	w, kinds := newCardWorld(t)
	for _, kind := range []string{"button_interaction", "vote_interaction", "multiple_interaction"} {
		if out := w.sendCard(kind, kinds[kind]); code(out) != 0 {
			t.Fatalf("%s: %v", kind, out)
		}
	}
	for name, tc := range map[string]struct {
		task, key string
		chosen    []Choice
	}{
		"an unknown question": {"t-vote_interaction", "submit", []Choice{{"q9", []string{"a"}}}},
		"an unknown option":   {"t-vote_interaction", "submit", []Choice{{"q1", []string{"c"}}}},
		"two of one":          {"t-multiple_interaction", "submit", []Choice{{"q1", []string{"a", "b"}}}},
		"another button":      {"t-multiple_interaction", "yes", nil},
	} {
		if w.PressCard("wang", tc.task, tc.key, tc.chosen...) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	selected := func(question string, options ...string) string {
		out := "<SelectedItem>\n<QuestionKey><![CDATA[" + question + "]]></QuestionKey>\n<OptionIds>\n"
		for _, o := range options {
			out += "<OptionId><![CDATA[" + o + "]]></OptionId>\n"
		}
		return out + "</OptionIds>\n</SelectedItem>\n"
	}
	for i, tc := range []struct {
		task, key string
		chosen    []Choice
		want      string
	}{
		{"t-button_interaction", "yes", nil, selected("q1", "a")},
		{"t-vote_interaction", "submit", []Choice{{"q1", []string{"a", "b"}}}, selected("q1", "a", "b")},
		{"t-multiple_interaction", "submit", []Choice{{"q2", []string{"a"}}}, selected("q1", "b") + selected("q2", "a")},
	} {
		must(t, w.PressCard("wang", tc.task, tc.key, tc.chosen...))
		want := "<AgentID>1000002</AgentID>\n<SelectedItems>\n" + tc.want + "</SelectedItems>\n</xml>"
		if xml := w.Callbacks()[i].XML; !strings.HasSuffix(xml, want) {
			t.Errorf("%s:\n%s", tc.task, xml)
		}
	}
	must(t, w.PressCardMenu("wang", "t-button_interaction", "stop"))
	if cb := w.Callbacks()[3]; cb.Kind != "template_card_menu_event" || !strings.Contains(cb.XML, "<Event><![CDATA[template_card_menu_event]]>") || strings.Contains(cb.XML, "Selected") {
		t.Errorf("menu: %s", cb.XML)
	}
	if w.PressCardMenu("wang", "t-button_interaction", "yes") == nil {
		t.Error("a button was pressed as an item of the menu")
	}
}

func TestACardThatReplacesACardCanBePressed(t *testing.T) {
	w, kinds := newCardWorld(t)
	first := w.sendCard("vote_interaction", kinds["vote_interaction"])
	update := func(rc any, card string) int {
		return code(w.post("message/update_template_card", fmt.Sprintf(
			`{"userids":["wang"],"agentid":%d,"response_code":%q,"template_card":{%s}}`, DefaultAgentID, rc, card)))
	}
	next := `"card_type":"button_interaction","main_title":{"title":"再选"},"button_list":[{"text":"好","key":"yes"}]`
	if n := update(first["response_code"], next); n != 0 {
		t.Fatalf("update: %d", n)
	}
	if w.PressCard("wang", "t-vote_interaction", "submit") == nil {
		t.Error("the replaced card was pressed")
	}
	must(t, w.PressCard("wang", "t-vote_interaction", "yes"))
	all := w.Callbacks()
	rc, _, _ := strings.Cut(strings.SplitAfter(all[len(all)-1].XML, "<ResponseCode><![CDATA[")[1], "]]>")
	if n := update(rc, next+`,"replace_text":"已处理"`); n != 0 {
		t.Fatalf("second update: %d", n)
	}
	if w.PressCard("wang", "t-vote_interaction", "yes") == nil {
		t.Error("a card with its button replaced was pressed")
	}
	notice := w.sendCard("text_notice", kinds["text_notice"])
	if out := w.post("message/update_template_card", map[string]any{"userids": []string{"wang"}, "agentid": DefaultAgentID,
		"response_code": notice["response_code"], "button": map[string]string{"replace_name": "x"}}); code(out) != 42019 {
		t.Errorf("a button of a notice: %v", out)
	}
}

func TestARecalledCardCannotBePressed(t *testing.T) {
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	id := w.message("wang", "template_card", cardBody("case_1"))["msgid"]
	w.ok("message/recall", map[string]any{"msgid": id})
	if w.PressCard("wang", "case_1", "done") == nil {
		t.Error("pressed")
	}
}

func TestMessagesOfAllTypes(t *testing.T) {
	w := newWorld(t, Config{})
	file := func(kind string) string { return w.upload("media/upload?type="+kind, 100)["media_id"].(string) }
	img, voice, video, doc := file("image"), file("voice"), file("video"), file("file")
	article := `{"title":"标题","description":"描述","url":"https://e.com","picurl":"https://e.com/a.png"}`
	mp := fmt.Sprintf(`{"title":"标题","thumb_media_id":%q,"author":"我","content_source_url":"https://e.com","content":"<p>正文</p>","digest":"摘要"}`, img)
	for _, tc := range []struct {
		kind, body string
		want       int
		text       string
	}{
		{"image", `{"media_id":"` + img + `"}`, 0, "a.png"},
		{"image", `{"media_id":"` + doc + `"}`, 40007, ""},
		{"image", `{}`, 41006, ""},
		{"voice", `{"media_id":"` + voice + `"}`, 0, "a.png"},
		{"file", `{"media_id":"` + doc + `"}`, 0, "a.png"},
		{"video", `{"media_id":"` + video + `","title":"开业","description":"当天"}`, 0, "开业\n当天\na.png"},
		{"video", `{"media_id":"` + video + `","title":"` + strings.Repeat("t", 129) + `"}`, 45002, ""},
		{"news", `{"articles":[` + article + `]}`, 0, "标题\n描述"},
		{"news", `{"articles":[` + strings.Repeat(article+",", 7) + article + `]}`, 0, strings.Repeat("标题\n描述\n", 7) + "标题\n描述"},
		{"news", `{"articles":[` + strings.Repeat(article+",", 8) + article + `]}`, 45008, ""},
		{"news", `{"articles":[]}`, 44003, ""},
		{"news", `{"articles":[{"title":"x"}]}`, 41010, ""},
		{"news", `{"articles":[{"title":"x","appid":"wx1"}]}`, 40063, ""},
		{"news", `{"articles":[{"title":"x","appid":"wx1","pagepath":"p"}]}`, 0, "x"},
		{"mpnews", `{"articles":[` + mp + `]}`, 0, "标题\n摘要"},
		{"mpnews", `{"articles":[` + strings.Replace(mp, img, doc, 1) + `]}`, 40007, ""},
		{"mpnews", `{"articles":[` + strings.Replace(mp, "<p>正文</p>", strings.Repeat("x", 666<<10+1), 1) + `]}`, 45002, ""},
		{"markdown", `{"content":"` + strings.Repeat("x", 2049) + `"}`, 45002, ""},
		{"miniprogram_notice", `{"appid":"wx1","page":"p","title":"会议室预订","description":"4月27日","emphasis_first_item":true,"content_item":[{"key":"会议室","value":"402"}]}`, 0, "会议室预订\n4月27日\n会议室: 402"},
		{"miniprogram_notice", `{"appid":"wx1","title":"会议室"}`, 40058, ""},
		{"miniprogram_notice", `{"title":"会议室预订"}`, 40063, ""},
		{"miniprogram_notice", `{"appid":"wx1","title":"会议室预订","content_item":[` + strings.Repeat(`{"key":"k","value":"v"},`, 10) + `{"key":"k","value":"v"}]}`, 40058, ""},
		{"hologram", `{}`, 40008, ""},
	} {
		out := w.post("message/send", fmt.Sprintf(`{"touser":"wang","agentid":%d,"msgtype":%q,%q:%s}`, DefaultAgentID, tc.kind, tc.kind, tc.body))
		if code(out) != tc.want {
			t.Errorf("%s %.60s: %v, want %d", tc.kind, tc.body, out, tc.want)
			continue
		}
		all := w.AppMessages()
		if tc.want == 0 && (all[len(all)-1].Text != tc.text || all[len(all)-1].Type != tc.kind) {
			t.Errorf("%s %.60s: %q", tc.kind, tc.body, all[len(all)-1].Text)
		}
	}
	if out := w.post("message/send", fmt.Sprintf(`{"touser":"@all","agentid":%d,"msgtype":"miniprogram_notice"}`, DefaultAgentID)); code(out) != 40058 {
		t.Errorf("a notice to all: %v", out)
	}
}

func TestTheAppSendsSoMuchInADay(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.SetFaults(Faults{Limits: Limits{MessagesPerDay: 5}}))
	send := func() int { return code(w.message("wang|li", "text", map[string]string{"content": "x"})) }
	if a, b, c := send(), send(), send(); a != 0 || b != 0 || c != 45009 {
		t.Errorf("six person-times: %d, %d, %d", a, b, c)
	}
	w.clock.Add(24 * time.Hour)
	w.login()
	if n := send(); n != 0 {
		t.Errorf("the day after: %d", n)
	}
}

func TestADepartmentIsWrittenToWithWhatIsBelow(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 2, Name: "门店"}))
	must(t, w.AddDepartment(Department{ID: 3, Name: "一店", Parent: 2}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 3}))
	w.message("", "text", map[string]string{"content": "x"}, "toparty", "2")
	if m := w.AppMessages()[0]; strings.Join(m.To, "|") != "chen" {
		t.Errorf("to %v", m.To)
	}
}
