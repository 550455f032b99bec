package archive

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of a call of the feed.
const (
	postTimeout = 15 * time.Second
	maxAnswer   = 1 << 20 // bytes that are read
	maxWords    = 300     // bytes of a refusal that are kept
	// smallText is what is left of a text that is too large for what stands before the feed.
	smallText = 4 << 10
)

// Post is a message in the shape of the feed.
type Post struct {
	MessageID string    `json:"message_id"`
	ChatID    string    `json:"chat_id"`
	Sender    string    `json:"sender"`
	SentAt    time.Time `json:"sent_at"`
	Type      string    `json:"type"`
	Text      string    `json:"text,omitempty"`
	URL       string    `json:"url,omitempty"`
	Title     string    `json:"title,omitempty"`
	Image     []byte    `json:"image,omitempty"`
	Revokes   string    `json:"revokes,omitempty"` // of type revoke: the message that was taken back
}

// outcome is what became of a post.
type outcome int

const (
	accepted outcome = iota // the feed has it on disk
	refused                 // it will never be accepted
	trouble                 // the feed failed at it; another may fare better
	down                    // nothing gets through
)

// reply is what the feed said.
type reply struct {
	outcome outcome
	status  int // 0: no answer
	words   string
	wait    time.Duration // that the feed asked for
	date    time.Time     // by the feed's clock
}

// Feed posts to the bot's message feed.
type Feed struct {
	url      string
	consents string // empty: what stands there does not take them
	secret   []byte
	client   *http.Client
	now      func() time.Time
}

// NewFeed returns a Feed for an address such as http://127.0.0.1:8080/hooks/messages. Consents go to
// /hooks/consents beside it. A nil transport is the network.
func NewFeed(address, secret string, transport http.RoundTripper, now func() time.Time) *Feed {
	f := &Feed{url: address, secret: []byte(secret), now: now}
	if base, ok := strings.CutSuffix(address, "/hooks/messages"); ok {
		f.consents = base + "/hooks/consents"
	}
	f.client = &http.Client{Transport: transport, Timeout: postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return f
}

// post sends a message and tells what became of it. One that is too large goes again, smaller.
func (f *Feed) post(ctx context.Context, p Post) reply {
	r := f.send(ctx, f.url, jsonBody(p))
	if r.status == http.StatusRequestEntityTooLarge && (len(p.Text) > smallText || len(p.Image) > 0) {
		p.Text, p.Image = clip(p.Text, smallText), nil
		r = f.send(ctx, f.url, jsonBody(p))
	}
	if p.Type == typeRevoke && r.outcome == refused {
		r.outcome = accepted // by a bot of before: it does without
	}
	return r
}

// tell sends what a customer says about the archive. A bot of before does without.
func (f *Feed) tell(ctx context.Context, c consent) reply {
	if f.consents == "" {
		return reply{outcome: accepted}
	}
	r := f.send(ctx, f.consents, jsonBody(c))
	if r.status == http.StatusNoContent || r.status == http.StatusNotFound || r.outcome == refused {
		r.outcome = accepted
	}
	return r
}

func jsonBody(v any) []byte {
	return bytes.TrimSuffix(jsonLines([]any{v}), []byte("\n"))
}

// sign makes the header X-Xiaobu-Signature of a body.
func (f *Feed) sign(body []byte) string {
	at := strconv.FormatInt(f.now().Unix(), 10)
	h := hmac.New(sha256.New, f.secret)
	h.Write([]byte(at + "."))
	h.Write(body)
	return "t=" + at + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

func (f *Feed) send(ctx context.Context, address string, body []byte) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return reply{outcome: down, words: "feed_url is no address"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Xiaobu-Signature", f.sign(body))
	resp, err := f.client.Do(req)
	if err != nil {
		return reply{outcome: down, words: network(err)}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return reply{outcome: down, status: resp.StatusCode, words: "the answer broke off"}
	}
	r := judge(resp.StatusCode, data)
	r.date, _ = http.ParseTime(resp.Header.Get("Date"))
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		r.wait = min(time.Duration(s)*time.Second, maxBackoff)
	}
	return r
}

// network keeps the address, which may be somebody's secret, out of the words.
func network(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return "no answer in time"
	}
	return err.Error()
}

// judge reads an answer. Only a verdict is taken for an acceptance: a page of some proxy comes
// with 200, too.
func judge(status int, data []byte) reply {
	r := reply{status: status, words: problem(data)}
	switch {
	case status == http.StatusOK && verdict(data):
		r.outcome, r.words = accepted, ""
	case status >= 200 && status < 300:
		r.outcome, r.words = down, "what answers there is not the feed: check feed_url"
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		r.outcome, r.words = down, lines("the signature is not accepted: check feed_secret and both clocks", r.words)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status >= 300 && status < 400:
		r.outcome, r.words = down, fmt.Sprintf("there is no feed (status %d): check feed_url", status)
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status > 501 && status < 505:
		r.outcome = down
	case status >= 400 && status < 500:
		r.outcome = refused
	default:
		r.outcome = trouble
	}
	return r
}

func verdict(data []byte) bool {
	var a struct {
		Verdict string `json:"verdict"`
		Action  string `json:"action"`
	}
	if json.Unmarshal(data, &a) != nil {
		return false
	}
	return a.Action != "" && (a.Verdict == "ham" || a.Verdict == "suspect" || a.Verdict == "spam")
}

// problem reads what a refusal says (RFC 9457). Its words name fields and never repeat texts.
func problem(data []byte) string {
	var p struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(data, &p) != nil {
		return ""
	}
	return clip(p.Detail, maxWords)
}
