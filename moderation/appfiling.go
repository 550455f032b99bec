package moderation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

func askTask(id int64, what string) string { return fmt.Sprintf("ask-%d-%s", id, what) }

// askPressed takes a press on the card that answered a text.
func (m *Moderator) askPressed(tx *store.Tx, e bot.Event, d bot.CardPressed, id int64) error {
	ask, err := tx.AppAsk(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && ask.UserID != string(d.User) {
		return nil
	}
	if err != nil {
		return err
	}
	if ask.Status != store.AskOpen {
		return m.updateCard(tx, e, d, "已处理过")
	}
	note := ""
	switch {
	case d.Key == keyDrop:
		ask.Status, note = store.AskClosed, "好的"
		err = tx.SaveAppAsk(ask, store.AskOpen)
	case d.Key == keyHarmless:
		ask.Status, note = store.AskHarmless, "已记为不是广告"
		if err = tx.SaveAppAsk(ask, store.AskOpen); err == nil {
			err = learnInPassing(tx, store.Correction{Label: store.LabelHam, Text: ask.Text, Who: ask.UserID, Source: store.CorrectedByReport})
		}
	case d.Key == keyFile && len(ask.Choices) == 0:
		note, err = "请说明是谁发的", m.say(tx, ask, "我没有找到这条消息。请发:举报 群名 昵称", e.ID)
	case d.Key == keyFile && len(ask.Choices) > 1:
		note, err = "请选择是谁发的", m.offer(tx, e, ask)
	case d.Key == keyFile:
		note, err = m.file(tx, ask, ask.Choices[0])
	case strings.HasPrefix(d.Key, keyChoice):
		n, bad := strconv.Atoi(strings.TrimPrefix(d.Key, keyChoice))
		if bad != nil || n < 0 || n >= len(ask.Choices) {
			return nil
		}
		note, err = m.file(tx, ask, ask.Choices[n])
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return m.updateCard(tx, e, d, note)
}

// offer asks which of several people it was.
func (m *Moderator) offer(tx *store.Tx, e bot.Event, ask store.AppAsk) error {
	card := bot.Card{TaskID: askTask(ask.ID, "who"), Title: "这条消息是谁发的?", Quote: handlers.Clip(ask.Text, maxQuote), Note: "选一个立案;都不是,就不用点。"}
	for i, c := range ask.Choices {
		n := strconv.Itoa(i + 1)
		card.Fields = append(card.Fields, bot.CardField{Name: n, Value: choiceName(tx.Reader, c)})
		card.Buttons = append(card.Buttons, bot.CardButton{Text: n, Key: keyChoice + strconv.Itoa(i)})
	}
	return m.show(tx, ask, card, e.ID)
}

// file opens a case about somebody, as a report of who asked. Where the detector finds nothing
// in the text a person looks at it first.
func (m *Moderator) file(tx *store.Tx, ask store.AppAsk, who store.AskChoice) (string, error) {
	rep := store.MemberReport{ChatID: who.ChatID, Member: who.Member, Reporter: ask.UserID, MessageID: who.MessageID, Text: ask.Text}
	err := m.fillReport(tx, &rep)
	var inv *handlers.Invalid
	if errors.As(err, &inv) {
		return "不能立案", m.say(tx, ask, "不能立案:这个人是企业成员,或不在群里。", 0)
	}
	if err != nil {
		return "", err
	}
	c := m.saidSpam(who.ChatID, who.Member, ask.Text, ask.UserID)
	c.MessageID = who.MessageID
	if v := m.read(ask.Text); v.Verdict == spam.Ham {
		c.Action, c.Verdict, c.Score = ActWarn, string(spam.Suspect), v.Score
	}
	// First the case, to which the report adds: the other way round the owner is asked for a
	// warning and in the same moment for a removal.
	if c, err = m.open(tx, c); err != nil {
		return "", err
	}
	if rep, _, err = m.report(tx, rep); err != nil {
		return "", err
	}
	if err := tx.LinkReport(rep.ID, c.ID); err != nil {
		return "", err
	}
	ask.Status = store.AskFiled
	return fmt.Sprintf("已立案 #%d", c.ID), tx.SaveAppAsk(ask, store.AskOpen)
}

// fileNamed opens a case about whom somebody names by group and nickname, for the last text
// that he sent.
func (m *Moderator) fileNamed(tx *store.Tx, e bot.Event, said store.AppAsk, words []string) error {
	if len(words) < 2 {
		return m.say(tx, said, "请写:举报 群名 昵称", e.ID)
	}
	last, err := tx.LastOpenAsk(said.UserID, tx.Now.Add(-askBack))
	if errors.Is(err, store.ErrNotFound) {
		return m.say(tx, said, "先把可疑的消息发给我,再说是谁发的。", e.ID)
	}
	if err != nil {
		return err
	}
	name := strings.Join(words[1:], " ")
	found, err := m.named(tx.Reader, said.UserID, words[0], name)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return m.say(tx, said, fmt.Sprintf("您的群里,名字有「%s」的群没有叫「%s」的顾客。", clipRunes(words[0]), clipRunes(name)), e.ID)
	case len(found) == 1:
		note, err := m.file(tx, last, found[0])
		if err != nil {
			return err
		}
		return m.say(tx, said, note+":"+choiceName(tx.Reader, found[0]), e.ID)
	}
	last.Choices = found
	if err := tx.SaveAppAsk(last, store.AskOpen); err != nil {
		return err
	}
	return m.offer(tx, e, last)
}

func clipRunes(s string) string {
	if utf8.RuneCountInString(s) > 20 {
		return string([]rune(s)[:20]) + "…"
	}
	return s
}

// named finds customers of a name in those groups of a member of staff whose names hold a word.
func (m *Moderator) named(r store.Reader, user, group, name string) ([]store.AskChoice, error) {
	chats, err := r.ChatsOfStaff(user, askChats)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range chats {
		if strings.Contains(c.Name, group) {
			ids = append(ids, c.ChatID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	stays, err := r.MembersNamed(ids, name, askOffered)
	var out []store.AskChoice
	for _, st := range stays {
		out = append(out, store.AskChoice{ChatID: st.ChatID, Member: st.UserID})
	}
	return out, err
}
