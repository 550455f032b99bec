package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

// A staff chat has no owner who could be named.
func TestWhyDeliveryNamesGroupsAndStaffChats(t *testing.T) {
	t.Chdir(t.TempDir())
	at := time.Date(2026, 11, 23, 2, 5, 0, 0, time.UTC)
	s, err := store.Open(context.Background(), "sqlite:xiaobu.db", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	err = s.Tx(context.Background(), func(tx *store.Tx) error {
		promo := store.Promotion{Name: "秒杀", Status: store.PromotionActive}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		occ := store.Occurrence{PromotionID: promo.ID, At: at, Status: store.OccurrenceDone}
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		d := store.Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, At: at, Status: store.DeliverySent}
		group, outlet := d, d
		group.ChatID, group.Owner = "wr1", "wang_xb"
		outlet.ChatID, outlet.Outlet = store.RobotChat(1), store.OutletRobot
		return tx.AddDeliveries([]store.Delivery{group, outlet})
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"1": "delivery 1: 群 group wr1, 群主 owner wang_xb, sent\n· 已发到群里\n",
		"2": "delivery 2: 员工群 staff chat robot:1, sent\n· 已发到群里\n",
	} {
		if r := xiaobu(t, "", nil, "why", "delivery", id); r.code != exitDone || !strings.Contains(r.out, want) {
			t.Errorf("%s: %d %s%s", id, r.code, r.out, r.err)
		}
	}
}
