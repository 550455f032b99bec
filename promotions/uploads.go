package promotions

import (
	"context"
	"errors"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	// mediaMargin is how long an upload must be good for at least when it is used.
	mediaMargin = time.Hour
	// codeBadMedia is WeCom's refusal of a file that has expired or that it does not know.
	codeBadMedia = 40007
)

// Ready puts what the platform gave for files into a message that refers to them, and has
// uploaded what it would not keep for an hour more, nor until the moment given. Errors are of
// a class that says what to do: nothing was posted.
//
// What becomes of a message whose file expires before its owner confirms is not written
// anywhere; so a file is uploaded again rather than that it might.
func (l *Library) Ready(ctx context.Context, m bot.Message, until time.Time) (bot.Message, error) {
	m.Attachments = slices.Clone(m.Attachments)
	for i := range m.Attachments {
		a := &m.Attachments[i]
		if a.Media == "" || a.MediaID != "" {
			continue
		}
		id, err := l.upload(ctx, a.Media, until)
		if err != nil {
			return m, unposted(err)
		}
		a.MediaID = id
	}
	return m, nil
}

// unposted gives an error that says nothing about it a class, for the caller must not think
// that a message may be on its way.
func unposted(err error) error {
	if bot.ClassOf(err) != "" {
		return err
	}
	return &bot.APIError{Op: "upload a file of the library", Msg: err.Error(), Class: bot.ClassRetry}
}

func (l *Library) upload(ctx context.Context, media string, until time.Time) (string, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	id, _ := number(media) // what is none is not in the library
	r, now := l.store.Read(ctx), l.now()
	known, err := r.MediaUpload(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err == nil && goodFor(known, now, until) {
		return known.PlatformID, nil
	}
	m, err := r.Media(id)
	if errors.Is(err, store.ErrNotFound) {
		return "", &bot.APIError{Op: "upload a file of the library", Msg: "file " + media + " is not in the library any more", Class: bot.ClassGiveUp}
	}
	if err != nil {
		return "", err
	}
	data, err := r.MediaContent(id)
	if err != nil {
		return "", err
	}
	given, life, err := l.platform.UploadMedia(ctx, bot.File{Type: m.Type, Name: m.Name, Data: data})
	if err != nil {
		return "", err
	}
	// Reckoned from before the call, so that it is never thought good for longer than it is.
	up := store.MediaUpload{MediaID: id, PlatformID: given, UploadedAt: now, ExpiresAt: now.Add(life)}
	return given, l.store.Tx(ctx, func(tx *store.Tx) error { return tx.PutMediaUpload(up) })
}

// goodFor reports whether an upload need not be made again. Where even a new one would not
// last until then, one that is nearly new will do.
func goodFor(u store.MediaUpload, now, until time.Time) bool {
	need := now.Add(mediaMargin)
	if longest := now.Add(u.ExpiresAt.Sub(u.UploadedAt) - mediaMargin); until.After(longest) {
		until = longest
	}
	if until.After(need) {
		need = until
	}
	return u.ExpiresAt.After(need)
}

// Forget drops what the platform gave for the files of a message, because it does not take
// it any more.
func (l *Library) Forget(ctx context.Context, m bot.Message) error {
	return l.store.Tx(ctx, func(tx *store.Tx) error {
		for _, a := range m.Attachments {
			id, ours := number(a.Media)
			if !ours {
				continue
			}
			if err := tx.DropMediaUpload(id, a.MediaID); err != nil {
				return err
			}
		}
		return nil
	})
}

// staleMedia reports whether the platform refused a message for a file of the library.
func staleMedia(m bot.Message, err error) bool {
	var refused *bot.APIError
	return errors.As(err, &refused) && refused.Code == codeBadMedia && len(mediaIn(m.Attachments)) > 0
}
