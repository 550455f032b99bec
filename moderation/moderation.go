package moderation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// Actions that a verdict asks for.
const (
	ActNone   = "none"
	ActWarn   = "warn"   // a person should look at it
	ActRemove = "remove" // the owner is asked to remove the sender
)

// Moderator judges messages and people, and sees removals through: in a customer group
// only the owner can remove anybody, so it asks the owner and believes the member list.
type Moderator struct {
	Store     *store.Store
	Detector  *spam.Detector
	Cards     bool     // the platform can send cards to staff
	Notify    []string // user ids of those who are asked where nobody else dealt with something
	PublicURL string   // where this program is reached from outside; codes that lead to it are nobody's advertising
	Now       func() time.Time
	Zone      *time.Location
	Log       *slog.Logger

	batches  batches // of the feed's messages
	settings policyCache
	learned  learned
	names    nameCache
}

// Name is the handler's name.
func (m *Moderator) Name() string { return "moderation" }

// Check judges a text alone, by the detector and by what people said about it; see CatchUp.
func (m *Moderator) Check(text string) Answer { return alone(m.read(text)) }

// alone is the answer where nothing but a text is known.
func alone(v spam.Verdict) Answer {
	return Answer{Verdict: string(v.Verdict), Score: v.Score, TextScore: v.Score, Reasons: reasonsOf(v), Action: ActNone, Would: ActNone}
}

// Handle follows people and buttons: a join of a blocked person opens a case, a leave closes
// it, a press of a card's button is the owner's word.
func (m *Moderator) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	switch d := e.Data.(type) {
	case bot.MemberJoined:
		return m.joined(tx, e, d)
	case bot.MemberLeft:
		return m.left(tx, e, d)
	case bot.CardPressed:
		return m.pressed(tx, e, d)
	case bot.AppMessage:
		return m.asked(tx, e, d)
	}
	return nil
}

func (m *Moderator) joined(tx *store.Tx, e bot.Event, d bot.MemberJoined) error {
	if d.Kind != bot.Customer {
		return nil
	}
	st, err := tx.Stint(d.StintID)
	if err != nil || !st.LeftAt.IsZero() {
		return err
	}
	b, blocked, err := tx.IsBlocked(string(d.Member), d.UnionID)
	if err != nil || !blocked {
		return err
	}
	_, err = m.open(tx, blockedCase(string(e.Chat), string(d.Member), b))
	return err
}

// left closes the case of someone whom the member list no longer has.
func (m *Moderator) left(tx *store.Tx, e bot.Event, d bot.MemberLeft) error {
	c, err := tx.OpenCase(e.Chat, d.Member)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if last, err := tx.LastStint(e.Chat, d.Member); err != nil || last.LeftAt.IsZero() {
		return err // came back meanwhile
	}
	how := map[bot.LeaveHow]string{bot.LeftRemoved: "was removed from the group", bot.LeftAlone: "left the group"}[d.How]
	if how == "" {
		how = "is no longer in the group"
	}
	return m.close(tx, c, store.CaseRemoved, how, "member list")
}

func (m *Moderator) close(tx *store.Tx, c store.Case, status, note, by string) error {
	known := c.Status
	c.Status, c.Note, c.ClosedBy, c.ClosedAt, c.NextAt = status, note, by, tx.Now, time.Time{}
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	return settled(tx, c)
}

// Dismiss closes a case: it was no spam.
func (m *Moderator) Dismiss(ctx context.Context, id int64) (store.Case, error) {
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error {
		return m.close(tx, c, store.CaseDismissed, "dismissed", "api")
	})
}

// Remove has the person of a case removed: the owner is asked now.
func (m *Moderator) Remove(ctx context.Context, id int64) (store.Case, error) {
	return m.change(ctx, id, func(tx *store.Tx, c store.Case) error {
		c.Action = ActRemove
		if err := tx.SaveCase(c, c.Status); err != nil {
			return err
		}
		return m.ask(tx, c)
	})
}

func (m *Moderator) change(ctx context.Context, id int64, fn func(*store.Tx, store.Case) error) (store.Case, error) {
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return err
		}
		if c.Status != store.CaseOpen && c.Status != store.CaseAsked {
			return &handlers.Conflict{Detail: "the case is closed: " + c.Status}
		}
		return fn(tx, c)
	})
	if err != nil {
		return store.Case{}, err
	}
	return m.Store.Read(ctx).Case(id)
}
