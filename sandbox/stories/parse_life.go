package stories

import (
	"strings"
	"time"
)

// readGrowth reads what happens as groups grow.
func (sc *Script) readGrowth(f *fields) {
	if v := f.get("split"); v.has() {
		s := v.fields("{at: 300, most: 10, along: 4, name: '{store}{n}群'}")
		sc.Split = &Split{
			At: s.get("at").whole(300, 2, 490, "300"), Most: s.get("most").whole(10, 1, maxGroups, "10"),
			Along: s.get("along").counts(100, "3..6"), Name: s.get("name").need(maxName, "'{store}{n}群'"),
		}
		if sc.Split.Name != "" && !strings.Contains(sc.Split.Name, "{n}") {
			s.get("name").wrong("'{store}{n}群'", "must hold {n}")
		}
		s.end()
	}
	for _, v := range f.get("milestones").items(50, "[{members: 50, say: 满50人解锁}]") {
		m := v.fields("{members: 50, say: 满50人解锁}")
		sc.Milestone = append(sc.Milestone, Milestone{
			Members: m.get("members").whole(0, 1, 500, "50"), Say: m.get("say").need(maxChars, "满50人解锁"),
			Brings: m.get("brings").whole(0, 0, 200, "10"), Within: m.get("within").span(Span{}, maxDays*day, "4h").High,
		})
		if !m.get("members").has() {
			m.get("members").wrong("50", "is missing")
		}
		m.end()
	}
}

func (sc *Script) readTalk(f *fields) {
	sc.Talk = Talk{
		From:      f.get("from").span(Span{}, maxDays*day, "14h").High,
		SmallTalk: readChatter(f.get("small_talk"), "texts", func(v value) []Line { return []Line{{Text: v.need(maxChars, "今天人好多")}} }),
		Orders:    readChatter(f.get("orders"), "lists", readOrder),
		Questions: readChatter(f.get("questions"), "pairs", readPair), Complaints: readChatter(f.get("complaints"), "pairs", readPair),
	}
	f.end()
}

func readChatter(v value, list string, read func(value) []Line) Chatter {
	f := v.fields("{per_day: 3, " + list + ": […]}")
	c := Chatter{PerDay: f.get("per_day").number(0, 0, maxPerDay, "3")}
	for _, one := range f.get(list).items(maxTexts, "[…]") {
		c.Talks = append(c.Talks, read(one))
	}
	if c.PerDay > 0 && len(c.Talks) == 0 {
		f.get(list).wrong("", "is missing: nobody knows what to say")
	}
	f.end()
	return c
}

func readPair(v value) []Line {
	f := v.fields("{ask: 几点关门, answer: 九点半}")
	out := []Line{{Text: f.get("ask").need(maxChars, "几点关门")}, {Store: true, Text: f.get("answer").need(maxChars, "九点半")}}
	f.end()
	return out
}

func readOrder(v value) (out []Line) {
	for _, text := range v.texts(50, maxChars, "1. 王姐 2斤") {
		out = append(out, Line{Text: text})
	}
	return out
}

func (sc *Script) readSpammer(f *fields) {
	s := Spammer{
		Names: f.get("names").texts(50, maxName, "兼职琳琳"), Texts: f.get("texts").texts(maxTexts, maxChars, "加我微信"),
		Link: f.get("link").text(500, "http://ad.example/1"), Title: f.get("title").text(120, "点我领红包"),
		Each: f.get("each").whole(3, 1, 50, "3"), Pause: f.get("pause").span(Span{40 * time.Second, 6 * time.Minute}, day, "40s..6m"),
	}
	for _, name := range []string{"names", "texts"} {
		if !f.get(name).has() {
			f.get(name).wrong("[…]", "is missing")
		}
	}
	for _, v := range f.get("raids").items(maxRaids, `[{day: 3, at: "14:00", any: 2}]`) {
		r := v.fields(`{day: 3, at: "14:00", any: 2}`)
		raid := Raid{Day: r.get("day").whole(0, 1, maxDays, "3"), At: r.get("at").clock(-1), Any: r.get("any").whole(0, 0, maxGroups, "2")}
		for _, g := range r.get("groups").items(maxGroups, "[1, 3]") {
			raid.Groups = append(raid.Groups, g.whole(1, 1, maxGroups, "1"))
		}
		r.demand("day", "at")
		if len(raid.Groups) == 0 && raid.Any == 0 {
			r.wrong("any: 2", "want groups by number, or any for so many of them")
		}
		r.end()
		s.Raids = append(s.Raids, raid)
	}
	f.end()
	sc.Spammers = append(sc.Spammers, s)
}

// demand complains about fields that are left out.
func (f *fields) demand(names ...string) {
	for _, name := range names {
		if v := f.get(name); !v.has() {
			v.wrong("", "is missing")
		}
	}
}

// eventKinds are the things that happen at a time.
func eventKinds() []string {
	return []string{"rename", "notice", "owner", "resign", "dismiss", "say", "crowd"}
}

func (sc *Script) readEvent(f *fields) {
	e := Event{Day: f.get("day").whole(0, 1, maxDays, "2"), At: f.get("at").clock(0)}
	f.demand("day", "at")
	n := 0
	for _, kind := range eventKinds() {
		if v := f.get(kind); v.has() {
			n++
			e.Kind = kind
			e.readKind(v)
		}
	}
	if n != 1 {
		f.wrong("resign: wang_xb", "want exactly one of %s", strings.Join(eventKinds(), ", "))
	}
	f.end()
	sc.Events = append(sc.Events, e)
}

func (e *Event) readKind(v value) {
	switch e.Kind {
	case "resign":
		e.Staff = v.need(64, "wang_xb")
		return
	case "dismiss":
		e.Group = v.need(maxName, "幸福里店1群")
		return
	case "crowd":
		f := v.fields("{joins: 30, within: 2h, store: xingfuli}")
		e.Joins, e.Within = f.get("joins").whole(0, 1, 5000, "30"), f.get("within").span(Span{}, maxDays*day, "2h").High
		e.StoreID = f.get("store").text(64, "xingfuli")
		f.demand("joins", "within")
		f.end()
		return
	}
	f := v.fields("{group: 幸福里店1群, …}")
	e.Group = f.get("group").need(maxName, "幸福里店1群")
	switch e.Kind {
	case "rename", "notice":
		e.Text = f.get("to").need(maxChars, "新的名字")
	case "owner":
		e.Staff = f.get("to").need(64, "chen_dz")
	case "say":
		e.Text, e.Staff = f.get("text").need(maxChars, "今天到货"), f.get("by").text(64, "wang_xb")
	}
	f.end()
}

func (sc *Script) readBot(f *fields) {
	b := Bot{
		Labels:  f.get("labels").texts(50, maxName, "秒杀"),
		Welcome: f.get("welcome").text(maxChars, "您好{customer},我是{staff}"), GroupWelcome: f.get("group_welcome").text(maxChars, "欢迎进群"),
	}
	for _, v := range f.get("codes").items(50, "[{position: 收银, kind: group}]") {
		c := v.fields("{position: 收银, kind: group}")
		b.Codes = append(b.Codes, Code{
			Position: c.get("position").need(maxName, "收银"), Contact: c.get("kind").choice("group", "contact") == "contact",
			Groups: c.get("groups").choice("each", "newest", "all"), AutoCreate: c.get("auto_create").flag(),
		})
		c.end()
	}
	if v := f.get("reward"); v.has() {
		b.Reward = readReward(v.fields("{hold: 72h, tiers: [{fen: 50}]}"))
	}
	for _, v := range f.get("promotions").items(50, "[{name: 秒杀, cron: 0 10 * * 1, text: 今天秒杀}]") {
		b.Promotions = append(b.Promotions, readPromotion(v.fields("{name: 秒杀, cron: 0 10 * * 1, text: 今天秒杀}")))
	}
	f.end()
	sc.Bot = b
}

func readReward(f *fields) *Reward {
	r := &Reward{OncePer: f.get("once_per").choice("corp", "store", "group")}
	hold := f.get("hold").span(Span{High: 7 * day}, 365*day, "72h").High
	r.Hold, r.Clawback = hold.String(), f.get("clawback").span(Span{}, 365*day, "0h").High.String()
	for _, v := range f.get("tiers").items(20, "[{up_to: 100, fen: 50}, {fen: 100}]") {
		t := v.fields("{up_to: 100, fen: 50}")
		r.Tiers = append(r.Tiers, Tier{UpTo: t.get("up_to").whole(0, 1, 1_000_000, "100"), Fen: t.get("fen").whole(0, 0, 1_000_000, "50")})
		t.demand("fen")
		t.end()
	}
	if len(r.Tiers) == 0 {
		f.get("tiers").wrong("[{up_to: 100, fen: 50}, {fen: 100}]", "is missing")
	}
	f.end()
	return r
}

func readPromotion(f *fields) Promotion {
	p := Promotion{
		Name: f.get("name").need(maxName, "周一三五秒杀"), Cron: f.get("cron").need(100, "0 10 * * 1,3,5"),
		Text: f.get("text").need(maxChars, "今天10点秒杀:{products}"), Stores: f.get("stores").texts(maxStores, 64, "xingfuli"),
		Within: f.get("within").span(Span{High: 30 * time.Minute}, day, "30m").High.String(),
	}
	for _, v := range f.get("products").items(50, "[{name: 鸡蛋30枚, price_fen: 990}]") {
		one := v.fields("{name: 鸡蛋30枚, price_fen: 990}")
		p.Products = append(p.Products, Product{
			Name: one.get("name").need(maxName, "鸡蛋30枚"), Price: one.get("price_fen").whole(0, 0, 100_000_000, "990"),
			Was: one.get("was_fen").whole(0, 0, 100_000_000, "1990"), InStock: one.get("stock").whole(0, 0, 1_000_000, "200"),
		})
		one.demand("price_fen")
		one.end()
	}
	f.end()
	return p
}
