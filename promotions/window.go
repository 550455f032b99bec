package promotions

import (
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

// How long owners may confirm.
const (
	usualConfirm = 12 * time.Hour
	leastConfirm = 10 * time.Minute
	mostConfirm  = 72 * time.Hour
	leastWindow  = 30 * time.Minute // also shortly before quiet hours, unless less is wanted
	dayEnds      = 23               // o'clock, where no quiet hours begin earlier
)

// confirmWithin reads how long owners may confirm.
func confirmWithin(spec store.PromotionSpec) (time.Duration, error) {
	if spec.ConfirmWithin == "" {
		return usualConfirm, nil
	}
	d, err := time.ParseDuration(spec.ConfirmWithin)
	if err != nil || d < leastConfirm || d > mostConfirm {
		return 0, handlers.Invalidf("confirm_within", "is %q; want 10m to 72h, such as 4h", spec.ConfirmWithin)
	}
	return d, nil
}

// closesAt is when what owners have not confirmed is cancelled, of an occurrence that is
// planned at a moment: after confirm_within, but before the next quiet hours begin and before
// eleven in the evening, so that the morning's sale is not posted at night. Shortly before
// these there is half an hour all the same.
func (pl plan) closesAt(at time.Time, spec store.PromotionSpec) time.Time {
	within, err := confirmWithin(spec)
	if err != nil {
		within = usualConfirm // refused when it was posted
	}
	end := at.Add(within)
	for _, night := range []time.Time{nextNight(at.In(pl.zone)), pl.calmUntil(at)} {
		if !night.IsZero() && night.Before(end) {
			end = night
		}
	}
	if least := at.Add(min(within, leastWindow)); end.Before(least) {
		end = least
	}
	return end.UTC()
}

// isQuiet reports whether a moment is within quiet hours.
func (pl plan) isQuiet(at time.Time) bool {
	local := at.In(pl.zone)
	return pl.quiet.has(local.Hour()*60 + local.Minute())
}

// nextNight is the next time at which promotions end for the day.
func nextNight(local time.Time) time.Time {
	night := time.Date(local.Year(), local.Month(), local.Day(), dayEnds, 0, 0, 0, local.Location())
	if !night.After(local) {
		night = time.Date(local.Year(), local.Month(), local.Day()+1, dayEnds, 0, 0, 0, local.Location())
	}
	return night
}
