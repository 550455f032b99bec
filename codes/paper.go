package codes

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"

	"golang.org/x/text/language"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// view is what a page says.
type view struct {
	Words   words
	Style   template.CSS
	Title   string
	Who     string
	Picture string // address; empty: none
	Do      string
	Help    []string
	Code    string
}

// paper is what pages for anybody who has a telephone are written on.
type paper struct {
	page      *template.Template
	languages language.Matcher
	policy    string
	log       *slog.Logger
}

func newPaper(log *slog.Logger) *paper {
	sum := sha256.Sum256([]byte(pageCSS))
	return &paper{
		page:      template.Must(template.New("page").Parse(pageHTML)),
		languages: language.NewMatcher([]language.Tag{language.Chinese, language.TraditionalChinese, language.English}),
		policy: "default-src 'none'; img-src 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		log: log,
	}
}

// head are the headers of everything here.
func (p *paper) head(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

func (p *paper) write(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Style = template.CSS(pageCSS)
	var b bytes.Buffer
	if err := p.page.Execute(&b, v); err != nil {
		p.log.Error("draw a page", "path", r.URL.Path, "error", err)
		http.Error(w, "something went wrong here; the log says what", http.StatusInternalServerError)
		return
	}
	p.head(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Words.Lang)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the telephone may be gone
}

// words are what pages say in a language.
type words struct {
	Lang, Title, Alt, Code, Staff, Trouble                           string
	Join, Add, Elsewhere, AskOne, AskOneEnd, Ask, Dead, Gone, NotNow string
	LinkGone, LinkAgain, LinkLater                                   string
}

// ask says what to do when the code does not help, and whom to ask; empty: anybody.
func (w words) ask(name string) string {
	if name == "" {
		return w.Ask
	}
	return w.AskOne + " " + name + " " + w.AskOneEnd
}

// wordsFor speaks English to a telephone that would rather have that, and else Chinese.
func (p *paper) wordsFor(r *http.Request) words {
	const enough = 200 // bytes of what is preferred
	wanted := r.Header.Get("Accept-Language")
	tag, _ := language.MatchStrings(p.languages, wanted[:min(len(wanted), enough)])
	if base, _ := tag.Base(); base.String() == "en" {
		return english()
	}
	return words{
		Lang: "zh-CN", Title: "扫码进群", Alt: "二维码", Code: "编号", Staff: "店员",
		Join:      "长按识别二维码进群",
		Add:       "长按识别二维码加好友",
		Elsewhere: "不在微信里？先保存图片，再打开微信“扫一扫”，从相册里选它。",
		Trouble:   "进不去或群已满？",
		AskOne:    "请到店里找", AskOneEnd: "要新的二维码。",
		Ask:    "请到店里服务台要新的二维码。",
		Dead:   "这个群已经解散",
		Gone:   "这个二维码已经停用",
		NotNow: "二维码暂时取不到，请稍后再试",

		LinkGone:  "这个链接打不开",
		LinkAgain: "链接不完整或已经失效。请回到群里，点最新一条活动消息里的链接。",
		LinkLater: "现在打不开，请稍后再点一次。",
	}
}

func english() words {
	return words{
		Lang: "en", Title: "Join the group", Alt: "QR code", Code: "Code", Staff: "Staff:",
		Join:      "Press and hold the code to join the group",
		Add:       "Press and hold the code to add our staff",
		Elsewhere: "Not in WeChat? Save the picture, open WeChat, tap Scan and choose it from your album.",
		Trouble:   "Does it not work, or is the group full? ",
		AskOne:    "Ask", AskOneEnd: "in the store for a new code.",
		Ask:    "Ask at the service desk of the store for a new code.",
		Dead:   "This group was closed",
		Gone:   "This code is no longer in use",
		NotNow: "The code cannot be shown right now; try again later",

		LinkGone:  "This link cannot be opened",
		LinkAgain: "It is incomplete or no longer in use. Go back to the group and tap the link in the latest message.",
		LinkLater: "It cannot be opened right now; tap it again later.",
	}
}
