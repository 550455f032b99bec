package moderation

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"xiaobu/store"
)

// What one transaction may hold, and what may wait for it.
const (
	maxBatch   = 256
	maxWaiting = 4096     // messages
	maxHeld    = 32 << 20 // bytes of their texts
)

// ErrBusy says that more messages wait than can be judged soon: send them again.
var ErrBusy = errors.New("too many messages wait; send it again in a second")

// Outcome is what became of one message of a list: an answer, or why there is none.
type Outcome struct {
	Answer
	Err error
}

// batches gathers messages of many callers: whatever waits is judged and written down in one
// transaction. It never lingers for more, and has a goroutine only while something waits.
type batches struct {
	mu      sync.Mutex
	waiting []*entry
	held    int
	running bool
}

// entry is a message that waits for its answer.
type entry struct {
	heard
	out  Outcome
	done *sync.WaitGroup // the caller's
}

// size is what an entry holds in memory, roughly.
func (e *entry) size() int { return len(e.text) + len(e.Name) + 1024 }

// add lets messages wait, all or none, in their order. start tells the caller to have them
// worked on.
func (b *batches) add(entries []*entry) (start bool, err error) {
	size := 0
	for _, e := range entries {
		size += e.size()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 && (len(b.waiting)+len(entries) > maxWaiting || b.held+size > maxHeld) {
		return false, ErrBusy
	}
	b.waiting, b.held = append(b.waiting, entries...), b.held+size
	start = !b.running
	b.running = true
	return start, nil
}

// next takes what waits, at most a batch; nothing ends the work.
func (b *batches) next() []*entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), maxBatch)
	batch := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	for _, e := range batch {
		b.held -= e.size()
	}
	if len(b.waiting) == 0 {
		b.waiting = nil // lets go of what was answered
	}
	b.running = n > 0
	return batch
}

// Waiting returns how many messages wait to be judged.
func (m *Moderator) Waiting() int {
	m.batches.mu.Lock()
	defer m.batches.mu.Unlock()
	return len(m.batches.waiting)
}

// Judge judges messages of the feed in their order, writes the verdicts down and, where one is
// spam, opens a case. It returns once all that has an answer is on disk; a message that is
// known gets its first answer again. What is wrong with one message is the matter of its
// outcome alone. ErrBusy as the error says that none was taken.
func (m *Moderator) Judge(ctx context.Context, msgs []FeedMessage) ([]Outcome, error) {
	var done sync.WaitGroup
	entries, good := make([]*entry, len(msgs)), make([]*entry, 0, len(msgs))
	for i, msg := range msgs {
		e := &entry{done: &done}
		if e.heard, e.out.Err = m.hear(ctx, msg); e.out.Err == nil {
			good = append(good, e)
		}
		entries[i] = e
	}
	done.Add(len(good))
	start, err := m.batches.add(good)
	if err != nil {
		return nil, err
	}
	if start {
		// What somebody waits for no more is still written down: it may be on its way.
		go m.work(context.WithoutCancel(ctx))
	}
	done.Wait()
	out := make([]Outcome, len(entries))
	for i, e := range entries {
		out[i] = e.out
	}
	return out, nil
}

func (m *Moderator) work(ctx context.Context) {
	for batch := m.batches.next(); len(batch) > 0; batch = m.batches.next() {
		m.settle(ctx, batch)
		for _, e := range batch {
			e.done.Done()
		}
	}
}

// settle answers a batch. Where its transaction fails, each message is tried in one of its
// own, so that a bad one harms only itself.
func (m *Moderator) settle(ctx context.Context, batch []*entry) {
	err := m.write(ctx, batch)
	switch {
	case err == nil:
	case len(batch) == 1:
		batch[0].out = Outcome{Err: err}
	default:
		for i := range batch {
			m.settle(ctx, batch[i:i+1])
		}
	}
}

// write judges a batch and writes it down in one transaction.
func (m *Moderator) write(ctx context.Context, batch []*entry) error {
	if err := m.CatchUp(ctx); err != nil {
		return err
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil {
			return err
		}
		fresh, again, err := m.answerKnown(tx, batch)
		if err != nil {
			return err
		}
		if err := m.judgeFresh(tx, fresh); err != nil {
			return err
		}
		for e, first := range again {
			e.out = first.out
		}
		return m.revoke(tx, batch)
	})
}

// answerKnown gives the messages that are in the books their first answers. fresh are the
// others, each once; again are those that come a second time in the batch, by the first.
func (m *Moderator) answerKnown(tx *store.Tx, batch []*entry) (fresh []*entry, again map[*entry]*entry, err error) {
	ids := make([]string, 0, len(batch))
	for _, e := range batch {
		if !e.revokes() {
			ids = append(ids, e.MessageID)
		}
	}
	rows, err := tx.Messages(ids)
	if err != nil {
		return nil, nil, err
	}
	known := make(map[string]store.Message, len(rows))
	for _, r := range rows {
		known[r.MessageID] = r
	}
	firsts := make(map[string]*entry, len(batch))
	for _, e := range batch {
		k, isKnown := known[e.MessageID]
		first, isAgain := firsts[e.MessageID]
		switch {
		case e.revokes():
		case isKnown:
			e.out = Outcome{Answer: firstAnswer(k)}
		case isAgain:
			if again == nil {
				again = map[*entry]*entry{}
			}
			again[e] = first
		default:
			firsts[e.MessageID] = e
			fresh = append(fresh, e)
		}
	}
	return fresh, again, nil
}

// judgeFresh judges messages that are new and writes them down.
func (m *Moderator) judgeFresh(tx *store.Tx, fresh []*entry) error {
	if len(fresh) == 0 {
		return nil
	}
	msgs := make([]heard, len(fresh))
	for i, e := range fresh {
		msgs[i] = m.recalled(e.heard)
	}
	known, err := m.loadFacts(tx.Reader, msgs)
	if err != nil {
		return fmt.Errorf("read about senders: %w", err)
	}
	settings, err := m.policies(tx.Reader)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	rows := make([]store.Message, len(fresh))
	later := aftermath{map[string]string{}, map[int64]bool{}}
	for i, e := range fresh {
		p := settings.of(e.Chat)
		a, row, err := m.judge(tx, msgs[i], known[i], p)
		if err != nil {
			return err
		}
		e.out, rows[i] = Outcome{Answer: a}, row
		later.remember(msgs[i], known[i], a, p)
	}
	return errors.Join(tx.AddMessages(rows), tx.Talk(later.days), tx.SeeHosts(later.hosts))
}

// revoke notes which messages were taken back. The verdict and the case stay: what was said
// was said.
func (m *Moderator) revoke(tx *store.Tx, batch []*entry) error {
	for _, e := range batch {
		if !e.revokes() {
			continue
		}
		detail := "发送人撤回了消息"
		err := tx.Revoke(e.Revokes, e.SentAt)
		if errors.Is(err, store.ErrNotFound) {
			detail, err = "要撤回的消息没有记录", nil
		}
		if err != nil {
			return err
		}
		e.out = Outcome{Answer: harmless("revoke", detail)}
	}
	return nil
}
