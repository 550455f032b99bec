package moderation

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"xiaobu/store"
)

// What it weighs, as log-odds, that an address comes as a QR code on a picture, where a text
// would have done; the address itself is the detector's matter.
const (
	weighInvitation = 1.5 // to add somebody, or to join a group
	weighAddress    = 0.5 // any other page
)

// invitations are the addresses behind which there is an account or a group, not a page.
var invitations = []string{"u.wechat.com/", "weixin.qq.com/g/", "weixin.qq.com/r/", "work.weixin.qq.com/", "wxwork.qq.com/", "qm.qq.com/", "qun.qq.com/", "jq.qq.com/",
	"t.me/", "telegram.me/", "wa.me/", "line.me/", "qr.dingtalk.com/"}

// foreign are the codes of a message that are not the company's own: customers pass on the
// posters of their shop.
func (m *Moderator) foreign(ctx context.Context, msg FeedMessage) ([]string, error) {
	var out []string
	for _, c := range msg.QR {
		c = strings.TrimSpace(plain(c))
		if own := m.PublicURL; c == "" || own != "" && (c == own || strings.HasPrefix(c, own+"/")) {
			continue
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, nil
	}
	own, err := m.Store.Read(ctx).ChannelContents(out) // drawn by WeCom
	return slices.DeleteFunc(out, func(c string) bool { return slices.Contains(own, c) }), err
}

// aboutCodes says what the codes on a message's picture speak for: the heaviest of them.
// Payments and plain texts are nobody's advertising.
func aboutCodes(codes []string) []store.Reason {
	var out []store.Reason
	for _, c := range codes {
		u, err := url.Parse(c)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.EqualFold(u.Host, "qr.alipay.com") {
			continue
		}
		host := strings.TrimPrefix(strings.ToLower(u.Host), "www.")
		if slices.ContainsFunc(invitations, func(at string) bool { return strings.HasPrefix(host+u.Path, at) }) {
			return []store.Reason{{Check: "qr", Detail: "图片里的二维码是名片或群邀请:" + host, Weight: weighInvitation}}
		}
		out = []store.Reason{{Check: "qr", Detail: "图片里的二维码指向外部网址:" + host, Weight: weighAddress}}
	}
	return out
}
