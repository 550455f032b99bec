package wecom

import (
	"fmt"

	"xiaobu/bot"
)

const maxAttachments = 9

// textWire is a text as WeCom writes it.
type textWire struct {
	Content string `json:"content"`
}

// attachmentWire is an attachment as WeCom writes it; one of the parts is set, and it is
// the one MsgType names.
type attachmentWire struct {
	MsgType bot.AttachmentType `json:"msgtype"`
	partsWire
}

// partsWire are the things that can hang on a message. What is not set is left out: a null
// is not the same to WeCom.
type partsWire struct {
	Image       *imageWire       `json:"image,omitempty"`
	Link        *linkWire        `json:"link,omitempty"`
	Miniprogram *miniprogramWire `json:"miniprogram,omitempty"`
	Video       *mediaWire       `json:"video,omitempty"`
	File        *mediaWire       `json:"file,omitempty"`
}

type imageWire struct {
	MediaID string `json:"media_id,omitempty"`
	PicURL  string `json:"pic_url,omitempty"`
}

type linkWire struct {
	Title  string `json:"title"`
	PicURL string `json:"picurl,omitempty"`
	Desc   string `json:"desc,omitempty"`
	URL    string `json:"url"`
}

type miniprogramWire struct {
	Title      string `json:"title"`
	PicMediaID string `json:"pic_media_id"`
	AppID      string `json:"appid"`
	Page       string `json:"page"`
}

type mediaWire struct {
	MediaID string `json:"media_id"`
}

// textOf returns nil for an empty text.
func textOf(text string) *textWire {
	if text == "" {
		return nil
	}
	return &textWire{text}
}

// partsOf writes one attachment.
func partsOf(op string, a bot.Attachment) (partsWire, error) {
	if a.Media != "" && a.MediaID == "" {
		return partsWire{}, refused(op, "file "+a.Media+" of the library was not uploaded")
	}
	switch a.Type {
	case bot.AttachImage:
		return partsWire{Image: &imageWire{MediaID: a.MediaID, PicURL: a.ImageURL}}, nil
	case bot.AttachLink:
		return partsWire{Link: &linkWire{Title: a.Title, PicURL: a.ImageURL, Desc: a.Desc, URL: a.URL}}, nil
	case bot.AttachMiniprogram:
		return partsWire{Miniprogram: &miniprogramWire{Title: a.Title, PicMediaID: a.MediaID, AppID: a.AppID, Page: a.Page}}, nil
	case bot.AttachVideo:
		return partsWire{Video: &mediaWire{a.MediaID}}, nil
	case bot.AttachFile:
		return partsWire{File: &mediaWire{a.MediaID}}, nil
	}
	return partsWire{}, refused(op, fmt.Sprintf("no attachment type %q", a.Type))
}

// contentOf writes a message's text and attachments, and refuses an empty message.
func contentOf(op string, m bot.Message) (*textWire, []attachmentWire, error) {
	if m.Text == "" && len(m.Attachments) == 0 {
		return nil, nil, refused(op, "neither text nor attachments")
	}
	if len(m.Attachments) > maxAttachments {
		return nil, nil, refused(op, fmt.Sprintf("%d attachments, at most %d", len(m.Attachments), maxAttachments))
	}
	var attachments []attachmentWire
	for _, a := range m.Attachments {
		parts, err := partsOf(op, a)
		if err != nil {
			return nil, nil, err
		}
		attachments = append(attachments, attachmentWire{a.Type, parts})
	}
	return textOf(m.Text), attachments, nil
}

// message reads what contentOf has written.
func message(text *textWire, attachments []attachmentWire) bot.Message {
	var m bot.Message
	if text != nil {
		m.Text = text.Content
	}
	for _, a := range attachments {
		m.Attachments = append(m.Attachments, a.attachment())
	}
	return m
}

func (w attachmentWire) attachment() bot.Attachment {
	a := bot.Attachment{Type: w.MsgType}
	switch {
	case w.Image != nil:
		a.MediaID, a.ImageURL = w.Image.MediaID, w.Image.PicURL
	case w.Link != nil:
		a.Title, a.ImageURL, a.Desc, a.URL = w.Link.Title, w.Link.PicURL, w.Link.Desc, w.Link.URL
	case w.Miniprogram != nil:
		a.Title, a.MediaID, a.AppID, a.Page = w.Miniprogram.Title, w.Miniprogram.PicMediaID, w.Miniprogram.AppID, w.Miniprogram.Page
	case w.Video != nil:
		a.MediaID = w.Video.MediaID
	case w.File != nil:
		a.MediaID = w.File.MediaID
	}
	return a
}
