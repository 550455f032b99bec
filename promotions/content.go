package promotions

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxAttached is how many attachments WeCom takes in one message.
const maxAttached = 9

// placeholders are what a promotion's texts may hold. The first four are the same in every
// group of an occurrence; the others differ.
func placeholders() []string {
	return []string{"products", "date", "weekday", "deadline", "store", "region", "group", "owner"}
}

// write is a promotion's message for an occurrence at a moment, as far as it is the same in
// every group; closes is when owners can confirm no longer. What differs from group to group
// stands in it as a placeholder still.
func write(spec store.PromotionSpec, at, closes time.Time, zone *time.Location) bot.Message {
	at, closes = at.In(zone), closes.In(zone)
	deadline := closes.Format("15:04")
	if closes.YearDay() != at.YearDay() || closes.Year() != at.Year() {
		deadline = closes.Format("1月2日15:04")
	}
	m := fill(spec.Message, map[string]string{
		"products": productLines(spec.Products), "date": at.Format("1月2日"), "weekday": weekday(at), "deadline": deadline,
	})
	m.Attachments = append(slices.Clip(m.Attachments), pictures(spec.Products, maxAttached-len(m.Attachments))...)
	return m
}

func weekday(t time.Time) string {
	return "周" + []string{"日", "一", "二", "三", "四", "五", "六"}[t.Weekday()]
}

// fill puts values in the place of placeholders, in the text and in what is read of
// attachments.
func fill(m bot.Message, values map[string]string) bot.Message {
	out := bot.Message{Text: handlers.Fill(m.Text, values), Attachments: slices.Clone(m.Attachments)}
	for i := range out.Attachments {
		a := &out.Attachments[i]
		a.Title, a.Desc = handlers.Fill(a.Title, values), handlers.Fill(a.Desc, values)
	}
	return out
}

// productLines names what is offered, a line each; what is sold out is left out.
func productLines(products []store.Product) string {
	var lines []string
	for _, pr := range products {
		if pr.SoldOut() {
			continue
		}
		line := pr.Name + " " + handlers.Yuan(pr.PriceFen)
		if pr.WasFen > 0 {
			line += "(原价" + handlers.Yuan(pr.WasFen) + ")"
		}
		if pr.Stock != nil {
			line += fmt.Sprintf(" 限%d份", *pr.Stock)
		}
		if pr.Limit > 0 {
			line += fmt.Sprintf(" 每人限%d份", pr.Limit)
		}
		lines = append(lines, line)
	}
	text := strings.Join(lines, "\n")
	if len(lines) > 1 {
		text = "\n" + text
	}
	return text
}

// pictures are those of the products that are not sold out, as many as there is room for.
func pictures(products []store.Product, room int) []bot.Attachment {
	var out []bot.Attachment
	for _, pr := range products {
		if len(out) < room && !pr.SoldOut() && (pr.ImageURL != "" || pr.Media != "") {
			out = append(out, bot.Attachment{Type: bot.AttachImage, ImageURL: pr.ImageURL, Media: pr.Media})
		}
	}
	return out
}

// content writes an occurrence's message for each of some groups.
type content struct {
	message bot.Message
	shops   map[string]store.Shop
	staff   map[string]string // names by user id
	links   string            // the address of a link without its code
	codes   map[string]string // of links, by group; what is not in it gets anyCode
}

// contentFor knows what differs between some groups of an occurrence whose message is m, but
// for the codes of its links.
func (p *Planner) contentFor(r store.Reader, m bot.Message, chats []store.Chat) (content, error) {
	c := content{message: m, shops: map[string]store.Shop{}, staff: map[string]string{}, links: p.links()}
	shops, staff := mentions(m, "store") || mentions(m, "region"), mentions(m, "owner")
	for _, chat := range chats {
		if _, known := c.shops[chat.ShopID]; shops && !known && chat.ShopID != "" {
			shop, err := r.Shop(chat.ShopID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return c, err
			}
			c.shops[chat.ShopID] = shop
		}
		if _, known := c.staff[chat.Owner]; staff && !known && chat.Owner != "" {
			row, err := r.Staff(bot.UserID(chat.Owner))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return c, err
			}
			c.staff[chat.Owner] = row.Name
		}
	}
	return c, nil
}

// For is the message as it goes out in one group. What is not known of the group leaves
// nothing behind. A *handlers.Invalid says why the message cannot go out in this group.
func (c content) For(chat store.Chat) (bot.Message, error) {
	shop := c.shops[chat.ShopID]
	code := cmp.Or(c.codes[chat.ChatID], anyCode)
	m := fill(c.message, map[string]string{"store": shop.Name, "region": shop.Region, "group": chat.Name, "owner": c.staff[chat.Owner], "link": c.links + code})
	m = withLink(m, c.links, code)
	if strings.TrimSpace(m.Text) == "" && len(m.Attachments) == 0 {
		return m, handlers.Invalidf("message.text", "is empty once its placeholders are filled in")
	}
	return m, tooLong(m)
}

// part is what one task posts: a message and the groups that get it.
type part struct {
	message bot.Message
	chats   []store.Chat
}

// parts are the tasks that some groups of one owner need: one for each message, and as many
// as WeCom's limit asks for.
type parts struct {
	list []part
	open map[string]int // the part of a message that still has room
}

func (ps *parts) add(m bot.Message, chat store.Chat) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	i, known := ps.open[string(raw)]
	if !known || len(ps.list[i].chats) == chatsPerTask {
		if ps.open == nil {
			ps.open = map[string]int{}
		}
		i = len(ps.list)
		ps.list, ps.open[string(raw)] = append(ps.list, part{message: m}), i
	}
	ps.list[i].chats = append(ps.list[i].chats, chat)
	return nil
}

// mentions reports whether a message holds a placeholder.
func mentions(m bot.Message, name string) bool {
	name = "{" + name + "}"
	return strings.Contains(m.Text, name) || slices.ContainsFunc(m.Attachments, func(a bot.Attachment) bool {
		return strings.Contains(a.Title, name) || strings.Contains(a.Desc, name)
	})
}

// tooLong refuses a message that exceeds a limit of WeCom's as it goes out.
func tooLong(m bot.Message) error {
	if len(m.Text) > handlers.MaxText {
		return handlers.Invalidf("message.text", "has %d bytes once its placeholders are filled in; WeCom takes at most %d", len(m.Text), handlers.MaxText)
	}
	for i, a := range m.Attachments {
		if err := handlers.CheckAttachment(fmt.Sprintf("message.attachments[%d]", i), a); err != nil {
			return err
		}
	}
	return nil
}

// checkContent refuses what WeCom would refuse, also with the longest names that are known. A
// link of a promotion is the address links with a code behind it.
func checkContent(r store.Reader, spec store.PromotionSpec, zone *time.Location, links string) error {
	if err := checkProducts(spec.Products); err != nil {
		return err
	}
	if err := checkWords(withLink(spec.Message, links, anyCode), "message."); err != nil {
		return err
	}
	if err := checkMedia(r.Media, spec); err != nil {
		return err
	}
	return checkLongest(r, spec, zone, links)
}

// checkWords refuses a message that lacks something or has a placeholder that nothing is
// filled in for; at stands before the names of its fields.
func checkWords(m bot.Message, at string) error {
	if err := handlers.CheckMessage(m, append(placeholders(), "link")); err != nil {
		return handlers.Under(strings.TrimSuffix(at, "."), err)
	}
	for i, a := range m.Attachments {
		for _, f := range [][2]string{{"title", a.Title}, {"desc", a.Desc}} {
			if err := handlers.CheckPlaceholders(fmt.Sprintf("%sattachments[%d].%s", at, i, f[0]), f[1], placeholders()); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkLongest fills a message in with the longest values that are known.
func checkLongest(r store.Reader, spec store.PromotionSpec, zone *time.Location, links string) error {
	names, err := r.LongestNames()
	if err != nil {
		return err
	}
	m := fill(longest(spec, zone), map[string]string{
		"store": names.Shop, "region": names.Region, "group": names.Chat, "owner": names.Staff, "link": links + anyCode,
	})
	return tooLong(withLink(m, links, anyCode))
}

// longest is a message at its longest, as far as it is the same in every group.
func longest(spec store.PromotionSpec, zone *time.Location) bot.Message {
	spec.Products = slices.Clone(spec.Products)
	for i := range spec.Products {
		if spec.Products[i].SoldOut() { // it may come back
			spec.Products[i].Stock = nil
		}
	}
	// Of two digits each, and two days apart, day and deadline are as long as they get.
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, zone)
	return write(spec, at, at.AddDate(0, 0, 2), zone)
}

func checkProducts(products []store.Product) error {
	if len(products) > maxProducts {
		return handlers.Invalidf("products", "has %d; want at most %d", len(products), maxProducts)
	}
	for i, pr := range products {
		if err := checkProduct(fmt.Sprintf("products[%d].", i), pr); err != nil {
			return err
		}
	}
	return nil
}

func checkProduct(at string, pr store.Product) error {
	if pr.Name == "" || len(pr.Name) > maxProductName {
		return handlers.Invalidf(at+"name", "has %d bytes; want 1 to %d", len(pr.Name), maxProductName)
	}
	for _, name := range append(placeholders(), "link") {
		if strings.Contains(pr.Name, "{"+name+"}") {
			return handlers.Invalidf(at+"name", "has the placeholder {%s}, which is not filled in here; write it into message.text", name)
		}
	}
	numbers := []struct {
		name string
		n    int64
	}{{"price_fen", pr.PriceFen}, {"was_fen", pr.WasFen}, {"limit", pr.Limit}}
	if pr.Stock != nil {
		numbers = append(numbers, struct {
			name string
			n    int64
		}{"stock", *pr.Stock})
	}
	for _, f := range numbers {
		if f.n < 0 || f.n > maxPriceFen {
			return handlers.Invalidf(at+f.name, "is %d; want 0 to %d", f.n, maxPriceFen)
		}
	}
	return handlers.CheckURL(at+"image_url", pr.ImageURL, false)
}
