package scheduler

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const maxSpec = 200 // bytes

// Schedule reads a cron expression of five fields in a zone and returns what comes after a
// moment: zero if nothing does. An expression that never comes, such as the 30th of
// February, is refused, and so is a zone inside it: the zone is a setting of its own.
func Schedule(spec string, zone *time.Location) (func(time.Time) time.Time, error) {
	spec = strings.TrimSpace(spec)
	switch {
	case spec == "":
		return nil, errors.New("cron is empty")
	case len(spec) > maxSpec:
		return nil, fmt.Errorf("cron has %d bytes, at most %d are read", len(spec), maxSpec)
	case strings.Contains(spec, "TZ="):
		// A bare CRON_TZ= makes the parser panic, and TZ= alone means UTC.
		return nil, errors.New("cron names a zone; use timezone instead")
	case strings.HasPrefix(spec, "@"):
		return nil, fmt.Errorf("cron %q is a name; want five fields", spec)
	}
	parsed, err := parse(spec)
	if err != nil {
		return nil, err
	}
	next := func(t time.Time) time.Time { return parsed.Next(t.In(zone)) }
	if next(time.Date(2026, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
		return nil, fmt.Errorf("cron %q never comes", spec)
	}
	return next, nil
}

// parse is the parser of minute, hour, day, month and weekday; a panic in it is an error.
func parse(spec string) (s cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cron %q cannot be read", spec)
		}
	}()
	s, err = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(spec)
	if err != nil {
		err = fmt.Errorf("cron %q: %w", spec, err)
	}
	return s, err
}
