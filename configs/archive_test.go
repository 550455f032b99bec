package configs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const goodArchive = `
corp_id: ww1
secret: the-secret-of-the-archive
feed_secret: the-secret-of-the-feed
proxy: socks5://10.0.0.1:1080
proxy_password: me:hunter2
`

func TestTheArchiveHasSettingsOfItsOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	c, warnings, err := LoadArchive(file(t, goodArchive), []string{"XIAOBU_ARCHIVE_INTERVAL=1m", "XIAOBU_WECOM_SECRET=of-the-bot", "XIAOBU_ARCHIVE_CONSENT_REQUIRED=true"})
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if c.CorpID != "ww1" || c.Interval != time.Minute || !c.ConsentRequired || c.FeedURL != "http://127.0.0.1:8080/hooks/messages" || c.Keys != "archive-keys" || c.State != "archive-state" || c.Listen != "" {
		t.Errorf("%v", c)
	}
	shown := fmt.Sprintf("%v %+v %#v", c, c, &c)
	for _, secret := range []string{c.Secret, c.FeedSecret, "hunter2"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q shows in %s", secret, shown)
		}
	}
	if _, warnings, err := Load(file(t, ""), []string{"XIAOBU_ARCHIVE_CORP_ID=ww1", "XIAOBU_ARCHIVE_TYPO=x"}); err != nil || len(warnings) > 0 {
		t.Errorf("the bot looks at the archive's variables: %v %v", warnings, err)
	}
}

func TestMistakesOfTheArchiveAreExplained(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                            {"corp_id", "is missing", "XIAOBU_ARCHIVE_CORP_ID=ww"},
		goodArchive + "intervall: 1m":                 {"intervall", "did you mean interval?"},
		goodArchive + "interval: 15":                  {"interval", "15", "1s to 10m"},
		goodArchive + "interval: 1h":                  {"interval", "1h"},
		goodArchive + "consent_required: maybe":       {"consent_required", "maybe"},
		goodArchive + "feed_url: localhost":           {"feed_url", "https://HOST"},
		goodArchive + "listen: 80":                    {"listen", "HOST:PORT"},
		"corp_id: a\nsecret: b\nfeed_secret: seven77": {"feed_secret", "at least 8"},
		"corp_id: a\nproxy: ftp://x":                  {"proxy", "socks5://"},
		"corp_id: a\nproxy: http://me:hunter2@x":      {"proxy", "proxy_password"},
		"corp_id: a\nfeed_secret: long-enough":        {"secret", "会话内容存档"},
	} {
		_, _, err := LoadArchive(file(t, text), nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", text, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %q does not say %q", text, err, w)
			}
		}
	}
	_, _, err := LoadArchive(file(t, goodArchive), []string{"XIAOBU_ARCHIVE_CORPID=x"})
	if err == nil || !strings.Contains(err.Error(), "did you mean XIAOBU_ARCHIVE_CORP_ID?") {
		t.Errorf("got %v", err)
	}
}

func TestTheArchiveExampleHoldsEverySetting(t *testing.T) {
	data, err := os.ReadFile("archive.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := LoadArchive("archive.example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range archiveSettings {
		if !strings.Contains(string(data), "\n"+s.key+": ") {
			t.Errorf("the example lacks %s", s.key)
		}
		if s.preset != "" && s.show(&c) != s.preset {
			t.Errorf("%s is %s in the example, %s by default", s.key, s.show(&c), s.preset)
		}
	}
}
