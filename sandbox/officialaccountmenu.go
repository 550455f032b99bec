package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	topButtons     = 3
	subButtons     = 5
	topNameBytes   = 16
	subNameBytes   = 60
	keyBytes       = 128
	menuURLBytes   = 1024
	menuSeenFor    = 5 * time.Minute // how long a person's phone keeps the menu it has
	codeButtons    = 40016
	codeButtonKind = 40017
	codeButtonName = 40018
	codeButtonKey  = 40019
	codeButtonURL  = 40020
	codeSubButtons = 40023
	codeSubKind    = 40024
	codeSubName    = 40025
	codeSubKey     = 40026
	codeSubURL     = 40027
	codeNoMenu     = 46003
)

// accountMenu is the menu at the foot of the account.
type accountMenu struct {
	id      int64
	buttons []menuButton
}

type menuButton struct {
	Type      string       `json:"type,omitempty"`
	Name      string       `json:"name"`
	Key       string       `json:"key,omitempty"`
	URL       string       `json:"url,omitempty"`
	MediaID   string       `json:"media_id,omitempty"`
	AppID     string       `json:"appid,omitempty"`
	PagePath  string       `json:"pagepath,omitempty"`
	SubButton []menuButton `json:"sub_button"`
}

func accountMenuAPIs() map[string]api {
	return map[string]api{
		"menu/create":               accountWrite(createMenu),
		"menu/get":                  accountRead(getMenu),
		"menu/delete":               accountRead(deleteMenu),
		"get_current_selfmenu_info": accountRead(getShownMenu),
	}
}

// createMenu replaces the menu.
// See https://developers.weixin.qq.com/doc/service/api/custommenu/api_createcustommenu.html
func createMenu(c *call) (reply, *failure) {
	list := c.in.parts("button")
	if len(list) < 1 || len(list) > topButtons {
		c.in.bad(codeButtons, "invalid button size: button must have 1 to %d entries", topButtons)
	}
	m := &accountMenu{id: c.s.account.lastMenu + 1}
	for _, in := range list {
		b := menuButton{Name: in.text("name")}
		subs := in.parts("sub_button")
		switch {
		case len(subs) > subButtons:
			in.bad(codeSubButtons, "invalid sub button size: %ssub_button has more than %d entries", in.where, subButtons)
		case len(subs) == 0:
			c.readButton(in, &b, false)
		}
		if b.Name == "" || len(b.Name) > topNameBytes {
			in.bad(codeButtonName, "invalid button name size: %sname must have 1 to %d bytes", in.where, topNameBytes)
		}
		for _, sub := range subs {
			s := menuButton{Name: sub.text("name")}
			if s.Name == "" || len(s.Name) > subNameBytes {
				sub.bad(codeSubName, "invalid sub button name size: %sname must have 1 to %d bytes", sub.where, subNameBytes)
			}
			c.readButton(sub, &s, true)
			b.SubButton = append(b.SubButton, s)
		}
		m.buttons = append(m.buttons, b)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	c.s.account.menu, c.s.account.lastMenu = m, m.id
	return nil, nil
}

// readButton reads what a button does when it is pressed.
func (c *call) readButton(in args, b *menuButton, sub bool) {
	kind, key, link := codeButtonKind, codeButtonKey, codeButtonURL
	if sub {
		kind, key, link = codeSubKind, codeSubKey, codeSubURL
	}
	b.Type = in.text("type")
	withURL := func() {
		b.URL = in.text("url")
		if b.URL == "" || len(b.URL) > menuURLBytes {
			in.bad(link, "invalid button url size: %surl must have 1 to %d bytes", in.where, menuURLBytes)
		}
	}
	switch b.Type {
	case "view":
		withURL()
	case "miniprogram":
		withURL()
		b.AppID, b.PagePath = in.need("appid", codeBadCorp), in.need("pagepath", link)
	case "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select":
		b.Key = in.text("key")
		if b.Key == "" || len(b.Key) > keyBytes {
			in.bad(key, "invalid button key size: %skey must have 1 to %d bytes", in.where, keyBytes)
		}
	case "media_id":
		b.MediaID = in.text("media_id")
		if !c.s.account.isMaterial(b.MediaID) {
			in.bad(codeBadMediaID, "invalid media_id: %smedia_id", in.where)
		}
	default:
		in.bad(kind, "invalid button type: %stype", in.where)
	}
}

// getMenu answers the menu.
// See https://developers.weixin.qq.com/doc/service/api/custommenu/api_getmenu.html
func getMenu(c *call) (reply, *failure) {
	m := c.s.account.menu
	if m == nil {
		return nil, refuse(codeNoMenu, "menu no exist")
	}
	return reply{"menu": reply{"button": shownButtons(m.buttons)}}, nil
}

// shownButtons gives every button its list of those below, be it empty, as the platform does.
func shownButtons(list []menuButton) []menuButton {
	out := slices.Clone(list)
	for i := range out {
		out[i].SubButton = shownButtons(append([]menuButton{}, out[i].SubButton...))
	}
	return out
}

// deleteMenu takes the menu away.
// See https://developers.weixin.qq.com/doc/service/api/custommenu/api_deletemenu.html
func deleteMenu(c *call) (reply, *failure) {
	c.s.account.menu = nil
	return nil, nil
}

// getShownMenu answers the menu in the other form that the platform has for it.
// See https://developers.weixin.qq.com/doc/service/api/custommenu/api_getcurrentselfmenuinfo.html
func getShownMenu(c *call) (reply, *failure) {
	m := c.s.account.menu
	if m == nil {
		return reply{"is_menu_open": 0, "selfmenu_info": reply{"button": []reply{}}}, nil
	}
	list := []reply{}
	for _, b := range m.buttons {
		one := b.selfMenu()
		if len(b.SubButton) > 0 {
			subs := []reply{}
			for _, sub := range b.SubButton {
				subs = append(subs, sub.selfMenu())
			}
			one["sub_button"] = reply{"list": subs}
		}
		list = append(list, one)
	}
	return reply{"is_menu_open": 1, "selfmenu_info": reply{"button": list}}, nil
}

func (b menuButton) selfMenu() reply {
	out := reply{"name": b.Name}
	for _, field := range []struct{ name, value string }{
		{"type", b.Type}, {"key", b.Key}, {"url", b.URL}, {"value", b.MediaID}, {"appid", b.AppID}, {"pagepath", b.PagePath},
	} {
		if field.value != "" {
			out[field.name] = field.value
		}
	}
	return out
}

// find returns the first button that does something and has a name, key or url.
func (m *accountMenu) find(what string) *menuButton {
	for i := range m.buttons {
		b := &m.buttons[i]
		for j := range b.SubButton {
			if sub := &b.SubButton[j]; what == sub.Name || what == sub.Key || what == sub.URL {
				return sub
			}
		}
		if len(b.SubButton) == 0 && (what == b.Name || what == b.Key || what == b.URL) {
			return b
		}
	}
	return nil
}

// ClickMenu lets a follower press a button of the account's menu, told by its name, key or
// url: click makes the event CLICK, view and miniprogram make VIEW and view_miniprogram, and
// media_id brings the file. The other kinds are not simulated. A phone asks for the menu
// again when the one it has is five minutes old; until then the person has the old one.
func (s *Sandbox) ClickMenu(person, what string) error {
	now := s.enter()
	defer s.leave()
	f, err := s.subscribed(person)
	if err != nil {
		return fmt.Errorf("click menu: %w", err)
	}
	if f.menuAt.IsZero() || now.Sub(f.menuAt) >= menuSeenFor {
		f.menu, f.menuAt = s.account.menu, now
	}
	if f.menu == nil {
		return errors.New("click menu: the account shows the person no menu")
	}
	b := f.menu.find(what)
	if b == nil || what == "" {
		return fmt.Errorf("click menu: button %q: %w", what, ErrNotFound)
	}
	x := s.newPush(now, f, "event")
	switch b.Type {
	case "click":
		f.touch = openTouch(now)
		x.text("Event", "CLICK")
		x.text("EventKey", b.Key)
		s.push(now, f, "CLICK", x)
	case "view":
		x.text("Event", "VIEW")
		x.text("EventKey", b.URL)
		x.number("MenuId", f.menu.id)
		s.push(now, f, "VIEW", x)
	case "miniprogram":
		x.text("Event", "view_miniprogram")
		x.text("EventKey", b.PagePath)
		x.number("MenuId", f.menu.id)
		s.push(now, f, "view_miniprogram", x)
	case "media_id":
		s.showAccountMessage(now, f, AccountMessage{Via: ViaReply, Type: "media", MediaID: b.MediaID})
	default:
		return fmt.Errorf("click menu: button %q: %s is not simulated", what, b.Type)
	}
	s.note(now, EntryAccount, f.Customer, nil, both("presses %s in the official account", "点了公众号菜单 %s", b.Name))
	return nil
}

// AccountMenu returns the buttons of the account's menu that do something, each with its name
// and what it carries (key, url, pagepath or media_id), from left to right and down; none if
// there is no menu.
func (s *Sandbox) AccountMenu() []Button {
	s.enter()
	defer s.leave()
	if s.account.menu == nil {
		return nil
	}
	var out []Button
	for _, top := range s.account.menu.buttons {
		for _, b := range append([]menuButton{top}, top.SubButton...) {
			if b.Type != "" {
				out = append(out, Button{Text: b.Name, Key: cmp.Or(b.Key, b.URL, b.PagePath, b.MediaID)})
			}
		}
	}
	return out
}
