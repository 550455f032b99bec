package sandbox

import (
	"fmt"
	"net/http"
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

func (s *Sandbox) postStaff(_ *http.Request, in staffBody) (any, error) {
	return nil, s.AddStaff(Staff{
		UserID: in.UserID, Name: in.Name, Department: in.Department, Position: in.Position,
		Hidden: in.Hidden, NoContacts: in.NoContacts, Inactive: in.Inactive,
	})
}

func (s *Sandbox) postResign(r *http.Request, _ struct{}) (any, error) {
	return nil, s.Resign(r.PathValue("id"))
}

type customerBody struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	UnionID     string `json:"union_id"`
	WithUnionID bool   `json:"with_union_id"`
	Gender      int    `json:"gender"`
	Corp        string `json:"corp"`
}

func (s *Sandbox) postCustomer(_ *http.Request, in customerBody) (any, error) {
	id, err := s.AddCustomer(Customer(in))
	return reply{"external_userid": id}, err
}

type contactBody struct {
	Action     string `json:"action"`
	User       string `json:"user"`
	Customer   string `json:"customer"`
	ConfigID   string `json:"config_id"`
	AddWay     int    `json:"add_way"`
	NoWelcome  bool   `json:"no_welcome"`
	ByCustomer bool   `json:"by_customer"`
}

func (s *Sandbox) postContact(_ *http.Request, in contactBody) (any, error) {
	via := Via{ConfigID: in.ConfigID, AddWay: in.AddWay, NoWelcome: in.NoWelcome}
	switch in.Action {
	case "add":
		k, err := s.AddContact(in.User, in.Customer, via)
		return contactAnswer(k), err
	case "half":
		k, err := s.HalfAddContact(in.User, in.Customer, via)
		return contactAnswer(k), err
	case "delete":
		return nil, s.DeleteContact(in.User, in.Customer, in.ByCustomer)
	}
	return nil, fmt.Errorf("body: field \"action\" must be add, half or delete, got %q", in.Action)
}

func contactAnswer(k Contact) reply {
	return reply{"user": k.User, "customer": k.Customer, "state": k.State, "welcome_code": k.WelcomeCode}
}

type groupBody struct {
	Owner string   `json:"owner"`
	Name  string   `json:"name"`
	Staff []string `json:"staff"`
}

func (s *Sandbox) postGroup(_ *http.Request, in groupBody) (any, error) {
	id, err := s.CreateGroup(in.Owner, in.Name, in.Staff...)
	return reply{"chat_id": id}, err
}

type joinBody struct {
	Users   []string `json:"users"`
	Scene   int      `json:"scene"`
	Inviter string   `json:"inviter"`
}

func (s *Sandbox) postJoin(r *http.Request, in joinBody) (any, error) {
	id, err := s.JoinMany(r.PathValue("id"), How{Scene: in.Scene, Inviter: in.Inviter}, in.Users...)
	return reply{"chat_id": id}, err
}

type scanBody struct {
	ConfigID string `json:"config_id"`
	Customer string `json:"customer"`
}

func (s *Sandbox) postScan(_ *http.Request, in scanBody) (any, error) {
	if s.isContactWay(in.ConfigID) {
		k, err := s.AddContact("", in.Customer, Via{ConfigID: in.ConfigID})
		return contactAnswer(k), err
	}
	id, err := s.Join("", in.Customer, How{ConfigID: in.ConfigID})
	return reply{"chat_id": id}, err
}

func (s *Sandbox) isContactWay(configID string) bool {
	s.enter()
	defer s.leave()
	return s.ways.contact(configID) != nil
}

type userBody struct {
	User string `json:"user"`
}

func (s *Sandbox) postLeave(r *http.Request, in userBody) (any, error) {
	return nil, s.Leave(r.PathValue("id"), in.User)
}

func (s *Sandbox) postRemove(r *http.Request, in userBody) (any, error) {
	return nil, s.Remove(r.PathValue("id"), in.User)
}

func (s *Sandbox) postOwner(r *http.Request, in userBody) (any, error) {
	return nil, s.ChangeOwner(r.PathValue("id"), in.User)
}

type nameBody struct {
	Name string `json:"name"`
}

func (s *Sandbox) postRename(r *http.Request, in nameBody) (any, error) {
	return nil, s.Rename(r.PathValue("id"), in.Name)
}

type noticeBody struct {
	Notice string `json:"notice"`
}

func (s *Sandbox) postNotice(r *http.Request, in noticeBody) (any, error) {
	return nil, s.SetNotice(r.PathValue("id"), in.Notice)
}

func (s *Sandbox) postDismiss(r *http.Request, _ struct{}) (any, error) {
	return nil, s.Dismiss(r.PathValue("id"))
}

type confirmBody struct {
	User    string   `json:"user"`
	Targets []string `json:"targets"`
}

func (s *Sandbox) postConfirm(r *http.Request, in confirmBody) (any, error) {
	return nil, s.ConfirmSome(r.PathValue("id"), in.User, in.Targets...)
}

type pressBody struct {
	User string `json:"user"`
	Key  string `json:"key"`
}

func (s *Sandbox) postPress(r *http.Request, in pressBody) (any, error) {
	return nil, s.PressCard(in.User, r.PathValue("id"), in.Key)
}

type sayBody struct {
	ChatID string `json:"chat_id"`
	Person string `json:"person"`
	Text   string `json:"text"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Title  string `json:"title"`
}

func (s *Sandbox) postSay(_ *http.Request, in sayBody) (any, error) {
	id, err := s.Share(in.ChatID, in.Person, Message{Type: in.Type, Text: in.Text, URL: in.URL, Title: in.Title})
	return reply{"message_id": id}, err
}
