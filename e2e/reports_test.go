package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// texts are what the app told staff by a plain text, oldest first: who, when and what.
func texts(r *rig) []sandbox.AppMessage {
	return slices.DeleteFunc(r.box.AppMessages(), func(m sandbox.AppMessage) bool { return m.Type != "text" })
}

// at is a local time on a day of the story, 0 for Monday.
func at(day, hour, minute int) time.Time {
	return monday.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// bring lets a cashier bring a new customer into the town's first group.
func (w *town) bring(cashier string) string {
	w.t.Helper()
	who := w.customer()
	_, err := w.box.Join(w.groups[0], who, sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier})
	must(w.t, err)
	return who
}

// A week: a message in the evening of each day that had something to tell, none on others.
func TestACashierIsToldOnceADay(t *testing.T) {
	t.Parallel()
	r, w := townRig(t)
	r.until(at(0, 10, 0))
	left := w.bring("cashier0")
	w.bring("cashier0")
	w.bring("owner0")
	r.until(at(1, 22, 0)) // Tuesday is quiet until after the report
	w.bring("cashier0")
	r.until(at(3, 9, 0))
	must(t, w.box.Leave(w.groups[0], left)) // Thursday: one of Monday is lost
	r.until(at(6, 23, 0))

	var got []string
	for _, m := range texts(r) {
		got = append(got, fmt.Sprintf("%s %s", m.At.In(r.conf.Timezone).Format("Mon 15:04"), strings.Join(m.To, ",")))
	}
	want := []string{"Mon 21:00 cashier0", "Mon 21:00 owner0", "Wed 21:00 cashier0", "Thu 21:00 cashier0"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	told := texts(r)
	for i, want := range []string{
		"收银0,辛苦了!\n今天(11月23日)您带来 2 人进群,奖励 1.00元。\n本月共 2 人,奖励 1.00元。\n现在观察期内 1.00元,可领 0.00元;本月已发 0.00元。",
		"店长0,辛苦了!\n今天(11月23日)您带来 1 人进群,奖励 0.50元。\n本月共 1 人,奖励 0.50元。\n现在观察期内 0.50元,可领 0.00元;本月已发 0.00元。",
		"收银0,辛苦了!\n今天(11月25日)没有新人进群。\n上次播报以后另有 1 人,奖励 0.50元,已计入。\n本月共 3 人,奖励 1.50元。\n现在观察期内 1.50元,可领 0.00元;本月已发 0.00元。",
		"收银0,辛苦了!\n今天(11月26日)没有新人进群。\n本月共 3 人,奖励 1.00元。\n现在观察期内 1.00元,可领 0.00元;本月已发 0.00元。\n· 顾*(1群)11月23日进群:观察期没满就退群,不计 0.50元",
	} {
		if i < len(told) && told[i].Text != want {
			t.Errorf("message %d is\n%s\nwant\n%s", i, told[i].Text, want)
		}
	}
}
