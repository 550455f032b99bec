package wecom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"

	"xiaobu/bot"
)

// Defaults of Config.
const (
	DefaultBaseURL = "https://qyapi.weixin.qq.com"
	DefaultTimeout = 10 * time.Second
	DefaultPool    = 32
)

// Config is what a Client needs.
type Config struct {
	BaseURL string // empty: DefaultBaseURL
	Corp    bot.CorpID
	Agent   bot.AgentID
	Secret  string // of the self-built app
	Now     func() time.Time
	Log     *slog.Logger // nil: no log
	// Transport carries the requests; nil makes one of the client's own, which honours
	// HTTPS_PROXY and checks certificates.
	Transport http.RoundTripper
	// Timeout bounds one call with its repetitions, from when its turn has come; 0 means
	// DefaultTimeout. Waiting for a turn is bounded by the caller's context only.
	Timeout time.Duration
	// Pool bounds how many calls run at once; 0 means DefaultPool.
	Pool int
	// Wait waits between repetitions of a call; it returns early when the context ends. Nil
	// waits in real time, for a random half more or less.
	Wait func(ctx context.Context, d time.Duration)
	// Observe, if set, is told of every request that went out: its path after /cgi-bin/,
	// what came of it, and how long it took. It is called by many goroutines. The code is WeCom's own (0 is success, -1 is
	// busy), 1000 plus the status if something other than WeCom answered, or 1000 if there
	// was no usable answer.
	Observe func(path string, code int, d time.Duration)
}

// Client is WeCom's API. It is safe for many goroutines.
//
// Its errors are a *bot.APIError for a refusal, also for calls it does not send because a
// limit is used up; a *bot.UnknownError for a call that may or may not have been carried
// out; and errors that wrap the context's when a caller gave up before anything was sent.
// An *bot.APIError with code 0 is not WeCom's: of class retry it says that nothing was
// done, for example because no connection could be made.
//
// What WeCom says is so already comes back as an error of class done, so that the caller
// sees the reason.
type Client struct {
	corp   bot.CorpID
	agent  bot.AgentID
	log    *slog.Logger
	limits *limits
	turns  turnstiles
	pool   *pool
	root   *url.URL
	line   http.RoundTripper // below the pool's clients
	close  func()

	pictures *http.Client
}

var (
	_ bot.Platform        = (*Client)(nil)
	_ bot.ChatReader      = (*Client)(nil)
	_ bot.ContactReader   = (*Client)(nil)
	_ bot.StaffReader     = (*Client)(nil)
	_ bot.Welcomer        = (*Client)(nil)
	_ bot.GroupWelcomer   = (*Client)(nil)
	_ bot.MassMessenger   = (*Client)(nil)
	_ bot.StaffNotifier   = (*Client)(nil)
	_ bot.JoinWayMaker    = (*Client)(nil)
	_ bot.ContactWayMaker = (*Client)(nil)
	_ bot.AppChatter      = (*Client)(nil)
	_ bot.RobotPoster     = (*Client)(nil)
	_ bot.MemberRemover   = (*Client)(nil)
	_ bot.PictureReader   = (*Client)(nil)
	_ bot.MediaUploader   = (*Client)(nil)
)

// New makes a Client. It sends nothing: a wrong secret shows with the first call.
func New(cfg Config) (*Client, error) {
	root, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	closeIdle := func() {}
	if cfg.Transport == nil {
		own := newTransport()
		cfg.Transport, closeIdle = own, own.CloseIdleConnections
	}
	quotas := newLimits(cfg.Now)
	line := &wire{base: cfg.Transport, secret: cfg.Secret, now: cfg.Now, observe: cfg.Observe, wait: cfg.Wait}
	rt := &transport{
		wire:    line,
		limits:  quotas,
		timeout: cfg.Timeout,
		log:     cfg.Log,
		wait:    cfg.Wait,
		tokens: newTokens(cfg.Now, cfg.Log, func(ctx context.Context) (string, time.Duration, error) {
			return line.fetchToken(ctx, root, cfg.Corp)
		}),
	}
	return &Client{
		corp: cfg.Corp, agent: cfg.Agent, log: cfg.Log, root: root, line: rt,
		limits: quotas, turns: newTurnstiles(), close: func() { rt.tokens.close(); closeIdle() },
		pool:     newPool(cfg.Pool, func() (*work.Work, error) { return newWork(root.String(), cfg.Corp, rt) }),
		pictures: newPictures(cfg.Transport),
	}, nil
}

// complete fills in what was left out and returns the address that paths are added to.
func (cfg *Config) complete() (*url.URL, error) {
	if cfg.Corp == "" || cfg.Secret == "" || cfg.Now == nil {
		return nil, errors.New("wecom client: Corp, Secret and Now are required")
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	root, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/") + "/")
	if err != nil || root.Host == "" || (root.Scheme != "http" && root.Scheme != "https") {
		return nil, errors.New("wecom client: BaseURL is no address such as " + DefaultBaseURL)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Pool <= 0 {
		cfg.Pool = DefaultPool
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wait == nil {
		cfg.Wait = waitAwhile
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, int, time.Duration) {}
	}
	return root, nil
}

// newTransport is a transport with nothing in common with http.DefaultTransport. Idle
// connections are dropped early: a write that meets one the other side has just closed
// ends as unknown.
func newTransport() *http.Transport {
	dialer := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        128,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}

// Name is the platform's name.
func (c *Client) Name() string { return "wecom" }

// Corp is the company the client works for.
func (c *Client) Corp() bot.CorpID { return c.corp }

// Close ends what outlived its callers, a fetch of the token, and lets go of idle
// connections. The client is not used after it.
func (c *Client) Close() { c.close() }

// do runs one call of the SDK when its turn has come. Reads queue before they take an
// instance, so that a burst of them cannot keep a welcome waiting.
func (c *Client) do(ctx context.Context, op string, call func(w *work.Work) error) error {
	if err := ctx.Err(); err != nil {
		return again(op, "not sent", err)
	}
	if err := c.limits.closed(op); err != nil {
		return err
	}
	leave, err := c.turns.enter(ctx, op)
	if err != nil {
		return again(op, "no turn in time", err)
	}
	defer leave()
	w, err := c.pool.get(ctx)
	if ctx.Err() != nil && err != nil {
		return again(op, "no turn in time", err)
	}
	if err != nil {
		return err
	}
	defer c.pool.put(w)
	return explain(op, call(w))
}

// explain finds the transport's error below what http.Client and the SDK wrap around it.
// Any other error is the SDK's: it could not read an answer that WeCom marked as success.
func explain(op string, err error) error {
	if err == nil {
		return nil
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	err = fmt.Errorf("answer of an unknown shape: %w", err)
	if isRead(op) {
		return fmt.Errorf("%w: %w", &bot.APIError{Op: op, Msg: "cannot be read", Class: bot.ClassFix}, err)
	}
	return &bot.UnknownError{Op: op, Err: err}
}

// post makes a call with a JSON body and reads the answer into out.
func (c *Client) post(ctx context.Context, op string, body, out any) error {
	return c.do(ctx, op, func(w *work.Work) error {
		_, err := w.Base.BaseClient.HttpPostJson(ctx, apiRoot+op, body, nil, nil, out)
		return err
	})
}

// get makes a call with a query and reads the answer into out.
func (c *Client) get(ctx context.Context, op string, query object.StringMap, out any) error {
	return c.do(ctx, op, func(w *work.Work) error {
		_, err := w.Base.BaseClient.HttpGet(ctx, apiRoot+op, &query, nil, out)
		return err
	})
}
