package moderation

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// What keyword rules are made of.
const (
	keywordDays   = 7 // the feed keeps messages for about as long
	spamTexts     = 2_000
	triedMost     = 50_000 // messages of each kind that rules are tried on
	shortestWord  = 3      // characters
	longestWord   = 8
	maxConfirmed  = 2000 // bytes of a confirmed text
	minWordTexts  = 2    // different confirmed texts that a word has to be in
	MaxKeywords   = 500  // that are asked for at once
	fromConfirmed = "company"
	fromBuiltIn   = "built_in"
)

// Kinds of keywords.
const (
	KeywordWord    = "keyword"
	KeywordDomain  = "domain"
	KeywordContact = "contact"
)

// Keyword is a rule for WeCom's own anti-harassment settings: whatever holds the word, as it is
// written. WeCom does not say that it sees through disguises, so each is tried as plain text.
type Keyword struct {
	Word   string `json:"word"`
	Kind   string `json:"kind" enum:"keyword,domain,contact"`
	Source string `json:"source" enum:"company,built_in" doc:"company: out of spam that people confirmed"`
	Topic  string `json:"topic" doc:"of a built-in one: job, gamble …"`
	Spam   int    `json:"spam" doc:"confirmed texts and recent spam that hold it"`
	Ham    int    `json:"ham" doc:"harmless messages of the last days that hold it: none"`
}

// Switch is one of WeCom's other anti-harassment switches, and what it would have hit.
type Switch struct {
	Name string `json:"name" enum:"link,qr,miniprogram"`
	ZH   string `json:"zh" doc:"what WeCom's screen calls it"`
	EN   string `json:"en"`
	Spam int    `json:"spam" doc:"messages of the last days that were taken for spam and that it would have hit"`
	Ham  int    `json:"ham" doc:"harmless ones that it would have hit"`
}

// Keywords are rules that would have hit no harmless message, and what they were tried on.
type Keywords struct {
	Words     []Keyword `json:"words" nullable:"false"`
	Switches  []Switch  `json:"switches" nullable:"false"`
	Days      int       `json:"days"`
	Confirmed int       `json:"confirmed" doc:"texts that people confirmed to be spam"`
	Spam      int       `json:"spam" doc:"messages of the last days that were taken for spam"`
	Ham       int       `json:"ham" doc:"harmless messages of the last days"`
	StepsZH   []string  `json:"steps_zh" nullable:"false" doc:"how to switch the rules on"`
	StepsEN   []string  `json:"steps_en" nullable:"false"`
}

// WriteJSON writes all of it.
func (k Keywords) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(k)
}

// WriteText writes the words, one a line, to be pasted.
func (k Keywords) WriteText(w io.Writer) error {
	for _, word := range k.Words {
		if _, err := fmt.Fprintln(w, word.Word); err != nil {
			return err
		}
	}
	return nil
}

// WriteCSV writes the words with their figures. It begins with a byte order mark, without which
// Excel takes Chinese for something else.
func (k Keywords) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	rows := [][]string{{"word", "kind", "source", "topic", "spam", "ham"}}
	for _, r := range k.Words {
		rows = append(rows, []string{r.Word, r.Kind, r.Source, r.Topic, strconv.Itoa(r.Spam), strconv.Itoa(r.Ham)})
	}
	return c.WriteAll(rows)
}

var (
	domains  = regexp.MustCompile(`(?i)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,10}`)
	contacts = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_-]{5,23}`)
)

// Keywords makes at most limit rules: first what people's confirmed spam has in common, what
// covers most of it first, then the words of the built-in vocabulary, those that hit first.
func (m *Moderator) Keywords(ctx context.Context, days, limit int) (Keywords, error) {
	if days <= 0 {
		days = keywordDays
	}
	r := m.Store.Read(ctx)
	confirmed, err := r.ConfirmedSpam(spamTexts)
	if err != nil {
		return Keywords{}, err
	}
	for i, text := range confirmed {
		confirmed[i] = handlers.Clip(text, maxConfirmed)
	}
	since := m.Now().AddDate(0, 0, -days)
	bad, err := r.SaidSince(since, true, triedMost)
	if err != nil {
		return Keywords{}, err
	}
	good, err := r.SaidSince(since, false, triedMost)
	if err != nil {
		return Keywords{}, err
	}
	slices.Sort(confirmed)
	t := &trial{detector: m.Detector, confirmed: slices.Compact(confirmed)}
	t.spam = append(t.spam, t.confirmed...)
	for _, s := range bad {
		t.spam = append(t.spam, s.Text)
	}
	t.hear(good)
	zh, en := keywordSteps()
	out := Keywords{StepsZH: zh, StepsEN: en, Words: []Keyword{}, Days: days, Confirmed: len(t.confirmed), Spam: len(bad), Ham: len(good), Switches: switches(bad, good)}
	out.Words = append(out.Words, t.own(limit)...)
	out.Words = append(out.Words, t.builtIn(limit-len(out.Words))...)
	return out, nil
}

// trial is what rules are made out of, and tried on.
type trial struct {
	detector  *spam.Detector
	confirmed []string // texts, each once
	spam      []string // these and recent spam
	ham       []string
}

// hear takes harmless messages, but for copies of what people confirmed to be spam: those were
// missed.
func (t *trial) hear(good []store.SaidMessage) {
	missed := map[int64]bool{}
	for _, text := range t.confirmed {
		if print := t.detector.Trace(text).Text; print != 0 {
			missed[int64(print)] = true
		}
	}
	for _, s := range good {
		if !missed[s.Fingerprint] {
			t.ham = append(t.ham, s.Text)
		}
	}
	t.ham = append(t.ham, shopTalk()...)
	slices.Sort(t.ham)
	t.ham = slices.Compact(t.ham)
}

// own are rules out of confirmed spam: each covers texts that those before do not.
func (t *trial) own(limit int) []Keyword {
	in := t.candidates()
	t.dropHarmless(in)
	left := map[int]bool{}
	for i := range t.confirmed {
		left[i] = true
	}
	var out []Keyword
	words := slices.Sorted(maps.Keys(in))
	for len(out) < limit && len(left) > 0 {
		best, most := "", 0
		for _, w := range words {
			n := 0
			for _, i := range in[w].texts {
				if left[i] {
					n++
				}
			}
			// The longer of two that cover the same is less likely to hit anything else.
			if n > most || n == most && n > 0 && utf8.RuneCountInString(w) > utf8.RuneCountInString(best) {
				best, most = w, n
			}
		}
		if most == 0 {
			break
		}
		for _, i := range in[best].texts {
			delete(left, i)
		}
		out = append(out, Keyword{Word: best, Kind: in[best].kind, Source: fromConfirmed, Spam: hits(best, t.spam)})
	}
	slices.SortStableFunc(out, func(a, b Keyword) int { return cmp.Compare(b.Spam, a.Spam) })
	return out
}

// candidate is a piece of confirmed spam, and the texts that hold it.
type candidate struct {
	kind  string
	texts []int
}

// candidates are the pieces of confirmed spam: domains and accounts wherever they are, runs of
// Chinese characters that several texts share.
func (t *trial) candidates() map[string]*candidate {
	in := map[string]*candidate{}
	for i, text := range t.confirmed {
		add := func(w, kind string) {
			c := in[w]
			if c == nil {
				c = &candidate{kind: kind}
				in[w] = c
			}
			if n := len(c.texts); n == 0 || c.texts[n-1] != i {
				c.texts = append(c.texts, i)
			}
		}
		hosts := domains.FindAllString(text, -1)
		for _, d := range hosts {
			add(d, KeywordDomain)
		}
		for _, c := range contacts.FindAllString(text, -1) {
			if strings.ContainsFunc(c, unicode.IsDigit) && !slices.ContainsFunc(hosts, func(h string) bool { return strings.Contains(h, c) }) {
				add(c, KeywordContact)
			}
		}
		eachRun(text, func(w string) { add(w, KeywordWord) })
	}
	maps.DeleteFunc(in, func(_ string, c *candidate) bool { return c.kind == KeywordWord && len(c.texts) < minWordTexts })
	return in
}

// eachRun calls fn with every run of so many Chinese characters in a text.
func eachRun(text string, fn func(string)) {
	var at []int // where each character of the run starts
	for i, r := range text + "\n" {
		if unicode.Is(unicode.Han, r) {
			at = append(at, i)
			for n := shortestWord; n <= min(longestWord, len(at)); n++ {
				fn(text[at[len(at)-n] : i+utf8.RuneLen(r)])
			}
			continue
		}
		at = at[:0]
	}
}

// dropHarmless drops what any harmless message holds.
func (t *trial) dropHarmless(in map[string]*candidate) {
	for _, text := range t.ham {
		eachRun(text, func(w string) { delete(in, w) })
		for _, find := range []*regexp.Regexp{domains, contacts} {
			for _, w := range find.FindAllString(text, -1) {
				delete(in, w)
			}
		}
	}
	maps.DeleteFunc(in, func(w string, c *candidate) bool { return c.kind != KeywordWord && hits(w, t.ham) > 0 })
}

func hits(word string, texts []string) (n int) {
	for _, text := range texts {
		if strings.Contains(text, word) {
			n++
		}
	}
	return n
}

// builtIn are words of the built-in vocabulary that no harmless message holds.
func (t *trial) builtIn(limit int) []Keyword {
	in := map[string]*candidate{}
	words := spam.TellingWords()
	for _, w := range words {
		in[w.Word] = &candidate{kind: KeywordWord}
	}
	long := func(w string) bool { return utf8.RuneCountInString(w) > longestWord }
	t.dropHarmless(in)
	found := map[string]int{}
	for _, text := range t.spam {
		here := map[string]bool{}
		eachRun(text, func(w string) { here[w] = true })
		for w := range here {
			found[w]++
		}
	}
	var out []Keyword
	for _, w := range words {
		if _, ok := in[w.Word]; ok && !long(w.Word) {
			out = append(out, Keyword{Word: w.Word, Kind: KeywordWord, Source: fromBuiltIn, Topic: w.Topic, Spam: found[w.Word]})
		}
	}
	slices.SortStableFunc(out, func(a, b Keyword) int { return cmp.Compare(b.Spam, a.Spam) })
	return out[:max(0, min(limit, len(out)))]
}

// switches says what WeCom's other switches would have hit.
func switches(bad, good []store.SaidMessage) []Switch {
	out := []Switch{
		{Name: "link", ZH: "链接", EN: "links"}, {Name: "qr", ZH: "二维码", EN: "QR codes"}, {Name: "miniprogram", ZH: "小程序", EN: "mini-programs"},
	}
	holds := []func(store.SaidMessage) bool{
		func(s store.SaidMessage) bool { return s.Kind == "link" || domains.MatchString(s.Text) },
		func(s store.SaidMessage) bool { return strings.Contains(s.Text, "二维码:") },
		func(s store.SaidMessage) bool { return s.Kind == "miniprogram" },
	}
	for i := range out {
		for _, s := range bad {
			if holds[i](s) {
				out[i].Spam++
			}
		}
		for _, s := range good {
			if holds[i](s) {
				out[i].Ham++
			}
		}
	}
	return out
}

// keywordSteps are the steps to switch the rules on, in both languages, and what WeCom's
// documents leave open.
func keywordSteps() (zh, en []string) {
	return []string{
			"全公司:管理后台 → 客户与上下游 → 客户联系 → 安全管控 → 防骚扰 → 新建规则,勾选「关键词」并粘贴下面的词;需要时勾选链接、二维码、小程序。",
			"处理方式先选「仅警告」观察几天,再改为「移出群聊」。",
			"单个群:群主在群里 → 群设置 → 防骚扰,选择规则并开启。没有开启的群不受影响,每个群都要由群主开启。",
			"每周用新的导出替换旧词;「误伤」一栏为 0 是指最近这些天的消息里没有正常消息含有它,以后的消息不保证。",
			"企业微信没有公布防骚扰关键词的个数和长度上限、是否忽略大小写和间隔符:贴不下时从下往上删。",
			"接口 add_intercept_rule(聊天敏感词)只管员工发出的消息,不管顾客,所以这里不用它;防骚扰没有接口,只能手工设置。",
		}, []string{
			"Whole company: admin console → Customers → Customer Contact → Security → Anti-harassment → new rule: tick keywords and paste the words below; tick links, QR codes, mini-programs where wanted.",
			"Begin with \"warn only\" for some days, then change to \"remove from group\".",
			"One group: its owner → group settings → Anti-harassment: choose the rule and switch it on. A group where nobody does that is not touched.",
			"Replace the words by a new export every week; no harmless message of the last days holds any of them, which says nothing for certain about later ones.",
			"WeCom publishes neither how many keywords the rule takes, nor how long they may be, nor whether it sees through case and separators: where they do not fit, drop from the end.",
			"The API add_intercept_rule acts on messages that staff send, not on customers, so it is not used; anti-harassment has no API and is set by hand.",
		}
}

// shopTalk is what is said in a shop's group every day; no rule may hit it.
func shopTalk() []string {
	return []string{
		"鸡蛋多少钱一盒,今天还有货吗", "我要两份排骨,送到东门", "接龙:1. 张阿姨 苹果2斤 2. 李姐 橙子3斤", "牛奶买一送一到几点",
		"满一百减二十可以和优惠券一起用吗", "麻烦帮我留一箱车厘子,下班来拿", "快递到了吗,单号发我看看", "今天秒杀的纸巾还有吗",
		"会员积分怎么兑换", "红包群里发一个呗", "店里招人吗,想找份工作", "我加你微信了,请通过一下", "可以刷卡吗,支持支付宝吗",
		"这个返现什么时候到账", "扫码进群领优惠券", "群里的姐妹有没有推荐的奶粉", "孩子兼职的事情谢谢大家", "小程序上下单更便宜",
		"代收快递放门卫就行", "周末店庆全场八折,欢迎大家来", "预售的大闸蟹几号发货", "这款洗衣液买过,好用", "发票可以开公司抬头吗",
		"贷款买车的那个活动是哪家店的", "今晚直播几点开始,有抽奖吗", "充值一百送十块是真的吗", "团购价九块九包邮", "游戏机卖完了吗,给孩子买",
	}
}
