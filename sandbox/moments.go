package sandbox

import (
	"context"
	"slices"
	"time"
)

const (
	momentChars     = 2000
	momentImages    = 9
	momentLinkBytes = 64
	momentSenders   = 100_000
	momentsAMinute  = 10
	jobLife         = 24 * time.Hour

	// How long the platform takes to make a moment is not published; a job is seen in each
	// of its three states.
	jobStarts = time.Second
	jobEnds   = 3 * time.Second

	codeNoMoment   = 41059
	codeBadMoment  = 41060
	codeNotSender  = 41061
	codeNotShown   = 41062
	codeMomentKind = 41067
	// Of 41078 and 41079 it is published only that the moment is not ready for the call.
	codeMomentBusy   = 41078
	codeMomentMaking = 41079
)

// States of the job that makes a moment, as the platform numbers them.
const (
	jobNew     = 1
	jobRunning = 2
	jobDone    = 3
)

// Moment is something shown to customers in their circle of friends (客户朋友圈). One that the
// app made waits for each sender to publish it.
type Moment struct {
	MomentID    string // empty while it is made, or if there is nobody to send it
	JobID       string // of the call that made it; empty if Personal
	Personal    bool   // made by a member of staff in the client
	Creator     string // userid, of a personal moment
	Partial     bool   // only some customers may see it
	Text        string
	Attachments []Attachment // images, or one video, or one link
	CreatedAt   time.Time
	CancelledAt time.Time // zero: not cancelled
	Shares      []MomentShare
}

// MomentShare is what one member of staff publishes of a moment.
type MomentShare struct {
	User        string
	Customers   []string // external_userids that may see it
	PublishedAt time.Time
	Shown       []string   // who could see it when it was published
	Likes       []Reaction // of customers and staff
	Comments    []Reaction
}

// Reaction is a like of a moment, or a comment on it.
type Reaction struct {
	Person string // external_userid or userid
	At     time.Time
	Text   string // of a comment; the API does not answer it
}

// momentTask is a Moment while it is kept.
type momentTask struct {
	Moment
	key     int
	state   int // of its job
	invalid reply
	refused *failure // why the job made nothing
}

// moments are all moments.
type moments struct {
	all    []*momentTask
	byID   map[string]*momentTask
	byJob  map[string]*momentTask
	recent received // creations through the API
}

func newMoments() moments {
	return moments{byID: map[string]*momentTask{}, byJob: map[string]*momentTask{}}
}

func momentAPIs() map[string]api {
	return map[string]api{
		"externalcontact/add_moment_task":          write(addMoment),
		"externalcontact/get_moment_task_result":   read(getMomentJob),
		"externalcontact/cancel_moment_task":       write(cancelMoment),
		"externalcontact/get_moment_list":          write(listMoments),
		"externalcontact/get_moment_task":          write(listMomentShares),
		"externalcontact/get_moment_customer_list": write(listMomentAudience),
		"externalcontact/get_moment_send_result":   write(listMomentShown),
		"externalcontact/get_moment_comments":      write(listMomentReactions),
	}
}

// addMoment begins the job that makes a moment: at most ten in a minute.
// See https://developer.work.weixin.qq.com/document/path/95094
func addMoment(c *call) (reply, *failure) {
	in := c.in
	t := &momentTask{Moment: Moment{CreatedAt: c.now}, state: jobNew}
	text := in.part("text")
	t.Text = text.maxChars("content", text.text("content"), momentChars)
	t.Attachments = c.momentAttachments()
	if t.Text == "" && len(t.Attachments) == 0 {
		in.bad(codeEmptyText, "text and attachments are both empty")
	}
	visible := in.part("visible_range")
	senders := visible.part("sender_list")
	users, departments := senders.list("user_list", momentSenders), senders.numbers("department_list")
	tags := visible.part("external_contact_list").list("tag_list", maxIDs)
	if f := in.failed(); f != nil {
		return nil, f
	}
	if !c.s.moments.recent.take(c.now, momentsAMinute, time.Minute, momentsAMinute) {
		return nil, refuse(codeTooMany, "api freq out of limit: %d moments in a minute", momentsAMinute)
	}
	s := c.s
	t.JobID = s.dice.draw("moment job", alphabetID, 64)
	s.moments.byJob[t.JobID] = t
	s.later(&s.agenda, c.now.Add(jobStarts), func(context.Context) {
		s.enter()
		defer s.leave()
		t.state = jobRunning
	})
	s.later(&s.agenda, c.now.Add(jobEnds), func(context.Context) {
		now := s.enter()
		defer s.leave()
		s.makeMoment(now, t, users, departments, tags)
	})
	return reply{"jobid": t.JobID}, nil
}

// momentAttachments reads nine images, or a video, or a link. The files must have been
// uploaded for moments.
func (c *call) momentAttachments() []Attachment {
	parts := c.in.parts("attachments")
	out := make([]Attachment, 0, len(parts))
	for _, part := range parts {
		kind := part.text("msgtype")
		if !slices.Contains([]string{"image", "video", "link"}, kind) || !part.has(kind) || len(out) > 0 && out[0].Type != kind {
			part.bad(codeAttachType, "invalid attachments msgtype: %smsgtype", part.where)
			continue
		}
		body := part.part(kind)
		switch kind {
		case "image", "video":
			c.mediaFor(body, "media_id", kind, purposeMoment)
		case "link":
			body.maxBytes("title", body.text("title"), momentLinkBytes)
			body.link("url", urlBytes, codeNoURL)
			if body.text("media_id") != "" {
				c.mediaFor(body, "media_id", "image", purposeMoment)
			}
		}
		out = append(out, Attachment{Type: kind, Body: encode(body.fields)})
	}
	if len(out) > momentImages || len(out) > 1 && out[0].Type != "image" {
		c.in.bad(codeAttachCount, "attachment num over limit")
	}
	return out
}

// makeMoment ends a job: it finds who is to publish the moment and who may see it. Without
// any sender nothing is made, and the result of the job says 41048.
func (s *Sandbox) makeMoment(now time.Time, t *momentTask, users []string, departments []int, tags []string) {
	t.state = jobDone
	badUsers, badDepartments, badTags := []string{}, []int{}, []string{}
	var named []*Staff
	for _, id := range unique(users) {
		u := s.office.find(id)
		if u == nil || !u.serves() {
			badUsers = append(badUsers, id)
			continue
		}
		named = append(named, u)
	}
	var within []Department
	for _, id := range departments {
		if s.office.department(id) == nil {
			badDepartments = append(badDepartments, id)
			continue
		}
		within = append(within, s.office.below(id)...)
	}
	for _, id := range unique(tags) {
		if _, tag := s.tagShelf.tag(id); tag == nil {
			badTags = append(badTags, id)
		}
	}
	tags = slices.DeleteFunc(unique(tags), func(id string) bool { return slices.Contains(badTags, id) })
	t.Partial = len(tags)+len(badTags) > 0
	everybody := len(users)+len(departments) == 0
	for _, u := range s.office.staff {
		in := slices.ContainsFunc(within, func(d Department) bool { return u.in(d.ID) })
		if u.serves() && (everybody || in || slices.Contains(named, u)) {
			t.addShare(s, u, tags)
		}
	}
	t.invalid = reply{
		"invalid_sender_list":           reply{"user_list": badUsers, "department_list": badDepartments},
		"invalid_external_contact_list": reply{"tag_list": badTags},
	}
	if len(t.Shares) == 0 {
		t.refused = refuse(codeNobody, "no customer to send to")
		return
	}
	s.keepMoment(t)
	for _, share := range t.Shares {
		s.note(now, EntryMoment, share.User, nil, both("is to publish %s to %d customers: %s", "要发表朋友圈 %s，给 %d 位客户：%s", t.MomentID, len(share.Customers), t.Text))
	}
}

// in reports whether a member of staff is in a department itself.
func (u *Staff) in(department int) bool { return u.Department == department }

// addShare gives a member of staff a moment to publish, to customers with any of the tags;
// those without such a customer have nothing to publish.
func (t *momentTask) addShare(s *Sandbox, u *Staff, tags []string) {
	share := MomentShare{User: u.UserID}
	for _, k := range s.clientele.ofUser[u.UserID] {
		tagged := slices.ContainsFunc(s.tagsOf(k), func(id string) bool { return slices.Contains(tags, id) })
		if k.active() && (!t.Partial || tagged) {
			share.Customers = append(share.Customers, k.Customer)
		}
	}
	if len(share.Customers) > 0 {
		t.Shares = append(t.Shares, share)
	}
}

func (s *Sandbox) keepMoment(t *momentTask) {
	t.MomentID = "mom" + s.dice.draw("moment", alphabetID, 29)
	s.moments.all = append(s.moments.all, t)
	s.moments.byID[t.MomentID] = t
	t.key = len(s.moments.all)
}

// getMomentJob answers how far the making of a moment is, for 24 hours.
// See https://developer.work.weixin.qq.com/document/path/95094
func getMomentJob(c *call) (reply, *failure) {
	id := c.query.Get("jobid")
	if id == "" {
		return nil, refuse(codeEmptyParam, "missing jobid")
	}
	t := c.s.moments.byJob[id]
	if t == nil || c.now.Sub(t.CreatedAt) >= jobLife {
		return nil, refuse(codeBadParam, "invalid Request Parameter: jobid is unknown or older than 24 hours")
	}
	out := reply{"status": t.state, "type": "add_moment_task"}
	if t.state != jobDone {
		return out, nil
	}
	result := reply{"errcode": 0, "errmsg": "ok", "moment_id": t.MomentID}
	for name, list := range t.invalid {
		result[name] = list
	}
	if t.refused != nil {
		result["errcode"], result["errmsg"] = t.refused.code, t.refused.msg
	}
	out["result"] = result
	return out, nil
}

// cancelMoment stops the publishing of a moment where it has not happened.
// See https://developer.work.weixin.qq.com/document/path/97612
func cancelMoment(c *call) (reply, *failure) {
	t, f := c.namedMoment()
	switch {
	case f != nil:
		return nil, f
	case t.Personal:
		return nil, refuse(codeMomentKind, "moment_id was not made by the company")
	case c.now.Sub(t.CreatedAt) < c.s.faults.Dispatch:
		return nil, refuse(codeMomentMaking, "the moment is being made")
	}
	if t.CancelledAt.IsZero() {
		t.CancelledAt = c.now
		c.s.note(c.now, EntryMoment, "", nil, both("%s was cancelled", "朋友圈 %s 取消了", t.MomentID))
	}
	return nil, nil
}

// namedMoment returns the moment that a call names.
func (c *call) namedMoment() (*momentTask, *failure) {
	id := c.in.need("moment_id", codeNoMoment)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t := c.s.moments.byID[id]
	if t == nil {
		return nil, refuse(codeBadMoment, "invalid moment_id")
	}
	return t, nil
}

// Moments returns all moments, oldest first, without those that are still made.
func (s *Sandbox) Moments() []Moment {
	s.enter()
	defer s.leave()
	out := make([]Moment, 0, len(s.moments.all))
	for _, t := range s.moments.all {
		m := t.Moment
		m.Shares = slices.Clone(m.Shares)
		for i := range m.Shares {
			m.Shares[i].Likes, m.Shares[i].Comments = slices.Clone(m.Shares[i].Likes), slices.Clone(m.Shares[i].Comments)
		}
		out = append(out, m)
	}
	return out
}
