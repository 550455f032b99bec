package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"xiaobu/configs"
	"xiaobu/rehearse"
	"xiaobu/store"
)

type rehearseFlags struct {
	from, html, lang, confirm string
	days                      int
	seed                      uint64
	json                      bool
	joins, leaves             float64
}

func rehearseCommand() command {
	return command{
		name: "rehearse", args: "--from DATE [--days N] [--json] [--html FILE]", zh: "提前排练:用真实配置和数据库副本在模拟企业微信里过完这些天",
		en: "live through days to come in advance: your settings and a copy of your database against a simulated WeCom; the database is only read",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			f := rehearseFlags{joins: rehearse.FromPast, leaves: rehearse.FromPast}
			fs.StringVar(&f.from, "from", "", "first `DATE`, such as 2026-11-23 (default: tomorrow) / 第一天(默认明天)")
			fs.IntVar(&f.days, "days", 7, fmt.Sprintf("how many days, 1 to %d / 天数", rehearse.MaxDays))
			fs.Uint64Var(&f.seed, "seed", 1, "decides who comes, goes and confirms when; the same seed and database give the same bytes / 随机种子")
			fs.BoolVar(&f.json, "json", false, "print the report as JSON (docs/REHEARSE.md) / 输出 JSON")
			fs.StringVar(&f.html, "html", "", "write a page with charts to `FILE` as well / 另存带图表的网页")
			oneOf(fs, &f.lang, "lang", "zh", "zh or en / 语言", "zh", "en")
			oneOf(fs, &f.confirm, "confirm", rehearse.ConfirmPast, "do owners confirm their tasks: past (as late and as seldom as so far), all or none / 群主是否确认", "past", "all", "none")
			rate(fs, &f.joins, "joins-per-day", "`PEOPLE` who join each group a day (default: as in the past four weeks) / 每群每天进群人数(默认按近四周)", 200)
			rate(fs, &f.leaves, "leave-rate", "`PART` of a group's customers who leave it a day, 0 to 1 (default: as in the past four weeks) / 每天退群比例(默认按近四周)", 1)
			return configured(fs, noArgs, func(ctx context.Context, e env, c configs.Config, _ []string) error {
				return runRehearse(ctx, e, c, f)
			})
		},
	}
}

// oneOf is a flag that takes one of some words.
func oneOf(fs *flag.FlagSet, to *string, name, preset, help string, words ...string) {
	*to = preset
	fs.Func(name, help+" (default "+preset+")", func(v string) error {
		for _, w := range words {
			if v == w {
				*to = v
				return nil
			}
		}
		return fmt.Errorf("want one of %q", words)
	})
}

// rate is a flag that takes a number from 0 up to a limit.
func rate(fs *flag.FlagSet, to *float64, name, help string, most float64) {
	fs.Func(name, help, func(v string) error {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || !(n >= 0 && n <= most) {
			return fmt.Errorf("want a number from 0 to %g", most)
		}
		*to = n
		return nil
	})
}

func runRehearse(ctx context.Context, e env, c configs.Config, f rehearseFlags) error {
	o := rehearse.Options{Config: c, Days: f.days, Seed: f.seed, Confirm: f.confirm, JoinsPerDay: f.joins, LeaveRate: f.leaves, Version: version}
	tomorrow := time.Now().In(c.Timezone).AddDate(0, 0, 1).Format(time.DateOnly)
	if f.from == "" {
		f.from = tomorrow
	}
	var err error
	if o.From, err = time.ParseInLocation(time.DateOnly, f.from, c.Timezone); err != nil {
		return usage{fmt.Sprintf("--from is %q; want a date such as --from %s / 日期格式如 %s", f.from, tomorrow, tomorrow)}
	}
	if f.days < 1 || f.days > rehearse.MaxDays {
		return usage{fmt.Sprintf("--days is %d; want 1 to %d, such as --days 7 / 天数为 1 到 %d", f.days, rehearse.MaxDays, rehearse.MaxDays)}
	}
	if o.Dir, err = os.MkdirTemp("", "xiaobu-rehearse-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	bar := newScreen(e.stderr, f.lang)
	if bar.terminal {
		o.Progress = bar.progress
	}
	rep, err := rehearse.Run(ctx, o)
	if bar.terminal {
		bar.wipe()
	}
	if err != nil {
		return rehearsalError(err)
	}
	if f.html != "" {
		page, err := rehearse.Page(rep, f.lang)
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.html, page, 0o644); err != nil {
			return err
		}
	}
	if f.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(rep)
	}
	tellRehearsal(newScreen(e.stdout, f.lang), rep)
	return nil
}

// rehearsalError tells wrong usage from failure.
func rehearsalError(err error) error {
	var m *rehearse.Mistake
	switch {
	case errors.As(err, &m):
		return usage{m.Detail}
	case errors.Is(err, store.ErrNoDatabase):
		return usage{err.Error() + "; database must name the one that xiaobu serve keeps, such as database: sqlite:xiaobu.db (xiaobu demo needs none) / 还没有数据库:先运行 xiaobu serve"}
	}
	return err
}
