package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Explanation is why a join earned or did not, with the evidence.
type Explanation struct {
	Decision string // rewarded or not_rewarded
	Reason   string
	Evidence []string // sentences for people, in the order of the argument
	Stint    store.Stint
	Entry    *store.Entry
}

// Explain tells why a person's latest stay in a group earned or did not.
func (r *Rewards) Explain(ctx context.Context, chat bot.ChatID, member bot.MemberID, zone *time.Location) (Explanation, error) {
	st, err := r.Store.Read(ctx).LastStint(chat, member)
	if err != nil {
		return Explanation{}, err
	}
	return r.ExplainStay(ctx, st, zone)
}

// ExplainStay tells why a stay earned or did not. It asks the same judge that books the
// rewards.
func (r *Rewards) ExplainStay(ctx context.Context, st store.Stint, zone *time.Location) (Explanation, error) {
	rd := r.Store.Read(ctx)
	stays, err := rd.PersonStints(bot.MemberID(st.UserID), st.UnionID)
	if err != nil {
		return Explanation{}, err
	}
	entries, err := rd.EntriesOfStints(stays)
	if err != nil {
		return Explanation{}, err
	}
	i := slices.IndexFunc(stays, func(s store.Stint) bool { return s.ID == st.ID })
	if i < 0 {
		return Explanation{}, store.ErrNotFound
	}
	j, err := judge(rd, stays, i, entries)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{Decision: "not_rewarded", Reason: j.reason, Stint: st}
	if e, ok := entries[st.ID]; ok {
		x.Entry = &e
	}
	say := teller{zone: zone, x: &x}
	say.join(st)
	say.judgement(rd, st, j)
	return x, nil
}

// teller writes the evidence.
type teller struct {
	zone *time.Location
	x    *Explanation
}

func (t teller) say(format string, args ...any) {
	t.x.Evidence = append(t.x.Evidence, fmt.Sprintf(format, args...))
}

func (t teller) at(when time.Time) string { return when.In(t.zone).Format("2006-01-02 15:04:05") }

func (t teller) join(st store.Stint) {
	t.say("群 %s 的成员名单显示 %s 于 %s 入群", st.ChatID, st.UserID, t.at(st.JoinedAt))
	switch st.InviterBy {
	case ByState:
		t.say("入群时扫的码带有渠道标识 %s,该码属于 %s", st.State, st.Inviter)
	case ByInvitor:
		t.say("企业微信记录的邀请人是员工 %s", st.Inviter)
	case ByContactState:
		t.say("入群前30天内通过 %s 的联系我二维码添加为客户", st.Inviter)
	}
}

func (t teller) judgement(r store.Reader, st store.Stint, j judgement) {
	switch j.reason {
	case ReasonNoInviter:
		t.say("没有渠道码、没有员工邀请人、30天内也没有通过员工的联系我二维码添加,找不到邀请人")
	case ReasonNotCustomer:
		t.say("%s 是本企业成员,不是客户", st.UserID)
	case ReasonNotNew:
		t.say("此人(按 unionid 或 userid)早在 %s 已在群 %s 中,按规则版本 %d 的范围 %s 不再计奖", t.at(j.earlier.JoinedAt), j.earlier.ChatID, j.rule.Version, j.rule.OncePer)
	case ReasonBeforeEffective:
		t.say("入群时还没有生效的奖励规则")
	case ReasonRewarded:
		t.entry(r, st)
	}
}

// entry tells what the books say of a join that earned.
func (t teller) entry(r store.Reader, st store.Stint) {
	e := t.x.Entry
	if e == nil {
		t.say("符合规则,正在入账")
		t.x.Decision = "rewarded"
		return
	}
	t.say("按规则版本 %d,入群后群内有 %d 位客户,第 %d 位的奖励是 %s", e.RuleVersion, e.Ordinal, e.Ordinal, Yuan(e.AmountFen))
	t.say("奖励保留到 %s,目前状态 %s", t.at(e.DueAt), e.Status)
	switch e.Status {
	case store.EntryVoid, store.EntryClawedBack:
		t.x.Reason = ReasonLeftEarly
		t.say("%s 于 %s 离群,早于奖励确认的时间", st.UserID, t.at(st.LeftAt))
	default:
		t.x.Decision, t.x.Reason = "rewarded", ReasonRewarded
	}
	moves, err := r.Transfers(e.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return
	}
	for _, m := range moves {
		t.say("账目 %s:%s 从 %s 转到 %s(%s)", t.at(m.At), Yuan(m.AmountFen), m.Debit, m.Credit, m.Reason)
	}
}

// Yuan writes an amount of fen the way people read it.
func Yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d元", sign, fen/100, fen%100)
}
