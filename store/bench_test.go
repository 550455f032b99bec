package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/bot"
)

var benchNow = func() time.Time { return time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC) }

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(context.Background(), "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), benchNow)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkPutEvents is the durable part of a callback: many requests at once, each with an
// event of its own. Its bound is BenchmarkFsync.
func BenchmarkPutEvents(b *testing.B) {
	for _, perCore := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%dx", perCore), func(b *testing.B) { // by GOMAXPROCS
			s := benchStore(b)
			var n atomic.Int64
			b.SetParallelism(perCore)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					e := event(fmt.Sprintf("%064x", i*7919), bot.ChatLane(bot.ChatID(fmt.Sprint(i%64))))
					if _, err := s.PutEvents(context.Background(), e); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFsync is the raw disk: an append of 4 KiB and an fsync, as a commit makes it.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "fsyncs/s")
}

// BenchmarkTx is one small write transaction at a time, as a handler makes it.
func BenchmarkTx(b *testing.B) {
	s := benchStore(b)
	for i := 0; b.Loop(); i++ {
		err := s.Tx(context.Background(), func(tx *Tx) error { return tx.NameStaff("u", fmt.Sprint(i)) })
		if err != nil {
			b.Fatal(err)
		}
	}
}
