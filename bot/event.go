package bot

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventKind names what happened.
type EventKind string

// Kinds that come from outside.
const (
	KindChatChanged    EventKind = "chat_changed"    // a group was made, changed or dissolved: ChatChanged
	KindContactAdded   EventKind = "contact_added"   // a customer was added: ContactAdded
	KindContactRemoved EventKind = "contact_removed" // one side ended a contact: ContactRemoved
	KindCardPressed    EventKind = "card_pressed"    // a member of staff pressed a card's button: CardPressed
	KindAppMessage     EventKind = "app_message"     // a member of staff sent something to the app: AppMessage
	KindConsentGiven   EventKind = "consent_given"   // a customer agreed to the message archive: ConsentGiven
	KindRaw            EventKind = "raw"             // anything else, kept as it came: Raw
)

// Kinds that the house derives from facts it has checked.
const (
	KindChatDue      EventKind = "chat_due"      // a group is to be read without a callback: ChatDue
	KindMemberJoined EventKind = "member_joined" // a stay in a group began: MemberJoined
	KindMemberLeft   EventKind = "member_left"   // a stay in a group ended: MemberLeft
)

// Event is something that happened, as it is written into the inbox.
type Event struct {
	// ID is the inbox row; zero before the event is stored.
	ID int64
	// Key makes a repeated delivery a no-op: the same Key is stored once.
	Key  string
	Kind EventKind
	// At is when it happened by the platform's clock (whole seconds on WeCom).
	At time.Time
	// Deadline is when handling it stops making sense; zero means never.
	Deadline time.Time
	Corp     CorpID
	Chat     ChatID // the group it is about, if any
	// Lane is what it must not overtake: events of one lane are handled one after the
	// other by each handler.
	Lane string
	// Derived marks events that the house wrote itself.
	Derived bool
	// Data is one of the types named beside the kinds.
	Data any
}

// ChatLane keeps the events of one group in order.
func ChatLane(id ChatID) string { return "chat:" + string(id) }

// ContactLane keeps the events of one customer's contacts in order.
func ContactLane(id ExternalUserID) string { return "contact:" + string(id) }

// PersonLane keeps the stays of one person in all groups in order.
func PersonLane(unionID string, id MemberID) string {
	if unionID != "" {
		return "person:" + unionID
	}
	return "person:" + string(id)
}

// Change is what a ChatChanged callback says happened.
type Change string

// The changes of a group.
const (
	ChatCreated   Change = "create"
	ChatUpdated   Change = "update"
	ChatDismissed Change = "dismiss"
)

// Detail says more about a ChatUpdated.
type Detail string

// The details of an update.
const (
	DetailAddMember    Detail = "add_member"
	DetailDelMember    Detail = "del_member"
	DetailChangeOwner  Detail = "change_owner"
	DetailChangeName   Detail = "change_name"
	DetailChangeNotice Detail = "change_notice"
)

// ChatChanged is a hint that a group changed. It is only a hint: the group as the platform
// reports it is the truth. Pointers tell an absent number from zero, which means something
// here (JoinScene 0 is "invited", QuitScene 0 is "left"); look at Detail first.
type ChatChanged struct {
	Change      Change        `json:"change"`
	Detail      Detail        `json:"detail,omitempty"`
	JoinScene   *int          `json:"join_scene,omitempty"`
	QuitScene   *int          `json:"quit_scene,omitempty"`
	Count       *int          `json:"count,omitempty"`
	Members     []MemberID    `json:"members,omitempty"`
	LastVersion MemberVersion `json:"last_version,omitempty"`
	CurVersion  MemberVersion `json:"cur_version,omitempty"`
}

// ChatDue asks for a group to be read although no callback came.
type ChatDue struct {
	Why string `json:"why"` // start, nightly, owner …
}

// ContactAdded says that a customer and a member of staff became contacts.
type ContactAdded struct {
	User     UserID         `json:"user"`
	Customer ExternalUserID `json:"customer"`
	State    string         `json:"state,omitempty"`
	// WelcomeCode allows one welcome message within 20 seconds; empty when there is none.
	WelcomeCode string `json:"welcome_code,omitempty"`
	// Half is set when the customer added a member of staff who has not yet confirmed.
	Half bool `json:"half,omitempty"`
}

// ContactRemoved says that a contact ended.
type ContactRemoved struct {
	User       UserID         `json:"user"`
	Customer   ExternalUserID `json:"customer"`
	ByCustomer bool           `json:"by_customer,omitempty"`
	Source     string         `json:"source,omitempty"`
}

// ConsentGiven says that a customer agreed to have talks with a member of staff archived.
type ConsentGiven struct {
	User     UserID         `json:"user"`
	Customer ExternalUserID `json:"customer"`
}

// CardPressed says that a member of staff pressed a button of a card.
type CardPressed struct {
	User       UserID              `json:"user"`
	TaskID     string              `json:"task_id"`
	Key        string              `json:"key"`
	CardType   string              `json:"card_type,omitempty"`
	UpdateCode string              `json:"update_code,omitempty"`
	Menu       bool                `json:"menu,omitempty"` // pressed in the card's menu, not on a button
	Selected   map[string][]string `json:"selected,omitempty"`
}

// AppMessage says that a member of staff sent something to the company's app.
type AppMessage struct {
	User      UserID `json:"user"`
	MessageID string `json:"message_id"`
	Type      string `json:"type"`            // text, link, image, voice, video or location
	Text      string `json:"text,omitempty"`  // of a text, or what is said beside a link or a place
	Title     string `json:"title,omitempty"` // of a link
	URL       string `json:"url,omitempty"`   // of a link
	MediaID   string `json:"media_id,omitempty"`
}

// AppLane keeps what one member of staff sends to the app in order.
func AppLane(id UserID) string { return "app:" + string(id) }

// MemberJoined says that a stay in a group began.
type MemberJoined struct {
	StintID  int64      `json:"stint_id"`
	Member   MemberID   `json:"member"`
	Kind     MemberKind `json:"kind"`
	UnionID  string     `json:"union_id,omitempty"`
	JoinedAt time.Time  `json:"joined_at"`
}

// MemberLeft says that a stay in a group ended, or that more became known about its end.
type MemberLeft struct {
	StintID  int64     `json:"stint_id"`
	Member   MemberID  `json:"member"`
	UnionID  string    `json:"union_id,omitempty"`
	JoinedAt time.Time `json:"joined_at"`
	LeftAt   time.Time `json:"left_at"`
	How      LeaveHow  `json:"how"`
}

// Raw is an event that no feature reads yet; nothing of it is thrown away.
type Raw struct {
	MsgType    string `json:"msg_type"`
	Event      string `json:"event,omitempty"`
	ChangeType string `json:"change_type,omitempty"`
	XML        string `json:"xml"`
}

// DecodeData turns the stored JSON of an event's Data back into its type.
func DecodeData(kind EventKind, data []byte) (any, error) {
	switch kind {
	case KindChatChanged:
		return decode[ChatChanged](kind, data)
	case KindChatDue:
		return decode[ChatDue](kind, data)
	case KindContactAdded:
		return decode[ContactAdded](kind, data)
	case KindContactRemoved:
		return decode[ContactRemoved](kind, data)
	case KindConsentGiven:
		return decode[ConsentGiven](kind, data)
	case KindCardPressed:
		return decode[CardPressed](kind, data)
	case KindAppMessage:
		return decode[AppMessage](kind, data)
	case KindMemberJoined:
		return decode[MemberJoined](kind, data)
	case KindMemberLeft:
		return decode[MemberLeft](kind, data)
	case KindRaw:
		return decode[Raw](kind, data)
	}
	return nil, fmt.Errorf("decode event: unknown kind %q", kind)
}

func decode[T any](kind EventKind, data []byte) (any, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("decode event of kind %s: %w", kind, err)
	}
	return v, nil
}
