package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// mp4 makes a video of some seconds; long writes its times with 64 bits.
func mp4(seconds uint32, long bool) []byte {
	box := func(kind string, body []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), append([]byte(kind), body...)...)
	}
	head := make([]byte, 100)
	if long {
		head[0] = 1
		binary.BigEndian.PutUint32(head[20:], 600)
		binary.BigEndian.PutUint64(head[24:], uint64(seconds)*600)
	} else {
		binary.BigEndian.PutUint32(head[12:], 600)
		binary.BigEndian.PutUint32(head[16:], seconds*600)
	}
	return append(box("ftyp", []byte("mp42\x00\x00\x00\x00mp42")), box("moov", append(box("free", nil), box("mvhd", head)...))...)
}

func TestUploadsAreChecked(t *testing.T) {
	voice := func(frames int) []byte {
		return append([]byte(voiceHead), bytes.Repeat(append([]byte{0x3c}, make([]byte, 31)...), frames)...)
	}
	w := newWorld(t, Config{})
	for name, tc := range map[string]struct {
		path string
		data []byte
		want int
	}{
		"a type that is none":      {"media/upload?type=poem", fileOf("", 100), 40005},
		"no type":                  {"media/upload", fileOf("", 100), 40005},
		"a picture":                {"media/upload?type=image", fileOf("image", 100), 0},
		"five bytes":               {"media/upload?type=file", fileOf("file", 5), 40006},
		"six bytes":                {"media/upload?type=file", fileOf("file", 6), 0},
		"a small picture":          {"media/upload?type=image", fileOf("image", 5), 40009},
		"the largest picture":      {"media/upload?type=image", fileOf("image", 10<<20), 0},
		"a large picture":          {"media/upload?type=image", fileOf("image", 10<<20+1), 40009},
		"a large video":            {"media/upload?type=video", fileOf("video", 10<<20+1), 40011},
		"a large voice":            {"media/upload?type=voice", fileOf("voice", 2<<20+1), 45001},
		"a large file":             {"media/upload?type=file", fileOf("file", 20<<20+1), 45001},
		"a text for a picture":     {"media/upload?type=image", []byte("<svg></svg>"), 40004},
		"half a picture":           {"media/upload?type=image", fileOf("image", 20), 40123},
		"a picture for a video":    {"media/upload?type=video", fileOf("image", 100), 40004},
		"a picture for a voice":    {"media/upload?type=voice", fileOf("image", 100), 40004},
		"a minute of voice":        {"media/upload?type=voice", voice(3000), 0},
		"more than a minute":       {"media/upload?type=voice", voice(3001), 45007},
		"an image for ever":        {"media/uploadimg", fileOf("image", 100), 0},
		"a text for ever":          {"media/uploadimg", []byte("<svg></svg>"), 40004},
		"a moment's picture":       {"media/upload_attachment?media_type=image&attachment_type=1", pictureOf(1440, 1080), 0},
		"a moment's large picture": {"media/upload_attachment?media_type=image&attachment_type=1", pictureOf(1441, 1080), 41080},
		"an album's large picture": {"media/upload_attachment?media_type=image&attachment_type=2", pictureOf(1441, 1080), 0},
		"a moment's video":         {"media/upload_attachment?media_type=video&attachment_type=1", mp4(30, false), 0},
		"a moment's long video":    {"media/upload_attachment?media_type=video&attachment_type=1", mp4(31, false), 41081},
		"one with long times":      {"media/upload_attachment?media_type=video&attachment_type=1", mp4(31, true), 41081},
		"a moment's large file":    {"media/upload_attachment?media_type=file&attachment_type=1", fileOf("file", 10<<20+1), 41082},
		"an album's video":         {"media/upload_attachment?media_type=video&attachment_type=2", mp4(1, false), 40005},
		"a voice as attachment":    {"media/upload_attachment?media_type=voice&attachment_type=1", voice(1), 40005},
		"attachments of no type":   {"media/upload_attachment?media_type=image", fileOf("image", 100), 40058},
	} {
		if out := w.uploadFile(tc.path, "a", tc.data); code(out) != tc.want {
			t.Errorf("%s: %v, want %d", name, out, tc.want)
		}
	}
}

func TestMediaCanBeAttachedForThreeDays(t *testing.T) {
	w := newWorld(t, Config{})
	out := w.upload("media/upload?type=image", 100)
	id, _ := out["media_id"].(string)
	if id == "" || out["type"] != "image" || out["created_at"] != fmt.Sprint(w.clock.Now().Unix()) {
		t.Fatalf("upload: %v", out)
	}
	chat := w.group("一群")
	send := func(id any) int {
		return code(w.post("externalcontact/add_msg_template", map[string]any{
			"chat_type": "group", "sender": "wang", "chat_id_list": []string{chat},
			"attachments": []any{map[string]any{"msgtype": "image", "image": map[string]any{"media_id": id}}},
		}))
	}
	if n := send(id); n != 0 {
		t.Errorf("fresh: %d", n)
	}
	attachment := w.upload("media/upload_attachment?media_type=image&attachment_type=1", 100)
	if _, number := attachment["created_at"].(float64); !number {
		t.Errorf("upload_attachment: %v", attachment)
	}
	if n := send(attachment["media_id"]); n != 40007 {
		t.Errorf("uploaded for moments: %d", n)
	}
	w.clock.Add(72 * time.Hour)
	w.login()
	if n := send(id); n != 40007 {
		t.Errorf("after three days: %d", n)
	}
	if all := w.Uploads(); len(all) != 2 || all[0].Purpose != "message" || all[1].Purpose != "moment" {
		t.Errorf("uploads: %v", all)
	}
}

func TestMediaIsFetchedWhole(t *testing.T) {
	w := newWorld(t, Config{})
	data := []byte("价目表,1.00\n")
	id := w.uploadFile("media/upload?type=file", "价目.csv", data)["media_id"].(string)
	fetch := func(ranges string) (*http.Response, []byte) {
		req := got[*http.Request](t)(http.NewRequest(http.MethodGet, w.url("media/get?media_id="+id), nil))
		req.Header.Set("Range", ranges)
		resp := got[*http.Response](t)(w.server.Client().Do(req))
		defer resp.Body.Close()
		return resp, got[[]byte](t)(io.ReadAll(resp.Body))
	}
	resp, body := fetch("")
	if !bytes.Equal(body, data) || !strings.Contains(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("fetched %q with %v", body, resp.Header)
	}
	if resp, body := fetch("bytes=0-3"); resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, data[:4]) {
		t.Errorf("a range: HTTP %d %q", resp.StatusCode, body)
	}
	for path, want := range map[string]int{
		"media/get": 41006, "media/get?media_id=x": 40007, "media/get/jssdk": 41006, "media/get/jssdk?media_id=" + id: 40007,
	} {
		if out := w.get(path); code(out) != want {
			t.Errorf("%s: %v", path, out)
		}
	}
	w.clock.Add(72 * time.Hour)
	w.login()
	if out := w.get("media/get?media_id=" + id); code(out) != 40007 {
		t.Errorf("after three days: %v", out)
	}
}

func TestImagesForEverAreServedAndCounted(t *testing.T) {
	w := newWorld(t, Config{})
	data := fileOf("image", 200)
	address := w.uploadFile("media/uploadimg", "a.png", data)["url"].(string)
	resp := got[*http.Response](t)(w.server.Client().Get(w.server.URL + strings.TrimPrefix(address, DefaultPublicURL)))
	defer resp.Body.Close()
	if body := got[[]byte](t)(io.ReadAll(resp.Body)); !bytes.Equal(body, data) || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%s: %d bytes of %s", address, len(body), resp.Header.Get("Content-Type"))
	}
	for _, path := range []string{"/pic_wework/2/0", "/pic_wework/x/0", "/pic_wework/0", "/pic_wework/-1/0"} {
		resp := got[*http.Response](t)(w.server.Client().Get(w.server.URL + path))
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", path, resp.StatusCode)
		}
	}
	for day := range 4 {
		w.media.perDay = dayCount{quotaDay(w.clock.Now()), imagesADay}
		w.media.perMonth = dayCount{"2026-11", (day + 1) * imagesADay}
		if out := w.upload("media/uploadimg", 100); code(out) != 45009 {
			t.Errorf("one too many on day %d: %v", day, out)
		}
		w.clock.Add(24 * time.Hour)
		w.login()
		want := 0
		if day >= 2 {
			want = 45009 // three thousand in a month
		}
		if out := w.upload("media/uploadimg", 100); code(out) != want {
			t.Errorf("on day %d: %v", day+1, out)
		}
	}
}
