package bot

import "time"

// MemberKind tells the company's own staff from its customers.
type MemberKind string

// The two kinds of people in a group.
const (
	Staff    MemberKind = "staff"
	Customer MemberKind = "customer"
)

// JoinScene is how a person came into a group, as the member list tells it.
type JoinScene string

// The ways into a group. An empty scene means the platform did not say.
const (
	JoinInvited JoinScene = "invited" // pulled in directly by a member
	JoinLink    JoinScene = "link"    // through an invitation link
	JoinQR      JoinScene = "qr"      // by scanning a group code
)

// LeaveHow is how a person left a group.
type LeaveHow string

// The ways out of a group.
const (
	LeftAlone   LeaveHow = "left"    // the person left
	LeftRemoved LeaveHow = "removed" // the owner or an admin removed the person
	LeftUnknown LeaveHow = "unknown" // the member list no longer has the person and no event said why
)

// Chat is a customer group as the platform reported it at one moment.
type Chat struct {
	ID        ChatID
	Name      string
	Owner     UserID
	Admins    []UserID
	CreatedAt time.Time
	Version   MemberVersion // empty where the platform has none
	Members   []Member
}

// Member is one person's present stay in a group.
type Member struct {
	ID       MemberID
	Kind     MemberKind
	Name     string // the person's own name; may be empty
	Nickname string // the name used in this group; may be empty
	UnionID  string // one person across the platform's apps; empty where not bound
	JoinedAt time.Time
	Scene    JoinScene
	Inviter  UserID // only ever a member of staff: the platform hides customers who invite
	State    string // the State of the JoinWay that was scanned; empty otherwise
}

// ChatRef is a group in a list, before its details are read.
type ChatRef struct {
	ID ChatID
	// OwnerGone is set when the owner has left the company and nobody inherited the group yet.
	OwnerGone bool
}

// Contact is a customer and the members of staff who have added that customer.
type Contact struct {
	ID      ExternalUserID
	Name    string
	UnionID string
	Follows []Follow
}

// Follow is one member of staff's relation to one customer.
type Follow struct {
	User    UserID
	AddedAt time.Time
	State   string // the State of the ContactWay that was used; empty otherwise
}

// StaffMember is a member of the company.
type StaffMember struct {
	ID     UserID
	Name   string
	Status StaffStatus
}

// StaffStatus is whether a member of the company can use the platform.
type StaffStatus string

// What a member's status may be; empty: the platform does not say, or says what is not known here.
const (
	StaffActive       StaffStatus = "active"
	StaffDisabled     StaffStatus = "disabled"      // by the company
	StaffNotActivated StaffStatus = "not_activated" // has never signed in
	StaffLeft         StaffStatus = "left"          // the company
)
