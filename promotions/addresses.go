package promotions

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"xiaobu/handlers"
	"xiaobu/store"
)

// address is a web address that customers are to open, and where it stands.
type address struct{ field, url string }

// addresses are all web addresses of a promotion, those in its text included.
func addresses(spec store.PromotionSpec) []address {
	var out []address
	add := func(field, raw string) {
		if raw != "" {
			out = append(out, address{field, raw})
		}
	}
	for _, found := range inText.FindAllString(spec.Message.Text, -1) {
		add("message.text", strings.TrimRight(found, ".,;:!?)]'"))
	}
	for i, a := range spec.Message.Attachments {
		at := fmt.Sprintf("message.attachments[%d]", i)
		add(at+".url", a.URL)
		add(at+".image_url", a.ImageURL)
	}
	for i, pr := range spec.Products {
		add(fmt.Sprintf("products[%d].image_url", i), pr.ImageURL)
	}
	if spec.Link != nil {
		add("link.url", strings.ReplaceAll(spec.Link.URL, "{code}", anyCode))
	}
	return out
}

// inText finds what a telephone makes a link of.
var inText = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"{}\x{3000}-\x{303F}\x{FF00}-\x{FF0F}\x{FF1A}-\x{FF20}]+`)

// checkAddresses refuses web addresses that no customer can open, or that lead into the
// company's own network. What is under own, where this program is reached from outside, is
// left alone.
func checkAddresses(spec store.PromotionSpec, own string) error {
	for _, a := range addresses(spec) {
		if strings.Contains(a.url, "{link}") || isOurs(a.url, own) {
			continue
		}
		if why := unusable(a.url); why != "" {
			return handlers.Invalidf(a.field, "%s", why)
		}
	}
	return nil
}

// isOurs reports whether an address is one of this program's own.
func isOurs(raw, own string) bool {
	u, err := url.Parse(raw)
	o, wrong := url.Parse(own)
	if err != nil || wrong != nil || o.Host == "" || u.User != nil || u.Scheme != o.Scheme || !strings.EqualFold(u.Host, o.Host) {
		return false
	}
	return o.Path == "" || u.Path == o.Path || strings.HasPrefix(u.Path, o.Path+"/")
}

// unusable says why customers cannot use an address; empty: nothing is wrong with it.
func unusable(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "is no web address; want one such as https://example.com/sale"
	case u.User != nil:
		return "carries a user name or password, which everybody would see; want one such as https://example.com/sale"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has no port from 1 to 65535"
		}
	}
	host := plainHost(u.Hostname())
	if host == "" {
		return "is no web address; want one such as https://example.com/sale"
	}
	if private(host) {
		return fmt.Sprintf("leads to %s, which is inside a private network; want an address that customers' telephones can open", host)
	}
	return ""
}

// plainHost is a host as browsers read it: full-width letters and dots are plain ones; other
// signs that may stand for digits make it empty.
func plainHost(host string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(host) {
		switch {
		case r == '。' || r == '．' || r == '｡':
			r = '.'
		case r >= '！' && r <= '～':
			r = unicode.ToLower(r - '！' + '!')
		case r > unicode.MaxASCII && (unicode.IsNumber(r) || !unicode.IsLetter(r) && !unicode.IsMark(r)):
			return ""
		}
		b.WriteRune(r)
	}
	return strings.TrimSuffix(b.String(), ".")
}

// insideNames are the ends of names that only a private network knows, and a name without a
// dot is one of its machines.
var insideNames = []string{".localhost", ".local", ".internal", ".intranet", ".lan", ".corp", ".home", ".private", ".home.arpa", ".localdomain"}

// private reports whether a host is inside a private network, as far as its name tells.
func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return !public(ip)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host {
		return true
	}
	// Browsers take 127.1, 0x7f.0.0.1 and 0177.0.0.1 for addresses, and so for a disguise.
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return true
	}
	for _, end := range insideNames {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

// notPublic are the addresses that the net package knows no word for.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fec0::/10"),
}

// carriers are the IPv6 addresses that hold one of IPv4, and where in them.
var carriers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, {netip.MustParsePrefix("64:ff9b:1::/48"), 12}, {netip.MustParsePrefix("2002::/16"), 2}, {netip.MustParsePrefix("::/96"), 12},
}

// public reports whether everybody can reach an address.
func public(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false // loopback, link-local, multicast and unspecified are no global unicast
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	for _, c := range carriers {
		if c.prefix.Contains(ip) {
			raw := ip.As16()
			return public(netip.AddrFrom4([4]byte(raw[c.at : c.at+4])))
		}
	}
	return true
}
