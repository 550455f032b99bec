package handlers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// CodeNote is the action of telling a member of staff about a code that lacks room.
type CodeNote struct {
	Key  string     `json:"key"`
	To   bot.UserID `json:"to"`
	Text string     `json:"text"`
}

// ActionKind names the action.
func (CodeNote) ActionKind() string { return "code_note" }

// ActionKey makes one note of the codes of a shop, or of a group, that lack the same.
func (n CodeNote) ActionKey() string { return n.Key }

// Retry is unsure, as for every text to staff.
func (CodeNote) Retry() bot.RetryRule { return bot.RetryUnsure }

// CodeTeller performs CodeNote.
type CodeTeller struct{ StaffTeller }

// ActionKind names the action it performs.
func (CodeTeller) ActionKind() string { return CodeNote{}.ActionKind() }

// Record has somebody asked again whom the question did not reach.
func (CodeTeller) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	if o.State == store.ActionFailed || o.State == store.ActionExpired {
		return tx.AskAgain(a.Key, tx.Now.Add(codeAgain))
	}
	return nil
}

// settleCode writes down how a code is, asks for a group where one lacks, and says so when
// there is one.
func settleCode(tx *store.Tx, id int64) error {
	ch, err := tx.Channel(id)
	if err != nil || ch.Status != store.ChannelActive {
		return err
	}
	p, err := planOf(tx.Reader, ch)
	if err != nil {
		return err
	}
	was := ch.Condition
	ch.Condition, ch.LookAt, ch.Alarm = p.condition, time.Time{}, ""
	switch {
	case p.ask && !ch.AutoCreate: // the books have changed under the look
		ch.LookAt = tx.Now
	case p.condition == store.CodeLive:
		err = tellSolved(tx, &ch, p)
	case ch.AutoCreate:
		ch.Alarm, ch.LookAt = "快满了;满后企业微信会自动建新群", tx.Now.Add(codeAgain)
	default:
		ch.Alarm = alarmOf(p)
		if ch.Purpose != store.PurposeReferral {
			err = askForGroup(tx, &ch, p, was)
		}
	}
	if err != nil {
		return err
	}
	return tx.SaveCondition(ch)
}

func alarmOf(p codePlan) string {
	switch p.condition {
	case store.CodeDead:
		return "所有群都已解散,扫码进不了群"
	case store.CodeFull:
		return fmt.Sprintf("%d个群都满了,扫码进不了群", len(p.rooms))
	}
	return fmt.Sprintf("只剩约%d个位置", places(p))
}

// places is how many people still get in by code.
func places(p codePlan) (n int) {
	for _, rm := range p.rooms {
		n += max(groupByQR-rm.used, 0)
	}
	return n
}

// askForGroup asks the first who can make a group, once a day for all codes of the shop (or
// of the group) that lack one, and says once more when nobody gets in any longer.
func askForGroup(tx *store.Tx, ch *store.Channel, p codePlan, was string) error {
	whom, err := whoMakes(tx.Reader, *ch, p.rooms)
	if err != nil {
		return err
	}
	if len(whom) == 0 {
		ch.Alarm += ";没有可以通知的人,请填写门店店长"
		return nil
	}
	text, subject, err := codeText(tx.Reader, *ch, p)
	if err != nil {
		return err
	}
	to, last, err := whomToAsk(tx, whom, subject)
	if err != nil {
		return err
	}
	if to == "" {
		ch.Alarm, ch.LookAt = ch.Alarm+";通知没有送到任何人", tx.Now.Add(codeAgain)
		return nil
	}
	fresh := last.Key == "" || !tx.Now.Before(last.CreatedAt.Add(askEvery))
	if fresh {
		last = store.Action{Key: askPrefix(to, subject) + fmt.Sprint(tx.Now.UnixMilli()), CreatedAt: tx.Now}
		if _, err := tx.Enqueue(CodeNote{last.Key, bot.UserID(to), text}, store.When{}); err != nil {
			return err
		}
	}
	if worse := p.condition != was && p.condition != store.CodeNearlyFull; worse && !fresh && ch.AskedKey != "" {
		key := "code_note:" + p.condition + ":" + last.Key
		if _, err := tx.Enqueue(CodeNote{key, bot.UserID(to), text}, store.When{}); err != nil {
			return err
		}
	}
	if ch.AskedAt.IsZero() {
		ch.AskedAt = tx.Now
	}
	ch.AskedKey, ch.LookAt = last.Key, last.CreatedAt.Add(askEvery)
	ch.Alarm += ";已请 " + to + " 新建一个客户群"
	return nil
}

func askPrefix(to, subject string) string { return "code_note:ask:" + to + ":" + subject + ":" }

// whomToAsk returns the first whom a question of the last day has not failed to reach, and
// the last question to them.
func whomToAsk(tx *store.Tx, whom []string, subject string) (string, store.Action, error) {
	for _, to := range whom {
		asked, err := tx.ActionsLike(askPrefix(to, subject))
		if err != nil {
			return "", store.Action{}, err
		}
		var last store.Action
		if len(asked) > 0 {
			last = asked[len(asked)-1]
		}
		lost := last.State == store.ActionFailed || last.State == store.ActionExpired
		if !lost || !tx.Now.Before(last.CreatedAt.Add(askEvery)) {
			return to, last, nil
		}
	}
	return "", store.Action{}, nil
}

// codeText is what the one who is asked reads, and what the question is about: the shop, or
// where there is none the group.
func codeText(r store.Reader, ch store.Channel, p codePlan) (text, subject string, err error) {
	subject, where := ch.ShopID, ""
	if subject == "" && len(ch.ChatIDs) > 0 {
		subject = ch.ChatIDs[0]
	}
	if ch.ShopID != "" {
		shop, err := r.Shop(ch.ShopID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", "", err
		}
		where = shop.Name + " "
	}
	codes := "「" + ch.Name + "」"
	if len(ch.ChatIDs) > 0 {
		n, err := r.CodesOf(ch.ChatIDs[0])
		if err != nil {
			return "", "", err
		}
		if n > 1 {
			codes += fmt.Sprintf("等 %d 个码", n)
		}
	}
	var names []string
	for _, rm := range p.rooms {
		names = append(names, "「"+rm.Name+"」")
	}
	const wanted = "请新建一个客户群,建好后会自动换上,印好的码不用换。"
	switch p.condition {
	case store.CodeDead:
		text = "【入群码失效】" + where + codes + "所在的群都已解散,现在扫码进不了群。" + wanted
	case store.CodeFull:
		text = "【入群码已满】" + where + codes + "所在的群" + strings.Join(names, "") + "都满了,现在扫码进不了群。" + wanted
	default:
		text = "【入群码快满了】" + where + codes + "所在的群" + strings.Join(names, "") + fmt.Sprintf("还能进约 %d 人。", places(p)) + wanted
	}
	return text, subject, nil
}

// tellSolved says to whom was asked that there is room again, once for all codes of a question.
func tellSolved(tx *store.Tx, ch *store.Channel, p codePlan) error {
	if ch.AskedAt.IsZero() {
		return nil
	}
	asked, err := tx.ActionByKey(ch.AskedKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && len(p.rooms) > 0 {
		var note CodeNote
		if err := asked.Decode(&note); err != nil {
			return err
		}
		last := p.rooms[len(p.rooms)-1]
		text := "【入群码已恢复】「" + ch.Name + "」现在可以进群" + "「" + last.Name + "」,印好的码继续有效。"
		if _, err := tx.Enqueue(CodeNote{"code_note:solved:" + ch.AskedKey, note.To, text}, store.When{}); err != nil {
			return err
		}
	}
	ch.AskedAt, ch.AskedKey = time.Time{}, ""
	return nil
}
