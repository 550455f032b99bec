package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const aesKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"

const good = `
listen: 0.0.0.0:9000
public_url: https://xiaobu.example.com/
database: postgres://me:hunter2@db/xiaobu
timezone: Asia/Urumqi
api_token: the-token-of-the-api
feed_secret: the-secret-of-the-feed
rewards: {second_person: true}
promotions: {second_person: true, notify: "anna, li"}
moderation: {notify: "ben", remind: 10m, escalate: 1h30m, keep: 48h}
wecom:
  base_url: http://127.0.0.1:8090/
  corp_id: ww1
  agent_id: 1000002
  secret: the-secret-of-the-app
  token: 0123
  aes_key: ` + aesKey + `
  settle: 500ms
  mass_quota: week
`

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "xiaobu.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, text string, env ...string) Config {
	t.Helper()
	c, warnings, err := Load(file(t, text), env)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	return c
}

func TestWithoutAnythingThereAreDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	c, _, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.PublicURL != "http://127.0.0.1:8080" || c.Database != "sqlite:xiaobu.db" || c.Timezone.String() != "Asia/Shanghai" ||
		c.WeCom.BaseURL != "https://qyapi.weixin.qq.com" || c.WeCom.Settle != 2*time.Second || c.WeCom.MassQuota != "month" || c.PromotionsNotify != nil || c.ModerationNotify != nil || c.ModerationKeep != 7*24*time.Hour || c.APIToken != "" || c.FeedSecret != "" {
		t.Errorf("%#v", c)
	}
	var e *Error
	if err := c.RequireWeCom(); !errors.As(err, &e) || e.Key != "wecom.corp_id" || !strings.Contains(err.Error(), "企业ID") {
		t.Errorf("what is missing: %v", err)
	}
}

func TestAFileIsRead(t *testing.T) {
	c := load(t, good)
	want := Config{Listen: "0.0.0.0:9000", PublicURL: "https://xiaobu.example.com", Database: "postgres://me:hunter2@db/xiaobu",
		Timezone: c.Timezone, APIToken: "the-token-of-the-api", FeedSecret: "the-secret-of-the-feed", SecondPerson: true, PromotionsSecondPerson: true, PromotionsNotify: []string{"anna", "li"}, ModerationNotify: []string{"ben"}, ModerationRemind: 10 * time.Minute, ModerationEscalate: 90 * time.Minute, ModerationKeep: 48 * time.Hour,
		WeCom: WeCom{BaseURL: "http://127.0.0.1:8090", CorpID: "ww1", AgentID: 1000002, Secret: "the-secret-of-the-app", Token: "0123", AESKey: aesKey, Settle: 500 * time.Millisecond, MassQuota: "week"}}
	if !reflect.DeepEqual(c, want) || c.Timezone.String() != "Asia/Urumqi" {
		t.Errorf("got %+v", []any{c.Listen, c.PublicURL, c.WeCom})
	}
	if err := c.RequireWeCom(); err != nil {
		t.Error(err)
	}
}

func TestKeysMayBeWrittenFlat(t *testing.T) {
	if c := load(t, "wecom.corp_id: ww2\n"); c.WeCom.CorpID != "ww2" {
		t.Errorf("got %q", c.WeCom.CorpID)
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	c := load(t, good, "XIAOBU_WECOM_CORP_ID=ww9", "XIAOBU_LISTEN=:1", "XIAOBU_WECOM_SETTLE=0s", "PATH=/bin", "XIAOBU_CONFIG=elsewhere")
	if c.WeCom.CorpID != "ww9" || c.Listen != ":1" || c.WeCom.Settle != 0 || c.WeCom.AgentID != 1000002 {
		t.Errorf("got %q %q %v", c.WeCom.CorpID, c.Listen, c.WeCom.Settle)
	}
}

func TestTheFileIsFoundWhereItIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	one, two := file(t, "listen: :1"), file(t, "listen: :2")
	if err := os.Mkdir("configs", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(DefaultFile, []byte("listen: :3"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct{ file, env string }{":1": {one, two}, ":2": {"", two}, ":3": {"", ""}} {
		got, _, err := Load(c.file, []string{"XIAOBU_CONFIG=" + c.env})
		if err != nil || got.Listen != want {
			t.Errorf("listen %q %v, want %q", got.Listen, err, want)
		}
	}
	if _, _, err := Load("", []string{"XIAOBU_CONFIG=missing.yaml"}); err == nil {
		t.Error("a file that was named and is not there must be an error")
	}
}

// Every mistake names its key, says what is wrong and shows an example.
func TestMistakesAreExplained(t *testing.T) {
	for text, want := range map[string][]string{
		"lisen: :1":                        {"lisen", "did you mean listen?"},
		"wecom: {corpid: x}":               {"wecom.corpid", "did you mean wecom.corp_id?"},
		"wecom: {corp_id: {a: b}}":         {"wecom.corp_id"},
		"something: else":                  {"something", "known are listen"},
		"listen: 8080":                     {"listen", "HOST:PORT", "127.0.0.1:8080"},
		"listen: :99999":                   {"listen", "99999"},
		"public_url: xiaobu.example.com":   {"public_url", "https://"},
		"database: mysql://x":              {"database", "sqlite:FILE"},
		"timezone: Asia/Beijing":           {"timezone", "Asia/Beijing", "Asia/Shanghai"},
		"timezone: Local":                  {"timezone"},
		"api_token: short":                 {"api_token", "5 characters", "16"},
		"api_token: [a]":                   {"api_token", "one value"},
		"wecom: {agent_id: shop}":          {"wecom.agent_id", "shop", "1000002"},
		"wecom: {agent_id: -1}":            {"wecom.agent_id"},
		"wecom: {aes_key: tooshort}":       {"wecom.aes_key", "EncodingAESKey"},
		"wecom: {settle: 2}":               {"wecom.settle", "2s"},
		"wecom: {settle: 1h}":              {"wecom.settle", "5m"},
		"wecom: {base_url: ftp://x}":       {"wecom.base_url"},
		"wecom: {secret: \"a b\"}":         {"wecom.secret", "white space"},
		"feed_secret: seven77":             {"feed_secret", "8"},
		"wecom: {mass_quota: year}":        {"wecom.mass_quota", "year", "month, week and day", "week"},
		"promotions: {second_person: ben}": {"promotions.second_person", "ben", "true"},
		"promotions: {notify: \"a,,b\"}":   {"promotions.notify", "no user id", "zhangsan, lisi"},
		"moderation: {remind: 1m}":         {"moderation.remind", "1m", "5m to 24h", "30m"},
		"moderation: {escalate: 2 hours}":  {"moderation.escalate", "2 hours", "5m to 24h", "2h"},
		"moderation: {notify: \"a b\"}":    {"moderation.notify", "no user id", "zhangsan, lisi"},
		"moderation: {keep: 7d}":           {"moderation.keep", "7d", "720h"},
		"moderation: {keep: 1h}":           {"moderation.keep", "24h"},
		"rewards: {second_person: anna}":   {"rewards.second_person", "anna", "true"},
	} {
		_, _, err := Load(file(t, text), nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", text, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", text, err, w)
			}
		}
	}
	for _, text := range []string{"listen: [", "- a", "listen: :1\nlisten: :2", "just words", strings.Repeat("# \n", 1<<19)} {
		if _, _, err := Load(file(t, text), nil); err == nil {
			t.Errorf("%.20q must be refused", text)
		}
	}
}

func TestAVariableThatIsASlipIsAnError(t *testing.T) {
	_, _, err := Load(file(t, ""), []string{"XIAOBU_WECOM_CORPID=x"})
	if err == nil || !strings.Contains(err.Error(), "XIAOBU_WECOM_CORP_ID") {
		t.Errorf("got %v", err)
	}
	_, warnings, err := Load(file(t, ""), []string{"XIAOBU_SOMETHING=else"})
	if err != nil || len(warnings) != 1 || strings.Contains(warnings[0], "else") {
		t.Errorf("got %v %v", warnings, err)
	}
}

func TestSecretsNeverShow(t *testing.T) {
	c := load(t, good)
	secrets := []string{c.APIToken, c.FeedSecret, c.WeCom.Secret, c.WeCom.Token, c.WeCom.AESKey, "hunter2"}
	shown := []string{c.String(), fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %+v", &c, &c)}
	for _, s := range shown {
		for _, secret := range secrets {
			if strings.Contains(s, secret) {
				t.Errorf("%q shows in %s", secret, s)
			}
		}
		if !strings.Contains(s, "ww1") {
			t.Errorf("the rest must show: %s", s)
		}
	}
	for _, text := range []string{"api_token: hunter2", "feed_secret: hunter2", "wecom: {aes_key: hunter2}", "wecom: {secret: 'hunter2 x'}", "wecom: {token: 'hunter2 x'}", "database: hunter2"} {
		if _, _, err := Load(file(t, text), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheExampleHoldsEverySetting(t *testing.T) {
	data, err := os.ReadFile("xiaobu.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := Load("xiaobu.example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		last := s.key[strings.LastIndex(s.key, ".")+1:]
		if !strings.Contains(string(data), "\n"+last+": ") && !strings.Contains(string(data), "\n  "+last+": ") {
			t.Errorf("the example lacks %s", s.key)
		}
		if s.preset != "" && s.show(&c) != s.preset {
			t.Errorf("%s is %s in the example, %s by default", s.key, s.show(&c), s.preset)
		}
	}
	if err := c.RequireWeCom(); err != nil {
		t.Error(err)
	}
}
