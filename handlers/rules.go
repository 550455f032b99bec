package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// lawbook is what the judge asks besides the person's stays: a store.Reader, or one in which
// a candidate stands in place of the rule in force.
type lawbook interface {
	RuleAt(t time.Time) (store.Rule, error)
	Chat(id bot.ChatID) (store.Chat, error)
}

// maxFen bounds a tier: a reward of 10,000 yuan for one join is a slip of the keyboard.
const maxFen = 1_000_000

// PutRule adds a version of the reward rule.
func (r *Rewards) PutRule(ctx context.Context, rule store.Rule) (store.Rule, error) {
	if err := checkRule(rule); err != nil {
		return rule, err
	}
	err := r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.AddRule(&rule) })
	return rule, err
}

func checkRule(rule store.Rule) error {
	if len(rule.Tiers) == 0 || len(rule.Tiers) > 20 {
		return invalid("tiers", "has %d steps; want 1 to 20", len(rule.Tiers))
	}
	last := 0
	for i, t := range rule.Tiers {
		field := fmt.Sprintf("tiers[%d]", i)
		switch {
		case t.Fen < 0 || t.Fen > maxFen:
			return invalid(field+".fen", "is %d; want 0 to %d", t.Fen, maxFen)
		case i == len(rule.Tiers)-1 && t.UpTo != 0:
			return invalid(field+".up_to", "must be left out in the last step, which holds for everyone beyond")
		case i < len(rule.Tiers)-1 && t.UpTo <= last:
			return invalid(field+".up_to", "is %d; want more than the %d before it", t.UpTo, last)
		}
		last = t.UpTo
	}
	const maxHold = 366 * 24 * time.Hour
	if rule.HoldMS < 0 || rule.Hold() > maxHold {
		return invalid("hold", "is %s; want 0s to 8784h", rule.Hold())
	}
	if rule.ClawbackMS < 0 || rule.Clawback() > maxHold {
		return invalid("clawback", "is %s; want 0s to 8784h", rule.Clawback())
	}
	if rule.OncePer != OncePerCorp && rule.OncePer != OncePerStore && rule.OncePer != OncePerGroup {
		return invalid("once_per", "is %q; want corp, store or group", rule.OncePer)
	}
	return nil
}

// termsOf returns what a rule says of the joins of a group, as the group is placed and
// labelled now.
func termsOf(r lawbook, rule store.Rule, chat string) (store.Terms, error) {
	if len(rule.Overrides) == 0 {
		return rule.Terms("", nil), nil
	}
	c, err := r.Chat(bot.ChatID(chat))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Terms{}, err
	}
	return rule.Terms(c.ShopID, c.Labels), nil
}
