package promotions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When WeCom is asked what became of a submission that was cut off.
const (
	// absentAfter is how long after an attempt a list is believed that lacks it. A mass message
	// that is still being dispatched makes the list fail (41063), so what remains is a request
	// that was on its way.
	absentAfter  = 30 * time.Second
	sureStep     = 5 * time.Second  // moments at which lists are believed, for many to share one
	firstList    = time.Second      // a list of so long after an attempt shows most of what was made
	clocksApart  = time.Minute      // the platform's clock and ours may differ by this much
	listedFor    = 10 * time.Minute // a list's beginning is kept for the next one
	maxFindPages = 1000             // a cursor that never ends is a lie
)

// listing is what the platform listed last. All attempts that are asked about share it: when
// hundreds of owners' tasks were cut off together, one list answers for all.
type listing struct {
	mu     sync.Mutex // guards what follows
	from   time.Time  // the beginning of the span that it covers
	at     time.Time  // when it was read
	refs   []listed
	owners map[string][]bot.UserID // by msgid, of those that were looked at
}

// listed is one mass message of the list.
type listed struct {
	id, likeness string
	at           time.Time
}

// likeness is a digest of what tasks of one owner may differ in. Ids and addresses of pictures
// are left out: what was uploaded again has others.
func likeness(m bot.Message) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s\n", len(m.Attachments), strings.TrimSpace(m.Text))
	for _, at := range m.Attachments {
		fmt.Fprintf(h, "%s\n%s\n%s\n", at.Type, strings.TrimSpace(at.Title), at.URL)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Find asks the platform whether an attempt that was cut off made a task after all: one
// with such a message, made since the action was written down, for the same owner, and not
// known as another's. No other task of the owner can be meant; see begin.
func (s *MassSender) Find(ctx context.Context, a store.Action) (any, bool, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, false, err
	}
	l := &s.listed
	l.mu.Lock()
	defer l.mu.Unlock()
	made, sure := a.CreatedAt.Add(-clocksApart), sureAfter(a.TriedAt)
	if id, err := s.search(ctx, m, made); err != nil || id != "" {
		return massResult{MsgID: id}, id != "", err
	}
	covered := !made.Before(l.from)
	if covered && !l.at.Before(sure) {
		return nil, false, nil
	}
	if now := s.Now(); !covered || l.at.Before(a.TriedAt.Add(firstList)) || !now.Before(sure) {
		if err := s.list(ctx, made); err != nil {
			return nil, false, err
		}
		if id, err := s.search(ctx, m, made); err != nil || id != "" {
			return massResult{MsgID: id}, id != "", err
		}
	}
	if now := s.Now(); now.Before(sure) {
		return nil, false, &bot.TooEarly{Wait: sure.Sub(now)}
	}
	return nil, false, nil
}

// sureAfter is when a list tells for certain what became of an attempt: for attempts of the
// same moments the same time, so that they share a list.
func sureAfter(tried time.Time) time.Time {
	return tried.Add(absentAfter + sureStep - 1).Truncate(sureStep)
}

// list reads what was made since a moment; the lock must be held.
func (s *MassSender) list(ctx context.Context, from time.Time) error {
	l, now := &s.listed, s.Now()
	if now.Sub(l.at) < listedFor && l.from.Before(from) {
		from = l.from
	}
	var refs []listed
	cursor := ""
	for range maxFindPages {
		page, next, err := s.Platform.MassMessages(ctx, from, now.Add(clocksApart), cursor)
		if err != nil {
			return fmt.Errorf("list mass messages: %w", err)
		}
		for _, ref := range page {
			refs = append(refs, listed{ref.ID, likeness(ref.Message), ref.CreatedAt})
		}
		if next == "" || next == cursor {
			if now.Sub(l.at) >= listedFor || l.owners == nil {
				l.owners = map[string][]bot.UserID{}
			}
			l.from, l.at, l.refs = from, now, refs
			return nil
		}
		cursor = next
	}
	return errors.New("the list of mass messages has no end")
}

// search looks through the list for a message, made since a moment, that can only be this
// task's; the lock must be held.
func (s *MassSender) search(ctx context.Context, m SendMass, made time.Time) (string, error) {
	like := likeness(m.Message)
	var alike []string
	for _, ref := range s.listed.refs {
		owners, known := s.listed.owners[ref.id]
		if ref.likeness == like && !ref.at.Before(made.Truncate(time.Second)) && (!known || slices.Contains(owners, m.Owner)) {
			alike = append(alike, ref.id)
		}
	}
	others, err := s.Store.Read(ctx).KnownMassMessages(alike)
	if err != nil {
		return "", err
	}
	for _, id := range alike {
		if others[id] {
			continue
		}
		owners, err := s.ownersOf(ctx, id)
		if err != nil {
			return "", err
		}
		if slices.Contains(owners, m.Owner) {
			return id, nil
		}
	}
	return "", nil
}

func (s *MassSender) ownersOf(ctx context.Context, id string) ([]bot.UserID, error) {
	if owners, known := s.listed.owners[id]; known {
		return owners, nil
	}
	tasks, _, err := s.Platform.MassTasks(ctx, id, "") // a task has one owner
	if err != nil {
		return nil, fmt.Errorf("list owners of mass message: %w", err)
	}
	owners := make([]bot.UserID, len(tasks))
	for i, t := range tasks {
		owners[i] = t.Owner
	}
	s.listed.owners[id] = owners
	return owners, nil
}
