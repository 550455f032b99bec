package evade

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// keywords are the words of an advertisement that filters look for and writers disguise
// first.
func keywords() []string {
	return strings.Fields("加我微信 加微信 微信号 微信群 微信 私聊 私信 扣扣 加群 进群 拉群 群聊 群主 入群 扫码 二维码 联系方式 联系我 电话 加我 兼职 刷单 日结 " +
		"佣金 返利 赚钱 挣钱 招聘 代理 项目 副业 红包 免费 领取 优惠 福利 彩票 博彩 棋牌 赌博 平台 注册 充值 提现 下注 计划 开奖 投资 理财 股票 贷款 " +
		"借钱 信用卡 套现 额度 发票 代开 办证 证件 代练 代充 外挂 账号 出售 收购 元宝 金币 银两 装备 便宜 需要 美女 妹子 上门 约会 服务 视频 直播 小姐 " +
		"资源 电影 成人 网址 网站 链接 下载 点击 客服 老师 教程 内部 推荐 推广 引流 粉丝 代发 抖音 快手 小红书 淘宝 支付宝 银行卡 收款 担保 飞机 电报 频道")
}

// weighty tells which characters of t stand in a keyword.
func (g *Generator) weighty(t []rune) []bool {
	marked := make([]bool, len(t))
	for i, c := range t {
		for _, word := range g.keywords[c] {
			if i+len(word) <= len(t) && slices.Equal(t[i:i+len(word)], word) {
				for n := range word {
					marked[i+n] = true
				}
			}
		}
	}
	return marked
}

// jargon are the customary stand-ins of a word: its sound, its picture or its initials.
func jargon() [][2]string {
	return [][2]string{
		{"加微信", "➕V 加薇 +v 加威 家V 嘉微 茄V 佳芯 ➕薇❤ 十V jia薇 加卫星 伽蔚"},
		{"微信", "薇信 徽信 V信 vx VX wx 威信 微❤ V❤ 薇❤ 微芯 威芯 溦信 嶶信 卫星 维心 绿泡泡 绿色软件 wei信 薇x ν信 围信 为信"},
		{"QQ", "扣扣 企鹅 🐧 秋秋 球球 蔻蔻 Ql q口 叩叩 口口"}, {"qq", "扣扣 企鹅 🐧 秋秋 球球 叩叩"},
		{"私聊", "思聊 斯聊 丝聊 司聊 厶聊 私廖 si聊 私l 丝料"}, {"私信", "思信 厶信 丝信 私芯"},
		{"加我", "家我 佳我 +我 ➕我 嘉我 茄我 加窝 伽沃 jia我"}, {"群", "裙 羣 峮 君羊 qun 囷"},
		{"兼职", "兼织 尖职 监职 JZ 兼直 间职 剪织"}, {"刷单", "s单 刷蛋 唰单 涮单 刷旦 shua单"}, {"赚钱", "撰钱 赚米 赚💰 赚q 转钱 赚仟 撰米 zhuan钱"},
		{"红包", "🧧 hb 红苞 洪包 宏包"}, {"电话", "☎ 店话 垫话 dh 电划"}, {"彩票", "采票 cp 菜票 彩漂"}, {"博彩", "菠菜 bc 薄彩"}, {"平台", "坪台 pt 萍台 凭台"},
		{"贷款", "代款 袋款 dk 贷kuan 带款"}, {"信用卡", "xyk 信用咔 芯用卡"}, {"银行卡", "银行咔 yhk 银hang卡"}, {"发票", "发漂 fp 发嫖 法票"},
		{"代练", "带练 代炼 dl"}, {"元宝", "圆宝 yb 元保 YB"}, {"金币", "jb 金毕 晋币"}, {"美女", "镁女 mn 美铝"}, {"视频", "视屏 sp 事频"}, {"加", "➕ + 家 佳 嘉 茄 伽 jia 珈"},
		{"免费", "🆓 冕费 免废 mf"}, {"二维码", "二惟码 2维码 er维码 二维马"}, {"支付宝", "zfb 支付保 枝付宝"}, {"抖音", "斗音 dy D音 抖yin"}, {"飞机", "✈ 灰机 feiji 纸飞机"},
		{"佣金", "拥金 yong金 用金"}, {"代理", "dai理 代里 贷理"}, {"网址", "网zhi 罔址 惘址"}, {"服务", "fu务 福务 服雾"}, {"代发", "带发 dai发 代法"}, {"妹", "㛓 mei 昧 魅"},
	}
}

// homophones writes characters that sound alike: the customary stand-ins for some words,
// any of the same syllable for others. What matters is disguised most.
func (g *Generator) homophones(r *rand.Rand, t []rune) string {
	text := string(t)
	for _, j := range jargon() {
		if strings.Contains(text, j[0]) && r.IntN(2) == 0 {
			text = strings.ReplaceAll(text, j[0], one(r, strings.Fields(j[1])))
		}
	}
	changed := text != string(t)
	t = []rune(text)
	words := g.weighty(t)
	share, other, last := 0.25+float64(0.6*r.Float64()), 0.1, -1
	if r.IntN(4) == 0 {
		other = 0.35
	}
	out := make([]rune, len(t))
	for i, c := range t {
		out[i] = c
		like := g.sounding(c)
		if len(like) == 0 {
			continue
		}
		last = i
		if p := r.Float64(); words[i] && p < share || p < other {
			out[i] = one(r, like)
			changed = true
		}
	}
	if !changed && last >= 0 {
		out[last] = one(r, g.sounding(t[last]))
	}
	return string(out)
}

// sounding are the other characters that are read as c.
func (g *Generator) sounding(c rune) []rune {
	var like []rune
	for _, other := range g.sounds[g.syllable[c]] {
		if other != c {
			like = append(like, other)
		}
	}
	return append(like, g.more[c]...)
}

// split writes characters as their two halves.
func (g *Generator) split(r *rand.Rand, t []rune) string {
	words := g.weighty(t)
	has := func(i int) bool { return g.parts[t[i]] != "" }
	picked := change(r, len(t), has)
	if r.IntN(2) == 0 {
		only := change(r, len(t), func(i int) bool { return has(i) && words[i] })
		if anyOf(only) {
			picked = only
		}
	}
	var b strings.Builder
	for i, c := range t {
		if picked[i] {
			b.WriteString(g.parts[c])
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func anyOf(picked []bool) bool {
	for _, p := range picked {
		if p {
			return true
		}
	}
	return false
}

// pinyin writes words as they are read, in full or by their initials: keywords, or a few
// characters from anywhere if there are none.
func (g *Generator) pinyin(r *rand.Rand, t []rune) string {
	picked := g.spelt(r, t)
	initials, spaced, capital := r.IntN(4) == 0, r.IntN(2) == 0, r.IntN(5) == 0
	var b strings.Builder
	for i, c := range t {
		if !picked[i] {
			b.WriteRune(c)
			continue
		}
		s := g.syllable[c]
		if initials {
			s = s[:1]
		}
		if capital {
			s = strings.ToUpper(s)
		}
		if spaced && !initials && i > 0 && picked[i-1] {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	return b.String()
}

// spelt picks the characters to be spelt.
func (g *Generator) spelt(r *rand.Rand, t []rune) []bool {
	words := g.weighty(t)
	readable := func(i int) bool { return g.syllable[t[i]] != "" }
	picked := make([]bool, len(t))
	for i := 0; i < len(t); {
		to := i + 1
		for to < len(t) && words[i] && words[to] {
			to++
		}
		if words[i] && r.IntN(4) > 0 {
			for n := i; n < to; n++ {
				picked[n] = readable(n)
			}
		}
		i = to
	}
	if anyOf(picked) || len(t) == 0 {
		return picked
	}
	for range 1 + len(t)/20 {
		from := r.IntN(len(t))
		for i := from; i < min(from+2+r.IntN(3), len(t)); i++ {
			picked[i] = readable(i)
		}
	}
	return picked
}

// hant writes traditional characters.
func (g *Generator) hant(r *rand.Rand, t []rune) string {
	picked := change(r, len(t), func(i int) bool { return g.traditional[t[i]] != 0 })
	out := make([]rune, len(t))
	for i, c := range t {
		out[i] = c
		if picked[i] {
			out[i] = g.traditional[c]
		}
	}
	return string(out)
}

// pictured are words that are written as a picture.
func pictured() [][2]string {
	return [][2]string{
		{"微信", "🛰️ 💬 🟢"}, {"飞机", "✈️ 🛩 🛫"}, {"红包", "🧧"}, {"免费", "🆓"}, {"电话", "☎️ 📞"}, {"手机", "📱"}, {"视频", "📹 🎬"}, {"链接", "🔗"}, {"群", "👥 👨‍👩‍👧"}, {"美女", "👩 💃 👧"},
		{"妹", "👧 👩"}, {"加", "➕ ✚"}, {"钱", "💰 💵 💴"}, {"米", "🍚 🌾"}, {"车", "🚗 🚙"}, {"牛", "🐮 🐂"}, {"家", "🏠"}, {"水", "💦 💧"}, {"看", "👀 👁"}, {"心", "❤️ 💗"}, {"信", "✉️ ❤️ 💌"},
		{"上", "👆 ⬆️"}, {"下", "👇 ⬇️"}, {"左", "👈"}, {"右", "👉"}, {"火", "🔥"}, {"金", "🥇 🏅"}, {"卡", "💳"}, {"鸡", "🐔"}, {"鱼", "🐟"}, {"书", "📚 📕"}, {"花", "🌸 🌹"}, {"酒", "🍺 🍷"}, {"菜", "🥬"},
		{"号", "#️⃣"}, {"发", "🀅 💹"}, {"中", "🀄"}, {"口", "👄"}, {"手", "✋"}, {"来", "🚶"}, {"大", "🐘"}, {"小", "🤏"}, {"一", "1️⃣"}, {"日", "☀️"}, {"月", "🌙"}, {"天", "☁️"},
	}
}

// faces are pictures to put between words.
func faces() []string {
	return strings.Fields("😀 😂 🤣 😊 😍 🥰 😘 😎 🤩 🥳 😜 🤔 😅 😭 🙏 👍 👏 💪 🎉 🎁 🔥 ✨ ⭐ 🌟 💥 💯 ❤️ 💕 💖 🌹 🌸 🍀 ☀️ 🌈 🍎 🍓 ✅ ❗ ‼️ 📣 📢 👇 👉 💎 🚀 💋 🍑 😋 🤗 🐶")
}

// withEmoji writes words as pictures, puts pictures between the characters, or both.
func withEmoji(r *rand.Rand, t []rune) string {
	text, way := string(t), r.IntN(3)
	if way != 0 {
		for _, p := range pictured() {
			if strings.Contains(text, p[0]) && r.IntN(4) > 0 {
				text = strings.ReplaceAll(text, p[0], one(r, strings.Fields(p[1])))
			}
		}
	}
	if way == 1 && text != string(t) {
		return text
	}
	share, face, same := 0.1+float64(0.4*r.Float64()), one(r, faces()), r.IntN(2) == 0
	var b strings.Builder
	for i, c := range []rune(text) {
		if i > 0 && !unicode.Is(unicode.Variation_Selector, c) && c != '\u20e3' && c != '\u200d' && r.Float64() < share {
			if !same {
				face = one(r, faces())
			}
			b.WriteString(face)
		}
		b.WriteRune(c)
	}
	if b.String() == string(t) {
		b.WriteString(face)
	}
	return b.String()
}

// splitParts are characters and the halves they are written as.
const splitParts = `
加力口 信亻言 微彳攵 私禾厶 聊耳卯 群君羊 钱钅戋 赚贝兼 兼丷秉 职耳只 刷尸刂 款士示 贷代贝 代亻弋 办力八 证讠正 联耳关
好女子 他亻也 她女也 你亻尔 们亻门 做亻故 件亻牛 位亻立 住亻主 作亻乍 何亻可 使亻吏 低亻氐 便亻更 保亻呆 值亻直 修亻攸 借亻昔 佣亻用 价亻介 付亻寸
码石马 话讠舌 语讠吾 说讠兑 请讠青 谁讠隹 让讠上 认讠人 计讠十 设讠殳 询讠旬 诚讠成 试讠式 详讠羊 课讠果
活氵舌 源氵原 流氵㐬 注氵主 法氵去 洗氵先 海氵每 油氵由 清氵青 淘氵匋 汇氵匚 洲氵州 漂氵票 游氵斿
扫扌彐 招扌召 推扌隹 打扌丁 找扌戈 投扌殳 拉扌立 换扌奂 抖扌斗 提扌是 接扌妾 报扌及 操扌喿 担扌旦 扣扌口 押扌甲 拍扌白 抢扌仓 挂扌圭
彩采彡 票西示 财贝才 购贝勾 账贝长 贴贝占 赌贝者 赔贝咅 资次贝 贵虫贝 员口贝 费弗贝 货化贝
红纟工 结纟吉 给纟合 线纟戋 经纟圣 络纟各 级纟及 练纟东 绑纟邦 网冂乂乂 约纟勺 纯纟屯 绝纟色
妹女未 姐女且 妈女马 姓女生 奶女乃 如女口 娱女吴 嫩女敕 媚女眉 婚女昏
机木几 样木羊 板木反 校木交 棋木其 牌片卑 标木示 林木木 格木各 档木当 权木又
卡上下 号口丂 台厶口 可丁口 只口八 吧口巴 吗口马 呢口尼 唱口昌 喝口曷 听口斤 叫口丩 咨次口 吃口乞 哪口那 啊口阿 哦口我
银钅艮 铁钅失 错钅昔 链钅连 钟钅中 销钅肖 针钅十 铺钅甫
男田力 美羊大 视礻见 频步页 颜彦页 顾厄页 领令页 额客页 顶丁页 项工页
朋月月 期其月 明日月 时日寸 晚日免 昨日乍 星日生 暗日音 早日十
多夕夕 外夕卜 名夕口 够句多 欢又欠 欧区欠 次冫欠
现王见 理王里 玩王元 球王求 环王不
和禾口 科禾斗 种禾中 秒禾少 积禾只 利禾刂 秀禾乃 季禾子 香禾日
到至刂 别另刂 判半刂 创仓刂 划戈刂 剩乘刂
动云力 助且力 功工力 劲圣力 勤堇力 劳艹力
骗马扁 驾加马 验马佥 驻马主 骑马奇
短矢豆 知矢口 矮矢委 对又寸 射身寸 封圭寸 导巳寸
体亻本 休亻木 任亻壬 伴亻半 份亻分 伙亻火 优亻尤 传亻专 佳亻圭 停亻亭
都者阝 部咅阝 阳阝日 阴阝月 际阝示 队阝人 院阝完
新亲斤 所户斤 断米斤 放方攵 收丩攵 改己攵 政正攵 教孝攵 数娄攵 败贝攵 效交攵
难又隹 鸡又鸟 双又又 观又见 戏又戈 邓又阝 叹口又
张弓长 强弓虽 弹弓单 引弓丨 粉米分 精米青 糖米唐 料米斗
烦火页 灯火丁 炮火包 炒火少 烟火因 焰火臽 快忄夬 性忄生 情忄青 怕忄白 懂忄董 惊忄京 慢忄曼 忙忄亡
超走召 起走己 赶走干 越走戉 趣走取 跑足包 跟足艮 路足各 跳足兆 踢足易
轻车圣 转车专 辆车两 软车欠 较车交 输车俞
肥月巴 脸月佥 肚月土 胖月半 腿月退 脱月兑
需雨而 零雨令 雪雨彐 露雨路 想相心 您你心 息自心 意音心 忘亡心 思田心 感咸心 急刍心 怎乍心
故古攵 胡古月 嘴口觜 喊口咸 嘿口黑 哈口合 哭口口犬
客宀各 家宀豕 宝宀玉 安宀女 实宀头 定宀疋 完宀元 空穴工 宫宀吕
节艹卩 花艹化 草艹早 药艹约 菜艹采 茶艹木 英艹央 苹艹平
`
