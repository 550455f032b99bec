package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestRefusalsNameTheField(t *testing.T) {
	c := newCounter(t)
	const promo = `{"name":"p","schedule":{"cron":"每天 9:05"},"targets":{"all":true},"message":{"text":"t"}`
	for name, x := range map[string]struct {
		method, path, body string
		status             int
		where, detail      string
	}{
		"a typo":          {"POST", "/promotions", promo + `,"confirm_witin":"4h"}`, 422, "body.confirm_witin", "confirm_witin: is not known; known are approval, by, confirm_within, link, message, name, products, schedule, targets"},
		"a typo below":    {"POST", "/promotions", strings.Replace(promo, `"cron"`, `"missed":{"polcy":"skip"},"cron"`, 1) + `}`, 422, "body.schedule.missed.polcy", "schedule.missed.polcy: is not known; known are policy, within"},
		"one in a list":   {"POST", "/promotions", promo + `,"products":[{"name":"蛋","price_fen":1},{"name":"奶","price_fen":1,"stok":2}]}`, 422, "body.products[1].stok", "products[1].stok: is not known; known are image_url, limit, media, name, price_fen, stock, was_fen"},
		"answers' fields": {"POST", "/promotions", strings.Replace(promo, `"cron"`, `"qiet":{},"cron"`, 1) + `}`, 422, "body.schedule.qiet", "schedule.qiet: is not known; known are blackout, cron, days, ends_on, missed, quiet, starts_on, timezone"},
		"missing":         {"POST", "/promotions/1/approve", `{"version":1}`, 422, "body.by", "by: is missing"},
		"of another kind": {"POST", "/promotions", promo + `,"approval":"yes"}`, 422, "body.approval", "approval: expected boolean"},
		"a choice":        {"POST", "/promotions", strings.Replace(promo, `"cron"`, `"missed":{"policy":"later"},"cron"`, 1) + `}`, 422, "body.schedule.missed.policy", `schedule.missed.policy: is "later"; want one of skip, send_within, next_slot`},
		"two":             {"POST", "/orders", `{"id":"1","code":"c","amount_fen":1.5,"at":"2026-11-23"}`, 422, "body.amount_fen", "amount_fen: expected integer; and 1 more"},
		"no time":         {"POST", "/orders", `{"id":"1","code":"c","amount_fen":1,"at":"2026-11-23"}`, 422, "body.at", `at: is "2026-11-23"; want a time such as 2026-11-23T10:05:00+08:00`},
		"no time, asked":  {"GET", "/promotions/1/deliveries?at=2026-02-30", "", 422, "query.at", `at: is "2026-02-30"; want a time such as 2026-11-23T10:05:00+08:00`},
		"no day":          {"GET", "/staff/absences?day=2026-11-34", "", 422, "query.day", `day: is "2026-11-34"; want a day such as 2026-11-23`},
		"in a list":       {"POST", "/orders", `[{"id":"1","code":"c","amount_fen":-1,"at":"2026-11-23T10:05:00+08:00"}]`, 422, "body[0].amount_fen", "[0].amount_fen: expected number >= 0"},
		"too large":       {"POST", "/promotions", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "", "the body is too large; at most 1048575 bytes are taken"},
		"a large file":    {"POST", "/media?name=a", strings.Repeat("x", maxUpload), 413, "", "file: is too large; WeCom takes at most 10 MB of an image or a video and 20 MB of another file"},
	} {
		status, body := c.call(x.method, x.path, x.body)
		var p struct {
			Detail string
			Errors []struct {
				Location string
				Value    any
			}
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || status != x.status || p.Detail != x.detail || x.where != "" && (len(p.Errors) == 0 || p.Errors[0].Location != x.where) {
			t.Errorf("%s: %d %s (%v)\nwant %d %q about %s", name, status, body, err, x.status, x.detail, x.where)
			continue
		}
		if x.where != "" && strings.Contains(x.detail, "known") && p.Errors[0].Value != nil {
			t.Errorf("%s: the whole object comes back: %v", name, p.Errors[0].Value)
		}
	}
}

// Programs compare moments of one answer with those of another.
func TestMomentsHaveMilliseconds(t *testing.T) {
	s := &server{Config: Config{Zone: time.FixedZone("", 8*3600)}}
	for ns, want := range map[int]string{0: "10:05:00+08:00", 999_999: "10:05:00+08:00", 855_317_154: "10:05:00.855+08:00"} {
		if got := s.stamp(time.Date(2026, 11, 23, 2, 5, 0, ns, time.UTC)).Format(time.RFC3339Nano); got != "2026-11-23T"+want {
			t.Errorf("%d ns: %s", ns, got)
		}
	}
	if s.stamp(time.Time{}) != nil {
		t.Error("no moment became one")
	}
}
