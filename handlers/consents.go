package handlers

import (
	"context"

	"xiaobu/bot"
	"xiaobu/store"
)

// Consents writes down which customers agreed to the message archive.
type Consents struct{}

// Name is the handler's name.
func (Consents) Name() string { return "consents" }

// Handle records that a customer agreed.
func (Consents) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	d, ok := e.Data.(bot.ConsentGiven)
	if !ok {
		return nil
	}
	return tx.PutConsent(store.Consent{Customer: string(d.Customer), UserID: string(d.User), Agreed: true, Source: store.ConsentCallback, At: e.At})
}
