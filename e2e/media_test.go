package e2e

import (
	"bytes"
	"encoding/json"

	"image"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

type mediaFile struct {
	ID, Name, Type, Mime, SHA256 string
	Bytes, Width, Height         int
	ExpiresAt                    *time.Time `json:"expires_at"`
}

func poster(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 6))))
	return b.Bytes()
}

// form is a browser's form with one file.
func form(t testing.TB, name string, data []byte) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	must(t, err)
	_, err = part.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.String(), w.FormDataContentType()
}

// A poster of the library goes out every day; WeCom forgets it after three, and gets it again.
func TestAPosterIsUploadedAgainWhenItsThreeDaysAreOver(t *testing.T) {
	r := newRig(t, 1, nil)
	must(t, r.box.AddStaff(sandbox.Staff{UserID: "wang", Name: "王"}))
	_, err := r.box.CreateGroup("wang", "一群")
	must(t, err)
	r.bringIn()
	r.pass(time.Minute)
	body, kind := form(t, "海报.png", poster(t))
	var file, again mediaFile
	r.want(http.StatusCreated, http.MethodPost, "/media", body, &file, "Content-Type", kind, "Idempotency-Key", "p1")
	r.want(http.StatusCreated, http.MethodPost, "/media", body, &again, "Content-Type", kind, "Idempotency-Key", "p1")
	if file.ID != again.ID || file.Type != "image" || file.Name != "海报.png" || file.Width != 8 || file.ExpiresAt != nil {
		t.Fatalf("%+v and %+v", file, again)
	}
	r.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": "每日", "schedule": map[string]any{"cron": "0 10 * * *"},
		"targets": map[string]any{"all": true}, "message": map[string]any{"text": "{date}", "attachments": []map[string]any{{"type": "image", "media": file.ID}}}}, nil)
	if n := len(r.box.Uploads()); n != 0 {
		t.Errorf("%d uploads before anything was due", n)
	}
	r.until(monday.AddDate(0, 0, 4))
	uploads, tasks := r.box.Uploads(), r.box.Tasks()
	if len(tasks) != 4 || len(uploads) != 2 {
		t.Fatalf("%d tasks, %d uploads", len(tasks), len(uploads))
	}
	if gap := uploads[1].UploadedAt.Sub(uploads[0].UploadedAt); gap < 48*time.Hour || gap > 72*time.Hour || uploads[0].Name != "海报.png" || uploads[0].Type != "image" {
		t.Errorf("%+v, again after %v", uploads[0], gap)
	}
	for i, task := range tasks {
		want := uploads[0].MediaID
		if !task.CreatedAt.Before(uploads[1].UploadedAt) {
			want = uploads[1].MediaID
		}
		if raw := string(task.Attachments[0].Body); !strings.Contains(raw, want) {
			t.Errorf("task %d has %s, want %s", i, raw, want)
		}
	}
	r.want(http.StatusOK, http.MethodGet, "/media/"+file.ID, nil, &file)
	if file.ExpiresAt == nil || !file.ExpiresAt.After(r.clock.now()) {
		t.Errorf("expires at %v", file.ExpiresAt)
	}
	var conflict struct{ Detail string }
	r.want(http.StatusConflict, http.MethodDelete, "/media/"+file.ID, nil, &conflict)
	if !strings.Contains(conflict.Detail, "每日") {
		t.Errorf("conflict: %s", conflict.Detail)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/promotions/1", nil, nil)
	r.want(http.StatusNoContent, http.MethodDelete, "/media/"+file.ID, nil, nil)
	r.want(http.StatusNotFound, http.MethodGet, "/media/"+file.ID, nil, nil)
}

// A greeting has seconds: no file is uploaded for it.
func TestAGreetingTakesNoFileOfTheLibrary(t *testing.T) {
	r, _ := townRig(t)
	for _, id := range []string{"default", "group"} {
		r.refusal(http.StatusUnprocessableEntity, "attachments[0].media", http.MethodPut, "/welcomes/"+id,
			map[string]any{"text": "您好", "attachments": []map[string]any{{"type": "image", "media": "1"}}})
	}
}

// What is in a file never runs in a browser, whatever it is called.
func TestFilesAreHandedOutSoThatNothingRuns(t *testing.T) {
	r, _ := townRig(t)
	for name, c := range map[string]struct {
		data string
		kind string
	}{
		"海报.png":     {string(poster(t)), "image/png"},
		"a.html":     {"<script>alert(1)</script>", "application/octet-stream"},
		`"x";y.svg`:  {`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "application/octet-stream"},
		"价目表.xlsx":   {"PK\x03\x04....", "application/octet-stream"},
		"script.png": {"<script>alert(1)</script>", "application/octet-stream"},
	} {
		var file mediaFile
		r.want(http.StatusCreated, http.MethodPost, "/media?name="+url.QueryEscape(name), c.data, &file, "Content-Type", "image/png")
		req, err := http.NewRequest(http.MethodGet, r.base+"/api/v1/media/"+file.ID+"/content", nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+apiToken)
		resp, err := r.web.Do(req)
		must(t, err)
		data, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		how, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
		must(t, err)
		if how != "attachment" || params["filename"] != name || resp.Header.Get("Content-Type") != c.kind ||
			resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "sandbox") || string(data) != c.data {
			t.Errorf("%s: %v %q", name, resp.Header, data)
		}
	}
	if n := len(items[mediaFile](r, "/media")); n != 5 {
		t.Errorf("%d files", n)
	}
	if n := len(items[mediaFile](r, "/media?type=image")); n != 1 {
		t.Errorf("%d images", n)
	}
}

func TestFilesThatCannotBeAreRefused(t *testing.T) {
	r, _ := townRig(t)
	refused := func(status int, field, path, body, kind string) {
		t.Helper()
		var problem json.RawMessage
		if got := r.call(http.MethodPost, path, body, &problem, "Content-Type", kind); got != status || !strings.Contains(string(problem), field) {
			t.Errorf("%s of %d bytes: %d %s; want %d with %s", path, len(body), got, problem, status, field)
		}
	}
	const raw = "application/octet-stream"
	empty, kind := form(t, "a.png", nil)
	refused(422, "body.file", "/media?name=a.txt", "12345", raw)
	refused(422, "body.name", "/media", "123456", raw)
	refused(422, "body.file", "/media?name=a.png&type=image", "123456", raw)
	refused(422, "body.file", "/media?name=a.mp4&type=video", string(poster(t)), raw)
	refused(422, "query.type", "/media?name=a.mp3&type=voice", "123456", raw)
	refused(422, "body.file", "/media", empty, kind)
	refused(422, "body.file", "/media", empty[:len(empty)/2], kind)
	refused(422, "body.file", "/media?name=a.bin", strings.Repeat("x", 20<<20+1), raw)
	refused(413, "", "/media?name=a.bin", strings.Repeat("x", 21<<20), raw)
	if n := len(items[mediaFile](r, "/media")); n != 0 {
		t.Errorf("%d files came into being", n)
	}
}

type phrase struct {
	ID, Name, Category, Text string
	Attachments              []map[string]any
}

func TestATextOfTheLibraryIsTakenOverAsItIs(t *testing.T) {
	r, _ := townRig(t)
	var made phrase
	body := map[string]any{"name": "早安", "category": "日常", "text": "早安{store}", "attachments": links(1)}
	r.want(http.StatusCreated, http.MethodPost, "/texts", body, &made)
	promo := map[string]any{"name": "早安", "schedule": map[string]any{"cron": "0 10 * * *"}, "targets": map[string]any{"all": true}, "message": map[string]any{"text_id": made.ID}}
	type said struct {
		ID      string
		Message struct {
			Text        string
			Attachments []map[string]any
		}
	}
	var before, after said
	r.want(http.StatusCreated, http.MethodPost, "/promotions", promo, &before)
	body["text"], body["attachments"] = "晚安", nil
	r.want(http.StatusOK, http.MethodPut, "/texts/"+made.ID, body, &made)
	r.want(http.StatusCreated, http.MethodPost, "/promotions", promo, &after)
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+before.ID, nil, &before)
	if before.Message.Text != "早安{store}" || len(before.Message.Attachments) != 1 || after.Message.Text != "晚安" || len(after.Message.Attachments) != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	promo["message"] = map[string]any{"text_id": made.ID, "text": "x"}
	r.refusal(http.StatusUnprocessableEntity, "text_id", http.MethodPost, "/promotions", promo)
	promo["message"] = map[string]any{"text_id": "99"}
	r.refusal(http.StatusUnprocessableEntity, "text_id", http.MethodPost, "/promotions", promo)
	for field, v := range map[string]any{"name": "", "text": "{shop}", "category": strings.Repeat("类", 51), "attachments": []map[string]any{{"type": "image", "media": "99"}}} {
		bad := map[string]any{"name": "早安", "text": "早安", field: v}
		r.refusal(http.StatusUnprocessableEntity, field, http.MethodPost, "/texts", bad)
	}
	if all := items[phrase](r, "/texts?category="+url.QueryEscape("日常")); len(all) != 1 || all[0].Text != "晚安" {
		t.Errorf("%+v", all)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/texts/"+made.ID, nil, nil)
	if ids := items[phrase](r, "/texts"); slices.ContainsFunc(ids, func(p phrase) bool { return p.ID == made.ID }) {
		t.Errorf("it is still there: %v", ids)
	}
}

// What the preview shows is what the group gets, to the byte.
func TestAPreviewShowsWhatGoesOut(t *testing.T) {
	r := newRig(t, 1, nil)
	must(t, r.box.AddStaff(sandbox.Staff{UserID: "wang", Name: "王"}))
	for _, name := range []string{"一群", "二<b>群"} {
		_, err := r.box.CreateGroup("wang", name)
		must(t, err)
	}
	r.bringIn()
	r.pass(time.Minute)
	var file mediaFile
	r.want(http.StatusCreated, http.MethodPost, "/media?name=a.png", string(poster(t)), &file, "Content-Type", "image/png")
	promo := map[string]any{"name": "早安", "schedule": map[string]any{"cron": "7 10 * * *"}, "targets": map[string]any{"all": true},
		"message":  map[string]any{"text": "{group}{date}{weekday}{deadline}:{products}", "attachments": []map[string]any{{"type": "image", "media": file.ID}}},
		"products": []map[string]any{{"name": "蛋", "price_fen": 990, "stock": 3, "limit": 1}, {"name": "米", "price_fen": 1, "stock": 0}}}
	type preview struct {
		At                              time.Time
		ChatID                          string `json:"chat_id"`
		Message                         struct{ Text string }
		Groups, Owners, Tasks, Messages int
		Warnings                        []struct{ Code string }
	}
	var before, after preview
	r.want(http.StatusOK, http.MethodPost, "/promotions/preview", promo, &before)
	if before.Groups != 2 || before.Owners != 1 || before.Tasks != 2 || before.Messages != 2 || len(before.Warnings) != 1 || before.Warnings[0].Code != "sold_out" {
		t.Errorf("%+v", before)
	}
	if n := len(items[map[string]any](r, "/promotions")); n != 0 {
		t.Errorf("a preview made %d promotions", n)
	}
	r.want(http.StatusCreated, http.MethodPost, "/promotions", promo, nil)
	r.want(http.StatusOK, http.MethodGet, "/promotions/1/preview?chat_id="+before.ChatID, nil, &after)
	r.until(before.At.Add(time.Minute))
	var said []string
	for _, task := range r.box.Tasks() {
		said = append(said, task.Text)
	}
	if len(said) != 2 || !slices.Contains(said, before.Message.Text) || after.Message.Text != before.Message.Text {
		t.Errorf("said %q, shown %q and %q", said, before.Message.Text, after.Message.Text)
	}
	req, err := http.NewRequest(http.MethodGet, r.base+"/api/v1/promotions/1/preview?format=html", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := r.web.Do(req)
	must(t, err)
	page, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") {
		t.Errorf("policy %q", policy)
	}
	if !strings.Contains(string(page), "data:image/jpeg;base64,") || strings.Contains(string(page), "<b>群") {
		t.Errorf("page: %.300s", page)
	}
	promo["chat_id"] = "nobody"
	r.refusal(http.StatusUnprocessableEntity, "chat_id", http.MethodPost, "/promotions/preview", promo)
	promo["chat_id"], promo["message"] = "", map[string]any{"text": "{shop}"}
	r.refusal(http.StatusUnprocessableEntity, "message.text", http.MethodPost, "/promotions/preview", promo)
}
