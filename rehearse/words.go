package rehearse

import (
	"fmt"
	"strings"
)

// Word says a code of the report in Chinese or English.
func Word(code string, english bool) string {
	words := map[string][2]string{
		SameMinute: {"同一分钟", "same minute"}, SameHour: {"同一小时", "same hour"}, SameDay: {"同一天", "same day"},
		"quota_used": {"本月额度已用完", "month's quota used up"}, "no_owner": {"群主未知", "no known owner"},
		"not_confirmed": {"群主没有确认", "owner did not confirm"}, "no_permission": {"群主没有客户联系权限", "owner without customer contact"},
		"owner_gone": {"群主已离职", "owner has left the company"}, "not_visible": {"群主不在应用可见范围", "owner outside the app's visible range"},
		"media_expired": {"附件素材已失效", "attached file has expired"}, "too_long": {"文字过长", "text too long"},
		"platform_quota": {"企业微信判定额度已用完", "refused by WeCom: quota"}, "not_related": {"群已不归该群主", "group no longer the owner's"},
		"missed": {"错过了时间", "its time was missed"}, "skipped": {"已跳过", "skipped"}, "channel_full": {"群码的群都满了", "all groups of the code are full"},
		"group_full": {"群已满", "group is full"}, "other": {"其他", "other"},
		"no_inviter": {"不知谁邀请", "no inviter"}, "not_new": {"以前在群里", "known before"}, "not_customer": {"不是客户", "not a customer"},
		"before_effective": {"规则生效前", "before the rule"}, "left_early": {"提前退群", "left early"},
		BasisOwn: {"自己的记录", "own past"}, BasisCompany: {"全公司的记录", "the company's past"}, BasisNone: {"没有记录", "no past"},
	}
	w, ok := words[code]
	switch {
	case !ok:
		return code
	case english:
		return w[1]
	}
	return w[0]
}

// Cure says what can be done about a refusal; empty where there is nothing special to say.
func Cure(code string, english bool) string {
	cures := map[string][2]string{
		"quota_used":     {"减少这些群的场次,或分到下个月", "post less often in these groups, or next month"},
		"platform_quota": {"减少这些群的场次,或分到下个月", "post less often in these groups, or next month"},
		"no_owner":       {"等待读到群详情,或检查群主是否在应用可见范围", "wait until the group was read, or check that its owner is visible to the app"},
		"not_confirmed":  {"当面提醒,或把群转给勤快的同事", "talk to the owner, or hand the group to a colleague who confirms"},
		"no_permission":  {"管理后台 → 客户与上下游 → 客户联系 → 权限配置,加上该群主", "console → 客户与上下游 → 客户联系 → 权限配置: add the owner"},
		"owner_gone":     {"在管理后台做离职继承", "let somebody inherit the groups in the console"},
		"not_visible":    {"管理后台 → 应用管理 → 可见范围,加上该群主", "console → the app → 可见范围: add the owner"},
		"media_expired":  {"改用素材库(media)或网址(image_url、链接):media_id 三天后失效", "use the library (media) or an address (image_url, a link): a media_id expires after three days"},
		"too_long":       {"缩短文字或减少商品", "shorten the text or offer less"},
		"channel_full":   {"为该码加一个新群,或打开自动建群", "add a group to the code, or let WeCom open new ones"},
		"group_full":     {"开新群", "open another group"},
	}
	w := cures[code]
	if english {
		return w[1]
	}
	return w[0]
}

// Finding is one thing to know first.
type Finding struct {
	Bad  bool // something that may want to be mended
	Text string
}

// Findings says what matters most, in a few lines.
func Findings(rep *Report, english bool) []Finding {
	var out []Finding
	say := func(bad bool, zh, en string, args ...any) {
		text := zh
		if english {
			text = en
		}
		out = append(out, Finding{bad, fmt.Sprintf(text, args...)})
	}
	t := rep.Totals
	if t.Planned == 0 {
		say(true, "这些天没有任何促销要发。", "No promotion falls into these days.")
	} else {
		say(t.Sent < t.Planned, "%d 场促销计划发 %d 群次,送达 %d(%d%%),其中 %d 晚于 %d 分钟。", "%d slots of promotions mean %d posts; %d (%d%%) appear, %d of them later than %d minutes.",
			t.Occurrences, t.Planned, t.Sent, percent(t.Sent, t.Planned), t.SentLate, int(lateAfter.Minutes()))
	}
	if lazy, n := idle(rep); n > 0 {
		say(true, "%d 群次因群主不确认而落空,最多的是 %s(%d 个任务)。", "%d posts come to nothing because owners do not confirm, most with %s (%d tasks).", t.Unconfirmed, lazy, n)
	}
	out = append(out, quotaFinding(rep, english))
	if n := len(rep.Collisions); n > 0 {
		say(true, "%d 组撞车:同一群一天收到不止一条,最近的是%s(%s)。", "%d collisions: groups that get more than one on a day; the closest in the %s (%s).", n, Word(rep.Collisions[0].Kind, english), rep.Collisions[0].Date)
	} else if t.Planned > 0 {
		say(false, "没有撞车:每个群一天最多一条。", "No collisions: no group gets more than one a day.")
	}
	if t.Failed > 0 {
		say(true, "%d 群次会被企业微信拒绝,见下。", "%d posts would be refused by WeCom; see below.", t.Failed)
	}
	say(false, "入群 %d、退群 %d,奖励成本 ¥%d.%02d;期间到期应付 ¥%d.%02d。", "%d join, %d leave; rewards cost ¥%d.%02d, and ¥%d.%02d falls due for payment.",
		t.Joins, t.Leaves, t.RewardFen/100, t.RewardFen%100, rep.Rewards.ReleasedFen/100, rep.Rewards.ReleasedFen%100)
	return out
}

// idle names the owner with the most tasks that would not be confirmed.
func idle(rep *Report) (name string, tasks int) {
	for _, o := range rep.Owners {
		if o.Unconfirmed > tasks {
			name, tasks = o.Name, o.Unconfirmed
		}
	}
	return name, tasks
}

// quotaFinding tells of the groups that run out, or of the one that has the least left.
func quotaFinding(rep *Report, english bool) Finding {
	blocked, groups := 0, 0
	var least *Quota
	for i, q := range rep.Quotas {
		if q.Blocked > 0 {
			blocked, groups = blocked+q.Blocked, groups+1
		}
		if q.Used > 0 && (least == nil || q.Left < least.Left) {
			least = &rep.Quotas[i]
		}
	}
	zh, en := "没有群用到群发额度。", "No group uses its quota."
	switch {
	case blocked > 0:
		zh, en = fmt.Sprintf("%d 个群额度用完,%d 条发不出去。", groups, blocked), fmt.Sprintf("Groups that run out of quota: %d; posts that cannot be made: %d.", groups, blocked)
	case least != nil:
		zh = fmt.Sprintf("额度够用:最紧的群%s在 %s 还剩 %d/%d。", least.Group, least.Month, least.Left, least.Quota)
		en = fmt.Sprintf("The quota lasts: group %s has the least left, %d of %d in %s.", least.Group, least.Left, least.Quota, least.Month)
	}
	if english {
		zh = en
	}
	return Finding{blocked > 0, zh}
}

func percent(part, all int) int {
	if all == 0 {
		return 0
	}
	return (100*part + all/2) / all
}

// Posts says what meets, each promotion once: 10:00 A + B ×3 (08:00–18:00).
func (c Collision) Posts() string {
	var order []string
	times := map[string][]string{}
	for i, name := range c.Promotions {
		if times[name] == nil {
			order = append(order, name)
		}
		times[name] = append(times[name], c.Times[i])
	}
	parts := make([]string, len(order))
	for i, name := range order {
		at := times[name]
		if parts[i] = at[0] + " " + name; len(at) > 1 {
			parts[i] = fmt.Sprintf("%s ×%d (%s–%s)", name, len(at), at[0], at[len(at)-1])
		}
	}
	return strings.Join(parts, " + ")
}
