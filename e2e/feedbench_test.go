package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/api"
	"xiaobu/moderation"
	"xiaobu/spam"
	"xiaobu/store"
)

// talk is what people say in a shop's groups; one in a hundred is advertising.
func talk(i int) string {
	if i%100 == 99 {
		return fmt.Sprintf("诚招在家做手工的宝妈,日结%d,加微信 abc%d 详聊", 100+i%200, i)
	}
	return []string{
		fmt.Sprintf("鸡蛋还有吗,要%d盒", i%7+1), "收到,谢谢", fmt.Sprintf("%d号楼%d室,下午在家", i%30, i%600), "今天的菜很新鲜",
		"[玫瑰]早上好,祝大家周末愉快", fmt.Sprintf("我订的%d份水饺什么时候到,昨天说今天上午送", i%5), "门店几点关门", "这个活动明天还有吗?我下班才能过去,怕赶不上",
	}[i%8]
}

// posts signs messages of 20,000 people in 200 groups; of a few hundred, each would say so much
// in these seconds that it is a flood.
func posts(b *testing.B, n int, now time.Time, run int64) (bodies [][]byte, signatures []string) {
	b.Helper()
	for i := range n {
		body := fmt.Appendf(nil, `{"message_id":"%x","chat_id":"wrBENCHchat%022d","sender":"wmBENCH%025d","sent_at":%q,"type":"text","text":%q}`,
			sha256.Sum256(fmt.Append(nil, run, " ", i)), i%200, i%20000, now.Format(time.RFC3339), talk(i))
		bodies = append(bodies, body)
		ts := strconv.FormatInt(now.Unix(), 10)
		h := hmac.New(sha256.New, []byte(feedSecret))
		h.Write(append([]byte(ts+"."), body...))
		signatures = append(signatures, "t="+ts+",v1="+hex.EncodeToString(h.Sum(nil)))
	}
	return bodies, signatures
}

// BenchmarkFeed is a message of the feed over HTTP, from the wire to the answer that is on
// disk, 64 at a time, beside the same that is judged by its text and kept nowhere.
func BenchmarkFeed(b *testing.B) {
	dsns := map[string]string{"sqlite": "sqlite:" + filepath.Join(b.TempDir(), "x.db")}
	if pg := os.Getenv("XIAOBU_TEST_POSTGRES"); pg != "" {
		dsns["postgres"] = ownSchema(b, pg)
	}
	for name, dsn := range dsns {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(context.Background(), dsn, time.Now)
			must(b, err)
			defer s.Close()
			m := &moderation.Moderator{Store: s, Detector: spam.New(), Cards: true, Now: time.Now, Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}
			b.Run("full", func(b *testing.B) { feed(b, s, m.Judge, 0) })
			b.Run("1000a-second", func(b *testing.B) { feed(b, s, m.Judge, time.Millisecond) })
		})
	}
	b.Run("nostore", func(b *testing.B) {
		m := &moderation.Moderator{Detector: spam.New()}
		feed(b, nil, func(_ context.Context, msgs []moderation.FeedMessage) ([]moderation.Outcome, error) {
			return []moderation.Outcome{{Answer: m.Check(msgs[0].Text)}}, nil
		}, 0)
	})
}

// feed posts b.N messages, one in each pace; 0 is as fast as it goes.
func feed(b *testing.B, s *store.Store, judge func(context.Context, []moderation.FeedMessage) ([]moderation.Outcome, error), pace time.Duration) {
	srv := httptest.NewServer(api.New(api.Config{Store: s, FeedSecret: feedSecret, Now: time.Now, Zone: time.UTC, Log: slog.New(slog.DiscardHandler), Judge: judge}))
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	now := time.Now()
	bodies, signatures := posts(b, b.N, now, now.UnixNano())
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	b.SetParallelism(32) // 64 at a time on two cores
	b.ResetTimer()
	start, worked := time.Now(), processor()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1) - 1
			began := start.Add(time.Duration(i) * pace)
			if time.Sleep(time.Until(began)); pace == 0 {
				began = time.Now()
			}
			req, err := http.NewRequest(http.MethodPost, srv.URL+"/hooks/messages", bytes.NewReader(bodies[i]))
			must(b, err)
			req.Header.Set("X-Xiaobu-Signature", signatures[i])
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("status %d", resp.StatusCode)
			}
			took[i] = time.Since(began)
		}
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric((processor()-worked)*1e6/float64(b.N), "cpu-µs/message")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
}

// processor is how long the machine has worked for this process, in seconds, the client's part
// included; 0 where there is no Linux to tell.
func processor() float64 {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}
