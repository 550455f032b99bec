package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What one call of MoveTo may do.
const (
	longestMove  = 31 * 24 * time.Hour
	maxMoveTasks = 200_000
)

// MoveTo moves the clock on to a later time, at most 31 days ahead. It stops at everything
// that is due on the way, in the order of time, and does it, so that people act, deliveries
// and their retries go out and codes expire as if the time had passed; Run stands still
// meanwhile. It returns how many things it did. An error that comes on the way, such as that
// of ctx, leaves the clock where it has come to.
//
// Only the sandbox's clock moves. A program under test has its own and does not know.
func (s *Sandbox) MoveTo(ctx context.Context, to time.Time) (int, error) {
	if err := s.beginMove(to); err != nil {
		return 0, fmt.Errorf("move the clock: %w", err)
	}
	defer s.endMove()
	s.awaitWorkers(ctx)
	n, err := s.Step(ctx)
	for err == nil {
		at, more := s.Due()
		if !more || at.After(to) {
			s.cfg.Leap(to)
			return n, nil
		}
		if n >= maxMoveTasks {
			return n, fmt.Errorf("move the clock: stopped at %s after %d things: too many for one move", at.Format(time.RFC3339), n)
		}
		s.cfg.Leap(at)
		if at.After(s.cfg.Now()) {
			return n, errors.New("move the clock: Config.Leap did not move Config.Now")
		}
		var k int
		k, err = s.Step(ctx)
		n += k
	}
	return n, fmt.Errorf("move the clock: %w", err)
}

func (s *Sandbox) beginMove(to time.Time) error {
	now := s.enter()
	defer s.leave()
	switch {
	case s.cfg.Leap == nil:
		return errors.New("this sandbox follows a clock that it cannot move")
	case s.moving:
		return errors.New("it is being moved already")
	case !to.After(now):
		return fmt.Errorf("it does not run backwards; it is %s", now.Format(time.RFC3339))
	case to.Sub(now) > longestMove:
		return fmt.Errorf("at most %d days at once", longestMove/(24*time.Hour))
	}
	s.moving = true
	return nil
}

func (s *Sandbox) endMove() {
	s.enter()
	defer s.leave()
	s.moving = false
	s.stir()
}

// awaitWorkers waits until Run's workers have done what they had begun.
func (s *Sandbox) awaitWorkers(ctx context.Context) {
	for ctx.Err() == nil {
		busy, wake := s.workersBusy()
		if busy == 0 {
			return
		}
		idle(ctx, -1, wake)
	}
}

func (s *Sandbox) workersBusy() (int, <-chan struct{}) {
	s.enter()
	defer s.leave()
	return s.busy, s.wake
}
