package archive

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Actions and types of messages that are no talk.
const (
	actionSend   = "send"
	actionRecall = "recall"
	actionSwitch = "switch" // a member changed to another company of his; neither sender nor text

	typeAgree    = "agree"
	typeDisagree = "disagree"
	typeRevoke   = "revoke"
)

// Message is a message of the archive in clear.
type Message struct {
	ID     string
	Action string
	Type   string
	From   string
	Room   string // empty: between two people
	At     time.Time
	body   body
}

// number is a number that may come in quotes.
type number int64

// UnmarshalJSON reads 12, "12" and 1.2e1.
func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = number(v)
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > 1<<53 {
		return errors.New("no number")
	}
	*n = number(f)
	return nil
}

// moment reads a time of the archive. It is milliseconds, unlike everywhere else at WeCom;
// what is too small for that is taken for seconds.
func moment(n number) time.Time {
	const earliest = 100_000_000_000 // in milliseconds 1973
	if n < earliest {
		return time.Unix(int64(n), 0).UTC()
	}
	return time.UnixMilli(int64(n)).UTC()
}

// parse reads a message in clear. The body stands under the name of the type, but that of
// markdown and news under info, and that of a red packet from outside under redpacket.
func parse(data []byte) (Message, error) {
	var head struct {
		ID     string `json:"msgid"`
		Action string `json:"action"`
		From   string `json:"from"`
		Room   string `json:"roomid"`
		Time   number `json:"msgtime"`
		Type   string `json:"msgtype"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Message{}, errors.New("is no JSON of a message") // the decoder's words may repeat the text
	}
	m := Message{ID: head.ID, Action: head.Action, Type: head.Type, From: head.From, Room: head.Room, At: moment(head.Time)}
	switch {
	case m.ID == "":
		return m, errors.New("has no msgid")
	case m.Action == actionSwitch:
		return m, nil
	case m.Type == "" || m.From == "" || head.Time <= 0:
		return m, errors.New("lacks msgtype, from or msgtime")
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return m, errors.New("is no JSON of a message")
	}
	for _, name := range []string{m.Type, "info", "redpacket"} {
		if raw, ok := parts[name]; ok {
			m.body = readBody(raw)
			break
		}
	}
	return m, nil
}

// body holds what the bodies of all types say in words, and what else is needed of them.
type body struct {
	Content     string   `json:"content"` // text, markdown, todo; items: a body in a text
	Title       string   `json:"title"`
	Description string   `json:"description"`
	LinkURL     string   `json:"link_url"`
	URL         string   `json:"url"`
	CorpName    string   `json:"corpname"`
	UserID      string   `json:"userid"`
	DisplayName string   `json:"displayname"`
	FileName    string   `json:"filename"`
	FileID      string   `json:"sdkfileid"`
	SphName     string   `json:"sph_name"`
	FeedDesc    string   `json:"feed_desc"`
	Wish        string   `json:"wish"`
	Address     string   `json:"address"`
	Place       string   `json:"place"`
	Remarks     string   `json:"remarks"`
	Topic       string   `json:"topic"`
	VoteTitle   string   `json:"votetitle"`
	VoteItem    []string `json:"voteitem"`
	Items       []item   `json:"item"`
	Details     []struct {
		Question string `json:"ques"`
	} `json:"details"`

	PreMsgID     string `json:"pre_msgid"`
	AgreeTime    number `json:"agree_time"`
	DisagreeTime number `json:"disagree_time"`
}

// item is one part of a mixed message, a forwarded conversation, or news.
type item struct {
	Type string `json:"type"`
	body
}

// readBody reads what it can: a field of another shape than the documents say must not hide
// the others.
func readBody(raw []byte) body {
	var b body
	_ = json.Unmarshal(raw, &b) // after a wrong type it goes on, and what cannot be read is empty
	return b
}

// sameMessage compares ids of messages: those of messages from outside end in _external,
// but not always where they are referred to.
func sameMessage(id string) string { return strings.TrimSuffix(id, "_external") }

// Who a message is from, by the form of the id.
const (
	fromCustomer = iota
	fromStaff
	fromRobot
)

// sender tells customers (wm…, wo…) from robots (wb…) and staff. A member of staff whose user id
// looks like a customer's is taken for one: the feed knows its staff and does not judge them.
func sender(id string) int {
	const shortest = 20 // of the ids that WeCom makes up; user ids such as wbing are shorter
	switch {
	case strings.HasPrefix(id, "wm"), strings.HasPrefix(id, "wo"):
		return fromCustomer
	case strings.HasPrefix(id, "wb") && len(id) >= shortest:
		return fromRobot
	}
	return fromStaff
}
