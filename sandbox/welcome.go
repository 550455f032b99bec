package sandbox

import (
	"slices"
	"time"
)

const (
	welcomeLife  = 20 * time.Second
	welcomeBytes = 4000

	codeNoWelcome   = 41049
	codeBadWelcome  = 41050
	codeWelcomeUsed = 41051
)

// Welcome is one welcome code and what became of it. Codes that nobody issued appear too,
// without User, with the attempts to use them.
type Welcome struct {
	Code        string
	User        string // userid
	Customer    string // external_userid
	IssuedAt    time.Time
	SentAt      time.Time // zero: the customer was not welcomed
	Text        string    // what the customer received
	Attachments []Attachment
	Attempts    []WelcomeAttempt
}

// WelcomeAttempt is one call to use a code.
type WelcomeAttempt struct {
	At      time.Time
	Errcode int // 0: it was sent
	Text    string
}

// welcomes are all codes, in the order of their first appearance.
type welcomes struct {
	all    []*Welcome
	byCode map[string]*Welcome
}

func newWelcomes() welcomes { return welcomes{byCode: map[string]*Welcome{}} }

// used reports whether a code has brought a welcome.
func (w *welcomes) used(code string) bool {
	found := w.byCode[code]
	return found != nil && !found.SentAt.IsZero()
}

func (w *welcomes) add(found *Welcome) *Welcome {
	w.all = append(w.all, found)
	w.byCode[found.Code] = found
	return found
}

// issueWelcome makes the code for a new contact.
func (s *Sandbox) issueWelcome(now time.Time, k *Contact) string {
	code := s.dice.draw("welcome", alphabetID, 43)
	s.welcomes.add(&Welcome{Code: code, User: k.User, Customer: k.Customer, IssuedAt: now})
	return code
}

// Welcomes returns all welcome codes, oldest first, with every attempt to use them.
func (s *Sandbox) Welcomes() []Welcome {
	s.enter()
	defer s.leave()
	return copied(s.welcomes.all, func(w *Welcome) { w.Attempts = slices.Clone(w.Attempts) })
}

func welcomeAPIs() map[string]api {
	return map[string]api{"externalcontact/send_welcome_msg": write(sendWelcome)}
}

// sendWelcome welcomes a new contact: once for a code, within 20 seconds of the event.
// See https://developer.work.weixin.qq.com/document/path/92137
func sendWelcome(c *call) (reply, *failure) {
	code := c.in.need("welcome_code", codeNoWelcome)
	text := c.in.part("text")
	content := text.maxBytes("content", text.text("content"), welcomeBytes)
	attached := c.attachments()
	if content == "" && len(attached) == 0 {
		c.in.bad(codeEmptyText, "text and attachments are both empty")
	}
	w := c.s.welcomes.byCode[code]
	if w == nil && code != "" {
		w = c.s.welcomes.add(&Welcome{Code: code})
	}
	f := c.in.failed()
	switch {
	case f != nil:
	case w.User == "" || !c.now.Before(w.IssuedAt.Add(welcomeLife)):
		f = refuse(codeBadWelcome, "invalid welcome code")
	case !w.SentAt.IsZero():
		f = refuse(codeWelcomeUsed, "externaluser has started chatting")
	}
	if w != nil {
		attempt := WelcomeAttempt{At: c.now, Text: content}
		if f != nil {
			attempt.Errcode = f.code
		}
		w.Attempts = append(w.Attempts, attempt)
	}
	if f != nil {
		return nil, f
	}
	w.SentAt, w.Text, w.Attachments = c.now, content, attached
	c.s.note(c.now, EntryWelcome, w.Customer, nil,
		both("welcomed by %s after %v: %s", "收到 %s 的欢迎语，隔了 %v：%s", w.User, c.now.Sub(w.IssuedAt).Round(time.Millisecond), content))
	return nil, nil
}
