package store

import (
	"testing"
	"time"
)

func TestTheLastWordOnTheArchiveCounts(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		t0 := c.Now()
		tx(t, s, func(tx *Tx) error {
			for _, row := range []Consent{
				{Customer: "wm1", UserID: "li", Agreed: true, Source: ConsentCallback, At: t0},
				{Customer: "wm1", ChatID: "wr1", Source: ConsentArchive, At: t0.Add(time.Hour)},
				{Customer: "wm1", ChatID: "wr1", Agreed: true, Source: ConsentArchive, At: t0}, // late, and older
				{Customer: "wm0", ChatID: "wr1", Source: ConsentArchive, At: t0},
				{Customer: "wm0", ChatID: "wr1", Agreed: true, Source: ConsentArchive, At: t0}, // at the same time, and later
				{Customer: "wm1", UserID: "li", Agreed: true, Source: ConsentCallback, At: t0}, // again
			} {
				if err := tx.PutConsent(row); err != nil {
					return err
				}
			}
			return nil
		})
		r := s.Read(t.Context())
		rows, err := r.Consents(ConsentFilter{})
		must(t, err)
		word := func(c Consent) string {
			if c.Agreed {
				return c.Customer + c.UserID + c.ChatID + "+"
			}
			return c.Customer + c.UserID + c.ChatID + "-"
		}
		equal(t, "all", ids(rows, word), []string{"wm0wr1+", "wm1wr1-", "wm1li+"})
		if !rows[1].At.Equal(t0.Add(time.Hour)) || rows[1].Source != ConsentArchive {
			t.Errorf("%+v", rows[1])
		}
		no := false
		rows, err = r.Consents(ConsentFilter{Customer: "wm1", Agreed: &no})
		must(t, err)
		equal(t, "one person's refusals", ids(rows, word), []string{"wm1wr1-"})
		rows, err = r.Consents(ConsentFilter{After: [3]string{"wm0", "", "wr1"}, Limit: 1})
		must(t, err)
		equal(t, "a page", ids(rows, word), []string{"wm1wr1-"})
	})
}
