package sandbox

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	textBytes        = 2048
	cardTitleBytes   = 128
	cardDescBytes    = 512
	maxArticles      = 8
	articleTitle     = 128
	articleDesc      = 512
	articleAuthor    = 64
	articleBytes     = 666 << 10
	noticeItems      = 10
	noticeTitleLeast = 4 // characters
	noticeTitleMost  = 12
	noticeKeyChars   = 10
	noticeValueChars = 30

	codeNoArticles   = 44003
	codeManyArticles = 45008
)

// appChatTypes are what may be said in the app's internal chats; to staff it may send two
// kinds more.
func appChatTypes() []string {
	return []string{"text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown"}
}

// readMessage reads the body of a message of any type but template_card and returns what
// there is to read in it.
func (c *call) readMessage(kind string) string {
	part := c.in.part(kind)
	switch kind {
	case "text":
		// A text that is too long is cut, not refused, at a character's beginning.
		text := part.need("content", codeEmptyText)
		return strings.ToValidUTF8(text[:min(len(text), textBytes)], "")
	case "markdown":
		return part.maxBytes("content", part.need("content", codeEmptyText), textBytes)
	case "textcard":
		title := part.maxBytes("title", part.need("title", codeNoTitle), cardTitleBytes)
		text := part.maxBytes("description", part.need("description", codeEmptyText), cardDescBytes)
		part.link("url", urlBytes, codeNoURL)
		part.maxChars("btntxt", part.text("btntxt"), 4)
		return title + "\n" + text
	case "image", "voice", "file":
		c.mediaID(part, "media_id", kind)
		return c.mediaName(part)
	case "video":
		c.mediaID(part, "media_id", kind)
		title := part.maxBytes("title", part.text("title"), articleTitle)
		desc := part.maxBytes("description", part.text("description"), articleDesc)
		return joined(title, desc, c.mediaName(part))
	case "news":
		return readNews(part, true)
	case "mpnews":
		return c.readArticles(part)
	case "miniprogram_notice":
		return readNotice(part)
	}
	return ""
}

// mediaName is the name of the file that a message carries.
func (c *call) mediaName(in args) string {
	if f := c.s.media.byID[in.text("media_id")]; f != nil {
		return f.Name
	}
	return ""
}

// joined puts what is not empty one below the other.
func joined(lines ...string) string {
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

// articles reads one to eight articles.
func articles(in args) []args {
	all := in.parts("articles")
	switch {
	case len(all) == 0:
		in.bad(codeNoArticles, "missing %sarticles", in.where)
	case len(all) > maxArticles:
		in.bad(codeManyArticles, "%sarticles has more than %d entries", in.where, maxArticles)
	}
	return all
}

// readNews reads articles that lead to an address, or to a mini program where those exist.
func readNews(in args, mini bool) string {
	var lines []string
	for _, a := range articles(in) {
		lines = append(lines, a.maxBytes("title", a.need("title", codeNoTitle), articleTitle))
		lines = append(lines, a.maxBytes("description", a.text("description"), articleDesc))
		a.link("picurl", urlBytes, 0)
		if appID, page := a.text("appid"), a.text("pagepath"); mini && appID != "" {
			if page == "" {
				a.bad(codeEmptyParam, "missing %spagepath", a.where)
			}
			a.link("url", urlBytes, 0)
			continue
		}
		a.link("url", urlBytes, codeNoURL)
	}
	return joined(lines...)
}

// readArticles reads articles that WeCom keeps itself.
func (c *call) readArticles(in args) string {
	var lines []string
	for _, a := range articles(in) {
		lines = append(lines, a.maxBytes("title", a.need("title", codeNoTitle), articleTitle))
		c.mediaID(a, "thumb_media_id", "image")
		a.maxBytes("author", a.text("author"), articleAuthor)
		a.link("content_source_url", urlBytes, 0)
		a.maxBytes("content", a.need("content", codeEmptyText), articleBytes)
		lines = append(lines, a.maxBytes("digest", a.text("digest"), articleDesc))
	}
	return joined(lines...)
}

// readNotice reads a notice that opens a mini program.
func readNotice(in args) string {
	in.need("appid", codeEmptyParam)
	in.maxBytes("page", in.text("page"), 1024)
	title := in.need("title", codeNoTitle)
	desc := in.text("description")
	for _, v := range []string{title, desc} {
		if n := utf8.RuneCountInString(v); v != "" && (n < noticeTitleLeast || n > noticeTitleMost) {
			in.bad(codeBadParam, "invalid Request Parameter: %stitle and description must have %d to %d characters", in.where, noticeTitleLeast, noticeTitleMost)
		}
	}
	in.flag("emphasis_first_item", false)
	items := in.parts("content_item")
	if len(items) > noticeItems {
		in.bad(codeBadParam, "invalid Request Parameter: %scontent_item has more than %d entries", in.where, noticeItems)
	}
	lines := []string{title, desc}
	for _, item := range items {
		key := item.maxChars("key", item.need("key", codeEmptyParam), noticeKeyChars)
		value := item.maxChars("value", item.need("value", codeEmptyParam), noticeValueChars)
		lines = append(lines, key+": "+value)
	}
	return joined(lines...)
}
