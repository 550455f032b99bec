package promotions

import (
	"bytes"
	"context"
	_ "embed" // the page
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"io"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/draw"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	thumbnailSide   = 400        // pixels
	thumbnailPixels = 30_000_000 // of the largest picture that is made smaller: 120 MB in memory
)

//go:embed preview.html
var previewText string

// bubble is one thing of a message as a chat shows it.
type bubble struct {
	Type        string // text or the type of an attachment
	Title, Desc string
	Note        string       // small print
	Kind        string       // ending of a file's name
	Picture     template.URL // empty: none to show
}

// DrawPreview writes a preview as a page that looks like the group's chat on a phone. It needs
// nothing from elsewhere but pictures that the message itself has from elsewhere, and nothing
// of it runs.
func (p *Planner) DrawPreview(ctx context.Context, w io.Writer, v Preview) error {
	page, err := template.New("preview").Parse(previewText)
	if err != nil {
		return err
	}
	parts := []bubble{}
	if v.Message.Text != "" {
		parts = append(parts, bubble{Type: "text", Title: v.Message.Text})
	}
	for _, a := range v.Message.Attachments {
		b, err := bubbleOf(p.Store.Read(ctx), a)
		if err != nil {
			return err
		}
		parts = append(parts, b)
	}
	at, closes := v.At.In(v.Zone), v.Closes.In(v.Zone)
	view := struct {
		Preview
		Name, Group, Owner, Initial, Company, Time, When, Closes string
		Parts                                                    []bubble
	}{
		Preview: v, Name: v.Spec.Name, Group: "群聊", Owner: v.Owner, Initial: "群", Company: "企业微信", Parts: parts,
		Time: at.Format("15:04"), When: at.Format("1月2日 15:04") + " " + weekday(at), Closes: closes.Format("1月2日 15:04"),
	}
	if v.Chat.Name != "" {
		view.Group = fmt.Sprintf("%s(%d)", v.Chat.Name, v.Chat.Customers+v.Chat.Staff)
	}
	if r, n := utf8.DecodeRuneInString(v.Owner); n > 0 {
		view.Initial = string(r)
	}
	return page.Execute(w, view)
}

func bubbleOf(r store.Reader, a bot.Attachment) (bubble, error) {
	b := bubble{Type: string(a.Type), Title: a.Title, Desc: a.Desc, Picture: webPicture(a.ImageURL)}
	switch a.Type {
	case bot.AttachLink:
		if u, err := url.Parse(a.URL); err == nil {
			b.Note = u.Host
		}
		return b, nil
	case bot.AttachMiniprogram:
		b.Note = a.AppID
	case bot.AttachImage:
		b.Note = a.ImageURL
	}
	if a.Media == "" {
		if b.Note == "" {
			b.Note = "media_id " + a.MediaID
		}
		if b.Title == "" {
			b.Title, b.Kind = "文件", "?"
		}
		return b, nil
	}
	err := fromLibrary(r, a.Media, &b)
	return b, err
}

// fromLibrary shows a file of the library.
func fromLibrary(r store.Reader, media string, b *bubble) error {
	id, _ := number(media)
	m, err := r.Media(id)
	if errors.Is(err, store.ErrNotFound) { // of a promotion that has ended
		b.Title, b.Note, b.Kind = "文件", "已不在素材库", "?"
		return nil
	}
	if err != nil {
		return fmt.Errorf("show file %s of the library: %w", media, err)
	}
	size := fmt.Sprintf("%.1f KB", float64(m.Size)/1024)
	if m.Size >= 1<<20 {
		size = fmt.Sprintf("%.1f MB", float64(m.Size)/(1<<20))
	}
	if b.Type != string(bot.AttachMiniprogram) {
		b.Note = m.Name + " · " + size
	}
	switch m.Type {
	case bot.AttachFile:
		b.Title, b.Note = m.Name, size
		if b.Kind = strings.ToUpper(strings.TrimPrefix(path.Ext(m.Name), ".")); len(b.Kind) > 4 {
			b.Kind = "" // no ending that says anything
		}
	case bot.AttachImage:
		data, err := r.MediaContent(id)
		if err != nil {
			return err
		}
		b.Picture = thumbnail(data)
	}
	return nil
}

// webPicture is the address of a picture elsewhere; only the schemes of the web pass.
func webPicture(address string) template.URL {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return template.URL(address)
}

// thumbnail makes a picture small enough to stand in a page; empty where it is too large to
// be read, or broken.
func thumbnail(data []byte) template.URL {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width < 1 || size.Height < 1 || size.Width > thumbnailPixels/size.Height {
		return ""
	}
	full, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return ""
	}
	w, h := size.Width, size.Height
	if most := max(w, h); most > thumbnailSide {
		w, h = max(1, w*thumbnailSide/most), max(1, h*thumbnailSide/most)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src) // JPEG knows no transparency
	draw.ApproxBiLinear.Scale(small, small.Bounds(), full, full.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 80}); err != nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
