package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// town writes groups of several owners, stores and labels: wr0 … wr9 and one that nobody is
// known to own.
func town(t *testing.T, s *Store) {
	t.Helper()
	tx(t, s, func(tx *Tx) error {
		for i := range 10 {
			c := Chat{ChatID: fmt.Sprintf("wr%d", i), Owner: fmt.Sprintf("o%d", i%3), Status: ChatActive, ShopID: fmt.Sprintf("s%d", i%2), Customers: i}
			if i%4 == 0 {
				c.Labels = []string{"vip", `a"b\c`, "<秒杀>"}
			}
			if err := tx.NewChat(c); err != nil {
				return err
			}
		}
		for _, err := range []error{
			tx.NewChat(Chat{ChatID: "wrx", Status: ChatActive, Labels: []string{"VIP", ","}}),
			tx.NewChat(Chat{ChatID: "wry", Owner: "o0", Status: ChatDismissed, ShopID: "s0", Labels: []string{"vip"}}),
			tx.SetHandsOff("wr8", true),
			tx.PlaceChat("wr4", "s0", []string{"other"}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// selection has one question of each kind, and what it is answered with.
var selections = []struct {
	name   string
	spec   TargetSpec
	want   string // by owner and id
	counts TargetCounts
}{
	{"all", TargetSpec{All: true}, "wrx wr0 wr3 wr6 wr9 wr1 wr4 wr7 wr2 wr5", TargetCounts{Groups: 10, Customers: 37, Owners: 3, Stores: 2, NoOwner: 1, HandsOff: 1}},
	{"nothing", TargetSpec{}, "", TargetCounts{}},
	{"by id", TargetSpec{Selection: Selection{ChatIDs: []string{"wr2", "wr8", "wry", "nobody"}}}, "wr2", TargetCounts{Groups: 1, Customers: 2, Owners: 1, Stores: 1, HandsOff: 1}},
	{"by store", TargetSpec{Selection: Selection{Stores: []string{"s1"}}}, "wr3 wr9 wr1 wr7 wr5", TargetCounts{Groups: 5, Customers: 25, Owners: 3, Stores: 1}},
	{"by owner", TargetSpec{Selection: Selection{Owners: []string{"o2"}}}, "wr2 wr5", TargetCounts{Groups: 2, Customers: 7, Owners: 1, Stores: 2, HandsOff: 1}},
	{"by label", TargetSpec{Selection: Selection{Labels: []string{"vip"}}}, "wr0", TargetCounts{Groups: 1, Owners: 1, Stores: 1, HandsOff: 1}},
	{"labels are exact", TargetSpec{Selection: Selection{Labels: []string{"VIP"}}}, "wrx", TargetCounts{Groups: 1, NoOwner: 1}},
	{"a comma is a label", TargetSpec{Selection: Selection{Labels: []string{","}}}, "wrx", TargetCounts{Groups: 1, NoOwner: 1}},
	{"a label that needs quotes", TargetSpec{Selection: Selection{Labels: []string{`a"b\c`}}}, "wr0", TargetCounts{Groups: 1, Owners: 1, Stores: 1, HandsOff: 1}},
	{"a label of before", TargetSpec{Selection: Selection{Labels: []string{"other", "<秒杀>"}}}, "wr0 wr4", TargetCounts{Groups: 2, Customers: 4, Owners: 2, Stores: 1, HandsOff: 1}},
	{"several ways", TargetSpec{Selection: Selection{ChatIDs: []string{"wr2"}, Owners: []string{"o2"}, Labels: []string{"vip"}}}, "wr0 wr2 wr5", TargetCounts{Groups: 3, Customers: 7, Owners: 2, Stores: 2, HandsOff: 1}},
	{"without a store", TargetSpec{All: true, Exclude: Selection{Stores: []string{"s0"}}}, "wrx wr3 wr9 wr1 wr7 wr5", TargetCounts{Groups: 6, Customers: 25, Owners: 3, Stores: 1, NoOwner: 1, Excluded: 5}},
	{"without several", TargetSpec{Selection: Selection{Stores: []string{"s0", "s1"}}, Exclude: Selection{ChatIDs: []string{"wr0"}, Labels: []string{"vip", "other"}, Owners: []string{"o1"}}},
		"wr3 wr6 wr9 wr2 wr5", TargetCounts{Groups: 5, Customers: 25, Owners: 2, Stores: 2, Excluded: 5}},
	{"what is taken in and out again", TargetSpec{Selection: Selection{ChatIDs: []string{"wr1"}}, Exclude: Selection{ChatIDs: []string{"wr1"}}}, "", TargetCounts{Excluded: 1}},
}

func TestTargetsAreWhatASelectionNames(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		town(t, s)
		r := s.Read(context.Background())
		var crowd []string // so many that all groups are gone through
		for i := range fewTargets + 1 {
			crowd = append(crowd, fmt.Sprintf("nobody%d", i))
		}
		for _, q := range selections {
			many := q.spec
			many.ChatIDs = append(crowd, q.spec.ChatIDs...)
			for name, ask := range map[string]struct {
				spec TargetSpec
				page int
			}{"few": {q.spec, 3}, "many": {many, 100}} {
				if got := targetIDs(t, r, ask.spec, ask.page); strings.Join(got, " ") != q.want {
					t.Errorf("%s, %s: %v, want %s", q.name, name, got, q.want)
				}
				if got, err := r.CountTargets(ask.spec); err != nil || got != q.counts {
					t.Errorf("%s, %s: counted %+v %v, want %+v", q.name, name, got, err, q.counts)
				}
			}
		}
	})
}

// targetIDs reads targets page by page.
func targetIDs(t *testing.T, r Reader, spec TargetSpec, page int) []string {
	t.Helper()
	var ids []string
	f := TargetFilter{TargetSpec: spec, Limit: page}
	for {
		rows, err := r.Targets(f)
		must(t, err)
		for _, c := range rows {
			ids, f.After = append(ids, c.ChatID), GroupCursor{c.Owner, c.ChatID}
		}
		if len(rows) < page {
			return ids
		}
	}
}

func TestTenThousandGroupsCanBeNamed(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		town(t, s)
		var spec TargetSpec
		for i := range 10_000 {
			spec.ChatIDs = append(spec.ChatIDs, fmt.Sprintf("wr%d", i))
		}
		spec.Exclude.ChatIDs = slices.Clone(spec.ChatIDs[5:])
		if got := targetIDs(t, s.Read(context.Background()), spec, 2); strings.Join(got, " ") != "wr0 wr3 wr1 wr4 wr2" {
			t.Errorf("got %v", got)
		}
	})
}

func TestAGroupThatWasReachedIsNoTargetAnyMore(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		town(t, s)
		promo := Promotion{Name: "p", Status: PromotionActive}
		var occ Occurrence
		tx(t, s, func(tx *Tx) error {
			if err := tx.AddPromotion(&promo); err != nil {
				return err
			}
			occ = Occurrence{PromotionID: promo.ID, At: tx.Now, Status: OccurrenceRunning}
			if _, err := tx.AddOccurrence(&occ); err != nil {
				return err
			}
			return tx.AddDeliveries([]Delivery{{OccurrenceID: occ.ID, PromotionID: promo.ID, At: tx.Now, ChatID: "wr5", Owner: "o2", Status: DeliveryPlanned, Via: "owner:o2"}})
		})
		got, err := s.Read(context.Background()).Targets(TargetFilter{TargetSpec: TargetSpec{Selection: Selection{Owners: []string{"o2"}}}, Occurrence: occ.ID})
		must(t, err)
		if len(got) != 1 || got[0].ChatID != "wr2" {
			t.Errorf("got %+v", got)
		}
	})
}
