package promotions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

const (
	maxWho          = 64  // characters of a person's name
	maxDecisionNote = 500 // characters of a note
)

// As is the planner in somebody's name, who is put down for what is changed through it. An
// empty name is the API's.
func (p *Planner) As(by string) *Planner {
	q := *p
	q.by = strings.TrimSpace(by)
	return &q
}

// who is in whose name the planner acts.
func (p *Planner) who(wanted bool) (string, error) {
	if p.by == "" {
		if wanted {
			return "", handlers.Invalidf("by", "is missing: a second person has to agree to this promotion, so say who you are")
		}
		return store.ByAPI, nil
	}
	return p.by, handlers.CheckMost("by", p.by, maxWho)
}

// note writes down what somebody did with a promotion.
func note(tx *store.Tx, promo store.Promotion, by, what, words string) error {
	return tx.AddPromotionChange(store.PromotionChange{PromotionID: promo.ID, Who: by, What: what, Version: promo.Version, Note: words})
}

// needsSecond reports whether a second person must agree to a promotion before it is posted.
func (p *Planner) needsSecond(spec store.PromotionSpec) bool { return p.SecondPerson || spec.Approval }

// unseen reports whether a promotion needs a second person who has not agreed to its version.
func (p *Planner) unseen(promo store.Promotion) bool {
	return p.needsSecond(promo.Spec) && promo.ApprovedBy == ""
}

// postable refuses to post a promotion that is over or that was not agreed to.
func postable(promo store.Promotion) error {
	switch promo.Status {
	case store.PromotionEnded:
		return &handlers.Conflict{Detail: "the promotion has ended"}
	case store.PromotionProposed:
		return &handlers.Conflict{Detail: fmt.Sprintf("version %d by %s waits for a second person to approve it", promo.Version, promo.By)}
	case store.PromotionRejected:
		return &handlers.Conflict{Detail: fmt.Sprintf("version %d was rejected; change it first", promo.Version)}
	}
	return nil
}

// Edit writes a new version of a promotion. Occurrences that are under way go on as they were
// planned. version is the one that was read before, 0 for whatever it is by now: an edit of an
// older one is a conflict. What needs a second person is proposed again, and not posted until
// somebody else agrees. A promotion that is paused stays so.
func (p *Planner) Edit(ctx context.Context, id, version int64, spec store.PromotionSpec) (store.Promotion, error) {
	spec.Schedule = p.defaults(spec.Schedule)
	plan, err := p.check(ctx, spec)
	if err != nil {
		return store.Promotion{}, err
	}
	promo, err := p.change(ctx, id, func(tx *store.Tx, known store.Promotion, by string) error {
		changes, err := Differences(known.Spec, spec)
		if err != nil || len(changes) == 0 {
			return err
		}
		if known.Status == store.PromotionEnded {
			return postable(known)
		}
		if err := checkVersion(known, version); err != nil {
			return err
		}
		if err := checkMedia(tx.HoldMedia, spec); err != nil { // it may have been deleted since
			return err
		}
		second := p.needsSecond(known.Spec) || p.needsSecond(spec)
		if _, err := p.who(second); err != nil {
			return err
		}
		promo := known
		promo.Name, promo.Spec, promo.By = spec.Name, spec, by
		moved := slices.ContainsFunc(changes, func(d Difference) bool { return strings.HasPrefix(d.Field, "schedule.") })
		if promo.Status, promo.NextAt, err = edited(known, plan, moved, second, tx.Now); err != nil {
			return err
		}
		_, err = tx.EditPromotion(known, promo)
		return err
	})
	if err == nil {
		p.look(ctx, promo)
	}
	return promo, err
}

// edited is what an edit makes of a promotion's status and next slot. A slot that has come and
// is not planned yet is not lost by an edit of something else than the schedule; moved says that
// the schedule was edited.
func edited(known store.Promotion, pl plan, moved, second bool, now time.Time) (status string, next time.Time, err error) {
	next = pl.after(now)
	if next.IsZero() {
		return "", next, handlers.Invalidf("schedule.cron", "%s", pl.never(now))
	}
	switch {
	case known.Status == store.PromotionPaused:
		return store.PromotionPaused, time.Time{}, nil
	case second || known.Status != store.PromotionActive:
		return store.PromotionProposed, time.Time{}, nil
	case !moved:
		return store.PromotionActive, known.NextAt, nil
	}
	return store.PromotionActive, next, nil
}

func checkVersion(promo store.Promotion, version int64) error {
	if version == 0 || version == promo.Version {
		return nil
	}
	return &handlers.Conflict{Detail: fmt.Sprintf("it was changed meanwhile: version %d is by %s, not %d; read it again", promo.Version, promo.By, version)}
}

// Copy makes a new promotion like another. It is paused, so that nothing is posted before
// somebody has looked at it. An empty name is the other's with a mark.
func (p *Planner) Copy(ctx context.Context, id int64, name string, remember handlers.Remember) (store.Promotion, error) {
	by, err := p.who(false)
	if err != nil {
		return store.Promotion{}, err
	}
	if err := handlers.CheckMost("name", name, maxPromotionName); err != nil {
		return store.Promotion{}, err
	}
	var made store.Promotion
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		of, err := tx.Promotion(id)
		if err != nil {
			return err
		}
		made = store.Promotion{Name: cmp.Or(name, copyName(of.Name)), Status: store.PromotionPaused, Spec: of.Spec, By: by}
		made.Spec.Name = made.Name
		if err := tx.CopyPromotion(&made, of.ID); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(made.ID))
	})
	return made, err
}

func copyName(name string) string {
	const mark = "(副本)"
	letters := []rune(name)
	return string(letters[:min(len(letters), maxPromotionName-len([]rune(mark)))]) + mark
}

// Decision is what a second person says of a promotion. Version is the one they looked at, 0
// for whatever it is by now.
type Decision struct {
	Version int64
	Note    string
}

// Approve is somebody else's word that a promotion may be posted. A paused one stays paused.
func (p *Planner) Approve(ctx context.Context, id int64, d Decision) (store.Promotion, error) {
	return p.decide(ctx, id, d, func(tx *store.Tx, promo store.Promotion, by string) error {
		if strings.EqualFold(promo.ApprovedBy, by) {
			return nil // said twice
		}
		if err := p.undecided(promo); err != nil {
			return err
		}
		if strings.EqualFold(promo.By, by) {
			return &handlers.Conflict{Detail: fmt.Sprintf("%s wrote version %d; somebody else has to approve it", promo.By, promo.Version)}
		}
		status, next := promo.Status, time.Time{}
		if status == store.PromotionProposed {
			var err error
			if next, err = p.nextSlot(tx, promo.Spec); err != nil {
				return err
			}
			status = store.PromotionActive
		}
		if err := tx.ApprovePromotion(promo, by, status, next); err != nil {
			return err
		}
		return note(tx, promo, by, store.ChangeApproved, d.Note)
	})
}

// Reject says that a promotion is not posted as it is. Its author may do so as well.
func (p *Planner) Reject(ctx context.Context, id int64, d Decision) (store.Promotion, error) {
	return p.decide(ctx, id, d, func(tx *store.Tx, promo store.Promotion, by string) error {
		if promo.Status == store.PromotionRejected {
			return nil
		}
		if err := p.undecided(promo); err != nil {
			return err
		}
		if err := tx.MovePromotion(promo, store.PromotionRejected, time.Time{}); err != nil {
			return err
		}
		return note(tx, promo, by, store.ChangeRejected, d.Note)
	})
}

func (p *Planner) decide(ctx context.Context, id int64, d Decision, fn func(*store.Tx, store.Promotion, string) error) (store.Promotion, error) {
	if _, err := p.who(true); err != nil {
		return store.Promotion{}, err
	}
	if err := handlers.CheckMost("note", d.Note, maxDecisionNote); err != nil {
		return store.Promotion{}, err
	}
	promo, err := p.change(ctx, id, func(tx *store.Tx, promo store.Promotion, by string) error {
		if err := checkVersion(promo, d.Version); err != nil {
			return err
		}
		return fn(tx, promo, by)
	})
	if err == nil {
		p.look(ctx, promo)
	}
	return promo, err
}

// undecided refuses to decide on a promotion that waits for nobody.
func (p *Planner) undecided(promo store.Promotion) error {
	if promo.Status == store.PromotionProposed || promo.Status == store.PromotionPaused && p.unseen(promo) {
		return nil
	}
	return &handlers.Conflict{Detail: fmt.Sprintf("version %d is %s; there is nothing to decide", promo.Version, promo.Status)}
}

// Difference is a field that differs between two versions of a promotion. From and To are JSON
// values; nil where the field is absent. Of a list of words or numbers they hold only what went
// and what came.
type Difference struct {
	Field    string // such as products[1].price_fen
	From, To any
}

// Differences tells how one version of a promotion differs from another, by field.
func Differences(from, to store.PromotionSpec) ([]Difference, error) {
	a, err := asJSON(from)
	if err != nil {
		return nil, err
	}
	b, err := asJSON(to)
	if err != nil {
		return nil, err
	}
	return differ("", a, b, nil), nil
}

func asJSON(spec store.PromotionSpec) (v any, err error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	return v, json.Unmarshal(raw, &v)
}

func differ(field string, a, b any, out []Difference) []Difference {
	if isEmpty(a) && isEmpty(b) || reflect.DeepEqual(a, b) {
		return out
	}
	switch x, y := a, b; {
	case isObject(x) && isObject(y):
		x, y := x.(map[string]any), y.(map[string]any)
		keys := slices.Collect(maps.Keys(x))
		for k := range y {
			if _, both := x[k]; !both {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			out = differ(strings.TrimPrefix(field+"."+k, "."), x[k], y[k], out)
		}
		return out
	case isList(x) && isList(y):
		return differLists(field, list(x), list(y), out)
	}
	return append(out, Difference{field, a, b})
}

// differLists compares lists of objects by place, and others as sets.
func differLists(field string, a, b []any, out []Difference) []Difference {
	if !slices.ContainsFunc(a, isObject) && !slices.ContainsFunc(b, isObject) {
		went, came := without(a, b), without(b, a)
		if len(went)+len(came) == 0 {
			return out
		}
		return append(out, Difference{field, went, came})
	}
	at := func(l []any, i int) any {
		if i < len(l) {
			return l[i]
		}
		return nil
	}
	for i := range max(len(a), len(b)) {
		out = differ(fmt.Sprintf("%s[%d]", field, i), at(a, i), at(b, i), out)
	}
	return out
}

// without are the values of a list that another lacks.
func without(l, other []any) []any {
	have := make(map[any]bool, len(other))
	for _, v := range other {
		have[v] = true
	}
	out := []any{}
	for _, v := range l {
		if !have[v] {
			out = append(out, v)
		}
	}
	return out
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// isList takes what is absent for an empty list.
func isList(v any) bool { _, ok := v.([]any); return ok || v == nil }

func list(v any) []any { l, _ := v.([]any); return l }

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	}
	return false
}
