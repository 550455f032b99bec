package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
	"time"

	"xiaobu/sandbox"
	"xiaobu/sandbox/panel"
	"xiaobu/sandbox/stories"
)

// sandboxFlags are what a sandbox of one's own can be told.
type sandboxFlags struct {
	listen, host, callback, feed, feedSecret string
	accountCallback, accountMode             string
	seed                                     uint64
	lag                                      time.Duration
	story                                    string
	chain                                    bool
}

func sandboxCommand() command {
	return command{
		name: "sandbox", args: "[--listen ADDR] [--callback URL]", zh: "只运行模拟的企业微信,供任何企业微信程序开发调试", en: "only the simulated WeCom, for any WeCom program to be tried against",
		flags: func(fs *flag.FlagSet) func(context.Context, env, []string) error {
			var f sandboxFlags
			fs.StringVar(&f.listen, "listen", "127.0.0.1:8090", "`ADDR` to listen on / 监听地址")
			fs.StringVar(&f.host, "host", "", "further `NAMES`, separated by commas, under which browsers may open the control page / 浏览器可用来打开控制页的其他域名")
			fs.StringVar(&f.callback, "callback", "", "`URL` that gets the callbacks / 回调地址, e.g. http://127.0.0.1:8080/callback/wecom")
			fs.StringVar(&f.accountCallback, "account-callback", "", "`URL` that gets the official account's pushes / 公众号回调地址")
			fs.StringVar(&f.accountMode, "account-mode", "", "of the pushes: plain, compatible or aes / 公众号消息加解密方式 (default plain)")
			fs.StringVar(&f.feed, "feed", "", "`URL` that gets what people say / 群消息推送地址, e.g. http://127.0.0.1:8080/hooks/messages")
			fs.StringVar(&f.feedSecret, "feed-secret", "", "its HMAC key / 群消息签名密钥")
			fs.Uint64Var(&f.seed, "seed", 1, "decides everything random / 随机种子")
			fs.DurationVar(&f.lag, "lag", 0, "how late groupchat/get shows a change / 群详情延迟")
			fs.StringVar(&f.story, "story", "", storyHelp+"; its people live by the clock")
			fs.BoolVar(&f.chain, "chain", false, "the same as --story chain / 带上示例连锁店")
			return func(ctx context.Context, e env, args []string) error {
				if err := noArgs(args); err != nil {
					return err
				}
				if f.story == "list" {
					return listStories(e.stdout)
				}
				if f.chain && f.story == "" {
					f.story = "chain"
				}
				return runSandbox(ctx, e, f)
			}
		},
	}
}

func runSandbox(ctx context.Context, e env, f sandboxFlags) error {
	clock := newLeapClock(time.Now())
	s, err := sandbox.New(sandbox.Config{
		Now: clock.now, Leap: clock.leap, Seed: f.seed, CallbackURL: f.callback, FeedURL: f.feed, FeedSecret: f.feedSecret,
		Lag: f.lag, PublicURL: "http://" + f.listen,
		Account: sandbox.OfficialAccount{CallbackURL: f.accountCallback, Mode: f.accountMode},
	})
	if err != nil {
		return usage{err.Error()}
	}
	if f.story != "" {
		sc, err := loadStory(f.story)
		if err != nil {
			return err
		}
		if _, err := stories.Begin(s, sc, stories.Options{Monday: lastMonday(time.Now())}); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	c := s.Config()
	fmt.Fprintf(e.stdout, `模拟企业微信 / simulated WeCom: http://%[1]s   (控制接口 / control: http://%[1]s/sandbox/)

wecom:
  base_url: http://%[1]s
  corp_id: %[2]s
  agent_id: %[3]d
  secret: %[4]s
  token: %[5]s
  aes_key: %[6]s

# 公众号,同一地址 / the official account, at the same address:
#   id: %[7]s
#   app_id: %[8]s
#   secret: %[9]s
#   token: %[10]s
#   aes_key: %[11]s
#   mode: %[12]s
`, ln.Addr(), c.CorpID, c.AgentID, c.Secret, c.Token, c.AESKey,
		c.Account.ID, c.Account.AppID, c.Account.Secret, c.Account.Token, c.Account.AESKey, c.Account.Mode)
	return runServer(ctx, ln, panel.Handler(s, strings.Split(f.host, ",")...), func(ctx context.Context) {
		if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(e.stderr, "xiaobu: sandbox:", err)
		}
	})
}

// lastMonday is the Monday that the week of a moment began with, 00:00 in Shanghai.
func lastMonday(t time.Time) time.Time {
	t = inShanghai(t)
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, t.Location())
}
