package moderation

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

// book writes messages with scores, as they were judged by the thresholds 0.5 and 0.9.
func (h *desk) book(text, about float64, verdict, action string, n int) (ids []string) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		var rows []store.Message
		for range n {
			h.seq++
			ids = append(ids, fmt.Sprintf("b%03d", h.seq))
			row := store.Message{MessageID: ids[len(ids)-1], ChatID: string(g1), Sender: "wm1", SentAt: h.now, Text: "原话", Verdict: verdict, TextScore: text, About: about, Score: text, Action: action, Would: action}
			if action != ActNone {
				c := store.Case{ChatID: string(g1), Member: fmt.Sprint("wm", h.seq), Status: store.CaseDismissed}
				h.must(tx.AddCase(&c))
				row.CaseID = &c.ID
			}
			rows = append(rows, row)
		}
		return tx.AddMessages(rows)
	}))
	return ids
}

func (h *desk) replay(q Replay) Replayed {
	h.t.Helper()
	if q.From.IsZero() {
		q.From, q.To = h.now.Add(-24*time.Hour), h.now.Add(time.Hour)
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	out, err := h.Replay(context.Background(), q)
	h.must(err)
	return out
}

func TestReplaySaysWhatOtherThresholdsWouldHaveSaid(t *testing.T) {
	onEach(t, func(h *desk) {
		h.put("", store.PolicySettings{Review: score(0.5), Removal: score(0.9)})
		h.book(0, 0, "ham", ActNone, 2) // staff
		h.book(0.1, 0, "ham", ActNone, 5)
		quiet := h.book(0.4, 0, "ham", ActNone, 3)
		warned := h.book(0.6, 0, "suspect", ActWarn, 2)
		h.book(0.95, 0, "spam", ActRemove, 1)
		h.book(0.4, 3, "suspect", ActWarn, 1) // of somebody of whom much is known
		ctx := context.Background()
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
			return tx.AddCorrection(&store.Correction{Label: store.LabelSpam, Text: "原话", Weight: 1, Who: "anna", MessageID: quiet[1]})
		}))
		same := h.replay(Replay{Review: 0.5})
		if same.Before != same.After || same.Before != (Counts{Ham: 10, Suspect: 3, Spam: 1, Warned: 3, Removed: 1}) || len(same.Changes) != 0 || same.Messages != 14 || same.NotJudged != 2 {
			h.t.Errorf("the settings of now: %+v", same)
		}
		low := h.replay(Replay{Review: 0.3})
		if low.After != (Counts{Ham: 7, Suspect: 5, Spam: 2, Warned: 5, Removed: 2}) || low.Flagged != (Changed{3, 0, 1}) || low.Freed.Messages != 0 || len(low.Changes) != 4 {
			h.t.Errorf("a low threshold: %+v", low)
		}
		if c := low.Changes[0]; c.ID != quiet[0] || c.Message.Text != "原话" || c.After != (Verdict{"suspect", 0.4, ActWarn}) || low.Changes[1].People != store.CaseRemoved || low.Changes[3].After.Verdict != "spam" {
			h.t.Errorf("changes %+v", low.Changes)
		}
		high := h.replay(Replay{Review: 0.7, Removal: score(0.97)})
		if high.After != (Counts{Ham: 12, Suspect: 2, Warned: 2}) || high.Freed != (Changed{2, 2, 0}) || high.Changes[0].ID != warned[0] {
			h.t.Errorf("a high threshold: %+v", high)
		}
		dry := h.replay(Replay{Review: 0.5, Mode: ModeDry})
		if dry.After != (Counts{Ham: 10, Suspect: 3, Spam: 1}) || len(dry.Changes) != 0 {
			h.t.Errorf("dry: %+v", dry)
		}
		if off := h.replay(Replay{Review: 0.5, Mode: ModeOff}); off.After != (Counts{Ham: 14}) || off.Freed.Messages != 4 {
			h.t.Errorf("off: %+v", off)
		}
		if other := h.replay(Replay{Review: 0.5, Chat: "wr9"}); other.Messages != 0 {
			h.t.Errorf("another group: %+v", other)
		}
		if re := h.replay(Replay{Review: 0.5, Rejudge: true}); re.After.Spam != 0 {
			h.t.Errorf("judged anew: %+v", re)
		}
	})
}

func TestChangesOfAReplayComePageByPage(t *testing.T) {
	h := newDesk(t)
	want := h.book(0.4, 0, "ham", ActNone, 7)
	var got []string
	q := Replay{Review: 0.3, Removal: score(0.9), Limit: 3}
	for {
		out := h.replay(q)
		for _, c := range out.Changes {
			got = append(got, c.ID)
			q.After = c.ID
		}
		if !out.More {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestAReplayThatMakesNoSenseIsRefused(t *testing.T) {
	h := newDesk(t)
	day := h.now.AddDate(0, 0, -1)
	for field, q := range map[string]Replay{
		"from":      {To: h.now, Review: 0.5},
		"to":        {From: h.now, To: h.now, Review: 0.5},
		"threshold": {From: day, To: h.now},
		"removal":   {From: day, To: h.now, Review: 0.5, Removal: score(0.4)},
		"mode":      {From: day, To: h.now, Review: 0.5, Mode: "x"},
		"cursor":    {From: day, To: h.now, Review: 0.5, After: "nobody", Limit: 1},
	} {
		_, err := h.Replay(context.Background(), q)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAReplaySaysWhatWasForgotten(t *testing.T) {
	h := newDesk(t)
	h.Keep = 48 * time.Hour
	h.book(0.1, 0, "ham", ActNone, 1)
	if out := h.replay(Replay{Review: 0.5}); !out.HarmlessSince.Equal(h.now) || !out.Complete {
		t.Errorf("a day back: %+v", out)
	}
	if out := h.replay(Replay{Review: 0.5, From: h.now.AddDate(0, 0, -3), To: h.now}); out.Complete {
		t.Errorf("three days back, of which two are kept: %+v", out)
	}
}

// BenchmarkReplay says what a threshold that flags a tenth of a week's messages would have done.
func BenchmarkReplay(b *testing.B) {
	h := newDesk(b)
	const n = 100_000
	fillMessages(b, h, n)
	for b.Loop() {
		out := h.replay(Replay{From: h.now.AddDate(0, 0, -7), To: h.now.Add(time.Hour), Review: 0.3, Limit: 50})
		if out.Messages != n || out.Flagged.Messages == 0 {
			b.Fatalf("%+v", out.Before)
		}
	}
}
