package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/bot/wecom/crypt"
	"xiaobu/sandbox"
)

// townRig is a rig in virtual time with two groups that the bot knows.
func townRig(t *testing.T) (*rig, *town) {
	t.Helper()
	r := newRig(t, 1, nil)
	w := &town{t: t, box: r.box, url: r.wecom.URL}
	w.populate(2)
	r.bringIn()
	return r, w
}

// problem is an RFC 9457 error.
type problem struct {
	Status int
	Title  string
	Detail string
	Errors []struct{ Message, Location string }
}

// refusal demands that a request is refused with a problem whose field, or else whose words,
// contain where.
func (r *rig) refusal(status int, where, method, path string, body any, header ...string) {
	r.t.Helper()
	var raw json.RawMessage
	got := r.call(method, path, body, &raw, header...)
	var p problem
	must(r.t, json.Unmarshal(raw, &p))
	found := strings.Contains(p.Detail, where)
	for _, e := range p.Errors {
		found = found || strings.Contains(e.Location, where) || strings.Contains(e.Message, where)
	}
	if got != status || p.Status != status || p.Title == "" || !found {
		r.t.Errorf("%s %s %v: %d %s, want %d about %q", method, path, body, got, raw, status, where)
	}
}

// with changes one thing of a good promotion.
func with(change func(map[string]any)) map[string]any {
	p := map[string]any{
		"name": "秒杀", "schedule": map[string]any{"cron": "0 10 * * 1,3,5", "timezone": "Asia/Shanghai"},
		"targets": map[string]any{"all": true}, "message": map[string]any{"text": "今天10点秒杀"},
	}
	change(p)
	return p
}

func schedule(key string, v any) map[string]any {
	return with(func(p map[string]any) { p["schedule"].(map[string]any)[key] = v })
}

func message(key string, v any) map[string]any {
	return with(func(p map[string]any) { p["message"].(map[string]any)[key] = v })
}

func products(key string, v any) map[string]any {
	return with(func(p map[string]any) {
		p["products"] = []map[string]any{{"name": "鸡蛋", "price_fen": 990}}
		p["products"].([]map[string]any)[0][key] = v
	})
}

func links(n int) []map[string]any {
	var out []map[string]any
	for range n {
		out = append(out, map[string]any{"type": "link", "title": "秒杀", "url": "https://example.com/"})
	}
	return out
}

func TestPromotionsThatCannotBeAreRefused(t *testing.T) {
	r, _ := townRig(t)
	for name, c := range map[string]struct {
		body  any
		field string
	}{
		"impossible cron":      {schedule("cron", "0 0 30 2 *"), "schedule.cron"},
		"bare zone":            {schedule("cron", "CRON_TZ="), "schedule.cron"},
		"bare TZ":              {schedule("cron", "TZ="), "schedule.cron"},
		"six fields":           {schedule("cron", "0 0 10 * * 1"), "schedule.cron"},
		"every nanosecond":     {schedule("cron", "@every 1ns"), "schedule.cron"},
		"cron out of range":    {schedule("cron", "61 10 * * *"), "schedule.cron"},
		"no cron":              {schedule("cron", ""), "schedule.cron"},
		"cron of a wrong type": {schedule("cron", 7), "schedule.cron"},
		"unknown zone":         {schedule("timezone", "Asia/Beijing"), "schedule.timezone"},
		"bad day":              {schedule("starts_on", "2026-02-30"), "schedule.starts_on"},
		"ends before start": {with(func(p map[string]any) {
			s := p["schedule"].(map[string]any)
			s["starts_on"], s["ends_on"] = "2026-12-02", "2026-12-01"
		}), "schedule.ends_on"},
		"unknown policy":       {schedule("missed", map[string]any{"policy": "always"}), "missed.policy"},
		"negative within":      {schedule("missed", map[string]any{"policy": "send_within", "within": "-1h"}), "missed.within"},
		"text too long":        {message("text", strings.Repeat("秒", 1400)), "message.text"},
		"text of a wrong type": {message("text", 7), "message.text"},
		"unknown placeholder":  {message("text", "{produkt}"), "message.text"},
		"ten attachments":      {message("attachments", links(10)), "message.attachments"},
		"unknown attachment":   {message("attachments", []map[string]any{{"type": "voice"}}), "attachments[0].type"},
		"no link":              {message("attachments", []map[string]any{{"type": "link", "title": "x", "url": "javascript:alert(1)"}}), "attachments[0].url"},
		"no message":           {message("text", ""), "message"},
		"negative price":       {products("price_fen", -1), "price_fen"},
		"fractional price":     {products("price_fen", 9.9), "price_fen"},
		"price in words":       {products("price_fen", "9.90"), "price_fen"},
		"negative stock":       {products("stock", -1), "stock"},
		"no targets":           {with(func(p map[string]any) { p["targets"] = map[string]any{} }), "targets"},
		"unknown group":        {with(func(p map[string]any) { p["targets"] = map[string]any{"chat_ids": []string{"wrNOBODY"}} }), "chat_ids"},
		"unknown store":        {with(func(p map[string]any) { p["targets"] = map[string]any{"stores": []string{"s404"}} }), "stores"},
		"unknown key":          {with(func(p map[string]any) { p["shedule"] = 1 }), "shedule"},
		"no name":              {with(func(p map[string]any) { delete(p, "name") }), "name"},
		"no object":            {"[]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.refusal(http.StatusUnprocessableEntity, c.field, http.MethodPost, "/promotions", c.body)
		})
	}
	r.t = t
	r.refusal(http.StatusBadRequest, "", http.MethodPost, "/promotions", `{"name":`)
	r.refusal(http.StatusRequestEntityTooLarge, "", http.MethodPost, "/promotions", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`)
	if n := len(items[map[string]any](r, "/promotions")); n != 0 {
		t.Errorf("%d promotions came into being", n)
	}
}

func TestEverythingElseThatCannotBeIsRefused(t *testing.T) {
	r, w := townRig(t)
	g := w.groups[0]
	tier := func(tiers ...map[string]any) map[string]any { return map[string]any{"tiers": tiers} }
	for _, c := range []struct {
		status              int
		where, method, path string
		body                any
	}{
		{422, "fen", "PUT", "/rewards/rule", tier(map[string]any{"fen": -50})},
		{422, "fen", "PUT", "/rewards/rule", tier(map[string]any{"fen": 0.5})},
		{422, "tiers", "PUT", "/rewards/rule", tier()},
		{422, "tiers", "PUT", "/rewards/rule", tier(map[string]any{"up_to": 100, "fen": 50})},
		{422, "tiers", "PUT", "/rewards/rule", tier(map[string]any{"up_to": 100, "fen": 50}, map[string]any{"up_to": 50, "fen": 70}, map[string]any{"fen": 1})},
		{422, "hold", "PUT", "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 1}}, "hold": "a week"}},
		{422, "hold", "PUT", "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 1}}, "hold": "-1h"}},
		{422, "once_per", "PUT", "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 1}}, "once_per": "year"}},
		{422, "effective_from", "PUT", "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 1}}, "effective_from": "yesterday"}},
		{422, "period", "POST", "/rewards/payouts", map[string]any{"period": "2026-13"}},
		{422, "2026-11 is not over: it may be paid from 2026-12-01 00:00 (Asia/Shanghai) on", "POST", "/rewards/payouts", map[string]any{"period": "2026-11"}},
		{422, "by", "POST", "/rewards/payouts", map[string]any{"period": "2026-10", "by": " "}},
		{422, "by", "POST", "/rewards/payouts", map[string]any{"period": "2026-10", "by": strings.Repeat("安", 65)}},
		{409, "nothing of 2026-10", "POST", "/rewards/payouts", map[string]any{"period": "2026-10", "by": "anna"}},
		{404, "", "POST", "/rewards/payouts/1/approve", map[string]any{"by": "ben"}},
		{422, "by", "POST", "/rewards/payouts/1/pay", map[string]any{"by": ""}},
		{422, "reason", "POST", "/rewards/payouts/1/discard", map[string]any{"by": "ben", "reason": ""}},
		{422, "status", "GET", "/rewards/payouts?status=rich", nil},
		{422, "period", "GET", "/rewards/statement?period=November", nil},
		{422, "period", "GET", "/rewards/statement", nil},
		{422, "status", "GET", "/rewards/entries?status=rich", nil},
		{422, "from", "GET", "/rewards/entries?from=monday", nil},
		{404, "", "GET", "/rewards/explain?chat_id=wrNOBODY&member=wmNOBODY", nil},
		{422, "member", "GET", "/rewards/explain?chat_id=" + g, nil},
		{422, "lang", "GET", "/rewards/explain?chat_id=" + g + "&member=wm1&lang=fr", nil},
		{422, "joined_at", "GET", "/rewards/explain?chat_id=" + g + "&member=wm1&joined_at=noon", nil},
		{404, "", "GET", "/rewards/payouts/1", nil},
		{422, "kind", "POST", "/channels", map[string]any{"name": "x", "kind": "poster", "staff": "owner0"}},
		{422, "staff", "POST", "/channels", map[string]any{"name": "x", "kind": "contact_qr"}},
		{422, "chat_ids", "POST", "/channels", map[string]any{"name": "x", "kind": "group_qr", "staff": "owner0"}},
		{422, "chat_ids", "POST", "/channels", map[string]any{"name": "x", "kind": "group_qr", "staff": "owner0", "chat_ids": []string{"wrNOBODY"}}},
		{422, "chat_ids", "POST", "/channels", map[string]any{"name": "x", "kind": "group_qr", "staff": "owner0", "chat_ids": []string{g, g, g, g, g, g}}},
		{404, "", "GET", "/channels/99", nil},
		{404, "", "DELETE", "/channels/x", nil},
		{404, "", "GET", "/groups/wrNOBODY", nil},
		{404, "", "GET", "/groups/wrNOBODY/members", nil},
		{422, "store_id", "PUT", "/groups/" + g, map[string]any{"store_id": "s404"}},
		{422, "labels", "PUT", "/groups/" + g, map[string]any{"labels": []string{""}}},
		{422, "status", "GET", "/groups/" + g + "/members?status=some", nil},
		{422, "name", "PUT", "/stores/s1", map[string]any{}},
		{422, "text", "PUT", "/welcomes/default", map[string]any{"text": strings.Repeat("好", 1400)}},
		{422, "attachments", "PUT", "/welcomes/default", map[string]any{"text": "好", "attachments": links(10)}},
		{422, "text", "PUT", "/welcomes/default", map[string]any{"text": "您好{kunde}"}},
		{404, "", "PUT", "/welcomes/77", map[string]any{"text": "您好"}},
		{422, "limit", "GET", "/groups?limit=501", nil},
		{422, "limit", "GET", "/groups?limit=0", nil},
		{422, "limit", "GET", "/groups?limit=many", nil},
		{422, "cursor", "GET", "/groups?cursor=%21", nil},
		{422, "cursor", "GET", "/promotions?cursor=-1", nil},
		{404, "", "POST", "/promotions/1/pause", nil},
		{404, "", "GET", "/promotions/1/deliveries", nil},
		{404, "", "POST", "/moderation/cases/1/remove", nil},
		{422, "status", "GET", "/moderation/cases?status=x", nil},
		{422, "person", "POST", "/moderation/blocklist", map[string]any{}},
		{422, "status", "GET", "/inbox?status=lost", nil},
		{404, "", "POST", "/inbox/1000000/retry", nil},
		{404, "", "GET", "/nothing", nil},
		{405, "", "PATCH", "/groups", nil},
	} {
		r.refusal(c.status, c.where, c.method, c.path, c.body)
	}
}

func TestTheAPIAsksForItsToken(t *testing.T) {
	r, _ := townRig(t)
	for _, auth := range []string{"", "Bearer ", "Bearer 0123456789abcdeF", "Basic " + apiToken, apiToken} {
		r.refusal(http.StatusUnauthorized, "Bearer", http.MethodGet, "/groups", nil, "Authorization", auth)
	}
	resp, err := http.Get(r.bot.URL + "/api/v1/openapi.json")
	must(t, err)
	defer resp.Body.Close()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	must(t, json.NewDecoder(resp.Body).Decode(&doc))
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/v1/promotions"]["post"] == nil || len(doc.Paths) < 25 {
		t.Errorf("OpenAPI %q with %d paths", doc.OpenAPI, len(doc.Paths))
	}
}

func TestARepeatedKeyAnswersTheFirstResultAgain(t *testing.T) {
	r, _ := townRig(t)
	post := func(path string, body any, key string) (id string) {
		var v struct{ ID string }
		r.want(http.StatusCreated, http.MethodPost, path, body, &v, "Idempotency-Key", key)
		return v.ID
	}
	ch := map[string]any{"name": "导购", "kind": "contact_qr", "staff": "owner0"}
	for path, body := range map[string]any{"/promotions": with(func(map[string]any) {}), "/channels": ch, "/rewards/payouts": map[string]any{"period": "2026-10"}} {
		first, again, other := post(path, body, "k1"), post(path, body, "k1"), post(path, body, "k2")
		if first != again || first == other {
			t.Errorf("%s: %q, again %q, with another key %q", path, first, again, other)
		}
	}
	r.refusal(http.StatusUnprocessableEntity, "Idempotency-Key", http.MethodPost, "/channels", map[string]any{"name": "别的", "kind": "contact_qr", "staff": "owner0"}, "Idempotency-Key", "k1")
	if n := len(r.box.ContactWays()); n != 2 {
		t.Errorf("%d codes were made at the platform, want 2", n)
	}
}

func TestListsArePaged(t *testing.T) {
	r, w := townRig(t)
	for range 25 {
		_, err := r.box.Join(w.groups[0], w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
		must(t, err)
	}
	r.pass(time.Minute)
	var seen []member
	cursor, pages := "", 0
	for {
		var page struct {
			Items []member
			Next  string `json:"next_cursor"`
		}
		r.want(http.StatusOK, http.MethodGet, "/groups/"+w.groups[0]+"/members?limit=4&cursor="+cursor, nil, &page)
		seen = append(seen, page.Items...)
		pages++
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	all := items[member](r, "/groups/"+w.groups[0]+"/members")
	same := func(a, b member) bool { return a.UserID == b.UserID && a.JoinedAt.Equal(b.JoinedAt) }
	if len(all) != 27 || pages != 7 || !slices.EqualFunc(seen, all, same) {
		t.Errorf("%d members on %d pages, %d at once", len(seen), pages, len(all))
	}
}

// post sends what the feed's sender would send.
func (r *rig) post(body, secret string, at time.Time) (int, map[string]any) {
	r.t.Helper()
	return r.postSigned(body, signature(body, secret, at))
}

// signature is the header of a signed body.
func signature(body, secret string, at time.Time) string {
	ts := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(ts + "." + body))
	return "t=" + ts + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

func (r *rig) postSigned(body, signature string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.bot.URL+"/hooks/messages", strings.NewReader(body))
	must(r.t, err)
	req.Header.Set("X-Xiaobu-Signature", signature)
	resp, err := http.DefaultClient.Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	var v map[string]any
	must(r.t, json.NewDecoder(resp.Body).Decode(&v))
	return resp.StatusCode, v
}

func TestTheFeedBelievesOnlyWhatIsSignedNow(t *testing.T) {
	r, w := townRig(t)
	said := func(id, sender, text string) string {
		data, err := json.Marshal(map[string]any{"message_id": id, "chat_id": w.groups[0], "sender": sender, "sent_at": r.clock.now(), "type": "text", "text": text})
		must(t, err)
		return string(data)
	}
	const ad = "兼职日结300,加V:abc12345,名额有限"
	now := r.clock.now()
	for name, c := range map[string]struct {
		status int
		send   func() (int, map[string]any)
	}{
		"good": {200, func() (int, map[string]any) {
			return r.post(said("m1", "wmNOBODY", "明天几点开门"), feedSecret, now)
		}},
		"another secret": {403, func() (int, map[string]any) { return r.post(said("m2", "wmA", ad), "another-secret", now) }},
		"old": {403, func() (int, map[string]any) {
			return r.post(said("m3", "wmA", ad), feedSecret, now.Add(-6*time.Minute))
		}},
		"of the future": {403, func() (int, map[string]any) { return r.post(said("m4", "wmA", ad), feedSecret, now.Add(6*time.Minute)) }},
		"unsigned":      {403, func() (int, map[string]any) { return r.postSigned(said("m5", "wmA", ad), "") }},
		"half a signature": {403, func() (int, map[string]any) {
			return r.postSigned(said("m6", "wmA", ad), "t="+strconv.FormatInt(now.Unix(), 10))
		}},
		"no JSON":    {400, func() (int, map[string]any) { return r.post("hello", feedSecret, now) }},
		"wrong type": {400, func() (int, map[string]any) { return r.post(`{"message_id":7}`, feedSecret, now) }},
		"no id":      {422, func() (int, map[string]any) { return r.post(said("", "wmA", ad), feedSecret, now) }},
		"no sender":  {422, func() (int, map[string]any) { return r.post(said("m7", "", ad), feedSecret, now) }},
		"too large": {413, func() (int, map[string]any) {
			return r.post(said("m8", "wmA", strings.Repeat("x", 1<<20)), feedSecret, now)
		}},
	} {
		if status, v := c.send(); status != c.status {
			t.Errorf("%s: %d %v, want %d", name, status, v, c.status)
		}
	}
	if n := len(items[modCase](r, "/moderation/cases")); n != 0 {
		t.Errorf("%d cases were opened by what must not be believed", n)
	}
	spammer := w.customer()
	_, first := r.post(said("m9", spammer, ad), feedSecret, now)
	_, again := r.post(said("m9", spammer, ad), feedSecret, now)
	if first["verdict"] != "spam" || first["case_id"] == nil || fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("the same message got %v and then %v", first, again)
	}
	if _, v := r.post(said("m10", "cashier0", ad), feedSecret, now); v["verdict"] != "ham" || v["action"] != "none" {
		t.Errorf("a message of staff was judged: %v", v)
	}
}

func TestWithoutSecretsTheDoorsAreShut(t *testing.T) {
	r, _ := townRig(t)
	conf := r.conf
	conf.APIToken, conf.FeedSecret = "", ""
	conf.Database = "sqlite:" + t.TempDir() + "/bare.db"
	bare, err := app.New(context.Background(), r.options(conf, r.clock.now, true))
	must(t, err)
	defer bare.Close()
	srv := httptest.NewServer(bare.Handler())
	defer srv.Close()
	r.bot, r.base = srv, srv.URL
	r.refusal(http.StatusServiceUnavailable, "api_token", http.MethodGet, "/groups", nil)
	if status, v := r.post("{}", "", r.clock.now()); status != http.StatusServiceUnavailable {
		t.Errorf("the feed answers %d %v", status, v)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/nothing": 404} {
		resp, err := http.Get(srv.URL + path)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// Callbacks that WeCom did not send, or not so, are refused and change nothing; those of
// kinds that nobody knows are kept and done with.
func TestCallbacksThatCannotBeAreRefused(t *testing.T) {
	r, w := townRig(t)
	box := r.box.Config()
	const chat = `<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>%d</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[%s]]></Event><ChatId><![CDATA[%s]]></ChatId><ChangeType><![CDATA[%s]]></ChangeType></xml>`
	at := r.clock.now()
	good := fmt.Sprintf(chat, box.CorpID, at.Unix(), "change_external_chat", w.groups[0], "dismiss")
	seal := func(plain, corp, key string) (string, string) {
		codec, err := crypt.New(box.Token, key, corp)
		must(t, err)
		enc := codec.Seal([]byte(plain), [16]byte{7})
		ts := strconv.FormatInt(at.Unix(), 10)
		return "msg_signature=" + codec.Sign(ts, "n", enc) + "&timestamp=" + ts + "&nonce=n",
			"<xml><ToUserName>x</ToUserName><Encrypt>" + enc + "</Encrypt><AgentID></AgentID></xml>"
	}
	send := func(query, body string) int {
		resp, err := http.Post(r.bot.URL+"/callback/wecom?"+query, "text/xml", strings.NewReader(body))
		must(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		must(t, err)
		if resp.StatusCode == http.StatusOK && len(data) > 0 {
			t.Errorf("answered %q", data)
		}
		return resp.StatusCode
	}
	query, body := seal(good, box.CorpID, box.AESKey)
	var before inboxStats
	r.want(http.StatusOK, http.MethodGet, "/inbox/stats", nil, &before)
	otherCorpQuery, otherCorp := seal(good, "wwSOMEBODYELSE", box.AESKey)
	otherKeyQuery, otherKey := seal(good, box.CorpID, strings.Repeat("A", 43))
	noXMLQuery, noXML := seal("not XML", box.CorpID, box.AESKey)
	for name, c := range map[string]struct {
		status      int
		query, body string
	}{
		"forged":        {403, strings.Replace(query, "msg_signature=", "msg_signature=0", 1), body},
		"unsigned":      {403, "", body},
		"another nonce": {403, query + "0", body},
		"wrong corp":    {403, otherCorpQuery, otherCorp},
		"wrong key":     {400, otherKeyQuery, otherKey},
		"truncated":     {400, query, body[:len(body)/2]},
		"no XML":        {400, query, "hello"},
		"empty":         {400, query, ""},
		"no XML within": {400, noXMLQuery, noXML},
		"doctype":       {400, query, `<!DOCTYPE x [<!ENTITY a "b">]>` + body},
		"oversized":     {413, query, body + strings.Repeat(" ", 1<<20)},
		"binary":        {400, query, string(bytes.Repeat([]byte{0xff, 0}, 100))},
	} {
		if got := send(c.query, c.body); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	r.drain()
	var after inboxStats
	r.want(http.StatusOK, http.MethodGet, "/inbox/stats", nil, &after)
	if after.Received != before.Received {
		t.Errorf("%d events were kept", after.Received-before.Received)
	}
	unknownQuery, unknown := seal(fmt.Sprintf(chat, box.CorpID, at.Unix(), "change_of_heart", "", "sudden"), box.CorpID, box.AESKey)
	for range 3 { // the third is a replay
		if got := send(unknownQuery, unknown); got != http.StatusOK {
			t.Errorf("an unknown event: %d", got)
		}
	}
	r.drain()
	r.want(http.StatusOK, http.MethodGet, "/inbox/stats", nil, &after)
	if after.Received != before.Received+1 || after.Duplicates != before.Duplicates+2 || after.Pending != 0 || after.Dead != 0 {
		t.Errorf("an unknown event three times: %+v, before %+v", after, before)
	}
}

// A command needs no body, and null is none.
func TestACommandTakesNoBody(t *testing.T) {
	r, _ := townRig(t)
	r.want(http.StatusCreated, http.MethodPost, "/promotions", with(func(map[string]any) {}), nil)
	for _, command := range []string{"pause", "resume", "run"} {
		for _, body := range []any{nil, "null", "null\n", " null", "{}", map[string]any{"by": "anna"}} {
			r.want(http.StatusOK, http.MethodPost, "/promotions/1/"+command, body, nil)
			r.pass(time.Second) // it cannot be run twice in one
		}
		for _, body := range []any{"[]", "nullx", "nullnull", map[string]any{"who": "anna"}} {
			if status := r.call(http.MethodPost, "/promotions/1/"+command, body, nil); status < 400 || status > 422 {
				t.Errorf("%s with %v: %d", command, body, status)
			}
		}
	}
}
