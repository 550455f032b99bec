package codes

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"golang.org/x/text/language"

	"xiaobu/bot"
	"xiaobu/store"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// Pages shows what is behind a printed code: GET /q/{code}, for anybody who has a telephone.
type Pages struct {
	Store    *store.Store
	Pictures *Pictures
	Scans    *Scans
	Now      func() time.Time
	Log      *slog.Logger
}

// slug is what the code in an address may look like; anything else is not looked up.
var slug = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

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

// Handler serves /q/.
func (p *Pages) Handler() http.Handler {
	s := &pageServer{Pages: p, page: template.Must(template.New("page").Parse(pageHTML)),
		languages: language.NewMatcher([]language.Tag{language.Chinese, language.TraditionalChinese, language.English})}
	sum := sha256.Sum256([]byte(pageCSS))
	s.policy = "default-src 'none'; img-src 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /q/{code}", s.show)
	mux.HandleFunc("GET /q/{code}/qr.png", s.picture)
	mux.HandleFunc("GET /q/", func(w http.ResponseWriter, r *http.Request) { s.gone(w, r, store.Channel{}) })
	return mux
}

type pageServer struct {
	*Pages
	page      *template.Template
	languages language.Matcher
	policy    string
}

// show is the page of a code. A code that nobody can get in by any more says whom to ask.
func (s *pageServer) show(w http.ResponseWriter, r *http.Request) {
	ch, err := s.find(r)
	if err != nil {
		s.missing(w, r, ch, err)
		return
	}
	if r.Method == http.MethodGet {
		s.Scans.Count(ch.ID, s.Now())
	}
	l := s.wordsFor(r)
	v := s.about(r.Context(), ch, l)
	content, _ := s.Pictures.Content(r.Context(), ch) // what went wrong is logged when it is read, not for every visitor
	switch {
	case ch.Condition == store.CodeDead:
		v.Do, v.Help = l.Dead, []string{l.ask(s.helper(r.Context(), ch))}
	case content == "":
		v.Do, v.Help = l.NotNow, []string{l.ask(s.helper(r.Context(), ch))}
	default:
		v.Picture, v.Do = "/q/"+ch.Code+"/qr.png?v="+mark(content), l.Join
		if ch.Kind == store.ChannelContact {
			v.Do = l.Add
		}
		v.Help = []string{l.Elsewhere, l.Trouble + l.ask(s.helper(r.Context(), ch))}
	}
	s.write(w, r, http.StatusOK, v)
}

// picture is the code as it was last read, drawn anew: no telephone asks the platform for it.
func (s *pageServer) picture(w http.ResponseWriter, r *http.Request) {
	ch, err := s.find(r)
	if err != nil {
		s.missing(w, r, ch, err)
		return
	}
	content, _ := s.Pictures.Content(r.Context(), ch) // see show
	var data []byte
	if content != "" {
		if data, err = s.Pictures.PNG(content); err != nil {
			s.Log.Error("draw a code", "channel", ch.ID, "error", err)
		}
	}
	if data == nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	s.head(w)
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(data) // the telephone may be gone
}

// find returns the channel of a request. A channel that was deleted comes with ErrNotFound.
func (s *pageServer) find(r *http.Request) (store.Channel, error) {
	code := r.PathValue("code")
	if !slug.MatchString(code) {
		return store.Channel{}, store.ErrNotFound
	}
	ch, err := s.Store.Read(r.Context()).ChannelByCode(code)
	if err == nil && ch.Status != store.ChannelActive {
		err = store.ErrNotFound
	}
	return ch, err
}

func (s *pageServer) missing(w http.ResponseWriter, r *http.Request, ch store.Channel, err error) {
	if errors.Is(err, store.ErrNotFound) {
		s.gone(w, r, ch)
		return
	}
	if r.Context().Err() == nil {
		s.Log.Error("look up a code", "error", err)
	}
	l := s.wordsFor(r)
	s.write(w, r, http.StatusServiceUnavailable, view{Words: l, Title: l.Title, Do: l.NotNow})
}

// gone is the page of a code that is not, or no longer, there.
func (s *pageServer) gone(w http.ResponseWriter, r *http.Request, ch store.Channel) {
	l := s.wordsFor(r)
	v := view{Words: l, Title: l.Title, Do: l.Gone}
	if ch.ID == 0 {
		v.Help = []string{l.ask("")}
	} else {
		v = s.about(r.Context(), ch, l)
		v.Do, v.Help = l.Gone, []string{l.ask(s.helper(r.Context(), ch))}
	}
	s.write(w, r, http.StatusNotFound, v)
}

// about says whose code it is: the store and its staff, never a customer.
func (s *pageServer) about(ctx context.Context, ch store.Channel, l words) view {
	v := view{Words: l, Title: l.Title, Code: ch.Code}
	if shop, err := shopOf(s.Store.Read(ctx), ch); err == nil && shop.Name != "" {
		v.Title = shop.Name
	}
	if name := s.helper(ctx, ch); name != "" {
		v.Who = l.Staff + " " + name
	}
	return v
}

// helper is the name of the member of staff to ask; empty: none in particular.
func (s *pageServer) helper(ctx context.Context, ch store.Channel) string {
	if ch.Staff == "" {
		return ""
	}
	staff, err := s.Store.Read(ctx).Staff(bot.UserID(ch.Staff))
	if err != nil {
		return ""
	}
	return staff.Name
}

// head are the headers of everything here.
func (s *pageServer) head(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", s.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

func (s *pageServer) write(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Style = template.CSS(pageCSS)
	var b bytes.Buffer
	if err := s.page.Execute(&b, v); err != nil {
		s.Log.Error("draw a page", "path", r.URL.Path, "error", err)
		http.Error(w, "something went wrong here; the log says what", http.StatusInternalServerError)
		return
	}
	s.head(w)
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
}

// ask says what to do when the code does not help, and whom to ask; empty: anybody.
func (w words) ask(name string) string {
	if name == "" {
		return w.Ask
	}
	return w.AskOne + " " + name + " " + w.AskOneEnd
}

// wordsFor speaks English to a telephone that would rather have that, and else Chinese.
func (s *pageServer) wordsFor(r *http.Request) words {
	const enough = 200 // bytes of what is preferred
	wanted := r.Header.Get("Accept-Language")
	tag, _ := language.MatchStrings(s.languages, wanted[:min(len(wanted), enough)])
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
	}
}
