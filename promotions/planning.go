package promotions

import (
	"context"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// What one transaction of planning may hold.
const (
	chatsPerTask    = 2000 // groups: WeCom's limit for one mass message
	cancelsPerBatch = 50   // tasks
)

// planBatch writes the next deliveries and tasks of an occurrence, and ends its planning
// when no group is left. An occurrence that was stopped meanwhile is left alone.
func (p *Planner) planBatch(ctx context.Context, id int64) error {
	return p.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockOccurrence(id); err != nil {
			return err
		}
		occ, err := tx.Occurrence(id)
		if err != nil || occ.Status != store.OccurrencePlanned {
			return err
		}
		b, err := nextBatch(tx.Reader, occ)
		if err != nil {
			return err
		}
		if err := p.writeBatch(tx, occ, b.groups); err != nil {
			return err
		}
		if b.more {
			return tx.MoveOccurrence(occ.ID, store.OccurrencePlanned, b.cursor)
		}
		return p.endPlanning(tx, occ, b.cursor)
	})
}

// endPlanning lets an occurrence run whose groups have all been written down, and writes down
// the staff chats that it goes to besides.
func (p *Planner) endPlanning(tx *store.Tx, occ store.Occurrence, cursor store.GroupCursor) error {
	if err := tx.MoveOccurrence(occ.ID, store.OccurrenceRunning, cursor); err != nil {
		return err
	}
	staffChats, err := p.planOutlets(tx, occ)
	if err != nil {
		return err
	}
	reason := ""
	if some, err := tx.HasTasks(occ.ID); err != nil {
		return err
	} else if !some && staffChats == 0 {
		reason = "no group to post in"
	}
	return tx.EndOccurrence(occ.ID, reason)
}

// batch is some groups that an occurrence means.
type batch struct {
	groups []store.Chat
	cursor store.GroupCursor
	more   bool
}

// nextBatch takes the next groups of an occurrence, by owner and id. The groups of an owner
// come together where they fit into one task, so that nobody has to confirm more often than
// WeCom asks for.
func nextBatch(r store.Reader, occ store.Occurrence) (batch, error) {
	groups, err := r.Targets(store.TargetFilter{TargetSpec: occ.Spec.Targets, Occurrence: occ.ID, After: occ.Cursor, Limit: chatsPerTask + 1})
	b := batch{groups: groups, cursor: occ.Cursor}
	if err != nil || len(groups) == 0 {
		return b, err
	}
	if len(groups) <= chatsPerTask {
		b.cursor = cursorAt(groups[len(groups)-1])
		return b, nil
	}
	b.groups, b.cursor = groups[:chatsPerTask], cursorAt(groups[chatsPerTask-1])
	return b.cut(groups[chatsPerTask].Owner), nil
}

func cursorAt(c store.Chat) store.GroupCursor {
	return store.GroupCursor{Owner: c.Owner, ChatID: c.ChatID}
}

// cut leaves an owner whose groups may go on behind the batch for the next one, unless he has
// it for himself.
func (b batch) cut(owner string) batch {
	b.more = true
	n := len(b.groups)
	for n > 0 && b.groups[n-1].Owner == owner {
		n--
	}
	if n > 0 && n < len(b.groups) {
		b.groups = b.groups[:n]
		b.cursor = cursorAt(b.groups[n-1])
	}
	return b
}

// writeBatch writes down what an occurrence sends to some groups: a delivery for each, a task
// for each owner and message, and the actions that submit the tasks. Whether a group may get
// it is decided here.
func (p *Planner) writeBatch(tx *store.Tx, occ store.Occurrence, groups []store.Chat) error {
	quota, err := p.quota().spent(tx.Reader, tx.Now, groups)
	if err != nil {
		return err
	}
	words, err := p.contentFor(tx.Reader, occ.Message, groups)
	if err != nil {
		return err
	}
	free := slices.DeleteFunc(slices.Clone(groups), func(g store.Chat) bool { return quota.blocks(g).en != "" })
	if words.codes, err = p.linkCodes(tx, occ, free); err != nil {
		return err
	}
	var drafts []draft
	var blocked []store.Delivery
	for _, g := range groups {
		message, err := words.For(g)
		why := quota.blocks(g)
		if why.en == "" && err != nil {
			why = reasonContent.saying(err.Error())
		}
		if why.en != "" {
			d := deliveryTo(occ, g)
			d.Status, d.Code, d.Reason = store.DeliveryBlocked, why.code, why.en
			blocked = append(blocked, d)
			continue
		}
		if n := len(drafts); n == 0 || drafts[n-1].owner != g.Owner {
			drafts = append(drafts, draft{owner: g.Owner})
		}
		if err := drafts[len(drafts)-1].add(message, g); err != nil {
			return err
		}
	}
	if err := tx.AddDeliveries(blocked); err != nil {
		return err
	}
	return p.writeTasks(tx, occ, drafts)
}

// draft is what one owner's tasks will be.
type draft struct {
	owner string
	parts
}

func deliveryTo(occ store.Occurrence, g store.Chat) store.Delivery {
	return store.Delivery{OccurrenceID: occ.ID, PromotionID: occ.PromotionID, At: occ.At, ChatID: g.ChatID, Owner: g.Owner, Status: store.DeliveryPlanned, Via: g.Via}
}

// writeTasks writes the tasks of some owners, whose parts are numbered through all batches.
func (p *Planner) writeTasks(tx *store.Tx, occ store.Occurrence, drafts []draft) error {
	if len(drafts) == 0 {
		return nil
	}
	pl, err := p.plan(tx.Reader, occ.Spec)
	if err != nil {
		return fmt.Errorf("read the schedule: %w", err)
	}
	parts, err := tx.LastParts(occ.ID, drafts[0].owner, drafts[len(drafts)-1].owner)
	if err != nil {
		return err
	}
	deadline, closes := occ.At.Add(max(pl.within, submitGrace)), pl.closesAt(occ.CreatedAt, occ.Spec)
	for _, d := range drafts {
		for i, part := range d.list {
			if err := writeTask(tx, occ, deadline, closes, d.owner, parts[d.owner]+i+1, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeTask(tx *store.Tx, occ store.Occurrence, deadline, closes time.Time, owner string, nth int, it part) error {
	task := store.Task{OccurrenceID: occ.ID, Owner: owner, Part: nth, Status: store.TaskPlanned, ClosesAt: closes}
	if err := tx.AddTask(&task); err != nil {
		return err
	}
	mass := bot.MassMessage{Owner: bot.UserID(owner), Message: it.message}
	deliveries := make([]store.Delivery, len(it.chats))
	for i, c := range it.chats {
		mass.Chats = append(mass.Chats, bot.ChatID(c.ChatID))
		deliveries[i] = deliveryTo(occ, c)
		deliveries[i].TaskID = &task.ID
	}
	if err := tx.AddDeliveries(deliveries); err != nil {
		return err
	}
	_, err := tx.Enqueue(SendMass{Task: task.ID, MassMessage: mass}, store.When{Deadline: deadline})
	return err
}
