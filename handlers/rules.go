package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/store"
)

// lawbook is what the judge asks besides the person's stays: a store.Reader, or one in which
// a candidate stands in place of the rule in force.
type lawbook interface {
	RuleAt(t time.Time) (store.Rule, error)
	Chat(id bot.ChatID) (store.Chat, error)
}

// Bounds of a rule: what lies beyond is a slip of the keyboard.
const (
	maxTiers     = 20
	maxUpTo      = 100_000
	maxFen       = 1_000_000 // 10,000 yuan for one join
	maxHold      = 366 * 24 * time.Hour
	maxOverrides = 100
	maxNamed     = 2_000          // stores or labels of one override
	maxBudget    = 10_000_000_000 // 100 million yuan a month
	maxAhead     = 366 * 24 * time.Hour
	maxName      = 64  // characters
	maxNote      = 500 // characters
)

// firstYear is before any customer group was.
const firstYear = 2016

// PutRule adds a version of the reward rule. Its effective date may lie in the past, but in
// no closed month: a month that a payout was made for, or any before one. Joins since then are
// judged again.
func (r *Rewards) PutRule(ctx context.Context, rule store.Rule, remember Remember) (store.Rule, error) {
	if err := checkRule(rule); err != nil {
		return rule, err
	}
	err := r.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockLedger(); err != nil {
			return err
		}
		if err := checkNamedStores(tx.Reader, rule); err != nil {
			return err
		}
		if err := r.checkEffective(tx, rule.EffectiveFrom); err != nil {
			return err
		}
		if err := tx.AddRule(&rule); err != nil {
			return err
		}
		if !rule.EffectiveFrom.After(tx.Now) {
			if err := tx.AskRejudge(rule.EffectiveFrom); err != nil {
				return err
			}
		}
		return remember(tx, fmt.Sprint(rule.Version))
	})
	return rule, err
}

// checkEffective refuses a date that no rule can have, and one that would change what was
// paid. From this second on nothing can have been paid yet.
func (r *Rewards) checkEffective(tx *store.Tx, from time.Time) error {
	if from.Year() < firstYear || from.After(tx.Now.Add(maxAhead)) {
		return Invalidf("effective_from", "is %s; want a moment from the year %d to a year from now", r.stamp(from), firstYear)
	}
	if !from.Before(tx.Now.Truncate(time.Second)) {
		return nil
	}
	closed, err := tx.LastClosedPeriod()
	if err != nil || closed < r.month(from) {
		return err
	}
	return Invalidf("effective_from", "is %s, in a closed period: %s has a payout, so nothing up to its end may be judged anew; want a moment after it", r.stamp(from), closed)
}

func (r *Rewards) stamp(t time.Time) string { return t.In(r.Zone).Format(time.RFC3339) }

// checkRule refuses what makes no sense whatever else is known.
func checkRule(rule store.Rule) error {
	if err := checkTiers("tiers", rule.Tiers); err != nil {
		return err
	}
	if err := checkSpans("", rule.HoldMS, rule.ClawbackMS); err != nil {
		return err
	}
	if rule.OncePer != OncePerCorp && rule.OncePer != OncePerStore && rule.OncePer != OncePerGroup {
		return Invalidf("once_per", "is %q; want corp, store or group", rule.OncePer)
	}
	if err := checkOverrides(rule.Overrides); err != nil {
		return err
	}
	if err := checkBudget(rule.Budget); err != nil {
		return err
	}
	if err := CheckMost("note", rule.Note, maxNote); err != nil {
		return err
	}
	return CheckMost("by", rule.By, maxName)
}

func checkTiers(field string, tiers []store.Tier) error {
	if len(tiers) == 0 || len(tiers) > maxTiers {
		return Invalidf(field, "has %d steps; want 1 to %d", len(tiers), maxTiers)
	}
	last := 0
	for i, t := range tiers {
		step := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case t.Fen < 0 || t.Fen > maxFen:
			return Invalidf(step+".fen", "is %d; want 0 to %d", t.Fen, maxFen)
		case i == len(tiers)-1 && t.UpTo != 0:
			return Invalidf(step+".up_to", "must be left out in the last step, which holds for everyone beyond")
		case i < len(tiers)-1 && t.UpTo <= last:
			return Invalidf(step+".up_to", "is %d; want more than the %d before it", t.UpTo, last)
		case t.UpTo > maxUpTo:
			return Invalidf(step+".up_to", "is %d; want at most %d, more than any group holds", t.UpTo, maxUpTo)
		}
		last = t.UpTo
	}
	return nil
}

func checkSpans(prefix string, hold, clawback int64) error {
	for _, span := range []struct {
		field string
		ms    int64
	}{{"hold", hold}, {"clawback", clawback}} {
		if span.ms < 0 || span.ms > maxHold.Milliseconds() {
			return Invalidf(prefix+span.field, "is %d s; want 0s to %s", span.ms/1000, maxHold)
		}
	}
	return nil
}

// checkOverrides also refuses one that can never apply: without a store or label, or with one
// that an override before it covers already.
func checkOverrides(overrides []store.Override) error {
	if len(overrides) > maxOverrides {
		return Invalidf("overrides", "has %d items; want at most %d", len(overrides), maxOverrides)
	}
	names, stores, labels := map[string]string{}, map[string]string{}, map[string]string{}
	for i, o := range overrides {
		field := fmt.Sprintf("overrides[%d]", i)
		if o.Name == "" || utf8.RuneCountInString(o.Name) > maxName {
			return Invalidf(field+".name", "has %d characters; want 1 to %d, such as 新店", utf8.RuneCountInString(o.Name), maxName)
		}
		if len(o.Stores)+len(o.Labels) == 0 {
			return Invalidf(field, "can never apply: it names neither stores nor labels")
		}
		if err := claim(names, field+".name", []string{o.Name}, field); err != nil {
			return err
		}
		if err := claim(stores, field+".stores", o.Stores, o.Name); err != nil {
			return err
		}
		if err := claim(labels, field+".labels", o.Labels, o.Name); err != nil {
			return err
		}
		if err := checkOverrideTerms(field, o); err != nil {
			return err
		}
	}
	return nil
}

// claim notes to whom words belong; none may belong to two.
func claim(owners map[string]string, field string, words []string, owner string) error {
	if len(words) > maxNamed {
		return Invalidf(field, "has %d items; want at most %d", len(words), maxNamed)
	}
	for _, w := range words {
		if w == "" {
			return Invalidf(field, "holds an empty text")
		}
		if first, known := owners[w]; known {
			return Invalidf(field, "names %q, which %s names already; the first that covers a group holds", w, first)
		}
		owners[w] = owner
	}
	return nil
}

func checkOverrideTerms(field string, o store.Override) error {
	if err := checkTiers(field+".tiers", o.Tiers); err != nil {
		return err
	}
	var hold, clawback int64
	if o.HoldMS != nil {
		hold = *o.HoldMS
	}
	if o.ClawbackMS != nil {
		clawback = *o.ClawbackMS
	}
	return checkSpans(field+".", hold, clawback)
}

func checkBudget(b *store.Budget) error {
	switch {
	case b == nil:
		return nil
	case b.Fen < 1 || b.Fen > maxBudget:
		return Invalidf("budget.fen", "is %d; want 1 to %d, or no budget", b.Fen, maxBudget)
	case b.Per != store.BudgetCorp && b.Per != store.BudgetStore && b.Per != store.BudgetStaff:
		return Invalidf("budget.per", "is %q; want corp, store or staff", b.Per)
	}
	return nil
}

func checkNamedStores(r store.Reader, rule store.Rule) error {
	for i, o := range rule.Overrides {
		for _, id := range o.Stores {
			_, err := r.Shop(id)
			if errors.Is(err, store.ErrNotFound) {
				return Invalidf(fmt.Sprintf("overrides[%d].stores", i), "names %q, which is no store; PUT /stores/%s first", id, id)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Warnings tells what of a rule is allowed but may not be meant.
func (r *Rewards) Warnings(ctx context.Context, rule store.Rule) ([]string, error) {
	out := []string{}
	chats, err := r.Store.Read(ctx).Chats(store.ChatFilter{})
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, c := range chats {
		for _, label := range c.Labels {
			used[label] = true
		}
	}
	for _, o := range rule.Overrides {
		for _, label := range o.Labels {
			if !used[label] { // a label may be in a rule before the groups get it
				out = append(out, fmt.Sprintf("override %q: no group has the label %q yet", o.Name, label))
			}
		}
	}
	if b := rule.Budget; b != nil && b.Fen < most(rule) {
		out = append(out, fmt.Sprintf("budget: %s is less than one join of the highest step earns, %s", Yuan(b.Fen), Yuan(most(rule))))
	}
	return out, nil
}

// most is what the highest step of a rule earns.
func most(rule store.Rule) (fen int64) {
	steps := rule.Tiers
	for _, o := range rule.Overrides {
		steps = append(steps[:len(steps):len(steps)], o.Tiers...)
	}
	for _, t := range steps {
		fen = max(fen, t.Fen)
	}
	return fen
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
