package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/bot/wecom"
	"xiaobu/bot/wecom/crypt"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// envelopes seals callbacks of a busy company, a thousand in each second of its clock.
func envelopes(b *testing.B, n int) (urls []string, bodies [][]byte) {
	b.Helper()
	codec, err := crypt.New(sandbox.DefaultToken, sandbox.DefaultAESKey, sandbox.DefaultCorpID)
	must(b, err)
	now := time.Now().Unix()
	for i := range n {
		xml := fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>%d</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_external_chat]]></Event><ChatId><![CDATA[wrBENCHchat%022d]]></ChatId><ChangeType><![CDATA[update]]></ChangeType><UpdateDetail><![CDATA[add_member]]></UpdateDetail><JoinScene>3</JoinScene><MemChangeCnt>1</MemChangeCnt><MemChangeList><Item><![CDATA[wmBENCH%025d]]></Item></MemChangeList><LastMemVer><![CDATA[%032x]]></LastMemVer><CurMemVer><![CDATA[%032x]]></CurMemVer></xml>`,
			sandbox.DefaultCorpID, now+int64(i/1000), i%64, i, i, i+1)
		enc := codec.Seal([]byte(xml), [16]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		ts, nonce := strconv.FormatInt(now, 10), strconv.Itoa(i)
		urls = append(urls, "/callback/wecom?msg_signature="+codec.Sign(ts, nonce, enc)+"&timestamp="+ts+"&nonce="+nonce)
		bodies = append(bodies, []byte("<xml><ToUserName><![CDATA["+sandbox.DefaultCorpID+"]]></ToUserName><Encrypt><![CDATA["+enc+"]]></Encrypt><AgentID></AgentID></xml>"))
	}
	return urls, bodies
}

// BenchmarkCallback is a callback over HTTP, from the wire to the answer, 64 at a time: the
// durable one beside its bound, the same handler that keeps nothing. The other bound, the
// raw disk, is BenchmarkFsync of the store.
func BenchmarkCallback(b *testing.B) {
	b.Run("durable", func(b *testing.B) {
		s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(b.TempDir(), "x.db"), time.Now)
		must(b, err)
		defer s.Close()
		put := func(ctx context.Context, events ...bot.Event) error {
			_, err := s.PutEvents(ctx, events...)
			return err
		}
		b.Run("full", func(b *testing.B) { callback(b, put, 0) })
		b.Run("1000a-second", func(b *testing.B) { callback(b, put, time.Millisecond) })
	})
	b.Run("nostore", func(b *testing.B) {
		callback(b, func(context.Context, ...bot.Event) error { return nil }, 0)
	})
}

// callback posts b.N callbacks, one in each pace; 0 is as fast as it goes.
func callback(b *testing.B, put func(context.Context, ...bot.Event) error, pace time.Duration) {
	h, err := wecom.NewCallback(wecom.CallbackConfig{Corp: sandbox.DefaultCorpID, Token: sandbox.DefaultToken, AESKey: sandbox.DefaultAESKey, Now: time.Now, Put: put})
	must(b, err)
	srv := httptest.NewServer(h)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	urls, bodies := envelopes(b, b.N)
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	b.SetParallelism(32) // 64 at a time on two cores
	b.ResetTimer()
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1) - 1
			began := start.Add(time.Duration(i) * pace)
			if time.Sleep(time.Until(began)); pace == 0 {
				began = time.Now()
			}
			resp, err := client.Post(srv.URL+urls[i], "text/xml", bytes.NewReader(bodies[i]))
			if err != nil {
				b.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("status %d", resp.StatusCode)
			}
			took[i] = time.Since(began)
		}
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
}
