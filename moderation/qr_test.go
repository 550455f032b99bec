package moderation

import (
	"context"
	"strings"
	"testing"

	"xiaobu/store"
)

func TestCodesOnPicturesAreWeighed(t *testing.T) {
	h := newDesk(t)
	h.PublicURL = "https://bot.example.cn"
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		ch := store.Channel{Name: "c", Kind: store.ChannelGroup, State: "xb1", Status: store.ChannelMaking}
		if err := tx.AddChannel(&ch); err != nil {
			return err
		}
		return tx.PutChannelPicture(store.ChannelPicture{ChannelID: ch.ID, Address: "a", Content: "https://work.weixin.qq.com/gm/ours"})
	}))
	for i, c := range []struct {
		code   string
		weight float64
	}{
		{"https://weixin.qq.com/g/AwYAAexample", weighInvitation},
		{"HTTPS://U.WECHAT.COM/abcdef", weighInvitation},
		{"http://www.t.me/somebody", weighInvitation},
		{"https://work.weixin.qq.com/gm/theirs", weighInvitation},
		{"https://abc.example.top/go?u=1", weighAddress},
		{"https://work.weixin.qq.com/gm/ours", 0},
		{"https://bot.example.cn/q/abc", 0},
		{"https://bot.example.cn.evil.top/q/abc", weighAddress},
		{"wxp://f2f0example", 0},
		{"https://qr.alipay.com/fkx1", 0},
		{"6901234567892", 0},
		{"取件码 3-2-1001", 0},
		{"https://%zz", 0},
		{"", 0},
	} {
		a := h.judge(FeedMessage{MessageID: string(rune('a' + i)), Chat: g1, Sender: customer(i).ID, Type: "image", QR: []string{c.code}})
		weight := 0.0
		for _, r := range a.Reasons {
			if r.Check == "qr" {
				weight += r.Weight
			}
		}
		if weight != c.weight || weight == 0 && a.Action != ActNone {
			t.Errorf("%q weighs %v, want %v: %+v", c.code, weight, c.weight, a)
		}
		if m, err := h.store.Read(context.Background()).Message(string(rune('a' + i))); err != nil || !strings.Contains(m.Text, c.code) {
			t.Errorf("%q is not in what was kept: %+v %v", c.code, m, err)
		}
	}
}
