package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func TestWhyRewardTellsOfEveryJoin(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	joined := time.Date(2026, 11, 10, 1, 12, 3, 0, time.UTC)
	s, err := store.Open(ctx, "sqlite:xiaobu.db", func() time.Time { return joined.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	rewards := &handlers.Rewards{Store: s, Now: time.Now, Zone: time.UTC}
	err = s.Tx(ctx, func(tx *store.Tx) error {
		one := 1
		if err := tx.AddRule(&store.Rule{EffectiveFrom: joined.AddDate(0, 0, -1), Tiers: []store.Tier{{Fen: 50}}, HoldMS: 1000, OncePer: handlers.OncePerCorp}); err != nil {
			return err
		}
		for i, chat := range []string{"wr1", "wr1", "wr2"} {
			if err := tx.NewChat(store.Chat{ChatID: chat, Name: "北门店", Status: store.ChatActive}); err != nil {
				return err
			}
			st := store.Stint{ChatID: chat, UserID: "wm1", Name: "李四", Kind: string(bot.Customer), JoinedAt: joined.Add(time.Duration(i) * time.Minute), Inviter: "wang", InviterBy: handlers.ByInvitor, Ordinal: &one}
			if i == 0 {
				st.LeftAt, st.LeftHow = joined.Add(30*time.Second), string(bot.LeftAlone)
			}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			joinedEvent := bot.Event{Kind: bot.KindMemberJoined, Data: bot.MemberJoined{StintID: st.ID, Member: "wm1"}}
			if err := rewards.Handle(ctx, tx, joinedEvent); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"1", exitDone, []string{"「北门店」", "0.50元", "结论: 符合规则 (rewarded)", "此人在这个群里的其他入群:\n· 2026-11-10T09:13:03+08:00 – -", "   1  2026-11-10 09:12:03  wm1  李四"}},
		{"1 --lang en", exitDone, []string{`group "北门店"`, "0.50 yuan", "Decision: it meets the rule (rewarded)"}},
		{"wr1 wm1", exitDone, []string{"此人(按 unionid 或 userid)早在 2026-11-10 09:12:03", "(not_new)"}},
		{"wr1 wm1 2026-11-10T09:12:03+08:00", exitDone, []string{"自己退群", "(rewarded)"}},
		{"wm1", exitDone, []string{"2026-11-10T09:14:03+08:00 wr2 wm1 不是新客 (not_new)", "2026-11-10T09:12:03+08:00 wr1 wm1 符合规则 (rewarded),奖励 1:0.50元,可发放"}},
		{"wr1 wm1 2026-11-10T09:12:04+08:00", exitFailed, []string{"the joins known are 2026-11-10T09:13:03+08:00 2026-11-10T09:12:03+08:00"}},
		{"wr3 wm1", exitFailed, []string{"there is no group wr3"}},
		{"wr1 wm2", exitFailed, []string{"wm2 was never in group wr1"}},
		{"wm2", exitFailed, []string{"there is no reward wm2", "CHAT_ID MEMBER [JOINED_AT]"}},
	} {
		r := xiaobu(t, "", nil, append([]string{"why", "reward"}, strings.Fields(c.args)...)...)
		for _, want := range c.want {
			if r.code != c.code || !strings.Contains(r.out+r.err, want) {
				t.Errorf("why reward %s: exit %d, want %d and %q in\n%s%s", c.args, r.code, c.code, want, r.out, r.err)
			}
		}
	}
	var x struct {
		Decision string
		People   []any
		Steps    []struct{ Kind, ZH, EN string }
		Entry    struct{ ID string }
	}
	r := xiaobu(t, "", nil, "why", "reward", "1", "--json")
	if err := json.Unmarshal([]byte(r.out), &x); err != nil || x.Decision != "rewarded" || x.Entry.ID != "1" || len(x.People) != 1 || len(x.Steps) < 5 {
		t.Errorf("json: %v %+v\n%s", err, x, r.out)
	}
}
