package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"gorm.io/gorm"
)

// What one commit may hold. A commit takes what is waiting and never lingers for more: at
// low load each caller has a commit of its own, at high load a slow disk is shared by many.
const (
	maxBatch  = 256 // callers in one commit
	maxOthers = 16  // of them with transactions of their own, which callbacks would wait for
	queueSize = 1024
)

var errClosed = errors.New("store is closed")

// writer is the one that writes to a SQLite file. Callers bring their transactions, it runs
// them one after the other, each inside a savepoint, and commits them together. Events of
// callbacks need no savepoint: they are written in bulk, last in a commit.
type writer struct {
	s      *Store
	events chan *job
	others chan *job
	quit   chan struct{}
	once   sync.Once
	ended  chan struct{}
}

// job is one caller's transaction.
type job struct {
	ctx  context.Context
	fn   func(*Tx) error
	done chan error // buffered: the writer never waits for a caller
	tx   *Tx
	err  error
}

func newWriter(s *Store) *writer {
	w := &writer{
		s:      s,
		events: make(chan *job, queueSize),
		others: make(chan *job, queueSize),
		quit:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	go w.run()
	return w
}

// put runs a transaction that writes events down.
func (w *writer) put(ctx context.Context, fn func(*Tx) error) error {
	return w.wait(w.events, &job{ctx: ctx, fn: fn, done: make(chan error, 1)})
}

// do runs a transaction.
func (w *writer) do(ctx context.Context, fn func(*Tx) error) error {
	return w.wait(w.others, &job{ctx: ctx, fn: fn, done: make(chan error, 1)})
}

// wait hands in a job and waits for its commit. Once it has been started the caller gets
// its true outcome even when ctx ends meanwhile.
func (w *writer) wait(queue chan *job, j *job) error {
	select {
	case queue <- j:
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-w.quit:
		return errClosed
	}
	select {
	case err := <-j.done:
		return err
	case <-w.ended:
		select {
		case err := <-j.done:
			return err
		default:
			return errClosed
		}
	}
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
	return nil
}

func (w *writer) run() {
	defer close(w.ended)
	for {
		var b batch
		select {
		case j := <-w.events:
			b.events = append(b.events, j)
		case j := <-w.others:
			b.others = append(b.others, j)
		case <-w.quit:
			return
		}
		w.commit(&b)
	}
}

// batch is what shares a commit.
type batch struct {
	events, others []*job
	done           int // of the others
}

func (b *batch) all() []*job { return append(b.events, b.others...) }

// more adds what is waiting, up to the limits, and never waits itself.
func (b *batch) more(w *writer) {
	for len(b.events)+len(b.others) < maxBatch {
		select {
		case j := <-w.events:
			b.events = append(b.events, j)
			continue
		default:
		}
		if len(b.others) == maxOthers {
			return
		}
		select {
		case j := <-w.others:
			b.others = append(b.others, j)
		default:
			return
		}
	}
}

// commit runs a batch, and what comes up to it meanwhile, in one transaction. Where the
// whole transaction fails, each job is tried in one of its own, so that a bad one harms only
// itself.
func (w *writer) commit(b *batch) {
	err := w.s.write.Transaction(func(db *gorm.DB) error {
		if err := w.runOthers(db, b); err != nil {
			return err
		}
		return w.runEvents(db, b.events)
	})
	for _, j := range b.all() {
		switch {
		case err == nil:
			w.finish(j, j.err)
		case len(b.events)+len(b.others) == 1:
			w.finish(j, err)
		default:
			w.finish(j, w.alone(j))
		}
	}
}

// runOthers runs the transactions of a batch. They go first: callbacks that come in
// meanwhile are all written in one go at the end.
func (w *writer) runOthers(db *gorm.DB, b *batch) error {
	for {
		b.more(w)
		if b.done < len(b.others) {
			if err := w.runJob(db, b.others[b.done]); err != nil {
				return err
			}
			b.done++
			continue
		}
		// Callers that are ready to run may bring their jobs before the disk is waited for;
		// when there are none this costs nothing.
		size := len(b.events)
		runtime.Gosched()
		b.more(w)
		if b.done == len(b.others) && size == len(b.events) {
			return nil
		}
	}
}

func (w *writer) finish(j *job, err error) {
	if err == nil && j.tx != nil {
		w.s.wake(j.tx)
	}
	j.done <- err
}

// runEvents writes the events of many callers, without a savepoint for each: an error spoils
// the whole transaction, whereupon every caller is served alone.
func (w *writer) runEvents(db *gorm.DB, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	tx := w.s.newTx(db)
	for _, j := range jobs {
		j.tx, j.err = tx, j.ctx.Err()
		if j.err != nil {
			continue
		}
		if err := guard(j.fn, tx); err != nil {
			return err
		}
	}
	return nil
}

// runJob runs one job inside a savepoint. It returns an error only if the savepoint itself
// fails, which spoils the whole transaction.
func (w *writer) runJob(db *gorm.DB, j *job) error {
	j.tx, j.err = nil, nil
	if err := j.ctx.Err(); err != nil {
		j.err = err
		return nil
	}
	if err := db.Exec("SAVEPOINT job").Error; err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	tx := w.s.newTx(db.WithContext(context.WithoutCancel(j.ctx)))
	if j.err = guard(j.fn, tx); j.err != nil {
		if err := db.Exec("ROLLBACK TO job").Error; err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
	}
	j.tx = tx
	return db.Exec("RELEASE job").Error
}

// alone runs one job in a transaction of its own.
func (w *writer) alone(j *job) error {
	return w.s.write.Transaction(func(db *gorm.DB) error {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		j.tx = w.s.newTx(db)
		return guard(j.fn, j.tx)
	})
}
