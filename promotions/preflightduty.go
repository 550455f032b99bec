package promotions

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	preflightAhead = time.Hour // how long before a slot it is looked at for the last time
	preflightBatch = 20
	maxNote        = 2000 // bytes of an app message; WeCom cuts off at 2,048
)

// Preflight looks for what is wrong with a promotion that would be posted at a moment; a zero
// one is its next slot. Links are asked for. Nothing is written.
func (p *Planner) Preflight(ctx context.Context, promo store.Promotion, at time.Time) (store.Preflight, error) {
	in, err := p.examine(ctx, promo, at, true)
	if err != nil {
		return store.Preflight{}, err
	}
	return in.result(), nil
}

// PreflightSpec is Preflight for a promotion that is not written down. What Create would
// refuse is refused.
func (p *Planner) PreflightSpec(ctx context.Context, spec store.PromotionSpec, at time.Time) (store.Preflight, error) {
	spec.Schedule = p.defaults(spec.Schedule)
	if _, err := p.check(ctx, spec); err != nil {
		return store.Preflight{}, err
	}
	return p.Preflight(ctx, store.Promotion{Name: spec.Name, Spec: spec}, at)
}

func (p *Planner) examine(ctx context.Context, promo store.Promotion, at time.Time, ask bool) (*inspection, error) {
	if at.IsZero() {
		at = promo.NextAt
	}
	if at.IsZero() {
		pl, err := p.plan(p.Store.Read(ctx), promo.Spec)
		if err != nil {
			return nil, err
		}
		if at = pl.after(p.Now()); at.IsZero() {
			at = p.Now()
		}
	}
	in, err := p.inspect(p.Store.Read(ctx), promo, at)
	if err == nil && ask {
		in.askLinks(ctx)
	}
	return in, err
}

func (in *inspection) result() store.Preflight {
	return store.Preflight{PromotionID: in.id, At: in.at, CheckedAt: in.p.Now(), Verdict: verdict(in.findings), Findings: in.findings}
}

// NextPreflight returns when a promotion is to be looked at.
func (p *Planner) NextPreflight(ctx context.Context) (time.Time, bool, error) {
	return p.Store.Read(ctx).NextPreflight()
}

// LookOver looks at every promotion that is due: at once when it was written, resumed or
// posted, and an hour before its slot. Then people are told what is new. One that fails does
// not hold up the others.
func (p *Planner) LookOver(ctx context.Context) error {
	due, err := p.Store.Read(ctx).DuePreflights(p.Now(), preflightBatch)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range due {
		if err := p.lookAt(ctx, f); err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("look at promotion %d: %w", f.PromotionID, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Planner) lookAt(ctx context.Context, known store.Preflight) error {
	r := p.Store.Read(ctx)
	promo, err := r.Promotion(known.PromotionID)
	if err != nil {
		return err
	}
	if promo.NextAt.IsZero() {
		f := known
		f.DueAt = time.Time{}
		return p.Store.Tx(ctx, func(tx *store.Tx) error { return tx.SavePreflight(f, known.DueAt) })
	}
	in, err := p.examine(ctx, promo, promo.NextAt, true)
	if err != nil {
		return err
	}
	f := in.result()
	f.Told = known.Told
	var notes []Note
	if last := promo.NextAt.Add(-preflightAhead); last.After(p.Now()) {
		f.DueAt = last
	} else if notes, f.Told, err = in.notes(r, promo, known.Told); err != nil {
		return err
	}
	return p.Store.Tx(ctx, func(tx *store.Tx) error {
		now, err := tx.Promotion(promo.ID)
		if err != nil {
			return err
		}
		if !now.NextAt.Equal(promo.NextAt) {
			return store.ErrStale
		}
		if err := tx.SavePreflight(f, known.DueAt); err != nil {
			return err
		}
		for _, n := range notes {
			if _, err := tx.Enqueue(n, store.When{Deadline: promo.NextAt}); err != nil {
				return err
			}
		}
		return nil
	})
}

// glance writes down what the books tell of a promotion that was just written. Its links are
// asked for by the duty, a moment later.
func (p *Planner) glance(ctx context.Context, promo store.Promotion) error {
	if promo.NextAt.IsZero() {
		return nil
	}
	known, err := p.Store.Read(ctx).Preflight(promo.ID)
	if err != nil {
		return err
	}
	in, err := p.examine(ctx, promo, promo.NextAt, false)
	if err != nil {
		return err
	}
	f := in.result()
	f.Told, f.DueAt = known.Told, known.DueAt
	err = p.Store.Tx(ctx, func(tx *store.Tx) error { return tx.SavePreflight(f, known.DueAt) })
	if errors.Is(err, store.ErrStale) {
		return nil // the duty was faster
	}
	return err
}

// line is one sentence of a note, and what has to be remembered of it.
type line struct {
	level, text, told string
}

// notes are what people are told of a look, the same words of a slot once: the notified of everything that is new, a store's
// manager of what is new in the store. What stops the promotion altogether, or makes it
// pointless, concerns the managers of all its stores if nobody else is notified.
func (in *inspection) notes(r store.Reader, promo store.Promotion, told []string) ([]Note, []string, error) {
	of := map[string][]line{}
	var now []string
	tell := func(to string, l line) {
		of[to] = append(of[to], l)
	}
	for _, f := range in.findings {
		key := f.Code + " " + f.Field
		now = append(now, key)
		if f.Level == store.Red || !slices.Contains(told, key) {
			for _, to := range in.p.Notify {
				tell(to, line{f.Level, f.Text, key})
			}
		}
		concerned, some := in.concerns[f.Code]
		if !some && (f.Level != store.Red || len(in.p.Notify) > 0) {
			continue
		}
		if !some {
			concerned = in.meant
		}
		shops, err := r.ManagedShops(concerned)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range shops {
			key := key + " @" + s.ID
			now = append(now, key)
			if f.Level == store.Yellow && slices.Contains(told, key) || slices.Contains(in.p.Notify, s.Manager) {
				continue
			}
			text := f.Text
			if some {
				text += fmt.Sprintf("其中「%s」%d 个群。", nameOr(s.Name, s.ID), s.N)
			}
			tell(s.Manager, line{f.Level, text, key})
		}
	}
	people := make([]string, 0, len(of))
	for to := range of {
		people = append(people, to)
	}
	slices.Sort(people)
	notes := make([]Note, len(people))
	for i, to := range people {
		text := in.note(promo, of[to])
		sum := sha256.Sum256([]byte(text)) // an edit may bring something new shortly before the slot
		notes[i] = Note{Key: fmt.Sprintf("preflight:%d:%d:%s:%x", promo.ID, in.at.UnixMilli(), to, sum[:6]), To: bot.UserID(to), Text: text}
	}
	return notes, now, nil
}

// note is the text of one message: what stops first.
func (in *inspection) note(promo store.Promotion, lines []line) string {
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.level, b.level) }) // red is before yellow
	at := in.at.In(in.p.Zone)
	var b strings.Builder
	fmt.Fprintf(&b, "【促销预检】「%s」%s(%s)%s 发送前发现:", promo.Name, at.Format("1月2日"), weekday(at), at.Format("15:04"))
	said := map[string]bool{}
	for _, l := range lines {
		mark := "注意:"
		if l.level == store.Red {
			mark = "严重:"
		}
		if said[l.text] {
			continue
		}
		said[l.text] = true
		if b.Len()+len(l.text)+20 > maxNote {
			b.WriteString("\n……")
			break
		}
		b.WriteString("\n" + mark + l.text)
	}
	return b.String()
}
