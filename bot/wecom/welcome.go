package wecom

import (
	"context"

	"xiaobu/bot"
)

// Limits of a greeting in bytes; what is longer is cut, because a code is worth nothing
// twenty seconds later.
const (
	maxWelcomeText      = 4000
	maxLinkTitle        = 128
	maxLinkDesc         = 512
	maxMiniprogramTitle = 64
)

// SendWelcome spends a welcome code. That somebody else has greeted already, or that the
// two are talking, is an error of class done.
// https://developer.work.weixin.qq.com/document/path/92137
func (c *Client) SendWelcome(ctx context.Context, code string, m bot.Message) error {
	if code == "" {
		return refused(opWelcome, "no welcome code")
	}
	text, attachments, err := contentOf(opWelcome, trimmed(m))
	if err != nil {
		return err
	}
	request := struct {
		Code        string           `json:"welcome_code"`
		Text        *textWire        `json:"text,omitempty"`
		Attachments []attachmentWire `json:"attachments,omitempty"`
	}{code, text, attachments}
	return c.post(ctx, opWelcome, request, &struct{}{})
}

// trimmed cuts a greeting to what WeCom takes.
func trimmed(m bot.Message) bot.Message {
	out := bot.Message{Text: cutBytes(m.Text, maxWelcomeText)}
	for _, a := range m.Attachments[:min(len(m.Attachments), maxAttachments)] {
		switch a.Type {
		case bot.AttachLink:
			a.Title, a.Desc = cutBytes(a.Title, maxLinkTitle), cutBytes(a.Desc, maxLinkDesc)
		case bot.AttachMiniprogram:
			a.Title = cutBytes(a.Title, maxMiniprogramTitle)
		}
		out.Attachments = append(out.Attachments, a)
	}
	return out
}

// SaveGroupWelcome makes a template of the greeting for new members, or changes one. It
// takes a text and at most one attachment; %NICKNAME% in the text becomes the member's
// name. Owners are told that there is a new template to attach.
// https://developer.work.weixin.qq.com/document/path/92366
func (c *Client) SaveGroupWelcome(ctx context.Context, templateID string, m bot.Message) (string, error) {
	op := opGroupWelcomeAdd
	if templateID != "" {
		op = opGroupWelcomeSet
	}
	request, err := groupWelcome(op, templateID, m)
	if err != nil {
		return "", err
	}
	if templateID != "" {
		return templateID, c.post(ctx, op, request, &struct{}{})
	}
	var answer struct {
		ID string `json:"template_id"`
	}
	if err := c.post(ctx, op, request, &answer); err != nil {
		return "", err
	}
	return answer.ID, missing(op, "template_id", answer.ID)
}

// groupWelcomeWire is a template as WeCom writes it.
type groupWelcomeWire struct {
	ID   string    `json:"template_id,omitempty"`
	Text *textWire `json:"text,omitempty"`
	partsWire
	Notify int `json:"notify,omitempty"`
}

func groupWelcome(op, id string, m bot.Message) (groupWelcomeWire, error) {
	w := groupWelcomeWire{ID: id, Text: textOf(m.Text)}
	if id == "" {
		w.Notify = 1
	}
	switch {
	case len(m.Attachments) > 1:
		return w, refused(op, "a group welcome takes one attachment")
	case len(m.Attachments) == 1:
		parts, err := partsOf(op, m.Attachments[0])
		w.partsWire = parts
		return w, err
	case m.Text == "":
		return w, refused(op, "neither text nor attachment")
	}
	return w, nil
}
