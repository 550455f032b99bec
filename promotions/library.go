package promotions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of a text of the library.
const (
	maxPhraseName = 100 // characters
	maxCategory   = 50
)

// Phrases keeps texts that are used again and again (话术).
type Phrases struct{ Store *store.Store }

// Add keeps a new text.
func (t *Phrases) Add(ctx context.Context, p store.Phrase, remember handlers.Remember) (store.Phrase, error) {
	err := t.Store.Tx(ctx, func(tx *store.Tx) error {
		p.ID = 0
		if err := checkPhrase(tx, &p); err != nil {
			return err
		}
		if err := tx.AddPhrase(&p); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(p.ID))
	})
	return p, err
}

// Change writes what a text says from now on. Promotions that took it over keep what it said
// then.
func (t *Phrases) Change(ctx context.Context, p store.Phrase) (store.Phrase, error) {
	err := t.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := checkPhrase(tx, &p); err != nil {
			return err
		}
		return known(tx.SavePhrase(p))
	})
	if err != nil {
		return p, err
	}
	return t.Store.Read(ctx).Phrase(p.ID)
}

// Delete forgets a text.
func (t *Phrases) Delete(ctx context.Context, id int64) error {
	return t.Store.Tx(ctx, func(tx *store.Tx) error { return known(tx.DeletePhrase(id)) })
}

// known says of a row that is not there that it is not there.
func known(err error) error {
	if errors.Is(err, store.ErrStale) {
		return store.ErrNotFound
	}
	return err
}

// checkPhrase refuses what no promotion could take over.
func checkPhrase(tx *store.Tx, p *store.Phrase) error {
	p.Name, p.Category = strings.TrimSpace(p.Name), strings.TrimSpace(p.Category)
	if err := handlers.CheckWords("name", p.Name, maxPhraseName); err != nil {
		return err
	}
	if err := handlers.CheckMost("category", p.Category, maxCategory); err != nil {
		return err
	}
	m := bot.Message{Text: p.Text, Attachments: p.Attachments}
	if err := checkWords(withLink(m, "https://example.com/l/", anyCode), ""); err != nil {
		return err
	}
	return checkAttachments(tx.HoldMedia, "", m.Attachments)
}

// Message is what a promotion takes over from a text of the library. field is where the text
// was named.
func (t *Phrases) Message(ctx context.Context, field, id string) (bot.Message, error) {
	n, ok := number(id)
	if !ok {
		return bot.Message{}, handlers.Invalidf(field, "%q is no id of a text in the library; POST /texts gives one", id)
	}
	p, err := t.Store.Read(ctx).Phrase(n)
	if errors.Is(err, store.ErrNotFound) {
		return bot.Message{}, handlers.Invalidf(field, "text %s is not in the library; GET /texts lists them", id)
	}
	return bot.Message{Text: p.Text, Attachments: p.Attachments}, err
}
