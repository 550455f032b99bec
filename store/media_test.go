package store

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"xiaobu/bot"
)

func TestAFileComesBackToTheByteAndGoesWithAllThatIsOfIt(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		data := []byte{0, 0x89, 'P', 0xff, '\n', 0}
		m := Media{Name: "海报.png", Type: bot.AttachImage, Mime: "image/png", Size: int64(len(data)), Width: 3, Height: 2, SHA256: "ab"}
		tx(t, s, func(tx *Tx) error { return tx.AddMedia(&m, data) })
		r := s.Read(context.Background())
		if got, err := r.Media(m.ID); err != nil || got != m {
			t.Errorf("%+v, want %+v: %v", got, m, err)
		}
		if got, err := r.MediaContent(m.ID); err != nil || !bytes.Equal(got, data) {
			t.Errorf("% x: %v", got, err)
		}
		for _, id := range []string{"M1", "M2"} {
			tx(t, s, func(tx *Tx) error {
				return tx.PutMediaUpload(MediaUpload{MediaID: m.ID, PlatformID: id, UploadedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Hour)})
			})
		}
		tx(t, s, func(tx *Tx) error { return tx.DropMediaUpload(m.ID, "M1") }) // M2 came since
		if up, err := r.MediaUpload(m.ID); err != nil || up.PlatformID != "M2" {
			t.Errorf("%+v: %v", up, err)
		}
		if n, err := r.MediaSize(); err != nil || n != int64(len(data)) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if list, err := r.MediaFiles("video", 0, 0); err != nil || len(list) != 0 {
			t.Errorf("%d videos: %v", len(list), err)
		}
		tx(t, s, func(tx *Tx) error { return tx.DeleteMedia(m.ID) })
		for _, err := range []error{errOf(r.Media(m.ID)), errOf(r.MediaContent(m.ID)), errOf(r.MediaUpload(m.ID))} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("after it was deleted: %v", err)
			}
		}
		if err := s.Tx(context.Background(), func(tx *Tx) error { return tx.DeleteMedia(m.ID) }); !errors.Is(err, ErrStale) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

// Whoever is going to refer to a file holds it until that is written: a deletion meanwhile
// waits, and sees it.
func TestAFileThatIsHeldIsNotDeletedUnderIt(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		m := Media{Name: "a", Type: bot.AttachFile}
		tx(t, s, func(tx *Tx) error { return tx.AddMedia(&m, []byte("123456")) })
		held, deleted := make(chan struct{}), make(chan int, 1)
		failed := make(chan error, 1)
		go func() {
			<-held
			failed <- s.Tx(context.Background(), func(tx *Tx) error {
				if err := tx.DeleteMedia(m.ID); err != nil {
					return err
				}
				promos, err := tx.OpenPromotions()
				deleted <- len(promos)
				return err
			})
		}()
		tx(t, s, func(tx *Tx) error {
			if _, err := tx.HoldMedia(m.ID); err != nil {
				return err
			}
			close(held)
			return tx.AddPromotion(&Promotion{Name: "p", Status: PromotionPaused})
		})
		if n := <-deleted; n != 1 {
			t.Errorf("the deletion saw %d promotions", n)
		}
		must(t, <-failed)
	})
}

func TestATextIsKeptAsItIsWrittenLast(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		p := Phrase{Name: "早安", Category: "日常", Text: "早", Attachments: []bot.Attachment{{Type: bot.AttachImage, Media: "7"}}}
		tx(t, s, func(tx *Tx) error { return tx.AddPhrase(&p) })
		p.Text, p.Category, p.Attachments = "", "", nil
		tx(t, s, func(tx *Tx) error { return tx.SavePhrase(p) })
		r := s.Read(context.Background())
		got, err := r.Phrase(p.ID)
		if err != nil || got.Text != "" || got.Category != "" || len(got.Attachments) != 0 || got.UpdatedAt.IsZero() || got.Name != "早安" {
			t.Errorf("%+v: %v", got, err)
		}
		if list, err := r.Phrases("日常", 0, 0); err != nil || len(list) != 0 {
			t.Errorf("%d texts of its old category: %v", len(list), err)
		}
		tx(t, s, func(tx *Tx) error { return tx.DeletePhrase(p.ID) })
		if _, err := r.Phrase(p.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("after it was deleted: %v", err)
		}
	})
}

func TestTheLongestNamesAreCountedInBytes(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(context.Background())
		if n, err := r.LongestNames(); err != nil || n != (Names{}) {
			t.Errorf("of nothing: %+v, %v", n, err)
		}
		tx(t, s, func(tx *Tx) error {
			return errors.Join(
				tx.NewChat(Chat{ChatID: "wr1", Name: "abcde", Status: ChatActive}), tx.NewChat(Chat{ChatID: "wr2", Name: "二群", Status: ChatActive}),
				tx.NewChat(Chat{ChatID: "wr3", Name: "解散了的一个群", Status: ChatDismissed}),
				tx.PutShop(Shop{ID: "s1", Name: "abcde", Region: "华东"}), tx.PutShop(Shop{ID: "s2", Name: "二店", Region: "north"}),
				tx.NameStaff("li", "李丽"), tx.NameStaff("wang", "Wang"))
		})
		if n, err := r.LongestNames(); err != nil || n != (Names{Chat: "二群", Shop: "二店", Region: "华东", Staff: "李丽"}) {
			t.Errorf("%+v, %v", n, err)
		}
	})
}
