package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// Order is an order that a shop reported with the code it came by. Nothing in it is of the
// customer.
type Order struct {
	ID                    int64
	OrderID               string // the shop's own id
	Code                  string
	AmountFen             int64
	At                    time.Time `gorm:"serializer:ms"`
	PromotionID           int64
	OccurrenceID          int64
	ChatID, Owner, ShopID string    // of the link when it was reported; empty: not known
	ReportedAt            time.Time `gorm:"serializer:ms"`
}

// TableName is the table of orders.
func (Order) TableName() string { return "order_report" }

// AddOrders writes orders that are not known yet, and adds them to the sums of their links,
// which are by code. It fails with ErrStale when one has become known in the meantime.
func (tx *Tx) AddOrders(orders []Order, links map[string]Link) error {
	uses, at := []LinkUse{}, map[string]int{}
	for i := range orders {
		o, l := &orders[i], links[orders[i].Code]
		o.PromotionID, o.OccurrenceID, o.ChatID, o.Owner, o.ShopID, o.ReportedAt = l.PromotionID, l.OccurrenceID, l.ChatID, l.Owner, l.ShopID, tx.Now
		n, ok := at[o.Code]
		if !ok {
			n = len(uses)
			at[o.Code], uses = n, append(uses, LinkUse{LinkID: l.ID, At: tx.Now})
		}
		uses[n].Orders++
		uses[n].AmountFen += o.AmountFen
	}
	err := chunked(orders, func(part []Order) error {
		res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(part, 10)
		return exactly(len(part), res)
	})
	if err != nil {
		return err
	}
	return tx.useLinks(uses)
}

// OrdersByID returns the orders that have some of a shop's ids, by them.
func (r Reader) OrdersByID(ids []string) (map[string]Order, error) {
	out := map[string]Order{}
	err := chunked(ids, func(part []string) error {
		orders, err := all[Order](r.db.Where("order_id IN ?", part))
		for _, o := range orders {
			out[o.OrderID] = o
		}
		return err
	})
	return out, err
}

// OrderFilter selects orders.
type OrderFilter struct {
	Promotion int64  // 0: all
	ChatID    string // empty: all
	Cursor    int64
	Limit     int
}

// Orders lists orders in the order they were reported.
func (r Reader) Orders(f OrderFilter) ([]Order, error) {
	q := r.db.Where("id > ?", f.Cursor).Order("id")
	if f.Promotion != 0 {
		q = q.Where("promotion_id = ?", f.Promotion)
	}
	if f.ChatID != "" {
		q = q.Where("chat_id = ?", f.ChatID)
	}
	return all[Order](limited(q, f.Limit))
}
