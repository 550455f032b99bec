package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When WeCom is asked what became of a submission that was cut off.
const (
	submitGrace  = 5 * time.Minute  // a submission may be late by this much at least
	absentAfter  = 30 * time.Second // before a list that lacks an attempt is believed
	maxFindPages = 50
)

// SendMass is the action of making one owner's task.
type SendMass struct {
	Task int64 `json:"task"`
	bot.MassMessage
}

// ActionKind names the action.
func (SendMass) ActionKind() string { return "mass" }

// ActionKey makes one mass message of one task.
func (a SendMass) ActionKey() string { return fmt.Sprintf("mass:%d", a.Task) }

// Retry is unsure: WeCom has to be asked whether an attempt that was cut off made a task.
func (SendMass) Retry() bot.RetryRule { return bot.RetryUnsure }

// massResult is what the platform answered.
type massResult struct {
	MsgID string `json:"msgid"`
}

// MassSender performs SendMass.
type MassSender struct {
	Platform bot.MassMessenger
	Store    *store.Store
	Now      func() time.Time
}

// ActionKind names the action it performs.
func (*MassSender) ActionKind() string { return SendMass{}.ActionKind() }

// Perform submits the task.
func (s *MassSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, err
	}
	id, err := s.Platform.CreateMassMessage(ctx, m.MassMessage)
	return massResult{id}, err
}

// ErrTooEarly says that the platform's answer may not show the last attempt yet.
var ErrTooEarly = errors.New("too early to tell")

// Find asks the platform whether an attempt that was cut off made a task after all: one
// with the same message, made since, for the same owner, and not known as another's.
func (s *MassSender) Find(ctx context.Context, a store.Action) (any, bool, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, false, err
	}
	from, to := a.TriedAt.Add(-time.Minute), s.Now().Add(time.Minute)
	cursor := ""
	for range maxFindPages {
		page, next, err := s.Platform.MassMessages(ctx, from, to, cursor)
		if err != nil {
			return nil, false, fmt.Errorf("list mass messages: %w", err)
		}
		for _, ref := range page {
			ours, err := s.matches(ctx, ref, m.MassMessage)
			if err != nil || ours {
				return massResult{ref.ID}, ours, err
			}
		}
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	if s.Now().Sub(a.TriedAt) < absentAfter {
		return nil, false, ErrTooEarly
	}
	return nil, false, nil
}

func (s *MassSender) matches(ctx context.Context, ref bot.MassMessageRef, m bot.MassMessage) (bool, error) {
	if !sameMessage(ref.Message, m.Message) {
		return false, nil
	}
	if _, err := s.Store.Read(ctx).TaskByMsgID(ref.ID); err == nil {
		return false, nil // another task's
	} else if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	tasks, _, err := s.Platform.MassTasks(ctx, ref.ID, "")
	if err != nil {
		return false, fmt.Errorf("list owners of mass message: %w", err)
	}
	return slices.ContainsFunc(tasks, func(t bot.MassTask) bool { return t.Owner == m.Owner }), nil
}

// sameMessage compares what tasks of one owner may differ in. Ids and addresses of pictures
// are left out: what was uploaded again has others.
func sameMessage(a, b bot.Message) bool {
	return a.Text == b.Text && slices.EqualFunc(a.Attachments, b.Attachments, func(x, y bot.Attachment) bool {
		return x.Type == y.Type && x.Title == y.Title && x.URL == y.URL
	})
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
	case store.ActionFailed, store.ActionExpired:
		reason := o.Error
		if o.State == store.ActionExpired {
			reason = "could not be submitted in time: " + a.Error
		}
		return closeTask(tx, task, store.TaskFailed, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: reason})
	case store.ActionUnknown:
		_, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned},
			store.Delivery{Status: store.DeliveryPlanned, Reason: "submission was cut off; asking WeCom what exists"})
		return err
	}
	return nil
}

func submitted(tx *store.Tx, task store.Task, o store.Outcome) error {
	res, ok := o.Result.(massResult)
	if !ok || res.MsgID == "" {
		// The platform says that there is nothing to send: no group of the owner is left.
		return closeTask(tx, task, store.TaskFailed, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: o.Error})
	}
	known := task.Status
	task.Status, task.MsgID, task.SubmittedAt, task.NextPollAt = store.TaskSubmitted, res.MsgID, tx.Now, tx.Now.Add(firstPoll)
	if err := tx.SaveTask(task, known); err != nil {
		return err
	}
	_, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned}, store.Delivery{Status: store.DeliverySubmitted, SubmittedAt: tx.Now})
	return err
}
