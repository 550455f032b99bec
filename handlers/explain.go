package handlers

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// maxPeople bounds how many people an explanation counts up; WeCom's groups hold 500.
const maxPeople = 600

// Explanation is why a join earned or did not: the facts in the order of the argument, who
// was counted, and what would have had to be different.
type Explanation struct {
	Decision string // rewarded or not_rewarded
	Reason   string
	Steps    []Step
	People   []store.Counted // the customers right after the join, in counting order, at most 600
	WhatIf   []WhatIf
	Stint    store.Stint
	Others   []store.Stint // the person's other stays in this group, newest first
	Entry    *store.Entry  // nil: the join is not in the ledger
}

// Evidence is what the explanation says, sentence by sentence.
func (x Explanation) Evidence(lang string) []string {
	out := make([]string, len(x.Steps))
	for i, s := range x.Steps {
		out[i] = s.In(lang)
	}
	return out
}

// Step is one fact of an explanation. Which of the facts' fields are set depends on the kind:
// callback, read, person, inviter, referrer, scope, rule, ordinal, amount, hold, flag, signal,
// decision, leave, transfer, payout, status.
type Step struct {
	Kind string
	Text
	Facts
}

// Facts are the ids, times and figures behind a sentence; zero where they do not belong.
type Facts struct {
	At         time.Time
	EventKey   string // of a callback in the inbox
	EventID    int64  // the same, as long as the inbox has it
	Received   time.Time
	Duplicates int64  // how often the callback came again
	Version    string // of the member list that was read
	ChannelID  int64
	Staff      string
	ChatID     string
	Rule       int64 // version
	Override   string
	Ordinal    int
	People     int
	AmountFen  int64
	Debit      string
	Credit     string
	Status     string
	Payout     int64
	By         string // who decided
	Signal     string // the name of a sign that something is worth a look
}

// Explain tells why a person's stay in a group earned or did not; the one that began at a
// moment, or the latest where the moment is zero.
func (r *Rewards) Explain(ctx context.Context, chat bot.ChatID, member bot.MemberID, joined time.Time, zone *time.Location) (Explanation, error) {
	rd := r.Store.Read(ctx)
	st, err := rd.LastStint(chat, member)
	if err == nil && !joined.IsZero() {
		st, err = rd.StintAt(chat, member, joined)
	}
	if err != nil {
		return Explanation{}, err
	}
	return r.ExplainStay(ctx, st, zone)
}

// Decide tells in short why a stay earned or did not: the decision and reason of its
// Explanation.
func (r *Rewards) Decide(ctx context.Context, st store.Stint) (decision, reason string, err error) {
	_, x, err := r.look(ctx, st)
	return x.Decision, x.Reason, err
}

// ExplainStay tells why a stay earned or did not. It asks the same judge that books the
// rewards.
func (r *Rewards) ExplainStay(ctx context.Context, st store.Stint, zone *time.Location) (Explanation, error) {
	c, x, err := r.look(ctx, st)
	if err != nil {
		return x, err
	}
	c.sentences = sentences{zone}
	for _, tell := range []func(*Explanation) error{
		c.joinSteps, c.inviterStep, c.judgementSteps, c.ordinalStep, c.entrySteps, c.flagSteps, c.leaveSteps, c.transferSteps, c.payoutSteps, c.statusStep, c.suppose,
	} {
		if err := tell(&x); err != nil {
			return x, err
		}
	}
	return x, nil
}

// look asks the judge about a stay, and the ledger what was booked.
func (r *Rewards) look(ctx context.Context, st store.Stint) (*inquiry, Explanation, error) {
	rd := r.Store.Read(ctx)
	x := Explanation{Stint: st}
	stays, entries, err := person(rd, bot.MemberID(st.UserID), st.UnionID)
	if err != nil {
		return nil, x, err
	}
	i := slices.IndexFunc(stays, func(s store.Stint) bool { return s.ID == st.ID })
	if i < 0 {
		return nil, x, store.ErrNotFound
	}
	c := &inquiry{r: rd, facts: supposition{law: rd, stays: stays, i: i, entries: entries, now: r.Now().UTC()}}
	if c.found, err = c.facts.outcome(); err != nil {
		return nil, x, err
	}
	if e, ok := entries[st.ID]; ok {
		x.Entry = &e
	}
	if x.Entry != nil && decided(*x.Entry) && c.found.earns() {
		c.found.reason = x.Entry.Reason // the judge knows of no budget; who booked it did
	}
	x.Decision, x.Reason = decision(c.found, x.Entry)
	return c, x, nil
}

// decision is what the books say, and where they have nothing yet, what the judge says.
func decision(o outcome, e *store.Entry) (decision, reason string) {
	reason = o.reason
	switch {
	case e == nil || e.Reason == reasonRejudged: // being booked, for the first time or anew
	case e.Status == store.EntryVoid || e.Status == store.EntryClawedBack:
		reason = e.Reason
	default:
		reason = ReasonRewarded
	}
	if reason == ReasonRewarded {
		return "rewarded", reason
	}
	return "not_rewarded", reason
}

// inquiry is one stay that is being explained.
type inquiry struct {
	sentences
	r        store.Reader
	facts    supposition
	found    outcome
	evidence store.Evidence
	flag     store.FlaggedEntry // zero: never flagged
	names    map[string]Text    // of staff and groups that were looked up
}

func (c *inquiry) stint() store.Stint { return c.facts.stays[c.facts.i] }

func (c *inquiry) step(x *Explanation, kind string, f Facts, t Text) {
	x.Steps = append(x.Steps, Step{kind, t, f})
}

// staff is the name of a member of staff with the id.
func (c *inquiry) staff(id string) Text {
	return c.lookUp("staff:"+id, func() Text {
		s, _ := c.r.Staff(bot.UserID(id)) // without a name the id will do
		return named(s.Name, id)
	})
}

func (c *inquiry) group(id string) Text {
	return c.lookUp("group:"+id, func() Text {
		chat, err := c.r.Chat(bot.ChatID(id))
		if err != nil {
			chat = store.Chat{ChatID: id}
		}
		return group(chat)
	})
}

func (c *inquiry) lookUp(key string, find func() Text) Text {
	if t, ok := c.names[key]; ok {
		return t
	}
	if c.names == nil {
		c.names = map[string]Text{}
	}
	t := find()
	c.names[key] = t
	return t
}

// joinSteps tells how the house learned of the join.
func (c *inquiry) joinSteps(x *Explanation) error {
	st := c.stint()
	var err error
	if c.evidence, err = c.r.Evidence(st.ID); err != nil {
		return err
	}
	person, in := named(st.Name, st.UserID), c.group(st.ChatID)
	if c.evidence.JoinCallback != nil {
		call, event, err := c.r.Callback(*c.evidence.JoinCallback)
		if err != nil {
			return err
		}
		c.step(x, "callback", callbackFacts(call, event), c.say(
			"企业微信的回调说 %s 于 %s 加入%s;回调于 %s 收到%s", "WeCom's callback says that %s joined at %s: %s; it came at %s%s",
			person, call.At, in, call.ReceivedAt, repeats(call.Duplicates)))
	}
	e := c.evidence
	switch {
	case !e.Kept():
		c.step(x, "read", Facts{At: st.SeenAt}, c.say("%s 于 %s 加入%s,%s 记入账本;当时还不保存凭据",
			"%s joined at %s: %s; it was written down at %s, before evidence was kept", person, st.JoinedAt, in, st.SeenAt))
	case e.JoinRead.IsZero():
		c.step(x, "read", Facts{At: st.SeenAt}, c.say("没有一次读取看到此人在群里,只有回调说起这次入群", "No read ever showed the person in the group; only callbacks tell of this stay"))
	case e.JoinCallback == nil:
		c.step(x, "read", Facts{At: e.JoinRead, Version: e.JoinVersion}, c.say("没有回调说起这次入群;%s 读取的成员名单(版本 %s)第一次显示 %s 于 %s 加入%s",
			"No callback told of this join; the member list read at %s (version %s) was the first to show that %s joined at %s: %s", e.JoinRead, e.JoinVersion, person, st.JoinedAt, in))
	default:
		c.step(x, "read", Facts{At: e.JoinRead, Version: e.JoinVersion}, c.say("%s 读取的成员名单(版本 %s)第一次显示此人,入群时间 %s",
			"The member list read at %s (version %s) was the first to show the person, joined at %s", e.JoinRead, e.JoinVersion, st.JoinedAt))
	}
	x.Others, err = c.otherStays()
	return err
}

func (c *inquiry) otherStays() ([]store.Stint, error) {
	st := c.stint()
	all, err := c.r.StaysIn(bot.ChatID(st.ChatID), bot.MemberID(st.UserID))
	return slices.DeleteFunc(all, func(s store.Stint) bool { return s.ID == st.ID }), err
}

func callbackFacts(call store.Callback, event int64) Facts {
	return Facts{At: call.At, EventKey: call.Key, EventID: event, Received: call.ReceivedAt, Duplicates: call.Duplicates}
}

// repeats tells how often a callback came again.
func repeats(n int64) Text {
	if n == 0 {
		return Text{}
	}
	return sentences{}.say(",之后又重复收到 %s 次,只算一次", " (and %s times more, which counts as one)", n)
}

// inviterStep tells whom the join was put down to, and by what.
func (c *inquiry) inviterStep(x *Explanation) error {
	st, e := c.stint(), c.evidence
	f := Facts{Staff: st.Inviter, At: e.ContactAt}
	if e.ChannelID != nil {
		f.ChannelID = *e.ChannelID
	}
	code := named(e.ChannelName, st.State)
	if st.Referrer != "" {
		c.step(x, "referrer", Facts{}, c.say("扫的是顾客 %s 的推荐码 %s", "The code that was scanned is %[2]s, the personal code of the customer %[1]s", st.Referrer, code))
	}
	switch st.InviterBy {
	case ByState:
		c.step(x, "inviter", f, c.say("入群时扫的是渠道码 %s,当时属于 %s", "The code that was scanned is %s, which belonged to %s then", code, c.staff(st.Inviter)))
	case ByInvitor:
		c.step(x, "inviter", f, c.say("成员名单写明邀请人是员工 %s", "The member list names %s of staff as the inviter", c.staff(st.Inviter)))
	case ByContactState:
		if e.ContactAt.IsZero() {
			c.step(x, "inviter", f, c.say("入群前30天内通过 %s 的联系我二维码添加为客户", "The person was added through %s's contact code within the 30 days before the join", c.staff(st.Inviter)))
			break
		}
		c.step(x, "inviter", f, c.say("此人于 %s 通过联系我二维码「%s」添加了 %s,在入群前30天之内", `The person was added at %s through the contact code "%s" of %s, within the 30 days before the join`,
			e.ContactAt, e.ChannelName, c.staff(st.Inviter)))
	default:
		return c.noInviterSteps(x)
	}
	return nil
}

// noInviterSteps tells what was looked for in vain. What became known later is said too: the
// inviter is decided once.
func (c *inquiry) noInviterSteps(x *Explanation) error {
	st := c.stint()
	carried := Text{"没有带渠道标识", "carries no code's state"}
	switch {
	case c.evidence.ChannelID != nil:
		carried = c.say("带的是渠道码 %s,它当时不属于任何员工", "carries the state of the code %s, which belonged to nobody of staff then", named(c.evidence.ChannelName, st.State))
	case st.State != "":
		carried = c.say("带的渠道标识 %s 不属于任何员工的渠道码", "carries the state %s, which belongs to no code of staff", st.State)
	}
	c.step(x, "inviter", Facts{}, c.say("找不到邀请人:成员名单里此人%s,没有写员工邀请人,入群前30天内也没有通过员工的联系我二维码添加",
		"Nobody is known to have brought the person: the member list %s and names no inviter, and no contact code of staff was used in the 30 days before the join", carried))
	now, err := inviterOf(c.r, memberOf(st, c.evidence))
	if err == nil && now.inviter != "" {
		c.step(x, "inviter", Facts{Staff: now.inviter, At: now.addedAt}, c.say("后来得知 %s 曾带来此人;但邀请人在 %s 已经定下,不再更改",
			"It became known later that %s brought the person; but the inviter was decided at %s, once and for all", c.staff(now.inviter), st.SeenAt))
	}
	return err
}

// memberOf is what a read showed of a person when the stay was written down.
func memberOf(st store.Stint, e store.Evidence) bot.Member {
	return bot.Member{ID: bot.MemberID(st.UserID), Kind: bot.MemberKind(st.Kind), JoinedAt: st.JoinedAt, State: st.State, Inviter: bot.UserID(e.Invitor)}
}

// judgementSteps tells who the person is and what the rule says of that.
func (c *inquiry) judgementSteps(x *Explanation) error {
	st, j := c.stint(), c.found.judgement
	if st.Kind != string(bot.Customer) {
		c.step(x, "person", Facts{}, c.say("%s 是本企业成员,不是客户", "%s works for the company and is not a customer", named(st.Name, st.UserID)))
		return nil
	}
	rule, err := c.ruleInForce(x)
	if err != nil {
		return err
	}
	if rule.Version == 0 {
		c.step(x, "rule", Facts{}, c.say("%s 入群时还没有生效的奖励规则", "When the person joined at %s no reward rule was in force", st.JoinedAt))
	} else {
		c.step(x, "rule", Facts{Rule: rule.Version, At: rule.EffectiveFrom}, c.say("适用规则版本 %s,自 %s 起生效,范围:%s",
			"Rule version %s applies, in force from %s; a person counts %s", rule.Version, rule.EffectiveFrom, scopeWord(rule.OncePer)))
	}
	switch {
	case j.reason == ReasonNoInviter || rule.Version == 0:
	case j.reason == ReasonNotNew:
		c.step(x, "scope", Facts{At: j.earlier.JoinedAt, ChatID: j.earlier.ChatID}, c.say("此人(按 unionid 或 userid)早在 %s 已加入%s,在这个范围内不是新客",
			"The person (by union id or user id) had joined before, at %s: %s, and is not new within that scope", j.earlier.JoinedAt, c.group(j.earlier.ChatID)))
	default:
		c.step(x, "scope", Facts{}, c.say("这是此人在这个范围内的第一次入群", "It is the person's first stay within that scope"))
	}
	return nil
}

// ruleInForce is the version an entry was booked under, else the one in force at the join;
// zero where none was.
func (c *inquiry) ruleInForce(x *Explanation) (store.Rule, error) {
	if x.Entry != nil {
		return c.r.RuleVersion(x.Entry.RuleVersion)
	}
	rule, err := c.r.RuleAt(c.stint().JoinedAt)
	if errors.Is(err, store.ErrNotFound) {
		return store.Rule{}, nil
	}
	return rule, err
}

// ordinalStep counts who was there. The ordinal was counted when the stay was written; the
// books may know more by now, and it is said when they do.
func (c *inquiry) ordinalStep(x *Explanation) error {
	st := c.stint()
	var err error
	if x.People, err = c.r.PeopleAt(st, maxPeople); err != nil || st.Ordinal == nil {
		return err
	}
	f := Facts{Ordinal: *st.Ordinal, People: len(x.People), At: st.JoinedAt}
	if n := len(x.People); n != *st.Ordinal {
		c.step(x, "ordinal", f, c.say("入账时入群后群内有 %s 位客户,此人是%s;后来得知的退群或入群使名单变成 %s 位,名次不再更改",
			"When the join was written down the group had %s customers, and the person was the %s; with what became known later it is %s, but the ordinal stays", *st.Ordinal, nthWord(*st.Ordinal), n))
		return nil
	}
	c.step(x, "ordinal", f, c.say("入群后群内有 %s 位客户,此人是%s", "Customers in the group right after the join: %s; the person was the %s", *st.Ordinal, nthWord(*st.Ordinal)))
	return nil
}

// entrySteps tells the amount and how long it is held.
func (c *inquiry) entrySteps(x *Explanation) error {
	e := x.Entry
	if e == nil {
		if c.found.earns() {
			c.step(x, "amount", Facts{AmountFen: c.found.fen, Rule: c.found.rule.Version}, c.say("符合规则,奖励 %s,正在入账", "It earns %s and is being booked", fen(c.found.fen)))
		}
		return nil
	}
	rule, err := c.r.RuleVersion(e.RuleVersion)
	if err != nil {
		return err
	}
	terms := rule.TermsNamed(e.Terms)
	if terms.Name != "" {
		c.step(x, "rule", Facts{Rule: rule.Version, Override: terms.Name}, c.say("这个群适用规则里的例外「%s」", `The rule's override "%s" holds for this group`, terms.Name))
	}
	c.step(x, "amount", Facts{AmountFen: e.AmountFen, Ordinal: e.Ordinal, Rule: e.RuleVersion, Override: terms.Name, Staff: e.Staff}, c.say(
		"%s每位 %s,归 %s", "%s earn %s each, for %s", tierWord(terms.Tiers, e.Ordinal), fen(e.AmountFen), c.staff(e.Staff)))
	until := e.DueAt.Add(terms.Clawback)
	if terms.Clawback > 0 {
		c.step(x, "hold", Facts{At: e.DueAt}, c.say("奖励保留到 %s(入群后 %s);在 %s 之前退群还会收回", "It is held until %s (%s after the join); a leave before %s still takes it back", e.DueAt, terms.Hold, until))
		return nil
	}
	c.step(x, "hold", Facts{At: e.DueAt}, c.say("奖励保留到 %s(入群后 %s),在此之前退群则作废", "It is held until %s (%s after the join); a leave before that voids it", e.DueAt, terms.Hold))
	return nil
}

// flagSteps tells why somebody had to look at the entry, and what was decided.
func (c *inquiry) flagSteps(x *Explanation) error {
	if x.Entry == nil {
		return nil
	}
	f, err := c.r.FlaggedEntry(x.Entry.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c.flag = f
	c.step(x, "flag", Facts{At: f.Flag.FlaggedAt, Status: f.Flag.Status}, c.say("%s 因以下迹象被标记,要由人决定;迹象合计 %s,门槛 %s,单独一个说明不了问题",
		"At %s it was flagged for somebody to decide, for these signs; together they weigh %s, from %s on an entry is flagged, and none proves anything", f.Flag.FlaggedAt, figure(f.Flag.Weight), figure(f.Flag.Threshold)))
	for _, s := range f.Flag.Signals {
		c.step(x, "signal", Facts{Signal: s.Name}, c.say("迹象(%s):%s", "Sign (%s): %s", figure(s.Weight), Text{s.ZH, s.EN}))
	}
	d := f.Decision
	switch {
	case d.Decision == store.DecideRelease:
		c.step(x, "decision", Facts{At: d.At, By: d.Who, Status: f.Flag.Status}, c.say("%s 于 %s 决定放行:%s", "%s released it at %s: %s", d.Who, d.At, d.Note))
	case d.Decision == store.DecideVoid:
		c.step(x, "decision", Facts{At: d.At, By: d.Who, Status: f.Flag.Status}, c.say("%s 于 %s 决定作废:%s", "%s voided it at %s: %s", d.Who, d.At, d.Note))
	case f.Lapsed():
		c.step(x, "decision", Facts{}, Text{"没有人决定,也不必再决定", "Nobody decided, and there is nothing left to decide"})
	default:
		c.step(x, "decision", Facts{}, Text{"还没有人决定;决定之前一直保留", "Nobody has decided yet; it is held until somebody does"})
	}
	return nil
}

// figure tells a weight with at most two digits behind the point.
func figure(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// leaveSteps tells how the stay ended and how that became known.
func (c *inquiry) leaveSteps(x *Explanation) error {
	st, e := c.stint(), c.evidence
	if st.LeftAt.IsZero() {
		if !e.ReopenedAt.IsZero() {
			c.step(x, "leave", Facts{At: e.ReopenedAt}, c.say("曾以为此人已退群;%s 的读取显示还在群里,退群已撤销", "The person was thought to have left; a read at %s showed the person there, and the leave was taken back", e.ReopenedAt))
		}
		return nil
	}
	how := wordOf(map[string]Text{string(bot.LeftAlone): {"自己退群", "left"}, string(bot.LeftRemoved): {"被移出群", "was removed"}}, st.LeftHow)
	if st.LeftHow == string(bot.LeftUnknown) {
		how = Text{"离开了群", "left or was removed"}
	}
	f := Facts{At: st.LeftAt}
	if e.LeaveCallback != nil {
		call, event, err := c.r.Callback(*e.LeaveCallback)
		if err != nil {
			return err
		}
		f = callbackFacts(call, event)
	}
	f.Version = e.LeaveVersion
	c.step(x, "leave", f, c.say("%s 于 %s %s,在群 %s;%s", "%s %[3]s at %[2]s after %[4]s; %[5]s", named(st.Name, st.UserID), st.LeftAt, how, st.LeftAt.Sub(st.JoinedAt), c.leaveSource(f)))
	return nil
}

// leaveSource tells what the end of the stay is known by.
func (c *inquiry) leaveSource(f Facts) Text {
	switch e := c.evidence; {
	case e.LeaveBy == store.LeaveByGroup:
		return Text{"群在那时解散", "the group was dismissed then"}
	case e.LeaveBy == store.LeaveByNameless:
		return c.say("回调(%s 收到)说有人退群,名单上少的正是此人", "a callback that came at %s says that somebody left, and this person is missing from the list", f.Received)
	case e.LeaveCallback != nil:
		return c.say("由 %s 收到的回调告知%s", "a callback that came at %s says so%s", f.Received, repeats(f.Duplicates))
	case e.LeaveBy == store.LeaveByGap:
		return c.say("没有收到回调;%s 读取的名单里已没有此人,时间按下一个回调推定", "no callback told of it; the list read at %s lacks the person, and the time is that of the next callback", e.LeaveRead)
	case e.LeaveBy == store.LeaveByRead:
		return c.say("没有收到回调;%s 读取的名单里已没有此人,以读到的时间为准", "no callback told of it; the list read at %s lacks the person, and the time is that of the read", e.LeaveRead)
	}
	return Text{"当时还不保存凭据", "that was before evidence was kept"}
}

// transferSteps tells the way of the money and where it is now.
func (c *inquiry) transferSteps(x *Explanation) error {
	if x.Entry == nil {
		return nil
	}
	moves, err := c.r.Transfers(x.Entry.ID)
	if err != nil {
		return err
	}
	for _, m := range moves {
		c.step(x, "transfer", Facts{At: m.At, AmountFen: m.AmountFen, Debit: m.Debit, Credit: m.Credit}, c.say("%s:%s 从%s转到%s(%s)", "%s: %s from %s to %s (%s)",
			m.At, fen(m.AmountFen), accountWord(m.Debit), accountWord(m.Credit), ReasonWord(m.Reason)))
	}
	return nil
}

// payoutSteps tells which payouts had to do with the entry, who decided on them, and when.
func (c *inquiry) payoutSteps(x *Explanation) error {
	e := x.Entry
	if e == nil {
		return nil
	}
	if e.PayoutID != nil {
		if err := c.payoutStep(x, *e.PayoutID, "这笔奖励在发放单 %s(%s)里:%s", "It is in payout %s (%s): %s"); err != nil {
			return err
		}
	}
	if e.RecoveredBy != nil {
		return c.payoutStep(x, *e.RecoveredBy, "已发放的钱在发放单 %s(%s)里扣回:%s", "What was paid was kept back in payout %s (%s): %s")
	}
	if e.CashOut() && e.Status == store.EntryClawedBack {
		c.step(x, "payout", Facts{AmountFen: e.AmountFen, Staff: e.Staff}, c.say("已发放的 %s 将在 %s 以后的发放里扣回", "The %s that were paid will be kept back from a later payout of %s", fen(e.AmountFen), c.staff(e.Staff)))
	}
	return nil
}

func (c *inquiry) payoutStep(x *Explanation, id int64, zh, en string) error {
	p, err := c.r.Payout(id)
	if err != nil {
		return err
	}
	steps, err := c.r.PayoutSteps(id)
	if err != nil {
		return err
	}
	f := Facts{Payout: id, Status: p.Status, At: p.CreatedAt}
	var way Text
	for i, s := range steps {
		f.At, f.By = s.At, s.Who
		if i > 0 {
			way = Text{way.ZH + ",", way.EN + ", "}
		}
		done := c.say("%s 由 %s %s", "%[3]s at %[1]s by %[2]s", s.At, s.Who, payoutWord(s.Status))
		way = Text{way.ZH + done.ZH, way.EN + done.EN}
	}
	c.step(x, "payout", f, c.say(zh, en, id, p.Period, way))
	return nil
}

// statusStep tells where the money is now.
func (c *inquiry) statusStep(x *Explanation) error {
	if x.Entry == nil {
		return nil
	}
	if x.Entry.CashOut() && c.found.reason == ReasonNotNew {
		c.step(x, "status", Facts{}, Text{"后来得知此人不是新客,但已经发放的不再追回", "It became known later that the person was not new, but what was paid stands"})
	}
	c.step(x, "status", Facts{Status: x.Entry.Status, AmountFen: x.Entry.AmountFen}, c.say("目前状态:%s(%s)", "It is now %s (%s)", StatusWord(x.Entry.Status), ReasonWord(x.Entry.Reason)))
	return nil
}
