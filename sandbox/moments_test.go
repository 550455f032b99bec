package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	addMomentPath = "externalcontact/add_moment_task"
	ec            = "externalcontact/"
)

// moment makes a moment and returns its id, none if it was not made, with the result of its job and the jobid.
func (w *world) moment(body any) (string, map[string]any) {
	w.t.Helper()
	job := w.ok(addMomentPath, body)["jobid"].(string)
	w.settle()
	out := w.get(ec + "get_moment_task_result?jobid=" + job)
	out["jobid"] = job
	result, _ := out["result"].(map[string]any)
	id, _ := result["moment_id"].(string)
	return id, out
}

func momentText(text string) map[string]any {
	return map[string]any{"text": map[string]string{"content": text}}
}

func TestTheJobOfAMomentPassesThroughThreeStates(t *testing.T) {
	w := newWorld(t, Config{})
	got[Contact](t)(w.AddContact("wang", w.customers(1)[0], Via{}))
	job := w.ok(addMomentPath, momentText("上新"))["jobid"].(string)
	for _, want := range []float64{1, 2, 3} {
		w.step()
		out := w.get(ec + "get_moment_task_result?jobid=" + job)
		if out["status"] != want || out["type"] != "add_moment_task" || (want == 3) != (out["result"] != nil) {
			t.Errorf("state %v: %v", want, out)
		}
		w.clock.Add(2 * time.Second)
	}
	if len(job) > 64 {
		t.Errorf("jobid of %d bytes", len(job))
	}
	w.clock.Add(24 * time.Hour)
	w.login()
	if out := w.get(ec + "get_moment_task_result?jobid=" + job); code(out) != 40058 {
		t.Errorf("after a day: %v", out)
	}
}

func TestAMomentGoesFromTheTaskToTheComments(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(3)
	for _, id := range p {
		got[Contact](t)(w.AddContact("wang", id, Via{}))
	}
	got[Contact](t)(w.AddContact("li", p[0], Via{}))
	tag := got[TagGroup](t)(w.AddTags("等级", "金卡")).Tags[0].ID
	must(t, w.Mark("wang", p[0], tag))
	must(t, w.Mark("wang", p[1], tag))
	id, out := w.moment(map[string]any{
		"text": map[string]string{"content": "上新"},
		"visible_range": map[string]any{
			"sender_list":           map[string]any{"user_list": []string{"wang", "ghost"}, "department_list": []int{1, 99}},
			"external_contact_list": map[string]any{"tag_list": []string{tag, "etNone"}},
		},
	})
	if dig(out, "result", "invalid_sender_list", "user_list", 0) != "ghost" || dig(out, "result", "invalid_sender_list", "department_list", 0) != 99.0 ||
		dig(out, "result", "invalid_external_contact_list", "tag_list", 0) != "etNone" {
		t.Errorf("result: %v", out)
	}
	task := w.ok(ec+"get_moment_task", map[string]any{"moment_id": id})
	if size(task["task_list"]) != 1 || dig(task, "task_list", 0, "userid") != "wang" || dig(task, "task_list", 0, "publish_status") != 0.0 {
		t.Errorf("task: %v", task)
	}
	ask := map[string]any{"moment_id": id, "userid": "wang"}
	if out := w.post(ec+"get_moment_send_result", ask); code(out) != 41062 {
		t.Errorf("before it is published: %v", out)
	}
	must(t, w.DeleteContact("wang", p[1], true))
	must(t, w.PublishMoment(id, "wang"))
	if w.PublishMoment(id, "wang") == nil || w.PublishMoment(id, "li") == nil || w.PublishMoment("x", "wang") == nil {
		t.Error("published twice, or by others")
	}
	if out := w.ok(ec+"get_moment_customer_list", ask); size(out["customer_list"]) != 2 || dig(out, "customer_list", 0, "userid") != "wang" {
		t.Errorf("audience: %v", out)
	}
	if out := w.ok(ec+"get_moment_send_result", ask); size(out["customer_list"]) != 1 || dig(out, "customer_list", 0, "external_userid") != p[0] {
		t.Errorf("shown: %v", out)
	}
	must(t, w.LikeMoment(id, "wang", p[0]))
	must(t, w.CommentMoment(id, "wang", p[0], "好"))
	must(t, w.CommentMoment(id, "wang", "wang", "谢谢"))
	for name, err := range map[string]error{
		"a second like": w.LikeMoment(id, "wang", p[0]), "one who does not see it": w.LikeMoment(id, "wang", p[2]),
		"an empty comment": w.CommentMoment(id, "wang", p[0], ""),
	} {
		if err == nil {
			t.Errorf("%s was allowed", name)
		}
	}
	reactions := w.ok(ec+"get_moment_comments", ask)
	if size(reactions["like_list"]) != 1 || dig(reactions, "like_list", 0, "external_userid") != p[0] ||
		size(reactions["comment_list"]) != 2 || dig(reactions, "comment_list", 1, "userid") != "wang" {
		t.Errorf("reactions: %v", reactions)
	}
	if task := w.ok(ec+"get_moment_task", ask); dig(task, "task_list", 0, "publish_status") != 1.0 {
		t.Errorf("task afterwards: %v", task)
	}
}

func TestMomentsAreListed(t *testing.T) {
	w := newWorld(t, Config{})
	got[Contact](t)(w.AddContact("wang", w.customers(1)[0], Via{}))
	img := w.upload("media/upload_attachment?media_type=image&attachment_type=1", 100)["media_id"]
	begin := w.clock.Now().Unix()
	body := momentText("上新")
	body["attachments"] = []any{
		map[string]any{"msgtype": "image", "image": map[string]any{"media_id": img}},
		map[string]any{"msgtype": "image", "image": map[string]any{"media_id": img}},
	}
	w.moment(body)
	got[string](t)(w.PostMoment("wang", "今天休息"))
	list := func(more ...any) map[string]any {
		ask := map[string]any{"start_time": begin, "end_time": begin + 3600}
		for i := 0; i < len(more); i += 2 {
			ask[more[i].(string)] = more[i+1]
		}
		return w.ok(ec+"get_moment_list", ask)
	}
	all := list()
	if size(all["moment_list"]) != 2 || size(dig(all, "moment_list", 0, "image")) != 2 || dig(all, "moment_list", 0, "create_type") != 0.0 ||
		dig(all, "moment_list", 1, "creator") != "wang" || dig(all, "moment_list", 1, "text", "content") != "今天休息" {
		t.Errorf("all: %v", all)
	}
	if out := list("filter_type", 1); size(out["moment_list"]) != 1 || dig(out, "moment_list", 0, "create_type") != 1.0 {
		t.Errorf("personal: %v", out)
	}
	if out := list("filter_type", 0, "creator", "wang"); size(out["moment_list"]) != 0 {
		t.Errorf("of the company by wang: %v", out)
	}
	first := list("limit", 1)
	if out := list("limit", 1, "cursor", first["next_cursor"]); size(out["moment_list"]) != 1 || out["next_cursor"] != "" {
		t.Errorf("second page: %v", out)
	}
}

func TestACancelledMomentIsNotPublished(t *testing.T) {
	w := newWorld(t, Config{})
	got[Contact](t)(w.AddContact("wang", w.customers(1)[0], Via{}))
	id, _ := w.moment(momentText("错"))
	must(t, w.SetFaults(Faults{Dispatch: time.Minute}))
	ask := map[string]any{"moment_id": id}
	if out := w.post(ec+"cancel_moment_task", ask); code(out) != 41079 {
		t.Errorf("cancelled at once: %v", out)
	}
	if out := w.post(ec+"get_moment_task", ask); code(out) != 41078 {
		t.Errorf("read at once: %v", out)
	}
	w.clock.Add(time.Minute)
	w.ok(ec+"cancel_moment_task", ask)
	if w.PublishMoment(id, "wang") == nil || w.Moments()[0].CancelledAt.IsZero() {
		t.Error("published after it was cancelled")
	}
}

func TestMomentsAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	got[Contact](t)(w.AddContact("wang", w.customers(1)[0], Via{}))
	mine := got[string](t)(w.PostMoment("wang", "今天休息"))
	id, _ := w.moment(momentText("上新"))
	upload := func(path string) string { return w.upload("media/"+path, 200)["media_id"].(string) }
	img, plain := upload("upload_attachment?media_type=image&attachment_type=1"), upload("upload?type=image")
	image := fmt.Sprintf(`{"msgtype":"image","image":{"media_id":%q}}`, img)
	link := `{"msgtype":"link","link":{"title":"t","url":"https://e.com"}}`
	now := w.clock.Now().Unix()
	for _, tc := range []struct {
		path, body string
		want       int
	}{
		{addMomentPath, `{}`, 44004},
		{addMomentPath, `{"text":{"content":"` + strings.Repeat("好", 2000) + `"}}`, 0},
		{addMomentPath, `{"text":{"content":"` + strings.Repeat("好", 2001) + `"}}`, 40058},
		{addMomentPath, `{"attachments":[` + strings.Repeat(image+",", 8) + image + `]}`, 0},
		{addMomentPath, `{"attachments":[` + strings.Repeat(image+",", 9) + image + `]}`, 41064},
		{addMomentPath, `{"attachments":[` + link + `]}`, 0},
		{addMomentPath, `{"attachments":[` + link + `,` + link + `]}`, 41064},
		{addMomentPath, `{"attachments":[` + image + `,` + link + `]}`, 41065},
		{addMomentPath, `{"attachments":[{"msgtype":"file","file":{"media_id":"x"}}]}`, 41065},
		{addMomentPath, `{"attachments":[{"msgtype":"image","image":{"media_id":"` + plain + `"}}]}`, 40007},
		{addMomentPath, `{"attachments":[{"msgtype":"video","video":{"media_id":"` + img + `"}}]}`, 40007},
		{addMomentPath, `{"attachments":[{"msgtype":"link","link":{"url":"e.com"}}]}`, 45034},
		{addMomentPath, `{"attachments":[{"msgtype":"link","link":{"title":"` + strings.Repeat("t", 65) + `","url":"https://e.com"}}]}`, 45002},
		{ec + "get_moment_task", `{}`, 41059},
		{ec + "get_moment_task", `{"moment_id":"x"}`, 41060},
		{ec + "get_moment_task", `{"moment_id":"` + mine + `"}`, 41067},
		{ec + "get_moment_task", `{"moment_id":"` + id + `","limit":1001}`, 40058},
		{ec + "cancel_moment_task", `{"moment_id":"` + mine + `"}`, 41067},
		{ec + "get_moment_comments", `{"moment_id":"` + mine + `"}`, 41009},
		{ec + "get_moment_comments", `{"moment_id":"` + mine + `","userid":"ghost"}`, 60111},
		{ec + "get_moment_comments", `{"moment_id":"` + mine + `","userid":"li"}`, 41061},
		{ec + "get_moment_customer_list", `{"moment_id":"` + id + `","userid":"wang"}`, 41062},
		{ec + "get_moment_send_result", `{"moment_id":"` + mine + `","userid":"wang","limit":5001}`, 40058},
		{ec + "get_moment_list", `{}`, 40063},
		{ec + "get_moment_list", fmt.Sprintf(`{"start_time":%d,"end_time":%d}`, now-31*86400, now), 40058},
		{ec + "get_moment_list", fmt.Sprintf(`{"start_time":%d,"end_time":%d,"limit":21}`, now-86400, now), 40058},
	} {
		if out := w.post(tc.path, tc.body); code(out) != tc.want {
			t.Errorf("%s %.80s: %v, want %d", tc.path, tc.body, out, tc.want)
		}
	}
	if out := w.get(ec + "get_moment_task_result"); code(out) != 40063 {
		t.Errorf("no jobid: %v", out)
	}
	if _, out := w.moment(map[string]any{"text": map[string]string{"content": "x"}, "visible_range": map[string]any{
		"sender_list": map[string]any{"user_list": []string{"zhao"}}}}); dig(out, "result", "errcode") != 41048.0 {
		t.Errorf("nobody to show it to: %v", out)
	}
	for i := range 11 {
		want := 0
		if i >= 10 {
			want = 45009
		}
		if i == 0 {
			w.clock.Add(time.Minute)
		}
		if out := w.post(addMomentPath, momentText("x")); code(out) != want {
			t.Errorf("creation %d within a minute: %v", i+1, out)
		}
	}
}
