package configs

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot/wecom/crypt"
)

// setting is one key: how it is read, shown and explained.
type setting[C any] struct {
	key      string
	preset   string // default
	example  string
	help     string
	secret   bool
	required bool
	set      func(*C, string) error
	show     func(*C) string
}

// settings are all keys of xiaobu itself.
var settings = []setting[Config]{
	{
		key: "listen", preset: "127.0.0.1:8080", example: "127.0.0.1:8080", help: "the address to listen on",
		set: func(c *Config, v string) error { c.Listen = v; return checkAddress(v) }, show: func(c *Config) string { return c.Listen },
	},
	{
		key: "public_url", example: "https://xiaobu.example.com", help: "the address that phones can reach; used in links and QR codes",
		set: func(c *Config, v string) error { c.PublicURL = strings.TrimRight(v, "/"); return checkURL(v) }, show: func(c *Config) string { return c.PublicURL },
	},
	{
		key: "database", preset: "sqlite:xiaobu.db", example: "sqlite:xiaobu.db", help: "sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME", secret: true,
		set: func(c *Config, v string) error { c.Database = v; return checkDatabase(v) }, show: func(c *Config) string { return c.Database },
	},
	{
		key: "timezone", preset: "Asia/Shanghai", example: "Asia/Shanghai", help: "an IANA zone",
		set: setZone, show: func(c *Config) string { return c.Timezone.String() },
	},
	{
		key: "api_token", example: "a-long-random-string", help: "bearer token of /api/v1, at least 16 characters", secret: true,
		set: func(c *Config, v string) error { c.APIToken = v; return atLeast(v, 16) }, show: func(c *Config) string { return c.APIToken },
	},
	{
		key: "feed_secret", example: "another-long-random-string", help: "HMAC key of the message feed, at least 8 characters", secret: true,
		set: func(c *Config, v string) error { c.FeedSecret = v; return atLeast(v, 8) }, show: func(c *Config) string { return c.FeedSecret },
	},
	{
		key: "rewards.second_person", preset: "false", example: "true", help: "true: a payout needs a second person who approves it",
		set: func(c *Config, v string) error { return setBool(&c.SecondPerson, v) }, show: func(c *Config) string { return strconv.FormatBool(c.SecondPerson) },
	},
	{
		key: "promotions.second_person", preset: "false", example: "true", help: "true: a promotion is posted only after a second person approved it",
		set: func(c *Config, v string) error { return setBool(&c.PromotionsSecondPerson, v) }, show: func(c *Config) string { return strconv.FormatBool(c.PromotionsSecondPerson) },
	},
	{
		key: "promotions.notify", example: "zhangsan, lisi", help: "user ids, with commas between, who are told before a promotion what is wrong with it",
		set: func(c *Config, v string) error { return setNotify(&c.PromotionsNotify, v) }, show: func(c *Config) string { return strings.Join(c.PromotionsNotify, ", ") },
	},
	{
		key: "moderation.notify", example: "zhangsan, lisi", help: "user ids, with commas between, who are asked about cases and complaints that nobody else dealt with",
		set: func(c *Config, v string) error { return setNotify(&c.ModerationNotify, v) }, show: func(c *Config) string { return strings.Join(c.ModerationNotify, ", ") },
	},
	{
		key: "moderation.remind", preset: "30m", example: "30m", help: "how long the owner of a group has before he is reminded of advertising in it, from 5m to 24h",
		set: func(c *Config, v string) error { return setPatience(&c.ModerationRemind, v) }, show: func(c *Config) string { return shortSpan(c.ModerationRemind) },
	},
	{
		key: "moderation.escalate", preset: "2h", example: "2h", help: "how long until the manager of the store is asked in his place, and as long again until moderation.notify are, from 5m to 24h",
		set: func(c *Config, v string) error { return setPatience(&c.ModerationEscalate, v) }, show: func(c *Config) string { return shortSpan(c.ModerationEscalate) },
	},
	{
		key: "moderation.keep", preset: "168h", example: "720h", help: "how long harmless messages of the feed are kept, from 24h to 9600h; what a case is about stays with the case",
		set: setKeep, show: func(c *Config) string { return fmt.Sprintf("%gh", c.ModerationKeep.Hours()) },
	},
	{
		key: "spam.model", example: "xiaobu.model", help: "a model file of xiaobu spam train that judges messages; left out: the built-in one",
		set: func(c *Config, v string) error { c.SpamModel = v; return nil }, show: func(c *Config) string { return c.SpamModel },
	},
	{
		key: "print.font", example: ExampleFont, help: "a TTF, OTF or TTC file for posters; left out: the Chinese fonts of the machine",
		set: func(c *Config, v string) error { c.PrintFont = v; return nil }, show: func(c *Config) string { return c.PrintFont },
	},
	{
		key: "calendar.file", example: ExampleCalendar, help: "a file of public holidays and make-up workdays; left out: China's, which come with the program",
		set: func(c *Config, v string) error { c.CalendarFile = v; return nil }, show: func(c *Config) string { return c.CalendarFile },
	},
	{
		key: "wecom.base_url", preset: "https://qyapi.weixin.qq.com", example: "https://qyapi.weixin.qq.com", help: "where WeCom's API is",
		set: func(c *Config, v string) error { c.WeCom.BaseURL = strings.TrimRight(v, "/"); return checkURL(v) }, show: func(c *Config) string { return c.WeCom.BaseURL },
	},
	{
		key: "wecom.corp_id", example: "ww0123456789abcdef", help: "WeCom's console: 我的企业 → 企业信息 → 企业ID", required: true,
		set: func(c *Config, v string) error { c.WeCom.CorpID = v; return noSpaces(v) }, show: func(c *Config) string { return c.WeCom.CorpID },
	},
	{
		key: "wecom.agent_id", example: "1000002", help: "WeCom's console: 应用管理 → the self-built app → AgentId", required: true,
		set: setAgent, show: func(c *Config) string { return zeroEmpty(c.WeCom.AgentID) },
	},
	{
		key: "wecom.secret", example: "the-app-secret", help: "WeCom's console: 应用管理 → the self-built app → Secret", secret: true, required: true,
		set: func(c *Config, v string) error { c.WeCom.Secret = v; return noSpaces(v) }, show: func(c *Config) string { return c.WeCom.Secret },
	},
	{
		key: "wecom.token", example: "QDG6eK", help: "WeCom's console: the app → 接收消息 → 设置API接收 → Token", secret: true, required: true,
		set: func(c *Config, v string) error { c.WeCom.Token = v; return noSpaces(v) }, show: func(c *Config) string { return c.WeCom.Token },
	},
	{
		key: "wecom.aes_key", example: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", help: "WeCom's console: the app → 接收消息 → 设置API接收 → EncodingAESKey", secret: true, required: true,
		set: func(c *Config, v string) error { c.WeCom.AESKey = v; return checkAESKey(v) }, show: func(c *Config) string { return c.WeCom.AESKey },
	},
	{
		key: "wecom.settle", preset: "2s", example: "2s", help: "wait after a group event before the group is read, 0s to 5m",
		set: setSettle, show: func(c *Config) string { return c.WeCom.Settle.String() },
	},
	{
		key: "wecom.mass_quota", preset: MassMonth, example: MassWeek, help: "how many mass messages a group may get, as set in WeCom's 群发助手: month (as many as it has days), week (7) or day (1)",
		set: setMassQuota, show: func(c *Config) string { return c.WeCom.MassQuota },
	},
}

func checkAddress(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return errors.New("is no address of the form HOST:PORT")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

func checkURL(v string) error {
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("is no web address of the form https://HOST")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("must not carry a query, fragment or user")
	}
	return nil
}

func checkDatabase(v string) error {
	if file, ok := strings.CutPrefix(v, "sqlite:"); ok && file != "" {
		return nil
	}
	if strings.HasPrefix(v, "postgres://") || strings.HasPrefix(v, "postgresql://") {
		return nil
	}
	return errors.New("is neither sqlite:FILE nor postgres://USER:PASSWORD@HOST/NAME")
}

func setZone(c *Config, v string) error {
	if v == "" || v == "Local" {
		return errors.New("names no zone")
	}
	zone, err := time.LoadLocation(v)
	if err != nil {
		return fmt.Errorf("%q is no IANA zone", v)
	}
	c.Timezone = zone
	return nil
}

// ExampleCalendar is a name that calendar.file may have.
const ExampleCalendar = "configs/calendar.txt"

// ExampleFont is where Debian and Ubuntu keep a font that print.font may name.
const ExampleFont = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"

func setBool(to *bool, v string) error {
	if v != "true" && v != "false" {
		return fmt.Errorf("%q is neither true nor false", v)
	}
	*to = v == "true"
	return nil
}

// maxNotify is how many people a list of those who are told may have.
const maxNotify = 20

func setNotify(to *[]string, v string) error {
	*to = nil
	for _, id := range strings.Split(v, ",") {
		id = strings.TrimSpace(id)
		if id == "" || len(id) > 64 || noSpaces(id) != nil {
			return fmt.Errorf("%q is no user id", id)
		}
		*to = append(*to, id)
	}
	if n := len(*to); n > maxNotify {
		return fmt.Errorf("has %d user ids, at most %d", n, maxNotify)
	}
	return nil
}

// What a group's mass messages are counted by; see wecom.mass_quota.
const (
	MassMonth = "month"
	MassWeek  = "week"
	MassDay   = "day"
)

func setMassQuota(c *Config, v string) error {
	if v != MassMonth && v != MassWeek && v != MassDay {
		return fmt.Errorf("%q is none of month, week and day", v)
	}
	c.WeCom.MassQuota = v
	return nil
}

func setAgent(c *Config, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is no number such as 1000002", v)
	}
	c.WeCom.AgentID = n
	return nil
}

func setSettle(c *Config, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > 5*time.Minute {
		return fmt.Errorf("%q is no duration from 0s to 5m", v)
	}
	c.WeCom.Settle = d
	return nil
}

// setPatience reads how long somebody who is asked has.
func setPatience(to *time.Duration, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 5*time.Minute || d > 24*time.Hour {
		return fmt.Errorf("%q is no duration from 5m to 24h", v)
	}
	*to = d
	return nil
}

// shortSpan is a duration as people write it: 30m rather than 30m0s.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func setKeep(c *Config, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 24*time.Hour || d > 400*24*time.Hour {
		return fmt.Errorf("%q is no duration from 24h to 9600h", v)
	}
	c.ModerationKeep = d
	return nil
}

// atLeast checks a secret's length without repeating it.
func atLeast(v string, n int) error {
	if len(v) < n {
		return fmt.Errorf("has %d characters, want at least %d", len(v), n)
	}
	return noSpaces(v)
}

func noSpaces(v string) error {
	if strings.ContainsAny(v, " \t\r\n") {
		return errors.New("contains white space")
	}
	return nil
}

func checkAESKey(v string) error {
	_, err := crypt.New("", v, "")
	if err != nil {
		return fmt.Errorf("is no EncodingAESKey: %w", err)
	}
	return nil
}

func zeroEmpty(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
