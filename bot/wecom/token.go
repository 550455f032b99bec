package wecom

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"xiaobu/bot"
)

const (
	// tokenMargin is how long before its end a token is renewed.
	tokenMargin = 5 * time.Minute
	// tokenLife is assumed when WeCom does not say how long a token lives.
	tokenLife = 2 * time.Hour
	// tokenTime bounds one fetch, whoever is waiting for it.
	tokenTime = 5 * time.Second
	// After a refusal the secret is left alone for this long, doubling with each further
	// refusal: WeCom bans an address that keeps trying a wrong secret for an hour.
	tokenPause    = time.Minute
	tokenPauseMax = 10 * time.Minute
)

// opToken is the call that fetches a token.
const opToken = "gettoken"

// tokens holds the one access token of a corp and app. It lives in memory only.
type tokens struct {
	fetch  func(ctx context.Context) (token string, life time.Duration, err error)
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group
	asking sync.WaitGroup  // whoever waits for a fetch, until it has ended
	life   context.Context // ends every fetch; see close
	end    context.CancelFunc

	mu       sync.Mutex // guards what follows
	token    string
	useUntil time.Time
	refusal  error // the last fetch was refused; kept until retryAt
	retryAt  time.Time
	refusals int // in a row
}

func newTokens(now func() time.Time, log *slog.Logger, fetch func(context.Context) (string, time.Duration, error)) *tokens {
	life, end := context.WithCancel(context.Background())
	return &tokens{fetch: fetch, now: now, log: log, life: life, end: end}
}

// get returns a token other than stale, the one that WeCom has just refused ("" if none).
// However many ask at once, one fetch serves them all, and a stale token is replaced only
// while it still is the current one.
func (t *tokens) get(ctx context.Context, stale string) (string, error) {
	if token, err := t.known(stale); token != "" || err != nil {
		return token, err
	}
	type answer struct {
		token string
		err   error
	}
	fetched := make(chan answer, 1)
	t.asking.Go(func() {
		token, err, _ := t.flight.Do(opToken, func() (any, error) { return t.renew(stale) })
		fetched <- answer{token.(string), err}
	})
	select {
	case a := <-fetched:
		return a.token, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// close ends a fetch that outlived the call that began it, and returns when it has ended.
func (t *tokens) close() {
	t.end()
	t.asking.Wait()
}

// known returns the present token if it may be used, or the refusal that still stands.
func (t *tokens) known(stale string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.token != "" && t.token != stale && now.Before(t.useUntil) {
		return t.token, nil
	}
	if t.refusal != nil && now.Before(t.retryAt) {
		return "", t.refusal
	}
	return "", nil
}

// renew fetches a token. It looks once more first, because its caller may have asked just
// before another fetch ended. It outlives the call that started it: others wait for it too.
func (t *tokens) renew(stale string) (string, error) {
	if token, err := t.known(stale); token != "" || err != nil {
		return token, err
	}
	ctx, cancel := context.WithTimeout(t.life, tokenTime)
	defer cancel()
	token, life, err := t.fetch(ctx)
	if t.life.Err() != nil {
		return "", t.life.Err()
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed(err)
		return "", err
	}
	if life <= 0 {
		life = tokenLife
	}
	t.token, t.useUntil = token, t.now().Add(life-min(tokenMargin, life/2))
	t.refusal, t.refusals = nil, 0
	t.log.Info("access token renewed", "life", life)
	return token, nil
}

// failed remembers a refusal, so that it is not provoked again by every call. A fetch that
// got no answer is not remembered.
func (t *tokens) failed(err error) {
	pause := bot.WaitOf(err)
	if bot.ClassOf(err) == bot.ClassFix {
		pause = min(tokenPause<<min(t.refusals, 8), tokenPauseMax)
		t.refusals++
	}
	if pause > 0 {
		t.refusal, t.retryAt = err, t.now().Add(pause)
	}
	var refusal *bot.APIError
	code := 0
	if errors.As(err, &refusal) {
		code = refusal.Code
	}
	t.log.Error("access token not renewed", "code", code, "pause", pause, "error", err)
}
