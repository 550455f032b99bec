package moderation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

var storedMessages = flag.Int("messages", 100_000, "messages in the books for benchmarks")

// BenchmarkFacts reads what the books say about a batch of 256 messages of as many people, with
// a week of messages stored: from 20,000 people in 2,000 groups, every tenth with a link, and a
// tenth of them copies of each other. What a message costs is a 256th of it. hot asks about ten
// people who each write a hundred messages a minute and more, in ten wordings with ten links.
func BenchmarkFacts(b *testing.B) {
	h := newDesk(b)
	fillMessages(b, h, *storedMessages)
	hear := func(sender func(i int) string, hot bool) []heard {
		out := make([]heard, maxBatch)
		for i := range out {
			msg, err := h.hear(context.Background(), FeedMessage{MessageID: fmt.Sprint("new", i), Chat: bot.ChatID(fmt.Sprint("wr", i)), Sender: bot.MemberID(sender(i)), SentAt: h.now,
				Text: fmt.Sprintf("今天的第%d批鸡蛋还有吗,帮我留%d斤,看 https://x%d.cn/a", i, i, i%50)})
			h.must(err)
			if hot {
				msg.trace = spam.Trace{Text: uint64(i%10 + 1), Tokens: []uint64{uint64(i%10 + 1)}}
			} else if i%10 == 0 {
				msg.trace = spam.Trace{Text: uint64(i%100 + 1), Tokens: []uint64{uint64(i%100 + 1)}}
			}
			out[i] = msg
		}
		return out
	}
	for name, sender := range map[string]func(int) string{
		"many": func(i int) string { return fmt.Sprint("wm", i*70) },
		"hot":  func(i int) string { return fmt.Sprint("hot", i%10) },
	} {
		b.Run(name, func(b *testing.B) {
			msgs := hear(sender, name == "hot")
			for b.Loop() {
				h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
					_, err := h.loadFacts(tx.Reader, msgs)
					return err
				}))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/maxBatch, "µs/message")
		})
	}
}

// fillMessages writes messages of the seven days before now, and the people who sent them.
func fillMessages(tb testing.TB, h *desk, n int) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	people := min(n/5, 20_000)
	for from := 0; from < n; from += 5000 {
		h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
			var rows []store.Message
			for i := from; i < min(n, from+5000); i++ {
				who := rnd.IntN(people)
				m := store.Message{MessageID: fmt.Sprint("m", i), ChatID: fmt.Sprint("wr", who%2000), Sender: fmt.Sprint("wm", who),
					SentAt: h.now.Add(-time.Duration(rnd.Int64N(int64(7 * 24 * time.Hour)))), Text: "今天的鸡蛋还有吗", Verdict: "ham", Action: ActNone, Would: ActNone, Kind: "text",
					TextScore: rnd.Float64() * 0.4, Fingerprint: rnd.Int64()}
				switch {
				case i%50 == 0:
					m.Sender, m.SentAt = fmt.Sprint("hot", rnd.IntN(10)), h.now.Add(-time.Duration(rnd.Int64N(int64(2*time.Minute))))
					m.Fingerprint, m.Tokens = int64(rnd.IntN(10)+1), []int64{rnd.Int64N(10) + 1}
				case i%10 == 0:
					m.Fingerprint, m.Tokens, m.TextScore = int64(rnd.IntN(100)+1), []int64{rnd.Int64N(100) + 1}, rnd.Float64()
				}
				m.Score = m.TextScore
				rows = append(rows, m)
			}
			return tx.AddMessages(rows)
		}))
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i := range people {
			st := store.Stint{ChatID: fmt.Sprint("wr", i%2000), UserID: fmt.Sprint("wm", i), Kind: "customer", Name: "顾客", UnionID: fmt.Sprint("u", i), Inviter: fmt.Sprint("staff", i%500),
				JoinedAt: h.now.AddDate(0, 0, -i%300)}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			if i%50 == 0 {
				h.must(tx.EndStint(st.ID, h.now, bot.LeftRemoved))
			}
		}
		return nil
	}))
}
