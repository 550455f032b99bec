package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// follow opens an address as a customer's browser does, and tells where it is sent on to.
func (r *rig) follow(path string) (status int, location string) {
	r.t.Helper()
	browser := *r.web
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := browser.Get(r.base + path)
	must(r.t, err)
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

// What a group reads leads to the shop, with a code in the address that the shop reports its
// orders with: what was sold is then known by group.
func TestALinkInAGroupLeadsToASaleOfThatGroup(t *testing.T) {
	r, w := townRig(t)
	var promo struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"},
		"targets": map[string]any{"chat_ids": w.groups[:2]}, "message": map[string]any{"text": "秒杀 {link}", "attachments": []any{map[string]any{"type": "link", "title": "秒杀", "url": "{link}"}}},
		"link": map[string]any{"url": "https://shop.example.com/sale?from={code}", "per": "group"}}, &promo)
	r.want(http.StatusOK, http.MethodPost, "/promotions/"+promo.ID+"/run", nil, nil)
	r.pass(time.Minute)
	links := map[string]string{} // by group
	for _, task := range r.box.Tasks() {
		_, link, _ := strings.Cut(task.Text, " ")
		for _, chat := range task.Shares[0].Targets {
			links[chat] = strings.TrimPrefix(link, r.conf.PublicURL)
		}
	}
	a, b := links[w.groups[0]], links[w.groups[1]]
	if a == b || !strings.HasPrefix(a, "/l/") || !strings.HasPrefix(b, "/l/") {
		t.Fatalf("the groups get %v", links)
	}
	code := ""
	for _, path := range []string{a, a, b} {
		status, address := r.follow(path)
		var ok bool
		if code, ok = strings.CutPrefix(address, "https://shop.example.com/sale?from="); status != http.StatusFound || !ok || "/l/"+code != path {
			t.Fatalf("%s leads to %d %q", path, status, address)
		}
	}
	r.want(http.StatusCreated, http.MethodPost, "/orders", map[string]any{"id": "S-1", "code": code, "amount_fen": 1980, "at": r.clock.now()}, nil)
	r.drain()
	type sale struct {
		ChatID    string `json:"chat_id"`
		Clicks    int
		Orders    int
		AmountFen int64 `json:"amount_fen"`
	}
	got := map[string]sale{}
	for _, s := range items[sale](r, "/promotions/"+promo.ID+"/sales?by=group") {
		got[s.ChatID] = s
	}
	if want := (sale{w.groups[0], 2, 0, 0}); got[w.groups[0]] != want {
		t.Errorf("got %+v, want %+v", got[w.groups[0]], want)
	}
	if want := (sale{w.groups[1], 1, 1, 1980}); got[w.groups[1]] != want {
		t.Errorf("got %+v, want %+v", got[w.groups[1]], want)
	}
	if status, _, body := r.page(http.MethodGet, "/l/nothere12345"); status != http.StatusNotFound || !strings.Contains(string(body), "这个链接打不开") {
		t.Errorf("a link that is not there: %d %s", status, body)
	}
	_, _, metrics := r.page(http.MethodGet, "/metrics")
	if !strings.Contains(string(metrics), `xiaobu_link_clicks_total{outcome="counted"} 3`) {
		t.Error("the metrics do not know of the clicks")
	}
}
