package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/sandbox"
)

// funnel is a funnel of the API, in the order of its steps: groups, blocked, tasks, owners,
// confirmed, reached, failed, unsent, cancelled, waiting, staff chats, of them told, clicks,
// orders, fen, joins and leaves.
type funnel [17]int64

func funnelOf(m map[string]any) funnel {
	var f funnel
	for i, key := range []string{"groups", "blocked", "tasks", "owners", "confirmed", "groups_sent", "failed", "unsent", "cancelled", "waiting",
		"outlets", "outlets_sent", "clicks", "orders", "amount_fen", "joins_24h", "leaves_24h"} {
		f[i] = int64(m[key].(float64))
	}
	return f
}

// funnels reads the sums of a promotion, and its rows by owner.
func funnels(r *rig, path string) (whole funnel, rows map[string]funnel) {
	r.t.Helper()
	var sums map[string]any
	r.want(http.StatusOK, http.MethodGet, path, nil, &sums)
	rows = map[string]funnel{}
	sep := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
	for cursor, more := "", true; more; more = cursor != "" {
		var page map[string]any
		r.want(http.StatusOK, http.MethodGet, path+sep+"by=owner&limit=1&cursor="+cursor, nil, &page)
		for _, item := range page["items"].([]any) {
			row := item.(map[string]any)
			rows[row["id"].(string)+" "+row["name"].(string)] = funnelOf(row)
		}
		cursor = page["next_cursor"].(string)
	}
	return funnelOf(sums), rows
}

// Of two owners one confirms; then somebody comes, somebody leaves and somebody buys. The
// figures stay what they are when the nightly job has put them away.
func TestTheFunnelOfASale(t *testing.T) {
	t.Parallel()
	onTowns(t, saleDay)
}

func saleDay(t *testing.T, r *rig, w *town) {
	t.Helper()
	chat, _, _ := staffRooms(t, r)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "人民路店"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	sale := saleOf("秒杀", map[string]any{"all": true, "app_chats": []string{chat}})
	sale["schedule"] = map[string]any{"cron": "0 10 * * *", "starts_on": "2026-11-23", "ends_on": "2026-11-23"}
	sale["message"] = map[string]any{"text": "秒杀 {link}"}
	sale["link"] = map[string]any{"url": "https://shop.example.com/sale?from={code}"}
	var promo struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", sale, &promo)
	r.until(at(0, 9, 0))
	leaver := w.bring("cashier0")
	r.until(at(0, 10, 10))
	var code string
	for _, task := range r.box.Tasks() {
		if task.Sender == "owner0" {
			must(t, r.box.Confirm(task.MsgID, task.Sender))
			_, code, _ = strings.Cut(task.Text, "/l/")
		}
	}
	r.until(at(0, 12, 0))
	w.bring("cashier0")
	must(t, w.box.Leave(w.groups[0], leaver))
	_, err := w.box.Join(w.groups[1], w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier1"})
	must(t, err) // its owner did not confirm
	r.until(at(0, 13, 0))
	r.want(http.StatusCreated, http.MethodPost, "/orders", map[string]any{"id": "o1", "code": code, "amount_fen": 990, "at": at(0, 12, 30)}, nil)
	r.until(at(1, 11, 0))
	w.bring("cashier0") // more than a day later
	r.until(at(1, 12, 0))

	path := "/promotions/" + promo.ID + "/funnel"
	want := funnel{2, 0, 2, 2, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 990, 1, 1}
	owners := map[string]funnel{"owner0 店长0": {1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 990, 1, 1}, "owner1 店长1": {1, 0, 1, 1, 0, 0, 0, 0, 1}}
	check := func(when string) {
		for _, p := range []string{path, path + "?at=" + at(0, 10, 0).UTC().Format(time.RFC3339)} {
			got, rows := funnels(r, p)
			if got != want || fmt.Sprint(rows) != fmt.Sprint(owners) {
				t.Errorf("%s, %s: %v %v, want %v %v", when, p, got, rows, want, owners)
			}
		}
	}
	check("the day after")
	if row := lines(r, path+"?by=store&format=csv"); len(row) != 3 || row[2] != "s1,人民路店,1,0,1,1,1,1,0,0,0,0,0,0,0,1,9.90,1,1" {
		t.Errorf("the table by store is %q", row)
	}
	if rows := lines(r, "/promotions/"+promo.ID+"/deliveries?format=csv"); len(rows) != 4 || !strings.Contains(rows[1]+rows[2], "2026-11-23T10:00:00+08:00,"+w.groups[0]+",1群,s1,owner0,,sent,0,") {
		t.Errorf("the deliveries are %q", rows)
	}
	r.want(http.StatusNotFound, http.MethodGet, path+"?at=2026-11-23T02:00:01Z", nil, nil)
	r.restart(func(*app.Options) {})
	r.until(at(7, 12, 0))
	if left, err := r.app.Store.Read(t.Context()).Unsummed(at(5, 0, 0), 10); err != nil || len(left) > 0 {
		t.Errorf("not put away: %+v %v", left, err)
	}
	check("a week later")

	type cover struct {
		ID, Name        string
		Groups, Reached int
		Periods         []struct{ Groups, Reached int }
	}
	covered := items[cover](r, "/coverage?by=owner&from=2026-11-22&to=2026-11-24&days=2")
	if got := fmt.Sprint(covered); got != "[{owner0 店长0 1 1 [{1 1} {0 0}]} {owner1 店长1 1 0 [{1 0} {0 0}]}]" {
		t.Errorf("coverage %s", got)
	}
	if ids := slices.Collect(func(yield func(string) bool) {
		for cursor, more := "", true; more; more = cursor != "" {
			var page struct {
				Items []cover
				Next  string `json:"next_cursor"`
			}
			r.want(http.StatusOK, http.MethodGet, "/coverage?limit=1&cursor="+cursor, nil, &page)
			if cursor = page.Next; len(page.Items) != 1 || !yield(page.Items[0].ID) {
				return
			}
		}
	}); !slices.Equal(ids, []string{"", "s1"}) {
		t.Errorf("stores %q", ids)
	}
	// The evening's reports tell of it: the chain's always, a manager's where a group was left out.
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "人民路店", "manager": "owner0"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/stores/s2", map[string]any{"name": "解放路店", "manager": "owner1"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[1], map[string]any{"store_id": "s2"}, nil)
	for path, line := range map[string]string{
		"/reports/chain/preview?day=2026-11-23":                "\n今日促销:群主确认 1/2 人,送达 1/2 群。\n",
		"/reports/manager/preview?day=2026-11-23&staff=owner1": "【解放路店】\n· 今天的促销还没发全:群主确认 0/1 人,送达 0/1 群",
	} {
		var shown struct{ Text string }
		r.want(http.StatusOK, http.MethodGet, path, nil, &shown)
		if !strings.Contains(shown.Text, line) {
			t.Errorf("%s says %q, want %q", path, shown.Text, line)
		}
	}
	var shown struct{ Text string }
	r.want(http.StatusOK, http.MethodGet, "/reports/manager/preview?day=2026-11-23&staff=owner0", nil, &shown)
	if strings.Contains(shown.Text, "促销") {
		t.Errorf("who reached every group is told %q", shown.Text)
	}
	for _, bad := range []string{"from=2026-13-01", "from=2026-11-24&to=2026-11-23", "from=2020-01-01", "to=x"} {
		r.want(http.StatusUnprocessableEntity, http.MethodGet, "/coverage?"+bad, nil, nil)
	}
}

// lines reads a table without its mark.
func lines(r *rig, path string) []string {
	_, data := r.download(path)
	return strings.Split(strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")), "\n")
}
