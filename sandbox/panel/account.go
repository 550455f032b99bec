package panel

import (
	"net/http"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// accountRoutes are the part of the control API about the official account.
func (p *panel) accountRoutes() []route {
	return []route{
		{"GET /sandbox/account", "the official account: settings, followers, codes", p.getAccount},
		{"GET /sandbox/account/messages", "?person=ID&limit=N what people received from it, the newest last", p.getAccountMessages},
		{"POST /sandbox/account/follow", "person, scene: a customer follows the official account", command(p.postFollow)},
		{"POST /sandbox/account/unfollow", "person", command(p.postUnfollow)},
		{"POST /sandbox/account/say", "person, text, type (text, image, voice, location, link), title, url, latitude, longitude: a follower writes to the account", command(p.postAccountSay)},
		{"POST /sandbox/account/menu", "person, button (name, key or url)", command(p.postAccountMenu)},
		{"POST /sandbox/account/scan", "person, code (ticket or url)", command(p.postAccountScan)},
		{"POST /sandbox/account/location", "person, latitude, longitude, precision: the account learns the place", command(p.postAccountPlace)},
		{"POST /sandbox/account/notices", "person, template, allow: a person allows one subscription notice or refuses", command(p.postAccountNotices)},
		{"POST /sandbox/account/once", "person, number: a person allows one message of a scene from 0 to 10000", command(p.postAccountOnce)},
		{"POST /sandbox/account/templates", "person, refuse: a person refuses template messages, or takes them again", command(p.postAccountTemplates)},
		{"POST /sandbox/account/open", "person, url: a person opens a web login; answers where they are sent", command(p.postAccountOpen)},
		{"POST /sandbox/account/callback", "url: where the account's pushes go; empty: nowhere", command(p.postAccountCallback)},
		{"POST /sandbox/account/verify-url", "checks the account's callback address", command(p.postAccountVerify)},
		{"POST /sandbox/account/ips", "ips: who may fetch tokens; none: everybody", command(p.postAccountIPs)},
		{"POST /sandbox/account/token/revoke", "makes all tokens of the account invalid", done(p.box.RevokeAccountTokens)},
	}
}

// getAccount answers what there is of the official account, of followers the newest thousand
// and of codes the newest hundred.
func (p *panel) getAccount(w http.ResponseWriter, _ *http.Request) {
	a := p.box.Config().Account
	followers, codes := []reply{}, []reply{}
	known := p.box.Followers()
	for _, f := range known[max(0, len(known)-logLimit):] {
		one := reply{
			"openid": f.OpenID, "customer": f.Customer, "union_id": f.UnionID, "subscribed": f.Subscribed, "scene": f.Scene,
			"code_scene": f.CodeScene, "remark": f.Remark, "tags": append([]int{}, f.Tags...), "blocked": f.Blocked,
		}
		if !f.Since.IsZero() {
			one["since"] = f.Since.Format(time.RFC3339)
		}
		followers = append(followers, one)
	}
	all := p.box.AccountCodes()
	for _, c := range all[max(0, len(all)-shownNewest):] {
		one := reply{"ticket": c.Ticket, "url": c.URL, "scene": c.Scene}
		if !c.Expires.IsZero() {
			one["expires"] = c.Expires.Format(time.RFC3339)
		}
		codes = append(codes, one)
	}
	answerJSON(w, http.StatusOK, reply{"id": a.ID, "app_id": a.AppID, "mode": a.Mode, "followers": followers, "codes": codes})
}

// getAccountMessages answers what people received, or one of them.
func (p *panel) getAccountMessages(w http.ResponseWriter, r *http.Request) {
	_, limit, err := window(r, logLimit)
	if err != nil {
		answerError(w, err)
		return
	}
	person, list := r.URL.Query().Get("person"), []reply{}
	for _, m := range p.box.AccountMessages() {
		if person != "" && person != m.Customer && person != m.OpenID {
			continue
		}
		list = append(list, reply{
			"id": m.ID, "at": m.At.Format(time.RFC3339), "openid": m.OpenID, "customer": m.Customer, "via": m.Via, "type": m.Type,
			"text": m.Text, "title": m.Title, "url": m.URL, "media_id": m.MediaID, "template_id": m.Template, "kf_account": m.Account,
		})
	}
	answerJSON(w, http.StatusOK, reply{"messages": list[max(0, len(list)-limit):]})
}

type accountView struct {
	Account   sandbox.OfficialAccount
	BaseURL   string
	Callback  string // where pushes go
	Menu      []sandbox.Button
	Followers []sandbox.Follower // the newest first
	More      int                // followers that are not shown
	Codes     []sandbox.AccountCode
	Messages  []sandbox.AccountMessage // what people received, the newest first
	Customers []sandbox.Customer
}

func (p *panel) viewAccount(r *http.Request) (any, error) {
	v := accountView{Account: p.box.Config().Account, BaseURL: "http://" + r.Host, Callback: p.box.AccountCallback(), Menu: p.box.AccountMenu(), Customers: p.somebody(r)}
	known := p.box.Followers()
	v.Followers = slices.Clone(newest(known, shownPeople))
	v.More = len(known) - len(v.Followers)
	v.Codes = slices.Clone(newest(p.box.AccountCodes(), shownEntries))
	v.Messages = slices.Clone(newest(p.box.AccountMessages(), shownRows))
	slices.Reverse(v.Followers)
	slices.Reverse(v.Codes)
	slices.Reverse(v.Messages)
	return v, nil
}

// accountBody is what a customer does with the official account.
type accountBody struct {
	Person    string  `json:"person"`
	Scene     string  `json:"scene"` // of follow
	Type      string  `json:"type"`  // of say, as the four below
	Text      string  `json:"text"`
	Title     string  `json:"title"`
	URL       string  `json:"url"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Precision float64 `json:"precision"`
	Button    string  `json:"button"`
	Code      string  `json:"code"`
	Template  string  `json:"template"`
	Allow     bool    `json:"allow"`
	Number    int     `json:"number"`
	Refuse    bool    `json:"refuse"`
}

func (p *panel) postFollow(_ *http.Request, in accountBody) (any, error) {
	id, err := p.box.Follow(in.Person, in.Scene)
	return reply{"openid": id}, err
}

func (p *panel) postUnfollow(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.Unfollow(in.Person)
}

func (p *panel) postAccountSay(_ *http.Request, in accountBody) (any, error) {
	id, err := p.box.TellAccount(in.Person, sandbox.AccountSaying{
		Type: in.Type, Text: in.Text, Title: in.Title, URL: in.URL, Latitude: in.Latitude, Longitude: in.Longitude,
	})
	return reply{"msg_id": id}, err
}

func (p *panel) postAccountMenu(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.ClickMenu(in.Person, in.Button)
}

func (p *panel) postAccountScan(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.ScanAccountCode(in.Person, in.Code)
}

func (p *panel) postAccountPlace(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.ReportLocation(in.Person, in.Latitude, in.Longitude, in.Precision)
}

func (p *panel) postAccountNotices(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.AnswerNotices(in.Person, in.Template, in.Allow)
}

func (p *panel) postAccountOnce(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.AllowOnce(in.Person, in.Number)
}

func (p *panel) postAccountTemplates(_ *http.Request, in accountBody) (any, error) {
	return nil, p.box.RefuseTemplates(in.Person, in.Refuse)
}

func (p *panel) postAccountOpen(_ *http.Request, in accountBody) (any, error) {
	address, err := p.box.OpenAccountPage(in.Person, in.URL)
	return reply{"url": address}, err
}

func (p *panel) postAccountCallback(_ *http.Request, in callbackBody) (any, error) {
	return nil, p.box.SetAccountCallback(in.URL)
}

func (p *panel) postAccountVerify(r *http.Request, _ struct{}) (any, error) {
	if err := p.box.VerifyAccountURL(r.Context()); err != nil {
		return reply{"ok": false, "error": err.Error()}, nil
	}
	return reply{"ok": true}, nil
}

type ipsBody struct {
	IPs []string `json:"ips"`
}

func (p *panel) postAccountIPs(_ *http.Request, in ipsBody) (any, error) {
	return nil, p.box.SetAccountIPs(in.IPs...)
}
