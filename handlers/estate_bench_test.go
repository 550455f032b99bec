package handlers

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"xiaobu/store"
)

// BenchmarkEstate reads what the estate tells of 5,000 codes over 2,000 groups with 40,000
// stays: a page of 50, and all of them. Bounds: 50 ms for the page, 2 s for all.
func BenchmarkEstate(b *testing.B) {
	now := start
	s, err := store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(b.TempDir(), "x.db"), func() time.Time { return now })
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const codes, groups, stays = 5_000, 2_000, 40_000
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(s.Tx(b.Context(), func(tx *store.Tx) error {
		for i := range groups {
			if err := tx.NewChat(store.Chat{ChatID: fmt.Sprintf("wr%d", i), Name: "群", Status: store.ChatActive, Owner: "o", ShopID: fmt.Sprintf("s%d", i/10)}); err != nil {
				return err
			}
		}
		for i := range codes {
			c := store.Channel{Name: "码", Kind: store.ChannelGroup, Staff: fmt.Sprintf("c%d", i), State: fmt.Sprintf("S%d", i), Code: fmt.Sprintf("code%d", i),
				ShopID: fmt.Sprintf("s%d", i/25), Status: store.ChannelMaking, ChatIDs: []string{fmt.Sprintf("wr%d", i%groups), fmt.Sprintf("wr%d", (i+1)%groups)}}
			if err := tx.AddChannel(&c); err != nil {
				return err
			}
			if err := tx.OpenChannel(c.ID, "cfg", "qr"); err != nil {
				return err
			}
		}
		return nil
	}))
	for done := 0; done < stays; {
		must(s.Tx(b.Context(), func(tx *store.Tx) error {
			for range 10_000 {
				st := store.Stint{ChatID: fmt.Sprintf("wr%d", done%groups), UserID: fmt.Sprintf("wm%d", done), Kind: "customer", State: fmt.Sprintf("S%d", done%codes),
					JoinedAt: now.Add(-time.Duration(done%60) * 24 * time.Hour), JoinScene: "qr"}
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
				done++
			}
			return nil
		}))
	}
	for name, f := range map[string]EstateFilter{"page": {Limit: 51}, "all": {}, "unused": {Status: store.CodeUnused, Limit: 51}, "live": {Status: store.CodeLive, Limit: 51}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				got, _, err := Estate(s.Read(b.Context()), f, now, time.UTC)
				if err != nil || len(got) == 0 && name != "unused" {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	b.Run("look", func(b *testing.B) { // the duty's look at a code that needs nothing
		c := &Channels{Store: s, Joins: &ways{}, Now: func() time.Time { return now }, Log: quiet}
		ch, err := s.Read(b.Context()).Channel(1)
		must(err)
		for b.Loop() {
			must(c.look(b.Context(), ch))
		}
	})
}
