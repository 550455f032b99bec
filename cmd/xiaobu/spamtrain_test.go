package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xiaobu/spam"
)

// writeSamples writes our own sentences as a file of samples.
func writeSamples(t *testing.T, each int, seed uint64, source string) string {
	t.Helper()
	var b bytes.Buffer
	for _, s := range spam.Supplement(each, seed) {
		label := "ham"
		if s.Spam {
			label = "spam"
		}
		line, err := json.Marshal(map[string]string{"text": s.Text, "label": label, "source": source})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	name := filepath.Join(t.TempDir(), source+".jsonl")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSpamTrainMakesAModelThatSpamCheckUses(t *testing.T) {
	samples, dev := writeSamples(t, 1, 3, "ours"), writeSamples(t, 2, 4, "theirs")
	var models [2][]byte
	for i := range models {
		out := filepath.Join(t.TempDir(), "x.model")
		r := xiaobu(t, "", nil, "spam", "train", "--out", out, "--own", "0", "--dev", dev, "--weigh", "ours=0.5", samples)
		if r.code != 0 || !strings.Contains(r.out, "ours") || !strings.Contains(r.out, "theirs") || !strings.Contains(r.err, "pass 1 of") {
			t.Fatalf("exit %d\n%s\n%s", r.code, r.out, r.err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		models[i] = data
		if i > 0 {
			continue
		}
		line := `{"text":"需要补单的加V abd7788"}` + "\n"
		mine, builtIn := xiaobu(t, line, nil, "spam", "check", "--model", out), xiaobu(t, line, nil, "spam", "check")
		if mine.code != 0 || builtIn.code != 0 || mine.out == builtIn.out || !strings.Contains(mine.out, `"verdict"`) {
			t.Errorf("with the model %s%s, without %s", mine.out, mine.err, builtIn.out)
		}
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Error("the same samples and seed gave two models")
	}
}

func TestSpamTrainNamesWhatIsWrong(t *testing.T) {
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "samples.jsonl")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := `{"text":"你好","label":"ham","source":"a"}` + "\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"none.jsonl"}, "none.jsonl"},
		{[]string{file(good + "{")}, "line 2"},
		{[]string{"--own", "0", file(good)}, "0 samples of spam"},
		{[]string{"--own", "0", "--without", "a", file(good)}, "0 samples of spam and 0 harmless"},
	} {
		out := filepath.Join(t.TempDir(), "x.model")
		r := xiaobu(t, "", nil, append([]string{"spam", "train", "--out", out}, c.args...)...)
		if r.code == 0 || !strings.Contains(r.err, c.want) {
			t.Errorf("%v: exit %d, %q; want %q", c.args, r.code, r.err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: a model was written all the same", c.args)
		}
	}
}
