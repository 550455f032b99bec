package sandbox

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	robotPerMinute  = 20
	robotTextBytes  = 2048
	robotMarkBytes  = 4096
	robotImageBytes = 2 << 20

	codeBadRobot = 93000
)

// Robot is a group robot (消息推送), which speaks in one internal group through a webhook.
type Robot struct {
	Key       string // of the webhook: whoever has it can speak
	Name      string
	ChatID    string // of the internal group
	RemovedAt time.Time
}

// robot is a Robot while it is kept.
type robot struct {
	Robot
	spoken window
}

// robots are all robots there ever were.
type robots struct {
	all   []*robot
	byKey map[string]*robot
}

func newRobots() robots { return robots{byKey: map[string]*robot{}} }

// AddRobot adds a robot to an internal group (an app chat, or one made by hand) and returns
// the key of its webhook. Customer groups have no robots.
func (s *Sandbox) AddRobot(chatID, name string) (string, error) {
	now := s.enter()
	defer s.leave()
	if s.appRooms.byID[chatID] == nil {
		return "", fmt.Errorf("add a robot to %s: internal group: %w", chatID, ErrNotFound)
	}
	if name == "" {
		return "", errors.New("add a robot: want a name")
	}
	hexes := s.dice.draw("robot", alphabetHex, 32)
	key := strings.Join([]string{hexes[:8], hexes[8:12], hexes[12:16], hexes[16:20], hexes[20:]}, "-")
	r := &robot{Robot: Robot{Key: key, Name: name, ChatID: chatID}}
	s.robots.all, s.robots.byKey[key] = append(s.robots.all, r), r
	s.note(now, EntryMessage, "", nil, both("the robot %s was added to %s", "机器人 %s 加到了 %s", name, s.appRooms.byID[chatID].Name))
	return key, nil
}

// RemoveRobot takes a robot out of its group; its key is worth nothing from now on.
func (s *Sandbox) RemoveRobot(key string) error {
	now := s.enter()
	defer s.leave()
	r := s.robots.byKey[key]
	if r == nil || !r.RemovedAt.IsZero() {
		return fmt.Errorf("remove a robot: %w", ErrNotFound)
	}
	r.RemovedAt = now
	return nil
}

// Robots returns all robots there ever were, oldest first.
func (s *Sandbox) Robots() []Robot {
	s.enter()
	defer s.leave()
	out := make([]Robot, 0, len(s.robots.all))
	for _, r := range s.robots.all {
		out = append(out, r.Robot)
	}
	return out
}

func robotAPIs() map[string]api {
	return map[string]api{
		"webhook/send":         {method: http.MethodPost, token: noToken, do: speakAsRobot},
		"webhook/upload_media": {method: http.MethodPost, token: noToken, upload: true, do: uploadForRobot},
	}
}

// namedRobot finds the robot of a call by the key in its address.
func (c *call) namedRobot() *failure {
	c.robot = c.s.robots.byKey[c.query.Get("key")]
	if c.robot == nil || !c.robot.RemovedAt.IsZero() {
		return refuse(codeBadRobot, "invalid webhook url")
	}
	return nil
}

// speakAsRobot says something in the group of a robot: at most twenty times in a minute.
// See https://developer.work.weixin.qq.com/document/path/99110
func speakAsRobot(c *call) (reply, *failure) {
	if f := c.namedRobot(); f != nil {
		return nil, f
	}
	in := c.in
	kind := in.need("msgtype", codeBadMsgType)
	m := AppChatMessage{At: c.now, Type: kind, Robot: c.robot.Name}
	switch part := in.part(kind); kind {
	case "text":
		m.Text = part.within("content", robotTextBytes)
		m.Mentioned = c.mentioned(part)
	case "markdown":
		m.Text = part.within("content", robotMarkBytes)
		m.Mentioned = c.mentionedInside(m.Text)
	case "markdown_v2":
		m.Text = part.within("content", robotMarkBytes)
	case "image":
		readRobotImage(part)
	case "news":
		m.Text = readNews(part, false)
	case "file", "voice":
		m.Text = c.readMessage(kind)
	case "template_card":
		m.Text = c.readCard(part, cardOfRobot).Text
	default:
		in.bad(codeBadMsgType, "invalid message type")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	if !c.robot.spoken.pass(c.now, time.Minute, robotPerMinute) {
		return nil, refuse(codeTooMany, "api freq out of limit")
	}
	c.s.sayInside(c.now, c.s.appRooms.byID[c.robot.ChatID], m)
	return nil, nil
}

// within reads a text of at most n bytes; robots have words of their own for a longer one.
func (a args) within(name string, n int) string {
	v := a.need(name, codeEmptyText)
	if len(v) > n {
		a.bad(codeBadParam, "%s%s exceed max length %d. invalid Request Parameter", a.where, name, n)
	}
	return v
}

// mentioned reads whom a text names by userid or telephone number; all of the group with
// @all. Who is not known is not mentioned, without a word.
func (c *call) mentioned(in args) []string {
	ids, mobiles := in.list("mentioned_list", maxRecipients), in.list("mentioned_mobile_list", maxRecipients)
	var out []string
	for _, u := range c.s.office.staff {
		byID := slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, u.UserID) })
		if !u.Resigned && (byID || len(mobiles) > 0 && slices.Contains(mobiles, c.s.mobileOf(u))) {
			out = append(out, u.UserID)
		}
	}
	if slices.Contains(ids, "@all") || slices.Contains(mobiles, "@all") {
		out = append(out, "@all")
	}
	return out
}

// mentionedInside finds <@userid> in a text.
func (c *call) mentionedInside(text string) []string {
	var out []string
	for _, u := range c.s.office.staff {
		if strings.Contains(strings.ToLower(text), "<@"+strings.ToLower(u.UserID)+">") {
			out = append(out, u.UserID)
		}
	}
	return out
}

// readRobotImage checks an image inside a message and its checksum. The code for a wrong
// checksum is not published.
func readRobotImage(in args) {
	text, sum := in.need("base64", codeEmptyMedia), in.need("md5", codeEmptyParam)
	data, err := base64.StdEncoding.DecodeString(text)
	got := md5.Sum(data)
	switch {
	case err != nil:
		in.bad(codeBadParam, "invalid Request Parameter: %sbase64", in.where)
	case len(data) > robotImageBytes:
		in.bad(codeImageSize, "invalid image size: %sbase64 holds more than %d bytes", in.where, robotImageBytes)
	case !strings.EqualFold(hex.EncodeToString(got[:]), sum):
		in.bad(codeBadParam, "invalid Request Parameter: %smd5 does not match", in.where)
	case !bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) && !bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		in.bad(codeBadFormat, "invalid file type: %sbase64 is neither JPG nor PNG", in.where)
	}
}

// uploadForRobot keeps a file that one robot may send for three days.
// See https://developer.work.weixin.qq.com/document/path/99110
func uploadForRobot(c *call) (reply, *failure) {
	if f := c.namedRobot(); f != nil {
		return nil, f
	}
	kind := c.query.Get("type")
	if kind != "file" && kind != "voice" {
		return nil, refuse(codeBadMediaType, "invalid media type")
	}
	out, f := c.keepUpload(kind, purposeRobot)
	if f == nil {
		c.s.media.byID[out["media_id"].(string)].robot = c.robot.Key
	}
	return out, f
}
