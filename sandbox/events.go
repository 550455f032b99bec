package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// event is the message inside a callback while it is written, one element a line in the
// order of the platform's samples.
type event struct{ b strings.Builder }

// newEvent begins an event of the company.
func (s *Sandbox) newEvent(now time.Time, name string) *event {
	return s.newEventFrom(now, "sys", name)
}

// newEventFrom begins an event that a member of staff caused.
func (s *Sandbox) newEventFrom(now time.Time, from, name string) *event {
	x := s.newMessageFrom(now, from, "event")
	x.text("Event", name)
	return x
}

// newMessageFrom begins a message of a type.
func (s *Sandbox) newMessageFrom(now time.Time, from, kind string) *event {
	x := &event{}
	x.b.WriteString("<xml>\n")
	x.text("ToUserName", s.cfg.CorpID)
	x.text("FromUserName", from)
	x.number("CreateTime", now.Unix())
	x.text("MsgType", kind)
	return x
}

// text writes an element as CDATA.
func (x *event) text(name, v string) {
	x.b.WriteString("<" + name + ">" + cdata(v) + "</" + name + ">\n")
}

// number writes an element without CDATA.
func (x *event) number(name string, v int64) {
	x.b.WriteString("<" + name + ">" + strconv.FormatInt(v, 10) + "</" + name + ">\n")
}

// items writes a list of members.
func (x *event) items(name string, ids []string) {
	x.b.WriteString("<" + name + ">\n")
	for _, id := range ids {
		x.text("Item", id)
	}
	x.b.WriteString("</" + name + ">\n")
}

// xml ends the event.
func (x *event) xml() string { return x.b.String() + "</xml>" }

// cdata wraps a text, also one that contains the end mark of CDATA. What XML cannot hold in any
// way, such as a NUL in a name, is left out.
func cdata(v string) string {
	v = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
			return -1
		}
		return r
	}, v)
	return "<![CDATA[" + strings.ReplaceAll(v, "]]>", "]]]]><![CDATA[>") + "]]>"
}
