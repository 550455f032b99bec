package stories

import "time"

// The sizes of a story.
const (
	maxFileBytes = 1 << 20
	maxDays      = 31
	maxStores    = 100
	maxStaff     = 2_000
	maxGroups    = 1_000
	maxMembers   = 480 // of one group at the start, customers only
	maxPeople    = 100_000
	maxPerDay    = 20_000
	maxTexts     = 500
	maxChars     = 1_000 // of a text
	maxName      = 60    // characters of a name
	maxEvents    = 500
	maxRaids     = 100
	maxSpam      = 100_000 // messages of all spammers together
)

// Script is a story as it is written. Parse fills in the defaults.
type Script struct {
	Name      string // of the pack, or the path of the file
	Zh, En    string // what it is about, one line each
	Days      int
	Customers Customers
	Stores    []StorePlan
	Diligence map[string]Diligence
	Joins     Joins
	Contacts  Contacts
	Leaves    Leaves
	Split     *Split
	Talk      Talk
	Milestone []Milestone
	Spammers  []Spammer
	Events    []Event
	Bot       Bot
}

// Customers says who may come; the members of groups at the start are made besides.
type Customers struct {
	Count     int
	UnionID   float64 // share who have a union id
	WeCom     float64 // share who use WeCom at another company
	OddNames  float64 // share with emoji, marks that cannot be seen, quotes
	AlsoStaff int     // how many of the staff come with their private account too
	Names     []string
}

// StorePlan is a store as it is written.
type StorePlan struct {
	ID, Name, Region string
	Visitors         float64 // how many come here, beside the other stores; 1 is usual
	Staff            []StaffPlan
	Groups           []GroupPlan

	line int
}

// StaffPlan is one or several of a store's staff.
type StaffPlan struct {
	ID, Name, Position string // the id may hold {store} and {n}
	Count              int
	Owner, Manager     bool
	Hidden, Inactive   bool
	NoContacts         bool
	Diligence          string
	Brings             float64 // how many they bring, beside the others; 1 is usual
}

// GroupPlan is one or several of a store's groups.
type GroupPlan struct {
	Name    string // may hold {store} and {n}
	Owner   string // userid; empty: the store's owners in turn
	Count   int
	Members Range
	Age     Span
	Active  int // of the members, who speak and pass on links
}

// Diligence is how soon somebody does what staff are asked to. nil is never.
type Diligence struct {
	Confirm  *Span // mass messages, by themselves
	Reminded *Span // mass messages, once reminded
	Card     *Span // cards with buttons
}

// Joins says when and how people come into groups.
type Joins struct {
	PerDay   float64 // on a day of weight 1, all stores together
	Hours    [24]float64
	Weekdays [7]float64 // from Sunday
	ByDay    []float64  // instead of Weekdays: the days of the story in turn
	Repeat   float64    // share by people who have joined before
	Newest   bool       // people are led to a store's newest group, not to any
	// Code, Invitation and Link are the ways in, as weights.
	Code, Invitation, Link float64
}

// Contacts says when people add staff.
type Contacts struct {
	PerDay        float64
	Half, Deleted float64 // shares
}

// Leaves says who leaves.
type Leaves struct {
	Share, Return float64 // of those who join; of those who leave
	After         Span    // after the join
	ReturnAfter   Span    // after the leave
	Daily         float64 // share of the members at the start who leave on each day
}

// Split says when a store's newest group gives birth to the next.
type Split struct {
	At    int // people in the newest group
	Most  int // groups of a store
	Along Range
	Name  string
}

// Milestone is something that happens once a group has so many customers.
type Milestone struct {
	Members int
	Say     string // by the owner
	Brings  int    // how many come through links then
	Within  time.Duration
}

// Talk is what is said, so often a day in all groups together; the texts take turns.
type Talk struct {
	From       time.Duration // after the start; nobody talks before
	SmallTalk  Chatter
	Questions  Chatter
	Complaints Chatter
	Orders     Chatter
}

// Chatter is talk of one kind: each entry is a talk line by line.
type Chatter struct {
	PerDay float64
	Talks  [][]Line
}

// Line is what a customer says, or the store.
type Line struct {
	Store bool
	Text  string
}

// Spammer is somebody who joins to advertise.
type Spammer struct {
	Names []string // one person for each
	Texts []string
	Link  string // an address that is shown after the texts; "" for none
	Title string // of the link
	Each  int    // messages in each group
	Pause Span   // between them
	Raids []Raid
}

// Raid is one visit of a spammer to some groups.
type Raid struct {
	Day    int // from 1
	At     time.Duration
	Groups []int // by number from 1, in the order of the stores
	Any    int   // or so many, whichever
}

// Event is something that happens at a time; exactly one of the others is set.
type Event struct {
	Day     int
	At      time.Duration
	Kind    string // rename, notice, owner, resign, dismiss, say, crowd, leave
	Group   string // its name at the start
	Staff   string
	Text    string
	Joins   int
	Within  time.Duration
	StoreID string
}

// Bot is what the operator sets up before the story begins.
type Bot struct {
	Labels       []string
	Welcome      string
	GroupWelcome string
	Codes        []Code
	Reward       *Reward
	Promotions   []Promotion
}

// Code makes QR codes for all staff of a position.
type Code struct {
	Position   string
	Contact    bool   // a personal code instead of one into groups
	Groups     string // each: a code for each group; newest; all: one for up to five
	AutoCreate bool
}

// Reward is the rule of rewards.
type Reward struct {
	Hold, Clawback, OncePer string
	Tiers                   []Tier
}

// Tier is one step of a Reward; UpTo 0 is the last.
type Tier struct {
	UpTo int
	Fen  int
}

// Promotion is a mass message by the calendar.
type Promotion struct {
	Name, Cron, Text, Within string
	Stores                   []string // empty: all groups
	Products                 []Product
}

// Product is something on sale.
type Product struct {
	Name                string
	Price, Was, InStock int
}
