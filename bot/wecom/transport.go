package wecom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"xiaobu/bot"
)

const (
	// maxAnswer bounds an answer of the API, in bytes.
	maxAnswer = 16 << 20
	// maxRequest bounds what is sent, in bytes.
	maxRequest = 1 << 20
	// busyRetries is how often a call is made again that WeCom did not carry out because
	// it was busy; brokenRetries, how often a read is whose answer got lost.
	busyRetries   = 3
	brokenRetries = 2
	// retryPause is the first pause before a repetition; it doubles each time.
	retryPause = 200 * time.Millisecond
)

// transport is the http.RoundTripper below PowerWeChat. A request comes in with a
// placeholder for its token; it goes out with the real one, within the quotas, and comes
// back only as a success: whatever else happens is an error of package bot, so that the
// SDK's own handling of error codes and tokens has nothing to work on.
type transport struct {
	wire    *wire
	tokens  *tokens
	limits  *limits
	timeout time.Duration
	wait    func(ctx context.Context, d time.Duration)
	log     *slog.Logger
}

// RoundTrip carries out one call.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := newCall(req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), c.time(t.timeout))
	defer cancel()
	answer, err := t.carry(ctx, c)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		// Whatever type the server gave it, it is JSON: that has been checked.
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(answer)),
		ContentLength: int64(len(answer)),
		Request:       req,
	}, nil
}

// call is a request that can be sent any number of times.
type call struct {
	op     string
	gate   string // what WeCom closes when the call is too frequent; never to be shown
	method string
	url    url.URL // without the token
	query  url.Values
	body   []byte
	kind   string // content type of the body
}

// time bounds the call.
func (c *call) time(usual time.Duration) time.Duration {
	if c.op == opUpload {
		return max(usual, uploadTimeout)
	}
	return usual
}

// newCall reads a request once and puts its query and body into the form WeCom wants.
func newCall(req *http.Request) (*call, error) {
	c := &call{op: opOf(req.URL.Path), method: req.Method, url: *req.URL, query: req.URL.Query()}
	if c.gate = c.op; c.op == opRobot {
		c.gate = robotGate(c.query.Get("key"))
	}
	c.url.ForceQuery = false // the SDK leaves a bare "?" behind some paths
	c.query.Del("access_token")
	if req.Body == nil {
		return c, nil
	}
	defer req.Body.Close()
	most := maxRequest
	if c.op == opUpload {
		most = maxUpload
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: read request: %w", c.op, err)
	}
	if len(body) > most {
		return nil, refused(c.op, fmt.Sprintf("request of more than %d bytes", most))
	}
	if c.body, c.kind = body, req.Header.Get("Content-Type"); c.op != opUpload {
		c.body, c.kind = unescape(body), "application/json; charset=utf-8"
	}
	return c, nil
}

// attempts counts what a call has used up of its repetitions.
type attempts struct {
	renewed, busy, broken int
	stale                 string // the token WeCom refused
	wait                  func(ctx context.Context, d time.Duration)
}

// carry makes a call, and makes it again where that can do no harm.
func (t *transport) carry(ctx context.Context, c *call) ([]byte, error) {
	tried := attempts{wait: t.wait}
	for {
		if err := t.limits.take(c.op); err != nil {
			return nil, err
		}
		token, err := t.token(ctx, c.op, tried.stale)
		if err != nil {
			return nil, t.noToken(c.op, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, again(c.op, "not sent", err)
		}
		answer, err := t.wire.send(ctx, c, token)
		if err == nil {
			t.limits.open(c.gate)
			return answer, nil
		}
		err = t.judge(c, err)
		if !tried.again(ctx, c.op, err, token) {
			return nil, settle(c.op, err)
		}
		t.log.Debug("call repeated", "op", c.op, "class", string(bot.ClassOf(err)))
	}
}

// token is what a call needs to be made.
func (t *transport) token(ctx context.Context, op, stale string) (string, error) {
	if needsNoToken(op) {
		return "", nil
	}
	return t.tokens.get(ctx, stale)
}

// noToken explains a call that was not sent for want of a token.
func (t *transport) noToken(op string, err error) error {
	if bot.ClassOf(err) != "" {
		return err
	}
	return again(op, "no token in time", err)
}

// judge closes what WeCom has refused as too frequent.
func (t *transport) judge(c *call, err error) error {
	var e *bot.APIError
	if errors.As(err, &e) && e.Code == codeFrequency {
		e.Wait = t.limits.shut(c.gate, e.Msg)
		t.log.Warn("call closed by WeCom", "op", c.op, "wait", e.Wait)
	}
	return err
}

// again decides whether a failed call goes out once more, and waits until then.
func (a *attempts) again(ctx context.Context, op string, err error, token string) bool {
	var refusal *bot.APIError
	var lost *lostError
	switch {
	case errors.As(err, &refusal) && staleToken(refusal.Code):
		// WeCom did not look at the call, so its body may go out again.
		a.renewed++
		a.stale = token
		return a.renewed <= 1
	case errors.As(err, &refusal) && busyCode(refusal.Code):
		a.busy++
		return a.busy <= busyRetries && a.pause(ctx, a.busy)
	case errors.As(err, &lost) && isRead(op) && ctx.Err() == nil:
		a.broken++
		return a.broken <= brokenRetries && a.pause(ctx, a.broken)
	}
	return false
}

func staleToken(code int) bool {
	return code == codeCredential || code == codeBadToken || code == codeOldToken
}

// busyCode reports whether a code says that nothing was done and nothing is wrong.
func busyCode(code int) bool {
	return code == codeBusy || code == codeVersion || code == codeConcurrency
}

// pause waits before repetition n, and reports false when ctx ends first.
func (a *attempts) pause(ctx context.Context, n int) bool {
	a.wait(ctx, retryPause<<(n-1))
	return ctx.Err() == nil
}

// waitAwhile waits in real time, for half as long or up to half as long again, so that those
// who were refused together do not come back together.
func waitAwhile(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// settle says what a call that got no answer means for the caller. A write that may have
// reached WeCom stays unknown; anything else left nothing behind.
func settle(op string, err error) error {
	var lost *lostError
	if !errors.As(err, &lost) {
		return err
	}
	if lost.sent && !isRead(op) {
		return &bot.UnknownError{Op: op, Err: lost}
	}
	return again(op, lost.what, lost.cause)
}
