package panel

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"xiaobu/sandbox"
)

// chromium finds a browser: XIAOBU_TEST_CHROMIUM, or one on the PATH. Without one the test is
// skipped, unless XIAOBU_TEST_BROWSER=1 demands it.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("XIAOBU_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("XIAOBU_TEST_BROWSER") == "1" {
		t.Fatal("no chromium is found; name one with XIAOBU_TEST_CHROMIUM")
	}
	t.Skip("no chromium is found")
	return ""
}

// openBrowser starts a browser and returns the context of its only tab.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.WSURLReadTimeout(2*time.Minute)) // a browser starts slowly beside other tests
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// Cancel waits for the browser to end.
		_ = chromedp.Cancel(ctx)
		cancelTab()
	})
	must(t, chromedp.Run(ctx)) // the browser lives as long as this context, not the one below
	ctx, cancelTime := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancelTime)
	return ctx
}

// click presses a button and waits for the page that follows; submits come back with a
// message.
func click(selector string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.Evaluate(`document.querySelectorAll(".flash").forEach(e => e.remove())`, nil),
		chromedp.Click(selector, chromedp.ByQuery),
		chromedp.WaitVisible(".flash.good", chromedp.ByQuery),
	}
}

func TestABrowserLivesInTheCompany(t *testing.T) {
	ctx := openBrowser(t)
	w := newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusOK)})
	run, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.box.Run(run) }()
	t.Cleanup(func() { stop(); must(t, <-done) })
	chat := w.group("幸福里店1群")
	w.joinWay(chat)
	base := w.server.URL + "/sandbox/"

	var here, talk, traffic, clock string
	must(t, chromedp.Run(ctx,
		chromedp.Navigate(base),
		chromedp.WaitVisible(`input[name=name][placeholder*="小鱼"]`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=name][placeholder*="小鱼"]`, "张小鱼", chromedp.ByQuery),
		click(`form[action="/sandbox/customers"] button`),
		chromedp.Location(&here),
		click("#scan"),
		chromedp.SendKeys(`.mygroup input[name=text]`, "鸡蛋多少钱", chromedp.ByQuery),
		click(`.mygroup form[action="/sandbox/say"] button`),
		chromedp.Navigate(base+"ui/groups/"+chat),
		chromedp.Text("#talk", &talk, chromedp.ByQuery),
		chromedp.Navigate(base+"ui/faults"),
		click(`button[value=late_mail]`),
		chromedp.ActionFunc(func(ctx context.Context) error { return chromedp.Navigate(here).Do(ctx) }),
		click(`.mygroup form[action$="/leave"] button`),
		chromedp.Navigate(base+"ui/clock"),
		click(`button[value="1h"]`),
		chromedp.Text("#bigclock", &clock, chromedp.ByQuery),
		chromedp.Navigate(base+"ui/traffic?kind=del_member"),
		chromedp.Click("#callbacks details summary", chromedp.ByQuery),
		chromedp.Text("#callbacks", &traffic, chromedp.ByQuery),
	))
	if !strings.HasPrefix(here, base+"ui/people/wm") {
		t.Errorf("a new customer leads to %s", here)
	}
	for _, want := range []string{"张小鱼", "扫码进群", "鸡蛋多少钱"} {
		if !strings.Contains(talk, want) {
			t.Errorf("the group does not show %q: %s", want, talk)
		}
	}
	if !strings.Contains(clock, "2026-11-23 01:00:00") {
		t.Errorf("the clock shows %s", clock)
	}
	for _, want := range []string{"del_member", "已送达", "<ChangeType><![CDATA[update]]></ChangeType>", "HTTP 200"} {
		if !strings.Contains(traffic, want) {
			t.Errorf("the callback does not show %q: %s", want, traffic)
		}
	}
	if all := w.box.FindCallbacks(sandbox.CallbackFilter{Kind: "del_member"}); len(all) != 1 || all[0].Attempts[0].At.Sub(all[0].At) != time.Minute {
		t.Errorf("the callback was not a minute late: %+v", all)
	}
}

func TestAnOpenPageFollowsWhatHappens(t *testing.T) {
	ctx := openBrowser(t)
	w := newWorld(t, sandbox.Config{})
	chat := w.group("一群")
	var bold []string
	must(t, chromedp.Run(ctx, chromedp.Navigate(w.server.URL+"/sandbox/ui/groups/"+chat), chromedp.WaitVisible("#talk", chromedp.ByQuery)))
	_, err := w.box.Say(chat, "wang", "<b>新的话</b>")
	must(t, err)
	must(t, chromedp.Run(ctx,
		chromedp.Poll(`document.querySelector("#talk").textContent.includes("<b>新的话</b>")`, nil),
		chromedp.Evaluate(`[...document.querySelectorAll("#talk b")].map(e => e.textContent)`, &bold),
	))
	if len(bold) != 0 {
		t.Errorf("what was said became markup: %v", bold)
	}
}

// TestPagesFitOnAPhone looks for pages that are wider than the screen.
func TestPagesFitOnAPhone(t *testing.T) {
	ctx := openBrowser(t)
	f := newFull(t)
	must(t, chromedp.Run(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2))))
	for _, path := range []string{"", "ui/groups", "ui/groups/" + f.chat, "ui/people", "ui/people/mallory", "ui/people/" + f.customer, "ui/codes", "ui/tasks", "ui/traffic", "ui/requests/1", "ui/callbacks/1", "ui/faults", "ui/clock"} {
		var wide int
		must(t, chromedp.Run(ctx, chromedp.Navigate(f.server.URL+"/sandbox/"+path), chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &wide)))
		if wide > 0 {
			t.Errorf("/sandbox/%s is %d pixels wider than a phone", path, wide)
		}
	}
}
