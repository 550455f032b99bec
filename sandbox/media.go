package sandbox

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	mediaLife     = 3 * 24 * time.Hour
	minMediaBytes = 5

	codeBadMediaType = 40004
	codeMediaSize    = 40009
	codeEmptyMedia   = 44001
	codeMediaTooBig  = 45001
)

// Media is an uploaded file that can be attached for three days.
type Media struct {
	MediaID    string
	Type       string // image, voice, video or file
	Name       string
	Size       int // bytes
	UploadedAt time.Time
}

// mediaShelf are all uploads; their bytes are not kept.
type mediaShelf struct {
	all    []Media
	images int
}

func newMediaShelf() mediaShelf { return mediaShelf{} }

// has reports whether a media_id can be attached as a kind at a time.
func (m *mediaShelf) has(id, kind string, now time.Time) bool {
	return slices.ContainsFunc(m.all, func(f Media) bool {
		return f.MediaID == id && f.Type == kind && now.Sub(f.UploadedAt) < mediaLife
	})
}

// Uploads returns the uploaded files, oldest first.
func (s *Sandbox) Uploads() []Media {
	s.enter()
	defer s.leave()
	return slices.Clone(s.media.all)
}

func mediaAPIs() map[string]api {
	file := func(do func(*call) (reply, *failure)) api {
		return api{method: http.MethodPost, token: appToken, upload: true, do: do}
	}
	return map[string]api{"media/upload": file(uploadMedia), "media/uploadimg": file(uploadImage)}
}

// upload is a file in a request.
type upload struct {
	name string
	size int
}

// readUpload finds the part named media in a multipart body.
func readUpload(contentType string, body []byte) (upload, *failure) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return upload{}, refuse(codeNoMedia, "media data missing, want multipart/form-data")
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return upload{}, refuse(codeNoMedia, "media data missing, want a part named media")
		}
		if part.FormName() != "media" {
			continue
		}
		data, err := io.ReadAll(part)
		if err != nil || len(data) == 0 {
			return upload{}, refuse(codeEmptyMedia, "empty media data")
		}
		return upload{name: part.FileName(), size: len(data)}, nil
	}
}

// mediaBytes is the most that a kind of media may have.
func mediaBytes(kind string) int {
	switch kind {
	case "image", "video":
		return 10 << 20
	case "voice":
		return 2 << 20
	case "file":
		return 20 << 20
	}
	return 0
}

// checkSize refuses a file that is too small or too large for its kind.
func (u upload) checkSize(kind string) *failure {
	switch {
	case u.size <= minMediaBytes:
		return refuse(codeMediaSize, "invalid media size: want more than %d bytes", minMediaBytes)
	case u.size > mediaBytes(kind):
		return refuse(codeMediaTooBig, "media size out of limit")
	}
	return nil
}

// uploadMedia keeps a file for three days.
// See https://developer.work.weixin.qq.com/document/path/90253
func uploadMedia(c *call) (reply, *failure) {
	kind := c.query.Get("type")
	if mediaBytes(kind) == 0 {
		return nil, refuse(codeBadMediaType, "invalid media type")
	}
	if f := c.file.checkSize(kind); f != nil {
		return nil, f
	}
	m := Media{
		MediaID: c.s.dice.draw("media", alphabetID, 44), Type: kind, Name: c.file.name,
		Size: c.file.size, UploadedAt: c.now,
	}
	c.s.media.all = append(c.s.media.all, m)
	return reply{"type": kind, "media_id": m.MediaID, "created_at": strconv.FormatInt(c.now.Unix(), 10)}, nil
}

// uploadImage keeps an image for ever and answers its address.
// See https://developer.work.weixin.qq.com/document/path/90256
func uploadImage(c *call) (reply, *failure) {
	if f := c.file.checkSize("image"); f != nil {
		return nil, f
	}
	c.s.media.images++
	return reply{"url": c.s.cfg.PublicURL + "/sandbox/qr/image" + strconv.Itoa(c.s.media.images)}, nil
}
