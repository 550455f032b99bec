package promotions

import (
	"fmt"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxLate is how many owners one message names.
const maxLate = 12

// Note is the action of telling a member of staff about an occurrence.
type Note struct {
	Key  string     `json:"key"`
	To   bot.UserID `json:"to"`
	Text string     `json:"text"`
}

// ActionKind names the action.
func (Note) ActionKind() string { return "promotion_note" }

// ActionKey makes each note one.
func (n Note) ActionKey() string { return "promotion_note:" + n.Key }

// Retry is unsure, as for every text to staff.
func (Note) Retry() bot.RetryRule { return bot.RetryUnsure }

// NoteTeller performs Note.
type NoteTeller struct{ handlers.StaffTeller }

// ActionKind names the action it performs.
func (NoteTeller) ActionKind() string { return Note{}.ActionKind() }

// tellManagers does what is due of the managers' chase: once two thirds of the window are over
// each manager gets one message with all owners who have not confirmed, and after the end, if
// there was one, how it came out.
func (w work) tellManagers(tx *store.Tx, ch *store.Chase) error {
	if ch.Step == stepOutcome {
		return w.tellOutcome(tx, ch)
	}
	due := part23(ch.BeganAt, ch.ClosesAt)
	if wait, err := freshen(tx, ch, due); err != nil || wait {
		return err
	}
	late, err := tx.Unconfirmed(ch.OccurrenceID, store.DeliverySubmitted)
	if err != nil || len(late) == 0 || w.silent(tx.Now) || !tx.Now.Before(ch.ClosesAt) {
		ch.NextAt = time.Time{}
		return err
	}
	for len(late) > 0 {
		n := 1
		for n < len(late) && late[n].Manager == late[0].Manager {
			n++
		}
		if err := w.warn(tx, *ch, late[:n]); err != nil {
			return err
		}
		late = late[n:]
	}
	ch.Step, ch.NextAt = stepOutcome, ch.ClosesAt.Add(outcomeLag)
	return nil
}

func noteKey(kind string, occurrence int64, to string) string {
	return fmt.Sprintf("%s:%d:%s", kind, occurrence, to)
}

// NoteKeys are the keys of the notes that an occurrence may have led to about an owner: to the
// stand-in, and to the manager of a store, before and after the end.
func NoteKeys(occurrence int64, owner, manager string) []string {
	var keys []string
	for _, n := range [][2]string{{"stand_in", owner}, {"late", manager}, {"outcome", manager}} {
		keys = append(keys, Note{Key: noteKey(n[0], occurrence, n[1])}.ActionKey())
	}
	return keys
}

// warn tells a manager who has not confirmed.
func (w work) warn(tx *store.Tx, ch store.Chase, late []store.Waiting) error {
	lines, err := w.named(tx, late)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("【群发还没确认】「%s」%s 的群发,下面这些群主还没有按发送,%s 截止,到时自动取消:\n%s\n请提醒他们打开「工作台→客户联系→群发助手」按「发送」(只有群主本人能发)。",
		handlers.Plain(w.promo.Name), w.occ.At.In(w.zone).Format("1月2日 15:04"), w.clock(ch.ClosesAt), strings.Join(lines, "\n"))
	manager := late[0].Manager
	_, err = tx.Enqueue(Note{noteKey("late", ch.OccurrenceID, manager), bot.UserID(manager), text}, store.When{Deadline: ch.ClosesAt})
	return err
}

// named are lines that name owners with the number of their groups in a store.
func (w work) named(tx *store.Tx, late []store.Waiting) ([]string, error) {
	var lines []string
	for i, l := range late {
		if i == maxLate && len(late) > maxLate+1 {
			lines = append(lines, fmt.Sprintf("……还有 %d 位", len(late)-i))
			break
		}
		name, err := handlers.StaffName(tx.Reader, l.Owner)
		if err != nil {
			return nil, err
		}
		line := fmt.Sprintf("· %s(%s,%d 个群)", nameOr(name, l.Owner), handlers.Plain(l.Shop), l.Groups)
		if ch, err := tx.Chase(w.occ.ID, l.Owner); err == nil && !ch.DeclinedAt.IsZero() {
			line += ",说这次发不了"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// tellOutcome tells the managers who were warned how it came out, once nothing is open.
func (w work) tellOutcome(tx *store.Tx, ch *store.Chase) error {
	if w.occ.Status == store.OccurrenceRunning && tx.Now.Before(ch.ClosesAt.Add(cancelPatience)) {
		ch.NextAt = tx.Now.Add(outcomeLag)
		return nil
	}
	ch.NextAt = time.Time{}
	warned, err := tx.ActionsLike(Note{Key: noteKey("late", ch.OccurrenceID, "")}.ActionKey())
	if err != nil {
		return err
	}
	late, err := tx.Unconfirmed(ch.OccurrenceID, store.DeliveryCancelled)
	if err != nil {
		return err
	}
	for _, a := range warned {
		var note Note
		if err := a.Decode(&note); err != nil {
			return err
		}
		counts, err := tx.DeliveryCounts(ch.OccurrenceID, string(note.To))
		if err != nil {
			return err
		}
		text, err := w.outcome(tx, string(note.To), counts, late)
		if err != nil {
			return err
		}
		if _, err := tx.Enqueue(Note{noteKey("outcome", ch.OccurrenceID, string(note.To)), note.To, text}, store.When{Deadline: tx.Now.Add(cancelPatience)}); err != nil {
			return err
		}
	}
	return nil
}

func (w work) outcome(tx *store.Tx, manager string, counts map[string]int, late []store.Waiting) (string, error) {
	all := 0
	for _, n := range counts {
		all += n
	}
	text := fmt.Sprintf("【群发结果】「%s」%s:您门店的 %d 个群,已发 %d 个", handlers.Plain(w.promo.Name), w.occ.At.In(w.zone).Format("1月2日 15:04"), all, counts[store.DeliverySent])
	for _, s := range []struct{ status, zh string }{
		{store.DeliveryCancelled, "没确认、已取消"}, {store.DeliveryUnsent, "群主没选这个群"}, {store.DeliveryFailed, "没发成"}, {store.DeliveryBlocked, "次数用完等原因没发"},
	} {
		if n := counts[s.status]; n > 0 {
			text += fmt.Sprintf(",%s %d 个", s.zh, n)
		}
	}
	var his []store.Waiting
	for _, l := range late {
		if l.Manager == manager {
			his = append(his, l)
		}
	}
	lines, err := w.named(tx, his)
	if err != nil || len(lines) == 0 {
		return text + "。", err
	}
	return text + "。到截止还没确认的:\n" + strings.Join(lines, "\n"), nil
}

// tellStandIn tells whoever stands in for an owner who is away. Nobody but the owner can send,
// so the stand-in can only get hold of them.
func (w work) tellStandIn(tx *store.Tx, ch store.Chase, tasks []store.Task) error {
	_, standIn, err := handlers.StandIn(tx.Reader, bot.UserID(ch.Owner), w.today)
	if err != nil || standIn == "" {
		return err
	}
	name, err := handlers.StaffName(tx.Reader, ch.Owner)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("【替班提醒】%s 不在,由您替班。「%s」%s 有 %d 条群发等 TA 确认,%s 截止,到时自动取消。企业微信只让群主本人发送,请联系 TA 打开「工作台→客户联系→群发助手」按「发送」。",
		nameOr(name, ch.Owner), handlers.Plain(w.promo.Name), w.occ.At.In(w.zone).Format("1月2日 15:04"), len(tasks), w.clock(ch.ClosesAt))
	_, err = tx.Enqueue(Note{noteKey("stand_in", ch.OccurrenceID, ch.Owner), standIn, text}, store.When{Deadline: ch.ClosesAt})
	return err
}
