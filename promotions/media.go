package promotions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two formats that WeCom takes
	_ "image/png"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// MaxMedia is the size of the largest file that WeCom takes, in bytes.
const MaxMedia = 20 << 20

const (
	maxPicture   = 10 << 20 // bytes
	maxVideo     = 10 << 20
	minMedia     = 6       // bytes: WeCom wants more than 5
	maxLibrary   = 4 << 30 // bytes of all files
	maxMediaName = 100     // characters
)

// Library keeps the files that promotions post, and has them uploaded when they are needed.
type Library struct {
	store    *store.Store
	platform bot.MediaUploader
	now      func() time.Time
	turn     chan struct{} // one upload at a time: what many tasks need is uploaded once
}

// NewLibrary returns the library of a database; what platform gives for its files goes there
// too.
func NewLibrary(s *store.Store, platform bot.MediaUploader, now func() time.Time) *Library {
	return &Library{store: s, platform: platform, now: now, turn: make(chan struct{}, 1)}
}

// Add keeps a file. What it is is found out from its bytes; as is what it is to be posted as,
// or empty: what it looks like.
func (l *Library) Add(ctx context.Context, name string, as bot.AttachmentType, data []byte, remember handlers.Remember) (store.Media, error) {
	m, err := inspect(data, as)
	if err != nil {
		return m, err
	}
	if m.Name, err = mediaName(name, m.Mime); err != nil {
		return m, err
	}
	err = l.store.Tx(ctx, func(tx *store.Tx) error {
		m.ID = 0
		size, err := tx.MediaSize()
		if err != nil {
			return err
		}
		if size+m.Size > maxLibrary {
			return &handlers.Conflict{Detail: fmt.Sprintf("the library is full: it has %d of %d bytes; delete files that are not needed any more", size, int64(maxLibrary))}
		}
		if err := tx.AddMedia(&m, data); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(m.ID))
	})
	return m, err
}

// inspect finds out what a file is, and refuses what WeCom does not take as that.
func inspect(data []byte, as bot.AttachmentType) (store.Media, error) {
	sum := sha256.Sum256(data)
	m := store.Media{Type: as, Mime: sniff(data), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	if len(data) < minMedia {
		return m, handlers.Invalidf("file", "has %d bytes; WeCom wants at least %d", len(data), minMedia)
	}
	kind, format, _ := strings.Cut(m.Mime, "/")
	if m.Type == "" {
		m.Type = bot.AttachFile
		if kind == "image" || kind == "video" {
			m.Type = bot.AttachmentType(kind)
		}
	}
	most := MaxMedia
	switch m.Type {
	case bot.AttachImage:
		most = maxPicture
		if m.Mime != "image/png" && m.Mime != "image/jpeg" {
			return m, handlers.Invalidf("file", "is %s; WeCom takes JPG and PNG as an image (type=file posts it as a file)", m.Mime)
		}
		size, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return m, handlers.Invalidf("file", "begins like a %s and cannot be read as one; save it anew as JPG or PNG", strings.ToUpper(format))
		}
		m.Width, m.Height = size.Width, size.Height
	case bot.AttachVideo:
		most = maxVideo
		if m.Mime != "video/mp4" {
			return m, handlers.Invalidf("file", "is %s; WeCom takes MP4 as a video (type=file posts it as a file)", m.Mime)
		}
	case bot.AttachFile:
	default:
		return m, handlers.Invalidf("type", "is %q; want image, video or file, or leave it out", m.Type)
	}
	if len(data) > most {
		return m, handlers.Invalidf("file", "has %d bytes; WeCom takes at most %d as %s", len(data), most, m.Type)
	}
	return m, nil
}

// sniff finds out from its first bytes what a file is, whatever it is called. MP4 and its
// kin share a box with the names of the formats that can read them: only those that name MP4
// itself count.
func sniff(data []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(data), ";")
	if kind == "application/octet-stream" && len(data) >= 12 && string(data[4:8]) == "ftyp" {
		switch brand := string(data[8:12]); {
		case strings.HasPrefix(brand, "heic"), strings.HasPrefix(brand, "heix"), strings.HasPrefix(brand, "mif1"):
			return "image/heic"
		case brand == "avif":
			return "image/avif"
		case brand == "qt  ":
			return "video/quicktime"
		}
		return "video/x-iso-base-media" // of a brand that WeCom need not know
	}
	return kind
}

// mediaName is a file's name as people see it: without folders, with the ending of what it is.
func mediaName(name, kind string) (string, error) {
	name = path.Base(strings.ReplaceAll(strings.TrimSpace(name), `\`, "/"))
	if name == "" || name == "." || name == "/" {
		return "", handlers.Invalidf("name", "is missing; give name, such as 海报.png")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", handlers.Invalidf("name", "has characters that cannot be printed")
	}
	endings := map[string][]string{"image/png": {".png"}, "image/jpeg": {".jpg", ".jpeg"}, "video/mp4": {".mp4"}}[kind]
	if len(endings) > 0 && !slices.Contains(endings, strings.ToLower(path.Ext(name))) {
		name += endings[0]
	}
	return name, handlers.CheckMost("name", name, maxMediaName)
}

// Delete forgets a file that nothing refers to any more.
func (l *Library) Delete(ctx context.Context, id int64) error {
	return l.store.Tx(ctx, func(tx *store.Tx) error {
		// First, so that nobody begins to refer to it while it is asked who does.
		if err := known(tx.DeleteMedia(id)); err != nil {
			return err
		}
		return unused(tx.Reader, strconv.FormatInt(id, 10))
	})
}

// unused refuses when a promotion that has not ended, or a text, refers to a file.
func unused(r store.Reader, id string) error {
	promos, err := r.OpenPromotions()
	if err != nil {
		return err
	}
	for _, p := range promos {
		if slices.Contains(mediaOf(p.Spec), id) {
			return &handlers.Conflict{Detail: fmt.Sprintf("promotion %d %q uses it; end it or change it first", p.ID, p.Name)}
		}
	}
	texts, err := r.Phrases("", 0, 0)
	if err != nil {
		return err
	}
	for _, t := range texts {
		if slices.Contains(mediaIn(t.Attachments), id) {
			return &handlers.Conflict{Detail: fmt.Sprintf("text %d %q uses it; delete it or change it first", t.ID, t.Name)}
		}
	}
	return nil
}

// mediaIn lists the files of the library that attachments refer to.
func mediaIn(attachments []bot.Attachment) []string {
	var ids []string
	for _, a := range attachments {
		if a.Media != "" {
			ids = append(ids, a.Media)
		}
	}
	return ids
}

// mediaOf lists the files that a promotion refers to.
func mediaOf(spec store.PromotionSpec) []string {
	ids := mediaIn(spec.Message.Attachments)
	for _, pr := range spec.Products {
		if pr.Media != "" {
			ids = append(ids, pr.Media)
		}
	}
	return ids
}

// checkMedia refuses files that are not in the library, or not what they are used as. get
// reads one.
func checkMedia(get func(int64) (store.Media, error), spec store.PromotionSpec) error {
	if err := checkAttachments(get, "message.", spec.Message.Attachments); err != nil {
		return err
	}
	for i, pr := range spec.Products {
		at := fmt.Sprintf("products[%d].", i)
		if pr.Media != "" && pr.ImageURL != "" {
			return handlers.Invalidf(at+"image_url", "is given beside media; want one of them")
		}
		if err := checkFile(get, at+"media", pr.Media, bot.AttachImage); err != nil {
			return err
		}
	}
	return nil
}

func checkAttachments(get func(int64) (store.Media, error), at string, attachments []bot.Attachment) error {
	for i, a := range attachments {
		if err := checkAttached(get, fmt.Sprintf("%sattachments[%d].", at, i), a); err != nil {
			return err
		}
	}
	return nil
}

func checkAttached(get func(int64) (store.Media, error), at string, a bot.Attachment) error {
	want := a.Type
	switch {
	case a.Media == "":
		return nil
	case a.MediaID != "":
		return handlers.Invalidf(at+"media_id", "is given beside media; want one of them")
	case a.Type == bot.AttachImage && a.ImageURL != "":
		return handlers.Invalidf(at+"image_url", "is given beside media; want one of them")
	case a.Type == bot.AttachLink:
		return handlers.Invalidf(at+"media", "is not for links; the picture of a link is its image_url")
	case a.Type == bot.AttachMiniprogram:
		want = bot.AttachImage // its cover
	}
	return checkFile(get, at+"media", a.Media, want)
}

// number reads an id of the API.
func number(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n > 0
}

func checkFile(get func(int64) (store.Media, error), field, id string, want bot.AttachmentType) error {
	if id == "" {
		return nil
	}
	n, ok := number(id)
	if !ok {
		return handlers.Invalidf(field, "%q is no id of a file in the library; POST /media gives one", id)
	}
	m, err := get(n)
	if errors.Is(err, store.ErrNotFound) {
		return handlers.Invalidf(field, "file %s is not in the library; POST /media puts it there", id)
	}
	if err != nil {
		return err
	}
	if m.Type != want {
		return handlers.Invalidf(field, "file %s, %s, is %s (%s); want %s", id, m.Name, m.Type, m.Mime, want)
	}
	return nil
}
