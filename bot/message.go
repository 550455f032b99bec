package bot

import "time"

// AttachmentType is the kind of a message's attachment.
type AttachmentType string

// What can hang on a message.
const (
	AttachImage       AttachmentType = "image"
	AttachLink        AttachmentType = "link"
	AttachMiniprogram AttachmentType = "miniprogram"
	AttachVideo       AttachmentType = "video"
	AttachFile        AttachmentType = "file"
)

// Attachment is one thing that hangs on a message. Which fields it needs depends on Type:
// image: MediaID or ImageURL; link: Title and URL; miniprogram: Title, AppID, Page and
// MediaID (its cover); video and file: MediaID. Media, the id of a file of our own, may stand
// in the place of MediaID until the message goes out; a platform refuses it.
type Attachment struct {
	Type     AttachmentType `json:"type"`
	Title    string         `json:"title,omitempty"`
	URL      string         `json:"url,omitempty"`
	Desc     string         `json:"desc,omitempty"`
	ImageURL string         `json:"image_url,omitempty"`
	MediaID  string         `json:"media_id,omitempty"`
	AppID    string         `json:"app_id,omitempty"`
	Page     string         `json:"page,omitempty"`
	Media    string         `json:"media,omitempty"`
}

// Message is what people get to read: a text, attachments, or both.
type Message struct {
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// MassMessage asks the platform to make a task for one owner: post Message in Chats. The
// task posts nothing until the owner confirms it.
type MassMessage struct {
	Owner   UserID   `json:"owner"`
	Chats   []ChatID `json:"chats"` // at most 2,000
	Message Message  `json:"message"`
}

// MassMessageRef is a mass message as the platform lists it.
type MassMessageRef struct {
	ID        string
	CreatedAt time.Time
	Message   Message
}

// MassTask is one owner's part of a mass message.
type MassTask struct {
	Owner     UserID
	Confirmed bool
	SentAt    time.Time // zero until confirmed
}

// SendStatus is what became of a mass message in one group.
type SendStatus string

// The outcomes the platform reports for a group.
const (
	SendPending SendStatus = "unsent"
	SendDone    SendStatus = "sent"
	SendRefused SendStatus = "refused" // no longer related
	SendQuota   SendStatus = "quota"   // the group already got all it may get in this period
)

// SendResult is the outcome of a mass message in one group.
type SendResult struct {
	Chat   ChatID
	Status SendStatus
	SentAt time.Time
}

// Card is an interactive card sent to members of staff through the app.
type Card struct {
	TaskID  string       `json:"task_id"` // unique in the app: letters, digits, _-@, at most 128 bytes
	Title   string       `json:"title"`
	Desc    string       `json:"desc,omitempty"`
	Quote   string       `json:"quote,omitempty"` // what the card is about, such as the reported message
	Note    string       `json:"note,omitempty"`  // what the reader is asked to do
	Fields  []CardField  `json:"fields,omitempty"`
	Buttons []CardButton `json:"buttons"` // 1 to 6
	URL     string       `json:"url,omitempty"`
}

// CardField is a line of a card: a short name and its value.
type CardField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CardButton is a button of a card; pressing it brings a CardPressed event with its Key.
type CardButton struct {
	Text string `json:"text"`
	Key  string `json:"key"`
	// Primary buttons stand out.
	Primary bool `json:"primary,omitempty"`
}

// CardRef is what the platform hands out for a card that was sent.
type CardRef struct {
	MsgID string
	// UpdateCode changes the card once, within 72 hours.
	UpdateCode string
}

// JoinWay is a group code: a QR code that leads into one of up to five groups.
type JoinWay struct {
	ConfigID   string // given by the platform
	Remark     string // for the operator; at most 30 characters
	Chats      []ChatID
	State      string // at most 30 characters; comes back on every member who scanned
	AutoCreate bool   // let the platform open a further group when all are full
	BaseName   string // the name of groups so opened; a number follows it
	QRCode     string // address of the picture, given by the platform
}

// ContactWay is a staff code: a QR code that adds a member of staff as a contact.
type ContactWay struct {
	ConfigID string
	Remark   string
	User     UserID
	State    string // at most 30 characters; comes back in the ContactAdded event
	QRCode   string
}

// AppChat is an internal chat that the app owns; it never contains customers.
type AppChat struct {
	ID    string
	Name  string
	Owner UserID
	Users []UserID
}
