package handlers

import (
	"context"
	"errors"
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

// reportKey names one message of a report.
func reportKey(kind, day, who string) string { return "report:" + kind + ":" + day + ":" + who }

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
func (t TellStaff) ActionKey() string { return reportKey(t.Report, t.Day, string(t.To)) }

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
		return nil, false, errors.New("too early to send it again")
	}
	return nil, false, nil
}

// Record has nothing to add to the action's own state.
func (StaffTeller) Record(*store.Tx, store.Action, store.Outcome) error { return nil }
