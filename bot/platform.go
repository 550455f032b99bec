package bot

import (
	"context"
	"time"
)

// Platform is a chat network the bot works on. What it can do beyond its name it states by
// also implementing the capabilities below; a feature whose capability is missing is
// switched off at start and says so.
type Platform interface {
	Name() string
	Corp() CorpID
}

// ChatReader reads customer groups.
type ChatReader interface {
	// Chat reads one group with its members. A group that is gone is an error for which
	// IsGone is true.
	Chat(ctx context.Context, id ChatID) (Chat, error)
	// Chats lists the groups of at most 100 owners, a page at a time; next is empty at the end.
	Chats(ctx context.Context, owners []UserID, cursor string) (page []ChatRef, next string, err error)
}

// ContactReader reads customers.
type ContactReader interface {
	// Contact reads one customer with all followers. Someone who is nobody's contact is an
	// error for which IsGone is true.
	Contact(ctx context.Context, id ExternalUserID) (Contact, error)
}

// StaffReader reads the company's people.
type StaffReader interface {
	// FollowUsers lists the members of staff who may have customers.
	FollowUsers(ctx context.Context) ([]UserID, error)
	// StaffMember reads one member. Somebody who is no member is an error for which IsGone is true.
	StaffMember(ctx context.Context, id UserID) (StaffMember, error)
}

// Welcomer greets a new contact.
type Welcomer interface {
	// SendWelcome spends a welcome code, which works once and for 20 seconds.
	SendWelcome(ctx context.Context, code string, m Message) error
}

// GroupWelcomer keeps the greeting that the platform itself posts to new group members.
type GroupWelcomer interface {
	// SaveGroupWelcome makes a template (empty id) or changes one, and returns its id.
	// The owner of a group attaches it by hand, once.
	SaveGroupWelcome(ctx context.Context, templateID string, m Message) (id string, err error)
}

// MassMessenger makes tasks for group owners to post a message in their groups.
type MassMessenger interface {
	// CreateMassMessage makes one task for one owner and returns its id and the groups that
	// it is not for, such as those that are not the owner's any more. Nothing is posted until
	// the owner confirms.
	CreateMassMessage(ctx context.Context, m MassMessage) (id string, refused []ChatID, err error)
	// MassMessages lists what was created through this company between two times (at most
	// a month apart), a page at a time. It may not show the last few minutes.
	MassMessages(ctx context.Context, from, to time.Time, cursor string) (page []MassMessageRef, next string, err error)
	// MassTasks lists the owners of a mass message and whether they confirmed.
	MassTasks(ctx context.Context, id, cursor string) (page []MassTask, next string, err error)
	// MassResults lists the groups an owner's task reached. Groups that are not listed
	// were not reached (yet).
	MassResults(ctx context.Context, id string, owner UserID, cursor string) (page []SendResult, next string, err error)
	// RemindMassMessage nudges owners who have not confirmed; at most 3 times in 24 hours.
	RemindMassMessage(ctx context.Context, id string) error
	// CancelMassMessage stops what has not been posted; what was posted stays.
	CancelMassMessage(ctx context.Context, id string) error
}

// StaffNotifier talks to members of staff through the app.
type StaffNotifier interface {
	SendCard(ctx context.Context, to []UserID, c Card) (CardRef, error)
	// UpdateCard replaces a card's buttons with a note; the code works once.
	UpdateCard(ctx context.Context, updateCode string, to []UserID, note string) error
	SendText(ctx context.Context, to []UserID, text string) error
}

// JoinWayMaker makes group codes.
type JoinWayMaker interface {
	AddJoinWay(ctx context.Context, w JoinWay) (configID string, err error)
	JoinWay(ctx context.Context, configID string) (JoinWay, error)
	// ChangeJoinWay changes the Chats, AutoCreate or BaseName of a code: change gets the code
	// as it is, and may get it again. Everything else that the platform shows of the code is
	// kept, whoever set it. It returns the code as it is afterwards, read back; without a
	// difference nothing is written. Writers at the same time have to be kept apart.
	ChangeJoinWay(ctx context.Context, configID string, change func(*JoinWay)) (JoinWay, error)
	DeleteJoinWay(ctx context.Context, configID string) error
}

// ContactWayMaker makes staff codes.
type ContactWayMaker interface {
	AddContactWay(ctx context.Context, w ContactWay) (configID, qrCode string, err error)
	ContactWay(ctx context.Context, configID string) (ContactWay, error)
	// ChangeContactWay makes a code lead to another member of staff, as ChangeJoinWay does.
	ChangeContactWay(ctx context.Context, configID string, user UserID) (ContactWay, error)
	DeleteContactWay(ctx context.Context, configID string) error
}

// AppChatter runs internal chats that the app owns.
type AppChatter interface {
	CreateAppChat(ctx context.Context, c AppChat) (id string, err error)
	AppChat(ctx context.Context, id string) (AppChat, error)
	// UpdateAppChat renames, hands over, adds and removes people; empty means unchanged.
	UpdateAppChat(ctx context.Context, id, name string, owner UserID, add, remove []UserID) error
	SendAppChat(ctx context.Context, id, text string) error
}

// RobotPoster speaks through group robots, which people put into internal groups.
type RobotPoster interface {
	// RobotKey reads what a person copied from a robot: its key, or the address of its
	// webhook. The error says what is wrong without repeating it.
	RobotKey(copied string) (key string, err error)
	// PostRobot says a text in the robot's group. The key is a secret: whoever has it can
	// speak there.
	PostRobot(ctx context.Context, key, text string) error
}

// MemberRemover removes a person from a group at once. WeCom offers it for app chats only:
// no API removes anyone from a customer group.
type MemberRemover interface {
	RemoveMember(ctx context.Context, chat ChatID, member MemberID) error
}

// PictureReader reads pictures that the platform made, such as those of codes.
type PictureReader interface {
	// Picture reads the PNG or JPEG at an address that the platform gave. It is larger than
	// nothing and not larger than 2 MiB.
	Picture(ctx context.Context, address string) ([]byte, error)
}
