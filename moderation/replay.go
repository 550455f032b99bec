package moderation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// Bounds of a replay.
const (
	maxReplayed = 500_000 // messages
	maxReread   = 50_000  // messages whose texts are judged anew
)

var errTooMany = errors.New("too many messages")

// Replay asks what other settings would have said about messages that are in the books.
type Replay struct {
	From, To time.Time // when the messages came in; To is excluded
	Chat     string    // empty: all groups
	Review   float64   // the score from which on a message would have been suspect
	Removal  *float64  // the score from which on it would have been spam; nil: as it is now
	Mode     string    // empty: as it is now
	Rejudge  bool      // texts are judged by the detector as it is now, not as it was
	After    string    // page of changes: behind this one; empty: the first
	Limit    int
}

// Counts are messages by verdict and by what followed.
type Counts struct{ Ham, Suspect, Spam, Warned, Removed int }

func (c *Counts) add(v Verdict) {
	switch v.Verdict {
	case string(spam.Spam):
		c.Spam++
	case string(spam.Suspect):
		c.Suspect++
	default:
		c.Ham++
	}
	switch v.Action {
	case ActWarn:
		c.Warned++
	case ActRemove:
		c.Removed++
	}
}

// Verdict is what was said of a message, or would have been.
type Verdict struct {
	Verdict string
	Score   float64
	Action  string
}

// Change is a message whose verdict would have been another.
type Change struct {
	ID            string
	Before, After Verdict
	People        string        // removed or dismissed; empty: nobody decided
	Message       store.Message // of a page only
}

// Changed counts changes of one direction, and what people had decided about them.
type Changed struct{ Messages, SaidHarmless, SaidSpam int }

func (c *Changed) add(people string) {
	c.Messages++
	switch people {
	case store.CaseDismissed:
		c.SaidHarmless++
	case store.CaseRemoved:
		c.SaidSpam++
	}
}

// Replayed is what other settings would have said.
type Replayed struct {
	Messages      int
	NotJudged     int       // of them: of staff, or in groups where nothing was judged
	HarmlessSince time.Time // messages from before are there only as far as a case is about them
	Complete      bool      // no harmless message of the time was forgotten
	Before, After Counts
	Flagged       Changed // harmless before, not any more
	Freed         Changed // harmless now
	Changes       []Change
	More          bool
}

// Replay judges messages of the books by other thresholds. It uses the scores that were kept:
// what was known about the sender then counts as it did then.
func (m *Moderator) Replay(ctx context.Context, q Replay) (Replayed, error) {
	var out Replayed
	err := m.Store.Snapshot(ctx, func(r store.Reader) error {
		p, err := m.policies(r)
		if err != nil {
			return err
		}
		if err := checkReplay(q, p.of(bot.ChatID(q.Chat))); err != nil {
			return err
		}
		if out.HarmlessSince, _, err = r.HarmlessSince(); err != nil {
			return err
		}
		out.Complete = !out.HarmlessSince.After(q.From) || m.Keep > 0 && !q.From.Before(m.Now().Add(-m.Keep))
		changes, err := m.replay(ctx, r, q, p, &out)
		if err != nil {
			return err
		}
		return page(r, q, changes, &out)
	})
	return out, err
}

func checkReplay(q Replay, now Policy) error {
	switch {
	case q.From.IsZero():
		return handlers.Invalidf("from", "is missing; want a time such as 2026-11-23T00:00:00+08:00")
	case !q.To.After(q.From):
		return handlers.Invalidf("to", "is not after from; want a later time")
	case q.Mode != "" && !slices.Contains(modes, q.Mode):
		return handlers.Invalidf("mode", "is %q; want one of %s", q.Mode, strings.Join(modes, ", "))
	}
	err := checkThresholds(now, store.PolicySettings{Review: &q.Review, Removal: q.Removal})
	var inv *handlers.Invalid
	if errors.As(err, &inv) && inv.Field == "review" {
		inv.Field = "threshold"
	}
	return err
}

// replay walks through the messages and returns those whose verdict changes, in the order in
// which they came.
func (m *Moderator) replay(ctx context.Context, r store.Reader, q Replay, p *policies, out *Replayed) ([]Change, error) {
	most := maxReplayed
	if q.Rejudge {
		most = maxReread
	}
	var spoken []Change // those that are not harmless, before or after
	err := r.EachJudged(store.JudgedFilter{From: q.From, To: q.To, Chat: q.Chat, Texts: q.Rejudge}, func(j store.Judged) error {
		if out.Messages++; out.Messages > most {
			return errTooMany
		}
		before := Verdict{j.Verdict, j.Score, j.Action}
		if j.TextScore == 0 {
			out.NotJudged++
			out.Before.add(before)
			out.After.add(before)
			return nil
		}
		if q.Rejudge {
			j.TextScore = m.read(j.Text).Score
		}
		set := p.of(bot.ChatID(j.ChatID))
		after := q.judge(j, set)
		if before.Verdict == after.Verdict && before.Verdict == string(spam.Ham) {
			out.Before.add(before)
			out.After.add(after)
			return ctx.Err()
		}
		spoken = append(spoken, Change{ID: j.MessageID, Before: before, After: after})
		return nil
	})
	if errors.Is(err, errTooMany) {
		return nil, handlers.Invalidf("to", "there are more than %d messages until then; ask about fewer days, or about one group", most)
	}
	if err != nil {
		return nil, err
	}
	return settleReplay(r, spoken, out)
}

// judge is the verdict on a message by the settings that are asked about, in a group that goes
// by set. What it leads to is that of a first strike.
func (q Replay) judge(j store.Judged, set Policy) Verdict {
	mode := set.Mode
	if q.Mode != "" {
		mode = q.Mode
	}
	if mode == ModeOff {
		return Verdict{string(spam.Ham), 0, ActNone}
	}
	set.Review = q.Review
	if q.Removal != nil {
		set.Removal = *q.Removal
	}
	set.Removal = max(set.Removal, set.Review)
	var v Verdict
	v.Verdict, v.Score = judged(j.TextScore, j.About, j.Score == 1 && j.Verdict == string(spam.Spam), set)
	v.Action = ActNone
	if set.Mode = mode; set.tells() {
		v.Action = firstStep(v.Verdict, set.Ladder)
	}
	if v.Verdict == j.Verdict && q.Mode == "" {
		v.Action = j.Action
	}
	return v
}

// firstStep is what a verdict leads to where it is a person's first strike.
func firstStep(verdict string, l store.Ladder) string {
	of := map[string][]string{string(spam.Suspect): l.Suspect, string(spam.Spam): l.Spam}[verdict]
	if len(of) == 0 {
		return ActNone
	}
	return actionOf(of[0])
}

// settleReplay counts what is not harmless, before or after, with what people said of it.
func settleReplay(r store.Reader, spoken []Change, out *Replayed) (changed []Change, err error) {
	ids := make([]string, len(spoken))
	for i, c := range spoken {
		ids[i] = c.ID
	}
	people, err := r.PeopleSaid(ids)
	if err != nil {
		return nil, err
	}
	tickets, err := r.InTickets(ids)
	for _, c := range spoken {
		if _, ok := tickets[c.ID]; ok { // people answer it, nobody acts on it
			c.After.Action = ActNone
		}
		c.People = people[c.ID]
		out.Before.add(c.Before)
		out.After.add(c.After)
		if c.Before.Verdict == c.After.Verdict {
			continue
		}
		changed = append(changed, c)
		switch string(spam.Ham) {
		case c.Before.Verdict:
			out.Flagged.add(c.People)
		case c.After.Verdict:
			out.Freed.add(c.People)
		}
	}
	return changed, err
}

// page cuts the changes that were asked for out of all, and reads their messages.
func page(r store.Reader, q Replay, changes []Change, out *Replayed) error {
	from := 0
	if q.After != "" {
		if from = 1 + slices.IndexFunc(changes, func(c Change) bool { return c.ID == q.After }); from == 0 {
			return handlers.Invalidf("cursor", "its message does not change any more; begin without it")
		}
	}
	changes = changes[from:]
	if out.More = len(changes) > q.Limit; out.More {
		changes = changes[:q.Limit]
	}
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.ID
	}
	rows, err := r.Messages(ids)
	for _, row := range rows {
		i := slices.Index(ids, row.MessageID)
		changes[i].Message = row
	}
	out.Changes = changes
	return err
}
