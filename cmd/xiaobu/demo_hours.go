package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"xiaobu/sandbox"
	"xiaobu/store"
)

// A story of more joins or members than these is told by the hour.
const (
	joinsTold   = 600
	membersTold = 3000
)

// big reports whether the story has too many people to tell of each.
func (d *demo) big() bool { return d.story.Joins > joinsTold || d.story.Members > membersTold }

// storeOf finds the store of a group by its name, "" if the name does not tell.
func (d *demo) storeOf(group string) string {
	for _, st := range d.story.Stores {
		if strings.HasPrefix(group, st.Name) {
			return st.Name
		}
		for _, g := range st.Groups {
			if g.Name == group {
				return st.Name
			}
		}
	}
	if len(d.story.Stores) == 1 {
		return d.story.Stores[0].Name
	}
	return ""
}

// tellHour tells of an hour once it is over: how many came and left, store by store; what the
// bot did about mass messages and advertising.
func (d *demo) tellHour(ctx context.Context) error {
	now := d.clock.now()
	hour := now.Truncate(time.Hour)
	if !hour.After(d.seen.hour) && now.Before(d.story.End) {
		return nil
	}
	ended := d.seen.hour.Add(time.Hour)
	d.seen.hour = hour
	r := d.app.Store.Read(ctx)
	joins, err := d.countJoins(r)
	if err != nil {
		return err
	}
	leaves, posts := d.countEntries()
	var parts []string
	for _, c := range []struct {
		counts map[string]int
		zh, en string
	}{{joins, "入群 %d", "%d joined"}, {leaves, "离群 %d", "%d left"}, {posts, "群发进群 %d", "%d mass messages posted"}} {
		if text := d.shares(c.counts, d.screen.word(c.zh, c.en)); text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) > 0 {
		d.screen.print("%s  %s", "%s  %s", d.screen.moment(ended), strings.Join(parts, " · "))
	}
	cases, err := d.tellCases(r)
	for _, l := range cases {
		d.screen.print("%s  %s", "%s  %s", d.screen.moment(l.at), l.text)
	}
	return err
}

// shares is a sum with the three stores that have most of it, "" for nothing.
func (d *demo) shares(counts map[string]int, format string) string {
	total := 0
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return ""
	}
	text := fmt.Sprintf(format, total)
	if len(d.story.Stores) == 1 {
		return text
	}
	var most []string
	told := map[string]bool{}
	for len(most) < 3 {
		best := ""
		for _, st := range d.story.Stores {
			if !told[st.Name] && counts[st.Name] > counts[best] {
				best = st.Name
			}
		}
		if best == "" {
			break
		}
		told[best] = true
		most = append(most, fmt.Sprintf("%s %d", best, counts[best]))
	}
	return text + "(" + strings.Join(most, ",") + ")"
}

// countJoins counts what the books have of joins since the last time, by store.
func (d *demo) countJoins(r store.Reader) (map[string]int, error) {
	stints, err := r.StintsAfter(d.seen.stint, 0)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, st := range stints {
		d.seen.stint = st.ID
		if st.Kind != "customer" {
			continue
		}
		chat, err := r.Chat(chatID(st.ChatID))
		if err != nil {
			return nil, err
		}
		out[d.storeOf(chat.Name)]++
	}
	return out, nil
}

// countEntries counts leaves and posts in the simulated company since the last time, by store.
func (d *demo) countEntries() (leaves, posts map[string]int) {
	leaves, posts = map[string]int{}, map[string]int{}
	for _, e := range d.seen.take() {
		switch e.Kind {
		case sandbox.EntryLeave:
			leaves[d.storeOf(e.ChatName)]++
		case sandbox.EntryPost:
			posts[d.storeOf(e.ChatName)]++
		}
	}
	return leaves, posts
}
