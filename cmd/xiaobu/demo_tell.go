package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/promotions"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// seen is what has been told already.
type seen struct {
	mu      sync.Mutex
	entries []sandbox.Entry // of the simulated company, not told yet
	stint   int64
	hour    time.Time // told up to here, where a story is told by the hour
	welcome map[string]bool
	tasks   map[int64]store.Task
	sent    map[int64]bool
	told    map[string]bool // cards and notes about promotions, by key
	cases   map[int64]string
}

// entry takes what happens in the simulated company.
func (s *seen) entry(e sandbox.Entry) {
	if e.Kind != sandbox.EntryLeave && e.Kind != sandbox.EntryPost {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
}

func (s *seen) take() []sandbox.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.entries
	s.entries = nil
	return out
}

// begin takes what is there before the week as told.
func (s *seen) begin(ctx context.Context, d *demo) error {
	s.welcome, s.tasks, s.sent, s.cases = map[string]bool{}, map[int64]store.Task{}, map[int64]bool{}, map[int64]string{}
	s.told = map[string]bool{}
	s.hour = d.clock.now().Truncate(time.Hour)
	stints, err := d.app.Store.Read(ctx).StintsAfter(0, 0)
	for _, st := range stints {
		s.stint = max(s.stint, st.ID)
	}
	return err
}

// line is something to tell, when it happened.
type line struct {
	at   time.Time
	text string
}

// tell shows what has happened since the last time: what people did, and what the bot knows
// and did about it.
func (d *demo) tell(ctx context.Context) error {
	if d.big() {
		return d.tellHour(ctx)
	}
	var lines []line
	for _, source := range []func(store.Reader) ([]line, error){d.tellJoins, d.tellLeaves, d.tellWelcomes, d.tellTasks, d.tellNotes, d.tellCases} {
		more, err := source(d.app.Store.Read(ctx))
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range lines {
		d.screen.print("%s  %s", "%s  %s", d.screen.moment(l.at), l.text)
	}
	return nil
}

func (d *demo) say(at time.Time, zh, en string, args ...any) line {
	return line{at, fmt.Sprintf(d.screen.word(zh, en), args...)}
}

func (d *demo) tellJoins(r store.Reader) ([]line, error) {
	stints, err := r.StintsAfter(d.seen.stint, 0)
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, st := range stints {
		d.seen.stint = st.ID
		if st.Kind != "customer" || st.Ordinal == nil {
			continue
		}
		chat, err := r.Chat(chatID(st.ChatID))
		if err != nil {
			return nil, err
		}
		reward, err := d.reward(r, st)
		if err != nil {
			return nil, err
		}
		lines = append(lines, d.say(st.JoinedAt, "＋ %s 进 %s,第%d位,%s;%s", "＋ %s joined %s as no. %d, %s; %s", st.Name, chat.Name, *st.Ordinal, d.way(st), reward))
	}
	return lines, nil
}

// way says who brought somebody, and how that is known.
func (d *demo) way(st store.Stint) string {
	switch st.InviterBy {
	case "state":
		return d.screen.word("扫 "+st.Inviter+" 的码", "by the code of "+st.Inviter)
	case "invitor":
		return d.screen.word(st.Inviter+" 邀请", "invited by "+st.Inviter)
	case "contact_state":
		return d.screen.word("先加了 "+st.Inviter, "a contact of "+st.Inviter)
	}
	return d.screen.word("不知谁邀请", "by nobody known")
}

func (d *demo) reward(r store.Reader, st store.Stint) (string, error) {
	e, err := r.EntryOfStint(st.ID)
	switch {
	case errors.Is(err, store.ErrNotFound) && st.Inviter == "":
		return d.screen.word("不计奖", "no reward"), nil
	case errors.Is(err, store.ErrNotFound):
		return d.screen.word("不计奖(以前在群里)", "no reward (was in a group before)"), nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf(d.screen.word("%s 得 %s", "%s earns %s"), e.Staff, yuan(e.AmountFen)), nil
}

func yuan(fen int64) string { return fmt.Sprintf("¥%d.%02d", fen/100, fen%100) }

func (d *demo) tellLeaves(store.Reader) ([]line, error) {
	var lines []line
	for _, e := range d.seen.take() {
		if e.Kind != sandbox.EntryLeave {
			continue
		}
		zh, en := "－ %s 离开 %s", "－ %s left %s"
		if strings.Contains(e.Text, "removed") {
			zh, en = "－ %s 被移出 %s", "－ %s was removed from %s"
		}
		lines = append(lines, d.say(e.At, zh, en, cmp.Or(e.Name, e.Who), e.ChatName))
	}
	return lines, nil
}

func (d *demo) tellWelcomes(store.Reader) ([]line, error) {
	var lines []line
	names := map[string]string{}
	for _, w := range d.box.Welcomes() {
		if w.SentAt.IsZero() || d.seen.welcome[w.Code] {
			continue
		}
		if len(names) == 0 {
			for _, c := range d.box.Customers() {
				names[c.ID] = c.Name
			}
		}
		d.seen.welcome[w.Code] = true
		lines = append(lines, d.say(w.SentAt, "☺ %s 加了 %s,%d 毫秒后收到欢迎语", "☺ %s added %s and was welcomed after %d ms", names[w.Customer], w.User, w.SentAt.Sub(w.IssuedAt).Milliseconds()))
	}
	return lines, nil
}

func (d *demo) tellTasks(r store.Reader) ([]line, error) {
	promos, err := r.Promotions(0, 0)
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, p := range promos {
		occs, err := r.Occurrences(p.ID, time.Time{}, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range occs {
			tasks, err := r.Tasks(o.ID)
			if err != nil {
				return nil, err
			}
			for _, t := range tasks {
				more, err := d.tellTask(r, t)
				if err != nil {
					return nil, err
				}
				lines = append(lines, more...)
			}
		}
	}
	return lines, nil
}

// tellTask says how far an owner's task has come.
func (d *demo) tellTask(r store.Reader, t store.Task) ([]line, error) {
	known := d.seen.tasks[t.ID]
	if known == t {
		return nil, nil
	}
	d.seen.tasks[t.ID] = t
	deliveries, err := r.TaskDeliveries(t.ID)
	if err != nil {
		return nil, err
	}
	var lines []line
	if known.Status != t.Status {
		switch t.Status {
		case store.TaskSubmitted:
			lines = append(lines, d.say(t.SubmittedAt, "▣ 秒杀群发已交给 %s,等他确认(%d个群)", "▣ the sale waits for %s to confirm (%d groups)", t.Owner, len(deliveries)))
		case store.TaskCancelled:
			lines = append(lines, d.say(d.clock.now(), "✖ %s 一直没有确认,群发已取消", "✖ %s never confirmed; the task was cancelled", t.Owner))
		}
	}
	if t.Reminders > known.Reminders {
		lines = append(lines, d.say(d.clock.now(), "⏰ 提醒 %s:群发还没确认(第%d次)", "⏰ %s was reminded to confirm (no. %d)", t.Owner, t.Reminders))
	}
	for _, dl := range deliveries {
		if dl.Status != store.DeliverySent || d.seen.sent[dl.ID] {
			continue
		}
		d.seen.sent[dl.ID] = true
		chat, err := r.Chat(chatID(dl.ChatID))
		if err != nil {
			return nil, err
		}
		lines = append(lines, d.say(dl.SentAt, "✔ 秒杀已发到 %s,%s 用了 %s 确认", "✔ the sale is in %s; %s took %s to confirm", chat.Name, t.Owner, short(dl.SentAt.Sub(t.SubmittedAt))))
	}
	return lines, nil
}

// tellNotes says what owners and managers were told about promotions.
func (d *demo) tellNotes(r store.Reader) ([]line, error) {
	var lines []line
	for _, prefix := range []string{promotions.OwnerCard{}.ActionKind() + ":", promotions.Note{}.ActionKind() + ":"} {
		actions, err := r.ActionsLike(prefix)
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			if a.State != store.ActionSent || d.seen.told[a.Key] {
				continue
			}
			d.seen.told[a.Key] = true
			var said struct {
				promotions.Note
				Card bot.Card
			}
			if err := a.Decode(&said); err != nil {
				return nil, err
			}
			if text := said.Text; text != "" {
				lines = append(lines, d.say(a.DoneAt, "✉ 告诉 %s:%s", "✉ %s is told: %s", said.To, strings.ReplaceAll(text, "\n", " ")))
				continue
			}
			lines = append(lines, d.say(a.DoneAt, "▤ %s 收到卡片「%s」,%s,发到:%s", "▤ %s got the card \"%s\": %s, to %s", said.To, said.Card.Title, said.Card.Desc, said.Card.Fields[0].Value))
		}
	}
	return lines, nil
}

// short is a duration as people say it.
func short(v time.Duration) string {
	v = max(v, 0)
	if v < time.Minute {
		return v.Round(time.Second).String()
	}
	return strings.TrimSuffix(v.Round(time.Minute).String(), "0s")
}

func (d *demo) tellCases(r store.Reader) ([]line, error) {
	cases, err := r.Cases("", 0, 0)
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, c := range cases {
		if d.seen.cases[c.ID] == c.Status {
			continue
		}
		chat, err := r.Chat(chatID(c.ChatID))
		if err != nil {
			return nil, err
		}
		if d.seen.cases[c.ID] == "" {
			lines = append(lines, d.say(c.CreatedAt, "⚑ %s 在 %s 被标记为广告(%.2f):%s", "⚑ %s was flagged in %s as spam (%.2f): %s", c.MemberName, chat.Name, c.Score, why(c)))
		}
		switch c.Status {
		case store.CaseAsked:
			lines = append(lines, d.say(c.AskedAt, "✉ 已请群主 %s 移出 %s", "✉ the owner %s was asked to remove %s", chat.Owner, c.MemberName))
		case store.CaseRemoved:
			lines = append(lines, d.say(c.ClosedAt, "✔ %s 已不在 %s 的成员名单,用时 %s", "✔ %s is gone from %s after %s", c.MemberName, chat.Name, short(c.ClosedAt.Sub(c.CreatedAt))))
		}
		d.seen.cases[c.ID] = c.Status
	}
	return lines, nil
}

// why names the strongest reasons of a case.
func why(c store.Case) string {
	var out []string
	for _, r := range c.Reasons {
		if r.Weight > 0 && len(out) < 3 {
			out = append(out, r.Detail)
		}
	}
	return strings.Join(out, ";")
}
