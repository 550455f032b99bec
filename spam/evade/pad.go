package evade

import (
	"math/rand/v2"
	"strings"
)

// maxPad is how many pieces of harmless talk stand on one side at most.
const maxPad = 6

// pad puts harmless talk before the text, after it or around it.
func (g *Generator) pad(r *rand.Rand, text string) string {
	join := one(r, []string{"\n", "\n", " ", "。", "，", "！", "~ ", "\n\n"})
	side := r.IntN(3)
	var parts []string
	if side != 1 {
		parts = append(parts, g.talk(r)...)
	}
	parts = append(parts, text)
	if side != 0 {
		parts = append(parts, g.talk(r)...)
	}
	return strings.Join(parts, join)
}

// talk is some harmless talk.
func (g *Generator) talk(r *rand.Rand) []string {
	said := make([]string, 1+r.IntN(maxPad))
	for i := range said {
		said[i] = one(r, g.harmless)
	}
	return said
}

// everydayTalk is what people say in the groups of shops and in others.
func everydayTalk() []string {
	return strings.Split(`大家早上好，今天降温了，出门多穿点
昨天买的草莓很新鲜，孩子一口气吃了半盒
请问明天几点到货呀
我要两份，放门口就行，谢谢
收到了，包装挺好的
周末有没有一起去公园的
这个可以退换吗，尺码买小了
刚下班，晚饭还没着落呢
楼下的快递柜又满了，麻烦取一下
哈哈哈哈你太逗了
天气预报说周三有雨，记得收衣服
谢谢老板，下次还来
今天店里有活动吗，我下午路过
孩子发烧了，今天就不出去了
那家面馆还开着吗，好久没去了
会员日是每个月几号来着
昨晚的球赛看了吗，最后一分钟绝杀
鸡蛋碰碎了两个，能补发吗
好的好的，我知道了
祝大家中秋快乐，阖家团圆
请问这个牛奶保质期到什么时候
停车场出口改到西门了
老师说下周一交作业
我家猫把杯子打翻了，哭笑不得
这次的苹果没有上次甜
辛苦啦，今天送得真快
有人知道附近哪里修手机靠谱吗
晚上七点半开会，别忘了
电梯还在修，走楼梯吧
生日快乐，永远十八岁`, "\n")
}
