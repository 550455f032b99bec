package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/mozillazg/go-pinyin"

	"xiaobu/spam"
	"xiaobu/spam/evade"
)

// How training stretches its samples.
const (
	spamCopies = 4   // disguised copies of a spam sample, each in another way
	hamCopies  = 2   // decorated copies of a harmless one
	copyWeight = 0.3 // what a copy counts of what its sample does
	// disguisedWeight is what a harmless sample disguised as spam is counts of it.
	disguisedWeight = 0.04
	padEvery        = 50 // of the harmless samples, one in so many is talk to pad with
	padLeast        = 6  // characters of such talk
	trainingOut     = "xiaobu.model"
)

// training is what the flags of spam train say.
type training struct {
	out, dev string
	seed     uint64
	own      int
	without  words
	weigh    words // SOURCE=WEIGHT
}

// words is a flag that may be given more than once.
type words []string

func (w *words) String() string     { return strings.Join(*w, ",") }
func (w *words) Set(v string) error { *w = append(*w, v); return nil }

func spamTrainCommand() command {
	return command{
		name: "spam train", args: "[flags] FILE…",
		zh:    "用标注好的样本训练检测模型;文件每行一个 JSON(text、label 为 spam 或 ham、source),可为 .gz",
		en:    "train a model on labelled samples; files hold JSON lines (text, label spam or ham, source), .gz or not",
		flags: trainFlags,
	}
}

func trainFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var t training
	fs.StringVar(&t.out, "out", trainingOut, "write the model to this file / 模型写到这个文件")
	fs.StringVar(&t.dev, "dev", "", "set the thresholds on the samples of this file; without it every tenth sample is put aside for that / 用这个文件的样本定阈值,不给则从样本中每十条留一条")
	fs.Uint64Var(&t.seed, "seed", 1, "the same samples and seed give the same model, byte for byte / 相同样本与种子得到逐字节相同的模型")
	fs.IntVar(&t.own, "own", 80, "mix in so many of xiaobu's own sentences of every pattern, 0 to 1000: talk of shops and the advertisements they see / 每种句式混入多少条自带语句")
	fs.Var(&t.without, "without", "leave out a source; may be repeated / 不用某个来源,可重复")
	fs.Var(&t.weigh, "weigh", "SOURCE=0.1: let the samples of a source count less and keep them out of the thresholds; may be repeated / 降低某个来源的权重,且不参与定阈值,可重复")
	return func(ctx context.Context, e env, files []string) error {
		if len(files) == 0 {
			return usage{"name a file of samples; see xiaobu spam train --help / 请给出样本文件"}
		}
		if t.own < 0 || t.own > 1000 {
			return usage{fmt.Sprintf("xiaobu spam train: --own %d: want 0 to 1000, for example --own 40", t.own)}
		}
		return t.run(ctx, e, files)
	}
}

func (t *training) run(ctx context.Context, e env, files []string) error {
	weights, err := t.weights()
	if err != nil {
		return err
	}
	read, err := t.read(files, weights)
	if err != nil {
		return err
	}
	var dev []spam.Sample
	if t.dev != "" {
		if dev, err = t.read([]string{t.dev}, nil); err != nil {
			return err
		}
		dev = slices.DeleteFunc(dev, func(s spam.Sample) bool { _, light := weights[s.Source]; return light })
	}
	own := spam.Supplement(t.own, t.seed)
	fmt.Fprintf(e.stderr, "read %d samples, %d of our own beside them\n", len(read), len(own))
	cfg := spam.TrainConfig{Seed: t.seed, Dev: dev, Syllables: syllables(), Progress: func(pass, passes int, loss float64) {
		fmt.Fprintf(e.stderr, "pass %d of %d: loss %.4f\n", pass, passes, loss)
	}}
	for _, s := range own {
		if !s.Spam {
			cfg.Talk = append(cfg.Talk, s.Text)
		}
	}
	m, report, err := spam.Train(copied(append(read, own...), t.seed), cfg)
	if err != nil {
		return err
	}
	if err := writeModel(t.out, m); err != nil {
		return err
	}
	tellTraining(e.stdout, report)
	fmt.Fprintf(e.stdout, "\nwrote %s, %d bytes\n", t.out, m.Size())
	return ctx.Err()
}

// weights reads the flag -weigh.
func (t *training) weights() (map[string]float64, error) {
	out := map[string]float64{}
	for _, w := range t.weigh {
		source, text, _ := strings.Cut(w, "=")
		weight, err := strconv.ParseFloat(text, 64)
		if err != nil || !(weight > 0 && weight <= 100) {
			return nil, usage{fmt.Sprintf("-weigh %q: want SOURCE=NUMBER above 0, for example sms=0.1", w)}
		}
		out[source] = weight
	}
	return out, nil
}

// read reads the samples of files, without the sources that are left out.
func (t *training) read(files []string, weights map[string]float64) ([]spam.Sample, error) {
	rows, err := readRows(files)
	if err != nil {
		return nil, err
	}
	var out []spam.Sample
	for _, r := range rows {
		if slices.Contains(t.without, r.Source) {
			continue
		}
		weight := 1.0
		if w, ok := weights[r.Source]; ok {
			weight = w
		}
		out = append(out, spam.Sample{Text: r.Text, Spam: r.Spam, Source: r.Source, Weight: weight})
	}
	return out, nil
}

// syllables reads characters as people do most often, without the tone.
func syllables() func(rune) string {
	args := pinyin.NewArgs()
	return func(r rune) string {
		if s := pinyin.SinglePinyin(r, args); len(s) > 0 {
			return s[0]
		}
		return ""
	}
}

// copied puts copies of every sample behind it: spam as it is disguised, talk as it is
// decorated, and, counting less, talk disguised as spam is: otherwise a disguise alone
// would speak for spam.
func copied(samples []spam.Sample, seed uint64) []spam.Sample {
	rng := rand.New(rand.NewPCG(seed, 3))
	gen := evade.New(evade.Options{Harmless: talkOf(samples)})
	alone := slices.DeleteFunc(evade.Kinds(), func(k string) bool { return k == evade.Padding || k == evade.Combined })
	var out []spam.Sample
	for _, s := range samples {
		out = append(out, s)
		add := func(n int, weight float64, kinds []string, write func(*rand.Rand, string, string) (string, bool)) {
			for range n {
				if text, changed := write(rng, kinds[rng.IntN(len(kinds))], s.Text); changed {
					out = append(out, spam.Sample{Text: text, Spam: s.Spam, Source: s.Source, Weight: weight * s.Weight, Copy: true})
				}
			}
		}
		if s.Spam {
			add(spamCopies, copyWeight, evade.Kinds(), gen.Evade)
			continue
		}
		add(hamCopies, copyWeight, evade.Decorations(), gen.Decorate)
		weight := disguisedWeight
		if s.Source == spam.OwnSource { // shops' talk, and sure to be harmless
			weight *= 3
		}
		add(1, weight, alone, gen.Evade)
	}
	return out
}

// talkOf picks harmless talk to pad with.
func talkOf(samples []spam.Sample) []string {
	var out []string
	n := 0
	for _, s := range samples {
		if s.Spam || len([]rune(s.Text)) < padLeast {
			continue
		}
		if n++; n%padEvery == 0 {
			out = append(out, s.Text)
		}
	}
	return out
}

// writeModel writes the file at once or not at all.
func writeModel(file string, m *spam.Model) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".model-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := m.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// tellTraining prints what was trained on and how the thresholds do.
func tellTraining(w io.Writer, r spam.Report) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "trained on\tspam\tham\tweight\t\n")
	for _, s := range r.Sources {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%g\t\n", s.Source, s.Spam, s.Ham, s.Weight)
	}
	fmt.Fprintf(tw, "copies\t%d\t\t%g\t\n", r.Copies, copyWeight)
	fmt.Fprintf(tw, "\t\t\t\t\nthresholds on\tspam\tsuspect\tspam\tham\tsuspect\tspam\t\n")
	for _, s := range r.Dev {
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%d\t%s\t%s\t\n", s.Source, s.Spam, share(s.Caught, s.Spam), share(s.CaughtSpam, s.Spam), s.Ham, share(s.Flagged, s.Ham), share(s.FlaggedSpam, s.Ham))
	}
	tw.Flush()
}

// share is n of all in percent.
func share(n, all int) string {
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(all))
}
