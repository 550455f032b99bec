package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"xiaobu/spam/evade"
)

// campaigns are what spammers advertise, in several wordings each; %s is an account. All were
// made up for this test.
func campaigns() [][]string {
	return [][]string{
		{"在家就能做的手工活,工资日结,加微信 %s 领取材料", "宝妈兼职了解一下,一单一结,不用押金,加V:%s", "招点赞员,动动手指一天一百多,想做的联系微信%s"},
		{"急用钱找我,身份证就能下款,当天到账,微信 %s", "信用贷款五万起,黑户也能办,加微信%s咨询", "低息借款,不看征信,需要的加V %s"},
		{"好友建了个免费领券群,每天十块无门槛,扫码或加微信 %s 拉你进群", "进群领红包,外卖券天天发,加V:%s 拉群", "想要内部优惠券的加我微信%s,拉你进福利群"},
		{"原单名牌包包,一比一,专柜验货,看货加微信 %s", "高仿手表鞋子,支持退换,加V %s 看图", "厂家直供大牌尾货,微信%s,一件代发"},
		{"跟着老师买,上周三只涨停,想要代码加微信 %s", "免费荐股,每天盘前推送牛股,加V:%s 进交流群", "股票被套的联系我,专业老师带你回本,微信 %s"},
		{"注册就送彩金,提现秒到,加微信%s 领取", "百家乐新平台,首充翻倍,V:%s", "带你玩彩票计划,稳赚不赔,加微信 %s"},
		{"各种口味电子烟,货到付款,加微信 %s", "外烟批发,假一赔十,V:%s 看价格", "低价香烟,整条包邮,微信%s"},
		{"专业刷粉刷赞,抖音快手都能做,加微信 %s", "代开各类发票,真实可查,微信%s", "收购闲置微信号,高价秒结,加V:%s"},
	}
}

// retail is what customers of a shop say; %d is a number.
func retail() []string {
	return []string{
		"鸡蛋还有吗,要%d盒", "收到,谢谢老板", "我住%d号楼,下午在家", "今天的青菜很新鲜", "门店几点关门", "明天还有这个价吗?我下班才能过去",
		"我订的%d份水饺什么时候到", "好的", "已付款,麻烦查一下", "草莓多少钱一斤", "能送到%d栋吗", "谢谢店长,东西收到了", "苹果%d斤,香蕉两斤,一起送",
		"早上好", "大家周末愉快", "今天天气真冷,出门多穿点", "这个牛奶保质期到什么时候", "我要%d箱,给我留着", "请问会员卡怎么办", "排骨还有没有,要%d斤",
		"刚去店里没找到,放哪了", "下雨了,晚点再去取", "谁家的快递放错到%d单元了", "孩子喜欢吃这个饼干,还会进货吗", "不好意思群里问一下,附近哪里配钥匙",
		"店长,我的积分怎么少了", "昨天那个橙子好甜,再来%d斤", "麻烦帮我改成明天送", "微信转给你了,收一下", "店里电话多少?打不通", "有没有人一起拼单,还差%d件",
		"#接龙\n今日水果团\n1. 王姐 苹果%d斤\n2. 小李 香蕉2把\n3. 3号楼张阿姨 橙子1箱", "接龙订早餐:\n1、%d栋502 豆浆2杯\n2、老周 油条3根", "+1", "我也要%d份", "取件码是%d-2-1008,麻烦帮拿一下",
		"今天做活动的洗衣液是多大瓶的", "刚看到,报名来得及吗", "物业通知明天停水,大家存点水", "这个券怎么用,点开显示过期", "群主辛苦了", "油买一送一是真的吗?我要%d桶",
	}
}

// grievances are complaints and dissent.
func grievances() []string {
	return []string{
		"买的鸡蛋坏了三个,要求退款", "活动价和收银的价不一样,你们这是欺骗消费者,我要投诉", "菜都烂了还卖给人,退钱", "不处理我就打12315投诉", "说好送货上门的,等了两天没人管,太差劲了,给我退款",
		"称少了三两,必须给个说法,不然投诉你们",
	}
}

// announcements are what staff post, which reads like advertising.
func announcements() []string {
	return []string{
		"今日特价:鸡蛋30枚9.9元,限量%d份,先到先得!需要的加店长微信 dianzhang%d 预订", "会员日全场八折,扫码进会员群领红包,仅限今天%d点前", "新店开业,充%d送50,扫码加企业微信领券",
		"急招收银员%d名,工资月结,有意向私聊店长",
	}
}

// wordsOf draws what is said.
type wordsOf struct {
	rng   *rand.Rand
	evade *evade.Generator
}

func (w *wordsOf) one(of []string) string {
	text := of[w.rng.IntN(len(of))]
	for strings.Contains(text, "%d") {
		text = strings.Replace(text, "%d", fmt.Sprint(1+w.rng.IntN(30)), 1)
	}
	return text
}

// harmless is what a member says; a third of it is decorated.
func (w *wordsOf) harmless() (text string, complaint bool) {
	of, complaint := retail(), w.rng.IntN(100) == 0
	if complaint {
		of = grievances()
	}
	text = w.one(of)
	if w.rng.IntN(3) == 0 {
		kinds := evade.Decorations()
		text, _ = w.evade.Decorate(w.rng, kinds[w.rng.IntN(len(kinds))], text)
	}
	return text, complaint
}

// advert is a variation of a campaign; two thirds are disguised.
func (w *wordsOf) advert(campaign []string, account string) string {
	text := fmt.Sprintf(campaign[w.rng.IntN(len(campaign))], account)
	if w.rng.IntN(3) > 0 {
		kinds := evade.Kinds()
		text, _ = w.evade.Evade(w.rng, kinds[w.rng.IntN(len(kinds))], text)
	}
	return text
}
