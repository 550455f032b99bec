package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/store"
)

const (
	// maxUpload bounds a request with a file, in bytes; the form around it needs some.
	maxUpload = promotions.MaxMedia + 64<<10
	// uploadTime bounds how long a file may take to arrive.
	uploadTime = 3 * time.Minute
	// maxFormField bounds a field of a form beside the file, in bytes.
	maxFormField = 1 << 10
)

type mediaView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Type       string     `json:"type" enum:"image,video,file"`
	Mime       string     `json:"mime" doc:"found out from the bytes"`
	Bytes      int64      `json:"bytes"`
	Width      int        `json:"width" doc:"pixels of an image, else 0"`
	Height     int        `json:"height"`
	SHA256     string     `json:"sha256"`
	CreatedAt  *time.Time `json:"created_at"`
	UploadedAt *time.Time `json:"uploaded_at" doc:"when WeCom got it last; null: not yet, it is uploaded when it is needed"`
	ExpiresAt  *time.Time `json:"expires_at" doc:"until when WeCom keeps it; it is uploaded again when it is needed"`
}

func (s *server) viewMedia(m store.Media, up store.MediaUpload) mediaView {
	return mediaView{ID: idString(m.ID), Name: m.Name, Type: string(m.Type), Mime: m.Mime, Bytes: m.Size, Width: m.Width, Height: m.Height, SHA256: m.SHA256,
		CreatedAt: s.stamp(m.CreatedAt), UploadedAt: s.stamp(up.UploadedAt), ExpiresAt: s.stamp(up.ExpiresAt)}
}

// showMedia views a file with what is known of its upload.
func (s *server) showMedia(ctx context.Context, m store.Media) (mediaView, error) {
	up, err := s.Store.Read(ctx).MediaUpload(m.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return mediaView{}, err
	}
	return s.viewMedia(m, up), nil
}

func (s *server) media() {
	s.addMedia()
	type filter struct {
		Page
		Type string `query:"type" enum:"image,video,file" doc:"left out: all"`
	}
	huma.Register(s.api, op(http.MethodGet, "/media", "list the files of the library", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[mediaView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		r := s.Store.Read(ctx)
		rows, err := r.MediaFiles(in.Type, after, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		uploads, err := r.MediaUploads()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		known := map[int64]store.MediaUpload{}
		for _, up := range uploads {
			known[up.MediaID] = up
		}
		return paged(rows, in.Limit, func(m store.Media) mediaView { return s.viewMedia(m, known[m.ID]) },
			func(m store.Media) string { return idString(m.ID) }), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/media/{id}", "one file of the library", http.StatusOK), func(ctx context.Context, in *oneID) (*result[mediaView], error) {
		m, err := s.file(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v, err := s.showMedia(ctx, m)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/media/{id}/content", "what is in it", http.StatusOK), s.mediaContent)
	huma.Register(s.api, op(http.MethodDelete, "/media/{id}", "forget a file that nothing uses", http.StatusNoContent), s.dropping(s.Library.Delete))
}

func (s *server) file(ctx context.Context, id string) (store.Media, error) {
	return byID(id, s.Store.Read(ctx).Media)
}

// addMedia registers the upload of a file, as it is or as a browser's form.
func (s *server) addMedia() {
	type upload struct {
		Keyed
		Name        string `query:"name" maxLength:"400" doc:"as people see it, with its ending; left out: that of the form's file"`
		Type        string `query:"type" enum:"image,video,file" doc:"what it is to be posted as; left out: what it looks like"`
		ContentType string `header:"Content-Type"`
		RawBody     []byte
	}
	o := op(http.MethodPost, "/media", "put a file into the library: JPG or PNG (10 MB), MP4 (10 MB) or any file (20 MB)", http.StatusCreated)
	o.MaxBodyBytes, o.BodyReadTimeout, o.SkipValidateBody = maxUpload, uploadTime, true
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{
			"file": {Type: huma.TypeString, Format: "binary"}, "name": {Type: huma.TypeString}, "type": {Type: huma.TypeString},
		},
	}}}}
	huma.Register(s.api, o, func(ctx context.Context, in *upload) (*result[mediaView], error) {
		form, err := readForm(in.ContentType, in.RawBody)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if in.Name != "" {
			form.Name = in.Name
		}
		if in.Type != "" {
			form.Type = in.Type
		}
		sum := sha256.Sum256(form.data)
		form.SHA256 = hex.EncodeToString(sum[:])
		m, err := once(ctx, s, "POST /media", in.Keyed, form, func(remember handlers.Remember) (store.Media, error) {
			return s.Library.Add(ctx, form.Name, bot.AttachmentType(form.Type), form.data, remember)
		}, func(id string) (store.Media, error) { return s.file(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v, err := s.showMedia(ctx, m)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
}

// fileForm is a file that was sent, and what was said of it.
type fileForm struct {
	Name, Type, SHA256 string
	data               []byte
}

// readForm reads a body that is a file, or a form with one file in it.
func readForm(contentType string, body []byte) (fileForm, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if contentType != "" && err != nil || kind != "multipart/form-data" {
		return fileForm{data: body}, nil
	}
	var f fileForm
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF) && f.data == nil:
			return f, handlers.Invalidf("file", "is missing in the form; want one part with a file")
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return f, handlers.Invalidf("file", "the form is broken off")
		}
		if err := f.read(part); err != nil {
			return f, err
		}
	}
}

func (f *fileForm) read(part *multipart.Part) error {
	file := part.FileName() != ""
	most := int64(maxFormField)
	if file {
		most = maxUpload
	}
	data, err := io.ReadAll(io.LimitReader(part, most))
	switch {
	case err != nil:
		return handlers.Invalidf("file", "the form is broken off")
	case file && f.data != nil:
		return handlers.Invalidf("file", "is there twice; want one file in a form")
	case file:
		f.data = append([]byte{}, data...)
		if f.Name == "" {
			f.Name = part.FileName()
		}
	case part.FormName() == "name":
		f.Name = strings.TrimSpace(string(data))
	case part.FormName() == "type":
		f.Type = strings.TrimSpace(string(data))
	}
	return nil
}

// mediaContent answers the bytes of a file so that no browser runs what may be in it: it is
// saved, not shown, under a type that was found out here.
func (s *server) mediaContent(ctx context.Context, in *oneID) (*huma.StreamResponse, error) {
	m, err := s.file(ctx, in.ID)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	data, err := s.Store.Read(ctx).MediaContent(m.ID)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	kind := "application/octet-stream"
	if m.Type != bot.AttachFile {
		kind = m.Mime
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", kind)
		c.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": m.Name}))
		c.SetHeader("X-Content-Type-Options", "nosniff")
		c.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
		c.SetHeader("Cache-Control", "private, no-cache")
		c.SetHeader("ETag", `"`+m.SHA256+`"`)
		_, _ = c.BodyWriter().Write(data) // the client may be gone
	}}, nil
}
