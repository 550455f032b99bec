package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"xiaobu/spam"
	"xiaobu/spam/eval"
)

type evalFlags struct {
	json, baselines bool
	train, without  []string
	keywords, model string
	seed            uint64
	sample          int
}

func spamEvalCommand() command {
	return command{
		name: "spam eval", args: "[--model FILE] [--baselines --train FILE [--without SOURCE]] [--json] FILE…",
		zh: "用标注过的消息(JSON 行,可 gzip)评测检测器:查准、召回、误报、变体、校准、速度", en: "measure the detector on labelled messages: JSON lines with text, label and source, plain or gzipped",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			f := evalFlags{}
			fs.BoolVar(&f.json, "json", false, "print the report as JSON / 输出 JSON")
			fs.BoolVar(&f.baselines, "baselines", false, "add a column for a list of keywords and, with --train, one for a plain regression / 与关键词表、普通回归对比")
			fs.Func("train", "`FILE` to train the plain regression on; may be given several times / 训练普通回归的文件", func(v string) error {
				f.train = append(f.train, v)
				return nil
			})
			fs.Func("without", "leave a `SOURCE` out when training the plain regression / 训练普通回归时不用某个来源", func(v string) error {
				f.without = append(f.without, v)
				return nil
			})
			fs.StringVar(&f.keywords, "keywords", "", "`FILE` with one keyword a line (default: the detector's own vocabulary) / 关键词表文件")
			fs.Uint64Var(&f.seed, "seed", 1, "decides the disguised and decorated copies / 随机种子")
			modelFlag(fs, &f.model)
			fs.IntVar(&f.sample, "sample", 1000, "at most so many `COPIES` of each kind / 每种变体的数量")
			return func(ctx context.Context, e env, files []string) error {
				if err := f.check(files); err != nil {
					return err
				}
				return spamEval(ctx, e, f, files)
			}
		},
	}
}

func (f evalFlags) check(files []string) error {
	switch {
	case len(files) == 0:
		return usage{"xiaobu spam eval wants files of labelled messages, such as dev.jsonl.gz / 请指定标注过的消息文件"}
	case !f.baselines && (len(f.train) > 0 || len(f.without) > 0 || f.keywords != ""):
		return usage{"xiaobu spam eval: --train, --without and --keywords go with --baselines / 需与 --baselines 同用"}
	case f.sample < 1 || f.sample > 100_000:
		return usage{fmt.Sprintf("xiaobu spam eval: --sample %d: want 1 to 100000, for example --sample 1000", f.sample)}
	}
	return nil
}

func spamEval(ctx context.Context, e env, f evalFlags, files []string) error {
	rows, err := readRows(files)
	if err != nil {
		return err
	}
	shown := &progress{out: e.stderr}
	o := eval.Options{Seed: f.seed, Sample: f.sample, Now: time.Now, Progress: shown.show}
	var d *spam.Detector
	held := eval.Held(func() { d, err = newDetector(f.model) })
	if err != nil {
		return err
	}
	columns := []eval.Column{{Name: "xiaobu", Calibrated: true, Held: held, Judge: func(text string) (float64, spam.Label) {
		v := d.Check(text)
		return v.Score, v.Verdict
	}}}
	if f.baselines {
		plain, err := baselines(ctx, f, o, rows)
		if err != nil {
			return err
		}
		columns = append(columns, plain...)
	}
	report, err := eval.Measure(ctx, rows, columns, o)
	shown.done()
	if err != nil {
		return err
	}
	if f.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return report.Print(e.stdout)
}

// readRows reads labelled messages from files.
func readRows(files []string) ([]eval.Row, error) {
	var rows []eval.Row
	for _, name := range files {
		more, err := eval.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// baselines are what the detector is compared with.
func baselines(ctx context.Context, f evalFlags, o eval.Options, rows []eval.Row) ([]eval.Column, error) {
	var columns []eval.Column
	if len(f.train) > 0 {
		train, err := readRows(f.train)
		if err != nil {
			return nil, err
		}
		train = slices.DeleteFunc(train, func(r eval.Row) bool { return slices.Contains(f.without, r.Source) })
		if len(train) == 0 {
			return nil, usage{fmt.Sprintf("xiaobu spam eval: --without %s leaves nothing to train on", strings.Join(f.without, " --without "))}
		}
		var p *eval.Plain
		held := eval.Held(func() { p, err = eval.Regression(ctx, train, o) })
		runtime.KeepAlive(train) // or what it held would count as given back
		if err != nil {
			return nil, err
		}
		p.Fit(rows)
		columns = append(columns, eval.Column{Name: "regression", Held: held, Judge: p.Judge})
	}
	words := spam.Keywords()
	if f.keywords != "" {
		list, err := os.ReadFile(f.keywords)
		if err != nil {
			return nil, err
		}
		words = strings.Split(string(list), "\n")
	}
	var p *eval.Plain
	held := eval.Held(func() { p = eval.Keywords(words) })
	return append(columns, eval.Column{Name: fmt.Sprintf("%d keywords", len(words)), Held: held, Judge: p.Judge}), nil
}

// progress shows on one line how far something is, at most five times a second.
type progress struct {
	out   io.Writer
	last  time.Time
	width int
}

func (p *progress) show(what string, done, total int) {
	if now := time.Now(); now.Sub(p.last) >= 200*time.Millisecond {
		p.last = now
		line := fmt.Sprintf("%s: %d/%d", what, done, total)
		fmt.Fprintf(p.out, "\r%-*s", p.width, line)
		p.width = max(p.width, len(line))
	}
}

// done clears the line.
func (p *progress) done() {
	if p.width > 0 {
		fmt.Fprintf(p.out, "\r%*s\r", p.width, "")
	}
}
