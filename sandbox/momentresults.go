package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	maxMomentRange = 30 * 24 * time.Hour
	momentLimit    = 20
	shownLimit     = 5000
)

// listMoments answers the moments of at most 30 days.
// See https://developer.work.weixin.qq.com/document/path/93333
func listMoments(c *call) (reply, *failure) {
	in := c.in
	begin, end := in.seconds(maxMomentRange)
	creator := in.text("creator")
	filter := in.between("filter_type", 2, 0, 2)
	limit := int(in.between("limit", momentLimit, 0, momentLimit))
	cursor := in.text("cursor")
	if f := in.failed(); f != nil {
		return nil, f
	}
	var all []*momentTask
	for _, t := range c.s.moments.all {
		at := t.CreatedAt.Unix()
		skip := filter == 0 && t.Personal || filter == 1 && !t.Personal
		if at >= begin && at <= end && !skip && (creator == "" || t.Personal && t.Creator == creator) {
			all = append(all, t)
		}
	}
	some, next, f := page("moment", cursor, c.atMost(orElse(limit, momentLimit)), all, func(t *momentTask) int { return t.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, t := range some {
		out = append(out, t.shown())
	}
	return reply{"moment_list": out, "next_cursor": next}, nil
}

// shown is a moment in the list.
func (t *momentTask) shown() reply {
	out := reply{"moment_id": t.MomentID, "create_time": t.CreatedAt.Unix(), "create_type": 0, "visible_type": 1}
	if t.Personal {
		out["create_type"], out["creator"] = 1, t.Creator
	}
	if t.Partial {
		out["visible_type"] = 0
	}
	if t.Text != "" {
		out["text"] = reply{"content": t.Text}
	}
	images := []json.RawMessage{}
	for _, a := range t.Attachments {
		if a.Type == "image" {
			images = append(images, a.Body)
			continue
		}
		out[a.Type] = a.Body
	}
	if len(images) > 0 {
		out["image"] = images
	}
	return out
}

// readyMoment returns the moment that a call names, once it has been dispatched.
func (c *call) readyMoment() (*momentTask, *failure) {
	t, f := c.namedMoment()
	if f == nil && c.now.Sub(t.CreatedAt) < c.s.faults.Dispatch {
		f = refuse(codeMomentBusy, "the moment is being dispatched")
	}
	return t, f
}

// listMomentShares answers who is to publish a moment of the company and who has.
// See https://developer.work.weixin.qq.com/document/path/93333
func listMomentShares(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", 500, 0, resultLimit))
	cursor := c.in.text("cursor")
	t, f := c.readyMoment()
	if f == nil && t.Personal {
		f = refuse(codeMomentKind, "moment_id was not made by the company")
	}
	if f != nil {
		return nil, f
	}
	rows := make([]row, 0, len(t.Shares))
	for i, share := range t.Shares {
		status := 0
		if !share.PublishedAt.IsZero() {
			status = 1
		}
		rows = append(rows, row{i + 1, reply{"userid": share.User, "publish_status": status}})
	}
	return answerRows("moment share "+t.MomentID, "task_list", cursor, c.atMost(orElse(limit, 500)), rows)
}

// momentShare returns what the member that a call names has published of a moment.
func (c *call) momentShare() (*momentTask, *MomentShare, *failure) {
	user := c.in.need("userid", codeNoUserID)
	t, f := c.readyMoment()
	if f != nil {
		return nil, nil, f
	}
	u := c.s.office.find(user)
	if u == nil {
		return nil, nil, refuse(codeNoUser, "userid not found: %s", user)
	}
	share := t.share(u.UserID)
	switch {
	case share == nil:
		return nil, nil, refuse(codeNotSender, "the moment is not published by this userid")
	case share.PublishedAt.IsZero():
		return nil, nil, refuse(codeNotShown, "the moment was not published by this userid yet")
	}
	return t, share, nil
}

func (t *momentTask) share(user string) *MomentShare {
	i := slices.IndexFunc(t.Shares, func(s MomentShare) bool { return s.User == user })
	if i < 0 {
		return nil
	}
	return &t.Shares[i]
}

// listMomentAudience answers the customers who were chosen to see a moment.
// See https://developer.work.weixin.qq.com/document/path/93333
func listMomentAudience(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", 500, 0, resultLimit))
	cursor := c.in.text("cursor")
	t, share, f := c.momentShare()
	if f != nil {
		return nil, f
	}
	rows := make([]row, 0, len(share.Customers))
	for i, id := range share.Customers {
		rows = append(rows, row{i + 1, reply{"userid": share.User, "external_userid": id}})
	}
	return answerRows("audience "+t.MomentID+share.User, "customer_list", cursor, c.atMost(orElse(limit, 500)), rows)
}

// listMomentShown answers the customers who can see a moment since it was published.
// See https://developer.work.weixin.qq.com/document/path/93333
func listMomentShown(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", 3000, 0, shownLimit))
	cursor := c.in.text("cursor")
	t, share, f := c.momentShare()
	if f != nil {
		return nil, f
	}
	rows := make([]row, 0, len(share.Shown))
	for i, id := range share.Shown {
		rows = append(rows, row{i + 1, reply{"external_userid": id}})
	}
	return answerRows("shown "+t.MomentID+share.User, "customer_list", cursor, c.atMost(orElse(limit, 3000)), rows)
}

// listMomentReactions answers who liked a moment and who wrote below it, not what.
// See https://developer.work.weixin.qq.com/document/path/93333
func listMomentReactions(c *call) (reply, *failure) {
	_, share, f := c.momentShare()
	if f != nil {
		return nil, f
	}
	shown := func(all []Reaction) []reply {
		out := []reply{}
		for _, r := range all {
			name := "external_userid"
			if c.s.office.find(r.Person) != nil {
				name = "userid"
			}
			out = append(out, reply{name: r.Person, "create_time": r.At.Unix()})
		}
		return out
	}
	return reply{"comment_list": shown(share.Comments), "like_list": shown(share.Likes)}, nil
}

// PublishMoment lets a member of staff publish a moment that waits for it. It is shown to
// those of its customers who still have the member as a contact.
func (s *Sandbox) PublishMoment(momentID, user string) error {
	now := s.enter()
	defer s.leave()
	t, share, err := s.momentOf(momentID, user)
	switch {
	case err != nil:
	case !t.CancelledAt.IsZero():
		err = errors.New("it was cancelled")
	case !share.PublishedAt.IsZero():
		err = errors.New("it is published")
	}
	if err != nil {
		return fmt.Errorf("publish moment %s by %s: %w", momentID, user, err)
	}
	s.publish(now, t, share)
	return nil
}

func (s *Sandbox) publish(now time.Time, t *momentTask, share *MomentShare) {
	share.PublishedAt = now
	for _, id := range share.Customers {
		if k := s.clientele.current[pair{share.User, id}]; k != nil && k.active() && k.ByCustomer.IsZero() {
			share.Shown = append(share.Shown, id)
		}
	}
	s.note(now, EntryMoment, share.User, nil, both("published %s, %d customers see it: %s", "发表了朋友圈 %s，%d 位客户看得到：%s", t.MomentID, len(share.Shown), t.Text))
}

// momentOf finds a moment and the part of it that a member of staff publishes.
func (s *Sandbox) momentOf(momentID, user string) (*momentTask, *MomentShare, error) {
	t, u := s.moments.byID[momentID], s.office.find(user)
	if t == nil || u == nil {
		return nil, nil, ErrNotFound
	}
	share := t.share(u.UserID)
	if share == nil {
		return nil, nil, errors.New("it is not for this member of staff")
	}
	return t, share, nil
}

// PostMoment lets a member of staff publish a moment of their own in the client, to all their
// customers. It returns the moment_id.
func (s *Sandbox) PostMoment(user, text string) (string, error) {
	now := s.enter()
	defer s.leave()
	u := s.office.find(user)
	if u == nil || u.Resigned || text == "" {
		return "", fmt.Errorf("post a moment by %s: want a member of staff and a text", user)
	}
	t := &momentTask{state: jobDone, Moment: Moment{Personal: true, Creator: u.UserID, Text: text, CreatedAt: now}}
	t.addShare(s, u, nil)
	if len(t.Shares) == 0 {
		t.Shares = []MomentShare{{User: u.UserID}}
	}
	s.keepMoment(t)
	s.publish(now, t, &t.Shares[0])
	return t.MomentID, nil
}

// LikeMoment lets a customer who sees a moment of a member of staff like it, once; or the
// member.
func (s *Sandbox) LikeMoment(momentID, user, person string) error {
	return s.react("like", momentID, user, person, "")
}

// CommentMoment lets a customer who sees a moment of a member of staff write below it; or the
// member.
func (s *Sandbox) CommentMoment(momentID, user, person, text string) error {
	if text == "" {
		return errors.New("comment on a moment: want a text")
	}
	return s.react("comment on", momentID, user, person, text)
}

func (s *Sandbox) react(what, momentID, user, person, text string) error {
	now := s.enter()
	defer s.leave()
	_, share, err := s.momentOf(momentID, user)
	liked := func(r Reaction) bool { return r.Person == person }
	switch {
	case err != nil:
	case !slices.Contains(share.Shown, person) && (person != share.User || share.PublishedAt.IsZero()):
		err = errors.New("they do not see it")
	case text == "" && slices.ContainsFunc(share.Likes, liked):
		err = errors.New("they like it already")
	}
	if err != nil {
		return fmt.Errorf("%s moment %s of %s by %s: %w", what, momentID, user, person, err)
	}
	did := "评论了"
	if text == "" {
		did = "赞了"
		share.Likes = append(share.Likes, Reaction{Person: person, At: now})
	} else {
		share.Comments = append(share.Comments, Reaction{Person: person, At: now, Text: text})
	}
	s.note(now, EntryMoment, person, nil, both("%s %s of %s %s", did+" %[3]s 的朋友圈 %[2]s %[4]s", what, momentID, user, text))
	return nil
}
