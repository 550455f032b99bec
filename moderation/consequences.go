package moderation

import (
	"errors"
	"fmt"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// How much follows from one removal; more is left to people, who see what was done.
const (
	stoppedMost = 100
	heldMost    = 2000
)

// CaseCause names a case as what led to something.
func CaseCause(id int64) string { return fmt.Sprintf("case:%d", id) }

func blockCause(person string) string { return "block:" + person }

// stop takes from somebody what brings people in: his codes are stopped, and the rewards for
// whom he brought, as far as they are held still, wait for somebody to decide. Nothing that
// is payable or paid is touched.
func stop(tx *store.Tx, cause, person string) error {
	if err := alsoBecauseOf(tx, cause, person); err != nil {
		return err
	}
	codes, err := tx.CodesOfPerson(person, stoppedMost)
	if err != nil {
		return err
	}
	for _, ch := range codes {
		c := store.Consequence{Cause: cause, Person: person, Kind: store.ConsequenceCode, Ref: ch.ID}
		fresh, err := tx.AddConsequence(&c)
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		if _, err := tx.Enqueue(handlers.StopCode{Consequence: c.ID, Channel: ch.ID, Turn: tx.Now.UnixMilli()}, store.When{}); err != nil {
			return err
		}
	}
	return holdGuests(tx, cause, person)
}

// alsoBecauseOf notes that what was done to a person already now has one more cause, so that
// taking back the first does not take it back.
func alsoBecauseOf(tx *store.Tx, cause, person string) error {
	standing, err := tx.StandingConsequences(person)
	if err != nil {
		return err
	}
	for _, other := range standing {
		if other.Cause == cause {
			continue
		}
		c := store.Consequence{Cause: cause, Person: person, Kind: other.Kind, Ref: other.Ref}
		fresh, err := tx.AddConsequence(&c)
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		c.State, c.Note = store.ConsequenceDone, "because of "+other.Cause+" already"
		if err := tx.SaveConsequence(c, store.ConsequenceWanted); err != nil {
			return err
		}
	}
	return nil
}

func holdGuests(tx *store.Tx, cause, person string) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	held, err := tx.HeldOfGuests(person, heldMost)
	if err != nil {
		return err
	}
	for _, e := range held {
		signal := store.Signal{Name: handlers.SignalRemovedInviter,
			ZH: fmt.Sprintf("邀请人 %s 因发广告被移出或被拉黑", person), EN: fmt.Sprintf("The inviter %s was removed for spam or put on the blocklist", person)}
		flagged, err := handlers.HoldForReview(tx, e, signal)
		if err != nil {
			return err
		}
		if !flagged {
			continue
		}
		c := store.Consequence{Cause: cause, Person: person, Kind: store.ConsequenceFlag, Ref: e.ID}
		if _, err := tx.AddConsequence(&c); err != nil {
			return err
		}
		c.State = store.ConsequenceDone
		if err := tx.SaveConsequence(c, store.ConsequenceWanted); err != nil {
			return err
		}
	}
	return nil
}

// removedForSpam stops what a person who was removed for spam brings people in with. Who left
// by himself was not removed by anybody: nobody has said yet that it was spam.
func removedForSpam(tx *store.Tx, c store.Case) error {
	if c.Verdict != string(spam.Spam) {
		return nil
	}
	st, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if c.ClaimedBy == "" && st.LeftHow != string(bot.LeftRemoved) {
		return nil
	}
	return stop(tx, CaseCause(c.ID), c.Member)
}

// release takes back what followed from a case: codes work again where that is possible, and
// rewards that waited because of it go on, unless somebody decided about them.
func release(tx *store.Tx, c store.Case) error {
	return takeBack(tx, CaseCause(c.ID))
}

func takeBack(tx *store.Tx, cause string) error {
	all, err := tx.Consequences(cause)
	if err != nil {
		return err
	}
	if len(all) > 0 {
		if err := tx.LockLedger(); err != nil {
			return err
		}
	}
	for _, c := range all {
		if c.State == store.ConsequenceUndone || c.State == store.ConsequenceFailed {
			continue
		}
		kept, err := tx.ConsequenceStands(c)
		if err != nil {
			return err
		}
		switch {
		case kept:
			known := c.State
			c.State, c.Note = store.ConsequenceUndone, "it stands because of something else"
			err = tx.SaveConsequence(c, known)
		case c.Kind == store.ConsequenceFlag:
			err = liftFlag(tx, c)
		default:
			err = restartCode(tx, c)
		}
		if err != nil {
			return fmt.Errorf("take back consequence %d: %w", c.ID, err)
		}
	}
	return nil
}

func liftFlag(tx *store.Tx, c store.Consequence) error {
	known := c.State
	err := tx.LiftFlag(c.Ref)
	switch {
	case errors.Is(err, store.ErrStale):
		c.Note = "somebody decided about the reward already"
	case err != nil:
		return err
	default:
		c.State, c.Note = store.ConsequenceUndone, ""
	}
	return tx.SaveConsequence(c, known)
}

// restartCode has a code work again. One that is being stopped right now is seen to when
// that is done.
func restartCode(tx *store.Tx, c store.Consequence) error {
	known := c.State
	stop := handlers.StopCode{Consequence: c.ID, Channel: c.Ref, Turn: c.ChangedAt.UnixMilli()}
	c.State, c.Note = store.ConsequenceUndone, ""
	if known == store.ConsequenceDone {
		if _, err := tx.Enqueue(handlers.StopCode{Consequence: c.ID, Channel: c.Ref, Again: true, Turn: tx.Now.UnixMilli()}, store.When{}); err != nil {
			return err
		}
	} else if _, err := tx.CancelAction(stop.ActionKey()); err != nil {
		return err
	}
	return tx.SaveConsequence(c, known)
}

// InvitedBy is who brought a person into a group, and what became of others he brought.
type InvitedBy struct {
	Inviter  string // staff, or the customer whose code it was; empty: nobody is known
	Customer bool
	store.Bringing
}

// Inviter tells who brought the person of a case.
func Inviter(r store.Reader, c store.Case) (InvitedBy, error) {
	st, err := r.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if errors.Is(err, store.ErrNotFound) {
		return InvitedBy{}, nil
	}
	if err != nil {
		return InvitedBy{}, err
	}
	by := InvitedBy{Inviter: st.Inviter}
	if st.Referrer != "" {
		by.Inviter, by.Customer = st.Referrer, true
	}
	if by.Inviter == "" {
		return by, nil
	}
	by.Bringing, err = r.BroughtInBy(by.Inviter)
	return by, err
}
