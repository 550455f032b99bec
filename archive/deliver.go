package archive

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// maxPicture is the largest picture that is passed on, in bytes: with the third that base64 adds
// it fits into what the feed reads.
const maxPicture = 700 << 10

// deliver posts what waits: each group in its order, some groups at once. A message that the feed
// fails at holds up its group; where nothing gets through, all wait.
func (a *Archive) deliver(ctx context.Context) error {
	rooms := a.rooms()
	if len(rooms) == 0 {
		return a.settle(nil)
	}
	var (
		mu    sync.Mutex
		stop  *held
		wg    sync.WaitGroup
		queue = make(chan []*pending)
	)
	halt := func(r reply) {
		mu.Lock()
		defer mu.Unlock()
		if stop == nil || r.wait > stop.wait {
			stop = &held{words: fmt.Sprintf("status %d %s", r.status, r.words), wait: r.wait}
		}
	}
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return stop != nil || ctx.Err() != nil
	}
	for range min(posters, len(rooms)) {
		wg.Go(func() {
			for room := range queue {
				a.deliverRoom(ctx, room, stopped, halt)
			}
		})
	}
	for _, room := range rooms {
		queue <- room
	}
	close(queue)
	wg.Wait()
	return a.settle(stop)
}

// rooms puts what is to be posted in order by group, and the groups by their oldest message.
func (a *Archive) rooms() [][]*pending {
	var out [][]*pending
	of := map[string]int{}
	for _, p := range a.window {
		if p.done || p.no != nil {
			continue
		}
		room := p.room()
		i, known := of[room]
		if !known {
			i = len(out)
			of[room] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], p)
	}
	return out
}

// deliverRoom posts for one group until something does not go.
func (a *Archive) deliverRoom(ctx context.Context, room []*pending, stopped func() bool, halt func(reply)) {
	for _, p := range room {
		if stopped() {
			return
		}
		// What is under way when the program ends is finished, which takes no longer than a post may.
		r := a.send(context.WithoutCancel(ctx), p)
		p.got = &r
		switch r.outcome {
		case trouble:
			return
		case down:
			halt(r)
			return
		}
	}
}

// settle takes in what a pass of posts came to.
func (a *Archive) settle(stop *held) error {
	before, failing := a.accepted, 0
	var no []*pending
	for _, p := range a.window {
		switch {
		case p.done:
		case p.no != nil:
			no = append(no, p)
		case p.got == nil:
		case p.got.outcome == accepted:
			a.accepted++
			p.done = true
			a.count(p.fate(), p.kind)
		case p.got.outcome == refused:
			no = append(no, p)
		case p.got.outcome == trouble:
			p.tries++
			if failing++; p.tries >= maxTries && before > p.since {
				no = append(no, p)
			}
		}
	}
	if err := a.refuse(no, a.accepted > before); err != nil {
		return errors.Join(err, stop.orNil())
	}
	for _, p := range a.window {
		if !p.done && p.got != nil {
			if p.tries == 1 {
				p.since = a.accepted
			}
			p.got = nil
		}
	}
	if stop == nil && failing > 0 {
		stop = &held{words: fmt.Sprintf("it fails at %d messages; the others go on", failing)}
	}
	return stop.orNil()
}

func (h *held) orNil() error {
	if h == nil {
		return nil
	}
	return h
}

func (p *pending) room() string {
	if p.word != nil {
		return p.word.ChatID
	}
	return p.post.ChatID
}

func (p *pending) fate() string {
	if p.word != nil || p.post.Type == typeRevoke {
		return Noticed
	}
	return Posted
}

// send posts a message with its picture, or tells a word about the archive.
func (a *Archive) send(ctx context.Context, p *pending) reply {
	if p.word != nil {
		return a.Feed.tell(ctx, *p.word)
	}
	post := *p.post
	if p.file != "" && a.Pictures {
		post.Image = a.picture(ctx, p.file)
	}
	return a.Feed.post(ctx, post)
}

// picture fetches a picture, for the code that may be on it. Without it the message goes all the same.
func (a *Archive) picture(ctx context.Context, file string) []byte {
	a.media.Lock() // the source does one thing at a time
	defer a.media.Unlock()
	data, err := a.Source.Picture(ctx, file, maxPicture)
	if err != nil {
		a.Log.Warn("picture not fetched", "error", err)
		return nil
	}
	return data
}

// refuse writes down what will never be accepted, and is done with it. Where many are refused and
// none was accepted, it is not the messages that are wrong, and they wait.
func (a *Archive) refuse(no []*pending, others bool) error {
	rows := make([]refusal, 0, len(no))
	refused := 0
	for _, p := range no {
		row := p.no
		if row == nil {
			refused++
			row = &refusal{Seq: p.seq, Status: p.got.status, Why: p.got.words, Post: p.post}
		}
		row.At = a.Now().UTC()
		rows = append(rows, *row)
	}
	if refused >= manyRefused && !others {
		return &held{words: fmt.Sprintf("it refuses all of %d messages, the last with status %d %s", refused, rows[len(rows)-1].Status, rows[len(rows)-1].Why)}
	}
	full, err := a.State.refuse(rows)
	if err != nil {
		return err
	}
	for i, p := range no {
		id := ""
		switch {
		case p.post != nil:
			id = p.post.MessageID
		case p.no != nil:
			id = p.no.Record.MsgID
		}
		a.Log.Warn("message refused", "seq", p.seq, "message", id, "status", rows[i].Status, "why", rows[i].Why, "kept", !full)
		p.done = true
		a.count(Refused, p.kind)
	}
	return nil
}
