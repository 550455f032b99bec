package rehearse

import (
	"fmt"
	"slices"
	"time"

	"xiaobu/sandbox"
	"xiaobu/store"
)

// assume names what the report rests on, in both languages.
func (g *gathering) assume() error {
	g.rep.Assumptions = []Assumption{}
	say := func(code, zh, en string, args ...any) {
		g.rep.Assumptions = append(g.rep.Assumptions, Assumption{code, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)})
	}
	at := g.rep.AsOf.Format("2006-01-02 15:04")
	switch {
	case g.asOf.After(g.o.From):
		say("as_of", "数据库记录到 %s:此前是实际发生的事,此后是排练。", "The database knows what happened until %s: before that it is fact, after it rehearsal.", at)
	default:
		say("as_of", "从数据库最后一条记录 %s 起开始排练,第一天之前的时间也照样走过,计入额度。", "Rehearsed from the database's last entry, %s; the time before the first day was lived through too and counts for quotas.", at)
	}
	g.assumePeople(say)
	say("personal", "群主在手机上自己发的群发不在数据库里,但占同一额度:实际剩余可能更少。", "Mass messages that owners send from their phones are not in the database but use the same quota: less may be left in truth.")
	g.assumeQuota(say)
	say("unknown", "谁不在应用可见范围、谁未激活,数据库不知道,因此没有假设;不在客户联系名单里的群主按无权限处理。", "Who is hidden from the app or not activated is not in the database and nothing is assumed; owners who are not on the list of members with customer contact count as without permission.")
	if g.hasMedia() {
		say("media", "以 media_id 填写的素材,上传时间未知,按促销创建时上传计:三天后失效。素材库里的文件会自动重新上传。", "When files named by media_id were uploaded is not known; they are taken as uploaded when the promotion was made, and expire three days later. Files of the library are uploaded again by themselves.")
	}
	if g.hasOutlets() {
		say("outlets", "员工群和群机器人不排练:只算客户群。", "Staff chats and robots are not rehearsed: only customers' groups count.")
	}
	if g.left.Events+g.left.Actions > 0 {
		say("left_out", "复制时有 %d 个回调未处理、%d 条欢迎语或卡片未发出,未计入。", "%d callbacks that were not handled and %d greetings or cards that were not sent at the moment of the copy are left out.", g.left.Events, g.left.Actions)
	}
	if n := g.ownerless(); n > 0 {
		say("no_owner", "%d 个群还不知道群主,无法群发。", "%d groups have no known owner and cannot be posted in.", n)
	}
	say("talk", "群里没有人说话:不排练广告识别。", "Nobody talks in the groups: the detection of spam is not rehearsed.")
	return nil
}

func (g *gathering) assumeQuota(say func(code, zh, en string, args ...any)) {
	switch g.o.Config.WeCom.MassQuota {
	case sandbox.MassWeek:
		say("quota", "群发额度按每群每周 7 条计算(设置 wecom.mass_quota),周一起算。", "A group's quota is 7 mass messages a week from Monday, as wecom.mass_quota says.")
	case sandbox.MassDay:
		say("quota", "群发额度按每群每天 1 条计算(设置 wecom.mass_quota)。", "A group's quota is 1 mass message a day, as wecom.mass_quota says.")
	default:
		say("quota", "群发额度按每群每月的天数计算(企业若设为每天或每周,请设置 wecom.mass_quota)。", "A group's quota is as many mass messages as the month has days; a company that chose days or weeks sets wecom.mass_quota.")
	}
}

func (g *gathering) assumePeople(say func(code, zh, en string, args ...any)) {
	joins, leaves := 0, 0
	for _, list := range g.people.joins {
		joins += len(list)
	}
	for _, list := range g.people.leaves {
		leaves += len(list)
	}
	if g.o.JoinsPerDay >= 0 {
		say("joins", "每群每天进 %g 人(按指定)。", "%g people join each group a day, as asked for.", g.o.JoinsPerDay)
	} else {
		say("joins", "进群按各群近四周的星期和时段抽取(共 %d 人次);没有历史的群没有人进。", "Joins are drawn from each group's past four weeks by weekday and hour (%d joins); nobody comes where nobody came.", joins)
	}
	if g.o.LeaveRate >= 0 {
		say("leaves", "每天有 %g%% 的群客户退群(按指定)。", "%g%% of a group's customers leave a day, as asked for.", g.o.LeaveRate*100)
	} else {
		say("leaves", "退群同样按近四周抽取(共 %d 人次)。", "Leaves are drawn from the past four weeks too (%d leaves).", leaves)
	}
	switch g.o.Confirm {
	case ConfirmAll:
		say("confirm", "所有群主都会确认(按指定)。", "Every owner confirms, as asked for.")
	case ConfirmNone:
		say("confirm", "没有群主确认(按指定)。", "No owner confirms, as asked for.")
	default:
		say("confirm", "群主按自己以往的快慢和遗漏确认;任务少于 %d 个的按全公司;全公司都没有记录的,按十分钟后确认。确认即发到自己的所有群。", "Owners confirm as late and as seldom as they did so far; those with fewer than %d tasks like the whole company; ten minutes where nobody has any. Who confirms posts in all their groups.", fewOutcomes)
	}
	say("seed", "同一数据库、同一种子(%d)结果逐字节相同;换种子看另一种可能。", "The same database and seed (%d) give the same bytes; another seed shows another course.", g.o.Seed)
}

// hasOutlets reports whether a promotion goes to staff chats, too.
func (g *gathering) hasOutlets() bool {
	return slices.ContainsFunc(g.past.promos, func(p store.Promotion) bool {
		return p.Status == store.PromotionActive && len(p.Spec.Targets.AppChats)+len(p.Spec.Targets.Robots) > 0
	})
}

func (g *gathering) hasMedia() bool {
	for _, p := range g.past.promos {
		for _, a := range p.Spec.Message.Attachments {
			if a.MediaID != "" && p.Status == store.PromotionActive && p.CreatedAt.Add(3*24*time.Hour).Before(g.to) {
				return true
			}
		}
	}
	return false
}

func (g *gathering) ownerless() int {
	n := 0
	for _, c := range g.past.chats {
		if c.Owner == "" && c.Status == store.ChatActive {
			n++
		}
	}
	return n
}
