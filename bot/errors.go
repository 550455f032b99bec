package bot

import (
	"errors"
	"fmt"
	"time"
)

// Class says what a refusal by the platform means for the caller.
type Class string

// The classes of refusals.
const (
	ClassRetry   Class = "retry"   // busy: nothing was done, the same call may be repeated after a while
	ClassToken   Class = "token"   // the credential was refused although it was renewed
	ClassBackoff Class = "backoff" // a limit: nothing was done, this call is closed for Wait
	ClassFix     Class = "fix"     // settings, permissions or a mistake of the program: a person must act
	ClassGone    Class = "gone"    // what the call is about does not exist (any more), or not for us
	ClassGiveUp  Class = "give_up" // refused for this input, for good
	ClassDone    Class = "done"    // the platform says it is so already: as good as success
)

// APIError is the platform's refusal of one call. It never carries a credential.
type APIError struct {
	Op    string // the call, such as externalcontact/groupchat/get
	Code  int    // the platform's code
	Msg   string // the platform's words
	Class Class
	Hint  string // what a person can do about it, and where; may be empty
	// Wait is how long the call stays closed; only for ClassBackoff.
	Wait time.Duration
}

func (e *APIError) Error() string {
	text := fmt.Sprintf("%s: %d %s (%s)", e.Op, e.Code, e.Msg, e.Class)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// UnknownError says that a call was cut off after it may have reached the platform: nobody
// knows whether it was carried out.
type UnknownError struct {
	Op  string
	Err error
}

func (e *UnknownError) Error() string { return fmt.Sprintf("%s: outcome unknown: %v", e.Op, e.Err) }

func (e *UnknownError) Unwrap() error { return e.Err }

// ClassOf returns the class of the platform's refusal inside err, or "" if there is none.
func ClassOf(err error) Class {
	var e *APIError
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// WaitOf returns how long err asks to wait before the call is tried again, or 0.
func WaitOf(err error) time.Duration {
	var e *APIError
	if errors.As(err, &e) {
		return e.Wait
	}
	return 0
}

// IsGone reports whether err says that the thing asked for does not exist.
func IsGone(err error) bool { return ClassOf(err) == ClassGone }

// IsUnknown reports whether err leaves open if the call was carried out.
func IsUnknown(err error) bool {
	var e *UnknownError
	return errors.As(err, &e)
}
