package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaobu/codes"
)

// file asks the API for something printed.
func (r *rig) file(path string) (int, http.Header, []byte) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.base+"/api/v1"+path, nil)
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	return r.do(req)
}

// page asks as a telephone does, without any token.
func (r *rig) page(method, path string, header ...string) (int, http.Header, []byte) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.base+path, nil)
	must(r.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return r.do(req)
}

func (r *rig) do(req *http.Request) (int, http.Header, []byte) {
	r.t.Helper()
	resp, err := r.web.Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return resp.StatusCode, resp.Header, data
}

// needFont skips where nothing can be printed, unless XIAOBU_TEST_FONT=1 demands it.
func needFont(t *testing.T) {
	t.Helper()
	f, err := codes.OpenFonts("", codes.FontDirs())
	if err == nil {
		must(t, f.Close())
	} else if os.Getenv("XIAOBU_TEST_FONT") == "1" {
		t.Fatal(err)
	} else {
		t.Skip(err)
	}
}

// What is printed leads to the page, the page shows the code that WeCom made, and the scan is
// counted. When the code has been taken back, the same poster says whom to ask.
func TestAPosterLeadsIntoTheGroup(t *testing.T) {
	needFont(t)
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店", "region": "东区"}, nil)
	var c code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"store_id": "east", "place": "3号收银台", "purpose": "till"}), &c)
	status, head, picture := r.file("/channels/" + c.ID + "/poster?format=png&headline=" + url.QueryEscape("进群领鸡蛋"))
	if status != http.StatusOK || head.Get("Content-Type") != "image/png" || !strings.Contains(head.Get("X-Xiaobu-Warning"), "public_url") {
		t.Fatalf("%d %v", status, head)
	}
	printed, err := codes.Decode(picture)
	if err != nil || printed != c.URL {
		t.Fatalf("the poster holds %q %v, want %q", printed, err, c.URL)
	}
	path := strings.TrimPrefix(printed, "http://127.0.0.1")
	status, head, body := r.page(http.MethodGet, path)
	if status != http.StatusOK || !strings.Contains(string(body), "东门店") || !strings.Contains(string(body), "长按识别二维码进群") {
		t.Fatalf("%d %s", status, body)
	}
	for name, part := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Robots-Tag": "noindex", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if !strings.Contains(head.Get(name), part) {
			t.Errorf("%s is %q", name, head.Get(name))
		}
	}
	_, _, wecom := r.file("/channels/" + c.ID + "/poster?format=png&content=wecom&size=A6")
	want, err := codes.Decode(wecom)
	if err != nil || !strings.Contains(want, c.ConfigID) {
		t.Fatalf("WeCom's code holds %q %v", want, err)
	}
	src := regexp.MustCompile(`src="([^"]+)"`).FindSubmatch(body)[1]
	_, _, shown := r.page(http.MethodGet, string(src))
	if got, err := codes.Decode(shown); err != nil || got != want {
		t.Errorf("the page shows %q %v, want %q", got, err, want)
	}
	if status, _, body = r.page(http.MethodHead, path); status != http.StatusOK || len(body) > 0 {
		t.Errorf("HEAD: %d, %d bytes", status, len(body))
	}
	r.drain()
	var counts struct{ Scans int }
	r.want(http.StatusOK, http.MethodGet, "/channels/"+c.ID, nil, &counts)
	days := items[struct {
		Day    string
		Scans  int
		LastAt time.Time `json:"last_at"`
	}](r, "/channels/"+c.ID+"/scans")
	today := r.clock.now().In(r.conf.Timezone).Format(time.DateOnly)
	if counts.Scans != 1 || len(days) != 1 || days[0].Day != today || days[0].Scans != 1 || !days[0].LastAt.Equal(r.clock.now()) {
		t.Errorf("scans %+v and %+v, want one on %s", counts, days, today)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/channels/"+c.ID, nil, nil)
	status, _, body = r.page(http.MethodGet, path)
	if status != http.StatusNotFound || !strings.Contains(string(body), "已经停用") || !strings.Contains(string(body), "东门店") {
		t.Errorf("deleted: %d %s", status, body)
	}
}

func TestPostersOfAChainComeAsAZIP(t *testing.T) {
	needFont(t)
	r, w := townRig(t)
	for _, s := range []string{"east", "west"} {
		r.want(http.StatusOK, http.MethodPut, "/stores/"+s, map[string]any{"name": "=东门/店", "region": s + "区"}, nil)
		for i := range 2 {
			r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"store_id": s, "place": fmt.Sprint(i, "号台")}), nil)
		}
	}
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"name": "王\U00010380"}), nil) // no font has that
	unzip := func(query string) ([]string, [][]string, []byte) {
		status, head, data := r.file("/posters.zip" + query)
		if status != http.StatusOK || head.Get("Content-Type") != "application/zip" {
			t.Fatalf("%d %s", status, data)
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		must(t, err)
		var names []string
		var index [][]string
		for _, f := range z.File {
			names = append(names, f.Name)
			if f.Name != "index.csv" {
				continue
			}
			in, err := f.Open()
			must(t, err)
			index, err = csv.NewReader(in).ReadAll()
			must(t, err)
		}
		return names, index, data
	}
	names, index, data := unzip("")
	if len(names) != 9 || names[8] != "index.csv" || len(index) != 6 {
		t.Fatalf("%q %q", names, index)
	}
	folders := map[string]int{}
	for _, n := range names[:8] {
		folder, _, _ := strings.Cut(n, "/")
		folders[folder]++
	}
	if folders["东门_店_east"] != 4 || folders["东门_店_west"] != 4 {
		t.Errorf("folders %v", folders)
	}
	if row := index[1]; row[0] != "" || !strings.Contains(row[9], "U+10380") {
		t.Errorf("a poster that cannot be printed: %q", row)
	}
	if row := index[2]; row[1] != "east" || row[2] != "'=东门/店" || !strings.HasPrefix(row[8], "http://127.0.0.1/q/") || !strings.Contains(row[9], "public_url") {
		t.Errorf("got %q", row)
	}
	if _, _, again := unzip(""); !bytes.Equal(data, again) {
		t.Error("the same day must give the same bytes")
	}
	if names, _, _ = unzip("?region=" + url.QueryEscape("west区")); len(names) != 5 {
		t.Errorf("%q", names)
	}
	if names, _, _ = unzip("?store_id=east&size=A6&content=wecom"); len(names) != 5 {
		t.Errorf("%q", names)
	}
	for path, want := range map[string]int{"/posters.zip?store_id=north": 404, "/stores/north/posters": 404, "/channels/99/poster": 404, "/channels/1/poster?format=gif": 422, "/channels/1/poster?size=A5": 422} {
		if status, _, body := r.file(path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	status, head, doc := r.file("/stores/east/posters")
	if status != http.StatusOK || head.Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(doc, []byte("%PDF-")) {
		t.Errorf("%d %v", status, head)
	}
}
