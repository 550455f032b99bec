package promotions

import (
	"fmt"
	"strings"

	"xiaobu/store"
)

// reason is why a group has the status it has. The API shows its code and the English words,
// people get the Chinese ones.
type reason struct {
	code   int
	en, zh string
}

// Reasons of our own are numbered from 100 to 199, where neither WeCom's send results nor its
// error codes are.
var (
	reasonLate        = reason{101, "could not be submitted in time", "没能在时限内提交给企业微信"}
	reasonAsking      = reason{102, "submission was cut off; asking WeCom what exists", "提交时断线,正在向企业微信核对任务是否已建好"}
	reasonUntold      = reason{103, "submission was cut off, and WeCom could not tell what became of it", "提交时断线,企业微信一直查不到结果,为避免重复发送没有再提交"}
	reasonDismissed   = reason{104, "the group was dismissed", "群已解散"}
	reasonNotTheirs   = reason{105, "WeCom did not take this group: it is no longer the owner's", "企业微信没有接受这个群:它已不属于这位群主"}
	reasonHandedOver  = reason{106, "the group was handed over after the task was made", "任务建好以后群换了群主,原群主的确认发不到这个群"}
	reasonUnconfirmed = reason{107, "the owner did not confirm in time", "群主到截止时间还没有确认"}
	reasonUncancelled = reason{108, "not confirmed, and WeCom would not cancel it either", "群主没有确认,企业微信也没能取消"}
	reasonNoResult    = reason{109, "the owner confirmed, but WeCom lists no result for this group", "群主确认了,但没有发到这个群(可能发送时没选它)"}
	reasonStopped     = reason{110, "the promotion was stopped", "促销被叫停,没有再发"}
	reasonDeclined    = reason{111, "the owner said that they cannot send it", "群主说这次发不了"}
	reasonNoOwner     = reason{112, "the group has no known owner", "不知道这个群的群主是谁"}
	reasonQuota       = reason{113, "the group got all messages of this period", "这个群本期的群发次数已用完"}
	reasonQuotaByHand = reason{114, "the group got all messages of this period, some by hand", "企业微信说这个群本期的群发次数已用完(含群主手动发的)"}
	reasonContent     = reason{115, "the message cannot go out in this group", "内容填好后不合企业微信的限制(例如太长或为空)"}
	reasonOutletLate  = reason{130, "could not be posted in time", "没能在时限内发出去"}
	reasonOutletCut   = reason{131, "the call was cut off: it may have been posted, so it is not repeated", "发送时断线,可能已经发出,为避免重复没有再发"}
	reasonNoContact   = reason{2, "no longer related", "群主与这个群已没有关系"}
	reasonQuotaUsed   = reason{3, "the group already got all it may get in this period", "这个群本期的群发次数已用完(含群主手动发的)"}
)

// words are our own reasons and those of WeCom's codes that an operator can do something
// about, in Chinese.
func words() map[int]string {
	all := map[int]string{
		40003: "企业微信找不到这位群主(可能已离职)", 60111: "企业微信找不到这位群主(可能已离职)", 46004: "企业微信找不到这位群主(可能已离职)",
		41048: "群主名下已经没有这些群", 84061: "群主名下已经没有这些群",
		84074: "群主没有客户联系权限:管理后台 客户与上下游→客户联系→权限配置", 48002: "应用没有客户联系权限:管理后台 客户与上下游→客户联系→可调用接口的应用",
		60011: "群主不在应用的可见范围里", 45009: "调用太频繁,企业微信暂不接受", 45033: "同时调用太多,企业微信暂不接受",
		86003: "没有这个应用群", 86008: "这个群不是本应用建的", 93000: "群机器人已被移除,或密钥失效",
		40007: "素材已失效", 41063: "群发还在派发", 41093: "群发已取消", 41094: "提醒次数已用完(24小时内3次)",
	}
	for _, r := range []reason{reasonLate, reasonAsking, reasonUntold, reasonDismissed, reasonNotTheirs, reasonHandedOver, reasonUnconfirmed,
		reasonUncancelled, reasonNoResult, reasonStopped, reasonDeclined, reasonNoOwner, reasonQuota, reasonQuotaByHand, reasonContent,
		reasonOutletLate, reasonOutletCut, reasonNoContact, reasonQuotaUsed} {
		all[r.code] = r.zh
	}
	return all
}

// saying is the same reason with more exact words.
func (r reason) saying(en string) reason {
	r.en = en
	return r
}

// delivery is a delivery with a status and this reason for it.
func (r reason) delivery(status string) store.Delivery {
	return store.Delivery{Status: status, Code: r.code, Reason: r.en}
}

// Words say in Chinese how far a delivery is and why. Where nothing but a code is known they
// give the code and what was answered.
func Words(d store.Delivery) string {
	status := map[string]string{
		store.DeliveryPlanned: "等待提交", store.DeliverySubmitted: "已提交,等群主确认", store.DeliverySent: "已发到群里", store.DeliveryFailed: "没有发成",
		store.DeliveryUnsent: "群主没有发到这个群", store.DeliveryCancelled: "已取消", store.DeliveryBlocked: "没有发",
	}[d.Status]
	if d.Reason == "" && d.Code == 0 {
		return status
	}
	why, known := words()[d.Code]
	if !known || d.Code == 0 {
		why = d.Reason
		if d.Code != 0 && !strings.Contains(why, fmt.Sprint(d.Code)) {
			why = fmt.Sprintf("%s (%d)", why, d.Code)
		}
	}
	if why == "" || strings.Contains(why, status) {
		return why
	}
	return status + ":" + why
}
