package codes

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"xiaobu/store"
)

// MostCodes is how many codes a ZIP may have.
const MostCodes = 2000

// ZIP writes the posters of channels, each as PDF and PNG, in a folder for each store, and
// index.csv, which lists them. It is written as it is made; the same channels on the same day
// are the same bytes. A poster that cannot be made is left out, and the index says why.
func (p *Printer) ZIP(ctx context.Context, w io.Writer, channels []store.Channel, wish Wish) error {
	f, err := p.open()
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	index := [][]string{{"文件", "门店编号", "门店", "渠道", "编号", "名称", "员工", "位置", "二维码内容", "说明"}}
	names := newNames()
	for _, ch := range channels {
		if err := ctx.Err(); err != nil {
			return err
		}
		poster, size, err := p.describe(ctx, ch, wish)
		name := names.of(ch, poster)
		if err == nil {
			err = p.add(z, f, name, poster, size)
		}
		note := p.noteOf(wish)
		if err != nil {
			if !printable(err) {
				return err
			}
			name, note = "", err.Error()
		}
		index = append(index, []string{name, poster.storeID, poster.Store, fmt.Sprint(ch.ID), ch.Code, ch.Name, ch.Staff, ch.Place, poster.Content, note})
	}
	list, err := Table(index)
	if err != nil {
		return err
	}
	if err := p.file(z, "index.csv", list); err != nil {
		return err
	}
	return z.Close()
}

// noteOf is what the index says of a poster that was made.
func (p *Printer) noteOf(wish Wish) string {
	if wish.Content == WeCom {
		return ""
	}
	return p.Warning()
}

// printable reports errors of one poster, which do not concern the others.
func printable(err error) bool {
	var missing *MissingGlyphs
	var content *NoContent
	return errors.As(err, &missing) || errors.As(err, &content)
}

// add writes one poster. Both are made before anything is written, so that none is in it
// without the other.
func (p *Printer) add(z *zip.Writer, f *Fonts, name string, poster Poster, size Size) error {
	d, err := poster.draw(f, size)
	if err != nil {
		return err
	}
	var doc, picture bytes.Buffer
	if err := pdf(&doc, []drawing{d}, poster.title(), poster.Headline, poster.Day); err != nil {
		return err
	}
	if err := d.png(&picture); err != nil {
		return err
	}
	if err := p.file(z, name+".pdf", doc.Bytes()); err != nil {
		return err
	}
	return p.file(z, name+".png", picture.Bytes())
}

// file writes one file. PDF and PNG are small already and are only stored.
func (p *Printer) file(z *zip.Writer, name string, data []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Store}
	h.Modified = p.today()
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// names gives files names that every system can unpack.
type names struct {
	folders map[string]string // by store
	taken   map[string]bool   // folders in lower case
}

func newNames() *names { return &names{folders: map[string]string{}, taken: map[string]bool{}} }

// of is the name of a channel's files without their ends. The code makes it the only one.
func (n *names) of(ch store.Channel, p Poster) string {
	folder, ok := n.folders[p.storeID]
	if !ok {
		folder = "无门店"
		if p.storeID != "" {
			folder = strings.Trim(cmp.Or(safe(p.Store), "门店")+"_"+safe(p.storeID), "_")
		}
		for base, i := folder, 2; n.taken[strings.ToLower(folder)]; i++ {
			folder = fmt.Sprintf("%s_%d", base, i)
		}
		n.folders[p.storeID], n.taken[strings.ToLower(folder)] = folder, true
	}
	label := p.Who
	if label == "" && ch.Referrer == "" {
		label = ch.Name
	}
	return folder + "/" + strings.Trim(safe(label)+"_"+ch.Code, "_")
}

// safe keeps letters and digits of a name, at most 40 of them; anything else is an underline.
// With more before or behind it, it is no name that Windows keeps for itself.
func safe(name string) string {
	const most = 40
	var out []rune
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' {
			r = '_'
		}
		if r != '_' || len(out) > 0 && out[len(out)-1] != '_' {
			out = append(out, r)
		}
	}
	return strings.Trim(string(out[:min(len(out), most)]), "_-")
}
