package handlers

import (
	"context"
	"fmt"

	"xiaobu/store"
)

// repairBatch is how many rows of cached figures are rebuilt in one transaction.
const repairBatch = 20

// Audit compares the books with themselves, as they are at one moment, and writes down every
// difference. Asked to repair, it sums the cached figures that are wrong anew from the
// entries, and looks at the books again: what it returns is the look before. Entries,
// transfers and payouts are never repaired by a program.
func (r *Rewards) Audit(ctx context.Context, repair bool) (store.Audit, error) {
	f, err := r.audit(ctx)
	if err != nil || !repair || f.Audit.Differences == 0 {
		return f.Audit, err
	}
	for left := -1; left != 0; {
		err := r.Store.Tx(ctx, func(tx *store.Tx) (err error) { left, err = tx.RebuildTally(f, repairBatch); return err })
		if err != nil {
			return f.Audit, fmt.Errorf("rebuild the tally: %w", err)
		}
		f.Repaired(left)
	}
	if f.Audit.Repaired > 0 {
		r.Log.Warn("rebuilt cached figures of rewards from the entries", "audit", f.Audit.ID, "rows", f.Audit.Repaired)
	}
	_, err = r.audit(ctx)
	return f.Audit, err
}

// said is how many differences of an audit go into the log; the rest is in the database.
const said = 20

func (r *Rewards) audit(ctx context.Context) (*store.Findings, error) {
	f := &store.Findings{}
	err := r.Store.Snapshot(ctx, func(rd store.Reader) error {
		found, err := rd.Audit()
		if err == nil {
			f = found
		}
		return err
	})
	if err != nil {
		return f, err
	}
	if err := r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.AddAudit(f) }); err != nil {
		return f, fmt.Errorf("write the audit: %w", err)
	}
	for _, d := range f.Differences[:min(said, len(f.Differences))] {
		r.Log.Error("the books differ", "audit", f.Audit.ID, "of", f.Audit.Differences, "what", d.What, "subject", d.Subject, "field", d.Field, "want", d.Want, "have", d.Have)
	}
	return f, nil
}
