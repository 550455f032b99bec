package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"xiaobu/app"
	"xiaobu/configs"
	"xiaobu/promotions"
)

// Limits of the HTTP server.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	closeTimeout  = 10 * time.Second
	maxHeader     = 64 << 10
)

func serveCommand() command {
	return command{
		name: "serve", args: "[--config FILE]", zh: "连接企业微信运行机器人", en: "run the bot against WeCom",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			return configured(fs, noArgs, func(ctx context.Context, e env, c configs.Config, _ []string) error {
				if err := c.RequireWeCom(); err != nil {
					return err
				}
				return serve(ctx, e, c)
			})
		},
	}
}

// configured is a command that needs the settings. check looks at its words before they
// are read.
func configured(fs *flag.FlagSet, check func(args []string) error, do func(context.Context, env, configs.Config, []string) error) func(context.Context, env, []string) error {
	file := fs.String("config", "", "settings `FILE` / 配置文件 (XIAOBU_CONFIG, else "+configs.DefaultFile+")")
	return func(ctx context.Context, e env, args []string) error {
		if err := check(args); err != nil {
			return err
		}
		c, err := loadConfig(e, *file)
		if err != nil {
			return err
		}
		return do(ctx, e, c, args)
	}
}

// loadConfig reads the settings; every mistake in them ends with exit code 2.
func loadConfig(e env, file string) (configs.Config, error) {
	c, warnings, err := configs.Load(file, e.vars)
	for _, w := range warnings {
		fmt.Fprintln(e.stderr, "xiaobu: warning:", w)
	}
	var setting *configs.Error
	if err != nil && !errors.As(err, &setting) {
		return c, usage{err.Error()}
	}
	return c, err
}

func serve(ctx context.Context, e env, c configs.Config) error {
	log := newLog(e)
	a, err := app.New(ctx, options(c, log))
	if err != nil {
		return err
	}
	defer a.Close()
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("ready", "listen", ln.Addr().String(), "callback", c.PublicURL+"/callback/wecom", "version", version)
	return runServer(ctx, ln, a.Handler(), a.Run)
}

func newLog(e env) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// options lends the program the clock and the chance of the real world.
func options(c configs.Config, log *slog.Logger) app.Options {
	return app.Options{
		Config: c, Version: version, Now: time.Now, Log: log, Random: rand.Text, Jitter: mathrand.Float64,
		Owner: fmt.Sprintf("%d-%s", os.Getpid(), rand.Text()[:8]), Dial: promotions.DialPublic(),
	}
}

// runServer answers requests and runs the pumps until ctx ends: first no more requests,
// then no more work.
func runServer(ctx context.Context, ln net.Listener, h http.Handler, pumps func(context.Context)) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { pumps(work) })
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = srv.Shutdown(closing)
		<-failed
	}
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
