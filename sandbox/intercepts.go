package sandbox

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxRules      = 100
	ruleNameChars = 20
	maxWords      = 300
	wordChars     = 32
	ruleRange     = 1000 // people or departments in one call

	// The documentation names the last five of these only as a group.
	codeManyWords  = 41068
	codeManyRules  = 41069
	codeBadRule    = 41070
	codeRuleName   = 41076
	codeRuleExists = 41077
	codeBadWord    = 41083
	codeSemantics  = 41084
)

// What an InterceptRule does.
const (
	InterceptBlock = 1 // warn and do not send
	InterceptWarn  = 2
)

// What an InterceptRule recognises besides words.
const (
	SemanticsPhone     = 1
	SemanticsEmail     = 2
	SemanticsRedPacket = 3
)

// ErrIntercepted is inside the error of a member of staff's message that a rule blocked.
var ErrIntercepted = errors.New("blocked by an intercept rule")

// InterceptRule keeps staff from writing some things to customers and in customer groups
// (聊天敏感词). What customers write is not looked at.
type InterceptRule struct {
	ID          string
	Name        string
	Words       []string
	Semantics   []int // SemanticsPhone …; red packets cannot be sent in the sandbox
	Type        int   // InterceptBlock or InterceptWarn
	Users       []string
	Departments []int // and everything below them
	CreatedAt   time.Time
}

// InterceptRules returns the rules there are, oldest first.
func (s *Sandbox) InterceptRules() []InterceptRule {
	s.enter()
	defer s.leave()
	return copied(s.intercepts, func(r *InterceptRule) { *r = r.clone() })
}

func (r InterceptRule) clone() InterceptRule {
	r.Words, r.Semantics = slices.Clone(r.Words), slices.Clone(r.Semantics)
	r.Users, r.Departments = slices.Clone(r.Users), slices.Clone(r.Departments)
	return r
}

// intercept looks at what a member of staff is about to write and notes what a rule found.
// It reports whether the message must not be sent.
func (s *Sandbox) intercept(now time.Time, u *Staff, g *group, text string) bool {
	blocked := false
	for _, r := range s.intercepts {
		if !s.office.within(u, r) || !r.finds(text) {
			continue
		}
		if r.Type == InterceptBlock {
			blocked = true
			s.note(now, EntrySay, u.UserID, g, both("was kept from sending something by the rule %s", "要发的话被规则 %s 拦下了", r.Name))
		} else {
			s.note(now, EntrySay, u.UserID, g, both("was warned by the rule %s", "被规则 %s 警告了", r.Name))
		}
	}
	return blocked
}

// within reports whether a rule is for a member of staff.
func (o *office) within(u *Staff, r *InterceptRule) bool {
	return slices.Contains(r.Users, u.UserID) || o.inAny(u, r.Departments)
}

// finds reports whether a text has one of the words, a mobile number or an address of mail.
func (r *InterceptRule) finds(text string) bool {
	for _, word := range r.Words {
		if strings.Contains(text, word) {
			return true
		}
	}
	for _, kind := range r.Semantics {
		pattern := map[int]string{
			SemanticsPhone: `(^|\D)1[3-9]\d{9}($|\D)`, SemanticsEmail: `[\w.+-]+@[\w-]+(\.[\w-]+)+`,
		}[kind]
		if pattern != "" && regexp.MustCompile(pattern).MatchString(text) {
			return true
		}
	}
	return false
}

func interceptAPIs() map[string]api {
	const ec = "externalcontact/"
	return map[string]api{
		ec + "add_intercept_rule":      write(addRule),
		ec + "get_intercept_rule_list": read(listRules),
		ec + "get_intercept_rule":      write(getRule),
		ec + "update_intercept_rule":   write(updateRule),
		ec + "del_intercept_rule":      write(deleteRule),
	}
}

// addRule makes a rule.
// See https://developer.work.weixin.qq.com/document/path/95097
func addRule(c *call) (reply, *failure) {
	in := c.in
	r := &InterceptRule{CreatedAt: c.now, Semantics: in.semantics("semantics_list"), Type: int(in.between("intercept_type", 0, 1, 2))}
	r.Name = in.ruleName()
	r.Words = in.words()
	if len(r.Words)+len(r.Semantics) == 0 {
		in.bad(codeEmptyParam, "missing word_list")
	}
	if r.Name == "" {
		in.bad(codeEmptyParam, "missing rule_name")
	}
	users, departments, f := c.ruleRange("applicable_range")
	if f != nil {
		return nil, f
	}
	r.Users, r.Departments = users, departments
	switch {
	case len(users)+len(departments) == 0:
		return nil, refuse(codeEmptyParam, "missing applicable_range")
	case c.s.ruleNamed(r.Name) != nil:
		return nil, refuse(codeRuleExists, "rule name not unique")
	case len(c.s.intercepts) >= maxRules:
		return nil, refuse(codeManyRules, "rule count over limit")
	}
	r.ID = c.s.dice.draw("intercept rule", alphabetID, 32)
	c.s.intercepts = append(c.s.intercepts, r)
	return reply{"rule_id": r.ID}, nil
}

func (a args) ruleName() string {
	name := a.text("rule_name")
	if utf8.RuneCountInString(name) > ruleNameChars {
		a.bad(codeRuleName, "invalid rule_name: more than %d characters", ruleNameChars)
	}
	return name
}

// words reads the words of a rule.
func (a args) words() []string {
	words := a.list("word_list", maxIDs)
	if len(words) > maxWords {
		a.bad(codeManyWords, "word list over limit")
	}
	for _, word := range words {
		if n := utf8.RuneCountInString(word); n < 1 || n > wordChars {
			a.bad(codeBadWord, "invalid word_list: words have 1 to %d characters", wordChars)
		}
	}
	return unique(words)
}

// semantics reads what a rule recognises besides words.
func (a args) semantics(name string) []int {
	kinds := a.numbers(name)
	for _, kind := range kinds {
		if kind < SemanticsPhone || kind > SemanticsRedPacket {
			a.bad(codeSemantics, "invalid %s%s: %d", a.where, name, kind)
		}
	}
	return kinds
}

// ruleRange reads for whom a rule is.
func (c *call) ruleRange(name string) ([]string, []int, *failure) {
	part := c.in.part(name)
	users, departments := part.list("user_list", ruleRange), part.numbers("department_list")
	if len(departments) > ruleRange {
		part.bad(codeBadParam, "invalid Request Parameter: %sdepartment_list has more than %d entries", part.where, ruleRange)
	}
	if f := c.in.failed(); f != nil {
		return nil, nil, f
	}
	for i, id := range users {
		u, f := c.s.office.seeStaff(id)
		if f != nil {
			return nil, nil, f
		}
		users[i] = u.UserID
	}
	for _, id := range departments {
		if c.s.office.department(id) == nil {
			return nil, nil, refuse(codeNoDepartment, "department not found: %d", id)
		}
	}
	return unique(users), departments, nil
}

func (s *Sandbox) ruleNamed(name string) *InterceptRule {
	i := slices.IndexFunc(s.intercepts, func(r *InterceptRule) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return s.intercepts[i]
}

// namedRule returns the rule that a call names.
func (c *call) namedRule() (*InterceptRule, *failure) {
	id := c.in.need("rule_id", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	i := slices.IndexFunc(c.s.intercepts, func(r *InterceptRule) bool { return r.ID == id })
	if i < 0 {
		return nil, refuse(codeBadRule, "invalid rule_id")
	}
	return c.s.intercepts[i], nil
}

// listRules answers the rules in short.
// See https://developer.work.weixin.qq.com/document/path/95097
func listRules(c *call) (reply, *failure) {
	out := []reply{}
	for _, r := range c.s.intercepts {
		out = append(out, reply{"rule_id": r.ID, "rule_name": r.Name, "create_time": r.CreatedAt.Unix()})
	}
	return reply{"rule_list": out}, nil
}

// getRule answers a rule.
// See https://developer.work.weixin.qq.com/document/path/95097
func getRule(c *call) (reply, *failure) {
	r, f := c.namedRule()
	if f != nil {
		return nil, f
	}
	return reply{"rule": reply{
		"rule_id": r.ID, "rule_name": r.Name, "word_list": append([]string{}, r.Words...), "intercept_type": r.Type,
		"extra_rule":       reply{"semantics_list": append([]int{}, r.Semantics...)},
		"applicable_range": reply{"user_list": append([]string{}, r.Users...), "department_list": append([]int{}, r.Departments...)},
	}}, nil
}

// updateRule changes the fields that are given; words and what else is recognised are
// replaced as a whole, people and departments are added and taken away.
// See https://developer.work.weixin.qq.com/document/path/95097
func updateRule(c *call) (reply, *failure) {
	old, f := c.namedRule()
	if f != nil {
		return nil, f
	}
	in, r := c.in, old.clone()
	if name := in.ruleName(); name != "" {
		r.Name = name
	}
	if in.has("word_list") {
		r.Words = in.words()
	}
	if extra := in.part("extra_rule"); in.has("extra_rule") {
		r.Semantics = extra.semantics("semantics_list")
	}
	r.Type = int(in.between("intercept_type", int64(r.Type), 1, 2))
	if len(r.Words)+len(r.Semantics) == 0 {
		in.bad(codeEmptyParam, "missing word_list")
	}
	more, moreDepartments, f := c.ruleRange("add_applicable_range")
	if f != nil {
		return nil, f
	}
	less, lessDepartments, f := c.ruleRange("remove_applicable_range")
	if f != nil {
		return nil, f
	}
	if other := c.s.ruleNamed(r.Name); other != nil && other != old {
		return nil, refuse(codeRuleExists, "rule name not unique")
	}
	r.Users = slices.DeleteFunc(unique(append(r.Users, more...)), func(id string) bool { return slices.Contains(less, id) })
	for _, id := range moreDepartments {
		if !slices.Contains(r.Departments, id) {
			r.Departments = append(r.Departments, id)
		}
	}
	r.Departments = slices.DeleteFunc(r.Departments, func(id int) bool { return slices.Contains(lessDepartments, id) })
	if len(r.Users)+len(r.Departments) == 0 {
		return nil, refuse(codeEmptyParam, "applicable_range would be empty")
	}
	*old = r
	return nil, nil
}

// deleteRule ends a rule.
// See https://developer.work.weixin.qq.com/document/path/95097
func deleteRule(c *call) (reply, *failure) {
	r, f := c.namedRule()
	if f != nil {
		return nil, f
	}
	c.s.intercepts = slices.DeleteFunc(c.s.intercepts, func(o *InterceptRule) bool { return o == r })
	return nil, nil
}
