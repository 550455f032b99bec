package sandbox

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// shownPeople is how many people the page lists; the rest is found by searching.
const shownPeople = 100

// loginHTML is the page on which one says who one is. It works without scripts, on a phone.
const loginHTML = `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>登录 {{.Name}}</title>
<style>
body{margin:0 auto;max-width:30rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}
h1{font-size:1.25rem}p{color:#555}form{margin:0}input{box-sizing:border-box;width:100%;padding:.7rem;font:inherit;border:1px solid #999;border-radius:.4rem}
button{display:flex;justify-content:space-between;gap:1rem;width:100%;min-height:3rem;margin:.5rem 0;padding:.5rem .8rem;font:inherit;text-align:left;background:#f2f5f9;border:1px solid #c8d0da;border-radius:.4rem}
button:focus,input:focus{outline:3px solid #2b6cb0}small{color:#555}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#eee}p,small{color:#bbb}button{background:#23272e;border-color:#454c57;color:#eee}input{background:#23272e;color:#eee}}
</style></head><body>
{{if .Refusal}}<h1>无法登录</h1><p>{{.Refusal}}</p>{{else}}
<h1>登录「{{.Name}}」</h1><p>这是模拟的企业微信。请选择以谁的身份登录。<br><small lang="en">A simulated WeCom: choose who you are.</small></p>
<form method="get">{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
<input type="search" name="q" value="{{.Search}}" placeholder="搜索姓名或账号" aria-label="搜索姓名或账号"></form>
<form method="get">{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
{{range .People}}<button name="as" value="{{.ID}}"><span>{{.Name}}</span><small>{{.What}} {{.ID}}</small></button>
{{else}}<p>没有找到。</p>{{end}}</form>
{{if .More}}<p>还有更多,请搜索。</p>{{end}}{{end}}
</body></html>
`

// loginView is what the page shows.
type loginView struct {
	Name, Search, Refusal string
	Hidden                []hiddenField
	People                []loginPerson
	More                  bool
}

type hiddenField struct{ Name, Value string }

// showLogin shows the page with the people of a site.
func showLogin(w http.ResponseWriter, r *http.Request, site *loginSite) {
	q := r.URL.Query()
	view := loginView{Name: site.name, Search: q.Get("q")}
	view.People = site.people(view.Search)
	if len(view.People) > shownPeople {
		view.People, view.More = view.People[:shownPeople], true
	}
	view.Hidden = hiddenFields(q)
	writeLogin(w, http.StatusOK, view)
}

// hiddenFields carry the address on through the forms of the page.
func hiddenFields(q url.Values) []hiddenField {
	var out []hiddenField
	for name := range q {
		if name != "q" && name != "as" {
			out = append(out, hiddenField{name, q.Get(name)})
		}
	}
	slices.SortFunc(out, func(a, b hiddenField) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// showLoginRefusal says why nobody can log in this way, with the platform's code.
func showLoginRefusal(w http.ResponseWriter, f *failure) {
	writeLogin(w, http.StatusBadRequest, loginView{Name: "企业微信", Refusal: fmt.Sprintf("%s (%d)", f.msg, f.code)})
}

func writeLogin(w http.ResponseWriter, status int, view loginView) {
	page, err := template.New("login").Parse(loginHTML)
	if err != nil {
		panic("sandbox: the login page: " + err.Error()) // it is a constant
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, view)
}

// staffOnly finds members of staff by a part of their name or id.
func (s *Sandbox) staffOnly(search string) []loginPerson {
	s.enter()
	defer s.leave()
	var out []loginPerson
	for _, u := range s.office.staff {
		if !u.Resigned && found(search, u.UserID, u.Name) {
			out = append(out, loginPerson{u.UserID, u.Name, "员工"})
		}
	}
	return out
}

// everybody finds members of staff, and customers after them.
func (s *Sandbox) everybody(search string) []loginPerson {
	out := s.staffOnly(search)
	s.enter()
	defer s.leave()
	for _, p := range s.clientele.customers {
		if len(out) > shownPeople {
			break
		}
		if found(search, p.ID, p.Name) {
			out = append(out, loginPerson{p.ID, p.Name, "顾客"})
		}
	}
	return out
}

func found(search string, in ...string) bool {
	search = strings.ToLower(strings.TrimSpace(search))
	return slices.ContainsFunc(in, func(v string) bool { return strings.Contains(strings.ToLower(v), search) })
}
