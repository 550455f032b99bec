package codes

import (
	"bytes"
	"context"
	"image/png"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"xiaobu/store"
)

// telephone starts a browser as wide as a telephone. Without a browser the test is skipped,
// unless XIAOBU_TEST_BROWSER=1 demands it.
func telephone(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("XIAOBU_TEST_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	if path == "" && os.Getenv("XIAOBU_TEST_BROWSER") == "1" {
		t.Fatal("no chromium is found; name one with XIAOBU_TEST_CHROMIUM")
	} else if path == "" {
		t.Skip("no chromium is found")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("accept-lang", "zh-CN"), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end
		cancelTab()
	})
	must(t, chromedp.Run(ctx, chromedp.EmulateViewport(375, 667, chromedp.EmulateScale(2), chromedp.EmulateMobile)))
	ctx, cancelTime := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancelTime)
	return ctx
}

// On the screen of a telephone the code can be read, nothing has to be scrolled sideways, and
// the policy lets the page's own style and picture through.
func TestATelephoneShowsTheCode(t *testing.T) {
	ctx := telephone(t)
	d := newDesk(t)
	d.channel(store.Channel{Name: "a", Staff: "wang", ShopID: "s1", Code: "3f9a0c71b2d4"}, "https://wecom/1")
	d.channel(store.Channel{Name: "a", Staff: "li", ShopID: "s2", Code: "long"}, "https://wecom/2")
	d.channel(store.Channel{Name: "a", Staff: "wang", ShopID: "s1", Code: "dead", Condition: store.CodeDead}, "https://wecom/1")
	d.tx(func(tx *store.Tx) error {
		if err := tx.NameStaff("li", strings.Repeat("Abdurehim", 8)); err != nil {
			return err
		}
		return tx.PutShop(store.Shop{ID: "s2", Name: strings.Repeat("超长的门店名称", 9) + strings.Repeat("W", 60)})
	})
	server := httptest.NewServer(d.face)
	defer server.Close()
	for _, c := range []struct{ path, content string }{
		{"/q/3f9a0c71b2d4", "https://work.weixin.qq.com/gm/one"}, {"/q/long", "https://work.weixin.qq.com/gm/two"}, {"/q/dead", ""}, {"/q/unknown", ""},
	} {
		var screen []byte
		var styled string
		var width, loaded int
		must(t, chromedp.Run(ctx,
			chromedp.Navigate(server.URL+c.path),
			chromedp.WaitVisible("main", chromedp.ByQuery),
			chromedp.Evaluate(`getComputedStyle(document.querySelector("main")).borderTopWidth`, &styled),
			chromedp.Evaluate(`document.documentElement.scrollWidth`, &width),
			chromedp.Evaluate(`[...document.images].filter(i => i.complete && i.naturalWidth > 200).length`, &loaded),
			chromedp.CaptureScreenshot(&screen),
		))
		keep(t, "page-"+strings.TrimPrefix(c.path, "/q/")+".png", screen)
		if styled != "5px" || width > 375 {
			t.Errorf("%s: the page is %d wide, its style is %q", c.path, width, styled)
		}
		if c.content == "" {
			if loaded != 0 {
				t.Errorf("%s shows %d pictures", c.path, loaded)
			}
			continue
		}
		img, err := png.Decode(bytes.NewReader(screen))
		must(t, err)
		check(t, img, c.content, c.path)
	}
}
