package rehearse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// nobody owns, in the sandbox, the groups whose owner the books do not know: the app cannot
// see into them, as it could not so far.
const nobody = "owner-not-known"

// unnamed is what a customer is called whose name nobody noted.
const unnamed = "客户"

// populate builds the company of the books in the sandbox, under the same ids.
func (s *stage) populate(r store.Reader) error {
	for _, build := range []func() error{
		s.plantStaff, s.plantCustomers, s.plantGroups, s.plantContacts, s.plantCodes,
		func() error { return s.plantMedia(r) }, s.plantTasks,
	} {
		if err := build(); err != nil {
			return err
		}
	}
	return nil
}

// plantStaff adds everybody whom the books name as staff. Whoever owns groups and is not on
// WeCom's list of members with customer contact may not deal with customers.
func (s *stage) plantStaff() error {
	names, order := map[string]string{}, []string{}
	add := func(id, name string) {
		key := strings.ToLower(id)
		if _, known := names[key]; !known && id != "" {
			order = append(order, id)
		}
		if id != "" && names[key] == "" {
			names[key] = name
		}
	}
	for _, u := range s.past.staff {
		add(u.UserID, u.Name)
	}
	for _, c := range s.past.chats {
		add(c.Owner, "")
		for _, st := range s.past.stints[c.ChatID] {
			if st.Kind == string(bot.Staff) {
				add(st.UserID, st.Name)
			}
		}
	}
	for _, ch := range s.past.channels {
		add(ch.Staff, "")
	}
	for _, t := range s.past.tasks {
		add(t.Owner, "")
	}
	for _, k := range s.past.contacts {
		add(k.UserID, "")
	}
	listed, read := s.past.listed()
	for _, id := range order {
		u := sandbox.Staff{UserID: id, Name: or(names[strings.ToLower(id)], id), NoContacts: !read.IsZero() && !listed[id]}
		if err := s.box.AddStaff(u); err != nil {
			return err
		}
	}
	return s.box.AddStaff(sandbox.Staff{UserID: nobody, Name: nobody, Hidden: true})
}

func or(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

// plantCustomers adds everybody who is or was in a group or is a contact.
func (s *stage) plantCustomers() error {
	known := map[string]sandbox.Customer{}
	var order []string
	add := func(id, name, union string) {
		c, ok := known[id]
		if !ok {
			order = append(order, id)
		}
		c.ID, c.Name, c.UnionID = id, or(c.Name, name), or(c.UnionID, union)
		known[id] = c
	}
	for _, c := range s.past.chats {
		for _, st := range s.past.stints[c.ChatID] {
			if st.Kind == string(bot.Customer) {
				add(st.UserID, st.Name, st.UnionID)
			}
		}
	}
	for _, k := range s.past.contacts {
		add(k.Customer, "", "")
	}
	for _, id := range order {
		c := known[id]
		c.Name = or(c.Name, unnamed)
		if _, err := s.box.AddCustomer(c); err != nil {
			return err
		}
	}
	return nil
}

var scenes = map[string]int{
	string(bot.JoinInvited): sandbox.SceneDirect, string(bot.JoinLink): sandbox.SceneLink, string(bot.JoinQR): sandbox.SceneQR,
}

func (s *stage) plantGroups() error {
	for _, c := range s.past.chats {
		g := sandbox.Group{
			ID: c.ChatID, Name: c.Name, Owner: or(c.Owner, nobody), CreatedAt: c.CreatedAt, Version: c.Version,
			Dismissed: c.Status == store.ChatDismissed,
		}
		present := map[string]bool{}
		for _, st := range s.past.stints[c.ChatID] {
			if st.LeftAt.IsZero() && present[st.UserID] {
				continue // the books cannot say which of the two goes on
			}
			present[st.UserID] = present[st.UserID] || st.LeftAt.IsZero()
			how := sandbox.LeftAlone
			if st.LeftHow == string(bot.LeftRemoved) {
				how = sandbox.LeftRemoved
			}
			g.History = append(g.History, sandbox.Stay{User: st.UserID, Joined: st.JoinedAt, Left: st.LeftAt, LeftHow: how,
				Scene: max(scenes[st.JoinScene], sandbox.SceneDirect), Inviter: inviterOf(st), State: st.State})
		}
		if err := s.box.PlantGroup(g); err != nil {
			return err
		}
	}
	return nil
}

// inviterOf is whom WeCom shows as a member's inviter.
func inviterOf(st store.Stint) string {
	if st.InviterBy == "invitor" {
		return st.Inviter
	}
	return ""
}

func (s *stage) plantContacts() error {
	for _, k := range s.past.contacts {
		if err := s.box.PlantContact(sandbox.Contact{User: k.UserID, Customer: k.Customer, AddedAt: k.AddedAt, State: k.State, ByStaff: k.RemovedAt}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) plantCodes() error {
	known := map[string]bool{}
	for _, c := range s.past.chats {
		known[c.ChatID] = true
	}
	for _, ch := range s.past.channels {
		var err error
		if ch.Kind == store.ChannelContact {
			err = s.box.PlantContactWay(sandbox.ContactWay{ConfigID: ch.ConfigID, Type: 1, Scene: 2, Users: []string{ch.Staff}, State: ch.State, CreatedAt: ch.CreatedAt})
		} else {
			chats := slices.DeleteFunc(slices.Clone(ch.ChatIDs), func(id string) bool { return !known[id] })
			err = s.box.PlantJoinWay(sandbox.JoinWay{ConfigID: ch.ConfigID, Scene: 2, AutoCreate: ch.AutoCreate, BaseName: ch.BaseName, BaseID: 1,
				Chats: chats, State: ch.State, CreatedAt: ch.CreatedAt})
		}
		if err != nil {
			return fmt.Errorf("channel %d: %w", ch.ID, err)
		}
	}
	return nil
}

// plantMedia puts in the files that messages name. What was uploaded from the library is in
// the books. When others were uploaded is not; at the latest it was when the message was
// written, and that is assumed: a file that has expired three days after that has expired.
func (s *stage) plantMedia(r store.Reader) error {
	planted := map[string]bool{}
	plant := func(as []bot.Attachment, at time.Time) error {
		for _, a := range as {
			if a.MediaID == "" || planted[a.MediaID] {
				continue
			}
			planted[a.MediaID] = true
			kind := string(a.Type)
			if a.Type == bot.AttachMiniprogram {
				kind = string(bot.AttachImage) // its cover
			}
			if err := s.box.PlantMedia(sandbox.Media{MediaID: a.MediaID, Type: kind, UploadedAt: at}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.plantUploads(r, planted); err != nil {
		return err
	}
	for _, p := range s.past.promos {
		if err := plant(p.Spec.Message.Attachments, p.CreatedAt); err != nil {
			return err
		}
	}
	ids := []string{store.WelcomeDefault, store.WelcomeGroup}
	for _, ch := range s.past.channels {
		ids = append(ids, fmt.Sprint(ch.ID))
	}
	for _, id := range ids {
		w, err := r.Welcome(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := plant(w.Attachments, w.UpdatedAt); err != nil {
			return err
		}
	}
	return nil
}

// plantUploads puts in what the platform was given from the library.
func (s *stage) plantUploads(r store.Reader, planted map[string]bool) error {
	uploads, err := r.MediaUploads()
	if err != nil {
		return err
	}
	for _, up := range uploads {
		m, err := r.Media(up.MediaID)
		if err != nil {
			return err
		}
		planted[up.PlatformID] = true
		if err := s.box.PlantMedia(sandbox.Media{MediaID: up.PlatformID, Type: string(m.Type), Name: m.Name, UploadedAt: up.UploadedAt}); err != nil {
			return err
		}
	}
	return nil
}

// plantTasks puts in the mass messages of late with what became of them: they have used up
// quota, and some still wait for their owner.
func (s *stage) plantTasks() error {
	for _, t := range s.past.tasks {
		share := sandbox.Share{User: t.Owner, ConfirmedAt: t.ConfirmedAt}
		planted := sandbox.Task{MsgID: t.MsgID, ChatType: "group", Sender: t.Owner, Text: t.message.Text, CreatedAt: t.SubmittedAt}
		for _, d := range t.deliveries {
			share.Targets = append(share.Targets, d.ChatID)
			if res, ok := resultOf(d, t.Task); ok {
				planted.Results = append(planted.Results, res)
			}
		}
		if t.Status == store.TaskCancelled {
			planted.CancelledAt = t.ClosesAt
		}
		planted.Shares = []sandbox.Share{share}
		if err := s.box.PlantTask(planted); err != nil {
			return err
		}
	}
	return nil
}

func resultOf(d store.Delivery, t store.Task) (sandbox.Result, bool) {
	res := sandbox.Result{User: t.Owner, Target: d.ChatID, At: d.SentAt}
	if res.At.IsZero() {
		res.At = t.ConfirmedAt
	}
	switch {
	case d.Status == store.DeliverySent:
		res.Status = sandbox.ResultSent
	case d.Status == store.DeliveryFailed && d.Code == sandbox.ResultQuota:
		res.Status = sandbox.ResultQuota
	case d.Status == store.DeliveryFailed && d.Code == sandbox.ResultNoFriend:
		res.Status = sandbox.ResultNoFriend
	default:
		return res, false
	}
	return res, true
}
