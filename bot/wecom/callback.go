package wecom

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/bot/wecom/crypt"
)

const (
	// maxCallback bounds the body of a callback, in bytes.
	maxCallback = 1 << 20
	// putTime bounds the writing of an event: WeCom hangs up after 5 seconds.
	putTime = 4500 * time.Millisecond
)

// kindURLCheck is what Observe gets as the kind of WeCom's check of the callback address.
const kindURLCheck = "url_check"

// CallbackConfig is what a Callback needs.
type CallbackConfig struct {
	Corp   bot.CorpID
	Token  string // of the app's receiving settings, as is AESKey
	AESKey string
	Now    func() time.Time
	// Put writes events down for good. Only when it has returned nil does WeCom hear that
	// they arrived; an event whose Key is known already must not be an error.
	Put func(ctx context.Context, events ...bot.Event) error
	Log *slog.Logger // nil: no log
	// Observe, if set, is told the HTTP status of each request and the kind of its event:
	// a bot.EventKind, "url_check", or "" for what was refused. Many goroutines call it.
	Observe func(status int, kind string)
}

// Callback takes WeCom's callbacks: the check of the address (GET) and events (POST).
//
// It answers 200 once an event is written down, 403 to a wrong signature and to messages
// for another company, 400 to what is no callback, 413 to a body over 1 MiB and 500 when
// Put failed, whereupon WeCom delivers again. It does nothing else within the request.
type Callback struct {
	cfg   CallbackConfig
	codec *crypt.Codec
}

// NewCallback checks the settings and makes a Callback.
// https://developer.work.weixin.qq.com/document/path/90930
func NewCallback(cfg CallbackConfig) (*Callback, error) {
	if cfg.Corp == "" || cfg.Token == "" || cfg.Now == nil || cfg.Put == nil {
		return nil, errors.New("wecom callback: Corp, Token, Now and Put are required")
	}
	codec, err := crypt.New(cfg.Token, cfg.AESKey, string(cfg.Corp))
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(int, string) {}
	}
	return &Callback{cfg: cfg, codec: codec}, nil
}

// ServeHTTP answers one callback.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		c.check(w, r)
	case http.MethodPost:
		c.receive(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		c.refuse(w, http.StatusMethodNotAllowed, "method")
	}
}

// check answers WeCom's check of the address with the decrypted text, bare.
// https://developer.work.weixin.qq.com/document/path/90238
func (c *Callback) check(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	// A plus sign that was not escaped on its way arrives as a space, and base64 has none.
	echo := strings.ReplaceAll(q.Get("echostr"), " ", "+")
	for _, v := range []string{q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), echo} {
		if v == "" {
			c.refuse(w, http.StatusBadRequest, "missing parameter")
			return
		}
	}
	text, err := c.codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), echo)
	if err != nil {
		c.refuse(w, statusOf(err), err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text)
	c.cfg.Observe(http.StatusOK, kindURLCheck)
}

// receive takes one event: open, decode, write down, answer.
// https://developer.work.weixin.qq.com/document/path/90238
func (c *Callback) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		c.refuse(w, http.StatusRequestEntityTooLarge, "body too large")
		return
	}
	if err != nil {
		c.refuse(w, http.StatusBadRequest, "body cut off")
		return
	}
	event, err := c.open(r, body)
	if err != nil {
		c.refuse(w, statusOf(err), err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), putTime)
	defer cancel()
	if err := c.cfg.Put(ctx, event); err != nil {
		c.cfg.Log.Error("callback not stored", "key", event.Key, "kind", string(event.Kind), "chat", string(event.Chat), "error", err)
		c.answer(w, http.StatusInternalServerError, string(event.Kind))
		return
	}
	w.WriteHeader(http.StatusOK)
	c.cfg.Observe(http.StatusOK, string(event.Kind))
}

// open finds the event inside a body. Nothing of a body without a valid signature is used.
func (c *Callback) open(r *http.Request, body []byte) (bot.Event, error) {
	envelope, err := parseXML(body)
	if err != nil {
		return bot.Event{}, err
	}
	encrypted := envelope.get("Encrypt")
	if encrypted == "" {
		return bot.Event{}, errXML
	}
	q := r.URL.Query()
	message, err := c.codec.Open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), encrypted)
	if err != nil {
		return bot.Event{}, err
	}
	return decode(c.cfg.Corp, message, c.cfg.Now())
}

// statusOf tells a forgery from a mistake.
func statusOf(err error) int {
	if errors.Is(err, crypt.ErrSignature) || errors.Is(err, crypt.ErrReceiveID) || errors.Is(err, errCorp) {
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// refuse answers a request that brought no event. The reason is ours and quotes nothing.
func (c *Callback) refuse(w http.ResponseWriter, status int, reason string) {
	c.cfg.Log.Warn("callback refused", "status", status, "reason", reason)
	c.answer(w, status, "")
}

func (c *Callback) answer(w http.ResponseWriter, status int, kind string) {
	http.Error(w, http.StatusText(status), status)
	c.cfg.Observe(status, kind)
}
