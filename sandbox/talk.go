package sandbox

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// planTalk plans what shoppers say in the groups, some sixty messages in a week: questions
// with an answer by the store, small talk, group orders in which several take part, and a
// complaint.
func (c *chain) planTalk(r *rand.Rand, days int) {
	first := c.Start.Add(14 * time.Hour) // there must be somebody to talk
	moment := func() time.Time {
		when := openTime(r, c.openDay(r, days))
		if when.Before(first) {
			when = first.Add(between(r, 0, 5*time.Hour))
		}
		return when
	}
	chats := c.allGroups()
	for i, text := range smallTalk() {
		chat := chats[r.IntN(len(chats))]
		own := c.s.dice.fresh(fmt.Sprint("talk ", i))
		c.at(moment(), func() error { return c.speak(chat, text, own) })
	}
	for i, both := range questions() {
		chat := chats[r.IntN(len(chats))]
		own := c.s.dice.fresh(fmt.Sprint("question ", i))
		when := moment()
		c.at(when, func() error { return c.speak(chat, both[0], own) })
		c.at(when.Add(between(r, time.Minute, 8*time.Minute)), func() error { return c.reply(chat, both[1]) })
	}
	for i, lines := range groupOrders() {
		chat := chats[r.IntN(len(chats))]
		own := c.s.dice.fresh(fmt.Sprint("order ", i))
		when := moment()
		for _, line := range lines {
			c.at(when, func() error { return c.speak(chat, line, own) })
			when = when.Add(between(r, 20*time.Second, 4*time.Minute))
		}
	}
}

func (c *chain) allGroups() []string {
	var out []string
	for _, st := range c.Stores {
		for _, g := range st.Groups {
			out = append(out, g.ID)
		}
	}
	return out
}

// speak lets one of the customers in a group say something; an empty group is silent.
func (c *chain) speak(chat, text string, r *rand.Rand) error {
	there := c.customersIn(chat)
	if len(there) == 0 {
		return nil
	}
	_, err := c.s.Say(chat, there[r.IntN(len(there))], text)
	return err
}

// reply lets the owner of a group say something, if anybody is there to read it.
func (c *chain) reply(chat, text string) error {
	g, err := c.s.Group(chat)
	if err != nil || len(c.customersIn(chat)) == 0 {
		return err
	}
	_, err = c.s.Say(chat, g.Owner, text)
	return err
}

// planSpam plans the spammer's week: on the third day through a customer's link into one
// group, then into two more, with advertising in each; a try to come back on the fifth.
func (c *chain) planSpam(r *rand.Rand, days int) {
	chats := c.allGroups()
	ads := advertising()
	next := 0
	for i, raid := range []struct {
		chat int
		at   time.Duration
	}{
		{0, (2*24 + 14) * time.Hour}, {2, (2*24 + 15) * time.Hour}, {5, (3*24 + 10) * time.Hour}, {0, (4*24 + 11) * time.Hour},
	} {
		when := c.Start.Add(raid.at + between(r, 0, 40*time.Minute))
		if !when.Before(c.Start.AddDate(0, 0, days)) {
			return
		}
		chat := chats[raid.chat]
		own := c.s.dice.fresh(fmt.Sprint("raid ", i))
		c.at(when, func() error { return c.sneakIn(chat, own) })
		for range 3 {
			when = when.Add(between(r, 40*time.Second, 6*time.Minute))
			text := ads[next%len(ads)]
			next++
			c.at(when, func() error {
				if !c.inGroup(chat, c.Spammer) {
					return nil
				}
				_, err := c.s.Say(chat, c.Spammer, text)
				return err
			})
		}
	}
}

// sneakIn brings the spammer into a group by a link that a customer has passed on.
func (c *chain) sneakIn(chat string, r *rand.Rand) error {
	there := c.customersIn(chat)
	if len(there) == 0 || c.inGroup(chat, c.Spammer) {
		return nil
	}
	_, err := c.s.Join(chat, c.Spammer, How{Scene: SceneLink, Inviter: there[r.IntN(len(there))]})
	return err
}

func advertising() []string {
	return []string{
		"【居家兼职】手机就能做,一单8-30元,日结200到500不等,宝妈学生都可以,不收押金,加薇信 lzl88620 备注兼职马上带你做单💰",
		"还在为没钱发愁吗?正规平台无抵押秒批贷款,最高20万,黑户也能下款,私聊我微❤ lzl88620",
		"🎁免费送空气炸锅!扫码进福利群,填地址就寄,名额仅剩最后17个,手慢无→ http://fl-lingqu.example/t/88",
		"老师带单稳赚不赔,昨天跟上的姐妹都回本了,今晚8点内部消息,想跟的加V:lzl88620,限10人",
		"刷单返佣 垫付秒结 一天轻松三四百 需要的姐妹扣1 或者加我VX lzl88620",
		"高仿大牌包包手表 一比一 支持货到付款 看图加➕薇 lzl88620 代理一件代发",
	}
}

func smallTalk() []string {
	return []string{
		"今天店里人好多,排了好一会儿队",
		"早上买的生菜挺新鲜的,叶子脆脆的",
		"你家的卤牛肉切薄一点就更好了",
		"谢谢小布,东西收到了,一个都没碎",
		"上次那个山楂糕我家小孩爱吃,下次多进点",
		"下雨天就不出门了,明天再去买菜",
		"收银的小姑娘态度真好,给她点个赞👍",
		"西红柿有点硬,放两天应该就好了",
		"会员卡积分能换鸡蛋吗,我攒了好多",
		"天冷了,孩子的牛奶得多囤点",
		"面包几点出炉呀,想赶热乎的",
		"停车场今天能停吗,上次去满了",
		"我刚到店,秒杀的鸡蛋还有不少,大家可以来",
		"晚饭吃啥好呢,有没有推荐的",
		"清蒸鲈鱼,店里能帮忙处理好吗",
		"谢谢店长帮我把落下的伞收着",
		"这周末水果打折吗",
		"自提的单子我下班去拿,大概六点半",
		"哈哈我也是看到群里说才去买的",
		"榴莲熟了,闻着味儿就走不动道",
		"我妈说你们家的豆腐有小时候的味道",
		"昨天买的橙子有两个皮有点软,其他都好",
		"我买的酸奶今天发现日期只剩三天了,结账时没人提醒,能不能注意一下,心里有点不舒服",
		"刚在店里碰到邻居了,原来你们也在这个群",
	}
}

// questions are pairs of what a customer asks and what the store answers.
func questions() [][2]string {
	return [][2]string{
		{"请问五常大米十斤装的今天多少钱一袋?", "今天46.8一袋,会员再减两块,货架在进门左手边哈"},
		{"排骨还有吗?想炖汤", "有的,前排和小排都有,现在来还能挑"},
		{"你们晚上几点关门", "平时晚上九点半,周末十点"},
		{"买满多少可以送货上门呀", "三公里内满59就送,下午五点前下单当天到"},
		{"纸尿裤L码到货没有", "到了,今天上午刚上架,两种牌子都有"},
		{"请问草莓是按盒卖还是按斤", "按盒,一盒一斤左右,今天19.9"},
		{"老人卡今天能用吗", "周二周四都能用,今天也可以,带上卡就行"},
		{"土鸡蛋是散养的吗,怎么卖", "散养的,30枚一板29.9,破了包换"},
	}
}

// groupOrders are orders that go round in a group (接龙).
func groupOrders() [][]string {
	return [][]string{
		{"#接龙 周五土猪肉预订\n1. 王姐 五花2斤", "#接龙 周五土猪肉预订\n1. 王姐 五花2斤\n2. 小顾 排骨3斤",
			"#接龙 周五土猪肉预订\n1. 王姐 五花2斤\n2. 小顾 排骨3斤\n3. 楼下老何 猪蹄2只"},
		{"接龙订草莓:\n1、3栋李阿姨 2盒", "接龙订草莓:\n1、3栋李阿姨 2盒\n2、5栋小周 1盒",
			"接龙订草莓:\n1、3栋李阿姨 2盒\n2、5栋小周 1盒\n3、丁丁妈 3盒"},
		{"土鸡蛋团购 自提\n1.陈老师 1板", "土鸡蛋团购 自提\n1.陈老师 1板\n2.阿芳 2板", "2.阿芳改成3板,给我妈带一板"},
		{"小布,车厘子我要两箱", "我也要一箱,自提", "+1 一箱,晚上来拿"},
	}
}
