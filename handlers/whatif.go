package handlers

import (
	"errors"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// outcome is what a stay comes to.
type outcome struct {
	judgement
	fen    int64
	due    time.Time
	status string
}

// paid reports whether the outcome gives staff the reward in the end.
func (o outcome) paid() bool { return o.reason == ReasonRewarded }

// supposition is a person's stays with the law, as they are or as they might have been.
type supposition struct {
	law     lawbook
	stays   []store.Stint // all of the person, in the order of the joins
	i       int           // the stay in question
	entries map[int64]store.Entry
	now     time.Time
}

// outcome asks the judge that books the rewards.
func (s supposition) outcome() (outcome, error) {
	j, err := judge(s.law, s.stays, s.i, s.entries)
	o := outcome{judgement: j}
	if err != nil || !j.earns() {
		return o, err
	}
	st := s.stays[s.i]
	if st.Ordinal != nil {
		o.fen = j.terms.Fen(*st.Ordinal)
	}
	o.due = st.JoinedAt.Add(j.terms.Hold)
	o.status, o.reason = statusOf(st, store.Entry{DueAt: o.due}, j.terms, s.now)
	return o, nil
}

// with is the supposition with the stay in question changed.
func (s supposition) with(change func(*store.Stint)) supposition {
	s.stays = slices.Clone(s.stays)
	change(&s.stays[s.i])
	return s
}

// without is the supposition as if another stay had never been.
func (s supposition) without(id int64) supposition {
	own := s.stays[s.i].ID
	s.stays = slices.DeleteFunc(slices.Clone(s.stays), func(st store.Stint) bool { return st.ID == id })
	s.i = slices.IndexFunc(s.stays, func(st store.Stint) bool { return st.ID == own })
	return s
}

// under is the supposition with one rule in force, whenever that really was.
func (s supposition) under(rule store.Rule) supposition {
	s.law = decree{s.law, rule}
	return s
}

// decree is the law with one rule in force at all times.
type decree struct {
	lawbook
	rule store.Rule
}

func (d decree) RuleAt(time.Time) (store.Rule, error) { return d.rule, nil }

// WhatIf is what a join would have come to, had something been different. It is computed by
// the judge that books the rewards. Which of the facts' fields are set depends on the kind:
// stay_longer, first_stay, inviter, contact, customer, rule_in_force, budget, decision (what it
// would have taken to earn), release, ordinal, rule_version, other_inviter, leave.
type WhatIf struct {
	Kinds []string // several where only all together make the difference
	Text
	Facts
	Decision string
	Reason   string
}

// change is one thing that might have been different.
type change struct {
	kind string
	text Text // as part of a sentence: if …
	Facts
}

// suppose finds what would have had to be different, and what else would have changed.
func (c *inquiry) suppose(x *Explanation) error {
	if x.Decision != "rewarded" {
		return c.remedy(x)
	}
	for _, look := range []func(*Explanation) error{c.release, c.otherOrdinals, c.otherRules, c.otherInviter, c.earlyLeave} {
		if err := look(x); err != nil {
			return err
		}
	}
	return nil
}

// remedy takes away what stands in the way of a reward, one thing after the other, until the
// judge grants it.
func (c *inquiry) remedy(x *Explanation) error {
	s, o := c.facts, c.found
	var all []change
	for !o.paid() {
		next, ch, err := c.remove(x, s, o)
		if err != nil || ch.kind == "" || len(all) == maxRemedies {
			return err // nothing that is known would have helped
		}
		if o, err = next.outcome(); err != nil {
			return err
		}
		s, all = next, append(all, ch)
	}
	if len(all) > 0 {
		c.conclude(x, all, o)
	}
	if c.found.reason == ReasonNoInviter {
		return c.nearMisses(x)
	}
	return nil
}

// maxRemedies is more than there are reasons.
const maxRemedies = 10

// remove changes the one thing that an outcome gives as its reason.
func (c *inquiry) remove(x *Explanation, s supposition, o outcome) (supposition, change, error) {
	st := s.stays[s.i]
	switch o.reason {
	case ReasonNoInviter:
		return s.with(func(st *store.Stint) { st.Inviter = "?" }), change{kind: "inviter", text: c.say("有人带来此人(扫了员工的渠道码、由员工邀请,或30天内通过员工的联系我二维码添加)",
			"somebody had brought the person (a code of staff scanned, an invitation by staff, or a contact code of staff used within 30 days)")}, nil
	case ReasonNotCustomer:
		n := len(x.People) + 1
		return s.with(func(st *store.Stint) { st.Kind, st.Ordinal = string(bot.Customer), &n }), change{kind: "customer", Facts: Facts{Ordinal: n},
			text: c.say("%s 是客户(那么就是%s)", "%s were a customer (the %s)", named(st.Name, st.UserID), nthWord(n))}, nil
	case ReasonNotNew:
		return c.asFirst(s, o)
	case ReasonBeforeEffective:
		rule, err := c.r.NextRule(st.JoinedAt)
		if errors.Is(err, store.ErrNotFound) {
			return s, change{}, nil
		}
		return s.under(rule), change{kind: "rule_in_force", Facts: Facts{Rule: rule.Version, At: rule.EffectiveFrom},
			text: c.say("规则版本 %s(自 %s 起生效)在入群时已经生效", "rule version %s (in force from %s) had been in force at the join", rule.Version, rule.EffectiveFrom)}, err
	case ReasonOverBudget:
		rule := o.rule
		rule.Budget = nil
		return s.under(rule), change{kind: "budget", text: c.say("规则版本 %s 没有每月预算上限(现在是每月 %s)", "rule version %s had no cap of %s a month", rule.Version, fen(o.rule.Budget.Fen))}, nil
	case ReasonDecided:
		return s, change{kind: "decision", Facts: Facts{At: c.flag.Decision.At}, text: c.say("%s 决定放行而不是作废", "%s had decided to release it instead of voiding it", c.flag.Decision.Who)}, nil
	case ReasonLeftEarly:
		return c.asLonger(s, o)
	}
	return s, change{}, nil
}

// asFirst supposes that the person was in no group of the scope before.
func (c *inquiry) asFirst(s supposition, o outcome) (supposition, change, error) {
	first, n := o.earlier, 0
	var err error
	for ; o.reason == ReasonNotNew && err == nil; n++ {
		s = s.without(o.earlier.ID)
		o, err = s.outcome()
	}
	t := c.say("此人此前没有加入过%s(%s)", "the person had not been before in %s (joined at %s)", c.group(first.ChatID), first.JoinedAt)
	if n > 1 {
		t = c.say("此人此前没有加入过%s(%s)以及另外 %s 次", "the person had not been before in %s (joined at %s), nor %s more times", c.group(first.ChatID), first.JoinedAt, n-1)
	}
	return s, change{kind: "first_stay", text: t, Facts: Facts{ChatID: first.ChatID, At: first.JoinedAt}}, err
}

// asLonger supposes that the person stayed just as long as it takes.
func (c *inquiry) asLonger(s supposition, o outcome) (supposition, change, error) {
	left := s.stays[s.i].LeftAt
	for _, until := range []time.Time{o.due, o.due.Add(o.terms.Clawback)} {
		next := s.with(func(st *store.Stint) { st.LeftAt = until })
		if until.After(next.now) {
			next.now = until
		}
		if got, err := next.outcome(); err != nil || got.paid() {
			return next, change{kind: "stay_longer", Facts: Facts{At: until},
				text: c.say("此人留到 %s(再多 %s)", "the person had stayed until %s (%s longer)", until, until.Sub(left))}, err
		}
	}
	return s, change{}, nil
}

// conclude tells what some changes would have led to.
func (c *inquiry) conclude(x *Explanation, changes []change, o outcome) {
	w := WhatIf{Facts: Facts{AmountFen: o.fen, Status: o.status, Rule: o.rule.Version, Override: o.terms.Name}}
	w.Decision, w.Reason = decision(o, nil)
	var when Text
	for i, ch := range changes {
		w.Kinds = append(w.Kinds, ch.kind)
		w.Facts = w.merge(ch.Facts)
		if i > 0 {
			when.ZH, when.EN = when.ZH+",并且", when.EN+", and if "
		}
		when.ZH, when.EN = when.ZH+ch.text.ZH, when.EN+ch.text.EN
	}
	w.Text = c.say("如果%s,%s", "If %s, %s", when, c.consequence(o, w.Staff))
	x.WhatIf = append(x.WhatIf, w)
}

// merge adds the facts of a change to those of its outcome.
func (f Facts) merge(ch Facts) Facts {
	if !ch.At.IsZero() {
		f.At = ch.At
	}
	if ch.Staff != "" {
		f.Staff = ch.Staff
	}
	if ch.ChatID != "" {
		f.ChatID = ch.ChatID
	}
	if ch.Ordinal != 0 {
		f.Ordinal = ch.Ordinal
	}
	if ch.ChannelID != 0 {
		f.ChannelID = ch.ChannelID
	}
	return f
}

// consequence tells an outcome; staff is whose it would be, where that would be different.
func (c *inquiry) consequence(o outcome, staff string) Text {
	if o.paid() {
		status := StatusWord(o.status)
		if o.status == store.EntryHeld {
			status = c.say("%s到 %s", "%s until %s", status, o.due)
		}
		if staff != "" {
			return c.say("奖励 %s 就归 %s(%s)", "the reward of %s would be %s's (%s)", fen(o.fen), c.staff(staff), status)
		}
		return c.say("奖励就是 %s(%s)", "the reward would be %s (%s)", fen(o.fen), status)
	}
	return c.say("就没有奖励(%s)", "there would be no reward (%s)", ReasonWord(o.reason))
}

// nearMisses looks for contacts with staff that only came at the wrong time.
func (c *inquiry) nearMisses(x *Explanation) error {
	st := c.stint()
	contacts, err := c.r.Contacts(bot.ExternalUserID(st.UserID))
	if err != nil || st.Kind != string(bot.Customer) {
		return err
	}
	for _, ct := range contacts {
		late := ct.AddedAt.Add(contactWindow)
		m := memberOf(st, c.evidence)
		if m.JoinedAt = late; ct.AddedAt.After(st.JoinedAt) {
			m.JoinedAt = ct.AddedAt
		} else if !late.Before(st.JoinedAt) {
			continue // it was in time; that it became known too late is said above
		}
		by, err := inviterOf(c.r, m)
		if err != nil {
			return err
		}
		if by.by != ByContactState || !by.addedAt.Equal(ct.AddedAt) {
			continue
		}
		o, err := c.facts.with(func(st *store.Stint) { st.Inviter = by.inviter }).outcome()
		if err != nil {
			return err
		}
		ch := change{kind: "contact", Facts: Facts{Staff: by.inviter, At: m.JoinedAt, ChannelID: by.channel.ID},
			text: c.say("此人最晚在 %s 入群(通过 %s 的联系我二维码添加后30天内)", "the person had joined by %s, within 30 days of being added through %s's contact code", late, c.staff(by.inviter))}
		if ct.AddedAt.After(st.JoinedAt) {
			ch.text = c.say("此人在入群之前(而不是 %s)就通过 %s 的联系我二维码添加", "the person had been added through %[2]s's contact code before the join, not at %[1]s", ct.AddedAt, c.staff(by.inviter))
		}
		c.conclude(x, []change{ch}, o)
	}
	return nil
}

// release tells what a flagged entry becomes when somebody lets it go.
func (c *inquiry) release(x *Explanation) error {
	if c.flag.Flag.Status == store.FlagOpen && x.Entry.Status == store.EntryHeld {
		c.conclude(x, []change{{kind: "release", text: Text{"有人决定放行", "somebody releases it"}}}, c.found)
	}
	return nil
}

// otherOrdinals tells of the nearest ordinals that earn differently.
func (c *inquiry) otherOrdinals(x *Explanation) error {
	st := c.stint()
	if st.Ordinal == nil {
		return nil
	}
	var below, above int
	for _, t := range c.found.terms.Tiers {
		switch {
		case t.UpTo == 0:
		case t.UpTo < *st.Ordinal:
			below = t.UpTo
		case above == 0:
			above = t.UpTo + 1
		}
	}
	for _, n := range []int{below, above} {
		o, err := c.facts.with(func(st *store.Stint) { st.Ordinal = &n }).outcome()
		if err != nil {
			return err
		}
		if n > 0 && o.fen != c.found.fen && (c.found.rule.Budget == nil || o.fen < c.found.fen) { // what a budget had left for more is not known
			c.conclude(x, []change{{kind: "ordinal", Facts: Facts{Ordinal: n}, text: c.say("是%s而不是%s", "the person had been the %s instead of the %s", nthWord(n), nthWord(*st.Ordinal))}}, o)
		}
	}
	return nil
}

// otherRules tells what the versions before and after the rule would have made of the join.
func (c *inquiry) otherRules(x *Explanation) error {
	rules, err := c.r.RulesAround(c.found.rule.Version)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		if rule.Budget != nil {
			continue // what was left of it then is not known
		}
		o, err := c.facts.under(rule).outcome()
		if err != nil {
			return err
		}
		if o.reason != c.found.reason || o.fen != c.found.fen || !o.due.Equal(c.found.due) {
			c.conclude(x, []change{{kind: "rule_version", text: c.say("按规则版本 %s(自 %s 起生效)", "rule version %s (in force from %s) had applied", rule.Version, rule.EffectiveFrom)}}, o)
		}
	}
	return nil
}

// otherInviter tells who would have had the reward without the code that was scanned.
func (c *inquiry) otherInviter(x *Explanation) error {
	st := c.stint()
	if st.InviterBy != ByState || !c.evidence.Kept() {
		return nil
	}
	m := memberOf(st, c.evidence)
	m.State = ""
	by, err := inviterOf(c.r, m)
	if err != nil || by.inviter == st.Inviter {
		return err
	}
	o, err := c.facts.with(func(st *store.Stint) { st.Inviter = by.inviter }).outcome()
	if err != nil {
		return err
	}
	c.conclude(x, []change{{kind: "other_inviter", Facts: Facts{Staff: by.inviter}, text: Text{"没有扫这个渠道码", "this code had not been scanned"}}}, o)
	return nil
}

// earlyLeave tells until when a leave would still cost the reward.
func (c *inquiry) earlyLeave(x *Explanation) error {
	if !c.stint().LeftAt.IsZero() || x.Entry == nil || x.Entry.Status == store.EntryPaid {
		return nil
	}
	for _, before := range []time.Time{c.found.due, c.found.due.Add(c.found.terms.Clawback)} {
		if !before.After(c.facts.now) {
			continue
		}
		s := c.facts.with(func(st *store.Stint) { st.LeftAt = before.Add(-time.Second) })
		s.now = before
		o, err := s.outcome()
		if err != nil {
			return err
		}
		c.conclude(x, []change{{kind: "leave", Facts: Facts{At: before}, text: c.say("此人在 %s 之前退群", "the person leaves before %s", before)}}, o)
		break
	}
	return nil
}
