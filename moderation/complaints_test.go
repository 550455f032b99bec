package moderation

import (
	"testing"

	"xiaobu/spam"
	"xiaobu/store"
)

func TestComplaintsAreForPeopleAndAdvertsInTheirCoatAreNot(t *testing.T) {
	m := &Moderator{Detector: spam.New()}
	for _, c := range []struct {
		text, kind string
	}{
		{"鸡蛋坏了三个,我要退款", store.TicketRefund},
		{"昨天买的牛奶过期了,再不处理我就打12315投诉你们", store.TicketComplaint},
		{"你们这是诈骗!退钱!给我打电话13812345678", store.TicketRefund},
		{"订单 https://shop.example.com/order/8821 三天没发货,投诉", store.TicketComplaint},
		{"态度太差了,加店长微信也不理我,我要投诉", store.TicketComplaint},
		{"卖的是高仿假货,退一赔三,我电话13912345678", store.TicketRefund},
		{"大家别买他家水果,比超市还贵", store.TicketDissent},
		{"好评都是刷单刷出来的,黑店,避雷", store.TicketDissent},
		{"快递把我的米送错楼了,没人管,你们打我电话13700001111", store.TicketComplaint},

		{"投诉没人理?兼职日结300,加V:abc12345", ""},
		{"退款 兼职刷单一单一结,日结300,加微信abc12345", ""},
		{"投诉举报维权,在家兼职日结三百,电话13812345678,名额有限", ""},
		{"不退款包赔,百家乐开户送彩金 http://abc888.vip/reg", ""},
		{"我要投诉!代开发票加微信fp66888", ""},
		{"再也不来了。\n招刷单兼职,日结500,加Q 34567890", ""},
		{"鸡蛋多少钱一盒", ""},
		{"什么时候退款到账,谢谢", store.TicketRefund},
		{"本店支持七天无理由", ""},
	} {
		v := m.Detector.Check(c.text)
		got, kind := m.heed(c.text, v)
		if kind != c.kind {
			t.Errorf("%q is %q, want %q: %v", c.text, kind, c.kind, got)
		}
		if c.kind == "" && spam.Label(got.Verdict) == spam.Ham && v.Verdict != got.Verdict {
			t.Errorf("%q got milder: %v", c.text, got)
		}
	}
	advert := "投诉举报维权,在家兼职日结三百,电话13812345678,名额有限"
	if v, _ := m.heed(advert, m.Detector.Check(advert)); v.Verdict != spam.Spam {
		t.Errorf("an advertisement hides behind a complaint: %+v", v)
	}
}
