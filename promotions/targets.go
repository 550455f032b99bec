package promotions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of a selection.
const (
	maxTargets = 10_000 // group ids
	maxNamed   = 2_000  // stores, labels or owners
	maxLabel   = 50     // characters
)

// CheckTargets refuses targets that name nothing, and whatever they name that does not exist.
func (p *Planner) CheckTargets(ctx context.Context, t store.TargetSpec) error {
	if !t.All && len(t.ChatIDs)+len(t.Labels)+len(t.Stores)+len(t.Owners)+len(t.AppChats)+len(t.Robots) == 0 {
		return handlers.Invalidf("targets", "select nothing; name chat_ids, labels, stores, owners, app_chats or robots, or set all")
	}
	r := p.Store.Read(ctx)
	if err := checkSelection(r, "targets", t.Selection); err != nil {
		return err
	}
	if err := checkHands(r, t.ChatIDs); err != nil {
		return err
	}
	return checkSelection(r, "targets.exclude", t.Exclude)
}

// checkSelection refuses groups, stores and owners that are not known, also where they are
// only left out: who misspells a group must not post in it. Labels may be given later.
func checkSelection(r store.Reader, field string, s store.Selection) error {
	for _, by := range []struct {
		name   string
		values []string
		most   int
		known  func([]string) ([]string, error)
		what   string
	}{
		{"chat_ids", s.ChatIDs, maxTargets, r.KnownChats, "group"},
		{"labels", s.Labels, maxNamed, nil, "label"},
		{"stores", s.Stores, maxNamed, r.KnownShops, "store"},
		{"owners", s.Owners, maxNamed, r.KnownOwners, "member of staff"},
	} {
		if err := checkNamed(field+"."+by.name, by.what, by.values, by.most, by.known); err != nil {
			return err
		}
	}
	return nil
}

func checkNamed(field, what string, values []string, most int, known func([]string) ([]string, error)) error {
	if len(values) > most {
		return handlers.Invalidf(field, "has %d entries; want at most %d", len(values), most)
	}
	for i, v := range values {
		at := fmt.Sprintf("%s[%d]", field, i)
		if strings.ContainsRune(v, 0) {
			return handlers.Invalidf(at, "has a character that no %s has", what)
		}
		if known != nil {
			continue
		}
		if err := handlers.CheckWords(at, v, maxLabel); err != nil {
			return err
		}
	}
	if known == nil || len(values) == 0 {
		return nil
	}
	found, err := known(values)
	if err != nil {
		return err
	}
	have := make(map[string]bool, len(found))
	for _, v := range found {
		have[v] = true
	}
	for i, v := range values {
		if !have[v] {
			return handlers.Invalidf(fmt.Sprintf("%s[%d]", field, i), "%s %q is not known", what, v)
		}
	}
	return nil
}

// checkHands refuses to name a group that promotions leave alone, or that was dissolved.
func checkHands(r store.Reader, ids []string) error {
	bad, err := r.UnfitTarget(ids)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, id := range ids {
		if id != bad.ChatID {
			continue
		}
		field := fmt.Sprintf("targets.chat_ids[%d]", i)
		if bad.Status == store.ChatDismissed {
			return handlers.Invalidf(field, "group %q (%s) was dissolved", id, bad.Name)
		}
		return handlers.Invalidf(field, "group %q (%s) is hands-off: promotions leave it alone; PUT /groups/%s with hands_off false allows them", id, bad.Name, id)
	}
	return nil
}

// TargetWarning says what an operator should know about targets that are not refused.
type TargetWarning struct {
	Code   string
	Field  string
	Text   string // Chinese
	TextEN string
}

// Targets is what a selection means at this moment: its counts, warnings, and a page of groups.
func (p *Planner) Targets(ctx context.Context, t store.TargetSpec, after store.GroupCursor, limit int) (store.TargetCounts, []TargetWarning, []store.Chat, error) {
	r := p.Store.Read(ctx)
	c, err := r.CountTargets(t)
	if err != nil {
		return c, nil, nil, err
	}
	groups, err := r.Targets(store.TargetFilter{TargetSpec: t, After: after, Limit: limit})
	if err != nil {
		return c, nil, nil, err
	}
	warnings, err := targetWarnings(r, t, c)
	return c, warnings, groups, err
}

func targetWarnings(r store.Reader, t store.TargetSpec, c store.TargetCounts) ([]TargetWarning, error) {
	var out []TargetWarning
	if c.Groups == 0 {
		out = append(out, TargetWarning{"no_groups", "targets", "现在没有选中任何群", "selects no group now"})
	}
	if c.NoOwner > 0 {
		out = append(out, TargetWarning{"no_owner", "targets", fmt.Sprintf("有 %d 个群不知道群主是谁,没有人能确认发送", c.NoOwner),
			fmt.Sprintf("the owner of %d groups is not known: nobody can confirm there", c.NoOwner)})
	}
	for _, by := range []struct {
		field  string
		labels []string
	}{{"targets.labels", t.Labels}, {"targets.exclude.labels", t.Exclude.Labels}} {
		used, err := r.UsedLabels(by.labels)
		if err != nil {
			return nil, err
		}
		have := map[string]bool{}
		for _, l := range used {
			have[l] = true
		}
		for i, l := range by.labels {
			if !have[l] {
				out = append(out, TargetWarning{"label_unused", fmt.Sprintf("%s[%d]", by.field, i), fmt.Sprintf("没有群带标签「%s」", l), fmt.Sprintf("no group has the label %q", l)})
			}
		}
	}
	return out, nil
}
