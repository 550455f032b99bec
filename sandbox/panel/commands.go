package panel

import (
	"net/http"
	"net/url"
	"slices"

	"xiaobu/sandbox"
)

type staffBody struct {
	UserID     string `json:"user_id"`
	Name       string `json:"name"`
	Department int    `json:"department"`
	Position   string `json:"position"`
	Hidden     bool   `json:"hidden"`
	NoContacts bool   `json:"no_contacts"`
	Inactive   bool   `json:"inactive"`
}

func (p *panel) postStaff(_ *http.Request, in staffBody) (any, error) {
	return nil, p.box.AddStaff(sandbox.Staff{
		UserID: in.UserID, Name: in.Name, Department: in.Department, Position: in.Position,
		Hidden: in.Hidden, NoContacts: in.NoContacts, Inactive: in.Inactive,
	})
}

func (p *panel) postResign(r *http.Request, _ struct{}) (any, error) {
	return nil, p.box.Resign(r.PathValue("id"))
}

type customerBody struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	UnionID     string `json:"union_id"`
	WithUnionID bool   `json:"with_union_id"`
	Gender      int    `json:"gender"`
	Corp        string `json:"corp"`
}

func (p *panel) postCustomer(_ *http.Request, in customerBody) (any, error) {
	id, err := p.box.AddCustomer(sandbox.Customer{
		ID: in.ID, Name: in.Name, UnionID: in.UnionID, WithUnionID: in.WithUnionID, Gender: in.Gender, Corp: in.Corp,
	})
	return reply{"external_userid": id}, err
}

type contactBody struct {
	Action     string `json:"action"`
	User       string `json:"user"`
	Customer   string `json:"customer"`
	ConfigID   string `json:"config_id"`
	LinkID     string `json:"link_id"`
	Channel    string `json:"channel"`
	AddWay     int    `json:"add_way"`
	NoWelcome  bool   `json:"no_welcome"`
	ByCustomer bool   `json:"by_customer"`
}

func (p *panel) postContact(_ *http.Request, in contactBody) (any, error) {
	via := sandbox.Via{ConfigID: in.ConfigID, LinkID: in.LinkID, Channel: in.Channel, AddWay: in.AddWay, NoWelcome: in.NoWelcome}
	switch in.Action {
	case "add":
		k, err := p.box.AddContact(in.User, in.Customer, via)
		return contactAnswer(k), err
	case "half":
		k, err := p.box.HalfAddContact(in.User, in.Customer, via)
		return contactAnswer(k), err
	case "delete":
		return nil, p.box.DeleteContact(in.User, in.Customer, in.ByCustomer)
	}
	return nil, refuse("field \"action\" must be add, half or delete, got %q", "字段 \"action\" 要的是 add、half 或 delete，来的是 %q", in.Action)
}

func contactAnswer(k sandbox.Contact) reply {
	return reply{"user": k.User, "customer": k.Customer, "state": k.State, "welcome_code": k.WelcomeCode}
}

type groupBody struct {
	Owner string   `json:"owner"`
	Name  string   `json:"name"`
	Staff []string `json:"staff"`
}

func (p *panel) postGroup(_ *http.Request, in groupBody) (any, error) {
	id, err := p.box.CreateGroup(in.Owner, in.Name, in.Staff...)
	return reply{"chat_id": id}, err
}

type joinBody struct {
	Users   []string `json:"users"`
	Scene   int      `json:"scene"`
	Inviter string   `json:"inviter"`
}

func (p *panel) postJoin(r *http.Request, in joinBody) (any, error) {
	id, err := p.box.JoinMany(r.PathValue("id"), sandbox.How{Scene: in.Scene, Inviter: in.Inviter}, in.Users...)
	return reply{"chat_id": id}, err
}

type scanBody struct {
	ConfigID string `json:"config_id"`
	Customer string `json:"customer"`
}

func (p *panel) postScan(_ *http.Request, in scanBody) (any, error) {
	if p.isContactWay(in.ConfigID) {
		k, err := p.box.AddContact("", in.Customer, sandbox.Via{ConfigID: in.ConfigID})
		return contactAnswer(k), err
	}
	id, err := p.box.Join("", in.Customer, sandbox.How{ConfigID: in.ConfigID})
	return reply{"chat_id": id}, err
}

func (p *panel) isContactWay(configID string) bool {
	return slices.ContainsFunc(p.box.ContactWays(), func(w sandbox.ContactWay) bool { return w.ConfigID == configID })
}

type userBody struct {
	User string `json:"user"`
}

func (p *panel) postLeave(r *http.Request, in userBody) (any, error) {
	return nil, p.box.Leave(r.PathValue("id"), in.User)
}

func (p *panel) postRemove(r *http.Request, in userBody) (any, error) {
	return nil, p.box.Remove(r.PathValue("id"), in.User)
}

func (p *panel) postOwner(r *http.Request, in userBody) (any, error) {
	return nil, p.box.ChangeOwner(r.PathValue("id"), in.User)
}

type usersBody struct {
	Users []string `json:"users"`
}

func (p *panel) postAdmins(r *http.Request, in usersBody) (any, error) {
	return nil, p.box.SetAdmins(r.PathValue("id"), in.Users...)
}

type nameBody struct {
	Name string `json:"name"`
}

func (p *panel) postRename(r *http.Request, in nameBody) (any, error) {
	return nil, p.box.Rename(r.PathValue("id"), in.Name)
}

type noticeBody struct {
	Notice string `json:"notice"`
}

func (p *panel) postNotice(r *http.Request, in noticeBody) (any, error) {
	return nil, p.box.SetNotice(r.PathValue("id"), in.Notice)
}

func (p *panel) postDismiss(r *http.Request, _ struct{}) (any, error) {
	return nil, p.box.Dismiss(r.PathValue("id"))
}

type confirmBody struct {
	User    string   `json:"user"`
	Targets []string `json:"targets"`
}

func (p *panel) postConfirm(r *http.Request, in confirmBody) (any, error) {
	return nil, p.box.ConfirmSome(r.PathValue("id"), in.User, in.Targets...)
}

type personalBody struct {
	User  string   `json:"user"`
	Text  string   `json:"text"`
	Chats []string `json:"chats"`
}

func (p *panel) postPersonal(_ *http.Request, in personalBody) (any, error) {
	id, err := p.box.SendPersonally(in.User, in.Text, in.Chats...)
	return reply{"msgid": id}, err
}

type callbackBody struct {
	URL string `json:"url"`
}

func (p *panel) postCallback(_ *http.Request, in callbackBody) (any, error) {
	if u, err := url.Parse(in.URL); in.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, refuse("field \"url\": %q is no web address such as http://127.0.0.1:8080/callback", "字段 \"url\"：%q 不是 http://127.0.0.1:8080/callback 这样的网址", in.URL)
	}
	p.box.SetCallback(in.URL)
	return nil, nil
}

type sayBody struct {
	ChatID string `json:"chat_id"`
	Person string `json:"person"`
	Text   string `json:"text"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Title  string `json:"title"`
}

func (p *panel) postSay(_ *http.Request, in sayBody) (any, error) {
	id, err := p.box.Share(in.ChatID, in.Person, sandbox.Message{Type: in.Type, Text: in.Text, URL: in.URL, Title: in.Title})
	return reply{"message_id": id}, err
}
