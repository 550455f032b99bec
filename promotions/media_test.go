package promotions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 4, 4)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// boxed is the beginning of a file of MP4's family.
func boxed(brand string, others ...string) []byte {
	body := "ftyp" + brand + "\x00\x00\x00\x00" + strings.Join(others, "")
	return append([]byte{0, 0, 0, byte(len(body) + 4)}, body...)
}

func TestAFileIsWhatItsBytesSay(t *testing.T) {
	picture := pngOf(t, 30, 20)
	large := append(pngOf(t, 1, 1), make([]byte, maxPicture)...)
	for _, c := range []struct {
		name string
		data []byte
		as   bot.AttachmentType
		want string // type, mime, width and name; or the field refused and a word of the reason
	}{
		{"海报.png", picture, "", "image image/png 30 海报.png"},
		{"海报.pdf", picture, "", "image image/png 30 海报.pdf.png"},
		{"a.JPEG", jpegOf(t), "", "image image/jpeg 4 a.JPEG"},
		{"a", jpegOf(t), bot.AttachImage, "image image/jpeg 4 a.jpg"},
		{"a.png", picture, bot.AttachFile, "file image/png 0 a.png"},
		{"a.mp4", boxed("isom", "isom", "mp41"), "", "video video/mp4 0 a.mp4"},
		{`C:\价目\表.xlsx`, []byte("PK\x03\x04xxxxx"), "", "file application/zip 0 表.xlsx"},
		{"../../etc/a.png", picture, "", "image image/png 30 a.png"},
		{"a.png", picture[:20], "", "file: cannot be read"},
		{"a.png", []byte("<svg onload=alert(1)>"), bot.AttachImage, "file: text/plain"},
		{"a.png", []byte("<html><script>"), bot.AttachImage, "file: text/html"},
		{"a.gif", []byte("GIF89a012345"), "", "file: image/gif"},
		{"a.heic", boxed("heic", "mif1"), "", "file: image/heic"},
		{"a.mov", boxed("qt  "), "", "file: video/quicktime"},
		{"a.mp4", boxed("iso5", "dash"), "", "file: x-iso-base-media"},
		{"a.png", picture, bot.AttachVideo, "file: MP4"},
		{"a.txt", []byte("12345"), "", "file: at least 6"},
		{"a.png", large, "", "file: at most 10485760"},
		{"a.bin", bytes.Repeat([]byte{1}, MaxMedia+1), "", "file: at most 20971520"},
		{"a.png", picture, "voice", "type: voice"},
		{" ", picture, "", "name: missing"},
		{"a\x00.png", picture, "", "name: printed"},
		{strings.Repeat("长", 97) + ".png", picture, "", "name: 101"},
	} {
		h := newShop(t)
		m, err := NewLibrary(h.store, nil, h.clock).Add(context.Background(), c.name, c.as, c.data, noRemember)
		got := fmt.Sprintf("%s %s %d %s", m.Type, m.Mime, m.Width, m.Name)
		var inv *handlers.Invalid
		if errors.As(err, &inv) {
			field, word, _ := strings.Cut(c.want, ": ")
			if inv.Field != field || word == "" || !strings.Contains(inv.Detail, word) {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		h.must(err)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if back, err := h.store.Read(context.Background()).MediaContent(m.ID); err != nil || !bytes.Equal(back, c.data) {
			t.Errorf("%s: %d bytes came back: %v", c.name, len(back), err)
		}
	}
}

// shelf is a platform that files are uploaded to.
type shelf struct {
	mu    sync.Mutex
	files []bot.File
	fail  error
}

func (s *shelf) UploadMedia(_ context.Context, f bot.File) (string, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return "", 0, s.fail
	}
	s.files = append(s.files, f)
	return fmt.Sprintf("M%d", len(s.files)), 72 * time.Hour, nil
}

// messenger takes mass messages, and refuses those with a file it has forgotten.
type messenger struct {
	bot.MassMessenger
	got     []bot.MassMessage
	forgets map[string]bool
}

func (m *messenger) CreateMassMessage(_ context.Context, mass bot.MassMessage) (string, []bot.ChatID, error) {
	m.got = append(m.got, mass)
	for _, a := range mass.Message.Attachments {
		if m.forgets[a.MediaID] {
			return "", nil, &bot.APIError{Op: "add_msg_template", Code: 40007, Msg: "invalid media_id", Class: bot.ClassGiveUp}
		}
	}
	return fmt.Sprint("msg", len(m.got)), nil, nil
}

// posterSale is a sale with a poster of the library.
func (h *shop) posterSale(l *Library) (store.PromotionSpec, store.Media) {
	h.t.Helper()
	m, err := l.Add(context.Background(), "海报.png", "", pngOf(h.t, 3, 2), noRemember)
	h.must(err)
	spec := sale()
	spec.Message.Attachments = []bot.Attachment{{Type: bot.AttachImage, Media: fmt.Sprint(m.ID)}}
	return spec, m
}

// actionOf is the submission of the first task.
func (h *shop) actionOf(spec store.PromotionSpec) store.Action {
	h.t.Helper()
	p := h.planner()
	_, err := p.Create(context.Background(), spec, noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	a, err := h.store.Read(context.Background()).ActionByKey(SendMass{Task: 1}.ActionKey())
	h.must(err)
	return a
}

func TestAFileIsUploadedWhenNeededAndAgainBeforeItExpires(t *testing.T) {
	h, up, wecom := newShop(t), &shelf{}, &messenger{}
	h.groups(1)
	l := NewLibrary(h.store, up, h.clock)
	spec, _ := h.posterSale(l)
	a := h.actionOf(spec) // its owner has until 12 hours after
	s := &MassSender{Platform: wecom, Store: h.store, Now: h.clock, Library: l}
	start := h.clock()
	for _, c := range []struct {
		after   time.Duration
		uploads int
	}{{0, 1}, {time.Minute, 1}, {70 * time.Hour, 1}, {71*time.Hour + time.Minute, 2}, {72 * time.Hour, 2}} {
		h.set(start.Add(c.after))
		_, err := s.Perform(context.Background(), a)
		h.must(err)
		last := wecom.got[len(wecom.got)-1].Message.Attachments[0]
		if len(up.files) != c.uploads || last.MediaID != fmt.Sprintf("M%d", c.uploads) {
			t.Errorf("%v after: %d uploads, sent %+v; want %d", c.after, len(up.files), last, c.uploads)
		}
	}
	if f := up.files[0]; f.Type != bot.AttachImage || f.Name != "海报.png" || !bytes.Equal(f.Data, pngOf(t, 3, 2)) {
		t.Errorf("uploaded %s %s, %d bytes", f.Type, f.Name, len(f.Data))
	}
}

// A task that stays open longer than an upload has left gets a new one.
func TestAnUploadOutlivesTheTaskThatUsesIt(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	up := store.MediaUpload{UploadedAt: now.Add(-40 * time.Hour), ExpiresAt: now.Add(32 * time.Hour)}
	fresh := store.MediaUpload{UploadedAt: now.Add(-time.Minute), ExpiresAt: now.Add(72*time.Hour - time.Minute)}
	for _, c := range []struct {
		name string
		u    store.MediaUpload
		open time.Duration
		want bool
	}{
		{"closes before", up, 31 * time.Hour, true},
		{"closes after", up, 33 * time.Hour, false},
		{"is over", up, -time.Hour, true},
		{"stays open as long as anything lasts", fresh, 72 * time.Hour, true},
		{"stays open longer than anything lasts", up, 200 * time.Hour, false},
		{"hardly lasts", store.MediaUpload{UploadedAt: now.Add(-71*time.Hour - 30*time.Minute), ExpiresAt: now.Add(30 * time.Minute)}, 0, false},
	} {
		if got := goodFor(c.u, now, now.Add(c.open)); got != c.want {
			t.Errorf("a task that %s: %v", c.name, got)
		}
	}
}

func TestAFileThatWeComForgotIsUploadedOnceMore(t *testing.T) {
	h, up := newShop(t), &shelf{}
	h.groups(1)
	l := NewLibrary(h.store, up, h.clock)
	spec, _ := h.posterSale(l)
	a := h.actionOf(spec)
	wecom := &messenger{forgets: map[string]bool{"M1": true}}
	s := &MassSender{Platform: wecom, Store: h.store, Now: h.clock, Library: l}
	if _, err := s.Perform(context.Background(), a); err != nil || len(up.files) != 2 || len(wecom.got) != 2 {
		t.Errorf("%d uploads, %d calls: %v", len(up.files), len(wecom.got), err)
	}
	wecom.forgets["M2"], wecom.forgets["M3"] = true, true
	_, err := s.Perform(context.Background(), a)
	if bot.ClassOf(err) != bot.ClassGiveUp || len(up.files) != 3 {
		t.Errorf("%d uploads: %v", len(up.files), err)
	}
}

// Whatever goes wrong with an upload, nothing was posted: no outcome may be unknown.
func TestAnUploadThatFailsLeavesNoDoubt(t *testing.T) {
	h, up, wecom := newShop(t), &shelf{}, &messenger{}
	h.groups(1)
	l := NewLibrary(h.store, up, h.clock)
	spec, m := h.posterSale(l)
	a := h.actionOf(spec)
	s := &MassSender{Platform: wecom, Store: h.store, Now: h.clock, Library: l}
	for _, c := range []struct {
		fail error
		want bot.Class
	}{
		{errors.New("cut off"), bot.ClassRetry},
		{&bot.UnknownError{Op: "media/upload", Err: errors.New("cut off")}, bot.ClassRetry},
		{&bot.APIError{Code: 45009, Class: bot.ClassBackoff}, bot.ClassBackoff},
		{&bot.APIError{Code: 40004, Class: bot.ClassGiveUp}, bot.ClassGiveUp},
	} {
		up.fail = c.fail
		_, err := s.Perform(context.Background(), a)
		if bot.ClassOf(err) != c.want || bot.IsUnknown(err) {
			t.Errorf("%v became %v", c.fail, err)
		}
	}
	up.fail = nil
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.DeleteMedia(m.ID) }))
	if _, err := s.Perform(context.Background(), a); bot.ClassOf(err) != bot.ClassGiveUp || !strings.Contains(err.Error(), "not in the library") {
		t.Errorf("a file that is gone: %v", err)
	}
	if len(wecom.got) != 0 {
		t.Errorf("%d messages went out", len(wecom.got))
	}
}

func TestManyTasksUploadAFileOnce(t *testing.T) {
	h, up := newShop(t), &shelf{}
	l := NewLibrary(h.store, up, h.clock)
	spec, _ := h.posterSale(l)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := l.Ready(context.Background(), spec.Message, h.clock()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(up.files) != 1 {
		t.Errorf("%d uploads", len(up.files))
	}
}

func TestAFileInUseIsNotDeleted(t *testing.T) {
	h := newShop(t)
	h.groups(1)
	ctx := context.Background()
	l := NewLibrary(h.store, nil, h.clock)
	spec, m := h.posterSale(l)
	spec.Message.Attachments, spec.Products[0].Media = nil, fmt.Sprint(m.ID)
	p := h.planner()
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	phrase := store.Phrase{Name: "早安", Attachments: []bot.Attachment{{Type: bot.AttachImage, Media: fmt.Sprint(m.ID)}}}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.AddPhrase(&phrase) }))
	wantUsed := func(name string) {
		t.Helper()
		var conflict *handlers.Conflict
		if err := l.Delete(ctx, m.ID); !errors.As(err, &conflict) || !strings.Contains(conflict.Detail, name) {
			t.Errorf("%v, want a conflict with %s", err, name)
		}
		if _, err := h.store.Read(ctx).MediaContent(m.ID); err != nil {
			t.Errorf("and it is gone: %v", err)
		}
	}
	wantUsed("秒杀")
	_, err = p.Pause(ctx, promo.ID) // it may go on
	h.must(err)
	wantUsed("秒杀")
	_, err = p.End(ctx, promo.ID)
	h.must(err)
	wantUsed("早安")
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.DeletePhrase(phrase.ID) }))
	h.must(l.Delete(ctx, m.ID))
	if err := l.Delete(ctx, m.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestFilesThatDoNotFitAreRefused(t *testing.T) {
	h := newShop(t)
	h.groups(1)
	l := NewLibrary(h.store, nil, h.clock)
	_, picture := h.posterSale(l)
	sheet, err := l.Add(context.Background(), "表.csv", "", []byte("a,b,c,d"), noRemember)
	h.must(err)
	img, doc := fmt.Sprint(picture.ID), fmt.Sprint(sheet.ID)
	for _, c := range []struct {
		a     bot.Attachment
		field string // "" for none
	}{
		{bot.Attachment{Type: bot.AttachImage, Media: img}, ""},
		{bot.Attachment{Type: bot.AttachFile, Media: doc}, ""},
		{bot.Attachment{Type: bot.AttachMiniprogram, Title: "t", AppID: "a", Page: "p", Media: img}, ""},
		{bot.Attachment{Type: bot.AttachImage, Media: doc}, "media"},
		{bot.Attachment{Type: bot.AttachVideo, Media: img}, "media"},
		{bot.Attachment{Type: bot.AttachMiniprogram, Title: "t", AppID: "a", Page: "p", Media: doc}, "media"},
		{bot.Attachment{Type: bot.AttachImage, Media: "99"}, "media"},
		{bot.Attachment{Type: bot.AttachImage, Media: "../7"}, "media"},
		{bot.Attachment{Type: bot.AttachImage, Media: img, MediaID: "m"}, "media_id"},
		{bot.Attachment{Type: bot.AttachImage, Media: img, ImageURL: "https://example.com/a.png"}, "image_url"},
		{bot.Attachment{Type: bot.AttachLink, Title: "t", URL: "https://example.com", Media: img}, "media"},
	} {
		spec := sale()
		spec.Message.Attachments = []bot.Attachment{c.a}
		_, err := h.planner().Create(context.Background(), spec, noRemember)
		var inv *handlers.Invalid
		if errors.As(err, &inv); c.field == "" && err != nil || c.field != "" && (inv == nil || inv.Field != "message.attachments[0]."+c.field) {
			t.Errorf("%+v: %v", c.a, err)
		}
	}
	for field, pr := range map[string]store.Product{
		"products[0].media":     {Name: "蛋", Media: doc},
		"products[0].image_url": {Name: "蛋", Media: img, ImageURL: "https://example.com/a.png"},
	} {
		spec := sale()
		spec.Products = []store.Product{pr}
		_, err := h.planner().Create(context.Background(), spec, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
