package store

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"testing"
	"time"
)

var benchMessages = flag.Int("messages", 2000, "messages that are in the books before the benchmark of messages")

// BenchmarkMessages is a batch of 64 messages in one durable transaction. Ids and senders come
// in no order, so their indices are written page by page.
func BenchmarkMessages(b *testing.B) {
	for name, dsn := range dsns(b) {
		b.Run(name, func(b *testing.B) {
			s, err := Open(context.Background(), dsn, benchNow)
			must(b, err)
			defer s.Close()
			written := 0
			put := func(n int) {
				batch := make([]Message, n)
				for i := range batch {
					id := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, written)))
					batch[i] = Message{MessageID: id, ChatID: "wr" + id[:30], Sender: "wm" + id[30:60], SentAt: benchNow().Add(time.Duration(written) * time.Millisecond),
						Text: "我订的水饺什么时候到,昨天说今天上午送", Verdict: "ham", Action: "none", Would: "none", Kind: "text",
						Reasons: []Reason{{Check: "question", Detail: "提问", Weight: -1.5}, {Check: "delivery", Detail: "收货、取货信息", Weight: -2.5}}}
					if written%2 == 0 { // half of all talk is too short to say anything
						batch[i].Fingerprint = int64(written) * 7919 << 20
					}
					if written%50 == 0 {
						batch[i].Tokens = []int64{int64(written) * 104729 << 20}
					}
					written++
				}
				must(b, s.Tx(context.Background(), func(tx *Tx) error { return tx.AddMessages(batch) }))
			}
			for written < *benchMessages {
				put(1000)
			}
			b.ResetTimer()
			for b.Loop() {
				put(64)
			}
			b.ReportMetric(float64(64*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
