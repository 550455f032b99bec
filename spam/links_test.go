package spam

import "testing"

func TestLinksAreReadAndWhatTheyAreFor(t *testing.T) {
	d := New()
	for _, c := range []struct {
		text      string
		want, not signal
	}{
		{"看这个 t.cn/R7abcde", sigLink, sigOddLink},
		{"b23.tv/abc123", sigLink, sigOddLink},
		{"https://url.cn/5abcd", sigLink, sigOddLink},
		{"http://3.cn/1-abcd", sigLink, sigOddLink},
		{"https://m.tb.cn/h.5abc", sigLink, sigOddLink},
		{"https://item.taobao.com/item.htm?id=1", 0, sigLink | sigOddLink},
		{"https://dwz.cn/abc12", sigOddLink, 0},
		{"suo.im/5xyz9", sigOddLink, 0},
		{"https://t.me/abcgroup", sigOddLink, 0},
		{"t点me/abcgroup", sigOddLink, 0},
		{"abc点com", sigOddLink, 0},
		{"www 。 abc123 。com", sigOddLink, 0},
		{"hot-deals.com", sigLink, sigOddLink},
		{"abc123.com.cn", sigLink, sigOddLink},
		{"taobao.com.cn", 0, sigLink},
		{"abcd.tk", sigOddLink, 0},
		{"https://weixin.qq.com/g/AwYAAAbcd", sigGroup | sigLink, sigToken},
		{"https://qm.qq.com/q/abcdef", sigGroup | sigLink, 0},
		{"https://u.wechat.com/EAbcdefg", sigAdd | sigLink, 0},
		{"https://work.weixin.qq.com/gm/abcdef", sigGroup | sigLink, 0},
		{"https://work.weixin.qq.com/ca/abcdef", sigAdd | sigLink, 0},
		{"https://mp.weixin.qq.com/s/abcdef", 0, sigLink | sigGroup | sigAdd},
		{"wxp://f2f0abcd", 0, sigLink},
		{"a@hot-deals.com", 0, sigLink},
		{"今天18.8元一斤", 0, sigLink},
		{"下午3点come on", 0, sigLink},
	} {
		if got := tokensOf(t, d, c.text); got&c.want != c.want || got&c.not != 0 {
			t.Errorf("%q gives %b, want %b and not %b", c.text, got, c.want, c.not)
		}
	}
}

func TestOneCharacterMayNameTheMedium(t *testing.T) {
	d := New()
	for text, want := range map[string]bool{
		"扣778899001": true, "扣 778899001": true, "薇：13800001111": true, "飞机@abcde1": true, "加卫星 abc12345": true,
		"家薇13800001111": false, "扣5分": false, "扣12345": false, "折扣后88元": false,
	} {
		if got := tokensOf(t, d, text)&(sigToken|sigHandle) != 0; got != want {
			t.Errorf("%q gives an account: %v, want %v", text, got, want)
		}
	}
}

func TestWhatAMessageCarriesIsJudgedToo(t *testing.T) {
	d := New()
	if v := d.CheckWith("大家看看", "https://hot7788.top/?code=abc", "注册送88元"); v.Verdict == Ham {
		t.Errorf("ham: %+v", v)
	}
	if v := d.CheckWith("今天的草莓", "接龙 草莓", "https://item.jd.com/1.html"); v.Verdict != Ham {
		t.Errorf("%s: %+v", v.Verdict, v)
	}
	for _, r := range d.CheckWith("加我微信abc12345", "兼职日结 加我微信abc12345").Reasons {
		for _, s := range r.Spans {
			if s.End > len("加我微信abc12345") {
				t.Errorf("%s points behind the text: %+v", r.Check, s)
			}
		}
	}
	if one, two := d.Check("兼职日结"), d.CheckWith("兼职日结"); one.Score != two.Score {
		t.Errorf("nothing carried: %v, alone %v", two.Score, one.Score)
	}
}

// What is said in a shop's group about goods, couriers and money is nobody's advertisement.
func TestNumbersAndLinksOfAShopAreHarmless(t *testing.T) {
	d := New()
	for _, text := range []string{
		"店里电话 021-65432100，有事打这个", "送货师傅电话13800001111，到了会打给您", "取件码 8-3-2211 和 5-1-0098", "顺丰SF1234567890123，明天到",
		"圆通 YT8812345678901 还没动", "草莓29.9一盒，两盒55", "满49减5，满99减15", "https://shop.youzan.com/goods/1 下单这里", "小程序里搜店名就能下单",
		"退款原路返回，1-3个工作日到账", "收货人 阿珍 13900002222 3栋502", "发票抬头 上海某某公司 税号91310000MA1K000000", "车牌沪A12345 麻烦挪一下",
		"wifi密码 abc12345", "快递单号 773012345678901 帮我查一下", "会员号 88001234 查下积分", "美团核销码 123456789012",
	} {
		if v := d.Check(text); v.Verdict != Ham {
			t.Errorf("%q is %s (%.2f): %+v", text, v.Verdict, v.Score, v.Reasons)
		}
	}
}
