package spam

import (
	"fmt"
	"math/bits"
)

// check is one named thing to look at. Its rules are looked through and the heaviest of
// those that hold is what the check says.
type check struct {
	name  string
	rules []rule
}

// rule holds in a window in which all of all, at least one of any, at least one of with
// and none of not are found. Empty sets ask for nothing.
type rule struct {
	weight float64
	all    signal
	any    signal
	with   signal
	not    signal
	detail string
}

func (r *rule) holds(sigs signal) bool {
	return sigs&r.all == r.all && (r.any == 0 || sigs&r.any != 0) && (r.with == 0 || sigs&r.with != 0) && sigs&r.not == 0
}

// key tells the rules of a check apart by what they ask for.
func (r *rule) key() string {
	return fmt.Sprintf("%x %x %x %x", uint64(r.all), uint64(r.any), uint64(r.with), uint64(r.not))
}

func trailing(s signal) int { return bits.TrailingZeros64(uint64(s)) }

// newChecks is the table of checks, in the order in which an operator wants to read them.
func newChecks() []check {
	var all []check
	all = append(all, topicChecks()...)
	all = append(all, contactChecks()...)
	all = append(all, mixedChecks()...)
	return append(all, excuseChecks()...)
}

// topicChecks ask what a window is about.
func topicChecks() []check {
	return []check{
		{"job", []rule{
			{4.2, sigJob, sigPay | sigEarn | sigRate | anyPrivate | anyAdd | sigTakers | sigToken | sigTone, 0, 0, "网络兼职、刷单、代发类广告，并许诺报酬或招人"},
			{4.0, sigJob, 0, 0, 0, "提到刷单、代发、网络兼职"},
			{3.4, sigWork, sigPay, 0, 0, "招兼职并许诺日结或佣金"},
			{3.0, sigWork | sigEarn, 0, 0, 0, "以高收入招人做项目或副业"},
			{3.0, sigWork | sigRate, 0, 0, 0, "招人做事并按单、按天给钱"},
			{3.0, 0, sigRate | sigEarn, sigTakers | sigPrivate | sigAdd | anyVeiled, 0, "许诺收入并招人联系"},
			{3.0, sigPay, sigEarn | sigRate, 0, 0, "许诺按单、按天结算的收入"},
			{1.6, 0, sigPay | sigEarn, 0, 0, "许诺收入或当日结算"},
			{1.0, sigWork, 0, 0, 0, "提到兼职、招聘或项目"},
		}},
		{"laundering", []rule{
			{4.6, sigLaunder, 0, 0, 0, "跑分、洗钱、收卡租号类黑产用语"},
		}},
		{"gambling", []rule{
			{5.0, sigGamble | sigBonus, 0, 0, 0, "赌博平台及其充值送钱的招揽"},
			{4.2, sigGamble, 0, 0, 0, "赌博、彩票计划类用语"},
			{4.0, sigBonus, 0, 0, 0, "注册、充值送钱的招揽"},
		}},
		{"porn", []rule{
			{4.6, sigPorn, 0, 0, 0, "色情内容或色情服务用语"},
			{2.8, sigFlesh | sigProfile, 0, 0, 0, "以美女、视频引人看名字或主页"},
			{2.6, sigFlesh, anyVeiled | sigToken, 0, 0, "以美女、视频引人加联系方式"},
		}},
		{"loan", []rule{
			{4.2, sigLoan, 0, 0, 0, "放贷、套现、征信类广告用语"},
			{1.6, sigCredit, sigTone | sigPartner | anyPrivate | anyAdd | sigToken | sigPhone, 0, sigShopping, "提到贷款、信用卡并留联系方式"},
		}},
		{"documents", []rule{{4.4, sigDocs, 0, 0, 0, "代开发票、办证、代考类广告用语"}}},
		{"contraband", []rule{{4.2, sigFake, 0, 0, 0, "高仿、烟草、外挂等违禁品用语"}}},
		{"boosting", []rule{{4.0, sigBoost, 0, 0, 0, "刷量、引流、代练、账号买卖类用语"}}},
		{"investment", []rule{{4.2, sigStock, 0, 0, 0, "荐股、喊单、高收益投资类用语"}}},
		{"scam", []rule{{4.2, sigScam, 0, 0, 0, "理赔、中奖、返利群类骗局用语"}}},
		{"trade", []rule{
			{5.2, sigTrade | sigGoods, sigTakers | anyPrivate | anyAdd | sigToken | sigRatio | sigTone, 0, 0, "买卖游戏币、账号的广告"},
			{5.0, sigOffer | sigGoods, sigTakers | anyPrivate | anyAdd | sigToken | sigRatio, 0, 0, "买卖游戏币、账号的广告"},
			{3.4, sigGoods, sigRatio, 0, 0, "按比例买卖游戏币"},
			{4.2, sigTrade | sigGoods, 0, 0, 0, "买卖游戏币、账号"},
			{2.0, 0, sigTrade | sigOffer, sigTakers | anyPrivate | anyAdd | sigToken, sigShopping, "收购、出售并招人联系"},
			{1.6, sigTrade, 0, 0, sigShopping, "收购、出售、批发类用语"},
		}},
	}
}

// contactChecks ask how the reader is to get in touch.
func contactChecks() []check {
	return []check{
		{"contact", []rule{
			{4.6, sigToken, anyVeiled, 0, 0, "用改写过的词留下微信、QQ等账号"},
			{3.4, sigToken | sigVeiledDigits, 0, 0, 0, "用改写过的数字留下账号"},
			{3.0, sigToken | sigWechat, 0, 0, 0, "留下微信号"},
			{3.0, sigToken | sigQQ, 0, 0, 0, "留下QQ号"},
			{3.0, sigToken | sigMessenger, 0, 0, 0, "留下境外聊天软件的账号"},
			{3.0, sigToken, 0, 0, 0, "留下微信、QQ等账号"},
			{2.6, 0, sigWechatVeiled | sigQQVeiled, 0, 0, "把微信、QQ写成谐音或图形"},
			{2.2, sigPhone | sigVeiledDigits, 0, 0, 0, "用改写过的数字留下电话"},
			{2.0, sigMessenger, 0, 0, 0, "引向境外聊天软件"},
			{1.0, sigPhone, 0, 0, 0, "留下电话号码"},
			{2.2, sigHandle, sigTone | sigPartner | sigTrade | sigReach | anyTopic | anyLure, 0, 0, "广告后留下账号"},
			{0.8, sigHandle, 0, 0, 0, "提到账号"},
		}},
		{"add", []rule{
			{4.0, sigAddVeiled, 0, 0, 0, "用谐音要求加好友"},
			{2.6, sigAdd | sigToken, 0, 0, 0, "要求加好友并给出账号"},
			{2.8, sigAdd | sigTakers, 0, 0, sigShopping, "要有需要的人加好友"},
			{2.4, sigAdd, sigTakers | sigQR | sigPhone | sigNumber, 0, 0, "要求加好友"},
			{1.8, sigAdd, 0, 0, 0, "要求加好友"},
		}},
		{"private", []rule{
			{4.0, sigPrivateVeiled, 0, 0, 0, "用谐音要求私聊"},
			{4.0, sigPrivate | sigTakers, sigPrice | sigRatio | sigTrade | sigGoods, 0, sigShopping | sigWanted, "报价并要有需要的人私聊"},
			{3.0, sigPrivate | sigTakers, 0, 0, sigShopping, "要有需要的人私聊"},
			{1.6, sigPrivate, 0, 0, sigToken | sigAdd, "要求私聊"},
			{0.5, sigPrivate, 0, 0, 0, "要求私聊"},
		}},
		{"link", []rule{
			{4.8, sigOddLink, sigReferral | sigInduce | sigStyled, 0, 0, "可疑的网址，引人注册或打开"},
			{4.0, sigOddLink, 0, 0, 0, "可疑的网址"},
			{3.4, sigLink | sigReferral, 0, 0, 0, "引人注册或在浏览器里打开的网址"},
			{1.2, sigReferral, 0, 0, 0, "邀请码或引人在浏览器里打开"},
			{0.8, sigLink, 0, 0, 0, "带有网址"},
		}},
		{"profile", []rule{{2.6, sigProfile, 0, 0, 0, "引人看名字、头像或主页"}}},
		{"group", []rule{
			{3.2, sigGroupVeiled, 0, 0, 0, "用谐音拉人进别的群"},
			{3.2, sigGroup, sigQR | sigLink | sigOddLink, 0, 0, "拉人进别的群并给出入口"},
			{2.2, sigGroup, sigToken | sigNumber, 0, 0, "给出别的群的号码"},
			{1.6, sigGroup, 0, 0, 0, "拉人进别的群"},
		}},
	}
}

// mixedChecks ask what comes together and how it is written.
func mixedChecks() []check {
	return []check{
		{"topic-contact", []rule{
			{2.4, 0, anyTopic, anyContact | anyGroup | sigTakers | sigReach, 0, "广告内容加联系方式"},
			{2.0, 0, anyLure | sigGoods, sigToken | anyVeiled | anyGroup | sigOddLink | sigAdd | sigPrivate, sigShopping, "招揽加联系方式"},
			{1.4, sigPhone, anyLure | sigGoods, 0, sigShopping, "招揽加电话"},
		}},
		{"lure", []rule{
			{4.6, sigInduce, anyAdd | sigToken | anyVeiled, 0, 0, "以免费、红包、福利引人添加"},
			{4.6, sigInduce | sigQR, anyGroup, 0, 0, "以免费、红包、福利引人扫码进群"},
			{3.6, sigInduce, anyGroup | sigOddLink, 0, 0, "以免费、红包、福利引人进群或点击"},
			{2.4, sigInduce | sigQR, 0, 0, 0, "以免费、红包、福利引人扫码"},
			{1.4, sigInduce, sigLink, 0, 0, "以免费、红包、福利引人点击"},
		}},
		{"scarcity", []rule{{1.0, sigScarce, anyContact | anyGroup | sigInduce | anyLure, 0, 0, "以名额有限催促"}}},
		{"tone", []rule{
			{1.4, sigTone, anyTopic | anyLure | sigToken | anyVeiled | sigTrade | sigPartner | sigGoods, 0, 0, "广告口吻"},
			{1.0, sigTone, sigPhone | anyContact | sigTakers, 0, sigShopping, "广告口吻"},
		}},
		{"partner", []rule{
			{2.0, sigPartner, anyContact | sigTone | sigTakers | anyLure, 0, 0, "招代理、找合作"},
			{1.0, sigPartner, 0, 0, 0, "招代理、找合作"},
		}},
		{"takers", []rule{{1.2, sigTakers, anyTopic | anyLure | sigTrade | sigGoods | anyVeiled | sigToken, 0, 0, "招呼有需要的人"}}},
		{"disguise", []rule{
			{1.6, sigApart, anyTopic | anyContact | anyGroup, 0, 0, "把关键词拆开或改写"},
			{1.2, sigStyled, anyTopic | anyContact | anyGroup | anyLure, 0, 0, "大量异形字符"},
		}},
		{"repeat", []rule{{0.8, sigRepeat, 0, 0, 0, "同一广告用语反复出现"}}},
	}
}

// excuseChecks speak against. Apart from a protest they do not excuse what is nobody's
// business in a group once the window also says how to get in touch.
func excuseChecks() []check {
	const (
		hard      = anyTopic
		reachable = anyVeiled | sigToken | sigAdd | sigPrivate | sigHandle | sigOddLink
	)
	return []check{
		{"order-list", []rule{{-4, sigOrderList, 0, 0, hard, "接龙或报名清单"}}},
		{"protest", []rule{{-6.5, sigProtest, 0, 0, anyVeiled | sigTakers | sigTone, "要投诉、举报或维权"}}},
		{"complaint", []rule{
			{-4, sigComplaint, 0, 0, hard | anyVeiled | sigTakers, "退款、售后或对商品不满"},
			{-4, sigComplaint, hard, 0, reachable | sigTakers | sigTone, "对商品或商家不满"},
		}},
		{"warning", []rule{{-3.5, sigWarning, 0, 0, sigToken | anyVeiled | sigTakers, "提醒防骗或谈论广告"}}},
		{"question", []rule{
			{-0.7, sigQuestion, hard, 0, sigToken | anyVeiled | sigTakers | sigPrivate | sigOddLink, "提问"},
			{-1.5, sigQuestion, 0, 0, hard | sigToken | anyVeiled | sigTakers | sigPrivate | sigOddLink, "提问"},
		}},
		{"shopping", []rule{{-2, sigShopping, 0, 0, hard | anyVeiled | sigInduce | sigPartner, "询问或订购商品"}}},
		{"delivery", []rule{{-2.5, sigDeliver, 0, 0, hard | anyVeiled | sigInduce, "收货、取货信息"}}},
		{"added", []rule{{-3, sigAdded, 0, 0, hard | sigInduce | sigTakers, "已经添加对方，请对方通过"}}},
		{"payment", []rule{{-1.5, sigPayment, 0, 0, hard, "付款方式"}}},
		{"wanted", []rule{{-1.5, sigWanted, 0, 0, hard | anyVeiled | sigToken | sigPay | sigEarn, "成员求购或求助"}}},
		{"thanks", []rule{{-0.5, sigThanks, 0, 0, hard | anyContact | sigInduce, "问候或致谢"}}},
		{"short", []rule{{-0.8, sigShort, 0, 0, sigToken | anyVeiled | sigOddLink, "短句，信息不足"}}},
	}
}
