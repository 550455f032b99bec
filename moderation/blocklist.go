package moderation

import (
	"context"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// Block puts a person on the blocklist. Whoever is in a group right now gets a case at once.
func (m *Moderator) Block(ctx context.Context, b store.Blocked) error {
	if b.Person == "" || len(b.Person) > maxMessageID {
		return handlers.Invalidf("person", "has %d bytes; want a user id or union id", len(b.Person))
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Block(b); err != nil {
			return err
		}
		stays, err := tx.PresentPerson(b.Person)
		if err != nil {
			return err
		}
		for _, st := range stays {
			if st.Kind != string(bot.Customer) {
				continue
			}
			if _, err := m.open(tx, blockedCase(st.ChatID, st.UserID, b)); err != nil {
				return err
			}
		}
		return nil
	})
}

func blockedCase(chat, member string, b store.Blocked) store.Case {
	return store.Case{ChatID: chat, Member: member, Verdict: string(spam.Spam), Score: 1, Action: ActRemove,
		Reasons: []store.Reason{{Check: "blocklist", Detail: "黑名单上的人进群了:" + b.Reason, Weight: 10}}}
}
