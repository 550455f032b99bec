package sandbox

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// page cuts one page out of items, which are in the order of their keys (1, 2, 3 …, gaps
// allowed), and returns the cursor of the next; "" at the end. A cursor is the key of the
// last item given, so that items that vanish between two pages hide nothing. Cursors of
// another list are refused.
func page[T any](list, cursor string, limit int, items []T, keyOf func(T) int) ([]T, string, *failure) {
	after := 0
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		key, mine := strings.CutPrefix(string(raw), list+":")
		if err == nil {
			after, err = strconv.Atoi(key)
		}
		if err != nil || !mine {
			return nil, "", refuse(codeBadCursor, "invalid cursor")
		}
	}
	start := slices.IndexFunc(items, func(item T) bool { return keyOf(item) > after })
	if start < 0 {
		return nil, "", nil
	}
	end := min(start+limit, len(items))
	next := ""
	if end < len(items) {
		next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", list, keyOf(items[end-1])))
	}
	return items[start:end], next, nil
}
