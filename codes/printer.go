package codes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// What the QR code of a poster holds.
const (
	// Live is the address of our own page, which shows the code as it is at that time: what
	// hangs on the wall never has to be changed.
	Live = "live"
	// WeCom is what WeCom's own code holds: it leads to the group at once, until WeCom gives
	// the channel another code.
	WeCom = "wecom"
)

// MostHeadline is how many characters a headline may have.
const MostHeadline = 40

// MostCards is how many cards a sheet may have.
const MostCards = 400

// Wish is how something is to be printed.
type Wish struct {
	Headline string // empty: one that suits the code
	Content  string // Live or WeCom; empty: Live
	Size     Size   // of a poster; empty: A6 for tills and their cashiers, A4 for walls
}

// Printer makes what is printed of channels.
type Printer struct {
	Store     *store.Store
	Pictures  *Pictures
	PublicURL string   // of our pages
	Font      string   // setting print.font; empty: what the machine has
	FontDirs  []string // where fonts of the machine are
	Now       func() time.Time
	Zone      *time.Location

	mu    sync.Mutex
	fonts *Fonts
}

// Close closes the fonts.
func (p *Printer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fonts == nil {
		return nil
	}
	err := p.fonts.Close()
	p.fonts = nil
	return err
}

// open finds the fonts, when the first thing is printed. Where there were none they are
// looked for again: somebody may have installed one.
func (p *Printer) open() (*Fonts, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fonts != nil {
		return p.fonts, nil
	}
	var err error
	p.fonts, err = OpenFonts(p.Font, p.FontDirs)
	return p.fonts, err
}

// Ready says whether there is a font to print with.
func (p *Printer) Ready() error {
	_, err := p.open()
	return err
}

// Poster writes the poster of a channel: format is pdf or png.
func (p *Printer) Poster(ctx context.Context, w io.Writer, ch store.Channel, wish Wish, format string) error {
	f, err := p.open()
	if err != nil {
		return err
	}
	poster, size, err := p.describe(ctx, ch, wish)
	if err != nil {
		return err
	}
	if format == "png" {
		return poster.PNG(w, f, size)
	}
	return poster.PDF(w, f, size)
}

// Sheet writes the cards of channels, eight a page.
func (p *Printer) Sheet(ctx context.Context, w io.Writer, title string, channels []store.Channel, wish Wish) error {
	f, err := p.open()
	if err != nil {
		return err
	}
	var cards []Poster
	for _, ch := range channels {
		card, _, err := p.describe(ctx, ch, wish)
		if err != nil {
			return fmt.Errorf("channel %d: %w", ch.ID, err)
		}
		cards = append(cards, card)
	}
	title, _ = f.plain(title)
	return Sheet(w, f, title, p.today(), cards)
}

func (p *Printer) today() time.Time {
	y, m, d := p.Now().In(p.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, p.Zone)
}

// describe gathers what stands on a poster.
func (p *Printer) describe(ctx context.Context, ch store.Channel, wish Wish) (Poster, Size, error) {
	poster := Poster{Headline: wish.Headline, Place: ch.Place, Code: ch.Code, Content: p.PublicURL + "/q/" + ch.Code, Day: p.today()}
	if poster.Headline == "" {
		poster.Headline = "扫码进群 享福利"
		if ch.Kind == store.ChannelContact {
			poster.Headline = "扫码加好友 享福利"
		}
	}
	if wish.Content == WeCom {
		var err error
		if poster.Content, err = p.Pictures.Content(ctx, ch); err != nil {
			return poster, "", &NoContent{err}
		}
	} else if reach(p.PublicURL) == "" {
		poster.Warning = "仅供测试：手机打不开 " + p.PublicURL
	}
	var err error
	if err = p.name(ctx, ch, &poster); err != nil {
		return poster, "", err
	}
	size := wish.Size
	if size == "" {
		size = A4
		if ch.Purpose == store.PurposeCashier || ch.Purpose == store.PurposeTill {
			size = A6
		}
	}
	return poster, size, nil
}

// NoContent says that WeCom's own code cannot be printed.
type NoContent struct{ Err error }

func (e *NoContent) Error() string {
	return "WeCom's own code cannot be drawn: " + e.Err.Error() + "; print content=live, or try again later"
}

func (e *NoContent) Unwrap() error { return e.Err }

// name puts store and person on a poster. A customer whose personal code it is does not stand
// on it.
func (p *Printer) name(ctx context.Context, ch store.Channel, poster *Poster) error {
	r := p.Store.Read(ctx)
	shop, err := shopOf(r, ch)
	if err != nil {
		return err
	}
	poster.storeID, poster.Store = shop.ID, shop.Name
	if shop.Name == "" && ch.Referrer == "" {
		poster.Store = ch.Name
	}
	if ch.Staff == "" {
		return nil
	}
	who := ch.Staff
	switch s, err := r.Staff(bot.UserID(ch.Staff)); {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case strings.TrimSpace(s.Name) != "":
		who = s.Name
	}
	poster.Who = "店员 " + who
	if ch.Purpose == store.PurposeCashier || ch.Purpose == store.PurposeTill {
		poster.Who = "收银员 " + who
	}
	return nil
}

// shopOf is the store of a code: its own, or else that of the first group it leads to; it is
// empty where there is none.
func shopOf(r store.Reader, ch store.Channel) (store.Shop, error) {
	id := ch.ShopID
	if id == "" && len(ch.ChatIDs) > 0 {
		chat, err := r.Chat(bot.ChatID(ch.ChatIDs[0]))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Shop{}, err
		}
		id = chat.ShopID
	}
	if id == "" {
		return store.Shop{}, nil
	}
	shop, err := r.Shop(id)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return shop, err
}

// Warning says what is wrong with printing our own address; empty: nothing.
func (p *Printer) Warning() string {
	switch reach(p.PublicURL) {
	case "":
		return "public_url is " + p.PublicURL + ": no telephone can open it; set it to an https address that telephones reach"
	case "near":
		return "public_url is " + p.PublicURL + ": only telephones in the same network can open it"
	}
	if !strings.HasPrefix(p.PublicURL, "https://") {
		return "public_url is " + p.PublicURL + ": without https WeChat warns people of the page"
	}
	return ""
}

// reach is from where an address can be opened: "" (this machine only), near or far.
func reach(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch {
	case host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()):
		return ""
	case ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast()):
		return "near"
	}
	return "far"
}
