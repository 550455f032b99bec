package handlers

import (
	"context"

	"xiaobu/bot"
	"xiaobu/store"
)

// Contacts writes down which customer was added by whom, when, and through which code.
type Contacts struct{}

// Name is the handler's name.
func (Contacts) Name() string { return "contacts" }

// Handle records a contact's beginning or end.
func (Contacts) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	switch d := e.Data.(type) {
	case bot.ContactAdded:
		return tx.AddContact(store.Contact{Customer: string(d.Customer), UserID: string(d.User), AddedAt: e.At, State: d.State})
	case bot.ContactRemoved:
		return tx.EndContact(d.Customer, d.User, e.At)
	}
	return nil
}
