package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// How long each of those who are asked has until the next; see Moderator.Remind and Escalate.
const (
	defaultRemind   = 30 * time.Minute
	defaultEscalate = 2 * time.Hour
	askRetry        = 10 * time.Minute // after a card that could not be sent
	ownerRetry      = 5 * time.Second  // while no owner is known; grows with the case's age
	maxQuote        = 200              // bytes of a message shown on a card
)

// noOwner is the note of a case for which nobody can be asked.
const noOwner = "no owner of the group is known yet"

// Keys of a card's buttons.
const (
	keyRemoved = "removed"
	keyDismiss = "dismiss"
	keyWarned  = "warned"
	keyRaise   = "remove"
	keyUndo    = "undo"
)

// AskOwner is the action of showing a case to somebody.
type AskOwner struct {
	Case int64      `json:"case"`
	Nth  int        `json:"nth"`
	To   bot.UserID `json:"to"`
	What string     `json:"what"` // the step that it is; see store.StepAsked
	Card bot.Card   `json:"card"`
}

// ActionKind names the action.
func (AskOwner) ActionKind() string { return "card" }

// ActionKey makes each card of a case one.
func (a AskOwner) ActionKey() string { return "card:" + a.Card.TaskID }

// Retry is never: a card that may have been shown is followed by a reminder instead.
func (AskOwner) Retry() bot.RetryRule { return bot.RetryNever }

// place is where a case is: a customer group, or a chat of the app.
type place struct {
	name  string
	owner bot.UserID // empty: not known
	shop  string
}

func (m *Moderator) place(tx *store.Tx, c store.Case) (place, error) {
	if c.AppChat {
		chat, err := tx.AppChat(bot.ChatID(c.ChatID))
		if errors.Is(err, store.ErrNotFound) {
			return place{}, nil
		}
		return place{chat.Name, bot.UserID(chat.Owner), ""}, err
	}
	chat, err := tx.Chat(bot.ChatID(c.ChatID))
	if errors.Is(err, store.ErrNotFound) {
		return place{}, nil
	}
	return place{chat.Name, bot.UserID(chat.Owner), chat.ShopID}, err
}

// inCharge is who is asked first about a group: its owner, or who stands in while the owner is
// away. An owner who is away with nobody in the place is asked all the same: only owners and
// admins can remove.
func (m *Moderator) inCharge(r store.Reader, at place) (who bot.UserID, standsIn bool, err error) {
	if at.owner == "" {
		return "", false, nil
	}
	away, standIn, err := handlers.StandIn(r, at.owner, m.day(m.Now()))
	if err != nil || !away || standIn == "" {
		return at.owner, false, err
	}
	return standIn, true, nil
}

// people are those whose turn it is at a level (owner, reminder, manager, moderation.notify; a
// case's Level says how many are behind it), and the step that asking them is.
func (m *Moderator) people(tx *store.Tx, level int, at place) (to []bot.UserID, what string, err error) {
	who, standsIn, err := m.inCharge(tx.Reader, at)
	if err != nil {
		return nil, "", err
	}
	manager := bot.UserID("")
	if at.shop != "" {
		shop, err := tx.Shop(at.shop)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, "", err
		}
		manager = bot.UserID(shop.Manager)
	}
	switch level {
	case levelOwner:
		if standsIn {
			return []bot.UserID{who}, store.StepStandIn, nil
		}
		what = store.StepAsked
	case levelReminder:
		what = store.StepReminded
	case levelManager:
		if manager != "" && manager != who {
			return []bot.UserID{manager}, store.StepEscalated, nil
		}
		what = store.StepReminded
	case levelNotify:
		for _, id := range m.Notify {
			if u := bot.UserID(id); u != who && u != manager && !slices.Contains(to, u) {
				to = append(to, u)
			}
		}
		return to, store.StepEscalated, nil
	}
	if who == "" {
		return nil, what, nil
	}
	return []bot.UserID{who}, what, nil
}

// gap is how long those of a level have.
func (m *Moderator) gap(level int) time.Duration {
	remind, escalate := m.Remind, m.Escalate
	if remind <= 0 {
		remind = defaultRemind
	}
	if escalate <= 0 {
		escalate = defaultEscalate
	}
	switch level {
	case levelOwner:
		return remind
	case levelReminder:
		return max(escalate-remind, remind)
	case levelManager:
		return escalate
	}
	return caseLife
}

// ask has those shown a case whose turn it is; where nobody is left, the case waits for its end.
func (m *Moderator) ask(tx *store.Tx, c store.Case) error {
	if !m.Cards {
		return nil
	}
	c.Lead = nil
	at, err := m.place(tx, c)
	if err != nil {
		return err
	}
	lead, err := m.lead(tx, c, at)
	if err != nil {
		return err
	}
	if lead != nil {
		return m.standOn(tx, c, *lead)
	}
	if at.owner == "" && c.Level < levelManager {
		if tx.Now.Before(c.CreatedAt.Add(m.gap(levelManager))) {
			return m.askLater(tx, c)
		}
		c.Level = levelManager
	}
	for ; c.Level < levelEnd; c.Level++ {
		to, what, err := m.people(tx, c.Level, at)
		if err != nil {
			return err
		}
		if len(to) > 0 {
			c.NextAt = m.within(c, m.waking(tx.Now.Add(m.gap(c.Level)))) // nobody is reminded at night
			c.Level++
			return m.send(tx, c, at, to, what)
		}
	}
	c.NextAt = c.CreatedAt.Add(caseLife)
	return tx.SaveCase(c, c.Status)
}

// within is a moment, or the end of a case where that comes first.
func (m *Moderator) within(c store.Case, t time.Time) time.Time {
	if end := c.CreatedAt.Add(caseLife); t.After(end) {
		return end
	}
	return t
}

// send writes a card for each of some people into the outbox. The ids of a case's cards never
// come again.
func (m *Moderator) send(tx *store.Tx, c store.Case, at place, to []bot.UserID, what string) error {
	known := c.Status
	c.Asks++
	c.AskedTo, c.Owner = string(to[0]), string(at.owner)
	if c.Note == noOwner {
		c.Note = ""
	}
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	card, err := m.card(tx.Reader, c, at, what)
	if err != nil {
		return err
	}
	for i, who := range to {
		if i > 0 {
			card.TaskID = fmt.Sprintf("%s-%d", caseTask(c, c.Asks), i+1)
		}
		ask := AskOwner{Case: c.ID, Nth: c.Asks, To: who, What: what, Card: card}
		if _, err := tx.Enqueue(ask, store.When{Deadline: c.CreatedAt.Add(caseLife)}); err != nil {
			return err
		}
	}
	return nil
}

// askLater keeps a case for which nobody is known who could be asked: the feed may tell of a
// group before the first read of it. The group is read, and the case looked at again and
// again, ever more rarely.
func (m *Moderator) askLater(tx *store.Tx, c store.Case) error {
	c.Note = noOwner
	c.NextAt = m.within(c, tx.Now.Add(max(ownerRetry, tx.Now.Sub(c.CreatedAt))))
	if err := tx.SaveCase(c, c.Status); err != nil {
		return err
	}
	return m.lookAgain(tx, c, fmt.Sprintf("case:%d", c.ID))
}

func caseTask(c store.Case, nth int) string { return fmt.Sprintf("case-%d-%d", c.ID, nth) }

// CardSender performs AskOwner.
type CardSender struct{ Platform bot.StaffNotifier }

// ActionKind names the action it performs.
func (CardSender) ActionKind() string { return AskOwner{}.ActionKind() }

// Perform sends the card.
func (s CardSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var ask AskOwner
	if err := a.Decode(&ask); err != nil {
		return nil, err
	}
	ref, err := s.Platform.SendCard(ctx, []bot.UserID{ask.To}, ask.Card)
	return ref, err
}

// Record notes that somebody was asked. A card that was cut off may have been shown: the
// case counts as asked, and the reminder follows.
func (CardSender) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var ask AskOwner
	if err := a.Decode(&ask); err != nil {
		return err
	}
	c, err := tx.HoldCase(ask.Case)
	if err != nil || c.Closed() {
		return err
	}
	step := store.CaseStep{CaseID: c.ID, What: ask.What, Who: string(ask.To), Detail: ask.Card.TaskID}
	if ask.What == store.StepClaimFalse {
		step.What = store.StepReminded
	}
	known := c.Status
	switch o.State {
	case store.ActionSent, store.ActionUnknown:
		c.Status = store.CaseAsked
		if c.AskedAt.IsZero() {
			c.AskedAt = tx.Now
		}
		if wait := c.NextAt.Sub(a.CreatedAt); c.Asks == ask.Nth && wait > 0 { // their time begins when the card is there
			c.NextAt = c.NextAt.Add(tx.Now.Sub(a.CreatedAt))
		}
		if o.State == store.ActionUnknown {
			step.Detail += ":不知道是否已送达"
		}
	case store.ActionFailed, store.ActionExpired:
		c.Note, c.NextAt = "the card could not be sent: "+o.Error, tx.Now.Add(askRetry)
		step.What, step.Detail = store.StepAskFailed, o.Error
	default:
		return nil
	}
	if end := c.CreatedAt.Add(caseLife); c.NextAt.After(end) {
		c.NextAt = end
	}
	if err := tx.SaveCase(c, known); err != nil {
		return err
	}
	if c.Status == store.CaseAsked {
		if err := shownWith(tx, c); err != nil {
			return err
		}
	}
	return tx.AddStep(step)
}

// callOff takes back what the bot was about to do in a chat of the app because of a case.
func callOff(tx *store.Tx, c store.Case) error {
	return errors.Join(cancelAll(tx, fmt.Sprintf("remove_member:%d:", c.ID)), cancelAll(tx, fmt.Sprintf("case_post:%d:", c.ID)))
}

// cancelAll takes back the actions that wait whose keys begin with a prefix.
func cancelAll(tx *store.Tx, prefix string) error {
	actions, err := tx.ActionsLike(prefix)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if _, err := tx.CancelAction(a.Key); err != nil {
			return err
		}
	}
	return nil
}

// settleCards ends what was shown of a case: cards that wait are taken back, and the buttons of
// those that were shown give way to a note. but is the task of the card that was pressed, which
// is answered by itself.
func (m *Moderator) settleCards(tx *store.Tx, c store.Case, note, but string) error {
	cards, err := tx.ActionsLike("card:" + fmt.Sprintf("case-%d-", c.ID))
	if err != nil {
		return err
	}
	pressed, err := m.pressedCards(tx, c)
	if err != nil {
		return err
	}
	for _, a := range cards {
		if a.State == store.ActionPending {
			if _, err := tx.CancelAction(a.Key); err != nil {
				return err
			}
			continue
		}
		task := strings.TrimPrefix(a.Key, "card:")
		if a.State != store.ActionSent || task == but || pressed[task] {
			continue
		}
		if err := m.settleCard(tx, a, note); err != nil {
			return err
		}
	}
	return nil
}

func (m *Moderator) settleCard(tx *store.Tx, a store.Action, note string) error {
	var ask AskOwner
	if err := a.Decode(&ask); err != nil {
		return err
	}
	ref, err := cardRef(a)
	until := a.CreatedAt.Add(caseLife)
	if err != nil || ref.UpdateCode == "" || !until.After(tx.Now) {
		return err
	}
	_, err = tx.Enqueue(handlers.UpdateCard{Code: ref.UpdateCode, To: ask.To, Note: note}, store.When{Deadline: until})
	return err
}

// pressedCards are the tasks of a case's cards whose buttons were pressed: each press answers
// its card, and a code works once.
func (m *Moderator) pressedCards(tx *store.Tx, c store.Case) (map[string]bool, error) {
	steps, err := tx.CaseSteps(c.ID)
	out := map[string]bool{}
	for _, s := range steps {
		if s.What == store.StepClaimed || s.What == store.StepWarned || s.What == store.StepRaised {
			out[s.Detail] = true
		}
	}
	return out, err
}

func (m *Moderator) updateCard(tx *store.Tx, e bot.Event, d bot.CardPressed, note string) error {
	if d.UpdateCode == "" {
		return nil
	}
	_, err := tx.Enqueue(handlers.UpdateCard{Code: d.UpdateCode, To: d.User, Note: note}, store.When{Deadline: tx.Now.Add(caseLife), Cause: e.ID})
	return err
}
