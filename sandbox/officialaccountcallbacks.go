package sandbox

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxAccountTries = 3 // of a push, the first delivery counted
	replyArticles   = 8
	outOfOrder      = "该公众号暂时无法提供服务，请稍后再试"
)

// newPush begins what a person sends to the account, or what the platform says of them.
func (s *Sandbox) newPush(now time.Time, f *Follower, kind string) *event {
	x := &event{}
	x.b.WriteString("<xml>\n")
	x.text("ToUserName", s.cfg.Account.ID)
	x.text("FromUserName", f.OpenID)
	x.number("CreateTime", now.Unix())
	x.text("MsgType", kind)
	return x
}

// push puts it into the mail; kind is the event's or message's name.
func (s *Sandbox) push(now time.Time, f *Follower, kind string, x *event) {
	s.emit(now, x, Callback{Kind: accountPrefix + kind, Who: f.Customer, OpenID: f.OpenID})
}

// SetAccountCallback changes where pushes of the official account go; what is waiting goes
// to the new address. Empty stops deliveries of later ones.
func (s *Sandbox) SetAccountCallback(address string) error {
	if address != "" && !webAddress(address) {
		return fmt.Errorf("set account callback: %q is no web address such as http://127.0.0.1:8080/", address)
	}
	s.enter()
	defer s.leave()
	s.account.callbackURL = address
	return nil
}

// AccountCallback returns where the account's pushes go now, "" if nowhere.
func (s *Sandbox) AccountCallback() string {
	s.enter()
	defer s.leave()
	return s.account.callbackURL
}

// pushURL is the account's callback address with what proves where a request comes from.
func (s *Sandbox) pushURL(now time.Time, nonce string, more url.Values) (string, error) {
	u, err := url.Parse(s.account.callbackURL)
	if err != nil {
		return "", fmt.Errorf("account callback address: %w", err)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	q := u.Query()
	q.Set("signature", s.account.codec.Sign(timestamp, nonce, ""))
	q.Set("timestamp", timestamp)
	q.Set("nonce", nonce)
	for name, values := range more {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// sealPush makes the request of a push in the account's mode.
func (s *Sandbox) sealPush(now time.Time, cb *Callback, r *rand.Rand) (*http.Request, error) {
	mode, codec := s.cfg.Account.Mode, s.account.codec
	nonce, body := drawFrom(r, alphabetDigits, 10), cb.XML
	more := url.Values{"openid": {cb.OpenID}}
	if mode != ModePlain {
		encrypted := codec.Seal([]byte(cb.XML), random16(r.Uint64(), r.Uint64()))
		more.Set("encrypt_type", "aes")
		more.Set("msg_signature", codec.Sign(strconv.FormatInt(now.Unix(), 10), nonce, encrypted))
		envelope := "<Encrypt>" + cdata(encrypted) + "</Encrypt>\n</xml>"
		body = "<xml>\n<ToUserName>" + cdata(s.cfg.Account.ID) + "</ToUserName>\n" + envelope
		if mode == ModeCompatible {
			body = strings.TrimSuffix(cb.XML, "</xml>") + envelope
		}
	}
	address, err := s.pushURL(now, nonce, more)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("account callback address: %w", err)
	}
	req.Header.Set("Content-Type", "text/xml")
	return req, nil
}

// VerifyAccountURL checks the account's callback address as its console does when it is
// saved: the receiver must answer the echostr that it is sent in clear, within five seconds
// of real time. The error says what was wrong.
// See https://developers.weixin.qq.com/doc/service/guide/dev/push/
func (s *Sandbox) VerifyAccountURL(ctx context.Context) error {
	address, want, err := s.accountEcho()
	if err != nil {
		return fmt.Errorf("verify account callback address: %w", err)
	}
	req, err := http.NewRequest(http.MethodGet, address, bytes.NewReader(nil))
	if err != nil {
		return fmt.Errorf("verify account callback address: %w", err)
	}
	if err := s.expect(ctx, req, answerTime, want); err != nil {
		return fmt.Errorf("verify account callback address: %w", err)
	}
	return nil
}

func (s *Sandbox) accountEcho() (address, want string, err error) {
	now := s.enter()
	defer s.leave()
	if s.account.callbackURL == "" {
		return "", "", errors.New("none is set")
	}
	r := s.dice.stream("verify account")
	want = drawFrom(r, alphabetDigits, 19)
	address, err = s.pushURL(now, drawFrom(r, alphabetDigits, 10), url.Values{"echostr": {want}})
	return address, want, err
}

// passiveReply is an answer to a push, as it is written.
type passiveReply struct {
	XMLName                                    xml.Name `xml:"xml"`
	Encrypt, MsgSignature, TimeStamp, Nonce    string
	ToUserName, FromUserName, MsgType, Content string
	Image, Voice                               struct{ MediaId string }
	Video                                      struct{ MediaId, Title, Description string }
	Music                                      struct{ Title, Description, MusicUrl, HQMusicUrl, ThumbMediaId string }
	ArticleCount                               int
	Articles                                   []article `xml:"Articles>item"`
	TransInfo                                  struct{ KfAccount string }
}

type article struct{ Title, Description, PicUrl, Url string }

// readReply shows the person what was answered to their push. When a person waits for an
// answer and there is none, or one that cannot be read, they are told that the account is
// out of order, as on the platform.
func (s *Sandbox) readReply(now time.Time, l *letter, status int, answer string) {
	cb := l.callback
	f := s.account.byOpenID[cb.OpenID]
	if status != http.StatusOK {
		if l.try == maxAccountTries && cb.awaited() {
			s.showAccountMessage(now, f, AccountMessage{Via: ViaSystem, Type: "text", Text: outOfOrder})
		}
		return
	}
	if text := strings.TrimSpace(answer); text == "" || text == "success" {
		return
	}
	m, err := s.openReply(now, cb, answer)
	if err != nil {
		s.note(now, EntryAccount, cb.Who, nil, both("the answer to %s cannot be shown: %v", "对 %s 的回复显示不了：%v", cb.Kind, err))
		if cb.awaited() {
			s.showAccountMessage(now, f, AccountMessage{Via: ViaSystem, Type: "text", Text: outOfOrder})
		}
		return
	}
	s.showAccountMessage(now, f, m)
}

// awaited reports whether the person who caused a push waits for what comes back.
func (cb *Callback) awaited() bool {
	silent := []string{"unsubscribe", "VIEW", "view_miniprogram", "LOCATION", "TEMPLATESENDJOBFINISH", "subscribe_msg_popup_event"}
	return !slices.Contains(silent, strings.TrimPrefix(cb.Kind, accountPrefix))
}

// openReply reads a passive reply, which must be encrypted in ModeAES.
func (s *Sandbox) openReply(now time.Time, cb *Callback, answer string) (AccountMessage, error) {
	var in passiveReply
	if err := xml.Unmarshal([]byte(answer), &in); err != nil {
		return AccountMessage{}, errors.New("it is no XML")
	}
	switch {
	case in.Encrypt != "" && s.cfg.Account.Mode == ModePlain:
		return AccountMessage{}, errors.New("it is encrypted, and the account is in plain mode")
	case in.Encrypt == "" && s.cfg.Account.Mode == ModeAES:
		return AccountMessage{}, errors.New("it is not encrypted")
	case in.Encrypt != "":
		plain, err := s.account.codec.Open(in.MsgSignature, in.TimeStamp, in.Nonce, in.Encrypt)
		if err != nil {
			return AccountMessage{}, err
		}
		in = passiveReply{}
		if err := xml.Unmarshal(plain, &in); err != nil {
			return AccountMessage{}, errors.New("what is inside is no XML")
		}
	}
	if in.ToUserName != cb.OpenID || in.FromUserName != s.cfg.Account.ID {
		return AccountMessage{}, errors.New("ToUserName and FromUserName are not those of the push, exchanged")
	}
	m := AccountMessage{Via: ViaReply, Type: in.MsgType}
	err := s.fillReply(now, cb, in, &m)
	return m, err
}

// fillReply takes over what a reply of its type must hold.
func (s *Sandbox) fillReply(now time.Time, cb *Callback, in passiveReply, m *AccountMessage) error {
	file := func(id, kind string) error {
		m.MediaID = id
		if !s.account.file(id, kind, now) {
			return fmt.Errorf("there is no %s with its MediaId", kind)
		}
		return nil
	}
	switch in.MsgType {
	case "text":
		m.Text = in.Content
		if in.Content == "" || len(in.Content) > textBytes {
			return fmt.Errorf("its Content must have 1 to %d bytes", textBytes)
		}
	case "image":
		return file(in.Image.MediaId, "image")
	case "voice":
		return file(in.Voice.MediaId, "voice")
	case "video":
		m.Title, m.Text = in.Video.Title, in.Video.Description
		return file(in.Video.MediaId, "video")
	case "music":
		m.Title, m.Text, m.URL = in.Music.Title, in.Music.Description, in.Music.MusicUrl
		return file(in.Music.ThumbMediaId, "thumb")
	case "news":
		return m.takeArticles(in, cb)
	case "transfer_customer_service":
		m.Account = in.TransInfo.KfAccount
	default:
		return errors.New("its MsgType is none of text, image, voice, video, music, news, transfer_customer_service")
	}
	return nil
}

// takeArticles shows the articles of a reply: one to what a person wrote, up to eight to an
// event; the platform leaves out the rest.
func (m *AccountMessage) takeArticles(in passiveReply, cb *Callback) error {
	most := replyArticles
	if !strings.Contains(cb.XML, "<Event>") {
		most = 1
	}
	if len(in.Articles) == 0 || in.ArticleCount != len(in.Articles) {
		return errors.New("its ArticleCount is not the number of its Articles")
	}
	shown := in.Articles[:min(most, len(in.Articles))]
	lines := []string{}
	for _, a := range shown {
		lines = append(lines, strings.TrimSpace(a.Title+" "+a.Description+" "+a.Url))
	}
	m.Title, m.URL, m.Text = shown[0].Title, shown[0].Url, strings.Join(lines, "\n")
	return nil
}
