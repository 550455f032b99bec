package bot

import (
	"errors"
	"fmt"
	"time"
)

// ErrUntraceable says that nobody can find out any more what became of a call.
var ErrUntraceable = errors.New("nobody can find out any more whether it was carried out")

// TooEarly says that for a while nobody can know what became of a call.
type TooEarly struct{ Wait time.Duration }

func (e *TooEarly) Error() string { return fmt.Sprintf("too early to tell for another %s", e.Wait) }

// RetryRule says what may be done about an action whose outcome is unknown because the
// call was cut off or the process died under it.
type RetryRule string

// The rules.
const (
	// RetrySafe actions may simply be performed again.
	RetrySafe RetryRule = "safe"
	// RetryUnsure actions are performed again only after the platform has been asked and
	// has answered that the first attempt left nothing behind.
	RetryUnsure RetryRule = "unsure"
	// RetryNever actions stay as they are and show up for a person.
	RetryNever RetryRule = "never"
)

// Action is something the bot wants to do outside. It is written into the outbox in the
// transaction that decided it, and performed later.
type Action interface {
	// ActionKind names who performs it.
	ActionKind() string
	// ActionKey makes a second decision for the same thing a no-op.
	ActionKey() string
	// Retry says what an unknown outcome allows.
	Retry() RetryRule
}
