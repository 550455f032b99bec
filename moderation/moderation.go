package moderation

import (
	"log/slog"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// Actions that a verdict asks for.
const (
	ActNone   = "none"
	ActWarn   = "warn"   // a person should look at it
	ActRemove = "remove" // the owner is asked to remove the sender
)

// Moderator judges messages and people, and sees removals through: in a customer group
// only the owner can remove anybody, so it asks the owner and believes the member list.
type Moderator struct {
	Store     *store.Store
	Detector  *spam.Detector
	Cards     bool     // the platform can send cards to staff
	Notify    []string // user ids of those who are asked where nobody else dealt with something
	PublicURL string   // where this program is reached from outside; codes that lead to it are nobody's advertising
	// AppChats reads the chats of the app, where it may remove people; nil: there are none.
	AppChats bot.AppChatter
	// Remind is how long an owner has until the reminder, and Escalate until the manager of the
	// store is asked, and the manager until those of Notify are; 0: half an hour, two hours.
	Remind   time.Duration
	Escalate time.Duration
	Keep     time.Duration // how long harmless messages are kept; 0: not known
	Now      func() time.Time
	Zone     *time.Location
	Log      *slog.Logger

	batches  batches // of the feed's messages
	settings policyCache
	learned  learned
	names    nameCache
}

// Name is the handler's name.
func (m *Moderator) Name() string { return "moderation" }

// Check judges a text alone, by the detector, by what people said about it and by the company's
// thresholds; see CatchUp.
func (m *Moderator) Check(text string) Answer { return m.alone(m.read(text)) }

// alone is the answer where nothing but a text is known.
func (m *Moderator) alone(v spam.Verdict) Answer {
	a := Answer{TextScore: v.Score, Reasons: reasonsOf(v), Action: ActNone, Would: ActNone}
	a.Verdict, a.Score = judged(v.Score, 0, false, m.company())
	return a
}
