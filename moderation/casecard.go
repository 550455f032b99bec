package moderation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxFields is how many lines a card has.
const maxFields = 6

// card shows what was said, why it was flagged, who said it, and what to do.
func (m *Moderator) card(r store.Reader, c store.Case, at place, what string) (bot.Card, error) {
	card := bot.Card{
		TaskID: caseTask(c, c.Asks),
		Title:  titleOf(c, what),
		Desc:   at.name,
		Quote:  handlers.Clip(c.Text, maxQuote),
		Note:   "请在群里移出该成员,再点「已移出」;误报请点「不是广告」。",
		Fields: []bot.CardField{{Name: "发送人", Value: nameOf(c)}, {Name: "时间", Value: m.clock(c)}},
		Buttons: []bot.CardButton{
			{Text: "已移出", Key: keyRemoved, Primary: true},
			{Text: "不是广告", Key: keyDismiss},
		},
	}
	if at.owner != "" && what != store.StepWarning && !c.AppChat {
		others, err := m.otherGroups(r, c, at)
		if err != nil {
			return card, err
		}
		if others != "" {
			card.Note = "此人还在您的其他群:" + others + "。请都移出(选「加入群聊黑名单」可一次移出),再点「已移出」;误报请点「不是广告」。"
		}
	}
	if what == store.StepWarning {
		card.Note = "先提醒,不用移出。请复制发到群里:" + warningText(c)
		card.Buttons = []bot.CardButton{{Text: "已提醒", Key: keyWarned, Primary: true}, {Text: "要移出", Key: keyRaise}, {Text: "不是广告", Key: keyDismiss}}
	}
	about, err := m.about(r, c)
	if err != nil {
		return card, err
	}
	card.Fields = append(card.Fields, about...)
	for _, reason := range c.Reasons {
		if reason.Weight > 0 && len(card.Fields) < maxFields {
			card.Fields = append(card.Fields, bot.CardField{Name: "理由", Value: reason.Detail})
		}
	}
	return card, nil
}

func titleOf(c store.Case, what string) string {
	switch {
	case what == store.StepWarning:
		return "疑似广告,请群主提醒一下"
	case what == store.StepClaimFalse:
		return "名单里还有此人,请再移出一次"
	case what == store.StepEscalated:
		return "群主还没处理:疑似广告还在群里"
	case c.Asks > 1:
		return fmt.Sprintf("第%d次提醒:疑似广告还在群里", c.Asks-1)
	}
	return "疑似广告,请群主处理"
}

// about says since when the person is in the group, and in how many others.
func (m *Moderator) about(r store.Reader, c store.Case) ([]bot.CardField, error) {
	if c.AppChat {
		return nil, nil
	}
	var out []bot.CardField
	st, err := r.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if err == nil {
		how := map[string]string{string(bot.JoinInvited): "被邀请", string(bot.JoinLink): "邀请链接", string(bot.JoinQR): "扫码"}[st.JoinScene]
		out = append(out, bot.CardField{Name: "入群", Value: strings.TrimSpace(st.JoinedAt.In(m.Zone).Format("2006-01-02 15:04") + " " + how)})
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	stays, err := r.PresentPerson(c.Member)
	if err != nil || len(stays) < 2 {
		return out, err
	}
	return append(out, bot.CardField{Name: "所在群", Value: fmt.Sprintf("共 %d 个", len(stays))}), nil
}

func (m *Moderator) clock(c store.Case) string { return c.CreatedAt.In(m.Zone).Format("01-02 15:04") }

// nameOf is what the person of a case is called.
func nameOf(c store.Case) string {
	if c.MemberName != "" {
		return c.MemberName
	}
	return c.Member
}

// cardRef is what the platform handed out for a card that was sent.
func cardRef(a store.Action) (bot.CardRef, error) {
	var ref bot.CardRef
	if a.Result == "" {
		return ref, nil
	}
	if err := json.Unmarshal([]byte(a.Result), &ref); err != nil {
		return ref, fmt.Errorf("read what became of %s: %w", a.Key, err)
	}
	return ref, nil
}
