package promotions

import (
	"context"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	submitGrace = 5 * time.Minute // a submission may be late by this much at least
	turnWait    = 2 * time.Second // before a task looks again whether it is its turn
)

// SendMass is the action of making one owner's task.
type SendMass struct {
	Task int64 `json:"task"`
	bot.MassMessage
}

// ActionKind names the action.
func (SendMass) ActionKind() string { return "mass" }

// massKey and the task's id are the key of SendMass.
const massKey = "mass:"

// ActionKey makes one mass message of one task.
func (a SendMass) ActionKey() string { return fmt.Sprint(massKey, a.Task) }

// Retry is unsure: WeCom has to be asked whether an attempt that was cut off made a task.
func (SendMass) Retry() bot.RetryRule { return bot.RetryUnsure }

// massResult is what the platform answered.
type massResult struct {
	MsgID   string       `json:"msgid"`
	Refused []bot.ChatID `json:"refused,omitempty"` // groups that the task is not for
}

// MassSender performs SendMass.
type MassSender struct {
	Platform bot.MassMessenger
	Store    *store.Store
	Now      func() time.Time
	Library  *Library // whose files messages refer to; nil: none

	listed listing
}

// ActionKind names the action it performs.
func (*MassSender) ActionKind() string { return SendMass{}.ActionKind() }

// Perform submits the task, for the groups that are its owner's still.
func (s *MassSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, err
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		m.Chats, err = begin(tx, a, m)
		return err
	})
	switch {
	case bot.ClassOf(err) != "":
		return nil, err
	case err != nil: // nothing was sent
		return nil, fmt.Errorf("%w: %w", refusal(bot.ClassRetry, "the books cannot be read"), err)
	}
	for again := false; ; again = true {
		mass := m.MassMessage
		if mass.Message, err = s.uploaded(ctx, m); err != nil {
			return nil, err
		}
		id, refused, err := s.Platform.CreateMassMessage(ctx, mass)
		if again || !staleMedia(mass.Message, err) {
			return massResult{id, refused}, err
		}
		// It was uploaded in time, and yet is not known: once more, with new uploads.
		if err := s.Library.Forget(ctx, mass.Message); err != nil {
			return nil, unposted(err)
		}
	}
}

// uploaded is the message of a task with what the platform gave for the library's files.
func (s *MassSender) uploaded(ctx context.Context, m SendMass) (bot.Message, error) {
	if len(mediaIn(m.Message.Attachments)) == 0 {
		return m.Message, nil
	}
	task, err := s.Store.Read(ctx).Task(m.Task)
	if err != nil {
		return m.Message, unposted(err)
	}
	return s.Library.Ready(ctx, m.Message, task.ClosesAt)
}

// refusal is our own reason not to make a call now, or at all.
func refusal(class bot.Class, why string) *bot.APIError {
	e := &bot.APIError{Op: SendMass{}.ActionKind(), Msg: why, Class: class}
	if class == bot.ClassBackoff {
		e.Wait = turnWait
	}
	return e
}

// begin takes the task's turn and returns the groups it is to be made for: a group that was
// dismissed since is left out, one that was handed over gets a task of its new owner.
//
// Two tasks of an owner whose messages look alike could not be told apart on the platform
// before the owner confirms: its list shows no groups. So the second waits until it is known
// what became of the first. And an attempt that was cut off may not have made a task; it is
// not made any more when the promotion was stopped since.
func begin(tx *store.Tx, a store.Action, m SendMass) ([]bot.ChatID, error) {
	task, err := tx.Task(m.Task)
	if err != nil {
		return nil, err
	}
	if task.Status != store.TaskPlanned {
		return nil, refusal(bot.ClassGiveUp, "the task is "+task.Status)
	}
	if stopped, err := isStopped(tx, task); err != nil {
		return nil, err
	} else if stopped {
		e := refusal(bot.ClassGiveUp, reasonStopped.en)
		e.Code = reasonStopped.code
		return nil, e
	}
	free, err := tx.TakeTurn(task.Owner, likeness(m.Message), task.ID)
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, refusal(bot.ClassBackoff, "another task of this owner with such a message is on its way")
	}
	now, err := tx.PlannedChats(task.ID)
	if err != nil {
		return nil, err
	}
	var theirs []bot.ChatID
	moved := map[string][]bot.ChatID{}
	var owners []string
	for _, c := range now {
		switch {
		case c.Status == store.ChatDismissed:
			if err := moveOne(tx, task.ID, c.ChatID, store.DeliveryPlanned, store.DeliveryBlocked, reasonDismissed); err != nil {
				return nil, err
			}
		case c.Owner == "" || c.Owner == task.Owner:
			theirs = append(theirs, bot.ChatID(c.ChatID))
		default:
			if moved[c.Owner] == nil {
				owners = append(owners, c.Owner)
			}
			moved[c.Owner] = append(moved[c.Owner], bot.ChatID(c.ChatID))
		}
	}
	for _, owner := range owners {
		if err := handOver(tx, a, m, task, owner, moved[owner]); err != nil {
			return nil, err
		}
	}
	if len(theirs) == 0 {
		return nil, nil
	}
	return theirs, nil
}

// handOver makes a task of the new owner for groups of a task that is not submitted yet.
func handOver(tx *store.Tx, a store.Action, m SendMass, from store.Task, owner string, chats []bot.ChatID) error {
	theirs, err := tx.OwnerTasks(from.OccurrenceID, owner)
	if err != nil {
		return err
	}
	to := store.Task{OccurrenceID: from.OccurrenceID, Owner: owner, Part: 1, Status: store.TaskPlanned, ClosesAt: from.ClosesAt}
	if n := len(theirs); n > 0 {
		to.Part = theirs[n-1].Part + 1
	}
	if err := tx.AddTask(&to); err != nil {
		return err
	}
	for _, c := range chats {
		if err := tx.MoveToTask(from.ID, string(c), to); err != nil {
			return err
		}
	}
	var when store.When
	if deadline, limited := a.Expires(); limited {
		when.Deadline = deadline
	}
	_, err = tx.Enqueue(SendMass{Task: to.ID, MassMessage: bot.MassMessage{Owner: bot.UserID(owner), Chats: chats, Message: m.Message}}, when)
	return err
}

// moveOne gives one group of a task a status and the reason for it.
func moveOne(tx *store.Tx, task int64, chat, known, status string, why reason) error {
	_, err := tx.MoveDeliveries(task, chat, []string{known}, why.delivery(status))
	return err
}

// Record takes the task and its deliveries along with the action.
func (s *MassSender) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return err
	}
	task, err := tx.Task(m.Task)
	if err != nil {
		return err
	}
	switch o.State {
	case store.ActionSent:
		return submitted(tx, task, o)
	case store.ActionFailed:
		if o.Code == reasonStopped.code {
			return unmade(tx, task, store.TaskCancelled, reasonStopped.delivery(store.DeliveryCancelled))
		}
		return failed(tx, task, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: o.Error})
	case store.ActionExpired:
		d := reasonLate.delivery(store.DeliveryFailed)
		if a.Error != "" {
			d.Code, d.Reason = o.Code, d.Reason+": "+a.Error
		}
		return failed(tx, task, d)
	case store.ActionUnknown:
		if o.Left {
			return failed(tx, task, reasonUntold.delivery(store.DeliveryFailed))
		}
		_, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned}, reasonAsking.delivery(store.DeliveryPlanned))
		return err
	}
	return nil
}

// failed ends a task that could not be made.
func failed(tx *store.Tx, task store.Task, d store.Delivery) error {
	return unmade(tx, task, store.TaskFailed, d)
}

// unmade ends a task that was not made.
func unmade(tx *store.Tx, task store.Task, status string, d store.Delivery) error {
	if err := tx.EndTurn(task.ID); err != nil {
		return err
	}
	if task.Status != store.TaskPlanned {
		return nil
	}
	return closeTask(tx, task, status, d)
}

// submitted writes down that the platform has a task, and begins to chase its owner.
func submitted(tx *store.Tx, task store.Task, o store.Outcome) error {
	res, ok := o.Result.(massResult)
	if !ok || res.MsgID == "" {
		// The platform says that there is nothing to send: no group of the owner is left.
		return failed(tx, task, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: o.Error})
	}
	if other, err := tx.TaskByMsgID(res.MsgID); err == nil && other.ID != task.ID {
		return fmt.Errorf("mass message %s belongs to task %d already", res.MsgID, other.ID) // ask again later
	}
	if err := tx.EndTurn(task.ID); err != nil {
		return err
	}
	known := task.Status
	task.Status, task.MsgID, task.SubmittedAt, task.NextPollAt = store.TaskSubmitted, res.MsgID, tx.Now, tx.Now.Add(firstPoll)
	if err := widen(tx, &task); err != nil {
		return err
	}
	if err := tx.SaveTask(task, known); err != nil {
		return err
	}
	for _, chat := range res.Refused {
		if err := moveOne(tx, task.ID, string(chat), store.DeliveryPlanned, store.DeliveryFailed, reasonNotTheirs); err != nil {
			return err
		}
	}
	n, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned}, store.Delivery{Status: store.DeliverySubmitted, SubmittedAt: tx.Now})
	if err != nil {
		return err
	}
	if stopped, err := stoppedMeanwhile(tx, task); err != nil || stopped {
		return err
	}
	if n == 0 { // every group was refused
		return closeTask(tx, task, store.TaskFailed, store.Delivery{})
	}
	return chase(tx, task)
}

// widen gives the owner of a task that was submitted late some time all the same, unless its
// window is over: what is found out about at night is cancelled, not posted.
func widen(tx *store.Tx, task *store.Task) error {
	occ, err := tx.Occurrence(task.OccurrenceID)
	if err != nil || !tx.Now.Before(task.ClosesAt) {
		return err
	}
	if least := tx.Now.Add(min(leastWindow, task.ClosesAt.Sub(occ.CreatedAt))); task.ClosesAt.Before(least) {
		task.ClosesAt = least
	}
	return nil
}

// stoppedMeanwhile has a task cancelled whose promotion was stopped while it was on its way.
func stoppedMeanwhile(tx *store.Tx, task store.Task) (bool, error) {
	stopped, err := isStopped(tx, task)
	if err != nil || !stopped {
		return false, err
	}
	_, err = tx.Enqueue(CancelMass{Task: task.ID, MsgID: task.MsgID}, store.When{})
	return true, err
}

// isStopped reports whether somebody stopped a task's promotion since its occurrence began.
func isStopped(tx *store.Tx, task store.Task) (bool, error) {
	occ, err := tx.Occurrence(task.OccurrenceID)
	if err != nil {
		return false, err
	}
	return tx.StoppedSince(occ.PromotionID, occ.CreatedAt)
}
