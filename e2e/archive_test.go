package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"xiaobu/archive"
	"xiaobu/bot/wecom/crypt"
	"xiaobu/sandbox"
)

// records is the message archive of the company: what was said in its groups, in clear but
// for the random keys.
type records struct {
	rows  []archive.Record
	files map[string][]byte
	key   *rsa.PrivateKey
	now   func() time.Time
}

func (s *records) Pull(_ context.Context, seq uint64, limit int) ([]archive.Record, error) {
	return s.rows[min(int(seq), len(s.rows)):min(int(seq)+limit, len(s.rows))], nil
}

func (s *records) Decrypt(key []byte, message string) ([]byte, error) {
	if string(key) != "random" {
		return nil, &archive.SDKError{Code: 10006}
	}
	return []byte(message), nil
}

func (s *records) Picture(_ context.Context, file string, _ int) ([]byte, error) {
	return s.files[file], nil
}

// say records a message and returns its id.
func (s *records) say(t *testing.T, chat, from, action, kind string, body any) string {
	t.Helper()
	//lint:ignore SA1019 the platform encrypts so
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, &s.key.PublicKey, []byte("random"))
	must(t, err)
	n := len(s.rows) + 1
	id := fmt.Sprintf("MSG%d_external", n)
	clear, err := json.Marshal(map[string]any{"msgid": id, "action": action, "from": from, "tolist": []string{"owner0"}, "roomid": chat,
		"msgtime": s.now().UnixMilli(), "msgtype": kind, kind: body})
	must(t, err)
	s.rows = append(s.rows, archive.Record{Seq: uint64(n), MsgID: id, KeyVersion: 1, RandomKey: base64.StdEncoding.EncodeToString(sealed), Message: string(clear)})
	return id
}

func (s *records) text(t *testing.T, chat, from, words string) string {
	t.Helper()
	return s.say(t, chat, from, "send", "text", map[string]string{"content": words})
}

// archived is an archive program between records and the bot of a rig.
func archived(t *testing.T, r *rig, s *records) *archive.Archive {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	s.key, s.now = key, r.clock.now
	keys := t.TempDir()
	must(t, os.WriteFile(filepath.Join(keys, "1.pem"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600))
	state, err := archive.OpenState(t.TempDir(), r.box.Config().CorpID, false)
	must(t, err)
	t.Cleanup(func() { must(t, state.Close()) })
	a, err := archive.New(archive.Config{Source: s, Keys: func() (*archive.Keys, error) { return archive.LoadKeys(keys) }, State: state, Pictures: true,
		Feed:     archive.NewFeed(r.bot.URL+"/hooks/messages", feedSecret, nil, r.clock.now),
		Interval: 15 * time.Second, Now: r.clock.now, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Jitter: func() float64 { return 0 }, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	must(t, err)
	return a
}

func drawQR(t *testing.T, content string) []byte {
	t.Helper()
	code, err := qr.Encode(content, qr.M, qr.Unicode)
	must(t, err)
	code, err = barcode.Scale(code, 400, 400)
	must(t, err)
	var out bytes.Buffer
	must(t, png.Encode(&out, code))
	return out.Bytes()
}

// What the message archive holds reaches the owner as a case: text, the code on a picture, and nothing
// of those who did not agree.
func TestTheMessageArchiveFeedsModeration(t *testing.T) {
	r, w := townRig(t)
	const ad = "兼职日结300,加V:abc12345,名额有限"
	var spammer, poster, shy, decent string
	for _, who := range []*string{&spammer, &poster, &shy, &decent} {
		*who = w.customer()
		_, err := r.box.Join(w.groups[0], *who, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
		must(t, err)
	}
	r.pass(time.Minute)
	s := &records{files: map[string][]byte{"F1": drawQR(t, ad)}}
	a := archived(t, r, s)
	s.text(t, w.groups[0], decent, "明天几点开门")
	s.text(t, w.groups[0], "owner0", ad+"(店长转发提醒)")
	said := s.text(t, w.groups[0], spammer, ad)
	s.say(t, w.groups[0], poster, "send", "image", map[string]any{"md5sum": "0", "filesize": 9, "sdkfileid": "F1"})
	s.say(t, w.groups[0], shy, "send", "disagree", map[string]any{"userid": shy, "disagree_time": r.clock.now().UnixMilli()})
	s.text(t, w.groups[0], shy, ad)
	s.say(t, w.groups[0], spammer, "recall", "revoke", map[string]string{"pre_msgid": "MSG99"}) // of a message that the bot never had
	must(t, a.Once(t.Context()))
	r.drain()
	cases := items[modCase](r, "/moderation/cases")
	have := map[string]string{}
	for _, c := range cases {
		have[c.Member] = c.Text
	}
	if len(have) != 2 || have[spammer] != ad || !strings.Contains(have[poster], ad) {
		t.Errorf("cases %+v", cases)
	}
	if m, err := r.app.Store.Read(t.Context()).Message(said); err != nil || m.Sender != spammer || m.ChatID != w.groups[0] {
		t.Errorf("%+v %v", m, err)
	}
	// Later it is taken back; the case stays.
	s.say(t, w.groups[0], spammer, "recall", "revoke", map[string]string{"pre_msgid": strings.TrimSuffix(said, "_external")})
	must(t, a.Once(t.Context()))
	if m, err := r.app.Store.Read(t.Context()).Message(said); err != nil || m.RevokedAt.IsZero() {
		t.Errorf("%+v %v", m, err)
	}
	var page struct {
		Items []struct {
			Customer, Source string
			ChatID           string `json:"chat_id"`
			Agreed           bool
		}
	}
	r.want(http.StatusOK, http.MethodGet, "/moderation/consents?agreed=false", nil, &page)
	if len(page.Items) != 1 || page.Items[0].Customer != shy || page.Items[0].ChatID != w.groups[0] || page.Items[0].Source != "archive" {
		t.Errorf("%+v", page)
	}
	if strings.Contains(r.log.String(), "日结") {
		t.Error("a text shows in the log")
	}
}

func TestConsentsAreWrittenDown(t *testing.T) {
	r, w := townRig(t)
	customer := w.customer()
	box := r.box.Config()
	codec, err := crypt.New(box.Token, box.AESKey, box.CorpID)
	must(t, err)
	at := strconv.FormatInt(r.clock.now().Unix(), 10)
	enc := codec.Seal([]byte(`<xml><ToUserName>`+box.CorpID+`</ToUserName><FromUserName>sys</FromUserName><CreateTime>`+at+`</CreateTime><MsgType>event</MsgType>`+
		`<Event>change_external_contact</Event><ChangeType>msg_audit_approved</ChangeType><UserID>owner0</UserID><ExternalUserID>`+customer+`</ExternalUserID></xml>`), [16]byte{7})
	resp, err := http.Post(r.bot.URL+"/callback/wecom?msg_signature="+codec.Sign(at, "n", enc)+"&timestamp="+at+"&nonce=n", "text/xml",
		strings.NewReader("<xml><ToUserName>x</ToUserName><Encrypt>"+enc+"</Encrypt></xml>"))
	must(t, err)
	resp.Body.Close()
	r.drain()
	now := r.clock.now().Format(time.RFC3339)
	post := func(body, secret string) int {
		req, err := http.NewRequest(http.MethodPost, r.bot.URL+"/hooks/consents", strings.NewReader(body))
		must(t, err)
		req.Header.Set("X-Xiaobu-Signature", signature(body, secret, r.clock.now()))
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		return resp.StatusCode
	}
	for name, c := range map[string]struct {
		status       int
		body, secret string
	}{
		"good":             {204, `{"person":"wm7","chat_id":"wr1","agreed":false,"at":"` + now + `"}`, feedSecret},
		"again":            {204, `{"person":"wm7","chat_id":"wr1","agreed":false,"at":"` + now + `"}`, feedSecret},
		"another secret":   {403, `{"person":"wm8","agreed":true,"at":"` + now + `"}`, "another-secret"},
		"no JSON":          {422, `hello`, feedSecret},
		"nobody":           {422, `{"agreed":true,"at":"` + now + `"}`, feedSecret},
		"no word":          {422, `{"person":"wm8","at":"` + now + `"}`, feedSecret},
		"no time":          {422, `{"person":"wm8","agreed":true}`, feedSecret},
		"of the future":    {422, `{"person":"wm8","agreed":true,"at":"2099-01-01T00:00:00Z"}`, feedSecret},
		"an id of no use":  {422, `{"person":"wm\u0000","agreed":true,"at":"` + now + `"}`, feedSecret},
		"an id too long":   {422, `{"person":"` + strings.Repeat("w", 129) + `","agreed":true,"at":"` + now + `"}`, feedSecret},
		"a body too large": {413, `{"person":"wm8","chat_id":"` + strings.Repeat("w", 5000) + `"}`, feedSecret},
	} {
		if got := post(c.body, c.secret); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	type consent struct {
		Customer, Source string
		Staff            *string
		ChatID           *string `json:"chat_id"`
		Agreed           bool
	}
	all := items[consent](r, "/moderation/consents")
	if len(all) != 2 || all[0].Customer != "wm7" || all[0].Agreed || *all[0].ChatID != "wr1" || all[1].Customer != customer || !all[1].Agreed || *all[1].Staff != "owner0" || all[1].Source != "callback" {
		t.Errorf("%+v", all)
	}
	var page struct {
		Items []consent
		Next  string `json:"next_cursor"`
	}
	r.want(http.StatusOK, http.MethodGet, "/moderation/consents?limit=1", nil, &page)
	r.want(http.StatusOK, http.MethodGet, "/moderation/consents?limit=1&cursor="+page.Next, nil, &page)
	if len(page.Items) != 1 || page.Items[0].Customer != customer || page.Next != "" {
		t.Errorf("%+v", page)
	}
	r.refusal(http.StatusUnprocessableEntity, "agreed", http.MethodGet, "/moderation/consents?agreed=maybe", nil)
}
