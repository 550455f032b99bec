package wecom

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ArtisanCloud/PowerLibs/v3/logger/contract"
	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"

	"xiaobu/bot"
)

// placeholder stands where the SDK wants a secret or a token. The real ones are known to
// the transport only.
const placeholder = "placeholder"

// noClientTimeout makes the SDK's http.Client wait without a timer of its own: it rounds
// down to zero, while zero itself would mean 5 seconds. With a timer, each answer would
// leave a goroutine behind until the timer ends, because the SDK does not close bodies;
// and an error after it would lose its type. The transport keeps the time instead.
const noClientTimeout = 1e-10

// pool hands out instances of the SDK, each to one caller at a time: an instance writes to
// itself during every call.
type pool struct {
	start func() (*work.Work, error)
	idle  chan *work.Work

	mu   sync.Mutex // guards left, and lets one instance start after another
	left int        // how many may still be started
}

func newPool(size int, start func() (*work.Work, error)) *pool {
	return &pool{start: start, idle: make(chan *work.Work, size), left: size}
}

// get returns an instance, a new one if all that exist are out and there may be more.
func (p *pool) get(ctx context.Context) (*work.Work, error) {
	select {
	case w := <-p.idle:
		return w, nil
	default:
	}
	if w, err := p.grow(); w != nil || err != nil {
		return w, err
	}
	select {
	case w := <-p.idle:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) grow() (*work.Work, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return nil, nil
	}
	w, err := p.start()
	if err != nil {
		return nil, err
	}
	p.left--
	return w, nil
}

func (p *pool) put(w *work.Work) { p.idle <- w }

// newWork makes an instance of the SDK that sends everything through rt, and that neither
// logs nor writes files.
func newWork(baseURL string, corp bot.CorpID, rt http.RoundTripper) (*work.Work, error) {
	w, err := work.NewWork(&work.UserConfig{
		CorpID: string(corp),
		Secret: placeholder,
		Http:   work.Http{BaseURI: baseURL, Timeout: noClientTimeout, Transport: rt},
		Log:    work.Log{Driver: noLog{}},
		OAuth:  work.OAuth{Callback: "https://localhost"}, // wanted at the start, never used
		Cache:  noCache{},
	})
	if err != nil {
		return nil, fmt.Errorf("start the WeCom SDK: %w", err)
	}
	w.AccessToken.GetCustomToken = func(string, bool) object.HashMap {
		return object.HashMap{"access_token": placeholder, "expires_in": tokenLife.Seconds()}
	}
	return w, nil
}

// noCache is the SDK's cache without a memory. The SDK's own would write the token to the
// home directory for everybody to read.
type noCache struct{}

func (noCache) Get(string, any) (any, error)          { return nil, nil }
func (noCache) Set(string, any, time.Duration) error  { return nil }
func (noCache) Has(string) bool                       { return false }
func (noCache) AddNX(string, any, time.Duration) bool { return true }
func (noCache) Add(string, any, time.Duration) error  { return nil }
func (noCache) Remember(_ string, _ time.Duration, f func() (any, error)) (any, error) {
	return f()
}

// noLog swallows what the SDK logs, which would include whole requests. What is worth
// logging the transport knows.
type noLog struct{}

func (noLog) Debug(string, ...any)                                   {}
func (noLog) Info(string, ...any)                                    {}
func (noLog) Warn(string, ...any)                                    {}
func (noLog) Error(string, ...any)                                   {}
func (noLog) Panic(string, ...any)                                   {}
func (noLog) Fatal(string, ...any)                                   {}
func (noLog) DebugF(string, ...any)                                  {}
func (noLog) InfoF(string, ...any)                                   {}
func (noLog) WarnF(string, ...any)                                   {}
func (noLog) ErrorF(string, ...any)                                  {}
func (noLog) PanicF(string, ...any)                                  {}
func (noLog) FatalF(string, ...any)                                  {}
func (l noLog) WithContext(context.Context) contract.LoggerInterface { return l }
