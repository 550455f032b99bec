package sandbox

import (
	"testing"
	"time"
)

func (w *world) welcome(ticket, text string) int {
	w.t.Helper()
	return code(w.post("externalcontact/send_welcome_msg", map[string]any{"welcome_code": ticket, "text": map[string]string{"content": text}}))
}

func TestAWelcomeCodeWorksOnceWithinTwentySeconds(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(2)
	k := got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	w.clock.Add(19 * time.Second)
	if n := w.welcome(k.WelcomeCode, ""); n != 44004 {
		t.Errorf("an empty welcome: %d", n)
	}
	if n := w.welcome(k.WelcomeCode, "您好"); n != 0 {
		t.Errorf("after 19 s: %d", n)
	}
	if n := w.welcome(k.WelcomeCode, "又好"); n != 41051 {
		t.Errorf("again: %d", n)
	}
	k = got[Contact](t)(w.AddContact("wang", p[1], Via{}))
	w.clock.Add(20 * time.Second)
	if n := w.welcome(k.WelcomeCode, "晚了"); n != 41050 {
		t.Errorf("after 20 s: %d", n)
	}
	if n := w.welcome("nobody's", "谁"); n != 41050 {
		t.Errorf("an unknown code: %d", n)
	}
	all := w.Welcomes()
	if len(all) != 3 {
		t.Fatalf("welcomes: %+v", all)
	}
	first := all[0]
	if first.Text != "您好" || first.SentAt.Sub(first.IssuedAt) != 19*time.Second || len(first.Attempts) != 3 ||
		first.Attempts[0].Errcode != 44004 || first.Attempts[2].Errcode != 41051 || first.Customer != p[0] {
		t.Errorf("the first: %+v", first)
	}
	if !all[1].SentAt.IsZero() || all[1].Attempts[0].Errcode != 41050 || all[2].User != "" {
		t.Errorf("the others: %+v", all[1:])
	}
}

func TestSomeContactsComeWithoutWelcomeCode(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(1)[0]
	if k := got[Contact](t)(w.AddContact("wang", p, Via{NoWelcome: true})); k.WelcomeCode != "" {
		t.Error("a code although told otherwise")
	}
	other := got[string](t)(w.AddCustomer(Customer{Name: "同行", Corp: "别家公司"}))
	if k := got[Contact](t)(w.AddContact("wang", other, Via{})); k.WelcomeCode != "" {
		t.Error("a code for a WeCom user")
	}
	out := w.get("externalcontact/get?external_userid=" + other)
	if dig(out, "external_contact", "type") != 2.0 || dig(out, "external_contact", "unionid") != nil {
		t.Errorf("a WeCom user: %v", out)
	}
}

func TestGroupTemplatesAreKeptUpToAHundred(t *testing.T) {
	w := newWorld(t, Config{})
	const room = "externalcontact/group_welcome_template/"
	body := map[string]any{
		"text": map[string]string{"content": "欢迎%NICKNAME%"},
		"link": map[string]string{"title": "群规", "url": "https://example.com"}, "video": map[string]string{"media_id": "0"},
	}
	id := w.ok(room+"add", body)["template_id"]
	out := w.ok(room+"get", map[string]any{"template_id": id})
	if dig(out, "text", "content") != "欢迎%NICKNAME%" || dig(out, "link", "title") != "群规" || out["video"] != nil {
		t.Errorf("get: %v", out)
	}
	w.ok(room+"edit", map[string]any{"template_id": id, "text": map[string]string{"content": "好"}})
	if out := w.ok(room+"get", map[string]any{"template_id": id}); dig(out, "text", "content") != "好" || out["link"] != nil {
		t.Errorf("edited: %v", out)
	}
	for range 99 {
		w.ok(room+"add", body)
	}
	if out := w.post(room+"add", body); code(out) != 41055 {
		t.Errorf("the 101st: %v", out)
	}
	w.ok(room+"del", map[string]any{"template_id": id})
	w.ok(room+"add", body)
	if n := len(w.GroupTemplates()); n != 100 {
		t.Errorf("%d templates", n)
	}
}
