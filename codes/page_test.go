package codes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/store"
)

// platform has pictures of codes by address, and may be out of order.
type platform struct {
	mu    sync.Mutex
	holds map[string]string
	down  bool
	asked int
}

func (p *platform) Picture(_ context.Context, address string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	content, ok := p.holds[address]
	if p.down || !ok {
		return nil, errors.New("out of order")
	}
	if content == "" {
		return []byte("<html>"), nil
	}
	m, err := encode(content)
	if err != nil {
		return nil, err
	}
	return m.picture(6), nil
}

// desk is a store with the pages of its codes.
type desk struct {
	t        testing.TB
	store    *store.Store
	platform *platform
	pages    *Pages
	printer  *Printer
	face     http.Handler
	now      time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, platform: &platform{holds: map[string]string{"https://wecom/1": "https://work.weixin.qq.com/gm/one", "https://wecom/2": "https://work.weixin.qq.com/gm/two", "https://wecom/page": ""}},
		now: time.Date(2026, 11, 22, 15, 59, 59, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	s, err := store.OpenScratch(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), clock)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(t, err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	pictures := NewPictures(s, d.platform, clock, log)
	d.store = s
	d.pages = &Pages{Store: s, Pictures: pictures, Scans: NewScans(s, zone), Now: clock, Log: log}
	d.printer = &Printer{Store: s, Pictures: pictures, PublicURL: "https://xiaobu.example.com", FontDirs: FontDirs(), Now: clock, Zone: zone}
	t.Cleanup(func() { must(t, d.printer.Close()) })
	d.face = d.pages.Handler()
	d.tx(func(tx *store.Tx) error {
		return errors.Join(tx.PutShop(store.Shop{ID: "s1", Name: "东门店<b>", Region: "东区"}), tx.NameStaff("wang", "王小丽"))
	})
	return d
}

func (d *desk) tx(fn func(*store.Tx) error) {
	d.t.Helper()
	must(d.t, d.store.Tx(d.t.Context(), fn))
}

// channel opens a channel whose code lies at an address.
func (d *desk) channel(c store.Channel, address string) store.Channel {
	d.t.Helper()
	if c.Kind == "" {
		c.Kind = store.ChannelGroup
	}
	c.State, c.Status = "xb"+c.Code, store.ChannelMaking
	d.tx(func(tx *store.Tx) error {
		c.ID = 0
		return errors.Join(tx.AddChannel(&c), tx.OpenChannel(c.ID, "config"+c.Code, address))
	})
	c.QRCode = address
	return c
}

func (d *desk) get(path string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.face.ServeHTTP(w, r)
	return w
}

// shows demands a status and words, and that other words are not there.
func (d *desk) shows(w *httptest.ResponseRecorder, status int, words, not []string) {
	d.t.Helper()
	body := w.Body.String()
	if w.Code != status {
		d.t.Errorf("status %d, want %d", w.Code, status)
	}
	for _, word := range words {
		if !strings.Contains(body, word) {
			d.t.Errorf("the page lacks %q:\n%s", word, body)
		}
	}
	for _, word := range not {
		if strings.Contains(body, word) {
			d.t.Errorf("the page has %q:\n%s", word, body)
		}
	}
}

func TestWhatAScanShows(t *testing.T) {
	d := newDesk(t)
	d.channel(store.Channel{Name: "内部名称", Staff: "wang", ShopID: "s1", Code: "group1"}, "https://wecom/1")
	d.channel(store.Channel{Name: "内部名称", Staff: "wang", Kind: store.ChannelContact, Code: "contact1"}, "https://wecom/2")
	d.channel(store.Channel{Name: "张三的邀请码", Referrer: "wmZhang", HomeChat: "wr1", ChatIDs: []string{"wr1"}, Purpose: store.PurposeReferral, Code: "refer1"}, "https://wecom/1")
	d.tx(func(tx *store.Tx) error {
		return tx.NewChat(store.Chat{ChatID: "wr1", Name: "内部群名", Status: store.ChatActive, ShopID: "s1"})
	})
	d.channel(store.Channel{Name: "满", Staff: "nobody", Code: "dead1", Condition: store.CodeDead}, "https://wecom/1")
	d.channel(store.Channel{Name: "页", Staff: "wang", Code: "broken1"}, "https://wecom/page")
	picture := "/qr.png?v="
	internal := []string{"内部名称", "wang", "wr1", "张三", "wmZhang", "wecom/", "weixin"}
	d.shows(d.get("/q/group1"), 200, []string{"东门店&lt;b&gt;", "店员 王小丽", "长按识别二维码进群", "/q/group1" + picture, "编号 group1", "请到店里找 王小丽", `lang="zh-CN"`}, internal)
	d.shows(d.get("/q/group1", "Accept-Language", "en-US,en;q=0.9,zh;q=0.1"), 200, []string{"Press and hold", "Ask 王小丽", `lang="en"`}, []string{"长按"})
	d.shows(d.get("/q/group1", "Accept-Language", "zh-TW,en;q=0.5"), 200, []string{"长按"}, nil)
	d.shows(d.get("/q/group1", "Accept-Language", strings.Repeat("x-,;q=", 5000)), 200, []string{"长按"}, nil)
	d.shows(d.get("/q/contact1"), 200, []string{"<h1>扫码进群</h1>", "长按识别二维码加好友"}, internal)
	d.shows(d.get("/q/refer1"), 200, []string{"<h1>东门店", "长按识别二维码进群", "服务台"}, append(internal, "店员"))
	d.shows(d.get("/q/dead1"), 200, []string{"这个群已经解散", "服务台"}, []string{"<img", "nobody"})
	d.shows(d.get("/q/broken1"), 200, []string{"暂时取不到", "王小丽"}, []string{"<img"})
	for _, path := range []string{"/q/unknown1", "/q/", "/q/group1/", "/q/group1/other", "/q/" + strings.Repeat("a", 65), "/q/%27%20OR%201", "/q/群", "/q/unknown1/qr.png"} {
		w := d.get(path)
		d.shows(w, 404, []string{"这个二维码已经停用", "服务台"}, []string{"<img"})
		if w.Header().Get("X-Robots-Tag") == "" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	if w := d.get("/q/broken1/qr.png"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a picture that is not there: %d", w.Code)
	}
	post := httptest.NewRecorder()
	d.face.ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/q/group1", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", post.Code)
	}
}

// The page does without the platform once it knows a code, and follows it to a new one.
func TestThePageDoesWithoutThePlatform(t *testing.T) {
	d := newDesk(t)
	ch := d.channel(store.Channel{Name: "a", Staff: "wang", Code: "group1"}, "https://wecom/1")
	shown := func() string {
		t.Helper()
		w := d.get("/q/group1/qr.png")
		content, err := Decode(w.Body.Bytes())
		if err != nil {
			t.Fatalf("%d: %v", w.Code, err)
		}
		return content
	}
	var log bytes.Buffer
	d.pages.Pictures.log = slog.New(slog.NewTextHandler(&log, nil))
	d.pages.Log = d.pages.Pictures.log
	d.platform.down = true
	for range 5 {
		d.shows(d.get("/q/group1"), 200, []string{"暂时取不到"}, []string{"<img"})
		if w := d.get("/q/group1/qr.png"); w.Code != 503 {
			t.Errorf("a picture that nobody has: %d", w.Code)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("strangers wrote %d lines into the log:\n%s", n, log.String())
	}
	if d.platform.asked != 1 {
		t.Errorf("the platform was asked %d times while it was down", d.platform.asked)
	}
	d.platform.down = false
	d.now = d.now.Add(askAgain)
	for range 5 {
		if got := shown(); got != "https://work.weixin.qq.com/gm/one" {
			t.Fatalf("shows %q", got)
		}
	}
	if d.platform.asked != 2 {
		t.Errorf("the platform was asked %d times", d.platform.asked)
	}
	d.platform.down = true
	ch.QRCode = "https://wecom/2"
	if got, err := d.pages.Pictures.Content(t.Context(), ch); got != "https://work.weixin.qq.com/gm/one" || err == nil {
		t.Errorf("what may be old must be known and come with an error, got %q %v", got, err)
	}
	d.platform.down = false
	d.now = d.now.Add(askAgain)
	if got, err := d.pages.Pictures.Content(t.Context(), ch); got != "https://work.weixin.qq.com/gm/two" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
}

// Many who come at once ask the platform once, and each is counted on the day of the zone.
func TestScansAreCounted(t *testing.T) {
	d := newDesk(t)
	ch := d.channel(store.Channel{Name: "a", Staff: "wang", Code: "group1"}, "https://wecom/1")
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { d.get("/q/group1") })
	}
	wg.Wait()
	if d.platform.asked != 1 {
		t.Errorf("the platform was asked %d times", d.platform.asked)
	}
	d.now = d.now.Add(time.Second) // midnight in Shanghai
	d.get("/q/group1")
	d.get("/q/group1/qr.png")
	d.get("/q/unknown")
	d.face.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodHead, "/q/group1", nil))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.pages.Scans.Flush(gone); err == nil {
		t.Error("who could not write must say so")
	}
	d.get("/q/group1")
	ended, stop := context.WithCancel(t.Context())
	stop()
	d.pages.Scans.Run(ended, func(err error) { t.Error(err) })
	days, err := d.store.Read(t.Context()).Scans(ch.ID, "", 0)
	must(t, err)
	if len(days) != 2 || days[0].Day != "2026-11-22" || days[0].Scans != 40 || days[1].Day != "2026-11-23" || days[1].Scans != 2 || !days[1].LastAt.Equal(d.now) {
		t.Errorf("got %+v", days)
	}
	if n, err := d.pages.Scans.Flush(t.Context()); n != 0 || err != nil {
		t.Errorf("nothing is left, got %d %v", n, err)
	}
}

func TestWhatAPosterSays(t *testing.T) {
	d := newDesk(t)
	d.tx(func(tx *store.Tx) error {
		return tx.NewChat(store.Chat{ChatID: "wr1", Status: store.ChatActive, ShopID: "s1"})
	})
	for _, c := range []struct {
		ch                    store.Channel
		headline, shop, who   string
		size                  Size
		content, wantsContent string
	}{
		{store.Channel{Name: "n", Staff: "wang", ShopID: "s1", Code: "a1", Purpose: store.PurposeCashier}, "扫码进群 享福利", "东门店<b>", "收银员 王小丽", A6, Live, "https://xiaobu.example.com/q/a1"},
		{store.Channel{Name: "n", Staff: "li", Code: "a2", Purpose: store.PurposePoster}, "扫码进群 享福利", "n", "店员 li", A4, "", "https://xiaobu.example.com/q/a2"},
		{store.Channel{Name: "n", ShopID: "s1", Code: "a3", Purpose: store.PurposeStore}, "扫码进群 享福利", "东门店<b>", "", A4, WeCom, "https://work.weixin.qq.com/gm/one"},
		{store.Channel{Name: "n", Staff: "wang", Code: "a4", Kind: store.ChannelContact, Purpose: store.PurposeTill}, "扫码加好友 享福利", "n", "收银员 王小丽", A6, Live, "https://xiaobu.example.com/q/a4"},
		{store.Channel{Name: "n", Staff: "wang", Code: "a7", ChatIDs: []string{"wr1"}, Purpose: store.PurposeCashier}, "扫码进群 享福利", "东门店<b>", "收银员 王小丽", A6, Live, "https://xiaobu.example.com/q/a7"},
		{store.Channel{Name: "张三", Code: "a5", Referrer: "wmZhang", HomeChat: "wr1", Purpose: store.PurposeReferral}, "扫码进群 享福利", "", "", A4, Live, "https://xiaobu.example.com/q/a5"},
	} {
		ch := d.channel(c.ch, "https://wecom/1")
		p, size, err := d.printer.describe(t.Context(), ch, Wish{Content: c.content})
		if err != nil || p.Headline != c.headline || p.Store != c.shop || p.Who != c.who || size != c.size || p.Content != c.wantsContent || p.Warning != "" {
			t.Errorf("%s: %+v %s %v", ch.Code, p, size, err)
		}
		if p.Day.Format(time.DateOnly) != "2026-11-22" {
			t.Errorf("printed on %v", p.Day)
		}
	}
	broken := d.channel(store.Channel{Name: "n", Staff: "wang", Code: "a6"}, "https://wecom/page")
	var no *NoContent
	if err := d.printer.Poster(t.Context(), io.Discard, broken, Wish{Content: WeCom}, "pdf"); !errors.As(err, &no) && !errors.Is(err, ErrNoFont) {
		t.Errorf("got %v", err)
	}
}

func TestWhoCanOpenAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8080": "no telephone", "http://localhost": "no telephone", "http://[::1]:80": "no telephone", "http://0.0.0.0": "no telephone",
		"http://192.168.1.2": "same network", "https://10.0.0.1": "same network", "http://shop.example.com": "https", "https://shop.example.com": "",
	} {
		p := Printer{PublicURL: address}
		if got := p.Warning(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", address, got)
		}
	}
}

func TestFilesHaveNamesEverySystemKnows(t *testing.T) {
	n := newNames()
	for _, c := range []struct {
		shop, name, want string
	}{
		{"s1", "东门店", "东门店_s1/收银员_王_c"},
		{"S1", "东门店", "东门店_S1_2/收银员_王_c"}, // the same folder on Windows and macOS
		{"../../etc", "../..", "门店_etc/收银员_王_c"},
		{"con", "", "门店_con/收银员_王_c"},
		{"", "", "无门店/收银员_王_c"},
		{"s2", strings.Repeat("长", 300), strings.Repeat("长", 40) + "_s2/收银员_王_c"},
		{"..", "..", "门店/收银员_王_c"},
		{":", ":", "门店_2/收银员_王_c"},
	} {
		got := n.of(store.Channel{Code: "c"}, Poster{storeID: c.shop, Store: c.name, Who: "收银员 王"})
		if got != c.want {
			t.Errorf("%q %q: %q, want %q", c.shop, c.name, got, c.want)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	d := newDesk(b)
	d.channel(store.Channel{Name: "a", Staff: "wang", ShopID: "s1", Code: "group1"}, "https://wecom/1")
	for _, path := range []string{"/q/group1", "/q/group1/qr.png", "/q/unknown1"} {
		b.Run(strings.TrimPrefix(path, "/q/"), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					d.get(path)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
		})
	}
}

func BenchmarkZIP(b *testing.B) {
	d := newDesk(b)
	must(b, d.printer.Ready())
	var list []store.Channel
	for i := range 100 {
		list = append(list, store.Channel{ID: int64(i + 1), Name: "a", Staff: "wang", ShopID: "s1", Code: fmt.Sprintf("%012d", i), Purpose: store.PurposeTill})
	}
	for b.Loop() {
		must(b, d.printer.ZIP(b.Context(), io.Discard, list, Wish{}))
	}
}
