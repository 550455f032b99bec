package api

import (
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaobu/moderation"
	"xiaobu/spam"
	"xiaobu/store"
)

// newModerated is the API of a store with nothing in it but moderation.
func newModerated(t *testing.T) *counter {
	c := &counter{t: t, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return c.now }
	s, err := store.OpenScratch(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), clock)
	c.must(err)
	t.Cleanup(func() { c.must(s.Close()) })
	c.store = s
	c.face = New(Config{Store: s, Token: "sixteen letters!", Zone: time.FixedZone("", 8*3600), Now: clock, Log: slog.New(slog.DiscardHandler), Version: "test",
		Moderation: &moderation.Moderator{Store: s, Detector: spam.New(), Now: clock, Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}})
	return c
}

// expect calls and compares the status, and looks for pieces of the answer.
func (c *counter) expect(status int, method, path, body string, pieces ...string) {
	c.t.Helper()
	got, text := c.call(method, path, body)
	if got != status {
		c.t.Errorf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	for _, p := range pieces {
		if !strings.Contains(text, p) {
			c.t.Errorf("%s %s: %s lacks %s", method, path, text, p)
		}
	}
}

func TestSettingsOfModeration(t *testing.T) {
	c := newModerated(t)
	const all, one = "/moderation/settings", "/moderation/settings/groups/wr1"
	c.expect(200, "GET", all, "", `"version":"0"`, `"mode":"act"`, `"strikes_expire":"720h"`, `"within":"2h"`, `"spam":["remove","block"]`, `"flood":1.5`, `"in_force":{`)
	c.expect(404, "GET", one, "")
	c.expect(422, "PUT", one, `{"mode":"off"}`, `no group that is known`)
	c.must(c.store.Tx(t.Context(), func(tx *store.Tx) error { return tx.NewChat(store.Chat{ChatID: "wr1", Status: store.ChatActive}) }))
	c.expect(200, "PUT", all, `{"mode":"ask","review":null,"removal":0.95,"checks":{"name":0},"tickets":{"within":"90m"},"by":"anna","note":"试行"}`,
		`"mode":"ask"`, `"removal":0.95`, `"name":0`, `"within":"1h30m"`, `"by":"anna"`, `"version":"1"`)
	c.expect(200, "PUT", one, `{"mode":"dry","ladder":{"suspect":["note","warn"]}}`, `"chat_id":"wr1"`, `"mode":"dry"`, `"suspect":["note","warn"]`, `"removal":0.95`, `"by":"api"`)
	_, written := c.call("GET", one, "")
	c.expect(200, "PUT", one, written, `"version":"3"`, `"mode":"dry"`) // what was answered may be sent back
	c.expect(200, "GET", "/moderation/settings/groups", "", `"chat_id":"wr1"`, `"next_cursor":""`)
	c.expect(204, "DELETE", one+"?by=anna", "")
	c.expect(404, "DELETE", one, "")
	c.expect(200, "GET", "/moderation/settings/groups", "", `"items":[]`)
	c.expect(200, "GET", "/moderation/settings/versions?chat_id=wr1&limit=2", "", `"version":"4"`, `"version":"3"`, `"next_cursor":"3"`)
	for body, words := range map[string]string{
		`{"mode":"kick"}`:                     "want one of off, dry, ask, act",
		`{"checks":{"staff":1}}`:              "checks.staff: is no check that can be weighed; want one of age, history",
		`{"ladder":{"spam":["warn","note"]}}`: "ladder.spam: goes down from warn to note",
		`{"strikes_expire":"0s"}`:             "strikes_expire: is 0s; want some time, such as 2h",
		`{"strikes_expire":"soon"}`:           "strikes_expire is no duration",
		`{"removal":0.2,"review":0.6}`:        "removal: is 0.2, below review (0.6)",
		`{"colour":"red"}`:                    "is not known",
	} {
		c.expect(422, "PUT", all, body, words)
	}
}

func TestReplayOfTheAPI(t *testing.T) {
	c := newModerated(t)
	c.must(c.store.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.AddMessage(store.Message{MessageID: "m1", ChatID: "wr1", Sender: "wm1", SentAt: c.now, Text: "转让一辆自行车", Verdict: "ham", TextScore: 0.4, Score: 0.4, Action: "none", Would: "none"})
	}))
	q := url.Values{"from": {"2026-11-22T00:00:00+08:00"}, "to": {"2026-11-24T00:00:00+08:00"}, "threshold": {"0.3"}}
	c.expect(200, http.MethodGet, "/moderation/replay?"+q.Encode(), "", `"messages":1`, `"before":{"ham":1,"suspect":0`, `"after":{"ham":0,"suspect":1,"spam":0,"warned":1`,
		`"flagged":{"messages":1,"people_said_harmless":0`, `"text":"转让一辆自行车"`, `"people":null`, `"next_cursor":""`, `"harmless_since":"2026-11-23T10:00:00+08:00"`)
	q.Set("threshold", "2")
	c.expect(422, http.MethodGet, "/moderation/replay?"+q.Encode(), "", "threshold: is 2; want a score", `"location":"query.threshold"`)
	c.expect(422, http.MethodGet, "/moderation/replay?threshold=0.3", "", "from")
}
