package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"xiaobu/configs"
	"xiaobu/moderation"
	"xiaobu/spam"
	"xiaobu/store"
)

func spamKeywordsCommand() command {
	return command{
		name: "spam keywords", args: "[--format txt|csv|json] [--limit N]", zh: "为企业微信自带的「防骚扰」导出关键词,以及开启步骤", en: "keyword rules for WeCom's own anti-harassment setting, and how to switch it on",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			days := fs.Int("days", 7, "`DAYS` of messages that the words are tried on / 用最近几天的消息检验")
			limit := fs.Int("limit", 100, "how many `WORDS` / 最多几个词")
			format := fs.String("format", "txt", "`FORMAT`: txt, csv or json / 格式")
			return configured(fs, func(args []string) error { return checkKeywords(args, *days, *limit, *format) }, func(ctx context.Context, e env, c configs.Config, _ []string) error {
				s, err := store.OpenReader(ctx, c.Database, time.Now)
				if err != nil {
					return err
				}
				defer s.Close()
				m := &moderation.Moderator{Store: s, Detector: spam.New(), Now: time.Now, Zone: c.Timezone}
				k, err := m.Keywords(ctx, *days, *limit)
				if err != nil {
					return err
				}
				return tellKeywords(e, k, *format)
			})
		},
	}
}

func checkKeywords(args []string, days, limit int, format string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	switch {
	case days < 1 || days > 90:
		return usage{fmt.Sprintf("--days %d: want 1 to 90", days)}
	case limit < 1 || limit > moderation.MaxKeywords:
		return usage{fmt.Sprintf("--limit %d: want 1 to %d", limit, moderation.MaxKeywords)}
	case format != "txt" && format != "csv" && format != "json":
		return usage{fmt.Sprintf("--format %q: want txt, csv or json", format)}
	}
	return nil
}

// tellKeywords writes the words to the output, and what to do with them beside it, so that a
// file of the output holds the words alone.
func tellKeywords(e env, k moderation.Keywords, format string) error {
	switch format {
	case "json":
		return k.WriteJSON(e.stdout)
	case "csv":
		return k.WriteCSV(e.stdout)
	}
	if err := k.WriteText(e.stdout); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "\n%d 个词;用 %d 条确认的广告、近 %d 天 %d 条广告和 %d 条正常消息检验。\n", len(k.Words), k.Confirmed, k.Days, k.Spam, k.Ham)
	for _, s := range k.Switches {
		fmt.Fprintf(e.stderr, "开关「%s」/ %s: 广告 spam %d, 正常 harmless %d\n", s.ZH, s.EN, s.Spam, s.Ham)
	}
	for _, steps := range [][]string{k.StepsZH, k.StepsEN} {
		for i, step := range steps {
			fmt.Fprintf(e.stderr, "%d. %s\n", i+1, step)
		}
	}
	return nil
}
