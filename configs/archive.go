package configs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Archive are the settings of xiaobu-archive, which brings what is said in groups to the
// feed. They stand in a file of their own, for the program may run on another machine and
// must not know the secrets of the bot. Secrets never show in its String or in an error.
type Archive struct {
	CorpID string
	Secret string // of the message archive, not of the app
	// Keys is the directory of private keys, one PEM file for each version of the public key: 1.pem, 2.pem …
	Keys string
	// FeedURL is where messages go, FeedSecret what they are signed with.
	FeedURL    string
	FeedSecret string
	// State is the directory of what the program must remember: its position first of all.
	State         string
	Proxy         string // for calls to WeCom; empty: none
	ProxyPassword string // USER:PASSWORD
	Interval      time.Duration
	// ConsentRequired: only messages of customers who have agreed to the archive are passed on.
	ConsentRequired bool
	// Pictures: pictures are fetched and passed on, for the codes that may be on them.
	Pictures bool
	Listen   string // for /healthz; empty: nowhere
}

const archivePrefix = envPrefix + "ARCHIVE_"

// DefaultArchiveFile is read when no other is named and it exists.
const DefaultArchiveFile = "configs/archive.yaml"

func archiveProgram() table[Archive] {
	return table[Archive]{prefix: archivePrefix, file: DefaultArchiveFile, keys: archiveSettings}
}

// LoadArchive reads the settings of xiaobu-archive as Load does those of xiaobu: from the file
// (the one given, else the one that XIAOBU_ARCHIVE_CONFIG names, else configs/archive.yaml if
// it exists) and the environment, where corp_id is XIAOBU_ARCHIVE_CORP_ID. What the program
// cannot do without must be there.
func LoadArchive(file string, env []string) (c Archive, warnings []string, err error) {
	t := archiveProgram()
	if warnings, err = t.load(&c, file, env); err != nil {
		return c, warnings, err
	}
	return c, warnings, t.require(&c)
}

// String shows the settings with every secret hidden.
func (c Archive) String() string { return archiveProgram().show(&c) }

// GoString hides secrets from %#v as well.
func (c Archive) GoString() string { return c.String() }

// archiveSettings are all keys of xiaobu-archive.
var archiveSettings = []setting[Archive]{
	{
		key: "corp_id", example: "ww0123456789abcdef", help: "WeCom's console: 我的企业 → 企业信息 → 企业ID", required: true,
		set: func(c *Archive, v string) error { c.CorpID = v; return noSpaces(v) }, show: func(c *Archive) string { return c.CorpID },
	},
	{
		key: "secret", example: "the-archive-secret", help: "WeCom's console: 管理工具 → 会话内容存档 → Secret", secret: true, required: true,
		set: func(c *Archive, v string) error { c.Secret = v; return noSpaces(v) }, show: func(c *Archive) string { return c.Secret },
	},
	{
		key: "keys", preset: "archive-keys", example: "/etc/xiaobu/archive-keys", help: "directory of the private keys; the key of version 3 is 3.pem",
		set: func(c *Archive, v string) error { c.Keys = v; return nil }, show: func(c *Archive) string { return c.Keys },
	},
	{
		key: "feed_url", preset: "http://127.0.0.1:8080/hooks/messages", example: "http://127.0.0.1:8080/hooks/messages", help: "the bot's message feed",
		set: func(c *Archive, v string) error { c.FeedURL = v; return checkURL(v) }, show: func(c *Archive) string { return c.FeedURL },
	},
	{
		key: "feed_secret", example: "another-long-random-string", help: "feed_secret of the bot", secret: true, required: true,
		set: func(c *Archive, v string) error { c.FeedSecret = v; return atLeast(v, 8) }, show: func(c *Archive) string { return c.FeedSecret },
	},
	{
		key: "state", preset: "archive-state", example: "/var/lib/xiaobu-archive", help: "directory of what has to be remembered: position, consents, refused messages",
		set: func(c *Archive, v string) error { c.State = v; return nil }, show: func(c *Archive) string { return c.State },
	},
	{
		key: "proxy", example: "http://10.0.0.1:8081", help: "http:// or socks5:// proxy for the calls to WeCom",
		set: func(c *Archive, v string) error { c.Proxy = v; return checkProxy(v) }, show: func(c *Archive) string { return c.Proxy },
	},
	{
		key: "proxy_password", example: "user:password", help: "USER:PASSWORD of the proxy", secret: true,
		set: func(c *Archive, v string) error { c.ProxyPassword = v; return noSpaces(v) }, show: func(c *Archive) string { return c.ProxyPassword },
	},
	{
		key: "interval", preset: "15s", example: "15s", help: "how long to wait when nothing new is there, 1s to 10m",
		set: setInterval, show: func(c *Archive) string { return c.Interval.String() },
	},
	{
		key: "consent_required", preset: "false", example: "true", help: "true: only messages of customers who are known to have agreed are passed on; false: of all who have not disagreed",
		set: func(c *Archive, v string) error { return setBool(&c.ConsentRequired, v) }, show: func(c *Archive) string { return strconv.FormatBool(c.ConsentRequired) },
	},
	{
		key: "pictures", preset: "true", example: "false", help: "true: pictures are passed on as well, for the codes that may be on them",
		set: func(c *Archive, v string) error { return setBool(&c.Pictures, v) }, show: func(c *Archive) string { return strconv.FormatBool(c.Pictures) },
	},
	{
		key: "listen", example: "127.0.0.1:8089", help: "the address of /healthz; left out: none",
		set: func(c *Archive, v string) error { c.Listen = v; return checkAddress(v) }, show: func(c *Archive) string { return c.Listen },
	},
}

func setInterval(c *Archive, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < time.Second || d > 10*time.Minute {
		return fmt.Errorf("%q is no duration from 1s to 10m", v)
	}
	c.Interval = d
	return nil
}

// checkProxy keeps passwords out of proxy, whose value is shown.
func checkProxy(v string) error {
	if !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "socks5://") {
		return errors.New("starts with neither http:// nor socks5://")
	}
	if strings.Contains(v, "@") {
		return errors.New("must not carry a user; that is proxy_password")
	}
	return noSpaces(v)
}
