package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// userTextBytes is the most that the client sends as one text.
const userTextBytes = 2048

// WriteToApp lets a member of staff write to the app, and makes the message of type text. It
// returns the MsgId.
func (s *Sandbox) WriteToApp(user, text string) (string, error) {
	if text == "" || len(text) > userTextBytes {
		return "", fmt.Errorf("write to the app: want a text of at most %d bytes", userTextBytes)
	}
	return s.tellApp(user, "text", text, func(x *event, _ time.Time) { x.text("Content", text) })
}

// SendToApp lets a member of staff send the app an image (JPG or PNG), a voice (AMR) or a
// video (MP4), and makes the message of this type. The file can be fetched for three days. It
// returns the MsgId.
func (s *Sandbox) SendToApp(user, kind, name string, data []byte) (string, error) {
	u := upload{name: name, data: data}
	if !slices.Contains([]string{"image", "voice", "video"}, kind) {
		return "", fmt.Errorf("send to the app: %q is no image, voice or video", kind)
	}
	f := u.checkSize(kind)
	if f == nil {
		f = u.checkFormat(kind)
	}
	if f != nil {
		return "", fmt.Errorf("send to the app: %s", f.msg)
	}
	return s.tellApp(user, kind, name, func(x *event, now time.Time) {
		id := s.putMedia(now, u, kind, purposeClient).MediaID
		switch kind {
		case "image":
			x.text("PicUrl", s.hangPicture(data))
			x.text("MediaId", id)
		case "voice":
			x.text("MediaId", id)
			x.text("Format", "amr")
		case "video":
			x.text("MediaId", id)
			thumb := upload{name: "thumb.png", data: Picture(id)}
			x.text("ThumbMediaId", s.putMedia(now, thumb, "image", purposeClient).MediaID)
		}
	})
}

// tellApp makes a message from a member of staff to the app.
func (s *Sandbox) tellApp(user, kind, text string, fill func(x *event, now time.Time)) (string, error) {
	now := s.enter()
	defer s.leave()
	u, err := s.appUser(user)
	if err != nil {
		return "", fmt.Errorf("write to the app: %w", err)
	}
	id := int64(1_000_000_000_000_000 + s.dice.stream("message to the app").Int64N(9_000_000_000_000_000))
	x := s.newMessageFrom(now, u.UserID, kind)
	fill(x, now)
	x.number("MsgId", id)
	x.number("AgentID", s.cfg.AgentID)
	s.note(now, EntryMessage, u.UserID, nil, both("wrote to the app: %s", "对应用说：%s", text))
	s.emit(now, x, Callback{Kind: "message." + kind, Who: u.UserID, AppEvent: true, answerable: true})
	return strconv.FormatInt(id, 10), nil
}

// UseApp lets a member of staff do something with the app that makes an event: subscribe and
// unsubscribe (the app comes into their sight, or goes out of it), enter_agent (they open it),
// click (key is that of the menu's button) or view (key is its address).
func (s *Sandbox) UseApp(user, name, key string) error {
	now := s.enter()
	defer s.leave()
	u, err := s.appUser(user)
	wantsKey := name == "click" || name == "view"
	switch {
	case err != nil:
	case !slices.Contains([]string{"subscribe", "unsubscribe", "enter_agent", "click", "view"}, name):
		err = errors.New("want subscribe, unsubscribe, enter_agent, click or view")
	case wantsKey != (key != ""):
		err = errors.New("a key belongs to click and view")
	}
	if err != nil {
		return fmt.Errorf("use the app, %q by %s: %w", name, user, err)
	}
	x := s.newEventFrom(now, u.UserID, name)
	if wantsKey || name == "enter_agent" {
		x.text("EventKey", key)
	}
	x.number("AgentID", s.cfg.AgentID)
	s.note(now, EntryMessage, u.UserID, nil, both("used the app: %s %s", "用了应用：%s %s", name, key))
	s.emit(now, x, Callback{Kind: name, Who: u.UserID, AppEvent: true, answerable: name != "unsubscribe"})
	return nil
}

// appUser finds a member of staff who sees the app.
func (s *Sandbox) appUser(user string) (*Staff, error) {
	u := s.office.find(user)
	if u == nil || u.Resigned {
		return nil, ErrNotFound
	}
	if u.Hidden {
		return nil, errors.New("the app is not in their sight")
	}
	return u, nil
}
