package handlers

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"xiaobu/bot"
)

// unknownPlaceholder finds a {name} of letters that is not among the known ones. Braces
// around anything else are left to the text.
func unknownPlaceholder(text string, known []string) (string, bool) {
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			return "", false
		}
		name, _, closed := strings.Cut(rest, "}")
		if closed && isWord(name) && !slices.Contains(known, name) {
			return name, true
		}
		text = rest
	}
}

// CheckPlaceholders refuses a text with a {name} that nothing will be filled in for.
func CheckPlaceholders(field, text string, known []string) error {
	if name, ok := unknownPlaceholder(text, known); ok {
		return Invalidf(field, "has the unknown placeholder {%s}; known are {%s}", name, strings.Join(known, "} {"))
	}
	return nil
}

func isWord(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

// CheckAttachment refuses an attachment that lacks what its type needs or is too long for
// WeCom.
func CheckAttachment(at string, a bot.Attachment) error {
	if err := checkLengths(at, a); err != nil {
		return err
	}
	file := a.MediaID + a.Media
	switch a.Type {
	case bot.AttachImage:
		if file == "" && a.ImageURL == "" {
			return Invalidf(at+".image_url", "is missing: an image needs image_url, media or media_id")
		}
		return CheckURL(at+".image_url", a.ImageURL, false)
	case bot.AttachLink:
		if a.Title == "" {
			return Invalidf(at+".title", "is missing: a link needs a title")
		}
		if err := CheckURL(at+".url", a.URL, true); err != nil {
			return err
		}
		return CheckURL(at+".image_url", a.ImageURL, false)
	case bot.AttachMiniprogram:
		for _, f := range [][2]string{{"title", a.Title}, {"app_id", a.AppID}, {"page", a.Page}, {"media_id", file}} {
			if f[1] == "" {
				return Invalidf(at+"."+f[0], "is missing: a miniprogram needs title, app_id, page and media or media_id (its cover)")
			}
		}
		return nil
	case bot.AttachVideo, bot.AttachFile:
		if file == "" {
			return Invalidf(at+".media_id", "is missing: a %s needs media or media_id", a.Type)
		}
		return nil
	}
	return Invalidf(at+".type", "is %q; want image, link, miniprogram, video or file", a.Type)
}

// TextLimit is a text of an attachment and how many bytes of it WeCom takes.
type TextLimit struct {
	Name, Value string
	Most        int
}

// AttachmentLimits lists WeCom's limits for what is written in an attachment.
func AttachmentLimits(a bot.Attachment) []TextLimit {
	title := 128
	if a.Type == bot.AttachMiniprogram {
		title = 64
	}
	return []TextLimit{{"title", a.Title, title}, {"desc", a.Desc, 512}, {"url", a.URL, 2048}, {"image_url", a.ImageURL, 2048}}
}

func checkLengths(at string, a bot.Attachment) error {
	for _, l := range AttachmentLimits(a) {
		if len(l.Value) > l.Most {
			return Invalidf(at+"."+l.Name, "has %d bytes; WeCom takes at most %d", len(l.Value), l.Most)
		}
	}
	return nil
}

// CheckURL demands a web address; an empty one may be left out unless it is required.
func CheckURL(field, raw string, required bool) error {
	if raw == "" {
		if required {
			return Invalidf(field, "is missing")
		}
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return Invalidf(field, "is no web address; want one such as https://example.com/sale")
	}
	return nil
}

// CheckWords demands a text of at most so many characters.
func CheckWords(field, v string, most int) error {
	if v == "" {
		return Invalidf(field, "is empty")
	}
	return CheckMost(field, v, most)
}

// CheckMost refuses a text of more than so many characters.
func CheckMost(field, v string, most int) error {
	if n := utf8.RuneCountInString(v); n > most {
		return Invalidf(field, "has %d characters; want at most %d", n, most)
	}
	return nil
}
