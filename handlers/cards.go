package handlers

import (
	"context"

	"xiaobu/bot"
	"xiaobu/store"
)

// UpdateCard is the action of answering a pressed card.
type UpdateCard struct {
	Code string     `json:"code"`
	To   bot.UserID `json:"to"`
	Note string     `json:"note"`
}

// ActionKind names the action.
func (UpdateCard) ActionKind() string { return "card_update" }

// ActionKey makes one answer of one code, which works once and is hidden: keys are logged.
func (a UpdateCard) ActionKey() string { return "card_update:" + digest(a.Code) }

// Retry is safe: the code works once.
func (UpdateCard) Retry() bot.RetryRule { return bot.RetrySafe }

// CardUpdater performs UpdateCard.
type CardUpdater struct{ Platform bot.StaffNotifier }

// ActionKind names the action it performs.
func (CardUpdater) ActionKind() string { return UpdateCard{}.ActionKind() }

// Perform changes the card.
func (s CardUpdater) Perform(ctx context.Context, a store.Action) (any, error) {
	var u UpdateCard
	if err := a.Decode(&u); err != nil {
		return nil, err
	}
	return nil, s.Platform.UpdateCard(ctx, u.Code, []bot.UserID{u.To}, u.Note)
}

// Record has nothing to add to the action's own state.
func (CardUpdater) Record(*store.Tx, store.Action, store.Outcome) error { return nil }
