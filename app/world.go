package app

import (
	"context"
	"time"

	"xiaobu/pump"
)

// World is what the bot lives in where time is moved by hand, such as a sandbox.
type World interface {
	// Step does everything that is due there now and returns how much that was.
	Step(ctx context.Context) (int, error)
	// Due is when the next thing is due there; false: nothing waits.
	Due() (time.Time, bool)
}

// DrainWith does everything that is due now, on both sides.
func (a *App) DrainWith(ctx context.Context, w World) error {
	for first := true; ; first = false {
		people, err := w.Step(ctx)
		if err != nil {
			return err
		}
		if people == 0 && !first {
			return ctx.Err() // the bot ended with nothing to do, and nobody has given it more
		}
		if _, err := a.Drain(ctx); err != nil {
			return err
		}
	}
}

// NextDueWith returns when there will be something to do on either side.
func (a *App) NextDueWith(ctx context.Context, w World) (time.Time, bool, error) {
	world := func(context.Context) (time.Time, bool, error) {
		at, ok := w.Due()
		return at, ok, nil
	}
	return pump.Earliest(ctx, world, a.NextDue)
}
