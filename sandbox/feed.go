package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const keepSaid = 100_000

// Message is what somebody says in a group.
type Message struct {
	Type  string // text (the default), link, image, card, miniprogram or file
	Text  string
	URL   string
	Title string
}

// Said is something said in a group and what the feed answered.
type Said struct {
	MessageID string
	Chat      string // chat_id
	Sender    string // userid or external_userid
	At        time.Time
	Message   Message
	Posted    bool      // the feed answered 200
	Answer    string    // how that answer began
	Attempts  []Attempt // of posting it to the feed
}

// Say lets a member of a group say a text in it and returns the message id.
func (s *Sandbox) Say(chat, person, text string) (string, error) {
	return s.Share(chat, person, Message{Text: text})
}

// Share lets a member of a group say or show something in it and returns the message id. It
// is posted to the feed, if there is one, with the same retries as a callback.
func (s *Sandbox) Share(chat, person string, m Message) (string, error) {
	now := s.enter()
	defer s.leave()
	g, who, err := s.member(chat, person)
	if err != nil {
		return "", fmt.Errorf("say in %s: %w", chat, err)
	}
	if m.Type == "" {
		m.Type = "text"
	}
	if !slices.Contains([]string{"text", "link", "image", "card", "miniprogram", "file"}, m.Type) {
		return "", fmt.Errorf("say in %s: type %q is none of text, link, image, card, miniprogram, file", chat, m.Type)
	}
	if m.Text == "" && m.URL == "" && m.Title == "" {
		return "", fmt.Errorf("say in %s: %w", chat, errors.New("nothing to say"))
	}
	if who.staff && s.intercept(now, s.office.find(who.user), g, m.Title+m.Text+m.URL) {
		return "", fmt.Errorf("say in %s: %w", chat, ErrIntercepted)
	}
	g.talk.say(now, who.user)
	p := &s.post
	p.lastSaid++
	said := &Said{MessageID: fmt.Sprintf("msg%08d", p.lastSaid), Chat: g.id, Sender: who.user, At: now, Message: m}
	if len(p.said) >= keepSaid {
		p.said = slices.Clone(p.said[keepSaid/10:])
	}
	p.said = append(p.said, said)
	s.note(now, EntrySay, who.user, g, bare(m.Title+m.Text))
	if s.feedURL != "" {
		p.open++
		s.dispatch(now, &letter{said: said, try: 1})
	}
	return said.MessageID, nil
}

// SaidInGroups returns everything said so far, oldest first. After a hundred thousand the
// oldest is forgotten.
func (s *Sandbox) SaidInGroups() []Said {
	s.enter()
	defer s.leave()
	return copied(s.post.said, func(said *Said) { said.Attempts = slices.Clone(said.Attempts) })
}

// SaidIn returns the newest things said in one group, at most so many, oldest first.
func (s *Sandbox) SaidIn(chat string, limit int) []Said {
	s.enter()
	defer s.leave()
	var some []*Said
	for _, said := range slices.Backward(s.post.said) {
		if said.Chat == chat {
			some = append(some, said)
		}
		if len(some) == limit {
			break
		}
	}
	slices.Reverse(some)
	return copied(some, func(said *Said) { said.Attempts = slices.Clone(said.Attempts) })
}

// request makes the post to the feed. The signature is HMAC-SHA256 over the seconds, a dot
// and the body.
func (said *Said) request(s *Sandbox, now time.Time) (*http.Request, error) {
	body := map[string]any{
		"message_id": said.MessageID, "chat_id": said.Chat, "sender": said.Sender,
		"sent_at": said.At.In(shanghai()).Format(time.RFC3339), "type": said.Message.Type,
	}
	for name, v := range map[string]string{"text": said.Message.Text, "url": said.Message.URL, "title": said.Message.Title} {
		if v != "" {
			body[name] = v
		}
	}
	data := encode(body)
	req, err := http.NewRequest(http.MethodPost, s.feedURL, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("feed address: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(s.feedSecret))
	fmt.Fprintf(mac, "%d.%s", now.Unix(), data)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Xiaobu-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(mac.Sum(nil))))
	return req, nil
}

// answered records what the feed said.
func (said *Said) answered(s *Sandbox, now time.Time, l *letter, status int, answer string, err error) {
	a := Attempt{At: now, Copy: 1, Try: l.try, Status: status, Answer: clip(answer)}
	if err != nil {
		a.Err = err.Error()
	}
	said.Attempts = append(said.Attempts, a)
	text := bare(fmt.Sprintf("%s → %d %s", said.MessageID, status, clip(answer)))
	if status == http.StatusOK {
		said.Posted, said.Answer = true, clip(answer)
	} else if l.try == maxTries {
		text = text.and(", given up", "，放弃了")
	}
	s.note(now, EntryFeed, said.Sender, s.rooms.byID[said.Chat], text)
}

// shanghai is the zone of the platform; it has had no summer time since 1991.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }
