package sandbox

import (
	"slices"
	"time"
)

const (
	maxTemplates       = 100
	templateBytes      = 3000
	codeTemplateCount  = 41055
	codeTemplateForger = 41058
)

// GroupTemplate is a stored group welcome (入群欢迎语). The platform sends it only in groups
// to which their owner has attached it by hand, so the sandbox only keeps it.
type GroupTemplate struct {
	ID         string
	Text       string
	Attachment Attachment // Type "" for none
	Notify     bool
	CreatedAt  time.Time
}

// templates are the group welcomes there are, oldest first.
type templates struct{ all []*GroupTemplate }

func newTemplates() templates { return templates{} }

// GroupTemplates returns the stored group welcomes, oldest first.
func (s *Sandbox) GroupTemplates() []GroupTemplate {
	s.enter()
	defer s.leave()
	return copied(s.templates.all, shallow)
}

func groupTemplateAPIs() map[string]api {
	const room = "externalcontact/group_welcome_template/"
	return map[string]api{
		room + "add": write(addGroupTemplate), room + "get": write(getGroupTemplate),
		room + "edit": write(editGroupTemplate), room + "del": write(deleteGroupTemplate),
	}
}

// readTemplate reads a text and at most one more part; of several the first in the
// platform's order counts.
func (c *call) readTemplate(t *GroupTemplate) *failure {
	text := c.in.part("text")
	t.Text = text.maxBytes("content", text.text("content"), templateBytes)
	t.Attachment = Attachment{}
	for _, kind := range []string{"image", "link", "miniprogram", "file", "video"} {
		if c.in.has(kind) {
			t.Attachment = c.attachment(c.in, kind)
			break
		}
	}
	if t.Text == "" && t.Attachment.Type == "" {
		c.in.bad(codeEmptyText, "text and attachment are both empty")
	}
	return c.in.failed()
}

// addGroupTemplate stores a group welcome.
// See https://developer.work.weixin.qq.com/document/path/92366
func addGroupTemplate(c *call) (reply, *failure) {
	t := &GroupTemplate{CreatedAt: c.now, Notify: c.in.between("notify", 1, 0, 1) == 1}
	if f := c.readTemplate(t); f != nil {
		return nil, f
	}
	if len(c.s.templates.all) >= maxTemplates {
		return nil, refuse(codeTemplateCount, "group welcome template over limit")
	}
	t.ID = "msg" + c.s.dice.draw("template", alphabetID, 27)
	c.s.templates.all = append(c.s.templates.all, t)
	return reply{"template_id": t.ID}, nil
}

// namedTemplate returns the group welcome that a call names.
func (c *call) namedTemplate() (*GroupTemplate, *failure) {
	id := c.in.need("template_id", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	i := slices.IndexFunc(c.s.templates.all, func(t *GroupTemplate) bool { return t.ID == id })
	if i < 0 {
		return nil, refuse(codeTemplateForger, "no permission to this group welcome template")
	}
	return c.s.templates.all[i], nil
}

// getGroupTemplate answers a stored group welcome.
// See https://developer.work.weixin.qq.com/document/path/92366
func getGroupTemplate(c *call) (reply, *failure) {
	t, f := c.namedTemplate()
	if f != nil {
		return nil, f
	}
	out := reply{}
	if t.Text != "" {
		out["text"] = reply{"content": t.Text}
	}
	if t.Attachment.Type != "" {
		out[t.Attachment.Type] = t.Attachment.Body
	}
	return out, nil
}

// editGroupTemplate replaces a stored group welcome.
// See https://developer.work.weixin.qq.com/document/path/92366
func editGroupTemplate(c *call) (reply, *failure) {
	t, f := c.namedTemplate()
	if f != nil {
		return nil, f
	}
	changed := *t
	if f := c.readTemplate(&changed); f != nil {
		return nil, f
	}
	*t = changed
	return nil, nil
}

// deleteGroupTemplate deletes a stored group welcome.
// See https://developer.work.weixin.qq.com/document/path/92366
func deleteGroupTemplate(c *call) (reply, *failure) {
	t, f := c.namedTemplate()
	if f != nil {
		return nil, f
	}
	c.s.templates.all = slices.DeleteFunc(c.s.templates.all, func(o *GroupTemplate) bool { return o == t })
	return nil, nil
}
