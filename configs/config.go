// Package configs reads the settings: one YAML file, and environment variables that win
// over it.
package configs

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Config are the settings. Secrets never show in its String or in an error.
type Config struct {
	Listen     string
	PublicURL  string // used in links; no slash at the end
	Database   string
	Timezone   *time.Location
	APIToken   string // empty: the API answers 503
	FeedSecret string // empty: the feed answers 503
	// SecondPerson: no payout is made in one step; who collects it and who approves it differ.
	SecondPerson bool
	// PromotionsSecondPerson: who writes a promotion and who agrees that it is posted differ.
	PromotionsSecondPerson bool
	// PromotionsNotify are the user ids of those who are told what is wrong with a promotion.
	PromotionsNotify []string
	// ModerationNotify are the user ids of those who are asked about cases and tickets that
	// nobody else dealt with.
	ModerationNotify []string
	// ModerationRemind is how long an owner has before the reminder; ModerationEscalate until the
	// manager of the store is asked, and the manager until ModerationNotify are.
	ModerationRemind, ModerationEscalate time.Duration
	// ModerationKeep is how long harmless messages are kept.
	ModerationKeep time.Duration
	// SpamModel is the file of the model that judges messages; empty: the built-in one.
	SpamModel string
	// PrintFont is a font file for posters; empty: what the machine has.
	PrintFont string
	// CalendarFile holds public holidays; empty: China's, as far as they are known.
	CalendarFile string
	WeCom        WeCom
}

// WeCom is the self-built app.
type WeCom struct {
	BaseURL string // no slash at the end
	CorpID  string
	AgentID int64
	Secret  string
	Token   string
	AESKey  string
	Settle  time.Duration
	// MassQuota is what a group's mass messages are counted by: month, week or day.
	MassQuota string
}

// Error is a setting that cannot be used: which, what is wrong with it, and an example.
type Error struct {
	Key     string
	Problem string
	Example string
	prefix  string // of the environment variable; empty: XIAOBU_
}

func (e *Error) Error() string {
	msg := fmt.Sprintf("setting %s: %s", e.Key, e.Problem)
	if e.Example != "" {
		msg += fmt.Sprintf(" (example: %s: %s; or %s=%s)", e.Key, e.Example, envOf(cmp.Or(e.prefix, envPrefix), e.Key), e.Example)
	}
	return msg
}

// envOf is the environment variable of a key: wecom.corp_id is XIAOBU_WECOM_CORP_ID.
func envOf(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

const envPrefix = "XIAOBU_"

// String shows the settings with every secret hidden.
func (c Config) String() string { return program().show(&c) }

// GoString hides secrets from %#v as well.
func (c Config) GoString() string { return c.String() }

// RequireWeCom reports the first setting that the bot cannot do without.
func (c Config) RequireWeCom() error { return program().require(&c) }
