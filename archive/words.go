package archive

import (
	"strings"
	"unicode/utf8"
)

// Limits of what is passed on, in bytes. The feed reads as much of a text.
const (
	maxText  = 64 << 10
	maxTitle = 4 << 10
	maxURL   = 8 << 10
	// maxDepth and maxItems bound conversations that are forwarded within conversations.
	maxDepth = 4
	maxItems = 1000
)

// said is what a message says, in the shape of the feed.
type said struct {
	kind  string // type of the feed
	text  string
	title string
	url   string
	file  string // of a picture, at WeCom
}

// say turns the body of a message into what the feed can judge. Pictures, stickers, films and
// voices say nothing, but who sends many of them floods, so they are passed on without text.
// ok is false for types that are no speech (calls, rooms) or not known.
func say(kind string, b body, depth int) (s said, ok bool) {
	switch kind {
	case "text", "markdown":
		s = said{kind: "text", text: b.Content}
	case "link":
		s = said{kind: "link", title: b.Title, text: b.Description, url: b.LinkURL}
	case "docmsg":
		s = said{kind: "link", title: b.Title, url: b.LinkURL}
	case "card":
		// The id tells one recommended person from another.
		s = said{kind: "card", title: b.CorpName, text: b.UserID}
	case "weapp":
		s = said{kind: "miniprogram", title: lines(b.DisplayName, b.Title), text: b.Description}
	case "sphfeed":
		s = said{kind: "link", title: b.SphName, text: b.FeedDesc}
	case "image":
		s = said{kind: "image", file: b.FileID}
	case "emotion":
		s = said{kind: "image"}
	case "video", "voice":
		s = said{kind: "file"}
	case "file":
		s = said{kind: "file", title: b.FileName}
	case "redpacket", "external_redpacket":
		s = said{kind: "text", text: b.Wish}
	case "location":
		s = said{kind: "text", title: b.Title, text: b.Address}
	case "vote":
		s = said{kind: "text", title: b.VoteTitle, text: lines(b.VoteItem...)}
	case "collect":
		s = said{kind: "text", title: b.Title, text: questions(b)}
	case "todo":
		s = said{kind: "text", title: b.Title, text: b.Content}
	case "calendar":
		s = said{kind: "text", title: b.Title, text: lines(b.Place, b.Remarks)}
	case "meeting":
		s = said{kind: "text", title: b.Topic, text: lines(b.Address, b.Remarks)}
	case "mixed", "chatrecord", "news":
		s = together(kind, b, depth)
	default:
		return said{}, false
	}
	s.text, s.title, s.url = clip(s.text, maxText), clip(s.title, maxTitle), clip(s.url, maxURL)
	return s, true
}

// together puts the words of the parts one below the other; the first address and the first
// picture stand for the whole, other addresses stand among the words.
func together(kind string, b body, depth int) said {
	s := said{kind: "text", title: b.Title}
	if kind == "news" {
		s.kind = "link"
	}
	if depth >= maxDepth {
		return s
	}
	var words []string
	size := 0
	for _, it := range b.Items[:min(len(b.Items), maxItems)] {
		part := it.say(kind, depth+1)
		if s.url == "" {
			s.url, part.url = part.url, ""
		}
		if s.file == "" {
			s.file = part.file
		}
		text := lines(part.title, part.text, part.url)
		words, size = append(words, text), size+len(text)
		if size > maxText {
			break
		}
	}
	s.text = lines(words...)
	return s
}

// say reads one part. News are links; the others carry a body of their own in a text.
func (it item) say(kind string, depth int) said {
	if kind == "news" {
		return said{title: it.Title, text: it.Description, url: it.URL}
	}
	// ChatRecordText is a text; ChatRecord alone, a conversation within the conversation.
	inner := strings.ToLower(strings.TrimPrefix(it.Type, "ChatRecord"))
	if inner == "" {
		inner = "chatrecord"
	}
	s, _ := say(inner, readBody([]byte(it.Content)), depth)
	return s
}

func questions(b body) string {
	var out []string
	for _, d := range b.Details {
		out = append(out, d.Question)
	}
	return lines(out...)
}

// lines puts texts one below the other and leaves out empty ones.
func lines(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}

// clip cuts a text to at most n bytes, between letters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
