package moderation

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"xiaobu/store"
)

// What a QR code on a picture weighs, as log-odds.
const (
	weighInvitation = 3 // to add somebody, or to join a group
	weighAddress    = 1 // any other page
)

// invitations are the addresses behind which there is an account or a group, not a page.
var invitations = []string{"u.wechat.com/", "weixin.qq.com/g/", "weixin.qq.com/r/", "work.weixin.qq.com/", "wxwork.qq.com/", "qm.qq.com/", "qun.qq.com/", "jq.qq.com/",
	"t.me/", "telegram.me/", "wa.me/", "line.me/", "qr.dingtalk.com/"}

// codesOf are the addresses in the QR codes of a message that lead away: this program's own
// codes, payments and plain texts are nobody's advertising.
func (m *Moderator) codesOf(msg FeedMessage) []string {
	var out []string
	for _, c := range msg.QR {
		u, err := url.Parse(strings.TrimSpace(plain(c)))
		if err == nil {
			u.Host = strings.ToLower(u.Host)
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Host == "qr.alipay.com" {
			continue
		}
		if own := m.PublicURL; own != "" && (u.String() == own || strings.HasPrefix(u.String(), own+"/")) {
			continue
		}
		out = append(out, u.String())
	}
	return out
}

// withoutOwn takes out of messages the codes that WeCom made for this company's channels:
// customers pass on the posters of their shop.
func withoutOwn(r store.Reader, msgs []heard) error {
	var all []string
	for _, msg := range msgs {
		all = append(all, msg.codes...)
	}
	if len(all) == 0 {
		return nil
	}
	own, err := r.ChannelContents(all)
	if err != nil {
		return err
	}
	for i := range msgs {
		msgs[i].codes = slices.DeleteFunc(slices.Clone(msgs[i].codes), func(c string) bool { return slices.Contains(own, c) })
	}
	return nil
}

// aboutCodes says what the QR codes on a message's picture speak for: the heaviest of them.
func aboutCodes(codes []string) []store.Reason {
	if len(codes) == 0 {
		return nil
	}
	for _, c := range codes {
		_, address, _ := strings.Cut(c, "://")
		for _, at := range invitations {
			if strings.HasPrefix(strings.TrimPrefix(address, "www."), at) {
				return []store.Reason{{Check: "qr", Detail: "图片里的二维码是名片或群邀请:" + strings.TrimSuffix(at, "/"), Weight: weighInvitation}}
			}
		}
	}
	u, _ := url.Parse(codes[0]) // was parsed before
	return []store.Reason{{Check: "qr", Detail: fmt.Sprintf("图片里的二维码指向外部网址:%s", u.Host), Weight: weighAddress}}
}
