package promotions

import (
	"slices"

	"xiaobu/store"
)

// targets says whether a promotion means a group.
func targets(t store.TargetSpec) func(store.Chat) bool {
	named := make(map[string]bool, len(t.ChatIDs))
	for _, id := range t.ChatIDs {
		named[id] = true
	}
	return func(c store.Chat) bool {
		labelled := slices.ContainsFunc(c.Labels, func(l string) bool { return slices.Contains(t.Labels, l) })
		return t.All || named[c.ChatID] || labelled || c.ShopID != "" && slices.Contains(t.Stores, c.ShopID)
	}
}
