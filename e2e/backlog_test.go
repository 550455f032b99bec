//go:build !race

// One thing happens after the other here: the race detector would learn nothing, slowly.

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/bot/wecom"
	"xiaobu/promotions"
	"xiaobu/sandbox"
	"xiaobu/scheduler"
	"xiaobu/store"
)

// WeCom takes so many calls of one API in a minute.
// https://developer.work.weixin.qq.com/document/path/90312
const callsAMinute = 10_000

// backlog is a company whose owners all have groups in several promotions of one moment, and
// the parts that plan and submit them, with nobody else around.
type backlog struct {
	t       *testing.T
	clock   *clock
	box     *sandbox.Sandbox
	store   *store.Store
	planner *promotions.Planner
	client  *wecom.Client
	sender  *scheduler.Sender
	promos  []store.Promotion
	calls   map[time.Time]int // of add_msg_template, by when
	refused int               // of all calls, as too frequent
}

// RoundTrip carries a call to the sandbox and counts.
func (b *backlog) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/add_msg_template") {
		b.calls[b.clock.now()]++
	}
	rec := httptest.NewRecorder()
	b.box.Handler().ServeHTTP(rec, req)
	if bytes.Contains(rec.Body.Bytes(), []byte(`"errcode":45009`)) {
		b.refused++
	}
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

func newBacklog(t *testing.T) *backlog {
	b := &backlog{t: t, clock: &clock{t: monday.Add(10*time.Hour - time.Minute)}, calls: map[time.Time]int{}}
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var err error
	b.box, err = sandbox.New(sandbox.Config{Now: b.clock.now, Seed: 1})
	must(t, err)
	must(t, b.box.SetFaults(sandbox.Faults{Limits: sandbox.Limits{MassRule: sandbox.MassDay}}))
	b.store, err = store.OpenScratch(t.Context(), sqliteFile(t), b.clock.now)
	must(t, err)
	t.Cleanup(func() { must(t, b.store.Close()) })
	own := b.box.Config()
	b.client, err = wecom.New(wecom.Config{BaseURL: "http://wecom", Corp: bot.CorpID(own.CorpID), Agent: bot.AgentID(own.AgentID), Secret: own.Secret,
		Now: b.clock.now, Transport: b})
	must(t, err)
	t.Cleanup(b.client.Close)
	b.planner = &promotions.Planner{Store: b.store, Now: b.clock.now, Zone: zone, Log: log, QuotaRule: promotions.QuotaDay}
	b.sender = scheduler.NewSender(scheduler.SenderConfig{Store: b.store, Now: b.clock.now, Log: log, Jitter: func() float64 { return 0.5 }, Owner: "backlog", Serial: true})
	b.sender.Perform(&promotions.MassSender{Platform: b.client, Store: b.store, Now: b.clock.now}, 1)
	return b
}

// people puts in owners with a group of each label.
func (b *backlog) people(owners int, labels ...string) {
	b.t.Helper()
	must(b.t, b.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i := range owners {
			owner := fmt.Sprintf("owner%04d", i)
			if err := b.box.AddStaff(sandbox.Staff{UserID: owner, Name: owner}); err != nil {
				return err
			}
			for _, label := range labels {
				g := sandbox.Group{ID: "wr" + label + owner, Name: label, Owner: owner, CreatedAt: tx.Now}
				if err := b.box.PlantGroup(g); err != nil {
					return err
				}
				if err := tx.NewChat(store.Chat{ChatID: g.ID, Name: label, Owner: owner, Status: store.ChatActive, Labels: []string{label}}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// promise has a promotion posted at ten in the groups of some labels; without any, in all.
func (b *backlog) promise(labels ...string) store.Promotion {
	b.t.Helper()
	var s store.PromotionSpec
	s.Name, s.Schedule.Cron, s.Message.Text = "秒杀"+strings.Join(labels, ""), "0 10 * * *", "秒杀"+strings.Join(labels, "和")
	s.Targets.All, s.Targets.Labels = len(labels) == 0, labels
	p, err := b.planner.Create(context.Background(), s, func(*store.Tx, string) error { return nil })
	must(b.t, err)
	b.promos = append(b.promos, p)
	return p
}

// run plans and submits whatever falls due until a moment.
func (b *backlog) run(end time.Time) {
	b.t.Helper()
	ctx := context.Background()
	for {
		must(b.t, b.planner.Plan(ctx))
		_, err := b.sender.Drain(ctx)
		must(b.t, err)
		next, ok, err := b.sender.NextDue(ctx)
		must(b.t, err)
		if at, some, err := b.planner.Next(ctx); err == nil && some && (!ok || at.Before(next)) {
			next, ok = at, true
		}
		if !ok || next.After(end) {
			b.clock.to(end)
			return
		}
		b.clock.to(next)
	}
}

// spend makes so many calls beside the promotions.
func (b *backlog) spend(calls int) {
	b.t.Helper()
	for range calls {
		_, _, err := b.client.CreateMassMessage(context.Background(), bot.MassMessage{Owner: "nobody", Chats: []bot.ChatID{"wrNobody"}, Message: bot.Message{Text: "x"}})
		if err == nil || bot.ClassOf(err) == bot.ClassBackoff {
			b.t.Fatalf("a call that only counts: %v", err)
		}
	}
}

// Thousands of tasks are due at a moment at which most of WeCom's calls of the minute are spent:
// what does not fit waits for the next minute and no call is ever one too many. Groups
// are in two to four occurrences of the day; each gets one message, and none is left out.
func TestABacklogKeepsToEveryQuota(t *testing.T) {
	t.Parallel()
	b := newBacklog(t)
	labels, owners := []string{"a", "b", "c"}, 700
	tasks := owners * len(labels)
	b.people(owners, labels...)
	for _, label := range labels {
		b.promise(label)
	}
	b.promise()
	first := b.promise("a", "b")
	ten := monday.Add(10 * time.Hour)
	b.clock.to(ten)
	b.spend(callsAMinute - tasks/2)
	b.run(ten.Add(4 * time.Minute))
	_, err := b.planner.RunNow(t.Context(), first.ID, true, func(*store.Tx, string) error { return nil })
	must(t, err)
	b.run(ten.Add(8 * time.Minute))

	if b.refused != 0 {
		t.Errorf("WeCom refused %d calls as too frequent", b.refused)
	}
	if most, sum := b.busiest(); most != callsAMinute || sum != callsAMinute+tasks/2 {
		t.Errorf("%d calls in the busiest minute, %d in all, want %d and %d", most, sum, callsAMinute, callsAMinute+tasks/2)
	}
	b.confirmAll()
	b.onceInEach(labels, owners)
}

// busiest counts the calls of the busiest sixty seconds, and all.
func (b *backlog) busiest() (most, sum int) {
	for from, n := range b.calls {
		span := 0
		for at, m := range b.calls {
			if !at.Before(from) && at.Sub(from) < time.Minute {
				span += m
			}
		}
		most, sum = max(most, span), sum+n
	}
	return most, sum
}

// confirmAll lets every owner send what waits.
func (b *backlog) confirmAll() {
	b.t.Helper()
	for _, task := range b.box.Tasks() {
		for _, share := range task.Shares {
			must(b.t, b.box.Confirm(task.MsgID, share.User))
		}
	}
	for _, task := range b.box.Tasks() {
		for _, res := range task.Results {
			if res.Status != sandbox.ResultSent {
				b.t.Errorf("%s in %s: status %d", task.MsgID, res.Target, res.Status)
			}
		}
	}
}

// onceInEach demands that each group got one message, and that the books say so.
func (b *backlog) onceInEach(labels []string, owners int) {
	b.t.Helper()
	for i := range owners {
		for _, label := range labels {
			g, err := b.box.Group(fmt.Sprintf("wr%sowner%04d", label, i))
			must(b.t, err)
			if len(g.Posts) != 1 {
				b.t.Fatalf("%s got %d messages", g.ID, len(g.Posts))
			}
		}
	}
	submitted := map[string]int{}
	blocked := 0
	for _, p := range b.promos {
		ds, err := b.store.Read(b.t.Context()).Deliveries(store.DeliveryFilter{Promotion: p.ID})
		must(b.t, err)
		for _, d := range ds {
			switch d.Status {
			case store.DeliverySubmitted:
				submitted[d.ChatID]++
			case store.DeliveryBlocked:
				blocked++
			default:
				b.t.Errorf("%s is %s: %s", d.ChatID, d.Status, d.Reason)
			}
		}
	}
	// Of a, b, c, all, a and b, and once more a and b, each group has one.
	groups := owners * len(labels)
	if want := 2*groups + 4*owners - groups; len(submitted) != groups || blocked != want {
		b.t.Errorf("%d groups submitted, %d blocked, want %d and %d", len(submitted), blocked, groups, want)
	}
}
