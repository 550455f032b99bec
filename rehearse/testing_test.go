package rehearse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/bot"
	"xiaobu/configs"
	"xiaobu/sandbox"
	"xiaobu/sandbox/stories"
	"xiaobu/store"
)

const token = "0123456789abcdef"

// monday is the first day of the past, 00:00 in Shanghai; the week that is rehearsed is the
// next one.
var monday = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

// rig is the real company and the real bot of the past: a sandbox and the program on a
// database, moved by hand. A rehearsal meets only the database.
type rig struct {
	t     testing.TB
	clock *clock
	box   *sandbox.Sandbox
	app   *app.App
	conf  configs.Config
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t testing.TB, database string) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{t: monday.Add(-4 * time.Hour)}}
	ear := &inside{}
	var err error
	r.box, err = sandbox.New(sandbox.Config{Now: r.clock.now, Seed: 1, Client: &http.Client{Transport: ear}})
	must(t, err)
	w := r.box.Config()
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(t, err)
	r.conf = configs.Config{Database: database, Timezone: zone, APIToken: token, PublicURL: "http://127.0.0.1",
		WeCom: configs.WeCom{BaseURL: platformURL, CorpID: w.CorpID, AgentID: w.AgentID, Secret: w.Secret, Token: w.Token, AESKey: w.AESKey, Settle: 2 * time.Second}}
	n := 0
	r.app, err = app.New(context.Background(), app.Options{Config: r.conf, Now: r.clock.now, Serial: true, Owner: "rig", Scratch: true, Log: slog.New(slog.DiscardHandler),
		Random: func() string { n++; return fmt.Sprintf("%016X", uint64(n)*0x9E3779B97F4A7C15) }, Jitter: func() float64 { return 0.5 },
		Transport: inside{r.box.Handler()}, Wait: func(context.Context, time.Duration) {}})
	must(t, err)
	ear.to = r.app.Handler()
	r.box.SetCallback(callbackURL)
	t.Cleanup(r.close)
	return r
}

func (r *rig) close() {
	if r.app != nil {
		must(r.t, r.app.Close())
		r.app = nil
	}
}

// until lets time go by, from one thing that is due to the next.
func (r *rig) until(end time.Time) {
	r.t.Helper()
	for {
		must(r.t, r.app.DrainWith(context.Background(), r.box))
		next, ok, err := r.app.NextDueWith(context.Background(), r.box)
		must(r.t, err)
		if !ok || next.After(end) {
			break
		}
		r.clock.to(next)
	}
	r.clock.to(end)
	must(r.t, r.app.DrainWith(context.Background(), r.box))
}

// call asks the API for something that must succeed and decodes the answer into out.
func (r *rig) call(method, path string, body, out any) {
	r.t.Helper()
	data, err := json.Marshal(body)
	must(r.t, err)
	req, err := http.NewRequest(method, "http://x/api/v1"+path, bytes.NewReader(data))
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := inside{r.app.Handler()}.RoundTrip(req)
	must(r.t, err)
	answer, err := io.ReadAll(resp.Body)
	must(r.t, err)
	if resp.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	if out != nil {
		must(r.t, json.Unmarshal(answer, out))
	}
}

// poster puts a picture into the library, which WeCom has been given the day before, and
// returns its id.
func (r *rig) poster() string {
	r.t.Helper()
	var b bytes.Buffer
	must(r.t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))))
	m := store.Media{Name: "海报.png", Type: bot.AttachImage, Mime: "image/png", Size: int64(b.Len()), Width: 1, Height: 1}
	must(r.t, r.app.Store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.AddMedia(&m, b.Bytes()); err != nil {
			return err
		}
		at := tx.Now.AddDate(0, 0, -1)
		return tx.PutMediaUpload(store.MediaUpload{MediaID: m.ID, PlatformID: "given-before", UploadedAt: at, ExpiresAt: at.AddDate(0, 0, 3)})
	}))
	return fmt.Sprint(m.ID)
}

// promote makes a promotion and returns its id.
func (r *rig) promote(name, cron string, more map[string]any) string {
	r.t.Helper()
	body := map[string]any{"name": name, "schedule": map[string]any{"cron": cron}, "targets": map[string]any{"all": true}, "message": map[string]any{"text": name}}
	for k, v := range more {
		body[k] = v
	}
	var made struct{ ID string }
	r.call(http.MethodPost, "/promotions", body, &made)
	return made.ID
}

// chain is the small chain of stores with everything that an operator sets up.
func chain(t testing.TB, database string) (*rig, *stories.Story) {
	t.Helper()
	r := newRig(t, database)
	script, err := stories.Load("chain")
	must(t, err)
	story, err := stories.Begin(r.box, script, stories.Options{Monday: monday})
	must(t, err)
	must(t, r.app.BringIn(context.Background()))
	r.until(r.clock.now())
	for _, st := range story.Stores {
		r.call(http.MethodPut, "/stores/"+st.ID, map[string]any{"name": st.Name, "region": st.Region, "manager": st.Manager, "staff": st.Staff()}, nil)
		for _, g := range st.Groups {
			r.call(http.MethodPut, "/groups/"+g.ID, map[string]any{"store_id": st.ID}, nil)
			for _, cashier := range st.With("收银") {
				r.call(http.MethodPost, "/channels", map[string]any{"name": g.Name + " " + cashier, "kind": "group_qr", "staff": cashier, "chat_ids": []string{g.ID}}, nil)
			}
		}
		r.call(http.MethodPost, "/channels", map[string]any{"name": st.Name + "导购", "kind": "contact_qr", "staff": st.Owners[0]}, nil)
	}
	r.call(http.MethodPut, "/rewards/rule", map[string]any{"effective_from": monday.Add(-time.Hour), "tiers": []map[string]any{{"up_to": 20, "fen": 50}, {"fen": 100}}, "hold": "72h"}, nil)
	r.promote("周一三五秒杀", "0 10 * * 1,3,5", nil)
	return r, story
}

// options are those of the week after the lived one.
func options(t testing.TB, c configs.Config) Options {
	t.Helper()
	return Options{Config: c, From: monday.AddDate(0, 0, 7), Days: 7, Seed: 1, Confirm: ConfirmPast, JoinsPerDay: FromPast, LeaveRate: FromPast, Dir: t.TempDir(), Version: "test"}
}

func run(t testing.TB, o Options) *Report {
	t.Helper()
	rep, err := Run(context.Background(), o)
	must(t, err)
	return rep
}

func asJSON(t testing.TB, rep *Report) string {
	t.Helper()
	data, err := json.MarshalIndent(rep, "", " ")
	must(t, err)
	return string(data)
}

// file is the path of a SQLite database.
func file(c configs.Config) string { return strings.TrimPrefix(c.Database, "sqlite:") }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}
