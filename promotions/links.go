package promotions

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// What has a link of its own in an occurrence.
const (
	PerPromotion = "promotion"
	PerOwner     = "owner" // where nothing is said
	PerStore     = "store"
	PerGroup     = "group"
)

const (
	linkCodeLength = 12 // 60 random bits are not found by trying
	maxLinkURL     = 1000
	anyCode        = "abcdefgh2345" // stands for one that is still to be made
)

// links is the address of this program's links, to which a code is appended.
func (p *Planner) links() string { return p.PublicURL + "/l/" }

// checkLink refuses a link that nothing stands for, or that leads nowhere, and placeholders
// for a link that there is none of. What its address leads to is checkAddresses' matter.
func checkLink(spec store.PromotionSpec, links string) error {
	inURL, inCode := linkMentions(spec.Message)
	if spec.Link == nil {
		if field := cmp.Or(inURL, inCode); field != "" {
			return handlers.Invalidf(field, "has {link} or {code}, and the promotion has no link; want it with a link such as {\"url\":\"https://example.com/sale?from={code}\"}")
		}
		return nil
	}
	l := *spec.Link
	for i, a := range spec.Message.Attachments {
		if strings.Contains(a.URL, "{link}") && a.URL != "{link}" {
			return handlers.Invalidf(fmt.Sprintf("message.attachments[%d].url", i), "has more than {link}; want {link} alone, and the rest in link.url")
		}
	}
	switch {
	case !slices.Contains([]string{"", PerPromotion, PerOwner, PerStore, PerGroup}, l.Per):
		return handlers.Invalidf("link.per", "is %q; want promotion, owner, store or group", l.Per)
	case inURL == "" && inCode == "":
		return handlers.Invalidf("link", "is not used: write {link} into message.text or the url of an attachment, or {code} into the page of a mini-program")
	case l.URL == "" && inURL != "":
		return handlers.Invalidf("link.url", "is empty; want where {link} leads, such as https://example.com/sale?from={code}")
	case l.URL == "":
		return nil // the code alone, for a mini-program
	case len(l.URL) > maxLinkURL:
		return handlers.Invalidf("link.url", "has %d bytes; want at most %d", len(l.URL), maxLinkURL)
	}
	if err := handlers.CheckPlaceholders("link.url", l.URL, []string{"code"}); err != nil {
		return err
	}
	u, err := url.Parse(strings.ReplaceAll(l.URL, "{code}", anyCode))
	if err == nil && strings.Contains(u.Host, anyCode) && !strings.Contains(l.URL, anyCode) {
		return handlers.Invalidf("link.url", "has {code} in the name of the machine; want it behind that, such as https://example.com/sale?from={code}")
	}
	if err == nil && isOurs(u.String(), strings.TrimSuffix(links, "/")) {
		return handlers.Invalidf("link.url", "leads to a link of ours again; want where the customers are to end up")
	}
	return nil
}

// linkHost finds links that no customer can open, for this program is not reached from outside.
func (in *inspection) linkHost() {
	field, _ := linkMentions(in.spec.Message)
	u, err := url.Parse(in.p.PublicURL)
	if field == "" || err == nil && u.Hostname() != "" && !private(plainHost(u.Hostname())) {
		return
	}
	in.add(store.Finding{Code: FindLinkHost, Level: store.Yellow, Field: field, Count: 1,
		Text:   "顾客的手机打不开 {link}:public_url 是 " + in.p.PublicURL + ",只在内部网络里有效;请设为手机能访问的 https 地址。",
		TextEN: "Customers' telephones cannot open {link}: public_url is " + in.p.PublicURL + ", inside a private network; set it to an https address that they reach."})
}

// linkMentions names the first field of a message that holds {link}, and the first that holds
// {code}; empty: none does.
func linkMentions(m bot.Message) (link, code string) {
	if strings.Contains(m.Text, "{link}") {
		link = "message.text"
	}
	for i, a := range m.Attachments {
		at := fmt.Sprintf("message.attachments[%d]", i)
		if link == "" && strings.Contains(a.URL, "{link}") {
			link = at + ".url"
		}
		if code == "" && strings.Contains(a.Page, "{code}") {
			code = at + ".page"
		}
	}
	return link, code
}

// withLink puts a link into the addresses of a message's attachments, and its code into the
// pages of mini-programs, which are opened without the link.
func withLink(m bot.Message, links, code string) bot.Message {
	m.Attachments = slices.Clone(m.Attachments)
	for i := range m.Attachments {
		a := &m.Attachments[i]
		a.URL, a.Page = strings.ReplaceAll(a.URL, "{link}", links+code), strings.ReplaceAll(a.Page, "{code}", code)
	}
	return m
}

// linkTarget is where a code's link leads: the address with the code in it, in the letters
// that may stand in a header.
func linkTarget(address, code string) string {
	address = strings.ReplaceAll(address, "{code}", code)
	if u, err := url.Parse(address); err == nil {
		address = u.String()
	}
	var b strings.Builder
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// linkCodes returns the codes that some groups of an occurrence get, by group; nil where the
// promotion has no link. Codes that are not there yet are made, in the transaction that plans
// the groups: what goes out has its code written down.
func (p *Planner) linkCodes(tx *store.Tx, occ store.Occurrence, chats []store.Chat) (map[string]string, error) {
	spec := occ.Spec.Link
	if spec == nil || len(chats) == 0 {
		return nil, nil
	}
	scopes, links := linksOf(spec.Per, chats)
	known, err := tx.LinksOf(occ.ID, scopes)
	if err != nil {
		return nil, err
	}
	var fresh []store.Link
	codes := map[string]string{} // by scope
	for _, scope := range scopes {
		l := links[scope]
		if old, ok := known[scope]; ok {
			codes[scope] = old.Code
			if shared := inCommon(old, l); shared != old {
				if err := tx.ShareLink(shared); err != nil {
					return nil, err
				}
			}
			continue
		}
		l.Code = strings.ToLower(p.Random()[:linkCodeLength])
		l.PromotionID, l.OccurrenceID, l.Scope, l.URL = occ.PromotionID, occ.ID, scope, linkTarget(spec.URL, l.Code)
		codes[scope], fresh = l.Code, append(fresh, l)
	}
	byGroup := make(map[string]string, len(chats))
	for _, c := range chats {
		byGroup[c.ChatID] = codes[linkScope(spec.Per, c)]
	}
	return byGroup, tx.AddLinks(fresh)
}

// linkScope is what a group's link was made for.
func linkScope(per string, c store.Chat) string {
	switch per {
	case PerPromotion:
		return ""
	case PerStore:
		return c.ShopID
	case PerGroup:
		return c.ChatID
	}
	return c.Owner
}

// linksOf lists the scopes of some groups in their order, and by scope a link that knows what
// its groups have in common.
func linksOf(per string, chats []store.Chat) ([]string, map[string]store.Link) {
	var scopes []string
	links := map[string]store.Link{}
	for _, c := range chats {
		scope := linkScope(per, c)
		l, known := links[scope]
		if !known {
			scopes = append(scopes, scope)
			links[scope] = store.Link{ChatID: c.ChatID, Owner: c.Owner, ShopID: c.ShopID}
			continue
		}
		links[scope] = inCommon(l, store.Link{ChatID: c.ChatID, Owner: c.Owner, ShopID: c.ShopID})
	}
	return scopes, links
}

// inCommon is a link that goes to the groups of another too.
func inCommon(l, other store.Link) store.Link {
	same := func(a *string, b string) {
		if *a != b {
			*a = ""
		}
	}
	same(&l.ChatID, other.ChatID)
	same(&l.Owner, other.Owner)
	same(&l.ShopID, other.ShopID)
	return l
}
