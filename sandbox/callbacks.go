package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxTries       = 4 // the first delivery and three retries
	keepCallbacks  = 100_000
	maxAnswerBytes = 64 << 10
	shownAnswer    = 200 // bytes of an answer that are remembered
	verifyTime     = time.Second
	defaultHold    = 2 * time.Second
)

// Callback is one event and what became of it.
type Callback struct {
	Seq  int       // 1, 2, 3 … in the order of happening
	Key  string    // SHA-256 of XML in hexadecimal: the same for all deliveries of the event
	At   time.Time // when it happened
	Kind string    // such as change_external_chat.update.add_member
	Chat string    // chat_id, "" if it is not about a group
	Who  string    // the first person it is about, "" if none
	XML  string    // the message inside the envelope

	OpenID string // of a push of the official account: the follower; "" for events of the company

	AppEvent  bool      // the envelope carries the AgentID
	Dropped   bool      // lost on purpose, never to be delivered
	Attempts  []Attempt // in the order of their answers
	Delivered bool      // at least one attempt was answered with 200
	GivenUp   int       // copies that were refused to the end
	Open      int       // copies that are still under way

	answerable   bool   // an answer of the receiver is carried out
	responseCode string // of a card's event
}

// Attempt is one delivery of an event.
type Attempt struct {
	At     time.Time
	Copy   int    // 1 unless events are copied on purpose
	Try    int    // 1 to 4
	Status int    // HTTP status, 0 if there was no answer
	Answer string // how the answer began
	Err    string // why there was no answer
}

// postOffice is what is or was to be delivered.
type postOffice struct {
	callbacks []*Callback
	lastSeq   int
	held      []*letter // waiting to be shuffled
	holdRound int       // counts the holds, so that an old alarm leaves a new hold alone
	said      []*Said
	lastSaid  int
	open      int // letters that are neither answered with 200 nor given up
}

// letter is one thing to be delivered: a copy of a callback, or something said.
type letter struct {
	callback *Callback
	copy     int
	said     *Said
	try      int
}

// emit records an event and puts it into the mail; the caller holds the lock.
func (s *Sandbox) emit(now time.Time, x *event, cb Callback) {
	p := &s.post
	p.lastSeq++
	cb.Seq, cb.At, cb.XML = p.lastSeq, now, x.xml()
	sum := sha256.Sum256([]byte(cb.XML))
	cb.Key = hex.EncodeToString(sum[:])
	if len(p.callbacks) >= keepCallbacks {
		p.callbacks = slices.Clone(p.callbacks[keepCallbacks/10:])
	}
	p.callbacks = append(p.callbacks, &cb)
	if s.callbackURL == "" && cb.OpenID == "" || s.account.callbackURL == "" && cb.OpenID != "" {
		return
	}
	f := s.faults.Callbacks
	if f.Drop > 0 && chance(s.dice.stream("drop"), f.Drop) {
		cb.Dropped = true
		s.note(now, EntryCallback, cb.Who, s.rooms.byID[cb.Chat], both("%s was lost on the way, as ordered", "%s 按吩咐丢在了路上", cb.Kind))
		return
	}
	for i := range max(1, f.Copies) {
		cb.Open++
		p.open++
		l := &letter{callback: &cb, copy: i + 1, try: 1}
		switch {
		case f.Shuffle > 1:
			s.hold(now, l)
		case f.Within > 0:
			s.dispatch(now.Add(f.Delay+time.Duration(s.dice.stream("shuffle").Int64N(int64(f.Within)))), l)
		default:
			s.dispatch(now.Add(f.Delay), l)
		}
	}
}

// hold keeps a letter back until enough are there to be shuffled, or for so long.
func (s *Sandbox) hold(now time.Time, l *letter) {
	p, f := &s.post, s.faults.Callbacks
	if len(p.held) == 0 {
		round := p.holdRound
		within := f.Within
		if within == 0 {
			within = defaultHold
		}
		s.later(&s.agenda, now.Add(within), func(context.Context) {
			now := s.enter()
			defer s.leave()
			if s.post.holdRound == round {
				s.releaseHeld(now)
			}
		})
	}
	p.held = append(p.held, l)
	if len(p.held) >= f.Shuffle {
		s.releaseHeld(now)
	}
}

// releaseHeld sends what was held back, in random order.
func (s *Sandbox) releaseHeld(now time.Time) {
	held := s.post.held
	s.post.held = nil
	s.post.holdRound++
	s.dice.stream("shuffle").Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	for _, l := range held {
		s.dispatch(now.Add(s.faults.Callbacks.Delay), l)
	}
}

func (s *Sandbox) dispatch(at time.Time, l *letter) {
	s.later(&s.mail, at, func(ctx context.Context) { s.deliver(ctx, l) })
}

// deliver sends one letter, and plans the next try if it is refused.
func (s *Sandbox) deliver(ctx context.Context, l *letter) {
	req, err := s.seal(l)
	status, answer := 0, ""
	if err == nil {
		status, answer, err = s.exchange(ctx, req, answerTime)
	}
	now := s.enter()
	defer s.leave()
	if err != nil && ctx.Err() != nil {
		s.dispatch(now, l) // we were stopped, not the receiver
		return
	}
	if l.said != nil {
		l.said.answered(s, now, l, status, answer, err)
	} else {
		first := !l.callback.Delivered
		l.callback.answered(s, now, l, status, answer, err)
		switch {
		case l.callback.OpenID != "" && first:
			s.readReply(now, l, status, answer)
		case first && status == http.StatusOK:
			s.heed(now, l.callback, answer)
		}
	}
	if status == http.StatusOK || l.try == l.tries() {
		s.post.open--
		return
	}
	l.try++
	s.dispatch(now.Add(retryAfter(l.try)), l)
}

// tries is how often a letter is delivered at most.
func (l *letter) tries() int {
	if l.callback != nil && l.callback.OpenID != "" {
		return maxAccountTries
	}
	return maxTries
}

// retryAfter is the pause before a try. The platform does not publish it.
func retryAfter(try int) time.Duration {
	switch try {
	case 2:
		return 2 * time.Second
	case 3:
		return 4 * time.Second
	}
	return 8 * time.Second
}

// seal makes the request of a letter, signed for this try alone.
func (s *Sandbox) seal(l *letter) (*http.Request, error) {
	now := s.enter()
	defer s.leave()
	if l.said != nil {
		return l.said.request(s, now)
	}
	cb := l.callback
	r := s.dice.fresh(fmt.Sprintf("envelope %d %d %d", cb.Seq, l.copy, l.try))
	if cb.OpenID != "" {
		return s.sealPush(now, cb, r)
	}
	encrypted := s.codec.Seal([]byte(cb.XML), random16(r.Uint64(), r.Uint64()))
	agent := ""
	if cb.AppEvent {
		agent = strconv.FormatInt(s.cfg.AgentID, 10)
	}
	body := "<xml><ToUserName>" + cdata(s.cfg.CorpID) + "</ToUserName><Encrypt>" + cdata(encrypted) +
		"</Encrypt><AgentID>" + cdata(agent) + "</AgentID></xml>"
	address, err := s.signedURL(now, drawFrom(r, alphabetDigits, 10), encrypted, "")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("callback address: %w", err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	return req, nil
}

func random16(a, b uint64) (out [16]byte) {
	binary.BigEndian.PutUint64(out[:8], a)
	binary.BigEndian.PutUint64(out[8:], b)
	return out
}

// signedURL is the callback address with the signature over the encrypted text, and the text
// itself as echostr for the address check.
func (s *Sandbox) signedURL(now time.Time, nonce, encrypted, echo string) (string, error) {
	u, err := url.Parse(s.callbackURL)
	if err != nil {
		return "", fmt.Errorf("callback address: %w", err)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	q := u.Query()
	q.Set("msg_signature", s.codec.Sign(timestamp, nonce, encrypted))
	q.Set("timestamp", timestamp)
	q.Set("nonce", nonce)
	if echo != "" {
		q.Set("echostr", echo)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// exchange sends a request and reads the answer, within a real time.
func (s *Sandbox) exchange(ctx context.Context, req *http.Request, within time.Duration) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	resp, err := s.cfg.Client.Do(req.WithContext(ctx))
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address, which carries the signature
		}
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return 0, "", fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, string(answer), nil
}

// answered records what the receiver said to a callback.
func (cb *Callback) answered(s *Sandbox, now time.Time, l *letter, status int, answer string, err error) {
	a := Attempt{At: now, Copy: l.copy, Try: l.try, Status: status, Answer: clip(answer)}
	text := bare(fmt.Sprintf("%s → %d", cb.Kind, status))
	if err != nil {
		a.Err = err.Error()
		text = both("%s → no answer: %s", "%s → 没有回答：%s", cb.Kind, a.Err)
	}
	cb.Attempts = append(cb.Attempts, a)
	switch {
	case status == http.StatusOK:
		cb.Delivered = true
		cb.Open--
	case l.try == l.tries():
		cb.GivenUp++
		cb.Open--
		text = text.and(", given up", "，放弃了")
	}
	s.note(now, EntryCallback, cb.Who, s.rooms.byID[cb.Chat], text)
}

func clip(answer string) string {
	return strings.ToValidUTF8(answer[:min(len(answer), shownAnswer)], "")
}

// Callbacks returns every event so far, oldest first, delivered or not. After a hundred
// thousand the oldest are forgotten.
func (s *Sandbox) Callbacks() []Callback {
	s.enter()
	defer s.leave()
	return copied(s.post.callbacks, func(cb *Callback) { cb.Attempts = slices.Clone(cb.Attempts) })
}

// InFlight returns how many deliveries, of callbacks and to the feed, are neither answered
// with 200 nor given up.
func (s *Sandbox) InFlight() int {
	s.enter()
	defer s.leave()
	return s.post.open
}

// VerifyURL checks the callback address as the console does when it is saved: the receiver
// must answer a signed, encrypted text with the bare text inside, within one second of real
// time. The error says what was wrong.
// See https://developer.work.weixin.qq.com/document/path/90968
func (s *Sandbox) VerifyURL(ctx context.Context) error {
	req, want, err := s.echoRequest()
	if err != nil {
		return fmt.Errorf("verify callback address: %w", err)
	}
	if err := s.expect(ctx, req, verifyTime, want); err != nil {
		return fmt.Errorf("verify callback address: %w", err)
	}
	return nil
}

// expect sends a request that must be answered with a bare text within a real time.
func (s *Sandbox) expect(ctx context.Context, req *http.Request, within time.Duration, want string) error {
	status, answer, err := s.exchange(ctx, req, within)
	switch {
	case err != nil:
		return fmt.Errorf("no answer within %v: %w", within, err)
	case status != http.StatusOK:
		return fmt.Errorf("answered HTTP %d", status)
	case answer != want:
		return fmt.Errorf("answered %q, want the bare text %q", clip(answer), want)
	}
	return nil
}

func (s *Sandbox) echoRequest() (*http.Request, string, error) {
	now := s.enter()
	defer s.leave()
	if s.callbackURL == "" {
		return nil, "", errors.New("none is set")
	}
	r := s.dice.stream("verify")
	want := drawFrom(r, alphabetDigits, 19)
	encrypted := s.codec.Seal([]byte(want), random16(r.Uint64(), r.Uint64()))
	address, err := s.signedURL(now, drawFrom(r, alphabetDigits, 10), encrypted, encrypted)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequest(http.MethodGet, address, bytes.NewReader(nil))
	if err != nil {
		return nil, "", fmt.Errorf("callback address: %w", err)
	}
	return req, want, nil
}
