package promotions

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

func TestTargetsThatNameWhatIsNotThereAreRefused(t *testing.T) {
	h := newShop(t)
	h.groups(4)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.SetHandsOff("wr02", true); err != nil {
			return err
		}
		return tx.SetChatStatus("wr03", store.ChatDismissed)
	}))
	p := h.planner()
	for field, c := range map[string]struct {
		t    store.TargetSpec
		says string
	}{
		"targets":                     {store.TargetSpec{Exclude: store.Selection{ChatIDs: []string{"wr00"}}}, "select nothing"},
		"targets.chat_ids[1]":         {store.TargetSpec{Selection: store.Selection{ChatIDs: []string{"wr00", "wr99"}}}, `"wr99" is not known`},
		"targets.chat_ids[0]":         {store.TargetSpec{Selection: store.Selection{ChatIDs: []string{"wr02"}}}, "(群02) is hands-off"},
		"targets.chat_ids[2]":         {store.TargetSpec{Selection: store.Selection{ChatIDs: []string{"wr00", "wr01", "wr03"}}}, "dissolved"},
		"targets.owners[0]":           {store.TargetSpec{Selection: store.Selection{Owners: []string{"nobody"}}}, "is not known"},
		"targets.owners[1]":           {store.TargetSpec{Selection: store.Selection{Owners: []string{"owner0", ""}}}, "is not known"},
		"targets.labels[0]":           {store.TargetSpec{Selection: store.Selection{Labels: []string{""}}}, "is empty"},
		"targets.labels[1]":           {store.TargetSpec{Selection: store.Selection{Labels: []string{"a", "b\x00"}}}, "character"},
		"targets.stores":              {store.TargetSpec{Selection: store.Selection{Stores: make([]string, maxNamed+1)}}, "at most 2000"},
		"targets.exclude.stores[0]":   {store.TargetSpec{All: true, Exclude: store.Selection{Stores: []string{"s9"}}}, "is not known"},
		"targets.exclude.chat_ids[0]": {store.TargetSpec{All: true, Exclude: store.Selection{ChatIDs: []string{"wr99"}}}, "is not known"},
	} {
		s := sale()
		s.Targets = c.t
		_, err := p.Create(context.Background(), s, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field || !strings.Contains(inv.Detail, c.says) {
			t.Errorf("%s: %v", field, err)
		}
	}
	s := sale()
	s.Targets.Exclude.ChatIDs = []string{"wr02", "wr03"} // nothing wrong with leaving these out
	if _, err := p.Create(context.Background(), s, noRemember); err != nil {
		t.Error(err)
	}
}

// The set is taken when the slot comes, not when the promotion is written, and each delivery
// remembers what took its group in.
func TestTargetsAreTakenAtTheOccurrence(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(6)
	p := h.planner()
	s := sale()
	s.Targets = store.TargetSpec{Selection: store.Selection{Labels: []string{"秒杀"}, Owners: []string{"owner1"}}, Exclude: store.Selection{ChatIDs: []string{"wr01"}}}
	promo, err := p.Create(ctx, s, noRemember)
	h.must(err)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.PlaceChat("wr02", "", []string{"秒杀"}); err != nil {
			return err
		}
		return tx.SetHandsOff("wr05", true)
	}))
	h.plan(p, time.Hour)
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	var got []string
	for _, d := range ds {
		got = append(got, d.ChatID+" "+d.Via)
	}
	if want := "wr02 label:秒杀, wr03 owner:owner1"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestTargetsAreShownBeforehand(t *testing.T) {
	h := newShop(t)
	h.groups(5)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return tx.NewChat(store.Chat{ChatID: "wr99", Status: store.ChatActive})
	}))
	p := h.planner()
	t1 := store.TargetSpec{All: true, Exclude: store.Selection{Owners: []string{"owner1"}, Labels: []string{"typo"}}}
	counts, warnings, groups, err := p.Targets(context.Background(), t1, store.GroupCursor{Owner: "owner0", ChatID: "wr00"}, 1)
	h.must(err)
	if counts.Groups != 4 || counts.Excluded != 2 || counts.NoOwner != 1 || len(groups) != 1 || groups[0].ChatID != "wr02" || groups[0].Via != "all" {
		t.Errorf("%+v %+v", counts, groups)
	}
	var codes []string
	for _, w := range warnings {
		codes = append(codes, w.Code+" "+w.Field)
	}
	if want := "no_owner targets, label_unused targets.exclude.labels[0]"; strings.Join(codes, ", ") != want {
		t.Errorf("warned of %v, want %s", codes, want)
	}
	t1 = store.TargetSpec{Selection: store.Selection{Labels: []string{"later"}}}
	_, warnings, groups, err = p.Targets(context.Background(), t1, store.GroupCursor{}, 10)
	h.must(err)
	if len(groups) != 0 || len(warnings) != 2 || warnings[0].Code != "no_groups" {
		t.Errorf("%+v %+v", warnings, groups)
	}
}
