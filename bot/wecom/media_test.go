package wecom

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
)

const uploaded = `{"errcode":0,"errmsg":"","type":"image","media_id":"1G6nrLmr5EC3MMb","created_at":"1380000000"}`

func TestAFileArrivesToTheByteWithItsName(t *testing.T) {
	f := newFake(ok(uploaded))
	var kind string
	c := newTestClient(t, f, func(cfg *Config) {
		inner := cfg.Transport
		if inner == nil {
			inner = http.DefaultTransport
		}
		cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if opOf(r.URL.Path) == opUpload {
				kind = r.Header.Get("Content-Type")
			}
			return inner.RoundTrip(r)
		})
	})
	data := "\x89PNG <b>&amp;\\u0026\r\n--x" + strings.Repeat("\x00\xff", 2<<20) // what a JSON body must not be, and larger than one
	id, life, err := c.UploadMedia(background(), bot.File{Type: bot.AttachImage, Name: "双11\"海报\".png", Data: []byte(data)})
	if err != nil || id != "1G6nrLmr5EC3MMb" || life != 72*time.Hour {
		t.Fatalf("%q %v %v", id, life, err)
	}
	got := f.seen()
	if len(got) != 1 || got[0].op != opUpload || got[0].query["type"] != "image" || got[0].token == "" {
		t.Fatalf("%d calls", len(got))
	}
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(strings.NewReader(got[0].body), params["boundary"]).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(part)
	if err != nil || string(body) != data {
		t.Errorf("%d bytes arrived, want %d: %v", len(body), len(data), err)
	}
	if part.FormName() != "media" || part.FileName() != "双11_海报_.png" {
		t.Errorf("part %q of name %q", part.FormName(), part.FileName())
	}
}

func TestAnUploadThatWasCutOffMayBeMadeAgain(t *testing.T) {
	file := bot.File{Type: bot.AttachFile, Name: "a.pdf", Data: []byte("%PDF-1.4")}
	atOnce := func(cfg *Config) { cfg.Wait = func(context.Context, time.Duration) {} }
	n := 0
	f := newFake(func(seen) (int, string) {
		if n++; n == 1 {
			return 502, "bad gateway"
		}
		return 200, uploaded
	})
	c := newTestClient(t, f, atOnce)
	if _, _, err := c.UploadMedia(background(), file); err != nil || n != 2 {
		t.Errorf("%d calls, %v", n, err)
	}
	c = newTestClient(t, newFake(func(seen) (int, string) { return 502, "bad gateway" }), atOnce)
	_, _, err := c.UploadMedia(background(), file)
	wantClass(t, err, bot.ClassRetry)
	if bot.IsUnknown(err) {
		t.Error("an upload left it open whether something was posted")
	}
}

func TestWhatIsNoFileIsNotUploaded(t *testing.T) {
	f := newFake(ok(uploaded))
	c := newTestClient(t, f)
	_, _, err := c.UploadMedia(background(), bot.File{Type: bot.AttachLink, Name: "a", Data: []byte("x")})
	wantClass(t, err, bot.ClassGiveUp)
	_, _, err = c.UploadMedia(background(), bot.File{Type: bot.AttachFile, Name: "a", Data: make([]byte, maxUpload+1)})
	wantClass(t, err, bot.ClassGiveUp)
	m := bot.MassMessage{Owner: "wang", Chats: []bot.ChatID{"wr1"}, Message: bot.Message{Attachments: []bot.Attachment{{Type: bot.AttachImage, Media: "7"}}}}
	_, _, err = c.CreateMassMessage(background(), m)
	wantClass(t, err, bot.ClassGiveUp)
	if n := len(f.seen()); n != 0 {
		t.Errorf("%d calls went out", n)
	}
	f = newFake(ok(`{"errcode":40004,"errmsg":"invalid media type"}`))
	_, _, err = newTestClient(t, f).UploadMedia(background(), bot.File{Type: bot.AttachVideo, Name: "a.mp4", Data: []byte("x")})
	var refusal *bot.APIError
	if !errors.As(err, &refusal) || refusal.Code != 40004 || refusal.Class != bot.ClassGiveUp {
		t.Errorf("%v", err)
	}
}
