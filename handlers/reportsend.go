package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// How long a text to staff may be repeated: WeCom shows the same text to the same person
// once within half an hour, counted from the first one it got.
const (
	repeatSpan  = 25 * time.Minute
	repeatPause = 15 * time.Second
)

// ReportKey names the message of a report's day to somebody; without who, it begins the keys
// of them all.
func ReportKey(kind, day, who string) string { return "report:" + kind + ":" + day + ":" + who }

// TellStaff is the action of telling one member of staff a day's report.
type TellStaff struct {
	Report string     `json:"report"`
	Day    string     `json:"day"`
	To     bot.UserID `json:"to"`
	Text   string     `json:"text"`
}

// ActionKind names the action.
func (TellStaff) ActionKind() string { return "staff_text" }

// ActionKey makes one message a day of a kind and person.
func (t TellStaff) ActionKey() string { return ReportKey(t.Report, t.Day, string(t.To)) }

// Retry is unsure: for a while it may simply be sent again, then nobody can know any more.
func (TellStaff) Retry() bot.RetryRule { return bot.RetryUnsure }

// StaffTeller performs TellStaff.
type StaffTeller struct {
	Platform bot.StaffNotifier
	Now      func() time.Time
}

// ActionKind names the action it performs.
func (StaffTeller) ActionKind() string { return TellStaff{}.ActionKind() }

// Perform sends the text.
func (s StaffTeller) Perform(ctx context.Context, a store.Action) (any, error) {
	var t TellStaff
	if err := a.Decode(&t); err != nil {
		return nil, err
	}
	return nil, s.Platform.SendText(ctx, []bot.UserID{t.To}, t.Text)
}

// Find lets a text go out again that was cut off, as long as the platform shows it once.
// The span is counted from when the text was written down, which is never after it was first
// tried.
func (s StaffTeller) Find(_ context.Context, a store.Action) (any, bool, error) {
	switch now := s.Now(); {
	case now.After(a.CreatedAt.Add(repeatSpan)):
		return nil, false, bot.ErrUntraceable
	case now.Before(a.TriedAt.Add(repeatPause)):
		return nil, false, &bot.TooEarly{Wait: a.TriedAt.Add(repeatPause).Sub(now)}
	}
	return nil, false, nil
}

// Record has nothing to add to the action's own state.
func (StaffTeller) Record(*store.Tx, store.Action, store.Outcome) error { return nil }

// TellGroup is the action of posting a day's leaderboard in an app chat, or by a robot.
type TellGroup struct {
	Report string `json:"report"`
	Day    string `json:"day"`
	Shop   string `json:"shop"` // empty: the chain
	// AppChat is where it goes. Without one it goes by the robot that is the report's target
	// when it is posted.
	AppChat string `json:"app_chat,omitempty"`
	Text    string `json:"text"`
}

// ActionKind names the action: each way is performed by somebody else.
func (t TellGroup) ActionKind() string {
	if t.AppChat == "" {
		return robotText
	}
	return appChatText
}

const (
	appChatText = "appchat_text"
	robotText   = "robot_text"
	chainKey    = "chain" // stands for the chain in a key, which names no store
)

// ActionKey makes one message a day of a kind and store.
func (t TellGroup) ActionKey() string {
	if t.Report == store.ReportChain {
		return ReportKey(t.Report, t.Day, chainKey)
	}
	return ReportKey(t.Report, t.Day, t.Shop)
}

// Retry is never: nobody can ask what is said in a group, and twice is worse than not.
func (TellGroup) Retry() bot.RetryRule { return bot.RetryNever }

// ReportOf reads to whom an action tells a report, and what.
func ReportOf(a store.Action) (to, text string) {
	var t struct{ Text string }
	if err := a.Decode(&t); err != nil {
		return "", "" // not one of ours
	}
	parts := strings.SplitN(a.Key, ":", 4)
	return parts[len(parts)-1], t.Text
}

// GroupTeller performs TellGroup where it goes to an app chat.
type GroupTeller struct{ Platform bot.AppChatter }

// ActionKind names the action it performs.
func (GroupTeller) ActionKind() string { return appChatText }

// Perform posts the text.
func (s GroupTeller) Perform(ctx context.Context, a store.Action) (any, error) {
	var t TellGroup
	if err := a.Decode(&t); err != nil {
		return nil, err
	}
	return nil, s.Platform.SendAppChat(ctx, t.AppChat, t.Text)
}

// Record has nothing to add to the action's own state.
func (GroupTeller) Record(*store.Tx, store.Action, store.Outcome) error { return nil }

// RobotTeller performs TellGroup where it goes by a robot.
type RobotTeller struct{ Robots *Robots }

// ActionKind names the action it performs.
func (RobotTeller) ActionKind() string { return robotText }

// Perform posts the text, if the target is a robot still.
func (s RobotTeller) Perform(ctx context.Context, a store.Action) (any, error) {
	var t TellGroup
	if err := a.Decode(&t); err != nil {
		return nil, err
	}
	target, err := s.Robots.Store.Read(ctx).ReportTarget(t.Report, t.Shop)
	if errors.Is(err, store.ErrNotFound) || err == nil && target.RobotID == nil {
		return nil, robotGone()
	}
	if err != nil {
		return nil, noKey(err)
	}
	return nil, s.Robots.Post(ctx, *target.RobotID, t.Text)
}

// Record has nothing to add to the action's own state.
func (RobotTeller) Record(*store.Tx, store.Action, store.Outcome) error { return nil }
