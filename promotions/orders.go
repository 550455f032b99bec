package promotions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of what a shop reports.
const (
	maxOrderID    = 100               // bytes
	maxOrderFen   = 1_000_000_000_000 // ten thousand million yuan
	orderMargin   = 24 * time.Hour    // by which clocks, and days written as days, may be wrong
	reportRetries = 3                 // reports of the same orders at the same time
)

// Orders takes down what shops report to have sold through the links of promotions.
type Orders struct{ Store *store.Store }

// Report takes down orders by OrderID, Code, AmountFen and At: all of them or, where one is
// wrong, none. One that is known with the same content is left alone; with other content it is
// a Conflict that names it. It returns all of them as they are kept, in their order, and how
// many are new. In errors the n-th is called [n] where there are several.
func (o *Orders) Report(ctx context.Context, orders []store.Order) (kept []store.Order, fresh int, err error) {
	for range reportRetries {
		err = o.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			kept, fresh, err = report(tx, orders)
			return err
		})
		if !errors.Is(err, store.ErrStale) {
			break
		}
	}
	return kept, fresh, err
}

func report(tx *store.Tx, orders []store.Order) (kept []store.Order, fresh int, err error) {
	ids, codes := make([]string, len(orders)), make([]string, len(orders))
	for i, o := range orders {
		ids[i], codes[i] = o.OrderID, o.Code
	}
	known, err := tx.OrdersByID(ids)
	if err != nil {
		return nil, 0, err
	}
	links, err := tx.LinksByCode(codes)
	if err != nil {
		return nil, 0, err
	}
	at, list := map[string]int{}, []store.Order{} // the new ones, by id
	for i, o := range orders {
		first, ok := known[o.OrderID]
		if n, twice := at[o.OrderID]; twice {
			first, ok = list[n], true
		}
		if ok {
			if err := sameOrder(first, o); err != nil {
				return nil, 0, err
			}
			continue
		}
		if err := checkOrder(o, links, tx.Now); err != nil {
			return nil, 0, under(orders, i, err)
		}
		at[o.OrderID] = len(list)
		list = append(list, store.Order{OrderID: o.OrderID, Code: o.Code, AmountFen: o.AmountFen, At: o.At.UTC().Truncate(time.Millisecond)})
	}
	if err := tx.AddOrders(list, links); err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		if n, ok := at[id]; ok {
			kept = append(kept, list[n])
		} else {
			kept = append(kept, known[id])
		}
	}
	return kept, len(list), nil
}

// under names the order that an error is about, where there are several.
func under(orders []store.Order, i int, err error) error {
	if len(orders) == 1 {
		return err
	}
	return handlers.Under(fmt.Sprintf("[%d]", i), err)
}

func sameOrder(known, o store.Order) error {
	switch {
	case known.Code != o.Code:
		return &handlers.Conflict{Detail: fmt.Sprintf("order %s is known with the code %s, not %s", o.OrderID, known.Code, o.Code)}
	case known.AmountFen != o.AmountFen:
		return &handlers.Conflict{Detail: fmt.Sprintf("order %s is known with amount_fen %d, not %d", o.OrderID, known.AmountFen, o.AmountFen)}
	case !known.At.Equal(o.At.Truncate(time.Millisecond)):
		return &handlers.Conflict{Detail: fmt.Sprintf("order %s is known at %s, not %s", o.OrderID, known.At.Format(time.RFC3339Nano), o.At.UTC().Format(time.RFC3339Nano))}
	}
	return nil
}

func checkOrder(o store.Order, links map[string]store.Link, now time.Time) error {
	if n := len(o.OrderID); n == 0 || n > maxOrderID || !utf8.ValidString(o.OrderID) || strings.ContainsFunc(o.OrderID, unicode.IsControl) {
		return handlers.Invalidf("id", "has %d bytes; want 1 to %d without control characters", n, maxOrderID)
	}
	if o.AmountFen < 0 || o.AmountFen > maxOrderFen {
		return handlers.Invalidf("amount_fen", "is %d; want 0 to %d", o.AmountFen, int64(maxOrderFen))
	}
	l, ok := links[o.Code]
	if !ok {
		return handlers.Invalidf("code", "%q is no code of a link of ours; want what stood in the place of {code}", o.Code)
	}
	if o.At.After(now.Add(orderMargin)) {
		return handlers.Invalidf("at", "is %s, more than a day from now", o.At.Format(time.RFC3339))
	}
	if o.At.Before(l.CreatedAt.Add(-orderMargin)) {
		return handlers.Invalidf("at", "is %s, more than a day before the link was made", o.At.Format(time.RFC3339))
	}
	return nil
}
