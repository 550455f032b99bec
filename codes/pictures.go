package codes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	askAgain    = 30 * time.Second // after the platform could not be asked
	maxRefusals = 4096             // codes whose last failure is remembered
	maxDrawn    = 512              // pictures kept in memory, of some 1 KB each
	screenDots  = 10               // pixels a module on a screen
)

// Pictures knows what the platform's own codes hold. Its picture is read once and what it
// holds is kept in the database, so that a poster and a page can be had while the platform
// does not answer; a new address is read again.
type Pictures struct {
	store  *store.Store
	reader bot.PictureReader // nil: the platform shows none
	now    func() time.Time
	log    *slog.Logger

	flight singleflight.Group
	mu     sync.Mutex
	failed map[int64]refusal
	drawn  map[string][]byte
}

// refusal is when a picture could not be read, and why.
type refusal struct {
	address string
	at      time.Time
	err     error
}

// NewPictures makes a reader of codes.
func NewPictures(s *store.Store, r bot.PictureReader, now func() time.Time, log *slog.Logger) *Pictures {
	return &Pictures{store: s, reader: r, now: now, log: log, failed: map[int64]refusal{}, drawn: map[string][]byte{}}
}

// Content returns what the platform's code of a channel holds. With an error it still returns
// what was last known, if anything was: the code may have changed since.
func (p *Pictures) Content(ctx context.Context, ch store.Channel) (string, error) {
	known, err := p.store.Read(ctx).ChannelPicture(ch.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil || known.Address == ch.QRCode:
		return known.Content, err
	}
	if ch.QRCode == "" || p.reader == nil {
		return known.Content, errors.New("the platform gave no picture of this code")
	}
	if f, ok := p.refused(ch); ok {
		return known.Content, f
	}
	// The reading goes on for the others who wait for it when the first one leaves.
	shared := context.WithoutCancel(ctx)
	wait := p.flight.DoChan(strconv.FormatInt(ch.ID, 10)+" "+ch.QRCode, func() (any, error) { return p.read(shared, ch) })
	select {
	case <-ctx.Done():
		return known.Content, ctx.Err()
	case r := <-wait:
		if r.Err != nil {
			return known.Content, r.Err
		}
		return r.Val.(string), nil
	}
}

// refused reports a failure that is not long ago.
func (p *Pictures) refused(ch store.Channel) (error, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.failed[ch.ID]
	return f.err, ok && f.address == ch.QRCode && p.now().Sub(f.at) < askAgain
}

func (p *Pictures) read(ctx context.Context, ch store.Channel) (content string, err error) {
	data, err := p.reader.Picture(ctx, ch.QRCode)
	if err == nil {
		if content, err = Decode(data); err != nil {
			err = fmt.Errorf("the picture of WeCom's code %w", err)
		}
	}
	p.mu.Lock()
	if delete(p.failed, ch.ID); err != nil {
		if len(p.failed) >= maxRefusals {
			clear(p.failed)
		}
		p.failed[ch.ID] = refusal{ch.QRCode, p.now(), err}
	}
	p.mu.Unlock()
	if err != nil {
		p.log.Warn("read the picture of a code", "channel", ch.ID, "error", err)
		return "", err
	}
	return content, p.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.PutChannelPicture(store.ChannelPicture{ChannelID: ch.ID, Address: ch.QRCode, Content: content})
	})
}

// PNG is a picture of a code for a screen, drawn anew.
func (p *Pictures) PNG(content string) ([]byte, error) {
	p.mu.Lock()
	picture, ok := p.drawn[content]
	p.mu.Unlock()
	if ok {
		return picture, nil
	}
	m, err := encode(content)
	if err != nil {
		return nil, err
	}
	picture = m.picture(screenDots)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.drawn) >= maxDrawn {
		clear(p.drawn)
	}
	p.drawn[content] = picture
	return picture, nil
}

// mark is a short name of a content, by which a browser knows a new picture from an old one.
func mark(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:6])
}
