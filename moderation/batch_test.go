package moderation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

func say(id string, sender bot.MemberID, text string) FeedMessage {
	return FeedMessage{MessageID: id, Chat: g1, Sender: sender, Type: "text", Text: text}
}

// judgeAll has messages judged as one request brings them.
func (h *desk) judgeAll(msgs ...FeedMessage) []Outcome {
	h.t.Helper()
	for i := range msgs {
		if msgs[i].SentAt.IsZero() {
			msgs[i].SentAt = h.now
		}
	}
	out, err := h.Judge(context.Background(), msgs)
	h.must(err)
	return out
}

func TestAListIsAnsweredInItsOrder(t *testing.T) {
	onEach(t, func(h *desk) {
		h.withGroup(3)
		out := h.judgeAll(say("a", "wm001", "几点关门"), say("b", "wm002", advert), say("", "wm002", "没有编号"), say("a", "wm003", advert), say("c", "owner", advert))
		var inv *handlers.Invalid
		if !errors.As(out[2].Err, &inv) {
			h.t.Errorf("a message without id: %+v", out[2])
		}
		for i, want := range map[int]string{0: "ham", 1: "spam", 3: "ham", 4: "ham"} {
			if out[i].Err != nil || out[i].Verdict != want {
				h.t.Errorf("message %d: %+v, want %s", i, out[i], want)
			}
		}
		again := h.judgeAll(say("b", "wm001", "别的话"), say("a", "wm001", advert))
		if !reflect.DeepEqual(again[0], out[1]) || !reflect.DeepEqual(again[1], out[0]) {
			h.t.Errorf("again %+v, at first %+v", again, out[:2])
		}
		row, err := h.store.Read(context.Background()).Message("b")
		h.must(err)
		if row.Sender != "wm002" || row.Fingerprint == 0 || row.Would != ActRemove || row.TextScore == 0 || *row.CaseID != out[1].CaseID {
			h.t.Errorf("row %+v", row)
		}
	})
}

// A person who says the same thing three times within one list is a flooder as one who takes
// his time.
func TestABatchCountsWhatCameBeforeInIt(t *testing.T) {
	onEach(t, func(h *desk) {
		h.withGroup(1)
		out := h.judgeAll(say("a", "wm001", "快来看看我家刚到的新款"), say("b", "wm001", "快来看看我家刚到的新款"), say("c", "wm001", "快来看看我家刚到的新款"))
		for i, want := range []bool{false, false, true} {
			if got := strings.Contains(fmt.Sprint(out[i].Reasons), "repeat"); got != want {
				h.t.Errorf("message %d: %v", i, out[i].Reasons)
			}
		}
	})
}

func TestWhatIsTakenBackKeepsItsVerdict(t *testing.T) {
	onEach(t, func(h *desk) {
		h.withGroup(1)
		r := h.store.Read(context.Background())
		first := h.judge(say("a", "wm001", advert))
		out := h.judgeAll(FeedMessage{Type: "revoke", Revokes: "a"}, FeedMessage{Type: "revoke", Revokes: "nobody"}, FeedMessage{Type: "revoke"},
			say("b", "wm001", "发错了"), FeedMessage{Type: "revoke", Revokes: "b", MessageID: "b"})
		if out[0].Verdict != "ham" || out[1].Verdict != "ham" || out[2].Err == nil || out[4].Err != nil {
			h.t.Errorf("answers %+v", out)
		}
		for _, id := range []string{"a", "b"} {
			if m, err := r.Message(id); err != nil || !m.RevokedAt.Equal(h.now) {
				h.t.Errorf("%s: %+v %v", id, m, err)
			}
		}
		if again := h.judge(say("a", "wm001", advert)); !reflect.DeepEqual(again, first) {
			h.t.Errorf("answer %+v, at first %+v", again, first)
		}
		if c, err := r.Case(first.CaseID); err != nil || !strings.Contains(c.Text, "兼职") {
			h.t.Errorf("the case %+v %v", c, err)
		}
	})
}

// A message that breaks its transaction is refused alone; the others of its batch get their
// answers.
func TestAPoisonedMessageFailsAlone(t *testing.T) {
	onEach(t, func(h *desk) {
		h.withGroup(3)
		h.judge(say("known", "wm001", "早上好"))
		var entries []*entry
		for i := range 5 {
			said, err := h.hear(context.Background(), say(fmt.Sprint("m", i), "wm001", "今天有什么活动"))
			h.must(err)
			entries = append(entries, &entry{heard: said})
		}
		entries[2].verdict.Score = nan() // SQLite takes it for NULL
		entries[2].trace = spam.Trace{}
		entries[2].Chat = bot.ChatID("\x00") // PostgreSQL takes no NUL
		h.settle(context.Background(), entries)
		for i, e := range entries {
			if (e.out.Err != nil) != (i == 2) {
				h.t.Errorf("message %d: %v", i, e.out.Err)
			}
		}
		if rows, err := h.store.Read(context.Background()).Messages([]string{"m0", "m1", "m2", "m3", "m4"}); err != nil || len(rows) != 4 {
			h.t.Errorf("%d messages were written, %v", len(rows), err)
		}
	})
}

func nan() float64 { zero := 0.0; return zero / zero }

func TestManyAtOnceAreAllWrittenOnce(t *testing.T) {
	onEach(t, func(h *desk) {
		h.withGroup(20)
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				n, text := i%150, "几点关门"
				if n%20 == 7 {
					text = advert
				}
				out, err := h.Judge(context.Background(), []FeedMessage{say(fmt.Sprint("m", n), customer(n%20).ID, text)})
				if err != nil || out[0].Err != nil || (out[0].CaseID != 0) != (n%20 == 7) {
					t.Errorf("message %d: %+v %v", i, out, err)
				}
			})
		}
		wg.Wait()
		if cases, err := h.store.Read(context.Background()).Cases("", 0, 0); err != nil || len(cases) != 1 {
			t.Errorf("%d cases, %v", len(cases), err)
		}
		if h.Waiting() != 0 || h.batches.held != 0 || h.batches.running {
			t.Errorf("left: %+v", &h.batches)
		}
	})
}

// Two processes of one database that get the same messages answer the same, and one row and
// one case come of it.
func TestTwoProcessesWithTheSameMessages(t *testing.T) {
	base := os.Getenv("XIAOBU_TEST_POSTGRES")
	dsn := "sqlite:" + t.TempDir() + "/x.db"
	if base != "" {
		dsn = ownSchema(t, base)
	}
	h := newDeskOn(t, dsn).withGroup(2)
	other := &Moderator{Store: h.store, Detector: h.Detector, Cards: true, Now: h.clock, Zone: time.UTC, Log: h.Log}
	if base != "" { // SQLite is one process's
		s, err := store.Open(context.Background(), dsn, h.clock)
		h.must(err)
		defer s.Close()
		other.Store = s
	}
	const n = 40
	var answers [2][n]Answer
	var wg sync.WaitGroup
	for p, m := range []*Moderator{h.Moderator, other} {
		for i := range n {
			wg.Go(func() {
				out, err := m.Judge(context.Background(), []FeedMessage{say(fmt.Sprint("m", i), "wm001", fmt.Sprint(advert, p))})
				if err != nil || out[0].Err != nil {
					t.Errorf("process %d: %v %v", p, err, out)
					return
				}
				answers[p][i] = out[0].Answer
			})
		}
	}
	wg.Wait()
	for i := range n {
		if !reflect.DeepEqual(answers[0][i], answers[1][i]) {
			t.Errorf("message %d: %+v and %+v", i, answers[0][i], answers[1][i])
		}
	}
	if cases, err := h.store.Read(context.Background()).Cases("", 0, 0); err != nil || len(cases) != 1 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}

func TestWhatWaitsIsBounded(t *testing.T) {
	var b batches
	some := func(n int, text string) (out []*entry) {
		for range n {
			out = append(out, &entry{heard: heard{text: text}})
		}
		return out
	}
	if start, err := b.add(some(maxWaiting, "x")); !start || err != nil {
		t.Fatalf("start %v, %v", start, err)
	}
	if _, err := b.add(some(1, "x")); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	if got := b.next(); len(got) != maxBatch {
		t.Errorf("%d in a batch", len(got))
	}
	if start, err := b.add(some(maxBatch, "x")); start || err != nil {
		t.Errorf("start %v, %v", start, err)
	}
	for len(b.next()) > 0 {
	}
	if b.held != 0 || b.running {
		t.Errorf("left: %+v", &b)
	}
	long := strings.Repeat("x", maxFeedText)
	if _, err := b.add(some(maxHeld/maxFeedText-9, long)); err != nil {
		t.Error(err)
	}
	if _, err := b.add(some(10, long)); !errors.Is(err, ErrBusy) {
		t.Errorf("too many bytes: %v", err)
	}
}
