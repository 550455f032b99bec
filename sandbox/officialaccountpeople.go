package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// How somebody came to follow the account, as subscribe_scene names it.
const (
	BySearch  = "ADD_SCENE_SEARCH"
	ByCode    = "ADD_SCENE_QR_CODE"
	ByCard    = "ADD_SCENE_PROFILE_CARD"
	ByLink    = "ADD_SCENE_PROFILE_LINK"
	ByMenu    = "ADD_SCENE_PROFILE_ITEM"
	ByPaid    = "ADD_SCENE_PAID"
	ByAdvert  = "ADD_SCENE_WECHAT_ADVERTISEMENT"
	ByMoved   = "ADD_SCENE_ACCOUNT_MIGRATION"
	ByReprint = "ADD_SCENE_REPRINT"
	ByOther   = "ADD_SCENE_OTHERS"
)

// Follower is somebody who follows the official account, did so once, or is known to it by
// web login only. It is the same person as the customer with its union id.
type Follower struct {
	OpenID     string
	Customer   string    // external_userid
	UnionID    string    // "" if the customer has none
	Subscribed bool      // follows now
	Since      time.Time // of the latest following; zero: never
	Scene      string    // one of the By constants
	CodeScene  string    // of the code that was scanned for it, "" for none
	CodeNumber bool      // CodeScene is a number (QR_SCENE, QR_LIMIT_SCENE)
	Remark     string
	Tags       []int // in the order of tagging
	Blocked    bool  // by the account
	// NoTemplates is set while the person refuses template messages.
	NoTemplates bool

	talk, touch replyWindow // what may be sent after a message, and after a menu click, following or scan
	menu        *accountMenu
	menuAt      time.Time
	typing      time.Time
	grants      map[string]int // notices that may be sent, by template
	scenes      map[string]int // one-time messages that may be sent, by scene
}

// openIDOf is the id of a customer at the official account; who shares a union id is the
// same person.
func (s *Sandbox) openIDOf(p *Customer) string {
	key := p.UnionID
	if key == "" {
		key = "customer " + p.ID
	}
	r := s.dice.fresh("openid " + s.cfg.Account.AppID + " " + key)
	return "o" + drawFrom(s.dice.fresh("openid "+s.cfg.Account.AppID), alphabetID, 5) + drawFrom(r, alphabetID+"_-", 22)
}

// follower returns what the account knows of a person, whom it now knows at least by openid;
// person is an external_userid or an openid.
func (s *Sandbox) follower(person string) (*Follower, error) {
	if f := s.account.byOpenID[person]; f != nil {
		return f, nil
	}
	p := s.clientele.byID[person]
	switch {
	case p == nil:
		return nil, fmt.Errorf("customer %s: %w", person, ErrNotFound)
	case p.Corp != "":
		return nil, fmt.Errorf("customer %s is a WeCom user of another company, only WeChat users meet the account", person)
	}
	id := s.openIDOf(p)
	f := s.account.byOpenID[id]
	if f == nil {
		f = &Follower{OpenID: id, Customer: p.ID, UnionID: p.UnionID}
		s.account.byOpenID[id] = f
		s.account.followers = append(s.account.followers, f)
	}
	return f, nil
}

// subscribed is follower for those who must be following.
func (s *Sandbox) subscribed(person string) (*Follower, error) {
	f, err := s.follower(person)
	if err == nil && !f.Subscribed {
		return nil, fmt.Errorf("customer %s does not follow the official account", person)
	}
	return f, err
}

// Followers returns everybody the official account knows by openid, in the order of getting
// to know them.
func (s *Sandbox) Followers() []Follower {
	s.enter()
	defer s.leave()
	return copied(s.account.followers, func(f *Follower) { f.Tags = slices.Clone(f.Tags) })
}

// Follow lets a customer (an external_userid, or an openid) follow the official account in
// one of the By ways, "" being BySearch, and returns the openid. Scanning a code is
// ScanAccountCode.
func (s *Sandbox) Follow(person, scene string) (string, error) {
	now := s.enter()
	defer s.leave()
	if scene == "" {
		scene = BySearch
	}
	if !slices.Contains([]string{BySearch, ByCard, ByLink, ByMenu, ByPaid, ByAdvert, ByMoved, ByReprint, ByOther}, scene) {
		return "", fmt.Errorf("follow: %q is no way of following", scene)
	}
	f, err := s.follower(person)
	switch {
	case err != nil:
		return "", fmt.Errorf("follow: %w", err)
	case f.Subscribed:
		return "", fmt.Errorf("follow: customer %s follows already", person)
	}
	s.follow(now, f, scene, nil)
	return f.OpenID, nil
}

// follow makes a follower of somebody, through a code or without one.
func (s *Sandbox) follow(now time.Time, f *Follower, scene string, code *AccountCode) {
	f.Subscribed, f.Since, f.Scene, f.CodeScene, f.CodeNumber = true, now, scene, "", false
	f.touch = openTouch(now)
	x := s.newPush(now, f, "event")
	x.text("Event", "subscribe")
	if code == nil {
		x.text("EventKey", "")
	} else {
		f.CodeScene, f.CodeNumber = code.Scene, code.Number
		x.text("EventKey", "qrscene_"+code.Scene)
		x.text("Ticket", code.Ticket)
	}
	s.note(now, EntryAccount, f.Customer, nil, both("follows the official account", "关注了公众号"))
	s.push(now, f, "subscribe", x)
}

// Unfollow lets a person stop following. The account forgets remark and tags.
func (s *Sandbox) Unfollow(person string) error {
	now := s.enter()
	defer s.leave()
	f, err := s.subscribed(person)
	if err != nil {
		return fmt.Errorf("unfollow: %w", err)
	}
	f.Subscribed, f.Remark, f.Tags = false, "", nil
	f.talk, f.touch, f.menu = replyWindow{}, replyWindow{}, nil
	x := s.newPush(now, f, "event")
	x.text("Event", "unsubscribe")
	x.text("EventKey", "")
	s.note(now, EntryAccount, f.Customer, nil, both("follows the official account no more", "取消关注了公众号"))
	s.push(now, f, "unsubscribe", x)
	return nil
}

// ScanAccountCode lets a person scan a code of the account, by its ticket or url: who does
// not follow yet does so by it (event subscribe), who does makes the event SCAN.
func (s *Sandbox) ScanAccountCode(person, code string) error {
	now := s.enter()
	defer s.leave()
	f, err := s.follower(person)
	if err != nil {
		return fmt.Errorf("scan account code: %w", err)
	}
	i := slices.IndexFunc(s.account.codes, func(c *AccountCode) bool { return c.Ticket == code || c.URL == code })
	if i < 0 {
		return fmt.Errorf("scan account code: code %w", ErrNotFound)
	}
	c := s.account.codes[i]
	if c.over(now) {
		return errors.New("scan account code: the code has expired")
	}
	if !f.Subscribed {
		s.follow(now, f, ByCode, c)
		return nil
	}
	f.touch = openTouch(now)
	x := s.newPush(now, f, "event")
	x.text("Event", "SCAN")
	x.text("EventKey", c.Scene)
	x.text("Ticket", c.Ticket)
	s.note(now, EntryAccount, f.Customer, nil, both("scans a code of the official account", "扫了公众号的码"))
	s.push(now, f, "SCAN", x)
	return nil
}

// AccountSaying is what a person sends to the account. Which fields count depends on Type:
// text (the default) Text; image and voice neither, their file is made up and can be fetched
// with media/get; location Latitude, Longitude, Text (the label); link Title, Text, URL.
type AccountSaying struct {
	Type                string
	Text                string
	Title, URL          string
	Latitude, Longitude float64
}

// TellAccount lets a follower write to the account and returns the MsgId. It opens the
// window of 48 hours for five messages.
func (s *Sandbox) TellAccount(person string, what AccountSaying) (string, error) {
	now := s.enter()
	defer s.leave()
	f, err := s.subscribed(person)
	if err != nil {
		return "", fmt.Errorf("tell account: %w", err)
	}
	if what.Type == "" {
		what.Type = "text"
	}
	if len(what.Text) > textBytes || len(what.Title) > textBytes || len(what.URL) > urlBytes {
		return "", fmt.Errorf("tell account: a text has at most %d bytes", textBytes)
	}
	x := s.newPush(now, f, what.Type)
	switch what.Type {
	case "text":
		if what.Text == "" {
			return "", errors.New("tell account: a text must not be empty")
		}
		x.text("Content", what.Text)
	case "image":
		file := s.sentFile(now, "image")
		x.text("PicUrl", s.fileURL(file))
		x.text("MediaId", file.id)
	case "voice":
		x.text("MediaId", s.sentFile(now, "voice").id)
		x.text("Format", "amr")
	case "location":
		x.number6("Location_X", what.Latitude)
		x.number6("Location_Y", what.Longitude)
		x.number("Scale", 16)
		x.text("Label", what.Text)
	case "link":
		x.text("Title", what.Title)
		x.text("Description", what.Text)
		x.text("Url", what.URL)
	default:
		return "", fmt.Errorf("tell account: type %q must be text, image, voice, location or link", what.Type)
	}
	id := s.account.nextMsg()
	x.number("MsgId", id)
	s.note(now, EntryAccount, f.Customer, nil, both("writes to the official account (%s)", "给公众号发消息(%s)", what.Type))
	if !f.Blocked { // the platform keeps it to itself
		f.talk = openTalk(now)
		s.push(now, f, what.Type, x)
	}
	return strconv.FormatInt(id, 10), nil
}

// ReportLocation makes the event LOCATION of a follower who lets the account know the place.
func (s *Sandbox) ReportLocation(person string, latitude, longitude, precision float64) error {
	now := s.enter()
	defer s.leave()
	f, err := s.subscribed(person)
	if err != nil {
		return fmt.Errorf("report location: %w", err)
	}
	x := s.newPush(now, f, "event")
	x.text("Event", "LOCATION")
	x.number6("Latitude", latitude)
	x.number6("Longitude", longitude)
	x.number6("Precision", precision)
	s.push(now, f, "LOCATION", x)
	return nil
}

// number6 writes an element with six decimals.
func (x *event) number6(name string, v float64) {
	x.b.WriteString("<" + name + ">" + strconv.FormatFloat(v, 'f', 6, 64) + "</" + name + ">\n")
}

// nextSent is the id of the next message to a person, as template messages have them.
func (a *account) nextSent() int64 {
	a.lastSent++
	return 200_000_000 + a.lastSent
}

// nextMsg is the MsgId of the next message from a person, as large as they are: JSON readers
// that make floating-point numbers of it lose its end.
func (a *account) nextMsg() int64 {
	a.lastMsg++
	return 24_000_000_000_000_000 + a.lastMsg
}
