package promotions

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func (v Preview) codes() string {
	var out []string
	for _, w := range v.Warnings {
		out = append(out, fmt.Sprintf("%s:%d", w.Code, w.Groups))
	}
	return strings.Join(out, " ")
}

// What a preview counts is what planning makes.
func TestAPreviewCountsWhatWillBePlanned(t *testing.T) {
	for text, want := range map[string]string{
		"今天{products}":     "4 groups 2 owners 1 messages 2 tasks ",
		"{store}{region}见": "4 groups 2 owners 3 messages 3 tasks unknown_store:1 unknown_region:1",
		"{owner}在{group}":  "4 groups 2 owners 4 messages 4 tasks unknown_owner:1",
	} {
		h := newShop(t)
		h.branches()
		p, spec := h.planner(), sale()
		spec.Message.Text = text
		v, err := p.Preview(context.Background(), spec, time.Time{}, "")
		h.must(err)
		if got := fmt.Sprintf("%d groups %d owners %d messages %d tasks %s", v.Groups, v.Owners, v.Messages, v.Tasks, v.codes()); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if tasks := h.tasksOf(p, spec); len(tasks) != v.Tasks {
			t.Errorf("%s: %d tasks were planned, the preview said %d", text, len(tasks), v.Tasks)
		} else if first := tasks[0].Message.Text; v.Message.Text != first || v.Chat.ChatID != "wr1" {
			t.Errorf("%s: %q in %s, but %q went out", text, v.Message.Text, v.Chat.ChatID, first)
		}
	}
}

func TestAPreviewSaysWhatFallsAway(t *testing.T) {
	h := newShop(t)
	h.branches()
	ctx, p, spec := context.Background(), h.planner(), sale()
	spec.Message.Text = "{store} {products}"
	spec.Targets = store.TargetSpec{Selection: store.Selection{Stores: []string{"s1"}}}
	spec.Products = append(spec.Products, store.Product{Name: "米", PriceFen: 1, Stock: count(0)})
	at := time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC)
	v, err := p.Preview(ctx, spec, at, "wr3")
	h.must(err)
	if v.Groups != 2 || v.codes() != "not_meant:0 sold_out:0" || !strings.HasPrefix(v.Message.Text, "西门店 ") || !v.At.Equal(at) || v.Owner != "ow1" {
		t.Errorf("%+v", v)
	}
	if l := v.Limits[0]; l.Field != "text" || l.Have != len(v.Message.Text) || l.Most != handlers.MaxText {
		t.Errorf("%+v", v.Limits)
	}
	var inv *handlers.Invalid
	if _, err := p.Preview(ctx, spec, at, "nobody"); !errors.As(err, &inv) || inv.Field != "chat_id" {
		t.Errorf("an unknown group: %v", err)
	}
	spec.Message.Text = "{shop}"
	if _, err := p.Preview(ctx, spec, at, ""); !errors.As(err, &inv) || inv.Field != "message.text" {
		t.Errorf("an unknown placeholder: %v", err)
	}
	spec = sale()
	spec.Targets = store.TargetSpec{Selection: store.Selection{Labels: []string{"没有"}}}
	if v, err = p.Preview(ctx, spec, at, ""); err != nil || v.codes() != "no_groups:0" || v.Message.Text == "" {
		t.Errorf("%+v, %v", v, err)
	}
}

// Names are other people's words: nothing of them may run in the page, or leave its place.
func TestThePageShowsWordsAsWords(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.NameStaff("ow0", evil), tx.PutShop(store.Shop{ID: "s1", Name: evil}),
			tx.NewChat(store.Chat{ChatID: "wr1", Name: evil, Owner: "ow0", ShopID: "s1", Status: store.ChatActive}))
	}))
	l := NewLibrary(h.store, nil, h.clock)
	file, err := l.Add(ctx, `x"onload=alert(3)&.csv`, "", []byte("a,b,c,d"), noRemember)
	h.must(err)
	spec := sale()
	spec.Name, spec.Products[0].Name = evil, evil
	spec.Message.Text = "{store}{group}{owner}{products}"
	spec.Message.Attachments = []bot.Attachment{
		{Type: bot.AttachLink, Title: evil, Desc: evil, URL: `https://example.com/"><script>`, ImageURL: `https://example.com/"onerror="alert(4)`},
		{Type: bot.AttachImage, ImageURL: "https://example.com/x' onerror='alert(5)"},
		{Type: bot.AttachFile, Media: fmt.Sprint(file.ID)},
		{Type: bot.AttachMiniprogram, Title: "t", AppID: evil, Page: "p", MediaID: evil},
	}
	p := h.planner()
	v, err := p.Preview(ctx, spec, time.Time{}, "")
	h.must(err)
	var b bytes.Buffer
	h.must(p.DrawPreview(ctx, &b, v))
	page := b.String()
	for _, bad := range []string{"<script", "<img src=x", `"onerror`, `' onerror='`, `"onload`, "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;alert(1)"); n < 7 {
		t.Errorf("the words stand in the page %d times", n)
	}
}

func TestThePageShowsPicturesOfTheLibrarySmall(t *testing.T) {
	h := newShop(t)
	h.groups(1)
	ctx, p := context.Background(), h.planner()
	m, err := NewLibrary(h.store, nil, h.clock).Add(ctx, "海报.png", "", pngOf(t, 1200, 3000), noRemember)
	h.must(err)
	spec := sale()
	spec.Message.Attachments = []bot.Attachment{{Type: bot.AttachImage, Media: fmt.Sprint(m.ID)}}
	v, err := p.Preview(ctx, spec, time.Time{}, "")
	h.must(err)
	var b bytes.Buffer
	h.must(p.DrawPreview(ctx, &b, v))
	if n := strings.Count(b.String(), `src="data:image/jpeg;base64,`); n != 1 {
		t.Errorf("%d pictures", n)
	}
	b.Reset()
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.DeleteMedia(m.ID) }))
	h.must(p.DrawPreview(ctx, &b, v)) // of a promotion that has ended
	if !strings.Contains(b.String(), "已不在素材库") {
		t.Error("nothing stands for a file that is gone")
	}
	if url := string(thumbnail(pngOf(t, 1200, 3000))); len(url) > 20_000 || url == "" {
		t.Errorf("%d bytes", len(url))
	}
	if url := thumbnail(pngOf(t, 1, 1)); url == "" {
		t.Error("the smallest picture is not shown")
	}
	bomb := pngOf(t, 1, 1)
	copy(bomb[16:24], []byte{0, 0, 0x80, 0, 0, 0, 0x80, 0}) // says that it is 32,768 pixels square
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	if size, _, err := image.DecodeConfig(bytes.NewReader(bomb)); err != nil || size.Width != 32768 {
		t.Errorf("the bomb is none: %+v, %v", size, err)
	}
	for _, data := range [][]byte{nil, []byte("x"), bomb, pngOf(t, 10, 10)[:60]} {
		if url := thumbnail(data); url != "" {
			t.Errorf("%d bytes that are no picture were shown", len(data))
		}
	}
}
