package stories

import "math/rand/v2"

// customerName makes the name that a person uses: mostly a usual name, often a nickname, and
// now and then one that programs stumble over, or one of the script's own.
func customerName(r *rand.Rand, i int, c Customers) string {
	own := c.Names
	switch {
	case i < len(own):
		return own[i]
	case chance(r, c.OddNames):
		return pick(r, oddNames())
	case chance(r, 0.6):
		return pick(r, surnames()) + pick(r, givenNames())
	}
	return nickname(r)
}

func nickname(r *rand.Rand) string {
	family := pick(r, surnames())
	child := pick(r, []string{"豆豆", "小宝", "果果", "乐乐", "糖糖", "安安", "米粒", "多多", "朵朵", "球球"})
	switch r.IntN(6) {
	case 0:
		return child + pick(r, []string{"妈", "妈妈", "爸", "奶奶", "外婆"})
	case 1:
		return pick(r, []string{"老", "小", "阿", "大"}) + family
	case 2:
		return family + pick(r, []string{"姐", "哥", "阿姨", "叔", "老师", "师傅", "大姐"})
	case 3:
		return pick(r, []string{"平淡", "知足", "随缘", "静静", "慢慢", "清风", "向阳", "晚霞"}) +
			pick(r, []string{"的日子", "人生", "花开", "就好", "而安", "徐来", "时光"})
	case 4:
		return pick(r, []string{"A", "a", "AA"}) + pick(r, givenNames())
	}
	return pick(r, givenNames()) + pick(r, []string{"1987", "0512", "8866", "521", "2016", "_"})
}

// oddNames are names with emoji, marks that cannot be seen, mathematical letters and quotes.
func oddNames() []string {
	return []string{
		"小鱼儿🐟", "晓\u200b芳", "🌸梅子🌸", "Lisa\u200d莉莎", "<老周>", "二丫👩\u200d👧", "𝓙𝓾𝓷𝓮 俊",
		"\"阿杰\"&小美", "胖虎]]>", "\ufeff阿敏", "ㄨ小七ㄨ",
	}
}

func surnames() []string {
	return []string{
		"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何",
		"郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓",
		"许", "傅", "沈", "曾", "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛", "叶", "阎", "欧阳",
	}
}

func givenNames() []string {
	return []string{
		"晓梅", "建国", "丽华", "志强", "秀英", "桂兰", "海燕", "文静", "雪梅", "玉珍", "国庆", "春生", "小军",
		"红霞", "美玲", "婷", "敏", "磊", "娟", "涛", "艳", "勇", "芳", "杰", "静怡", "梓涵", "浩然", "子轩",
		"雨桐", "思远", "佳琪", "欣怡", "俊熙", "若曦", "慧", "玲", "凤英", "淑珍", "爱华", "卫东", "明辉",
		"丹丹", "倩", "小燕", "金凤", "立新", "永福", "银花", "素芬", "宝山",
	}
}
