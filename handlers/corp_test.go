package handlers

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// directory answers who is who, or why not.
type directory struct {
	members map[bot.UserID]bot.StaffStatus
	errs    map[bot.UserID]error
	asked   []bot.UserID
}

func (d *directory) FollowUsers(context.Context) ([]bot.UserID, error) { return nil, nil }

func (d *directory) StaffMember(_ context.Context, id bot.UserID) (bot.StaffMember, error) {
	d.asked = append(d.asked, id)
	return bot.StaffMember{ID: id, Name: "名" + string(id), Status: d.members[id]}, d.errs[id]
}

// Each owner is asked for once in a night. One who is gone has left; one who may not be seen is
// not known any more and holds nobody up; trouble ends the look, which goes on where it ended.
func TestTheAccountsOfOwnersAreLookedAt(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		h.world.group(bot.ChatID("wr"+id), bot.UserID(id))
		h.readGroup(bot.ChatID("wr" + id))
	}
	h.pass(time.Minute)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.SaveStaffStatus(bot.StaffMember{ID: "c", Name: "旧名", Status: bot.StaffActive})
	}))
	h.pass(24 * time.Hour)
	refused := func(class bot.Class) error { return &bot.APIError{Op: "user/get", Class: class} }
	busy := refused(bot.ClassRetry)
	d := &directory{members: map[bot.UserID]bot.StaffStatus{"a": bot.StaffActive, "b": bot.StaffDisabled, "e": bot.StaffNotActivated},
		errs: map[bot.UserID]error{"c": refused(bot.ClassFix), "d": refused(bot.ClassGone), "e": busy, "f": refused(bot.ClassGiveUp)}}
	corp := &Corp{Store: h.store, Staff: d, Log: quiet}
	if err := corp.LookAtOwners(ctx, h.clock()); !errors.Is(err, busy) {
		t.Fatalf("the trouble is not told: %v", err)
	}
	delete(d.errs, "e")
	h.pass(time.Minute)
	h.must(corp.LookAtOwners(ctx, h.clock()))
	h.must(corp.LookAtOwners(ctx, h.clock()))
	if want := []bot.UserID{"a", "b", "d", "e", "e", "f", "c"}; !slices.Equal(d.asked, want) {
		t.Errorf("asked for %v, want %v", d.asked, want)
	}
	for id, want := range map[bot.UserID]bot.StaffStatus{"a": bot.StaffActive, "b": bot.StaffDisabled, "c": "", "d": bot.StaffLeft, "e": bot.StaffNotActivated, "f": ""} {
		if s, err := h.store.Read(ctx).Staff(id); err != nil || s.Status != want || s.LookedAt.IsZero() {
			t.Errorf("%s: %+v %v, want %q", id, s, err, want)
		}
	}
	if s, err := h.store.Read(ctx).Staff("c"); err != nil || s.Name == "" {
		t.Errorf("whoever is not seen any more lost the name: %+v %v", s, err)
	}
}
