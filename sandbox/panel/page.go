package panel

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"xiaobu/sandbox"
)

// files are the page's templates, its style and its script.
//
//go:embed pages
var files embed.FS

const (
	langCookie  = "sandbox_lang"
	flashCookie = "sandbox_flash"
	flashBytes  = 1500 // of a message that waits for the next page
	hues        = 12   // colours of faces; the style sheet has as many
)

// pages are the parsed templates, by language and name.
type pages map[string]map[string]*template.Template

// parsePages reads all templates for both languages. They are embedded, so a fault in one is
// a fault of the program.
func (p *panel) parsePages() pages {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err)
	}
	out := pages{}
	for _, lang := range []string{"zh", "en"} {
		out[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("layout.html").Funcs(p.functions(lang)).ParseFS(files, "pages/layout.html"))
		for _, name := range names {
			page := template.Must(template.Must(layout.Clone()).ParseFS(files, name))
			out[lang][strings.TrimSuffix(path.Base(name), ".html")] = page
		}
	}
	return out
}

// functions are what templates can say.
func (p *panel) functions(lang string) template.FuncMap {
	return template.FuncMap{
		"t": func(zh, en string) string {
			if lang == "en" {
				return en
			}
			return zh
		},
		"lang": func() string { return lang },
		"entry": func(kind string) string {
			if lang == "en" {
				return kind
			}
			return entryWord(kind)
		},
		"name": p.nameOf, "initials": initials, "hue": hue,
		"at":      func(at time.Time) string { return shown(at, "01-02 15:04:05") },
		"minute":  func(at time.Time) string { return shown(at, "01-02 15:04") },
		"full":    func(at time.Time) string { return shown(at, "2006-01-02 15:04:05") },
		"iso":     func(at time.Time) string { return at.Format(time.RFC3339) },
		"pretty":  pretty,
		"join":    strings.Join,
		"count":   func(n int) string { return thousands(n) },
		"link":    func(kind, id string) string { return pagePath + kind + "/" + escapePath(id) },
		"act":     func(parts ...string) string { return actPath(parts...) },
		"percent": func(v float64) string { return fmt.Sprintf("%g", v) },
		"clip":    clip,
		"short":   func(path string) string { return strings.TrimPrefix(path, "/cgi-bin/") },
		"tab": func(f frame, to, names, zh, en string) tab {
			text := zh
			if lang == "en" {
				text = en
			}
			return tab{to, text, slices.Contains(strings.Fields(names), f.Page)}
		},
		"answer": func(question, option string) string { return url.Values{question: {option}}.Encode() },
		"items":  func(path string, all any) within { return within{Path: path, Items: all} },
		"items2": func(path string, one, more any) within { return within{Path: path, Item: one, More: more} },
	}
}

// entryWord is the Chinese word for the kind of an entry of the journal.
func entryWord(kind string) string {
	switch kind {
	case sandbox.EntryGroup:
		return "群"
	case sandbox.EntryJoin:
		return "进群"
	case sandbox.EntryLeave:
		return "退群"
	case sandbox.EntryContact:
		return "联系人"
	case sandbox.EntryWelcome:
		return "欢迎语"
	case sandbox.EntryTask, sandbox.EntryPost:
		return "群发"
	case sandbox.EntryMoment:
		return "朋友圈"
	case sandbox.EntryLogin:
		return "登录"
	case sandbox.EntrySay:
		return "说话"
	case sandbox.EntryMessage:
		return "消息"
	case sandbox.EntryCard:
		return "卡片"
	case sandbox.EntryCallback:
		return "回调"
	case sandbox.EntryFeed:
		return "推送"
	case sandbox.EntryAPI:
		return "接口"
	case sandbox.EntryDetail:
		return "群详情"
	case sandbox.EntryFault:
		return "故障"
	case sandbox.EntryAccount:
		return "公众号"
	case sandbox.EntryStory:
		return "故事"
	}
	return kind
}

// tab is one page in the menu.
type tab struct {
	Path, Text string
	Here       bool
}

// within is what a part of a page shows, and the page that its forms come back to.
type within struct {
	Path              string
	Items, Item, More any
}

// shown writes a time in the platform's zone; a zero one is empty.
func shown(at time.Time, layout string) string {
	if at.IsZero() {
		return ""
	}
	return at.In(shanghai()).Format(layout)
}

// shanghai is the zone of the platform; it has had no summer time since 1991.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// nameOf is what people see of a person: the name, or the id of one whose name cannot be
// seen.
func (p *panel) nameOf(id string) string {
	if name := p.box.NameOf(id); visible(name) != "" {
		return name
	}
	return id
}

// visible drops what cannot be seen from a name.
func visible(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Mn, r) {
			return r
		}
		return -1
	}, name)
}

// initials are the two characters on a face: the last two of a Chinese name, as the client
// shows them, else the first.
func initials(name string) string {
	runes := []rune(visible(name))
	switch {
	case len(runes) == 0:
		return "?"
	case unicode.Is(unicode.Han, runes[0]):
		return string(runes[max(0, len(runes)-2):])
	}
	return strings.ToUpper(string(runes[:1]))
}

// hue is the colour of somebody's face, always the same for one id.
func hue(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return fmt.Sprintf("hue%d", h.Sum32()%hues)
}

// pretty indents JSON; what is no JSON stays as it is.
func pretty(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// clip shortens a text to n characters.
func clip(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}

// thousands writes a number with a mark before each three digits.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// frame is what every page shows, around its own Data.
type frame struct {
	Page   string // the name of the template, for the menu
	Path   string // of the request, with the query
	Now    time.Time
	Paused bool   // people of the story wait
	Failed string // what went wrong with the form that was sent
	Done   string // what came of it
	Data   any
}

// view is a page: what it shows is made by do, whose error becomes a page of its own.
func (p *panel) view(name string, do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := do(r)
		if err != nil {
			p.render(w, r, statusOf(err), "error", explained(err, langOf(r)))
			return
		}
		p.render(w, r, http.StatusOK, name, data)
	}
}

// render writes a page, and takes down the message that waited for it.
func (p *panel) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	sum := p.box.Summary()
	f := frame{Page: name, Path: r.URL.RequestURI(), Now: sum.Now, Paused: sum.Paused, Data: data}
	f.Failed, f.Done = takeFlash(w, r)
	var b bytes.Buffer
	if err := p.pages[langOf(r)][name].ExecuteTemplate(&b, "layout.html", f); err != nil {
		http.Error(w, "this page could not be drawn: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the other side is gone
}

// langOf is the language that was chosen last; Chinese before that.
func langOf(r *http.Request) string {
	if c, err := r.Cookie(langCookie); err == nil && c.Value == "en" {
		return "en"
	}
	return "zh"
}

// postLang chooses the language of the pages.
func postLang(w http.ResponseWriter, r *http.Request) {
	lang := "zh"
	if r.PostFormValue("lang") == "en" {
		lang = "en"
	}
	http.SetCookie(w, &http.Cookie{Name: langCookie, Value: lang, Path: "/sandbox/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, backTo(r, nil), http.StatusSeeOther)
}

// setFlash keeps a message for the next page; mark is ! for a failure and + for a success.
func setFlash(w http.ResponseWriter, mark, text string) {
	text = strings.ToValidUTF8(text[:min(len(text), flashBytes)], "")
	value := base64.RawURLEncoding.EncodeToString([]byte(mark + text))
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Value: value, Path: "/sandbox/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// takeFlash returns the message that waited, and forgets it.
func takeFlash(w http.ResponseWriter, r *http.Request) (failed, done string) {
	c, err := r.Cookie(flashCookie)
	if err != nil || r.Header.Get("X-Live") != "" {
		return "", ""
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/sandbox/", MaxAge: -1})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	switch {
	case err != nil || len(text) == 0:
		return "", ""
	case text[0] == '!':
		return string(text[1:]), ""
	}
	return "", string(text[1:])
}

// getFile serves the style and the script.
func getFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if !strings.HasSuffix(name, ".css") && !strings.HasSuffix(name, ".js") {
		answerError(w, fmt.Errorf("file %q: %w", name, sandbox.ErrNotFound))
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, "pages/"+name)
}
