package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxAccountTemplates = 25
	maxNotices          = 50 // templates of subscription notices
	jobTime             = time.Second
	onceSpan            = 24 * time.Hour // how long a client_msg_id is remembered
	keepOnce            = 100_000
	sceneDescChars      = 15
	industries          = 41

	codeTemplateID     = 40037
	codeTemplatesFull  = 45026
	codeTwice          = 45065
	codeTemplateData   = 47003
	codeNotAllowed     = 43101
	codeBadPage        = 41030
	codeIndustry       = 43100
	codeNoticeTitle    = 200014
	codeNoticeCount    = 200012
	codeNoticeKeywords = 200020
	codeNoticeScene    = 200021
)

// shelfTitle is a title of the public library that templates are made of. The platform has
// thousands for each trade; these are the sandbox's.
type shelfTitle struct {
	id       string // template_id_short, or tid
	title    string
	keywords []shelfKeyword
}

type shelfKeyword struct {
	id                  int
	name, rule, example string
}

func shelf() []shelfTitle {
	return []shelfTitle{
		{"46001", "开团提醒", []shelfKeyword{
			{1, "商品名称", "thing", "土鸡蛋30枚"}, {2, "开团时间", "time", "2026年11月23日 10:00"},
			{3, "团购价格", "amount", "￥9.90"}, {4, "备注", "thing", "数量有限"},
		}},
		{"46002", "积分变动通知", []shelfKeyword{
			{1, "会员编号", "character_string", "A1001"}, {2, "变动积分", "number", "30"}, {3, "变动时间", "date", "2026年11月23日"},
		}},
		{"46003", "订单发货通知", []shelfKeyword{
			{1, "订单编号", "character_string", "20261123001"}, {2, "收货人", "name", "王小棉"}, {3, "联系电话", "phone_number", "13800000000"},
		}},
		{"46004", "中奖通知", []shelfKeyword{
			{1, "奖品名称", "thing", "红酒一瓶"}, {2, "中奖结果", "phrase", "已中奖"},
		}},
	}
}

func shelfFind(id string) *shelfTitle {
	all := shelf()
	i := slices.IndexFunc(all, func(t shelfTitle) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func (t *shelfTitle) number() int {
	n, _ := strconv.Atoi(t.id)
	return n
}

// accountTemplate is a template that the account took from the shelf, for template messages
// or for subscription notices.
type accountTemplate struct {
	id, title string
	keywords  []shelfKeyword // in the order chosen
}

// key is the name under which a keyword stands in data.
func (k shelfKeyword) key() string { return k.rule + strconv.Itoa(k.id) }

func (t *accountTemplate) content() string {
	var b strings.Builder
	for _, k := range t.keywords {
		fmt.Fprintf(&b, "%s:{{%s.DATA}}\n", k.name, k.key())
	}
	return b.String()
}

func (t *accountTemplate) example() string {
	var b strings.Builder
	for _, k := range t.keywords {
		fmt.Fprintf(&b, "%s:%s\n", k.name, k.example)
	}
	return b.String()
}

func templateOf(list []*accountTemplate, id string) *accountTemplate {
	i := slices.IndexFunc(list, func(t *accountTemplate) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return list[i]
}

func accountTemplateAPIs() map[string]api {
	return map[string]api{
		"template/api_set_industry":         accountWrite(setIndustry),
		"template/get_industry":             accountAsked(getIndustry),
		"template/api_add_template":         accountWrite(addAccountTemplate),
		"template/get_all_private_template": accountAsked(listAccountTemplates),
		"template/del_private_template":     accountWrite(deleteAccountTemplate),
		"message/template/send":             accountWrite(sendTemplate),
		"message/template/subscribe":        accountWrite(sendOnce),
	}
}

// setIndustry sets the two trades of the account, once a month.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_settemplateindustry.html
func setIndustry(c *call) (reply, *failure) {
	one, two := c.in.numberOrText("industry_id1", 0), c.in.numberOrText("industry_id2", 0)
	if min(one, two) < 1 || max(one, two) > industries {
		c.in.bad(codeBadArgs, "invalid args: industry_id1 and industry_id2 must be from 1 to %d", industries)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if !c.s.account.industry.pass(quotaMonth(c.now), 1) {
		return nil, refuse(codeIndustry, "change template too frequently")
	}
	c.s.account.industries = [2]int64{one, two}
	return nil, nil
}

// getIndustry answers the two trades, by number only: the platform's names are a list of
// their own.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_getindustry.html
func getIndustry(c *call) (reply, *failure) {
	class := func(n int64) reply {
		return reply{"first_class": "行业", "second_class": strconv.FormatInt(n, 10)}
	}
	of := c.s.account.industries
	return reply{"primary_industry": class(of[0]), "secondary_industry": class(of[1])}, nil
}

// addAccountTemplate takes a template from the shelf, with the keywords named or all of them.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_addtemplate.html
func addAccountTemplate(c *call) (reply, *failure) {
	title := shelfFind(c.in.text("template_id_short"))
	names := c.in.list("keyword_name_list", 20)
	a := &c.s.account
	if title == nil {
		c.in.bad(codeTemplateID, "invalid template_id: template_id_short is not on the sandbox's shelf")
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t := &accountTemplate{title: title.title, keywords: title.keywords}
	if len(names) > 0 {
		t.keywords = nil
	}
	for _, name := range names {
		i := slices.IndexFunc(title.keywords, func(k shelfKeyword) bool { return k.name == name })
		if i < 0 {
			return nil, refuse(codeBadArgs, "invalid args: keyword_name_list has a name that the title does not have")
		}
		t.keywords = append(t.keywords, title.keywords[i])
	}
	if len(a.templates) >= maxAccountTemplates {
		return nil, refuse(codeTemplatesFull, "template num exceeds limit")
	}
	t.id = c.s.dice.draw("account template", alphabetID+"-_", 43)
	a.templates = append(a.templates, t)
	return done(reply{"template_id": t.id}), nil
}

// listAccountTemplates answers the account's templates.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_getalltemplates.html
func listAccountTemplates(c *call) (reply, *failure) {
	list := []reply{}
	for _, t := range c.s.account.templates {
		list = append(list, reply{
			"template_id": t.id, "title": t.title, "primary_industry": "", "deputy_industry": "",
			"content": t.content(), "example": t.example(),
		})
	}
	return reply{"template_list": list}, nil
}

// deleteAccountTemplate takes a template away.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_deletetemplate.html
func deleteAccountTemplate(c *call) (reply, *failure) {
	id := c.in.text("template_id")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	a := &c.s.account
	if templateOf(a.templates, id) == nil {
		return nil, refuse(codeTemplateID, "invalid template_id")
	}
	a.templates = slices.DeleteFunc(a.templates, func(t *accountTemplate) bool { return t.id == id })
	return nil, nil
}

// readData reads the values for a template and returns what the person reads.
func (c *call) readData(t *accountTemplate) string {
	data := c.in.part("data")
	var lines []string
	for _, k := range t.keywords {
		item := data.part(k.key())
		v := item.text("value")
		if v == "" || !k.fits(v) {
			item.bad(codeTemplateData, "argument invalid! data.%s.value invalid", k.key())
		}
		lines = append(lines, k.name+": "+v)
	}
	return strings.Join(lines, "\n")
}

// fits reports whether a value obeys the rule of a keyword: its most characters, and for
// numbers that it is one. Times and dates may be written in many ways; only that they have a
// digit is looked at.
func (k shelfKeyword) fits(v string) bool {
	most := map[string]int{
		"thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "time": 32, "date": 32,
		"amount": 13, "phone_number": 17, "car_number": 8, "name": 10, "phrase": 5,
	}[k.rule]
	if utf8.RuneCountInString(v) > most {
		return false
	}
	switch k.rule {
	case "number":
		_, err := strconv.ParseFloat(v, 64)
		return err == nil
	case "character_string":
		return !strings.ContainsFunc(v, func(r rune) bool { return r > 127 })
	case "phrase":
		return !strings.ContainsFunc(v, func(r rune) bool { return r < 128 })
	case "amount", "time", "date", "phone_number":
		return strings.ContainsAny(v, alphabetDigits)
	}
	return true
}

// target reads where a press on a message leads.
func (c *call) target(m *AccountMessage, link string) {
	m.URL = c.in.link(link, urlBytes, 0)
	mini := c.in.part("miniprogram")
	if app := mini.text("appid"); app != "" {
		m.URL = mini.text("pagepath")
	}
}

// sendTemplate sends a template message. A second later the event TEMPLATESENDJOBFINISH
// tells whether it arrived.
// See https://developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage.html
func sendTemplate(c *call) (reply, *failure) {
	a := &c.s.account
	f := c.receiver()
	t := templateOf(a.templates, c.in.text("template_id"))
	once := c.in.text("client_msg_id")
	m := AccountMessage{Via: ViaTemplate, Type: "template"}
	if t == nil {
		c.in.bad(codeTemplateID, "invalid template_id")
	} else {
		m.Template, m.Title, m.Text = t.id, t.title, c.readData(t)
	}
	c.target(&m, "url")
	if refused := c.in.failed(); refused != nil {
		return nil, refused
	}
	switch {
	case !f.Subscribed:
		return nil, refuse(codeNotSubscribed, "require subscribe")
	case once != "" && c.now.Sub(a.once[once]) < onceSpan:
		return nil, refuse(codeTwice, "clientmsgid exist")
	}
	if once != "" {
		a.remember(once, c.now)
	}
	m.Body = c.sentBody()
	status := "success"
	id := int64(0)
	if f.NoTemplates {
		status, id = "failed:user block", a.nextSent()
	} else {
		id = c.s.showAccountMessage(c.now, f, m)
	}
	c.s.finishJob(c.now, f, id, status)
	return done(reply{"msgid": id}), nil
}

// remember keeps a client_msg_id; those that are too old go when there are many.
func (a *account) remember(once string, now time.Time) {
	if len(a.once) >= keepOnce {
		maps.DeleteFunc(a.once, func(_ string, at time.Time) bool { return now.Sub(at) >= onceSpan })
	}
	a.once[once] = now
}

// finishJob tells the account a moment later what became of a template message.
func (s *Sandbox) finishJob(now time.Time, f *Follower, id int64, status string) {
	s.later(&s.agenda, now.Add(jobTime), func(context.Context) {
		now := s.enter()
		defer s.leave()
		x := s.newPush(now, f, "event")
		x.text("Event", "TEMPLATESENDJOBFINISH")
		x.number("MsgID", id)
		x.text("Status", status)
		s.push(now, f, "TEMPLATESENDJOBFINISH", x)
	})
}

// RefuseTemplates lets a person refuse the account's template messages, or take them again.
func (s *Sandbox) RefuseTemplates(person string, refuse bool) error {
	s.enter()
	defer s.leave()
	f, err := s.follower(person)
	if err != nil {
		return fmt.Errorf("refuse templates: %w", err)
	}
	f.NoTemplates = refuse
	return nil
}
