package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xiaobu/bot"
	"xiaobu/store"
)

// maxWhyMessages is how many messages of a case are listed.
const maxWhyMessages = 50

// whyCase tells what led to a case, what was done about it and by whom, and what it led to.
func whyCase(_ context.Context, t teller, id int64) error {
	c, err := t.r.Case(id)
	if err != nil {
		return err
	}
	where := "客户群 group"
	if c.AppChat {
		where = "应用群聊 app chat"
	}
	t.say("案件 / case %d: %s(%s), %s %s, %s %.2f, 处理 action %s, 状态 status %s", c.ID, c.MemberName, c.Member, where, t.chatName(c), c.Verdict, c.Score, c.Action, c.Status)
	t.caseGrounds(c)
	if err := t.caseMessages(c); err != nil {
		return err
	}
	if err := t.caseStrikes(c); err != nil {
		return err
	}
	steps, err := t.r.CaseSteps(c.ID)
	if err != nil {
		return err
	}
	t.say("经过 / history:")
	for _, s := range steps {
		t.say("· %s %s", t.at(s.At), strings.TrimSpace(stepWord(s.What)+" "+s.Who+" "+s.Detail))
	}
	t.say("结果 / outcome: 询问 asks %d, 声称已移出 claims %d(不实 false %d), 结束 closed %s %s %s", c.Asks, c.Claims, c.FalseClaims, t.at(c.ClosedAt), c.ClosedBy, c.Note)
	if !c.AskedAt.IsZero() {
		t.say("· 立案到卡片 to the card %s", c.AskedAt.Sub(c.CreatedAt))
	}
	if c.Status == store.CaseRemoved {
		t.say("· 立案到移出 to the removal %s", c.ClosedAt.Sub(c.CreatedAt))
	}
	return t.caseActions(c)
}

// chatName names the group of a case, as far as it is known.
func (t teller) chatName(c store.Case) string {
	if c.AppChat {
		if chat, err := t.r.AppChat(bot.ChatID(c.ChatID)); err == nil {
			return chat.Name + "(" + c.ChatID + ")"
		}
		return c.ChatID
	}
	if chat, err := t.r.Chat(bot.ChatID(c.ChatID)); err == nil {
		return chat.Name + "(" + c.ChatID + ")"
	}
	return c.ChatID
}

// caseGrounds tells the text, and each reason with the words that it speaks of.
func (t teller) caseGrounds(c store.Case) {
	if c.Text != "" {
		t.say("· 原文 text: %s", strings.ReplaceAll(c.Text, "\n", " / "))
	}
	for _, r := range c.Reasons {
		t.say("· %+.1f %s: %s%s", r.Weight, r.Check, r.Detail, spanned(c.Text, r.Spans))
	}
	rule := "由人立案或黑名单 opened by hand or by the blocklist"
	if c.Rung != "" {
		rule = "处罚阶梯 rung of the ladder: " + c.Rung
	}
	if c.OpenedBy != "" {
		rule += ", " + c.OpenedBy
	}
	t.say("· 依据 rule: %s", rule)
}

// spanned are the words that a reason speaks of.
func spanned(text string, spans []store.Span) string {
	var words []string
	for _, s := range spans {
		if s.Start >= 0 && s.Start < s.End && s.End <= len(text) {
			words = append(words, "「"+text[s.Start:s.End]+"」")
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, "")
}

func (t teller) caseMessages(c store.Case) error {
	said, err := t.r.CaseMessages(c.ID, maxWhyMessages)
	if err != nil || len(said) == 0 {
		return err
	}
	t.say("消息 / messages:")
	for _, m := range said {
		t.say("· %s %s %.2f %s: %s", t.at(m.SentAt), m.Verdict, m.Score, m.MessageID, strings.ReplaceAll(m.Text, "\n", " / "))
	}
	return nil
}

func (t teller) caseStrikes(c store.Case) error {
	strikes, err := t.r.Strikes(c.Member)
	if err != nil || len(strikes) == 0 {
		return err
	}
	t.say("此人的违规记录 / strikes:")
	for _, s := range strikes {
		state := "有效至 until " + t.at(s.ExpiresAt)
		if !s.TakenAt.IsZero() {
			state = "已撤销 taken back " + t.at(s.TakenAt) + " " + s.TakenBy
		}
		t.say("· %s %s %s → %s, %s", t.at(s.At), s.ChatID, s.Verdict, s.Rung, state)
	}
	return nil
}

// caseActions tells what was asked of the platform, and whether the person is on the blocklist.
func (t teller) caseActions(c store.Case) error {
	for _, prefix := range []string{"card:case-%d-", "remove_member:%d:", "case_post:%d:", "case_note:%d:"} {
		actions, err := t.r.ActionsLike(fmt.Sprintf(prefix, c.ID))
		if err != nil {
			return err
		}
		for _, a := range actions {
			t.action(a)
		}
	}
	b, blocked, err := t.r.IsBlocked(c.Member, c.UnionID)
	if errors.Is(err, store.ErrNotFound) || !blocked {
		return nil
	}
	t.say("· 在黑名单上 on the blocklist since %s: %s", t.at(b.CreatedAt), b.Reason)
	return err
}

// stepWord says what was done in both languages.
func stepWord(what string) string {
	words := map[string]string{
		store.StepOpened: "立案", store.StepMessage: "又发了消息", store.StepRaised: "升级为移出", store.StepAsked: "卡片发给群主", store.StepReminded: "提醒",
		store.StepStandIn: "卡片发给代班人", store.StepEscalated: "升级,卡片发给", store.StepAskFailed: "卡片没发出去", store.StepNewOwner: "群主更换",
		store.StepWarning: "提醒文字", store.StepUnwarned: "没有再提醒", store.StepWarned: "已提醒", store.StepClaimed: "声称已移出",
		store.StepClaimFalse: "声称不实", store.StepBotRemoves: "机器人移出", store.StepBotRemoved: "平台已接受移出", store.StepBotFailed: "机器人移出失败",
		store.StepRemoved: "已移出(名单核实)", store.StepDismissed: "不是广告", store.StepExpired: "过期", store.StepBlocked: "加入黑名单",
		store.StepUnblocked: "移出黑名单", store.StepUndone: "撤销",
	}
	if w := words[what]; w != "" {
		return w + " " + what
	}
	return what
}
