package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"xiaobu/api"
	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// maxStays bounds how many stays of a person are listed.
const maxStays = 200

func checkWhyReward(args []string, lang string) error {
	if lang != handlers.Chinese && lang != handlers.English {
		return usage{fmt.Sprintf("--lang is %q; want zh or en", lang)}
	}
	if len(args) < 1 || len(args) > 3 {
		return usage{"xiaobu why reward wants an entry's id, CHAT_ID MEMBER [JOINED_AT], or a member's id alone"}
	}
	if len(args) == 3 {
		if _, err := time.Parse(time.RFC3339, args[2]); err != nil {
			return usage{fmt.Sprintf("JOINED_AT is %q; want a time such as 2026-11-10T09:12:03+08:00", args[2])}
		}
	}
	return nil
}

// whyReward tells about one join: by its entry, by group, person and time; or it lists the
// stays of a person.
func whyReward(ctx context.Context, t teller, args []string) error {
	if len(args) > 1 {
		return t.join(ctx, args)
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return t.person(ctx, args[0])
	}
	e, err := t.r.Entry(id)
	if errors.Is(err, store.ErrNotFound) {
		return t.person(ctx, args[0])
	}
	if err != nil {
		return err
	}
	st, err := t.r.Stint(e.StintID)
	if err != nil {
		return err
	}
	return t.stay(ctx, st)
}

func (t teller) rewards() *handlers.Rewards {
	return &handlers.Rewards{Store: t.store, Now: time.Now, Zone: t.zone}
}

// join tells about the stay of a person in a group: the one that began at a time, else the
// latest.
func (t teller) join(ctx context.Context, args []string) error {
	chat, member := bot.ChatID(args[0]), bot.MemberID(args[1])
	stays, err := t.r.StaysIn(chat, member)
	if err != nil {
		return err
	}
	if len(stays) == 0 {
		if _, err := t.r.Chat(chat); errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no group %s; GET /groups lists them / 没有这个群", chat)
		}
		return fmt.Errorf("%s was never in group %s; xiaobu why reward %s lists where the person was / 此人没有加入过这个群", member, chat, member)
	}
	if len(args) < 3 {
		return t.stay(ctx, stays[0])
	}
	at, err := time.Parse(time.RFC3339, args[2])
	if err != nil {
		return err // checked before
	}
	known := ""
	for _, st := range stays {
		if st.JoinedAt.Equal(at) {
			return t.stay(ctx, st)
		}
		known += " " + st.JoinedAt.In(t.zone).Format(time.RFC3339)
	}
	return fmt.Errorf("%s did not join group %s at %s; the joins known are%s / 此人不是那时入群的", member, chat, args[2], known)
}

// stay tells one stay as a whole.
func (t teller) stay(ctx context.Context, st store.Stint) error {
	x, err := t.rewards().ExplainStay(ctx, st, t.zone)
	if err != nil {
		return err
	}
	if t.asJSON {
		return t.json(api.ViewExplanation(x, t.zone, t.lang))
	}
	words := map[string][5]string{
		handlers.Chinese: {"入群", "结论", "计入的客户", "假如", "此人在这个群里的其他入群"},
		handlers.English: {"Join", "Decision", "The customers counted", "What if", "The person's other stays in this group"},
	}[t.lang]
	t.say("%s: %s %s %s", words[0], st.ChatID, st.UserID, t.at(st.JoinedAt))
	for _, line := range x.Evidence(t.lang) {
		t.say("· %s", line)
	}
	t.say("%s: %s (%s)", words[1], handlers.ReasonWord(x.Reason).In(t.lang), x.Reason)
	if len(x.WhatIf) > 0 {
		t.say("%s:", words[3])
		for _, w := range x.WhatIf {
			t.say("· %s", w.In(t.lang))
		}
	}
	if len(x.People) > 0 {
		t.say("%s (%d):", words[2], len(x.People))
		for i, p := range x.People {
			t.say("%4d  %s  %s  %s", i+1, t.at(p.JoinedAt), p.UserID, p.Name)
		}
	}
	if len(x.Others) > 0 {
		t.say("%s:", words[4])
		for _, o := range x.Others {
			t.say("· %s – %s", o.JoinedAt.In(t.zone).Format(time.RFC3339), t.at(o.LeftAt))
		}
	}
	return nil
}

// stayLine is one of a person's stays, in short.
type stayLine struct {
	ChatID    string     `json:"chat_id"`
	Member    string     `json:"member"`
	JoinedAt  time.Time  `json:"joined_at"`
	LeftAt    *time.Time `json:"left_at"`
	Ordinal   *int       `json:"ordinal"`
	Decision  string     `json:"decision"`
	Reason    string     `json:"reason"`
	EntryID   string     `json:"entry_id,omitempty"`
	AmountFen int64      `json:"amount_fen"`
	Status    string     `json:"status,omitempty"`
}

// person lists the stays of a person, newest first.
func (t teller) person(ctx context.Context, id string) error {
	stays, err := t.r.PersonStays(id, maxStays)
	if err != nil {
		return err
	}
	if len(stays) == 0 {
		return fmt.Errorf("there is no reward %s, and nobody of that id was ever in a group; want an entry's id (GET /rewards/entries), CHAT_ID MEMBER [JOINED_AT], or a member's id / 没有这笔奖励,也没有这个人", id)
	}
	lines := make([]stayLine, len(stays))
	for i, st := range stays {
		if lines[i], err = t.line(ctx, st); err != nil {
			return err
		}
	}
	if t.asJSON {
		return t.json(lines)
	}
	for _, l := range lines {
		t.say("%s %s %s %s (%s)%s", l.JoinedAt.Format(time.RFC3339), l.ChatID, l.Member, handlers.ReasonWord(l.Reason).In(t.lang), l.Reason, l.entry(t.lang))
	}
	return nil
}

func (t teller) line(ctx context.Context, st store.Stint) (stayLine, error) {
	l := stayLine{ChatID: st.ChatID, Member: st.UserID, JoinedAt: st.JoinedAt.In(t.zone), Ordinal: st.Ordinal}
	if !st.LeftAt.IsZero() {
		left := st.LeftAt.In(t.zone)
		l.LeftAt = &left
	}
	var err error
	if l.Decision, l.Reason, err = t.rewards().Decide(ctx, st); err != nil {
		return l, err
	}
	e, err := t.r.EntryOfStint(st.ID)
	if errors.Is(err, store.ErrNotFound) {
		return l, nil
	}
	l.EntryID, l.AmountFen, l.Status = strconv.FormatInt(e.ID, 10), e.AmountFen, e.Status
	return l, err
}

func (l stayLine) entry(lang string) string {
	if l.EntryID == "" {
		return ""
	}
	format := handlers.Text{ZH: ",奖励 %s:%s,%s", EN: ", reward %s: %s, %s"}.In(lang)
	return fmt.Sprintf(format, l.EntryID, handlers.Yuan(l.AmountFen), handlers.StatusWord(l.Status).In(lang))
}

func (t teller) json(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
