package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	ruleAdd    = "externalcontact/add_intercept_rule"
	ruleUpdate = "externalcontact/update_intercept_rule"
	ruleGet    = "externalcontact/get_intercept_rule"
	ruleDelete = "externalcontact/del_intercept_rule"
	ruleList   = "externalcontact/get_intercept_rule_list"
)

func interceptCalls() []goodCall {
	const users = `{"user_list":["li"],"department_list":[1]}`
	return []goodCall{
		{ruleAdd, `{"rule_name":"规则","word_list":["兼职"],"semantics_list":[1],"intercept_type":1,"applicable_range":` + users + `}`, `{"rule_id":"x"}`},
		{ruleList, "", `{"rule_list":[{"rule_id":"x","rule_name":"x","create_time":1}]}`},
		{ruleGet, `{"rule_id":"$RULE"}`, `{"rule":{"rule_id":"x","rule_name":"x","word_list":["x"],"extra_rule":{"semantics_list":[1]},"intercept_type":1,
			"applicable_range":{"user_list":["x"],"department_list":[1]}}}`},
		{ruleUpdate, `{"rule_id":"$RULE","rule_name":"新名","word_list":["x"],"extra_rule":{"semantics_list":[2]},"intercept_type":2,
			"add_applicable_range":` + users + `,"remove_applicable_range":{"user_list":["wang"],"department_list":[]}}`, `{}`},
		{ruleDelete, `{"rule_id":"$RULE"}`, `{}`},
	}
}

// rule makes a rule for wang and the whole of a department and returns its id.
func (w *world) rule(name string, kind, department int, words ...string) string {
	w.t.Helper()
	return w.ok(ruleAdd, map[string]any{"rule_name": name, "word_list": words, "semantics_list": []int{1, 2}, "intercept_type": kind,
		"applicable_range": map[string]any{"user_list": []string{"WANG"}, "department_list": []int{department}}})["rule_id"].(string)
}

func TestARuleKeepsStaffFromWriting(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddDepartment(Department{ID: 6, Name: "收银", Parent: 5}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 6}))
	p := w.customers(1)[0]
	got[Contact](t)(w.AddContact("wang", p, Via{}))
	chat := got[string](t)(w.CreateGroup("wang", "一群", "li", "chen"))
	w.invite(chat, p)
	id := w.rule("广告", InterceptBlock, 5, "加我微信")
	for _, try := range []struct {
		who, text string
		blocked   bool
	}{
		{"wang", "来,加我微信吧", true}, {"chen", "加我微信", true}, {"li", "加我微信", false}, {p, "加我微信", false},
		{"wang", "电话13800000001。", true}, {"wang", "单号138000000012", false}, {"wang", "写信到a.b@shop.example", true}, {"wang", "今天@所有人", false},
	} {
		if _, err := w.Say(chat, try.who, try.text); errors.Is(err, ErrIntercepted) != try.blocked {
			t.Errorf("%s says %s: %v", try.who, try.text, err)
		}
	}
	if n := len(w.SaidInGroups()); n != 4 {
		t.Errorf("%d messages were said", n)
	}
	if err := w.Write("wang", p, "加我微信"); !errors.Is(err, ErrIntercepted) {
		t.Errorf("to a customer alone: %v", err)
	}
	must(t, w.Write(p, "wang", "加我微信"))
	w.ok(ruleUpdate, map[string]any{"rule_id": id, "intercept_type": InterceptWarn})
	got[string](t)(w.Say(chat, "wang", "加我微信"))
	w.ok(ruleUpdate, map[string]any{"rule_id": id, "intercept_type": InterceptBlock, "word_list": []string{"兼职"}, "extra_rule": map[string]any{"semantics_list": []int{}},
		"add_applicable_range": map[string]any{"user_list": []string{"li"}}, "remove_applicable_range": map[string]any{"department_list": []int{5}}})
	got[string](t)(w.Say(chat, "wang", "加我微信 13800000001"))
	got[string](t)(w.Say(chat, "chen", "兼职"))
	if _, err := w.Say(chat, "li", "兼职"); !errors.Is(err, ErrIntercepted) {
		t.Errorf("li was added: %v", err)
	}
	w.ok(ruleDelete, map[string]any{"rule_id": id})
	got[string](t)(w.Say(chat, "li", "兼职"))
	if len(w.InterceptRules()) != 0 {
		t.Error("the rule is still there")
	}
}

func TestRulesAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	other := w.rule("另一条", InterceptWarn, 1, "x")
	rule := func(name, words, more string) string {
		return fmt.Sprintf(`{"rule_name":%q,"word_list":[%s],"intercept_type":1,"applicable_range":{"user_list":["wang"]}%s}`, name, words, more)
	}
	many := strings.TrimSuffix(strings.Repeat(`"x",`, 301), ",")
	w.refused(ruleAdd, map[string]int{
		rule("", `"x"`, ""):                                       40063,
		rule("规则", ``, ""):                                        40063,
		rule("另一条", `"x"`, ""):                                    41077,
		rule(strings.Repeat("长", 21), `"x"`, ""):                  41076,
		rule("规则", many, ""):                                      41068,
		rule("规则", `""`, ""):                                      41083,
		rule("规则", `"`+strings.Repeat("长", 33)+`"`, ""):           41083,
		rule("规则", `"x"`, `,"semantics_list":[4]`):                41084,
		rule("规则", `"x"`, `,"intercept_type":3`):                  40058,
		`{"rule_name":"规则","word_list":["x"],"intercept_type":1}`: 40063,
		`{"rule_name":"规则","word_list":["x"],"intercept_type":1,"applicable_range":{"user_list":["nobody"]}}`: 60111,
		`{"rule_name":"规则","word_list":["x"],"intercept_type":1,"applicable_range":{"user_list":["hidden"]}}`: 60011,
		`{"rule_name":"规则","word_list":["x"],"intercept_type":1,"applicable_range":{"department_list":[77]}}`: 60123,
		rule(strings.Repeat("长", 20), `"`+strings.Repeat("长", 32)+`"`, `,"semantics_list":[1,2,3]`):           0,
	})
	for _, path := range []string{ruleGet, ruleDelete, ruleUpdate} {
		w.refused(path, map[string]int{`{}`: 40063, `{"rule_id":"nobody"}`: 41070})
	}
	w.refused(ruleUpdate, map[string]int{
		`{"rule_id":"` + other + `","rule_name":"` + strings.Repeat("长", 20) + `"}`:                          41077,
		`{"rule_id":"` + other + `","remove_applicable_range":{"user_list":["wang"],"department_list":[1]}}`: 40063,
		`{"rule_id":"` + other + `","word_list":[],"extra_rule":{}}`:                                         40063,
	})
	for i := range 98 {
		w.rule(fmt.Sprint(i), InterceptWarn, 1, "x")
	}
	w.refused(ruleAdd, map[string]int{rule("规则", `"x"`, ""): 41069})
	if out := w.get(ruleList); size(out["rule_list"]) != 100 {
		t.Errorf("%d rules", size(out["rule_list"]))
	}
}
