package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"xiaobu/archive"
	"xiaobu/configs"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or settings
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "dev"

// program is what the command gets from the outside.
type program struct {
	vars   []string // KEY=VALUE
	stdout io.Writer
	stderr io.Writer
	// open starts the archive's source; the function it returns ends it.
	open func(configs.Archive) (archive.Source, func(), error)
}

// usage is a mistake on the command line.
type usage struct{ msg string }

func (u usage) Error() string { return u.msg }

// errShown ends a command whose message has been shown already.
var errShown = errors.New("shown")

func (p program) exitCode(err error) int {
	var u usage
	var setting *configs.Error
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errShown):
		return exitFailed
	case errors.As(err, &u), errors.As(err, &setting):
		fmt.Fprintln(p.stderr, "xiaobu-archive:", err)
		return exitUsage
	}
	fmt.Fprintln(p.stderr, "xiaobu-archive:", err)
	return exitFailed
}

// options are the flags.
type options struct {
	config  string
	once    bool
	dry     bool
	fromSeq *uint64
}

const helpText = `xiaobu-archive 会话存档程序: 从企业微信会话内容存档拉取群消息,转交给小步
brings group messages from WeCom's message archive to Xiaobu's feed

  xiaobu-archive [--config FILE] [--once] [--from-seq N] [--dry-run]
      持续运行 / run; --once: 拉完为止 / until nothing is left; --dry-run: 只统计不转交 / only count
  xiaobu-archive check [--config FILE]
      检查私钥、签名、时钟、企业微信 / check keys, signature, clock, WeCom
  xiaobu-archive retry [--config FILE]
      重新转交被拒的消息 / post refused messages again
  xiaobu-archive version

`

func (p program) run(ctx context.Context, args []string) error {
	command := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	if !slices.Contains([]string{"run", "check", "retry", "version", "help"}, command) {
		return usage{fmt.Sprintf("there is no command %q; xiaobu-archive help lists them / 没有命令 %q", command, command)}
	}
	o, err := p.parse(args)
	if errors.Is(err, flag.ErrHelp) || command == "help" {
		fmt.Fprint(p.stdout, helpText)
		return nil
	}
	if err != nil {
		return err
	}
	if command == "version" {
		fmt.Fprintln(p.stdout, "xiaobu-archive", version)
		return nil
	}
	c, warnings, err := configs.LoadArchive(o.config, p.vars)
	for _, w := range warnings {
		fmt.Fprintln(p.stderr, "xiaobu-archive: warning:", w)
	}
	var setting *configs.Error
	if err != nil && !errors.As(err, &setting) {
		return usage{err.Error()}
	} else if err != nil {
		return err
	}
	feed := archive.NewFeed(c.FeedURL, c.FeedSecret, nil, time.Now)
	switch command {
	case "check":
		return p.check(ctx, c, feed)
	case "retry":
		return p.retry(ctx, c, feed)
	}
	return p.work(ctx, c, feed, o)
}

func (p program) parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("xiaobu-archive", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.config, "config", "", "")
	fs.BoolVar(&o.once, "once", false, "")
	fs.BoolVar(&o.dry, "dry-run", false, "")
	seq := fs.Uint64("from-seq", 0, "")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return o, err
	} else if err != nil {
		return o, usage{err.Error() + "; see xiaobu-archive --help"}
	}
	if fs.NArg() > 0 {
		return o, usage{fmt.Sprintf("unexpected %q", fs.Arg(0))}
	}
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "from-seq" {
			o.fromSeq = seq
		}
	})
	return o, nil
}

// work pulls and posts until ctx ends or, once, until nothing is left.
func (p program) work(ctx context.Context, c configs.Archive, feed *archive.Feed, o options) error {
	source, closeSource, err := p.open(c)
	if err != nil {
		return err
	}
	defer closeSource()
	state, err := archive.OpenState(c.State, c.CorpID, o.dry)
	if err != nil {
		return err
	}
	defer state.Close()
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	a, err := archive.New(archive.Config{Source: source, Keys: func() (*archive.Keys, error) { return archive.LoadKeys(c.Keys) },
		Feed: feed, State: state, ConsentRequired: c.ConsentRequired, Pictures: c.Pictures, FromSeq: o.fromSeq, Interval: c.Interval,
		Now: time.Now, Wait: wait, Jitter: rand.Float64, Log: log, DryRun: o.dry})
	if err != nil {
		return err
	}
	log.Info("ready", "seq", state.Position().Seq, "feed", c.FeedURL, "version", version)
	if o.once || o.dry {
		err := a.Once(ctx)
		p.tell(a.Status())
		return err
	}
	stop, err := p.health(c.Listen, a)
	if err != nil {
		return err
	}
	defer stop()
	a.Run(ctx)
	p.tell(a.Status())
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// tell prints what became of messages, by fate and type.
func (p program) tell(s archive.Status) {
	keys := make([]archive.Count, 0, len(s.Counts))
	for k := range s.Counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b archive.Count) int { return strings.Compare(a.Fate+" "+a.Type, b.Fate+" "+b.Type) })
	fmt.Fprintf(p.stdout, "seq %d\n", s.Seq)
	for _, k := range keys {
		fmt.Fprintf(p.stdout, "%-20s %-20s %d\n", k.Fate, k.Type, s.Counts[k])
	}
}

func (p program) check(ctx context.Context, c configs.Archive, feed *archive.Feed) error {
	found := archive.CheckKeys(c.Keys)
	keys, _ := archive.LoadKeys(c.Keys) // what is wrong has been found
	state, err := archive.OpenState(c.State, c.CorpID, true)
	if err != nil {
		found = append(found, archive.Finding{What: "位置 / position", Detail: err.Error()})
	} else {
		found = append(found, archive.Finding{What: "位置 / position", OK: true, Detail: fmt.Sprintf("seq %d", state.Position().Seq)})
	}
	found = append(found, archive.CheckFeed(ctx, feed)...)
	source, closeSource, err := p.open(c)
	switch {
	case err != nil:
		found = append(found, archive.Finding{What: "会话存档 / archive", Detail: err.Error()})
	case keys != nil && state != nil:
		defer closeSource()
		found = append(found, archive.CheckSource(ctx, source, keys, state.Position().Seq)...)
	default:
		defer closeSource()
	}
	failed := false
	for _, f := range found {
		mark := "ok  "
		if !f.OK {
			mark, failed = "FAIL", true
		}
		fmt.Fprintf(p.stdout, "%s %s: %s\n", mark, f.What, f.Detail)
	}
	if failed {
		return errShown
	}
	return nil
}

func (p program) retry(ctx context.Context, c configs.Archive, feed *archive.Feed) error {
	state, err := archive.OpenState(c.State, c.CorpID, false)
	if err != nil {
		return err
	}
	defer state.Close()
	posted, kept, err := state.Retry(ctx, feed)
	fmt.Fprintf(p.stdout, "已转交 / posted %d, 仍保留 / kept %d\n", posted, kept)
	return err
}
