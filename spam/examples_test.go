package spam

import "testing"

// example is an invented message. Check names what it shows; for spam, that check must
// speak. Ham that needs no check because nothing speaks for spam has none.
type example struct {
	check, text string
}

func spamExamples() []example {
	return []example{
		{"lure", "加我微信领红包"},
		{"job", "兼职日结300，加V：abc12345"},
		{"lure", "扫码进群免费领鸡蛋，群满即止"},
		{"documents", "代开发票 联系电话 1380000xxxx"},
		{"job", "诚招宝妈在家刷单，一单一结，日入200-500，微信lmn88888"},
		{"job", "抄小说一单50，秒结，佳薇hjk77889"},
		{"laundering", "跑分车队招人，日结，飞机号 @abcd_99"},
		{"gambling", "棋牌平台上下分，加客服微信 qp77788"},
		{"gambling", "百家乐注册送88彩金，网址 kk88a.top"},
		{"gambling", "开云体育首存送100%，网址 ky99x点com"},
		{"porn", "同城约妹，上门服务，加薇信 mm52099"},
		{"loan", "无抵押贷款，黑户可做，当天放款，电话13900001111"},
		{"documents", "办假证刻章，学历文凭可查，电话 18800001111"},
		{"documents", "专业代考，不过退款，QQ 778899001"},
		{"contraband", "高仿名包，一比一复刻，加微信 bag16888"},
		{"contraband", "免税香烟批发，支持货到付款，加V yan55566"},
		{"boosting", "抖音涨粉，自助下单 http://dd9k.xyz"},
		{"boosting", "出售王者荣耀账号，v8贵族，代练，加QQ778899001"},
		{"investment", "荐股老师免费带，进群看内部票，Q群 778899001"},
		{"scam", "内部优惠券群，返利群，先领券再购物，微信扫码进群"},
		{"trade", "大量出售金币，1比50，要的滴滴"},
		{"trade", "低价出售激活码，要的私聊，走平台"},
		{"partner", "招代理，零门槛，货源充足，一件代发，加微信hjk77889了解"},
		{"add", "想做兼职的加我，日结，微信hjk77889"},
		{"private", "在家刷单，日入300，需要的私聊"},
		{"profile", "美女上门，全国可飞，看我头像"},
		{"group", "拉你进群，群里天天发红包，扫码进群"},
		{"group", "免费送苹果手机，进群就领，群号 778899001"},
		{"link", "新人福利，注册链接 http://hb66x.vip，免费领现金红包"},
		{"contact", "代写论文，薇❤ abc6688"},
		{"contact", "贷款秒批，企鹅号 七七八八九九零零一"},
		{"scarcity", "亲们加我V信 zxc99881 免费领面膜，名额有限"},
		{"tone", "股票开户，低佣金，非诚勿扰，微信 gp778899"},
		{"takers", "代开各类发票，需要的私聊"},
		{"disguise", "今天大家在聊什么呢，兼*职刷*单，加薇hjk77889"},
		{"disguise", "ⓥⓧ：ⓗⓙⓚ77889 刷单返佣任务"},
		{"repeat", "刷单刷单刷单，加微信 hjk77889"},
		{"topic-contact", "征信花也能做，无视负债，联系电话13900001111"},
	}
}

func hamExamples() []example {
	return []example{
		{"shopping", "鸡蛋多少钱一盒"},
		{"shopping", "我要两份，送到3号楼"},
		{"complaint", "你们的菜不新鲜，我要退款，再这样我就投诉了"},
		{"protest", "商家刷好评骗人，我要投诉到12315，我的电话13800001111"},
		{"protest", "客服让我加微信abc12345，钱转了不发货，我要举报"},
		{"complaint", "我要退款。客服一直不接。之前让我加微信abc12345。结果什么都没寄"},
		{"complaint", "买到高仿的，退款，还不承认"},
		{"warning", "大家别信刷单兼职，都是骗人的"},
		{"warning", "群里有人发刷单广告，管理员管管"},
		{"question", "老板微信支付可以吗"},
		{"question", "能开发票吗，抬头是公司"},
		{"question", "你们店招人吗，日结还是月结"},
		{"payment", "收款码发一下，微信转你"},
		{"added", "我加了你微信了，麻烦通过一下"},
		{"added", "我微信号 wang8899，老板加一下我发定位"},
		{"delivery", "我的电话13800001111，到了放门口"},
		{"delivery", "取件码 8-3-2211，帮我拿一下"},
		{"delivery", "加我微信13800001111，我把收货地址发你"},
		{"order-list", "接龙 草莓\n1. 张姐 2盒 13800001111\n2. 李哥 1盒 13900002222\n3. 3号楼 4盒"},
		{"order-list", "1、佳薇 13800001111 两份\n2、家伟 13900002222 一份\n3、老王 加我一个"},
		{"wanted", "出闲置婴儿车，九成新，要的私聊"},
		{"wanted", "谁家有葱借一根，私聊我"},
		{"thanks", "谢谢老板，辛苦了"},
		{"short", "私聊"},
		{"", "加我一个，我也要"},
		{"", "团长把我拉进群吧"},
		{"", "加喂猫粮"},
		{"", "红薯和菠菜明天有吗"},
		{"", "骑手在路口交给我就行"},
		{"", "番茄我要，上衣加裙子也要"},
		{"", "会员卡接龙在哪"},
		{"", "花呗能取消分期吗"},
		{"", "各位邻居，西瓜到货，19.9一个，数量不多先到先得，需要的接龙，3号楼自提"},
		{"", "会员日全场立减，充200送20，门店自提再送小礼品"},
		{"", "新客首单立减10元，老客带新客各送5元券"},
		{"", "http://m.tb.cn/h.abc 这个跟店里的一样吗"},
		{"", "✨今天✨的✨草莓✨好甜✨"},
		{"", "太 好 吃 了 吧 ， 老 板 微 信 收 款 吗"},
		{"", "𝓗𝓪𝓹𝓹𝔂 birthday 小宝"},
		{"", "1,2,3,4,5,6,7 上山打老虎"},
	}
}

func TestEveryExampleOfSpamIsSpamAndItsCheckSaysSo(t *testing.T) {
	d := New()
	for _, e := range spamExamples() {
		v := d.Check(e.text)
		if v.Verdict != Spam {
			t.Errorf("%q is %s (%.2f): %+v", e.text, v.Verdict, v.Score, v.Reasons)
		}
		if !speaks(v, e.check, +1) {
			t.Errorf("%q: check %s does not speak for spam: %+v", e.text, e.check, v.Reasons)
		}
	}
}

func TestEveryExampleOfHamIsHam(t *testing.T) {
	d := New()
	for _, e := range hamExamples() {
		v := d.Check(e.text)
		if v.Verdict != Ham {
			t.Errorf("%q is %s (%.2f): %+v", e.text, v.Verdict, v.Score, v.Reasons)
		}
	}
}

// Where nothing speaks for spam there is nothing to speak against, so the excuses are
// shown on messages that would be something else without them.
func TestEveryExcuseSpeaksAgainst(t *testing.T) {
	d := New()
	for _, e := range []example{
		{"order-list", "接龙 加我好友\n1. 张姐"},
		{"complaint", "退款！加我微信abc12345"},
		{"protest", "投诉你们，加我微信abc12345"},
		{"warning", "小心被骗，那个刷单的"},
		{"question", "可以私加吗，加微信行吗"},
		{"shopping", "一箱苹果，加我"},
		{"delivery", "收货地址发你，加我微信abc12345"},
		{"added", "麻烦加我一下，加我微信abc12345"},
		{"payment", "加我微信，转你"},
		{"wanted", "求推荐月嫂，私聊我"},
		{"short", "加我"},
		{"thanks", "招聘，谢谢"},
	} {
		if v := d.Check(e.text); !speaks(v, e.check, -1) {
			t.Errorf("%q: check %s does not speak against: %+v", e.text, e.check, v.Reasons)
		}
	}
}

func TestEveryCheckHasAnExample(t *testing.T) {
	shown := map[string]bool{}
	for _, e := range append(spamExamples(), hamExamples()...) {
		shown[e.check] = true
	}
	for _, c := range newChecks() {
		if !shown[c.name] {
			t.Errorf("no example shows check %s", c.name)
		}
	}
}

// speaks tells whether a check speaks in v, for spam (+1) or against it (-1).
func speaks(v Verdict, check string, sign float64) bool {
	for _, r := range v.Reasons {
		if r.Check == check && r.Weight*sign > 0 {
			return true
		}
	}
	return false
}
