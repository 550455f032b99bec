package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpamEvalMeasuresBesideBaselines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	var b strings.Builder
	for range 5 {
		b.WriteString(`{"text":"招兼职刷单，日结300，加V：abc12345","label":"spam","source":"own"}` + "\n")
		b.WriteString(`{"text":"明天几点开门？我要2份草莓","label":"ham","source":"own"}` + "\n")
		b.WriteString(`{"text":"无抵押贷款，秒下款，详询","label":"spam","source":"sms-own"}` + "\n")
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	words := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(words, []byte("草莓\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := xiaobu(t, "", nil, "spam", "eval", file, "--baselines", "--train", file, "--keywords", words, "--sample", "3", "--json")
	var report struct {
		Rows    int
		Columns []struct {
			Name   string
			Review []struct {
				Name            string
				Caught, Flagged int
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &report); r.code != exitDone || err != nil || report.Rows != 15 || len(report.Columns) != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	for i, want := range []struct{ caught, flagged int }{{5, 0}, {5, 0}, {0, 5}} {
		if c := report.Columns[i]; c.Review[0].Name != "chat" || c.Review[0].Caught != want.caught || c.Review[0].Flagged != want.flagged {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	if r := xiaobu(t, "", nil, "spam", "eval", file, "--sample", "3"); r.code != exitDone || !strings.Contains(r.out, "chat recall") || !strings.Contains(r.err, "xiaobu: ") {
		t.Errorf("%+v", r)
	}
}

func TestSpamEvalNamesWhatIsWrong(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	if err := os.WriteFile(bad, []byte(`{"text":"早","label":"ham"}`+"\n"+`{"text":"早","label":"advert"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good.jsonl")
	if err := os.WriteFile(good, []byte(`{"text":"早","label":"ham","source":"own"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "dev.jsonl.gz"},
		{"x --train y", exitUsage, "--baselines"},
		{"x --sample 0", exitUsage, "--sample 1000"},
		{"missing.jsonl", exitFailed, "missing.jsonl"},
		{good + " --baselines --without own --train " + good, exitUsage, "--without own leaves nothing"},
		{bad, exitFailed, bad + `: line 2: label "advert"`},
	} {
		r := xiaobu(t, "", nil, append([]string{"spam", "eval"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || r.out != "" {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}
