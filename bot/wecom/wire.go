package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"xiaobu/bot"
)

// lostError is a call without a usable answer.
type lostError struct {
	what  string
	cause error
	sent  bool // it may have reached WeCom
}

func (e *lostError) Error() string { return e.what + ": " + e.cause.Error() }

func (e *lostError) Unwrap() error { return e.cause }

// quiet is an error whose text has been cleaned of secrets.
type quiet struct {
	text string
	err  error
}

func (e *quiet) Error() string { return e.text }

// Is keeps errors.Is working without handing the uncleaned error out.
func (e *quiet) Is(target error) bool { return errors.Is(e.err, target) }

var errAnswer = errors.New("the answer is no JSON object")

// wire sends single requests and reads their answers.
type wire struct {
	base    http.RoundTripper
	secret  string
	now     func() time.Time
	observe func(op string, code int, d time.Duration)
	wait    func(ctx context.Context, d time.Duration)
}

// send makes one attempt. Its errors are *bot.APIError, when somebody answered, and
// *lostError.
func (w *wire) send(ctx context.Context, c *call, token string) ([]byte, error) {
	query := url.Values{}
	for k, v := range c.query {
		query[k] = v
	}
	if token != "" {
		query.Set("access_token", token)
	}
	u := c.url
	u.RawQuery = query.Encode()
	// The reader lets http.Request replay the body, on a fresh connection, too.
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, refused(c.op, "not a request")
	}
	if len(c.body) > 0 {
		req.Header.Set("Content-Type", c.kind)
	}
	req.Header.Set("Accept", "application/json")

	start := w.now()
	secret := token
	if token == "" {
		secret = c.query.Get("key") // of a robot
	}
	answer, code, err := w.exchange(c.op, req, secret)
	w.observe(c.op, code, w.now().Sub(start))
	return answer, err
}

// exchange does the round trip and returns the code to observe beside the outcome.
func (w *wire) exchange(op string, req *http.Request, token string) ([]byte, int, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	resp, err := w.base.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, httpCode, w.lost("no answer", err, connected.Load() || !w.neverSent(err), token)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		err := fmt.Errorf("HTTP status %d", resp.StatusCode)
		return nil, httpCode + resp.StatusCode, &lostError{what: "no answer", cause: err, sent: true}
	}
	if resp.StatusCode >= 300 {
		return nil, httpCode + resp.StatusCode, statusRefusal(op, resp.StatusCode, retryAfter(resp))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = fmt.Errorf("more than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, httpCode, w.lost("answer cut off", err, true, token)
	}
	code, msg, err := outcome(data)
	if err != nil {
		return nil, httpCode, &lostError{what: "unusable answer", cause: err, sent: true}
	}
	if code != 0 {
		return nil, code, refusal(op, code, w.clean(msg, token))
	}
	return data, 0, nil
}

// outcome reads the code and words out of an answer. WeCom's own samples write some
// numbers as strings, and leave the code out where all is well.
func outcome(data []byte) (code int, msg string, err error) {
	var answer struct {
		Code number `json:"errcode"`
		Msg  string `json:"errmsg"`
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || trimmed[0] != '{' {
		return 0, "", errAnswer
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return 0, "", errAnswer
	}
	return int(answer.Code), answer.Msg, nil
}

// lost wraps an error of the network without what might be secret in its text.
func (w *wire) lost(what string, err error, sent bool, token string) error {
	return &lostError{what: what, cause: &quiet{text: w.clean(err.Error(), token), err: err}, sent: sent}
}

// neverSent reports whether a request certainly stayed here: no connection was made.
func (w *wire) neverSent(err error) bool {
	if _, standard := w.base.(*http.Transport); standard {
		return true // it reports every connection it gets, and this one it did not
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// clean takes the token and the secret out of a text that others have written.
func (w *wire) clean(text, token string) string {
	for _, secret := range []string{token, w.secret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "***")
		}
	}
	return text
}

// retryAfter reads how long a gateway wants to be left alone.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// fetchToken asks WeCom for an access token.
// https://developer.work.weixin.qq.com/document/path/91039
func (w *wire) fetchToken(ctx context.Context, root *url.URL, corp bot.CorpID) (string, time.Duration, error) {
	c := &call{op: opToken, method: http.MethodGet, url: *root.JoinPath(apiRoot, opToken),
		query: url.Values{"corpid": {string(corp)}, "corpsecret": {w.secret}}}
	tried := attempts{wait: w.wait}
	for {
		answer, err := w.send(ctx, c, "")
		if err == nil {
			return readToken(answer)
		}
		// Here a bad credential is the secret itself, and asking again makes it worse.
		var refusal *bot.APIError
		if errors.As(err, &refusal) {
			asToken(refusal)
		}
		if bot.ClassOf(err) == bot.ClassFix || !tried.again(ctx, opToken, err, "") {
			return "", 0, settle(opToken, err)
		}
	}
}

// asToken gives a refusal its meaning for gettoken: unless WeCom is busy or the limit is
// reached, somebody has to look at the settings.
func asToken(e *bot.APIError) {
	switch {
	case e.Code == codeFrequency:
		e.Wait = closedMinute
	case e.Class != bot.ClassRetry && e.Class != bot.ClassBackoff:
		e.Class = bot.ClassFix
	}
}

func readToken(answer []byte) (string, time.Duration, error) {
	var t struct {
		Token string `json:"access_token"`
		Life  number `json:"expires_in"`
	}
	if err := json.Unmarshal(answer, &t); err != nil || t.Token == "" {
		return "", 0, &bot.APIError{Op: opToken, Msg: "answer without a token", Class: bot.ClassRetry}
	}
	return t.Token, time.Duration(t.Life) * time.Second, nil
}

// number is an integer that WeCom writes as a number or as a string.
type number int64

// UnmarshalJSON accepts 12, "12", "" and null.
func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `" `)
	if text == "" || text == "null" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("not an integer")
	}
	*n = number(v)
	return nil
}
