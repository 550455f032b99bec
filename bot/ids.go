package bot

// Ids are types so that one cannot be handed in for another. Only the platform's own room
// looks inside them.
type (
	// CorpID names a company on the platform (ww…).
	CorpID string
	// AgentID names the company's self-built app.
	AgentID int64
	// UserID names a member of the company's staff.
	UserID string
	// ExternalUserID names a customer (an external contact, wm… or wo…).
	ExternalUserID string
	// MemberID names a person inside a group: a UserID or an ExternalUserID, as the
	// group's member list gives it.
	MemberID string
	// ChatID names a customer group (wr…).
	ChatID string
	// MemberVersion is the platform's fingerprint of a group's member list. Two equal
	// versions mean the same list; versions have no order.
	MemberVersion string
)
