package sandbox

import (
	"encoding/json"
	"slices"
)

const (
	maxAttachments  = 9
	linkTitleBytes  = 128
	linkDescBytes   = 512
	urlBytes        = 2048
	miniTitleBytes  = 64
	codeBadMedia    = 40007
	codeNoMedia     = 41006
	codeAttachCount = 41064
	codeAttachType  = 41065
)

// Attachment is one attachment of a welcome or mass message.
type Attachment struct {
	Type string // image, link, miniprogram, video or file
	// Body is the object under the type's name, as it was sent.
	Body json.RawMessage
}

// attachments reads the attachments of a welcome or mass message and checks each.
func (c *call) attachments() []Attachment {
	parts := c.in.parts("attachments")
	if len(parts) > maxAttachments {
		c.in.bad(codeAttachCount, "attachment num over limit")
	}
	out := make([]Attachment, 0, len(parts))
	for _, part := range parts {
		kind := part.text("msgtype")
		if !slices.Contains([]string{"image", "link", "miniprogram", "video", "file"}, kind) || !part.has(kind) {
			part.bad(codeAttachType, "invalid attachment type: %smsgtype", part.where)
			continue
		}
		out = append(out, c.attachment(part, kind))
	}
	return out
}

// attachment checks one object under its type's name.
func (c *call) attachment(in args, kind string) Attachment {
	part := in.part(kind)
	switch kind {
	case "image":
		if part.text("media_id") == "" && part.has("pic_url") {
			part.link("pic_url", urlBytes, codeNoMedia)
			break
		}
		c.mediaID(part, "media_id", "image")
	case "link":
		part.maxBytes("title", part.need("title", codeNoTitle), linkTitleBytes)
		part.maxBytes("desc", part.text("desc"), linkDescBytes)
		part.link("picurl", urlBytes, 0)
		part.link("url", urlBytes, codeNoURL)
	case "miniprogram":
		part.maxBytes("title", part.need("title", codeNoTitle), miniTitleBytes)
		part.need("appid", codeEmptyParam)
		part.need("page", codeEmptyParam)
		c.mediaID(part, "pic_media_id", "image")
	case "video", "file":
		c.mediaID(part, "media_id", kind)
	}
	return Attachment{Type: kind, Body: encode(part.fields)}
}

// mediaID checks that a media_id was uploaded for messages as the right kind and has not
// expired; in a message of a robot, that it was uploaded for this robot.
func (c *call) mediaID(in args, name, kind string) {
	if c.robot == nil {
		c.mediaFor(in, name, kind, purposeMessage)
		return
	}
	c.mediaFor(in, name, kind, purposeRobot)
	if f := c.s.media.byID[in.text(name)]; f != nil && f.robot != c.robot.Key {
		in.bad(codeBadMedia, "invalid media_id: %s%s", in.where, name)
	}
}

// mediaFor is mediaID for what was uploaded for another purpose.
func (c *call) mediaFor(in args, name, kind, purpose string) {
	id := in.need(name, codeNoMedia)
	if id != "" && !c.s.media.has(id, kind, purpose, c.now) {
		in.bad(codeBadMedia, "invalid media_id: %s%s", in.where, name)
	}
}

// shownAttachments is how attachments are answered.
func shownAttachments(as []Attachment) []reply {
	out := []reply{}
	for _, a := range as {
		out = append(out, reply{"msgtype": a.Type, a.Type: a.Body})
	}
	return out
}
