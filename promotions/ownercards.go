package promotions

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Keys of the buttons of an owner's card.
const (
	keySent   = "sent"
	keyCannot = "cannot"
)

const (
	cardPrefix  = "mass-"
	cardNames   = 28 // characters of group names on a card, which shows no more
	cardUpdates = 72 * time.Hour
)

// OwnerCard is the action of telling an owner what is to be sent: once for all tasks of an
// occurrence.
type OwnerCard struct {
	Occurrence int64      `json:"occurrence"`
	To         bot.UserID `json:"to"`
	Card       bot.Card   `json:"card"`
}

// ActionKind names the action.
func (OwnerCard) ActionKind() string { return "owner_card" }

// ActionKey makes one card of an occurrence and owner.
func (a OwnerCard) ActionKey() string { return fmt.Sprintf("owner_card:%d:%s", a.Occurrence, a.To) }

// Retry is unsure: for a while it may be sent again, as every message to staff. The platform
// takes the id of a card once.
func (OwnerCard) Retry() bot.RetryRule { return bot.RetryUnsure }

// OwnerCarder performs OwnerCard.
type OwnerCarder struct{ handlers.StaffTeller }

// ActionKind names the action it performs.
func (OwnerCarder) ActionKind() string { return OwnerCard{}.ActionKind() }

// Perform shows the card.
func (s OwnerCarder) Perform(ctx context.Context, a store.Action) (any, error) {
	var card OwnerCard
	if err := a.Decode(&card); err != nil {
		return nil, err
	}
	_, err := s.Platform.SendCard(ctx, []bot.UserID{card.To}, card.Card)
	return nil, err
}

// sendCard writes down the card for an owner with tasks that wait.
func (w work) sendCard(tx *store.Tx, ch store.Chase, tasks []store.Task) error {
	var names []string
	groups := 0
	for _, t := range tasks {
		ds, err := tx.TaskDeliveries(t.ID)
		if err != nil {
			return err
		}
		groups += len(ds)
		for _, d := range ds[:min(len(ds), 3)] {
			chat, err := tx.Chat(bot.ChatID(d.ChatID))
			if err != nil {
				return err
			}
			names = append(names, handlers.Plain(chat.Name))
		}
	}
	first, err := tx.ActionByKey(SendMass{Task: tasks[0].ID}.ActionKey())
	if err != nil {
		return err
	}
	var m SendMass
	if err := first.Decode(&m); err != nil {
		return err
	}
	_, err = tx.Enqueue(OwnerCard{Occurrence: ch.OccurrenceID, To: bot.UserID(ch.Owner), Card: w.card(ch, tasks[0].ID, len(tasks), groups, names, m.Message)},
		store.When{Deadline: ch.ClosesAt})
	return err
}

// card says what is to be sent, to which groups, till when, and where to press.
func (w work) card(ch store.Chase, task int64, tasks, groups int, names []string, m bot.Message) bot.Card {
	until := w.clock(ch.ClosesAt)
	note := "打开企业微信「工作台→客户联系→群发助手」,点开这条群发,按「发送」。" + until + " 还没发的会自动取消。"
	if tasks > 1 {
		note = fmt.Sprintf("打开企业微信「工作台→客户联系→群发助手」,里面有 %d 条要您发送(各群内容不同),逐条按「发送」。%s 还没发的会自动取消。", tasks, until)
	}
	quote := m.Text
	if n := len(m.Attachments); n > 0 {
		quote = strings.TrimSpace(fmt.Sprintf("%s\n[附件 %d 个]", quote, n))
	}
	return bot.Card{
		TaskID: fmt.Sprintf("%s%d-%d", cardPrefix, ch.OccurrenceID, task),
		Title:  "有群发等您发送:" + handlers.Plain(w.promo.Name),
		Desc:   "请在 " + until + " 前确认",
		Quote:  quote,
		Note:   note,
		Fields: []bot.CardField{{Name: "发到", Value: groupNames(names, groups)}, {Name: "截止", Value: until}, {Name: "在哪里发", Value: "工作台→客户联系→群发助手"}},
		Buttons: []bot.CardButton{
			{Text: "已发送", Key: keySent, Primary: true},
			{Text: "这次发不了", Key: keyCannot},
		},
	}
}

// clock is a time as it is told on the day of the occurrence.
func (w work) clock(t time.Time) string {
	t = t.In(w.zone)
	if day := w.occ.At.In(w.zone); day.Year() == t.Year() && day.YearDay() == t.YearDay() {
		return t.Format("15:04")
	}
	return t.Format("1月2日 15:04")
}

// groupNames names as many groups as a card has room for.
func groupNames(names []string, groups int) string {
	all := fmt.Sprintf("等 %d 个群", groups)
	text := ""
	for i, name := range names {
		next := text
		if i > 0 {
			next += "、"
		}
		next += name
		if len([]rune(next)) > cardNames-len([]rune(all)) {
			if text == "" {
				return fmt.Sprintf("%d 个群", groups)
			}
			return text + all
		}
		text = next
	}
	if len(names) < groups {
		return text + all
	}
	return text
}

// CardPresses reacts to what owners press on their cards.
type CardPresses struct{}

// Name names the handler.
func (CardPresses) Name() string { return "owner cards" }

// Handle has WeCom asked at once when an owner says that it was sent. An owner who cannot
// send is reminded no more; the stand-in is told now and the manager as planned.
func (CardPresses) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	d, ok := e.Data.(bot.CardPressed)
	if !ok {
		return fmt.Errorf("handle %s: unexpected data %T", e.Kind, e.Data)
	}
	id, ok := cardOccurrence(d.TaskID)
	if !ok {
		return nil // somebody else's card
	}
	ch, err := tx.Chase(id, string(d.User))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	note := "已收到,正在核对"
	if !tx.Now.Before(ch.ClosesAt) {
		note = "已过截止时间"
	}
	switch d.Key {
	case keySent:
		_, err = tx.AskAbout(id, ch.Owner, tx.Now)
	case keyCannot:
		note = "已记下,会告诉店长"
		known := ch.NextAt
		if ch.DeclinedAt.IsZero() && !known.IsZero() {
			ch.DeclinedAt, ch.NextAt = tx.Now, tx.Now
			err = tx.SaveChase(ch, known)
		}
	default:
		return nil
	}
	if err != nil || d.UpdateCode == "" {
		return err
	}
	_, err = tx.Enqueue(handlers.UpdateCard{Code: d.UpdateCode, To: d.User, Note: note}, store.When{Deadline: tx.Now.Add(cardUpdates), Cause: e.ID})
	return err
}

// cardOccurrence reads the occurrence out of the id of an owner's card.
func cardOccurrence(taskID string) (int64, bool) {
	rest, ok := strings.CutPrefix(taskID, cardPrefix)
	if !ok {
		return 0, false
	}
	occ, _, _ := strings.Cut(rest, "-")
	id, err := strconv.ParseInt(occ, 10, 64)
	return id, err == nil
}
