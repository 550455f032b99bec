package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// leapClock goes at the pace of the machine's clock and leaps over the time in which
// nothing happens: what takes milliseconds takes milliseconds, and a night takes none.
type leapClock struct {
	mu   sync.Mutex
	real time.Time
	base time.Time
}

func newLeapClock(t time.Time) *leapClock { return &leapClock{real: time.Now(), base: t} }

func (c *leapClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Since(c.real))
}

// leap moves on to a later moment; an earlier one changes nothing.
func (c *leapClock) leap(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if at := c.base.Add(now.Sub(c.real)); to.After(at) {
		c.base, c.real = to, now
	}
}

// week lives from one thing that is due to the next, and tells what happened.
func (d *demo) week(ctx context.Context) error {
	d.clock.leap(d.story.Start)
	if err := d.seen.begin(ctx, d); err != nil {
		return err
	}
	for {
		if err := d.app.DrainWith(ctx, d.box); err != nil {
			return err
		}
		if err := d.tell(ctx); err != nil {
			return err
		}
		next, ok, err := d.app.NextDueWith(ctx, d.box)
		if err != nil {
			return err
		}
		if !ok || !next.Before(d.story.End) {
			break
		}
		if err := d.sleep(ctx, next); err != nil {
			return err
		}
		d.clock.leap(next)
	}
	d.clock.leap(d.story.End)
	d.screen.progress(1, d.story.End)
	return nil
}

// sleep waits as long as the leap is worth at the demo's pace.
func (d *demo) sleep(ctx context.Context, next time.Time) error {
	now := d.clock.now()
	d.screen.progress(float64(now.Sub(d.story.Start))/float64(d.story.End.Sub(d.story.Start)), now)
	wait := time.Duration(float64(next.Sub(now)) / float64(24*time.Hour) * float64(d.pace))
	if wait <= 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// linger lets both sides go on in real time.
func (d *demo) linger(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.box.Run(ctx) }) // ends with ctx
	wg.Go(func() { d.app.Run(ctx) })
	wg.Wait()
	return nil
}

// demoAPI speaks to the bot as any program would.
type demoAPI struct{ base string }

func (a demoAPI) do(ctx context.Context, method, path string, body any) error {
	return a.get(ctx, method, path, body, nil)
}

func (a demoAPI) get(ctx context.Context, method, path string, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+demoToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
