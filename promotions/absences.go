package promotions

import (
	"errors"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxAway is the longest absence, in days: a longer one is a slip.
const maxAway = 366

// CheckAbsence refuses an absence that cannot be. Days are local days.
func CheckAbsence(r store.Reader, a store.Absence) error {
	from, err := awayDay("from", a.FromDay)
	if err != nil {
		return err
	}
	to, err := awayDay("to", a.ToDay)
	if err != nil {
		return err
	}
	if to.Before(from) {
		return handlers.Invalidf("to", "%s is before from %s", a.ToDay, a.FromDay)
	}
	if to.Sub(from) > maxAway*24*time.Hour {
		return handlers.Invalidf("to", "%s is more than %d days after from %s", a.ToDay, maxAway, a.FromDay)
	}
	if a.StandIn == "" {
		return nil
	}
	if a.StandIn == a.UserID {
		return handlers.Invalidf("stand_in", "%q is who is away; name somebody else, or leave it out", a.StandIn)
	}
	if _, err := r.Staff(bot.UserID(a.StandIn)); errors.Is(err, store.ErrNotFound) {
		return handlers.Invalidf("stand_in", "%q is not known to work for the company", a.StandIn)
	} else if err != nil {
		return err
	}
	return nil
}

func awayDay(field, s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, handlers.Invalidf(field, "is %q; want a day such as 2026-11-23", s)
	}
	return t, nil
}
