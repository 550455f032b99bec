package api

import (
	"xiaobu/bot"
)

// messageBody is what people get to read.
type messageBody struct {
	Text        string           `json:"text,omitempty" maxLength:"20000"`
	Attachments []attachmentBody `json:"attachments,omitempty" maxItems:"50"`
}

// attachmentBody is one thing that hangs on a message.
type attachmentBody struct {
	Type     string `json:"type" enum:"image,link,miniprogram,video,file"`
	Title    string `json:"title,omitempty"`
	URL      string `json:"url,omitempty"`
	Desc     string `json:"desc,omitempty"`
	ImageURL string `json:"image_url,omitempty"`
	MediaID  string `json:"media_id,omitempty"`
	AppID    string `json:"app_id,omitempty"`
	Page     string `json:"page,omitempty"`
	Media    string `json:"media,omitempty" doc:"id of a file in the library, in the place of media_id; for promotions and texts"`
}

func (b messageBody) message() bot.Message {
	m := bot.Message{Text: b.Text}
	for _, a := range b.Attachments {
		m.Attachments = append(m.Attachments, bot.Attachment{Type: bot.AttachmentType(a.Type), Title: a.Title, URL: a.URL, Desc: a.Desc,
			ImageURL: a.ImageURL, MediaID: a.MediaID, AppID: a.AppID, Page: a.Page, Media: a.Media})
	}
	return m
}

func viewAttachments(as []bot.Attachment) []attachmentBody {
	out := []attachmentBody{}
	for _, a := range as {
		out = append(out, attachmentBody{Type: string(a.Type), Title: a.Title, URL: a.URL, Desc: a.Desc, ImageURL: a.ImageURL,
			MediaID: a.MediaID, AppID: a.AppID, Page: a.Page, Media: a.Media})
	}
	return out
}
