package sandbox

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxReplyDepth    = 10
	maxReplyElements = 1000
)

// heed carries out what was answered to a callback of the app: words for the member of staff
// who caused it, or another look of the card that was pressed. An empty answer and "success"
// say nothing; what cannot be read is noted and changes nothing, as nobody is told of it on
// the platform.
func (s *Sandbox) heed(now time.Time, cb *Callback, answer string) {
	if text := strings.TrimSpace(answer); !cb.answerable || text == "" || text == "success" {
		return
	}
	if err := s.takeReply(now, cb, answer); err != nil {
		s.note(now, EntryMessage, cb.Who, nil, both("the answer to %s was not understood: %v", "对 %s 的回复看不懂：%v", cb.Kind, err))
	}
}

// takeReply opens the envelope of an answer and does what is inside.
func (s *Sandbox) takeReply(now time.Time, cb *Callback, answer string) error {
	var envelope struct {
		XMLName                                 xml.Name `xml:"xml"`
		Encrypt, MsgSignature, TimeStamp, Nonce string
	}
	if err := xml.Unmarshal([]byte(answer), &envelope); err != nil || envelope.Encrypt == "" {
		return errors.New("it is no encrypted answer")
	}
	plain, err := s.codec.Open(envelope.MsgSignature, envelope.TimeStamp, envelope.Nonce, envelope.Encrypt)
	if err != nil {
		return err
	}
	fields, err := xmlFields(plain)
	if err != nil {
		return err
	}
	in := newArgs(fields)
	if !strings.EqualFold(in.text("to_user_name"), cb.Who) || in.text("from_user_name") != s.cfg.CorpID {
		return errors.New("ToUserName and FromUserName are not those of the callback, exchanged")
	}
	c := &call{s: s, now: now, in: in}
	switch kind := in.text("msg_type"); kind {
	case "text", "image", "voice", "video", "news":
		err = c.answerMember(cb, kind)
	case "update_button", "update_template_card":
		err = c.answerPress(cb, kind)
	default:
		return fmt.Errorf("its MsgType is %q", kind)
	}
	if f := in.failed(); err == nil && f != nil {
		return errors.New(f.msg)
	}
	return err
}

// answerMember shows an answer to the member of staff who caused the callback.
func (c *call) answerMember(cb *Callback, kind string) error {
	m := &AppMessage{At: c.now, Type: kind, Passive: true}
	switch kind {
	case "text":
		text := c.in.need("content", codeEmptyText)
		m.Text = strings.ToValidUTF8(text[:min(len(text), textBytes)], "")
	case "image", "voice", "video":
		part := c.in.part(kind)
		c.mediaID(part, "media_id", kind)
		m.Text = joined(part.text("title"), part.text("description"), c.mediaName(part))
	case "news":
		articles := c.in.part("articles").parts("item")
		if len(articles) == 0 || len(articles) > maxArticles {
			return fmt.Errorf("it must have 1 to %d articles", maxArticles)
		}
		var lines []string
		for _, a := range articles {
			lines = append(lines, a.need("title", codeNoTitle), a.text("description"))
		}
		m.Text = joined(lines...)
	}
	u := c.s.office.find(cb.Who)
	if c.in.failed() == nil && u != nil {
		m.Body = encode(c.in.fields)
		c.s.showMessage(c.now, m, []*Staff{u})
	}
	return nil
}

// answerPress changes the card that was pressed for the one who pressed it, which uses up the
// response code of the press.
func (c *call) answerPress(cb *Callback, kind string) error {
	rc := c.s.apps.codes[cb.responseCode]
	if rc == nil || rc.used {
		return errors.New("no card was pressed, or it was changed already")
	}
	var change cardChange
	if kind == "update_button" {
		change.button = c.in.part("button").need("replace_name", codeNoButtonText)
	} else {
		part := c.in.part("template_card")
		change.card, change.button = c.readCard(part, cardUpdated), part.text("replace_text")
	}
	if c.in.failed() == nil {
		rc.used = true
		c.s.changeCard(c.now, rc.card, []string{cb.Who}, change)
	}
	return nil
}

// xmlFields turns a message in XML into the fields that the same has in JSON, so that both are
// read by the same code: MainTitle becomes main_title, elements that are lists become arrays.
func xmlFields(message []byte) (map[string]any, error) {
	dec := xml.NewDecoder(bytes.NewReader(message))
	left := maxReplyElements
	for {
		token, err := dec.Token()
		if _, doctype := token.(xml.Directive); err != nil || doctype {
			return nil, errors.New("what is inside is no XML")
		}
		if start, ok := token.(xml.StartElement); ok {
			v, err := xmlValue(dec, start.Name.Local, maxReplyDepth, &left)
			fields, ok := v.(map[string]any)
			if err != nil || !ok || start.Name.Local != "xml" {
				return nil, errors.New("what is inside is no message")
			}
			return fields, nil
		}
	}
}

// xmlValue reads an element to its end: an object if there are elements inside, else its text.
func xmlValue(dec *xml.Decoder, name string, depth int, left *int) (any, error) {
	if *left--; depth == 0 || *left < 0 {
		return nil, errors.New("too deep or too long")
	}
	var fields map[string]any
	var text strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if fields != nil {
				return fields, nil
			}
			return xmlScalar(name, strings.TrimSpace(text.String())), nil
		case xml.StartElement:
			v, err := xmlValue(dec, token.Name.Local, depth-1, left)
			if err != nil {
				return nil, err
			}
			if fields == nil {
				fields = map[string]any{}
			}
			key := fieldName(token.Name.Local)
			if key == "item" || strings.HasSuffix(key, "_list") {
				list, _ := fields[key].([]any)
				v = append(list, v)
			}
			fields[key] = v
		}
	}
}

// xmlScalar gives a text the type that it has in JSON.
func xmlScalar(name, text string) any {
	switch name {
	case "Type", "DescColor", "Style", "Mode", "AspectRatio":
		if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
			return json.Number(text)
		}
	case "IsChecked":
		return text == "true" || text == "1"
	}
	return text
}

// fieldName is the name in JSON of an element.
func fieldName(element string) string {
	if slices.Contains([]string{"KeyName", "PagePath", "AppId", "UserId"}, element) {
		return strings.ToLower(element)
	}
	var out strings.Builder
	for i, r := range element {
		if unicode.IsUpper(r) && i > 0 {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
