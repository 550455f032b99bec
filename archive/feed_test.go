package archive

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAFeedThatIsDownHoldsEverythingInOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"no connection":       {-1, "", "unexpected EOF"},
		"busy":                {503, `{"detail":"the feed is off: set feed_secret"}`, "feed_secret"},
		"bad gateway":         {502, "<html>", "502"},
		"too many":            {429, "", "429"},
		"a wrong secret":      {403, `{"detail":"wrong signature"}`, "clocks"},
		"another address":     {404, "", "feed_url"},
		"a redirect":          {302, "", "feed_url"},
		"a page of a proxy":   {200, "<html>请登录</html>", "not the feed"},
		"another API":         {200, `{"ok":true}`, "not the feed"},
		"an unknown verdict":  {200, `{"verdict":"yes","action":"none"}`, "not the feed"},
		"nothing":             {204, "", "not the feed"},
		"a verdict cut short": {200, `{"verdict":"ham","action"`, "not the feed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for i := range 30 {
				r.src.text([]string{room1, room2}[i%2], anna, fmt.Sprint(i))
			}
			r.start()
			r.box.answer = func(Post, int) (int, string) { return tc.status, tc.body }
			for range 3 {
				r.fails(tc.want)
			}
			if r.box.asked > 3*posters {
				t.Errorf("a feed that is down was asked %d times", r.box.asked)
			}
			if p := r.saved(); p.Seq != 0 || len(r.refusals()) > 0 || r.a.Status().Waiting != 30 {
				t.Errorf("position %+v, waiting %d", p, r.a.Status().Waiting)
			}
			r.box.answer = nil
			r.once()
			last := map[string]int{room1: -1, room2: -1}
			for _, p := range r.box.got {
				var n int
				fmt.Sscan(p.Text, &n)
				if n < last[p.ChatID] {
					t.Errorf("%d came after %d", n, last[p.ChatID])
				}
				last[p.ChatID] = n
			}
			if len(r.box.got) != 30 || r.saved().Seq != r.src.seq {
				t.Errorf("%d posted, position %d", len(r.box.got), r.saved().Seq)
			}
		})
	}
}

func TestOneMessageThatIsRefusedStopsNothing(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		r := newRig(t)
		r.src.text(room1, anna, "前")
		r.src.text(room1, anna, "坏的")
		r.src.text(room1, anna, "后")
		r.box.answer = func(p Post, _ int) (int, string) {
			if p.Text == "坏的" {
				return status, `{"detail":"chat_id has 0 bytes"}`
			}
			return 0, ""
		}
		r.start()
		r.once()
		r.wantTexts("前", "后")
		rows := r.refusals()
		if len(rows) != 1 || rows[0].Status != status || rows[0].Post.Text != "坏的" || rows[0].Why != "chat_id has 0 bytes" {
			t.Errorf("%d: %+v", status, rows)
		}
		if p := r.saved(); p.Seq != r.src.seq {
			t.Errorf("position %d, want %d", p.Seq, r.src.seq)
		}
		if strings.Contains(r.log.String(), "坏的") || strings.Contains(r.log.String(), testSecret) {
			t.Errorf("the log says too much: %s", r.log.String())
		}
		// Later the feed may want it; while it is down, nothing is lost.
		r.box.answer = func(Post, int) (int, string) { return 503, "" }
		if _, kept, err := r.state.Retry(t.Context(), r.a.Feed); err == nil || kept != 1 || len(r.refusals()) != 1 {
			t.Errorf("%d kept, %v", kept, err)
		}
		r.box.answer = nil
		posted, kept, err := r.state.Retry(t.Context(), r.a.Feed)
		if err != nil || posted != 1 || kept != 0 || len(r.refusals()) != 0 {
			t.Errorf("%d posted, %d kept, %v", posted, kept, err)
		}
		r.wantTexts("前", "后", "坏的")
	}
}

func TestAFeedThatRefusesEverythingIsNotBelieved(t *testing.T) {
	r := newRig(t)
	for i := range manyRefused {
		r.src.text(room1, anna, fmt.Sprint(i))
	}
	r.box.answer = func(p Post, _ int) (int, string) {
		if p.Text == "好的" {
			return 0, ""
		}
		return 422, `{"detail":"sent_at lies in the future"}`
	}
	r.start()
	r.fails("refuses all of 20", "sent_at")
	if len(r.refusals()) > 0 || r.saved().Seq != 0 {
		t.Error("it was believed")
	}
	r.src.text(room2, anna, "好的") // now it is the messages
	r.once()
	r.wantTexts("好的")
	if len(r.refusals()) != manyRefused {
		t.Errorf("%d refusals", len(r.refusals()))
	}
}

func TestAMessageThatTheFeedFailsAtHoldsUpOnlyItsGroup(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "毒")
	r.src.text(room1, anna, "同群")
	r.src.text(room2, anna, "别的群")
	r.box.answer = func(p Post, _ int) (int, string) {
		if p.Text == "毒" {
			return 500, "panic"
		}
		return 0, ""
	}
	r.start()
	r.fails("fails at 1 messages")
	r.wantTexts("别的群")
	if r.saved().Seq != 0 {
		t.Errorf("position %d", r.saved().Seq)
	}
	for range 2 * maxTries { // nobody else speaks: the feed may be broken, and nothing is given up
		r.fails("fails at 1 messages")
	}
	r.src.text(room2, anna, "又有人说话")
	r.once()
	r.wantTexts("别的群", "又有人说话", "同群")
	if rows := r.refusals(); len(rows) != 1 || rows[0].Post.Text != "毒" || rows[0].Status != 500 {
		t.Errorf("%+v", rows)
	}
	if r.saved().Seq != r.src.seq {
		t.Errorf("position %d, want %d", r.saved().Seq, r.src.seq)
	}
}

func TestAnAnswerThatGetsLostIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "一")
	lost := false
	r.box.after = func(Post) {
		if !lost {
			lost = true
			r.box.got[0].MessageID += "?" // it is there, but the answer below is not
		}
	}
	r.box.answer = func(p Post, n int) (int, string) {
		if n == 1 {
			r.box.got = append(r.box.got, p)
			return -1, ""
		}
		return 0, ""
	}
	r.start()
	r.once()
	r.wantTexts("一", "一") // the feed knows the id and answers as before
	if r.box.got[1].MessageID != "MSG3_external" {
		t.Error(r.box.got[1].MessageID)
	}
}

func TestLongTextsAreClipped(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, strings.Repeat("长", 400_000))
	r.src.text(room1, anna, "短")
	r.start()
	r.once()
	if n := len(r.box.got[0].Text); n > maxText || n < maxText-3 {
		t.Errorf("%d bytes", n)
	}
	r.box.answer = func(p Post, _ int) (int, string) { // what stands before the feed takes less
		if len(p.Text) > 20_000 {
			return 413, "<html>"
		}
		return 0, ""
	}
	r.src.text(room1, anna, strings.Repeat("长", 400_000))
	r.once()
	if n := len(r.box.got[2].Text); n > smallText || n < smallText-3 || len(r.refusals()) > 0 {
		t.Errorf("%d bytes, %d refusals", n, len(r.refusals()))
	}
}

func TestWaitsGrowAndTheFeedMayNameThem(t *testing.T) {
	r := newRig(t)
	r.start()
	var waits []time.Duration
	for i := 1; i <= 9; i++ {
		r.a.failures = i
		waits = append(waits, r.a.backoff(&held{}))
	}
	if waits[0] != time.Second || waits[1] != 2*time.Second || waits[8] != time.Minute {
		t.Errorf("%v", waits)
	}
	r.a.failures = 1
	if got := r.a.backoff(fmt.Errorf("x: %w", &held{wait: 30 * time.Second})); got != 30*time.Second {
		t.Errorf("%v", got)
	}
}

func TestABotOfBeforeIsServed(t *testing.T) {
	r := newRig(t)
	r.src.say(r.src.message("d", "", ben, "disagree", fmt.Sprintf(`"disagree":{"userid":%q}`, ben)))
	r.src.say(r.src.message("r", room1, anna, "revoke", `"revoke":{"pre_msgid":"x"}`))
	r.src.text(room1, anna, "一")
	r.box.answer = func(p Post, _ int) (int, string) {
		if p.Type == typeRevoke {
			return 422, ""
		}
		if p.Type == "consent" {
			return 404, "404 page not found"
		}
		return 0, ""
	}
	r.start()
	r.once()
	r.wantTexts("一")
	r.wantCount(Noticed, 2)
}

func TestChecksSayWhatIsWrong(t *testing.T) {
	r := newRig(t)
	feed := NewFeed("http://bot.test/hooks/messages", testSecret, r.box, r.clock.now)
	for _, tc := range []struct {
		status int
		ok     bool
		words  string
	}{{422, true, "accepted"}, {403, false, "clocks"}, {503, false, "feed_secret"}, {404, false, "feed_url"}, {-1, false, "EOF"}} {
		r.box.answer = func(Post, int) (int, string) { return tc.status, `{"detail":"message_id has 0 bytes"}` }
		if f := CheckFeed(t.Context(), feed); f[0].OK != tc.ok || !strings.Contains(f[0].Detail, tc.words) {
			t.Errorf("%d: %+v", tc.status, f)
		}
	}
	slow := NewFeed("http://bot.test/hooks/messages", testSecret, r.box, r.clock.now)
	r.box.answer = func(Post, int) (int, string) { return 422, "" }
	slow.now = func() time.Time { return r.clock.now() } // the same clock
	if f := CheckFeed(t.Context(), slow); len(f) != 2 || !f[1].OK {
		t.Errorf("%+v", f)
	}
	keys, err := LoadKeys(r.keys)
	if err != nil {
		t.Fatal(err)
	}
	if f := CheckKeys(r.keys); len(f) != 2 || !f[0].OK || !f[1].OK {
		t.Errorf("%+v", f)
	}
	if f := CheckSource(t.Context(), r.src, keys, 0); len(f) != 1 || !f[0].OK {
		t.Errorf("%+v", f)
	}
	r.src.text(room1, anna, "一")
	if f := CheckSource(t.Context(), r.src, keys, 0); len(f) != 2 || !f[1].OK {
		t.Errorf("%+v", f)
	}
	putKey(t, r.keys, 2, 1)
	keys, _ = LoadKeys(r.keys)
	if f := CheckSource(t.Context(), r.src, keys, 0); len(f) != 2 || f[1].OK || !strings.Contains(f[1].Detail, "version 1") {
		t.Errorf("%+v", f)
	}
	r.src.err = &SDKError{Code: 10009}
	if f := CheckSource(t.Context(), r.src, keys, 0); len(f) != 1 || f[0].OK || !strings.Contains(f[0].Detail, "IP") {
		t.Errorf("%+v", f)
	}
}
