package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"xiaobu/app"
	"xiaobu/configs"
	"xiaobu/sandbox"
	"xiaobu/sandbox/panel"
	"xiaobu/sandbox/stories"
)

// demoToken opens the demo's API; it guards nothing but invented people.
const demoToken = "demo-token-of-the-chain"

const demoFeedSecret = "demo-feed-secret"

type demoFlags struct {
	port int
	seed uint64
	exit bool
	pace time.Duration
	lang string
	// story is the name of a pack or the path of a file; "list" lists the packs.
	story string
}

func demoCommand() command {
	return command{
		name: "demo", args: "[--story NAME|FILE] [--seed N] [--exit]", zh: "在本机演示一周:模拟企业微信、机器人和门店,无需账号和配置", en: "live through a week: simulated WeCom, bot and stores; needs no account",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			f := demoFlags{pace: -1}
			fs.IntVar(&f.port, "port", 0, "`PORT` of the bot (0: 8080 if it is free) / 机器人端口")
			fs.Uint64Var(&f.seed, "seed", 1, "decides who comes when / 随机种子")
			fs.StringVar(&f.story, "story", "chain", storyHelp)
			fs.BoolVar(&f.exit, "exit", false, "end when the week is over / 一周结束后退出")
			fs.Func("pace", "real time a day takes, 0s to 1h (default 6s in a terminal, else 0s) / 一天用多少真实时间", func(v string) (err error) {
				if f.pace, err = time.ParseDuration(v); err == nil && (f.pace < 0 || f.pace > time.Hour) {
					err = errors.New("want 0s to 1h")
				}
				return err
			})
			fs.Func("lang", "zh or en (default zh) / 语言", func(v string) error {
				if f.lang = v; v != "zh" && v != "en" {
					return errors.New("want zh or en")
				}
				return nil
			})
			return func(ctx context.Context, e env, args []string) error {
				if err := noArgs(args); err != nil {
					return err
				}
				if f.story == "list" {
					return listStories(e.stdout)
				}
				return runDemo(ctx, e, f)
			}
		},
	}
}

// demo is the week as it is lived.
type demo struct {
	clock  *leapClock
	box    *sandbox.Sandbox
	app    *app.App
	story  *stories.Story
	screen *screen
	api    demoAPI
	pace   time.Duration
	seen   seen
}

func runDemo(ctx context.Context, e env, f demoFlags) error {
	script, err := loadStory(f.story)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "xiaobu-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{screen: newScreen(e.stdout, f.lang), pace: f.pace}
	d.screen.print("%s", "%s", d.screen.word(script.Zh, script.En))
	if d.pace < 0 {
		d.pace = 0
		if d.screen.terminal {
			d.pace = 6 * time.Second
		}
	}
	stop, err := d.build(ctx, f, script, dir)
	defer stop()
	if err != nil {
		return err
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.week(ctx); err != nil {
		return err
	}
	if err := d.summary(ctx); err != nil {
		return err
	}
	if f.exit {
		return nil
	}
	d.screen.print("演示继续运行,按 Ctrl-C 结束。", "The demo goes on; press Ctrl-C to end it.")
	return d.linger(ctx)
}

// build starts both servers; each side knows only the other's address. The addresses come
// first: codes lead to them.
func (d *demo) build(ctx context.Context, f demoFlags, script *stories.Script, dir string) (stop func(), err error) {
	var closers []func()
	stop = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	monday := lastMonday(time.Now()).AddDate(0, 0, 7)
	d.clock = newLeapClock(monday.Add(-4 * time.Hour))
	theirs, ours := http.NewServeMux(), http.NewServeMux()
	wecom, close, err := listenAndServe("127.0.0.1:0", theirs)
	if err != nil {
		return stop, err
	}
	closers = append(closers, close)
	face, closeFace, err := serveDemo(f.port, ours)
	if err != nil {
		return stop, err
	}
	closers = append(closers, closeFace)
	d.box, err = sandbox.New(sandbox.Config{Now: d.clock.now, Seed: f.seed, OnEntry: d.seen.entry, PublicURL: "http://" + wecom})
	if err != nil {
		return stop, err
	}
	if d.story, err = stories.Begin(d.box, script, stories.Options{Monday: monday}); err != nil {
		return stop, err
	}
	theirs.Handle("/", panel.Handler(d.box))
	c, err := demoConfig(d.box.Config(), "http://"+wecom, "http://"+face, "sqlite:"+filepath.Join(dir, "demo.db"))
	if err != nil {
		return stop, err
	}
	o := options(c, slog.New(slog.DiscardHandler))
	o.Dial = nil // its links are made up
	o.Now, o.Serial, o.Scratch = d.clock.now, true, true
	if d.app, err = app.New(ctx, o); err != nil {
		return stop, err
	}
	closers = append(closers, func() { closeFace(); d.app.Close() })
	ours.Handle("/", d.app.Handler())
	d.box.SetCallback("http://" + face + "/callback/wecom")
	d.box.SetFeed("http://"+face+"/hooks/messages", demoFeedSecret)
	d.api = demoAPI{base: "http://" + face + "/api/v1"}
	d.screen.print("机器人 http://%[1]s/api/v1(令牌 %[3]s) · 模拟企业微信 http://%[2]s/sandbox/", "bot http://%[1]s/api/v1 (token %[3]s) · simulated WeCom http://%[2]s/sandbox/", face, wecom, demoToken)
	return stop, nil
}

func demoConfig(box sandbox.Config, base, public, database string) (configs.Config, error) {
	c, _, err := configs.Load(os.DevNull, []string{
		"XIAOBU_PUBLIC_URL=" + public, "XIAOBU_DATABASE=" + database, "XIAOBU_API_TOKEN=" + demoToken, "XIAOBU_FEED_SECRET=" + demoFeedSecret,
		"XIAOBU_WECOM_BASE_URL=" + base, "XIAOBU_WECOM_CORP_ID=" + box.CorpID, fmt.Sprintf("XIAOBU_WECOM_AGENT_ID=%d", box.AgentID),
		"XIAOBU_WECOM_SECRET=" + box.Secret, "XIAOBU_WECOM_TOKEN=" + box.Token, "XIAOBU_WECOM_AES_KEY=" + box.AESKey,
	})
	return c, err
}

// serveDemo takes the port it is given; without one it takes 8080 or, if that is taken, any.
func serveDemo(port int, h http.Handler) (addr string, close func(), err error) {
	if port != 0 {
		return listenAndServe(fmt.Sprintf("127.0.0.1:%d", port), h)
	}
	if addr, close, err = listenAndServe("127.0.0.1:8080", h); err == nil {
		return addr, close, nil
	}
	return listenAndServe("127.0.0.1:0", h)
}

func listenAndServe(addr string, h http.Handler) (string, func(), error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln) // ends with Close
	}()
	return ln.Addr().String(), func() { srv.Close(); <-done }, nil
}

// prepare reads the company in and does what an operator does once.
func (d *demo) prepare(ctx context.Context) error {
	if d.big() {
		d.screen.print("正在读入 %d 个群、%d 名客户……", "reading in %d groups with %d customers …", len(d.box.Groups()), d.story.Members)
	}
	if err := d.app.BringIn(ctx); err != nil {
		return err
	}
	if err := d.app.DrainWith(ctx, d.box); err != nil {
		return err
	}
	for _, c := range d.story.Setup() {
		if err := d.api.do(ctx, c.Method, c.Path, c.Body); err != nil {
			return err
		}
	}
	return nil
}
