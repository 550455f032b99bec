package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// result is what a command leaves behind.
type result struct {
	code     int
	out, err string
}

// xiaobu runs the program in an empty folder.
func xiaobu(t *testing.T, stdin string, vars []string, args ...string) result {
	t.Helper()
	var out, msg bytes.Buffer
	err := run(context.Background(), args, vars, strings.NewReader(stdin), &out, &msg)
	code := exitCode(err, &msg)
	return result{code, out.String(), msg.String()}
}

// sandboxed are settings that serve starts with.
func sandboxed() []string {
	return []string{"XIAOBU_WECOM_CORP_ID=ww1", "XIAOBU_WECOM_AGENT_ID=1000002", "XIAOBU_WECOM_SECRET=the-app-secret", "XIAOBU_WECOM_TOKEN=QDG6eK",
		"XIAOBU_WECOM_AES_KEY=jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}
}

func TestWrongUsageEndsWithTwoAndSaysWhatToDo(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		vars []string
		want string
	}{
		{nil, nil, "name a command"},
		{[]string{"dance"}, nil, `"dance"`},
		{[]string{"serve", "--fast"}, nil, "xiaobu serve --help"},
		{[]string{"serve", "now"}, nil, `"now"`},
		{[]string{"serve"}, nil, "wecom.corp_id"},
		{[]string{"serve", "--config", "missing.yaml"}, nil, "missing.yaml"},
		{[]string{"serve"}, []string{"XIAOBU_LISTEN=8080"}, "HOST:PORT"},
		{[]string{"serve"}, append(sandboxed(), "XIAOBU_PRINT_FONT=none.ttf"), "setting print.font: open none.ttf"},
		{[]string{"serve"}, append(sandboxed(), "XIAOBU_SPAM_MODEL=none.model"), "setting spam.model: open none.model"},
		{[]string{"serve"}, append(sandboxed(), "XIAOBU_SPAM_MODEL="+os.Args[0]), "this is no model file"},
		{[]string{"spam", "train"}, nil, "name a file of samples"},
		{[]string{"spam", "train", "-weigh", "sms", "x.jsonl"}, nil, "SOURCE=NUMBER"},
		{[]string{"serve"}, append(sandboxed(), "XIAOBU_CALENDAR_FILE=none.txt"), "setting calendar.file: stat none.txt"},
		{[]string{"migrate"}, []string{"XIAOBU_DATABSE=x"}, "XIAOBU_DATABASE"},
		{[]string{"spam"}, nil, "check"},
		{[]string{"spam", "judge"}, nil, "check"},
		{[]string{"spam", "check", "this"}, nil, `"this"`},
		{[]string{"spam", "keywords", "--format", "doc"}, nil, "txt, csv or json"},
		{[]string{"spam", "keywords", "--limit", "9999"}, nil, "1 to 500"},
		{[]string{"why", "delivery"}, nil, "two words"},
		{[]string{"why", "reward"}, nil, "CHAT_ID MEMBER [JOINED_AT]"},
		{[]string{"why", "reward", "wr1", "wm1", "noon"}, nil, "2026-11-10T09:12:03+08:00"},
		{[]string{"why", "reward", "1", "--lang", "fr"}, nil, "zh or en"},
		{[]string{"why", "case", "1", "--json"}, nil, "rewards only"},
		{[]string{"why", "rewards", "1"}, nil, "reward, delivery, case and event"},
		{[]string{"why", "delivery", "first"}, nil, "numbers"},
		{[]string{"backup"}, nil, "one file"},
		{[]string{"demo", "--lang", "fr"}, nil, "zh or en"},
		{[]string{"demo", "--pace", "2h"}, nil, "1h"},
		{[]string{"rehearse"}, nil, "no database yet"},
		{[]string{"rehearse", "--from", "monday"}, nil, "--from 20"},
		{[]string{"rehearse", "--days", "0"}, nil, "--days 7"},
		{[]string{"rehearse", "--confirm", "maybe"}, nil, "past"},
		{[]string{"rehearse", "--leave-rate", "2"}, nil, "0 to 1"},
		{[]string{"rehearse", "--joins-per-day", "-1"}, nil, "0 to 200"},
		{[]string{"demo", "--story", "chian"}, nil, "there are chain, ambassadors, nearby, supermarket, unlock, wine"},
		{[]string{"sandbox", "--story", "chian"}, nil, "there are chain"},
		{[]string{"sandbox", "--callback", "nowhere"}, nil, "CallbackURL"},
	} {
		r := xiaobu(t, "", c.vars, c.args...)
		if r.code != exitUsage || !strings.Contains(r.err, c.want) {
			t.Errorf("xiaobu %v: exit %d, %q; want 2 and %q", c.args, r.code, r.err, c.want)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	all := xiaobu(t, "", nil, "--help")
	every := commands()
	for _, c := range commands() {
		every = append(every, c.words...)
	}
	for _, c := range every {
		r := xiaobu(t, "", nil, append(strings.Fields(c.name), "--help")...)
		if r.code != exitDone || !strings.Contains(r.out, c.en) || !strings.Contains(r.out, c.zh) || !strings.Contains(all.out, "xiaobu "+c.name) {
			t.Errorf("xiaobu %s --help: exit %d, %s", c.name, r.code, r.out)
		}
	}
	if r := xiaobu(t, "", nil, "version"); r.code != exitDone || !regexp.MustCompile(`^xiaobu \S+ \(go`).MatchString(r.out) {
		t.Errorf("version: %+v", r)
	}
}

func TestSpamCheckAddsAVerdictToEachLine(t *testing.T) {
	r := xiaobu(t, `{"text":"兼职日结300,加V:abc12345,名额有限","id":7}`+"\n\n"+`{"text":"明天几点开门?","note":"<b>"}`+"\n", nil, "spam", "check")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != exitDone || len(lines) != 2 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []struct{ verdict, kept string }{{"spam", `"id":7`}, {"ham", `"note":"<b>"`}} {
		var row struct {
			Verdict string
			Score   *float64
			Reasons []struct{ Check, Detail string }
		}
		if err := json.Unmarshal([]byte(lines[i]), &row); err != nil {
			t.Fatal(err)
		}
		if row.Verdict != want.verdict || row.Score == nil || !strings.Contains(lines[i], want.kept) || len(row.Reasons) == 0 {
			t.Errorf("line %d: %s", i+1, lines[i])
		}
	}
	for _, bad := range []string{"hello", "[]", "null", `{"txt":"x"}`, `{"text":7}`} {
		r := xiaobu(t, `{"text":"好的"}`+"\n"+bad+"\n", nil, "spam", "check")
		if r.code != exitFailed || !strings.Contains(r.err, "line 2") || strings.Count(r.out, "\n") != 1 {
			t.Errorf("%s: %+v", bad, r)
		}
	}
}

func TestADatabaseIsMadeCopiedAndPutBack(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := xiaobu(t, "", nil, "backup", "copy.db"); r.code != exitFailed {
		t.Errorf("a backup of nothing: %+v", r)
	}
	if r := xiaobu(t, "", nil, "migrate"); r.code != exitDone || !strings.Contains(r.out, "schema version ") {
		t.Fatalf("migrate: %+v", r)
	}
	if r := xiaobu(t, "", nil, "backup", "copy.db", "--config", os.DevNull); r.code != exitDone {
		t.Fatalf("backup: %+v", r)
	}
	if r := xiaobu(t, "", nil, "backup", "copy.db"); r.code != exitFailed || !strings.Contains(r.err, "copy.db") {
		t.Errorf("a backup must not overwrite another: %+v", r)
	}
	if r := xiaobu(t, "", nil, "restore", "copy.db"); r.code != exitDone {
		t.Errorf("restore: %+v", r)
	}
	if err := os.WriteFile("junk", []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := xiaobu(t, "", nil, "restore", "junk"); r.code != exitFailed {
		t.Errorf("restore junk: %+v", r)
	}
}

func TestWhyTellsWhatIsKnown(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:xiaobu.db", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.PutEvents(ctx, bot.Event{Key: "k", Kind: bot.KindChatDue, Lane: "chat:wr1", Chat: "wr1", At: time.Now(), Data: bot.ChatDue{Why: "start"}})
	if err != nil {
		t.Fatal(err)
	}
	// The database is in use, and may be looked at all the same.
	if r := xiaobu(t, "", nil, "why", "event", "1"); r.code != exitDone || !strings.Contains(r.out, string(bot.KindChatDue)) {
		t.Errorf("why event: %+v", r)
	}
	for _, what := range []string{"reward", "delivery", "case", "event"} {
		if r := xiaobu(t, "", nil, "why", what, "99"); r.code != exitFailed || !strings.Contains(r.err, what+" 99") {
			t.Errorf("why %s 99: %+v", what, r)
		}
	}
	// But not by two that write.
	if r := xiaobu(t, "", nil, "migrate"); r.code != exitFailed || !strings.Contains(r.err, "xiaobu.db") {
		t.Errorf("a second writer: %+v", r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The whole week, as a newcomer sees it without a terminal.
func TestTheDemoLivesThroughAWeekAndEnds(t *testing.T) {
	story := "chain"
	if slow > 1 {
		story = shortened(t, "../../sandbox/stories/chain.yaml")
	}
	r := xiaobu(t, "", nil, "demo", "--exit", "--seed", "3", "--story", story)
	if r.code != exitDone || r.err != "" {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	for _, w := range []string{"周一", "秒杀", "合计", "毫秒后收到欢迎语", "所有账户相加为 ¥0.00"} {
		if !strings.Contains(r.out, w) {
			t.Errorf("the demo does not say %q:\n%s", w, r.out)
		}
	}
	if strings.Contains(r.out, "✗") {
		t.Errorf("the table does not add up:\n%s", r.out)
	}
}

// shortened writes a story of a week down again as one of two days.
func shortened(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(data, []byte("\ndays: 7\n")) {
		t.Fatalf("%s is no story of a week: %v", path, err)
	}
	short := filepath.Join(t.TempDir(), "short.yaml")
	if err := os.WriteFile(short, bytes.Replace(data, []byte("\ndays: 7\n"), []byte("\ndays: 2\n"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return short
}

func TestStoriesAreListedAndReadFromFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"demo", "sandbox"} {
		r := xiaobu(t, "", nil, command, "--story", "list")
		if r.code != exitDone || !strings.Contains(r.out, "supermarket") || !strings.Contains(r.out, "三公里门店") || !strings.Contains(r.out, "leader") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	if err := os.WriteFile("mine.yaml", []byte("title: {zh: 小店, en: a shop}\nstores: [{id: a, name: 甲店, staff: [{id: w, owner: true}], groups: [{name: 甲群}]}]\ncustomers: {count: 5}\njoins: {per_day: 2}\nday: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := xiaobu(t, "", nil, "demo", "--exit", "--story", "mine.yaml"); r.code != exitUsage || !strings.Contains(r.err, "mine.yaml:5: day: unknown key") {
		t.Errorf("%+v", r)
	}
}

// By the hour: what would drown a screen is added up.
func TestABigStoryIsToldByTheHour(t *testing.T) {
	t.Chdir(t.TempDir())
	story := "title: {zh: 大店, en: a big shop}\ndays: 1\ncustomers: {count: 700}\njoins: {per_day: 620, ways: {link: 1}}\n" +
		"stores: [{id: a, name: 甲店, staff: [{id: w, owner: true}], groups: [{name: '甲店{n}群', count: 3}]}]\n"
	if err := os.WriteFile("big.yaml", []byte(story), 0o600); err != nil {
		t.Fatal(err)
	}
	r := xiaobu(t, "", nil, "demo", "--exit", "--story", "big.yaml", "--lang", "en")
	if r.code != exitDone || !strings.Contains(r.out, "Mon 10:00  ") || strings.Contains(r.out, "✗") || strings.Count(r.out, "\n") > 60 {
		t.Errorf("%+v", r)
	}
}

// The real server: ready, then an orderly end.
func TestServeAnswersUntilItIsTold(t *testing.T) {
	box, err := sandbox.New(sandbox.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	wecom, stop, err := listenAndServe("127.0.0.1:0", box.Handler())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	c, err := demoConfig(box.Config(), "http://"+wecom, "http://"+addr, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = addr
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	var msg bytes.Buffer
	go func() { ended <- serve(ctx, env{stdout: &msg, stderr: &msg}, c) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get("http://" + addr + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("not ready after 10 s")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if !strings.Contains(msg.String(), "ready") || strings.Contains(msg.String(), c.WeCom.Secret) {
		t.Errorf("log: %s", msg.String())
	}
}

func TestNamesCannotMoveTheCursor(t *testing.T) {
	var out strings.Builder
	s := newScreen(&out, "en")
	evil := "小\x1b[2J\u202e\u009b鱼\r\n✔ paid"
	s.print("%s", "%s joined", evil)
	s.table([][]string{{"name", "n"}, {evil, "1"}, {"all", "1"}})
	s.columns([][]string{{"name"}, {evil}}, 1)
	teller{out: &out}.say("%s", evil)
	if strings.ContainsAny(out.String(), "\x1b\r\u202e\u009b") || strings.Contains(out.String(), "\n✔") {
		t.Errorf("%q", out.String())
	}
	if !strings.Contains(out.String(), "小[2J鱼 ✔ paid joined\n") {
		t.Errorf("%q", out.String())
	}
}
