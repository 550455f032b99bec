package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot/wecom/crypt"
)

const (
	smartAnswerBytes = 20_480
	smartImages      = 10
	feedbackIDBytes  = 256
	smartPolls       = time.Second // between two questions how a stream goes on; not published
	smartStreamLife  = 6 * time.Minute
	smartReplyLife   = time.Hour
)

// SmartRobot is a smart robot (智能机器人) in API mode: staff talk to it alone, or name it in an
// internal group. It has a callback of its own.
type SmartRobot struct {
	ID          string // aibotid
	Name        string
	CallbackURL string
	Token       string // at most 32 letters and digits
	AESKey      string // 43 characters
}

// Talk is one thing that a smart robot was told, and what it answered.
type Talk struct {
	MsgID    string
	Robot    string // aibotid
	At       time.Time
	User     string
	ChatID   string   // empty: the two are alone
	Type     string   // text, or the event: enter_chat, template_card_event, feedback_event
	Text     string   // of the question
	Attempts int      // deliveries of the question itself
	Answer   string   // as it is shown now
	Card     string   // text of the card in the answer
	Buttons  []Button // of that card
	Finished bool     // the answer will not grow any more
	Feedback string   // id under which the answer can be judged
	Later    string   // what the robot said through response_url
	Problem  string   // why the last answer was not shown
}

// smartTalk is a Talk while it is kept.
type smartTalk struct {
	Talk
	robot    *smartRobot
	body     reply // of the question
	tries    int
	stream   string // id of the growing answer
	kind     string // of the card
	task     string
	answered bool // response_url was used
}

type smartRobot struct {
	SmartRobot
	codec   *crypt.Codec
	entered map[string]string // day of the last enter_chat by userid
}

// smartRobots are all smart robots and what was said.
type smartRobots struct {
	byID   map[string]*smartRobot
	talks  []*smartTalk
	byCode map[string]*smartTalk // by response_code
}

func newSmartRobots() smartRobots {
	return smartRobots{byID: map[string]*smartRobot{}, byCode: map[string]*smartTalk{}}
}

// AddSmartRobot adds a smart robot to the company.
func (s *Sandbox) AddSmartRobot(r SmartRobot) error {
	s.enter()
	defer s.leave()
	codec, bad := crypt.New(r.Token, r.AESKey, "") // the receiver of these envelopes has no name
	switch {
	case r.ID == "" || r.Name == "" || len(r.Token) > 32:
		return errors.New("add smart robot: want an id, a name and a token of at most 32 characters")
	case !webAddress(r.CallbackURL):
		return fmt.Errorf("add smart robot %s: its CallbackURL is no web address", r.ID)
	case bad != nil:
		return fmt.Errorf("add smart robot %s: %w", r.ID, bad)
	case s.smart.byID[r.ID] != nil:
		return fmt.Errorf("add smart robot %s: it exists", r.ID)
	}
	s.smart.byID[r.ID] = &smartRobot{SmartRobot: r, codec: codec, entered: map[string]string{}}
	return nil
}

// SmartRobots returns the company's smart robots, sorted by ID.
func (s *Sandbox) SmartRobots() []SmartRobot {
	s.enter()
	defer s.leave()
	var out []SmartRobot
	for _, id := range slices.Sorted(maps.Keys(s.smart.byID)) {
		out = append(out, s.smart.byID[id].SmartRobot)
	}
	return out
}

// Talks returns everything that smart robots were told, oldest first.
func (s *Sandbox) Talks() []Talk {
	s.enter()
	defer s.leave()
	out := make([]Talk, 0, len(s.smart.talks))
	for _, t := range s.smart.talks {
		out = append(out, t.Talk)
	}
	return out
}

// AskSmartRobot lets a member of staff write to a smart robot, alone or, with the id of an
// internal group that they are in, by naming it there. It returns the msgid.
func (s *Sandbox) AskSmartRobot(robot, user, chatID, text string) (string, error) {
	now := s.enter()
	defer s.leave()
	t, err := s.newTalk(now, robot, user, chatID, "text")
	if err == nil && text == "" {
		err = errors.New("want a text")
	}
	if err != nil {
		return "", fmt.Errorf("ask smart robot %s: %w", robot, err)
	}
	if chatID != "" {
		text = "@" + t.robot.Name + " " + text
	}
	t.Text = text
	t.body["msgtype"], t.body["text"] = "text", reply{"content": text}
	code := s.dice.draw("smart reply", alphabetID, 43)
	s.smart.byCode[code] = t
	t.body["response_url"] = s.cfg.PublicURL + apiPrefix + "aibot/response?response_code=" + code
	s.tellRobot(now, t, maxTries)
	return t.MsgID, nil
}

// EnterSmartRobot lets a member of staff open the chat with a smart robot. Only the first time
// in a day makes the event enter_chat.
func (s *Sandbox) EnterSmartRobot(robot, user string) error {
	now := s.enter()
	defer s.leave()
	r, u, day := s.smart.byID[robot], s.office.find(user), quotaDay(now)
	if r != nil && u != nil && r.entered[u.UserID] == day {
		return nil
	}
	t, err := s.newTalk(now, robot, user, "", "enter_chat")
	if err != nil {
		return fmt.Errorf("enter smart robot %s: %w", robot, err)
	}
	r.entered[t.User] = day
	t.event(s, now, reply{})
	s.tellRobot(now, t, maxTries)
	return nil
}

// PressSmartCard lets a member of staff press a button of the card that a smart robot answered
// to a question. The event is delivered once, whatever comes back.
func (s *Sandbox) PressSmartCard(msgID, user, key string) error {
	now := s.enter()
	defer s.leave()
	of, err := s.talkWith(msgID, func(t *smartTalk) bool {
		return slices.ContainsFunc(t.Buttons, func(b Button) bool { return b.Key == key })
	})
	var t *smartTalk
	if err == nil {
		t, err = s.newTalk(now, of.Robot, user, of.ChatID, "template_card_event")
	}
	if err != nil {
		return fmt.Errorf("press %s of the card at %s: %w", key, msgID, err)
	}
	t.Text = key
	t.event(s, now, reply{"template_card_event": reply{"card_type": of.kind, "event_key": key, "task_id": of.task}})
	s.tellRobot(now, t, 1)
	return nil
}

// JudgeSmartAnswer lets a member of staff judge an answer that a smart robot gave an id for
// feedback: verdict 1 accurate, 2 inaccurate, 3 taken back.
func (s *Sandbox) JudgeSmartAnswer(msgID, user string, verdict int, words string) error {
	now := s.enter()
	defer s.leave()
	of, err := s.talkWith(msgID, func(t *smartTalk) bool { return t.Feedback != "" && verdict >= 1 && verdict <= 3 })
	var t *smartTalk
	if err == nil {
		t, err = s.newTalk(now, of.Robot, user, of.ChatID, "feedback_event")
	}
	if err != nil {
		return fmt.Errorf("judge the answer at %s: %w", msgID, err)
	}
	t.Text = words
	t.event(s, now, reply{"feedback_event": reply{"id": of.Feedback, "type": verdict, "content": words}})
	s.tellRobot(now, t, maxTries)
	return nil
}

// talkWith finds a question whose answer has something.
func (s *Sandbox) talkWith(msgID string, has func(*smartTalk) bool) (*smartTalk, error) {
	i := slices.IndexFunc(s.smart.talks, func(t *smartTalk) bool { return t.MsgID == msgID })
	if i < 0 || !has(s.smart.talks[i]) {
		return nil, ErrNotFound
	}
	return s.smart.talks[i], nil
}

// newTalk begins something that a robot is told.
func (s *Sandbox) newTalk(now time.Time, robot, user, chatID, kind string) (*smartTalk, error) {
	r, u, a := s.smart.byID[robot], s.office.find(user), s.appRooms.byID[chatID]
	switch {
	case r == nil || u == nil || u.Resigned || chatID != "" && a == nil:
		return nil, ErrNotFound
	case a != nil && !slices.Contains(a.Members, u.UserID):
		return nil, errors.New("they are not in the group")
	}
	t := &smartTalk{robot: r, Talk: Talk{MsgID: s.dice.draw("smart message", alphabetID, 32), Robot: robot, At: now, User: u.UserID, ChatID: chatID, Type: kind}}
	t.body = reply{"msgid": t.MsgID, "aibotid": r.ID, "chattype": "single", "from": reply{"userid": u.UserID}}
	if chatID != "" {
		t.body["chattype"], t.body["chatid"] = "group", chatID
	}
	return t, nil
}

// event makes a question an event.
func (t *smartTalk) event(s *Sandbox, now time.Time, inside reply) {
	inside["eventtype"] = t.Type
	t.body["msgtype"], t.body["event"], t.body["create_time"] = "event", inside, now.Unix()
	t.body["from"] = reply{"userid": t.User, "corpid": s.cfg.CorpID}
	if t.Type == "enter_chat" {
		delete(t.body, "chattype")
	}
}

// tellRobot puts a question into the mail.
func (s *Sandbox) tellRobot(now time.Time, t *smartTalk, tries int) {
	s.smart.talks = append(s.smart.talks, t)
	s.note(now, EntryMessage, t.User, nil, both("told %s %s %s", "对 %s 说 %s %s", t.robot.Name, t.Type, t.Text))
	s.mailRobot(now, t, t.body, 1, tries)
}

// mailRobot plans one delivery to a smart robot, and the tries after it.
func (s *Sandbox) mailRobot(at time.Time, t *smartTalk, body reply, try, tries int) {
	s.post.open++
	s.later(&s.mail, at, func(ctx context.Context) {
		req, err := s.sealSmart(t, body, try)
		status, answer := 0, ""
		if err == nil {
			status, answer, err = s.exchange(ctx, req, answerTime)
		}
		now := s.enter()
		defer s.leave()
		s.post.open--
		if err != nil && ctx.Err() != nil {
			s.mailRobot(now, t, body, try, tries)
			return
		}
		if body["msgtype"] != "stream" {
			t.Attempts++
		}
		switch {
		case status == http.StatusOK:
			s.hearRobot(now, t, answer)
		case try < tries:
			s.mailRobot(now.Add(retryAfter(try+1)), t, body, try+1, tries)
		default:
			t.Problem = fmt.Sprintf("answered HTTP %d", status)
		}
	})
}

// sealSmart makes the request of a question.
func (s *Sandbox) sealSmart(t *smartTalk, body reply, try int) (*http.Request, error) {
	now := s.enter()
	defer s.leave()
	t.tries++
	r := s.dice.fresh(fmt.Sprintf("smart envelope %s %d %d", t.MsgID, t.tries, try))
	encrypted := t.robot.codec.Seal(encode(body), random16(r.Uint64(), r.Uint64()))
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), drawFrom(r, alphabetDigits, 10)
	u, err := url.Parse(t.robot.CallbackURL)
	if err != nil {
		return nil, fmt.Errorf("callback address: %w", err)
	}
	q := u.Query()
	q.Set("msg_signature", t.robot.codec.Sign(timestamp, nonce, encrypted))
	q.Set("timestamp", timestamp)
	q.Set("nonce", nonce)
	u.RawQuery = q.Encode()
	req, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(string(encode(reply{"encrypt": encrypted}))))
	if err != nil {
		return nil, fmt.Errorf("callback address: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// hearRobot shows what a smart robot answered at once. An empty answer says nothing.
func (s *Sandbox) hearRobot(now time.Time, t *smartTalk, answer string) {
	t.Problem = ""
	if strings.TrimSpace(answer) == "" {
		return
	}
	var envelope struct {
		Encrypt, MsgSignature, Nonce string
		Timestamp                    json.Number
	}
	err := json.Unmarshal([]byte(answer), &envelope)
	var plain []byte
	if err == nil {
		plain, err = t.robot.codec.Open(envelope.MsgSignature, envelope.Timestamp.String(), envelope.Nonce, envelope.Encrypt)
	}
	if err != nil {
		t.Problem = "the answer is no envelope: " + err.Error()
		return
	}
	in, f := decodeArgs(plain)
	if f == nil {
		c := &call{s: s, now: now, in: in}
		c.takeSmartAnswer(t)
		f = in.failed()
	}
	if f != nil {
		t.Problem = f.msg
		return
	}
	if t.stream != "" && !t.Finished {
		s.askOn(now, t)
	}
}

// takeSmartAnswer reads an answer of a type that its question allows.
func (c *call) takeSmartAnswer(t *smartTalk) {
	in := c.in
	kind := in.need("msgtype", codeBadMsgType)
	switch {
	case t.Type == "feedback_event":
		in.bad(codeBadMsgType, "invalid message type: nothing can be answered to a feedback_event")
	case kind == "text" && t.Type == "enter_chat":
		if text := in.part("text").need("content", codeEmptyText); in.failed() == nil {
			t.Answer, t.Finished = text, true
		}
	case kind == "update_template_card" && t.Type == "template_card_event", kind == "template_card" && t.Type != "template_card_event":
		c.takeSmartCard(t)
	case kind == "stream" && t.Type == "text":
		c.takeStream(t)
	case kind == "stream_with_template_card" && t.Type == "text":
		c.takeStream(t)
		if in.has("template_card") {
			c.takeSmartCard(t)
		}
	default:
		in.bad(codeBadMsgType, "invalid message type: msgtype %q to %s", kind, t.Type)
	}
}

func (c *call) takeSmartCard(t *smartTalk) {
	card := c.readCard(c.in.part("template_card"), cardOfSmart)
	if c.in.failed() == nil {
		t.Card, t.Buttons, t.kind, t.task = card.Text, card.Buttons, card.CardType, card.TaskID
	}
}

// takeStream reads how far an answer has grown; images come with its end only.
func (c *call) takeStream(t *smartTalk) {
	in := c.in.part("stream")
	id, end := in.need("id", codeEmptyParam), in.flag("finish", false)
	content := in.maxBytes("content", in.text("content"), smartAnswerBytes)
	feedback := in.part("feedback")
	judged := feedback.maxBytes("id", feedback.text("id"), feedbackIDBytes)
	images := in.parts("msg_item")
	if len(images) > smartImages || len(images) > 0 && !end {
		in.bad(codeBadParam, "invalid Request Parameter: %smsg_item takes %d images, at the end of the stream", in.where, smartImages)
	}
	if t.stream != "" && id != t.stream {
		in.bad(codeBadParam, "invalid Request Parameter: %sid is not that of the stream", in.where)
	}
	if in.failed() == nil {
		t.stream, t.Answer, t.Finished, t.Feedback = id, content, end, orText(judged, t.Feedback)
	}
}

// askOn asks how a stream goes on, for six minutes.
func (s *Sandbox) askOn(now time.Time, t *smartTalk) {
	next := now.Add(smartPolls)
	if next.Sub(t.At) >= smartStreamLife {
		t.Finished = true
		return
	}
	body := reply{"msgtype": "stream", "stream": reply{"id": t.stream}}
	for _, name := range []string{"aibotid", "chatid", "chattype", "from"} {
		if v := t.body[name]; v != nil {
			body[name] = v
		}
	}
	body["msgid"] = s.dice.draw("smart message", alphabetID, 32)
	s.mailRobot(next, t, body, 1, 1)
}

func smartRobotAPIs() map[string]api {
	return map[string]api{"aibot/response": {method: http.MethodPost, token: noToken, do: answerLater}}
}

// answerLater says something more about a question: once, within an hour.
// See https://developer.work.weixin.qq.com/document/path/101138
func answerLater(c *call) (reply, *failure) {
	t := c.s.smart.byCode[c.query.Get("response_code")]
	if t == nil || t.answered || c.now.Sub(t.At) >= smartReplyLife {
		return nil, refuse(codeBadReply, "invalid response_code")
	}
	text, part := "", c.in.part("markdown")
	switch kind := c.in.need("msgtype", codeBadMsgType); {
	case kind == "markdown":
		text = part.maxBytes("content", part.need("content", codeEmptyText), smartAnswerBytes)
		feedback := part.part("feedback")
		feedback.maxBytes("id", feedback.text("id"), feedbackIDBytes)
	case kind == "template_card" && t.ChatID == "":
		text = c.readCard(c.in.part("template_card"), cardOfSmart).Text
	default:
		c.in.bad(codeBadMsgType, "invalid message type: markdown, or a template_card where the two are alone")
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t.answered, t.Later = true, text
	c.s.note(c.now, EntryMessage, t.User, nil, bare(t.robot.Name+": "+text))
	return nil, nil
}
