package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gorm.io/gorm"
)

// What one commit may hold. A commit takes what is waiting and never lingers for more: at
// low load each caller has a commit of its own, at high load a slow disk is shared by many.
const (
	maxBatch  = 256 // transactions in one commit
	queueSize = 1024
)

var errClosed = errors.New("store is closed")

// writer is the one that writes to a SQLite file. Callers bring their transactions, it runs
// them one after the other, each inside a savepoint, and commits them together. Callbacks
// are urgent: they go first, and ordinary work is not added to a commit that holds one once
// they have been waiting.
type writer struct {
	s      *Store
	urgent chan *job
	normal chan *job
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
		urgent: make(chan *job, queueSize),
		normal: make(chan *job, queueSize),
		quit:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	go w.run()
	return w
}

// do hands in a transaction and waits for its commit. Once it has been started the caller
// gets its true outcome even when ctx ends meanwhile.
func (w *writer) do(ctx context.Context, fn func(*Tx) error, urgent bool) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan error, 1)}
	queue := w.normal
	if urgent {
		queue = w.urgent
	}
	select {
	case queue <- j:
	case <-ctx.Done():
		return ctx.Err()
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
		select {
		case j := <-w.urgent:
			w.commit(j)
			continue
		default:
		}
		select {
		case j := <-w.urgent:
			w.commit(j)
		case j := <-w.normal:
			w.commit(j)
		case <-w.quit:
			return
		}
	}
}

// next takes what is waiting, urgent jobs first, and never waits itself.
func (w *writer) next() *job {
	select {
	case j := <-w.urgent:
		return j
	default:
	}
	select {
	case j := <-w.urgent:
		return j
	case j := <-w.normal:
		return j
	default:
		return nil
	}
}

// commit runs the first job and what waits behind it in one transaction. Where the whole
// transaction fails, each job is tried in one of its own, so that a bad one harms only itself.
func (w *writer) commit(first *job) {
	batch, err := w.together(first)
	if err == nil {
		for _, j := range batch {
			w.finish(j, j.err)
		}
		return
	}
	if len(batch) == 1 {
		w.finish(first, err)
		return
	}
	for _, j := range batch {
		w.finish(j, w.alone(j))
	}
}

func (w *writer) finish(j *job, err error) {
	if err == nil && j.tx != nil {
		w.s.wake(j.tx)
	}
	j.done <- err
}

// together runs jobs until none waits or the commit is full. The jobs' own errors are kept
// in them; the returned error is the transaction's.
func (w *writer) together(first *job) ([]*job, error) {
	batch := []*job{first}
	err := w.s.write.Transaction(func(db *gorm.DB) error {
		for j := first; j != nil; {
			if err := w.runJob(db, j); err != nil {
				return err
			}
			if j = nil; len(batch) < maxBatch {
				if j = w.next(); j != nil {
					batch = append(batch, j)
				}
			}
		}
		return nil
	})
	return batch, err
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
	err := w.s.write.Transaction(func(db *gorm.DB) error {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		j.tx = w.s.newTx(db)
		return guard(j.fn, j.tx)
	})
	return err
}
