package store

import (
	"reflect"
	"testing"
	"time"
)

func TestTermsOfARule(t *testing.T) {
	hour, none := time.Hour.Milliseconds(), int64(0)
	r := Rule{Tiers: []Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}, HoldMS: 7 * hour, ClawbackMS: 2 * hour, Overrides: []Override{
		{Name: "新店", Stores: []string{"s1", "s2"}, Tiers: []Tier{{Fen: 200}}, HoldMS: &hour},
		{Name: "会员群", Labels: []string{"会员"}, Tiers: []Tier{{UpTo: 1, Fen: 5}, {Fen: 6}}, ClawbackMS: &none},
		{Name: "新店会员", Stores: []string{"s2"}, Labels: []string{"会员"}, Tiers: []Tier{{Fen: 9}}},
	}}
	for name, c := range map[string]struct {
		shop           string
		labels         []string
		want           string
		first, second  int64
		hold, clawback time.Duration
	}{
		"no store":              {"", nil, "", 50, 50, 7 * time.Hour, 2 * time.Hour},
		"another store":         {"s3", []string{"秒杀"}, "", 50, 50, 7 * time.Hour, 2 * time.Hour},
		"a store":               {"s1", nil, "新店", 200, 200, time.Hour, 2 * time.Hour},
		"a label":               {"s3", []string{"秒杀", "会员"}, "会员群", 5, 6, 7 * time.Hour, 0},
		"the first that covers": {"s2", []string{"会员"}, "新店", 200, 200, time.Hour, 2 * time.Hour},
	} {
		got := r.Terms(c.shop, c.labels)
		if got.Name != c.want || got.Fen(1) != c.first || got.Fen(2) != c.second || got.Hold != c.hold || got.Clawback != c.clawback {
			t.Errorf("%s: %+v, want %+v", name, got, c)
		}
		if named := r.TermsNamed(got.Name); !reflect.DeepEqual(named, got) {
			t.Errorf("%s by its name: %+v, want %+v", name, named, got)
		}
	}
	if step := r.Terms("", nil); step.Fen(100) != 50 || step.Fen(101) != 100 {
		t.Errorf("ordinals 100 and 101 earn %d and %d", step.Fen(100), step.Fen(101))
	}
}

func TestARuleIsKeptWhole(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		hour := time.Hour.Milliseconds()
		want := Rule{EffectiveFrom: c.Now(), Tiers: []Tier{{Fen: 1}}, HoldMS: 1, ClawbackMS: 2, OncePer: "store", Note: "双十一", By: "anna",
			Overrides: []Override{{Name: "新店", Stores: []string{"s1"}, Tiers: []Tier{{Fen: 200}}, HoldMS: &hour}}, Budget: &Budget{Fen: 100_000, Per: BudgetStore}}
		plain := Rule{EffectiveFrom: c.Now(), Tiers: []Tier{{Fen: 1}}, OncePer: "corp"}
		tx(t, s, func(tx *Tx) error {
			if err := tx.AddRule(&want); err != nil {
				return err
			}
			return tx.AddRule(&plain)
		})
		for _, w := range []Rule{want, plain} {
			if got, err := s.Read(t.Context()).RuleVersion(w.Version); err != nil || !reflect.DeepEqual(got, w) {
				t.Errorf("version %d: %+v %v, want %+v", w.Version, got, err, w)
			}
		}
	})
}

func TestFromWhenToWhenARuleHolds(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		first := c.Now().Truncate(time.Second) // the seeded one
		at := func(days int) time.Time { return first.AddDate(0, 0, days) }
		tx(t, s, func(tx *Tx) error {
			for _, days := range []int{10, 20, 15, 30} {
				if err := tx.AddRule(&Rule{EffectiveFrom: at(days), Tiers: []Tier{{Fen: 1}}, OncePer: "corp"}); err != nil {
					return err
				}
			}
			return nil
		})
		want := map[int64]time.Time{1: at(10), 2: at(15), 3: at(15), 4: at(30), 5: {}} // the third holds never
		got, err := s.Read(t.Context()).RuleSpans(0, 0)
		must(t, err)
		page, err := s.Read(t.Context()).RuleSpans(4, 2)
		must(t, err)
		if len(got) != 5 || got[0].Version != 5 || len(page) != 2 || page[0].Version != 3 {
			t.Fatalf("versions: %+v, the page behind 4: %+v", got, page)
		}
		for _, span := range append(got, page...) {
			if !span.Until.Equal(want[span.Version]) {
				t.Errorf("version %d until %v, want %v", span.Version, span.Until, want[span.Version])
			}
		}
		// The same as asking at each moment.
		for day := range 40 {
			rule, err := s.Read(t.Context()).RuleAt(at(day))
			must(t, err)
			for _, span := range got {
				holds := !at(day).Before(span.EffectiveFrom) && (span.Until.IsZero() || at(day).Before(span.Until))
				if holds != (span.Version == rule.Version) {
					t.Errorf("day %d: version %d holds is %v, and %d is in force", day, span.Version, holds, rule.Version)
				}
			}
		}
	})
}
