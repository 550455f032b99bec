package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

const (
	tagAdd    = "externalcontact/add_corp_tag"
	tagEdit   = "externalcontact/edit_corp_tag"
	tagDelete = "externalcontact/del_corp_tag"
	tagList   = "externalcontact/get_corp_tag_list"
	tagMark   = "externalcontact/mark_tag"
)

func tagCalls() []goodCall {
	const tag = `{"id":"x","name":"x","create_time":1,"order":1`
	const group = `{"group_id":"x","group_name":"x","create_time":1,"order":1`
	return []goodCall{
		{tagAdd, `{"group_id":"","group_name":"活动","order":1,"tag":[{"name":"六月","order":1}],"agentid":1000002}`, `{"tag_group":` + group + `,"tag":[` + tag + `}]}}`},
		{tagList, `{"tag_id":["$TAG"],"group_id":["$TAGGROUP"]}`, `{"tag_group":[` + group + `,"deleted":false,"tag":[` + tag + `,"deleted":false}]}]}`},
		{tagMark, `{"userid":"wang","external_userid":"$CUST","add_tag":["$TAG"],"remove_tag":["$TAG2"]}`, `{}`},
		{tagEdit, `{"id":"$TAG","name":"六月活动","order":1,"agentid":1000002}`, `{}`},
		{tagDelete, `{"tag_id":["$TAG"],"group_id":["$TAGGROUP"],"agentid":1000002}`, `{}`},
	}
}

// tags makes a group of tags through the API and returns its id and theirs.
func (w *world) tags(group string, names ...string) (string, []string) {
	w.t.Helper()
	var list []any
	for _, name := range names {
		list = append(list, map[string]any{"name": name})
	}
	out := w.ok(tagAdd, map[string]any{"group_name": group, "tag": list})
	ids := make([]string, size(dig(out, "tag_group", "tag")))
	for i := range ids {
		ids[i] = dig(out, "tag_group", "tag", i, "id").(string)
	}
	return dig(out, "tag_group", "group_id").(string), ids
}

// kinds are the kinds of the events after the first n.
func (w *world) kinds(n int) []string {
	out := []string{}
	for _, cb := range w.Callbacks()[n:] {
		out = append(out, cb.Kind)
	}
	return out
}

// refused makes calls that must answer the codes they stand under.
func (w *world) refused(path string, byBody map[string]int) {
	w.t.Helper()
	for body, want := range byBody {
		if out := w.post(path, body); code(out) != want {
			w.t.Errorf("%s with %.120s answered %v, want %d", path, body, out, want)
		}
	}
}

func TestTagsAreAddedToGroups(t *testing.T) {
	w := newWorld(t, Config{})
	out := w.ok(tagAdd, `{"group_name":"来源","order":3,"tag":[{"name":"一店","order":1},{"name":"二店","order":9},{"name":"一店"}]}`)
	group := dig(out, "tag_group", "group_id").(string)
	if size(dig(out, "tag_group", "tag")) != 2 || !strings.HasPrefix(group, "et") || dig(out, "tag_group", "order") != 3.0 {
		t.Errorf("add_corp_tag: %v", out)
	}
	same(t, "events of a group with two tags", w.kinds(0), []string{"change_external_tag.create", "change_external_tag.create", "change_external_tag.create"})
	first := w.Callbacks()[0]
	if !strings.Contains(first.XML, "<TagType><![CDATA[tag_group]]></TagType>") || !first.At.Equal(w.Callbacks()[2].At) {
		t.Errorf("the group's event: %s", first.XML)
	}
	// A group is found by its name, or by its id, whose name and order are then ignored.
	out = w.ok(tagAdd, `{"group_name":"来源","tag":[{"name":"三店"}]}`)
	if dig(out, "tag_group", "group_id") != group || size(dig(out, "tag_group", "tag")) != 1 {
		t.Errorf("into the same group by name: %v", out)
	}
	out = w.ok(tagAdd, fmt.Sprintf(`{"group_id":%q,"group_name":"别名","order":8,"tag":[{"name":"四店"}]}`, group))
	if dig(out, "tag_group", "group_name") != "来源" || dig(out, "tag_group", "order") != 3.0 {
		t.Errorf("into the same group by id: %v", out)
	}
	w.ok(tagAdd, `{"group_name":"等级","order":7,"tag":[{"name":"一店"}]}`)
	out = w.ok(tagList, `{}`)
	if dig(out, "tag_group", 0, "group_name") != "等级" || size(dig(out, "tag_group", 1, "tag")) != 4 ||
		dig(out, "tag_group", 1, "tag", 0, "name") != "二店" || dig(out, "tag_group", 1, "deleted") != nil {
		t.Errorf("get_corp_tag_list, the highest order first: %v", out)
	}
}

func TestTagCallsAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	console := got[TagGroup](t)(w.AddTags("总部", "要客"))
	group, ids := w.tags("来源", "一店", "二店")
	long := strings.Repeat("长", 31)
	w.refused(tagAdd, map[string]int{
		`{"tag":[{"name":"x"}]}`:                                                                               40063,
		`{"group_name":"空组","tag":[]}`:                                                                         40063,
		`{"group_name":"空名","tag":[{"order":1}]}`:                                                              40063,
		`{"group_name":"来源","tag":[{"name":"新"},{"name":"一店"}]}`:                                               40071,
		`{"group_name":"来源","tag":[{"name":"` + long + `"}]}`:                                                  40058,
		`{"group_name":"` + long + `","tag":[{"name":"x"}]}`:                                                   40058,
		`{"group_name":"x","tag":[{"name":"x","order":-1}]}`:                                                   40058,
		`{"group_name":"x","order":4294967296,"tag":[{"name":"x"}]}`:                                           40058,
		`{"group_id":"etnobody","tag":[{"name":"x"}]}`:                                                         40068,
		`{"group_id":"` + ids[0] + `","tag":[{"name":"x"}]}`:                                                   40068,
		`{"group_name":"多","tag":[` + strings.Repeat(`{"name":"x"},`, 3) + manyNames(2998) + `]}`:              40126,
		`{"group_name":"` + strings.Repeat("长", 30) + `","tag":[{"name":"` + string([]rune(long)[1:]) + `"}]}`: 0,
	})
	w.refused(tagEdit, map[string]int{
		`{"name":"x"}`:                                  40063,
		`{"id":"etnobody","name":"x"}`:                  40068,
		`{"id":"` + ids[0] + `","name":"二店"}`:           40071,
		`{"id":"` + group + `","name":"总部"}`:            40071,
		`{"id":"` + ids[0] + `","name":"` + long + `"}`: 40058,
		`{"id":"` + console.ID + `","name":"x"}`:        301002,
		`{"id":"` + console.Tags[0].ID + `","order":2}`: 301002,
	})
	w.refused(tagDelete, map[string]int{
		`{}`:                              40063,
		`{"tag_id":["etnobody"]}`:         40068,
		`{"tag_id":["` + group + `"]}`:    40068,
		`{"group_id":["` + ids[0] + `"]}`: 40068,
		`{"tag_id":["` + ids[0] + `","` + console.Tags[0].ID + `"]}`:      301002,
		`{"tag_id":["` + ids[0] + `"],"group_id":["` + console.ID + `"]}`: 301002,
		`{"tag_id":"` + ids[0] + `"}`:                                     40058,
	})
	if n := len(w.TagGroups()[1].Tags); n != 2 || w.TagGroups()[1].Tags[0].Deleted {
		t.Errorf("a refused call has done something: %+v", w.TagGroups())
	}
}

func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`{"name":"n%d"}`, i)
	}
	return strings.Join(names, ",")
}

func TestACompanyHasAtMost3000Tags(t *testing.T) {
	w := newWorld(t, Config{})
	w.ok(tagAdd, `{"group_name":"多","tag":[`+manyNames(3000)+`]}`)
	if out := w.post(tagAdd, `{"group_name":"多","tag":[{"name":"x"}]}`); code(out) != 40126 {
		t.Errorf("the 3001st tag: %v", out)
	}
	if _, err := w.AddTags("多", "x"); err == nil {
		t.Error("the console made the 3001st tag")
	}
}

func TestTagsAreEditedAndDeleted(t *testing.T) {
	w := newWorld(t, Config{})
	group, ids := w.tags("来源", "一店", "二店")
	n := len(w.Callbacks())
	w.ok(tagEdit, fmt.Sprintf(`{"id":%q,"name":"一号店","order":5,"agentid":1000002}`, ids[0]))
	w.ok(tagEdit, fmt.Sprintf(`{"id":%q,"name":"门店","agentid":null}`, group))
	w.ok(tagDelete, fmt.Sprintf(`{"tag_id":[%q],"group_id":[]}`, ids[1]))
	w.ok(tagDelete, fmt.Sprintf(`{"tag_id":[%q]}`, ids[0]))
	const event = "change_external_tag."
	same(t, "events", w.kinds(n), []string{event + "update", event + "update", event + "delete", event + "delete", event + "delete"})
	if last := w.Callbacks()[n+4]; !strings.Contains(last.XML, group) || !strings.Contains(last.XML, "tag_group") {
		t.Errorf("with its last tag the group is deleted: %s", last.XML)
	}
	if out := w.ok(tagList, `{}`); size(out["tag_group"]) != 0 {
		t.Errorf("deleted tags are listed: %v", out)
	}
	out := w.ok(tagList, map[string]any{"tag_id": []string{ids[0]}})
	if dig(out, "tag_group", 0, "deleted") != true || dig(out, "tag_group", 0, "tag", 0, "deleted") != true || size(dig(out, "tag_group", 0, "tag")) != 1 {
		t.Errorf("a deleted tag by its id: %v", out)
	}
	out = w.ok(tagList, map[string]any{"tag_id": []string{"etnobody"}, "group_id": []string{group}})
	if size(dig(out, "tag_group", 0, "tag")) != 2 || dig(out, "tag_group", 0, "group_name") != "门店" {
		t.Errorf("group ids win over tag ids: %v", out)
	}
	if out := w.post(tagEdit, fmt.Sprintf(`{"id":%q,"name":"x"}`, ids[0])); code(out) != 40068 {
		t.Errorf("edit what is deleted: %v", out)
	}
}

func TestTheConsoleChangesTags(t *testing.T) {
	w := newWorld(t, Config{})
	g := got[TagGroup](t)(w.AddTags("等级", "金", "银", "铜"))
	got[TagGroup](t)(w.AddTags("等级", "铁"))
	must(t, w.RenameTag(g.Tags[0].ID, "黄金"))
	must(t, w.ShuffleTags(g.ID))
	must(t, w.ShuffleTags(""))
	must(t, w.DeleteTag(g.Tags[1].ID))
	must(t, w.DeleteTag(g.ID))
	const event = "change_external_tag."
	same(t, "events", w.kinds(0), []string{
		event + "create", event + "create", event + "create", event + "create", event + "create", event + "update",
		event + "shuffle", event + "shuffle", event + "delete", event + "delete",
	})
	if xml := w.Callbacks()[6].XML; !strings.Contains(xml, g.ID) || strings.Contains(xml, "TagType") {
		t.Errorf("shuffle: %s", xml)
	}
	for name, err := range map[string]error{
		"a deleted tag is renamed":  w.RenameTag(g.Tags[1].ID, "x"),
		"a deleted group":           w.DeleteTag(g.ID),
		"an unknown group shuffled": w.ShuffleTags("etnobody"),
	} {
		if err == nil {
			t.Error(name)
		}
	}
}

func TestTagsArePutOnCustomers(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(2)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	_, ids := w.tags("来源", "一店", "二店")
	n := len(w.Callbacks())
	w.ok(tagMark, map[string]any{"userid": "WANG", "external_userid": p[0], "add_tag": ids})
	must(t, w.Mark("wang", p[0], "重点"))
	w.ok(tagMark, map[string]any{"userid": "wang", "external_userid": p[0], "remove_tag": ids[:1]})
	const edit = "change_external_contact.edit_external_contact"
	same(t, "events", w.kinds(n), []string{edit, edit, edit})
	out := w.get("externalcontact/get?external_userid=" + p[0])
	tags := dig(out, "follow_user", 0, "tags")
	if size(tags) != 2 || dig(tags, 0, "tag_id") != ids[1] || dig(tags, 0, "group_name") != "来源" || dig(tags, 0, "type") != 1.0 ||
		dig(tags, 1, "tag_name") != "重点" || dig(tags, 1, "type") != 2.0 || dig(tags, 1, "tag_id") != nil {
		t.Errorf("tags: %v", tags)
	}
	batch := map[string]any{"userid_list": []string{"wang"}}
	if out := w.ok("externalcontact/batch/get_by_user", batch); dig(out, "external_contact_list", 0, "follow_info", "tag_id", 0) != ids[1] {
		t.Errorf("batch: %v", out)
	}
	w.ok(tagDelete, map[string]any{"tag_id": ids[1:]})
	if out := w.ok("externalcontact/batch/get_by_user", batch); size(dig(out, "external_contact_list", 0, "follow_info", "tag_id")) != 0 {
		t.Errorf("a deleted tag stays: %v", out)
	}
	with := func(user, customer, rest string) string {
		return fmt.Sprintf(`{"userid":%q,"external_userid":%q%s}`, user, customer, rest)
	}
	add := `,"add_tag":["` + ids[0] + `"]`
	w.refused(tagMark, map[string]int{
		with("", p[0], add):                                41009,
		with("wang", "", add):                              41035,
		with("wang", p[0], ""):                             40063,
		with("nobody", p[0], add):                          60111,
		with("wang", "wmnobody", add):                      40096,
		with("wang", p[1], add):                            84061,
		with("li", p[0], add):                              84061,
		with("wang", p[0], `,"add_tag":["etnobody"]`):      40068,
		with("wang", p[0], `,"remove_tag":["`+ids[1]+`"]`): 40068,
	})
}

func TestAMassMessageFindsCustomersByTags(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(4)
	_, stores := w.tags("来源", "一店", "二店")
	_, ranks := w.tags("等级", "金", "银")
	mark := func(user, customer string, tags ...string) {
		got[Contact](t)(w.AddContact(user, customer, Via{}))
		w.ok(tagMark, map[string]any{"userid": user, "external_userid": customer, "add_tag": tags})
	}
	mark("wang", p[0], stores[0], ranks[0])
	mark("wang", p[1], stores[1], ranks[0])
	mark("wang", p[2], stores[0], ranks[1])
	mark("li", p[2], stores[1])
	mark("li", p[3], stores[0], ranks[0])
	targets := func(sender string, groups ...[]string) map[string][]string {
		var list []any
		for _, tags := range groups {
			list = append(list, map[string]any{"tag_list": tags})
		}
		w.ok("externalcontact/add_msg_template", map[string]any{
			"sender": sender, "tag_filter": map[string]any{"group_list": list}, "text": map[string]string{"content": "x"},
		})
		out := map[string][]string{}
		for _, share := range w.Tasks()[len(w.Tasks())-1].Shares {
			out[share.User] = share.Targets
		}
		return out
	}
	same(t, "either store and gold", targets("", stores, ranks[:1]), map[string][]string{"wang": {p[0], p[1]}, "li": {p[3]}})
	same(t, "either store, by who had the customer last", targets("", stores), map[string][]string{"wang": {p[0], p[1]}, "li": {p[2], p[3]}})
	same(t, "silver, only wang's", targets("wang", ranks[1:]), map[string][]string{"wang": {p[2]}})
	same(t, "silver is not on the newer contact", targets("", ranks[1:]), map[string][]string{"wang": {p[2]}})
	out := w.ok("externalcontact/add_msg_template", map[string]any{
		"external_userid": p[1:2], "tag_filter": map[string]any{"group_list": []any{map[string]any{"tag_list": ranks[1:]}}},
		"text": map[string]string{"content": "x"},
	})
	if task := w.Tasks()[len(w.Tasks())-1]; task.Shares[0].Targets[0] != p[1] || size(out["fail_list"]) != 0 {
		t.Errorf("named customers win over the filter: %+v", task)
	}
}
