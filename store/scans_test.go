package store

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestScansAddUp(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, _ *clock) {
		ch := Channel{Name: "c", Kind: ChannelGroup, Staff: "wang", State: "xb1", Status: ChannelMaking}
		tx(t, s, func(tx *Tx) error { return tx.AddChannel(&ch) })
		at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
		add := func(day string, scans int64, at time.Time) {
			tx(t, s, func(tx *Tx) error {
				return tx.AddScans([]ChannelDay{{ChannelID: ch.ID, Day: day, Scans: scans, LastAt: at}})
			})
		}
		add("2026-11-23", 3, at.Add(time.Minute))
		add("2026-11-23", 4, at) // what another process counted earlier
		add("2026-11-24", 1, at.Add(24*time.Hour))
		tx(t, s, func(tx *Tx) error { return tx.AddScans(nil) })
		days, err := s.Read(t.Context()).Scans(ch.ID, "2026-11-22", 1)
		must(t, err)
		if len(days) != 1 || days[0].Scans != 7 || !days[0].LastAt.Equal(at.Add(time.Minute)) {
			t.Errorf("got %+v", days)
		}
		if n, err := s.Read(t.Context()).ScanCount(ch.ID); n != 8 || err != nil {
			t.Errorf("counted %d %v", n, err)
		}
		if n, err := s.Read(t.Context()).ScanCount(99); n != 0 || err != nil {
			t.Errorf("counted %d %v", n, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.PruneScans("2026-11-24") })
		if days, err = s.Read(t.Context()).Scans(ch.ID, "", 0); err != nil || len(days) != 1 || days[0].Day != "2026-11-24" {
			t.Errorf("got %+v %v", days, err)
		}
	})
}

func TestThePictureOfACodeIsReplaced(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ch := Channel{Name: "c", Kind: ChannelGroup, Staff: "wang", State: "xb1", Status: ChannelMaking}
		tx(t, s, func(tx *Tx) error { return tx.AddChannel(&ch) })
		if _, err := s.Read(t.Context()).ChannelPicture(ch.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
		for _, content := range []string{"one", "two"} {
			tx(t, s, func(tx *Tx) error {
				return tx.PutChannelPicture(ChannelPicture{ChannelID: ch.ID, Address: "https://x/" + content, Content: content})
			})
			p, err := s.Read(t.Context()).ChannelPicture(ch.ID)
			if err != nil || p.Content != content || p.Address != "https://x/"+content || p.ReadAt.IsZero() {
				t.Errorf("got %+v %v", p, err)
			}
		}
	})
}

func TestWhichCodesArePrinted(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, _ *clock) {
		tx(t, s, func(tx *Tx) error {
			for _, shop := range []Shop{{ID: "s2", Region: "东区"}, {ID: "s1", Region: "东区"}, {ID: "s3", Region: "西区"}} {
				if err := tx.PutShop(shop); err != nil {
					return err
				}
			}
			for i, c := range []Channel{{Name: "a", ShopID: "s2"}, {Name: "b", ShopID: "s1"}, {Name: "c", ShopID: "s3"}, {Name: "d", ChatIDs: []string{"wr2", "wr1"}}, {Name: "e", ShopID: "s1"},
				{Name: "making", ShopID: "s1"}, {Name: "gone", ShopID: "s1"}, {Name: "customer", ShopID: "s1", Purpose: PurposeReferral, Referrer: "wm1"}} {
				c.Kind, c.Staff, c.State, c.Code, c.Status = ChannelGroup, "wang", c.Name, "code"+c.Name, ChannelActive
				if c.Name == "making" {
					c.Status = ChannelMaking
				}
				if err := tx.AddChannel(&c); err != nil {
					return err
				}
				if c.Name == "gone" {
					if err := tx.CloseChannel(int64(i + 1)); err != nil {
						return err
					}
				}
			}
			for _, chat := range []Chat{{ChatID: "wr1", Status: ChatActive, ShopID: "s3"}, {ChatID: "wr2", Status: ChatActive}} {
				if err := tx.NewChat(chat); err != nil {
					return err
				}
			}
			return nil
		})
		for _, c := range []struct {
			region, shop string
			limit        int
			want         string
		}{
			{"", "", 0, "d b e a c"}, {"东区", "", 0, "b e a"}, {"", "s1", 0, "b e"}, {"西区", "s1", 0, ""}, {"西区", "", 0, "d c"}, {"", "s3", 0, "d c"}, {"", "", 2, "d b"}, {"北区", "", 0, ""},
		} {
			list, err := s.Read(t.Context()).CodesToPrint(c.region, c.shop, c.limit)
			must(t, err)
			var names []string
			for _, ch := range list {
				names = append(names, ch.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%+v: %q", c, got)
			}
		}
	})
}
