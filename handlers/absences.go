package handlers

import (
	"errors"

	"xiaobu/bot"
	"xiaobu/store"
)

// maxStandIns is how many people in a row may stand in for one another.
const maxStandIns = 5

// StandIn tells whether a member of staff is away on a local day (2026-11-23), and who is
// there in their place: the stand-in, or the stand-in's where that one is away too. Empty:
// nobody is.
func StandIn(r store.Reader, user bot.UserID, day string) (away bool, standIn bot.UserID, err error) {
	at := user
	for range maxStandIns {
		a, err := r.Absence(at)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && !a.Covers(day):
			if at == user {
				return false, "", nil
			}
			return true, at, nil
		case err != nil:
			return false, "", err
		case a.StandIn == "" || a.StandIn == string(user):
			return true, "", nil
		}
		at = bot.UserID(a.StandIn)
	}
	return true, "", nil
}
