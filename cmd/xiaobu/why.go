package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"xiaobu/bot"
	"xiaobu/configs"
	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/store"
)

func whyCommand() command {
	return command{
		name: "why", args: "reward|delivery|case|event ID, or reward CHAT_ID MEMBER [JOINED_AT], or reward MEMBER", zh: "说明一笔奖励、一次送达、一个案件或一个事件的来龙去脉", en: "the evidence behind a reward, a delivery, a case or an event",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			lang := fs.String("lang", handlers.Chinese, "`LANG` of a reward's explanation, zh or en / 奖励说明的语言")
			asJSON := fs.Bool("json", false, "a reward's explanation as JSON, as GET /rewards/explain answers / 以 JSON 输出奖励说明")
			return configured(fs, func(args []string) error { return checkWhy(args, *lang, *asJSON) }, func(ctx context.Context, e env, c configs.Config, args []string) error {
				s, err := store.OpenReader(ctx, c.Database, time.Now)
				if err != nil {
					return err
				}
				defer s.Close()
				t := teller{out: e.stdout, zone: c.Timezone, store: s, r: s.Read(ctx), lang: *lang, asJSON: *asJSON}
				if args[0] == "reward" {
					return whyReward(ctx, t, args[1:])
				}
				id, err := strconv.ParseInt(args[1], 10, 64)
				if err != nil {
					return err // checked before
				}
				err = tellers[args[0]](ctx, t, id)
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("there is no %s %d / 没有这条记录", args[0], id)
				}
				return err
			})
		},
	}
}

// tellers are the things besides rewards that can be asked about.
var tellers = map[string]func(context.Context, teller, int64) error{
	"delivery": whyDelivery, "case": whyCase, "event": whyEvent,
}

func checkWhy(args []string, lang string, asJSON bool) error {
	if len(args) > 0 && args[0] == "reward" {
		return checkWhyReward(args[1:], lang)
	}
	if asJSON {
		return usage{"xiaobu why writes JSON of rewards only: xiaobu why reward ID --json"}
	}
	if len(args) != 2 {
		return usage{"xiaobu why wants two words: reward, delivery, case or event, and its id"}
	}
	_, ok := tellers[args[0]]
	if _, err := strconv.ParseInt(args[1], 10, 64); !ok || err != nil {
		return usage{fmt.Sprintf("xiaobu why knows reward, delivery, case and event, and ids are numbers; got %q %q", args[0], args[1])}
	}
	return nil
}

// teller writes evidence, one line a fact.
type teller struct {
	out   io.Writer
	zone  *time.Location
	store *store.Store
	r     store.Reader

	lang   string // zh or en
	asJSON bool
}

func (t teller) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", plainArgs(args)...) }

func (t teller) at(when time.Time) string {
	if when.IsZero() {
		return "-"
	}
	return when.In(t.zone).Format("2006-01-02 15:04:05")
}

func whyDelivery(_ context.Context, t teller, id int64) error {
	d, err := t.r.Delivery(id)
	if err != nil {
		return err
	}
	if d.Outlet == "" {
		t.say("送达 / delivery %d: 群 group %s, 群主 owner %s, %s", d.ID, d.ChatID, d.Owner, d.Status)
	} else {
		t.say("送达 / delivery %d: 员工群 staff chat %s, %s", d.ID, d.ChatID, d.Status)
	}
	t.say("· %s", promotions.Words(d))
	t.say("· 时段 slot %s, 促销 promotion %d", t.at(d.At), d.PromotionID)
	t.chosen(d)
	if d.Reason != "" {
		t.say("· %s (%d)", d.Reason, d.Code)
	}
	if a, err := t.r.ActionByKey(promotions.PostOutlet{Occurrence: d.OccurrenceID, Chat: d.ChatID}.ActionKey()); err == nil && d.Outlet != "" {
		t.action(a)
	}
	if d.TaskID == nil {
		return nil
	}
	task, err := t.r.Task(*d.TaskID)
	if err != nil {
		return err
	}
	t.say("· 群发任务 task %d: %s, msgid %q, 提交 submitted %s, 确认 confirmed %s, 提醒 reminders %d", task.ID, task.Status, task.MsgID,
		t.at(task.SubmittedAt), t.at(task.ConfirmedAt), task.Reminders)
	t.say("· 截止 closes %s, 最近核对 last asked %s, 次数 %d", t.at(task.ClosesAt), t.at(task.PolledAt), task.Polls)
	keys := []string{promotions.SendMass{Task: task.ID}.ActionKey(), promotions.OwnerCard{Occurrence: d.OccurrenceID, To: bot.UserID(d.Owner)}.ActionKey()}
	for n := range task.Reminders {
		keys = append(keys, promotions.RemindMass{Task: task.ID, Nth: n + 1}.ActionKey())
	}
	manager := ""
	if chat, err := t.r.Chat(bot.ChatID(d.ChatID)); err == nil && chat.ShopID != "" {
		if shop, err := t.r.Shop(chat.ShopID); err == nil {
			manager = shop.Manager
		}
	}
	keys = append(keys, promotions.CancelMass{Task: task.ID}.ActionKey())
	for _, key := range append(keys, promotions.NoteKeys(d.OccurrenceID, d.Owner, manager)...) {
		if a, err := t.r.ActionByKey(key); err == nil {
			t.action(a)
		}
	}
	return nil
}

// chosen tells by which version of its promotion a group was taken in, and by what of it.
func (t teller) chosen(d store.Delivery) {
	if d.Via == "" {
		return
	}
	t.say("· 选中方式 selected by %s", d.Via)
	occ, err := t.r.Occurrence(d.OccurrenceID)
	if err != nil || occ.Version == 0 {
		return
	}
	if c, err := t.r.PromotionVersion(d.PromotionID, occ.Version); err == nil {
		t.say("· 促销第%d版 version %d, 由 by %s, %s", c.Version, c.Version, c.Who, t.at(c.At))
	}
}

func whyEvent(_ context.Context, t teller, id int64) error {
	it, err := t.r.InboxItem(id)
	if err != nil {
		return err
	}
	t.say("事件 / event %d: %s, %s, 收到 received %s, 发生 happened %s, 重复 duplicates %d", id, it.Event.Kind, it.State, t.at(it.ReceivedAt), t.at(it.Event.At), it.Duplicates)
	for _, r := range it.Runs {
		t.say("· %s: %s, 尝试 attempts %d, 完成 finished %s %s", r.Handler, r.State, r.Attempts, t.at(r.FinishedAt), r.Error)
	}
	actions, err := t.r.Actions(id)
	for _, a := range actions {
		t.action(a)
	}
	return err
}

func (t teller) action(a store.Action) {
	t.say("· 动作 action %s: %s, 尝试 attempts %d, 最后 last %s, 询问 asked %d %s", a.Key, a.State, a.Attempts, t.at(a.TriedAt), a.Asked, a.Error)
}
