package rehearse

import "time"

// Schema is the version of the Report's shape. It grows when a field changes its meaning;
// new fields may be added without.
const Schema = 1

// Whose past an owner's habit of confirming was taken from.
const (
	BasisOwn     = "own"     // the owner's own tasks
	BasisCompany = "company" // everybody's, as the owner has had few
	BasisNone    = "none"    // nobody has confirmed a task so far: ten minutes are assumed
)

// Report is what a rehearsal found. Times are in the company's zone, money is in fen; lists
// are sorted and never null.
type Report struct {
	Schema  int    `json:"schema"`
	Company string `json:"company"` // the corp id of the settings; empty if there is none
	// From and To are the first moment of the days and the one after them; AsOf is the last
	// entry of the books. What lies before AsOf has happened, the rest is rehearsed.
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	AsOf     time.Time `json:"as_of"`
	Timezone string    `json:"timezone"`
	Seed     uint64    `json:"seed"`

	Totals      Totals       `json:"totals"`
	Days        []Day        `json:"days"`
	Calendar    []Occurrence `json:"calendar"`
	Quotas      []Quota      `json:"quotas"`     // by group and month, the fewest left first
	Collisions  []Collision  `json:"collisions"` // the closest first
	Owners      []Owner      `json:"owners"`     // the most tasks first
	Rewards     Rewards      `json:"rewards"`
	Refusals    []Refusal    `json:"refusals"` // the most groups first
	Groups      []Group      `json:"groups"`
	Assumptions []Assumption `json:"assumptions"`
}

// Totals are the days in one line.
type Totals struct {
	Groups      int `json:"groups"` // that are not dissolved
	Customers   int `json:"customers"`
	Occurrences int `json:"occurrences"`
	Tasks       int `json:"tasks"` // for owners to confirm
	Outcomes
	// SentLate are posts of Sent that appeared more than 30 minutes after their time.
	SentLate  int   `json:"sent_late"`
	Joins     int   `json:"joins"` // of customers
	Leaves    int   `json:"leaves"`
	Welcomes  int   `json:"welcomes"`
	Reminders int   `json:"reminders"`
	RewardFen int64 `json:"reward_fen"` // earned by joins of the days and not void
}

// Outcomes counts what became of groups of promotions; Planned is their sum.
type Outcomes struct {
	Planned     int `json:"planned"`
	Sent        int `json:"sent"`
	Unconfirmed int `json:"unconfirmed"` // the owner did not confirm in time
	Waiting     int `json:"waiting"`     // the days ended before the owner confirmed
	Blocked     int `json:"blocked"`     // not even tried: no quota left, or no known owner
	Failed      int `json:"failed"`      // refused by WeCom
}

// Day is one day of the rehearsal.
type Day struct {
	Date        string `json:"date"` // 2026-11-23
	Occurrences int    `json:"occurrences"`
	Tasks       int    `json:"tasks"`
	Outcomes
	Joins     int   `json:"joins"`
	Leaves    int   `json:"leaves"`
	RewardFen int64 `json:"reward_fen"` // earned by joins of the day and not void
}

// Occurrence is one slot of a promotion.
type Occurrence struct {
	At          time.Time `json:"at"`
	PromotionID string    `json:"promotion_id"`
	Promotion   string    `json:"promotion"` // its name
	Status      string    `json:"status"`    // planned, running, done, missed or skipped
	Reason      string    `json:"reason"`
	Past        bool      `json:"past"` // it happened before the books end
	Owners      int       `json:"owners"`
	Confirmed   int       `json:"confirmed"` // owners who confirmed everything
	Outcomes
	Joins24h  int `json:"joins_24h"`  // customers, in the 24 hours after each group was reached
	Leaves24h int `json:"leaves_24h"` // the same
	SentLate  int `json:"sent_late"`
	// LastSentAt is when the last group got it; null if none did.
	LastSentAt *time.Time `json:"last_sent_at"`
	ChatIDs    []string   `json:"chat_ids"`
}

// Quota is what a group may get and gets in a calendar month (or what wecom.mass_quota names), as WeCom counts: by the time
// at which an owner confirmed.
type Quota struct {
	ChatID  string `json:"chat_id"`
	Group   string `json:"group"`
	Store   string `json:"store"`
	Owner   string `json:"owner"`
	Month   string `json:"month"` // 2026-11; the week's first day, or the day, where the company counts by them
	Quota   int    `json:"quota"`
	Before  int    `json:"before"`  // used before the first day
	Used    int    `json:"used"`    // used when the days are over
	Left    int    `json:"left"`    // then
	Waiting int    `json:"waiting"` // submitted and not confirmed then
	Blocked int    `json:"blocked"` // posts of the days that the quota kept back
}

// Kinds of collisions.
const (
	SameMinute = "same_minute"
	SameHour   = "same_hour"
	SameDay    = "same_day"
)

// Collision is several posts planned for the same groups on one day.
type Collision struct {
	Kind       string   `json:"kind"`
	Date       string   `json:"date"`
	Times      []string `json:"times"` // 10:00, as many as posts
	Promotions []string `json:"promotions"`
	ChatIDs    []string `json:"chat_ids"`
}

// Owner is somebody who has to confirm.
type Owner struct {
	UserID      string         `json:"user_id"`
	Name        string         `json:"name"`
	Groups      int            `json:"groups"` // that the tasks are for
	Tasks       int            `json:"tasks"`
	PerDay      map[string]int `json:"tasks_per_day"` // by date
	Confirmed   int            `json:"confirmed"`
	Unconfirmed int            `json:"unconfirmed"`
	Waiting     int            `json:"waiting"`
	Failed      int            `json:"failed"` // could not even be submitted
	Reminders   int            `json:"reminders"`
	// MedianMinutes is how long the owner takes to confirm; null if nothing was confirmed.
	MedianMinutes *int   `json:"median_minutes"`
	Basis         string `json:"basis"` // own, company or none
	// Listed is false for an owner who is not on WeCom's list of members with customer
	// contact: without that permission every task is refused.
	Listed bool `json:"listed"`
}

// Rewards is what joins cost.
type Rewards struct {
	Joins    int `json:"joins"`    // of customers in the days
	Rewarded int `json:"rewarded"` // of these
	// By the state at the end, of joins in the days. Their sum is what was earned.
	HeldFen       int64 `json:"held_fen"`
	PayableFen    int64 `json:"payable_fen"`
	VoidFen       int64 `json:"void_fen"`
	ClawedBackFen int64 `json:"clawed_back_fen"`
	PaidFen       int64 `json:"paid_fen"`
	// ReleasedFen became payable in the days, also by earlier joins: what payday will cost.
	ReleasedFen int64        `json:"released_fen"`
	ByStaff     []RewardLine `json:"by_staff"`
	ByGroup     []RewardLine `json:"by_group"`
	ByTier      []RewardLine `json:"by_tier"` // key: fen for one join
	NotRewarded []Count      `json:"not_rewarded"`
}

// RewardLine sums the rewards that are not void.
type RewardLine struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Joins int    `json:"joins"`
	Fen   int64  `json:"fen"`
}

// Count counts something by a code.
type Count struct {
	Code  string `json:"code"`
	Count int    `json:"count"`
}

// Refusal is something that would not happen, and why. What stands in Code: quota_used,
// no_owner, not_confirmed, no_permission, owner_gone, not_visible, media_expired, too_long,
// platform_quota, not_related, not_listed, missed, skipped, channel_full, group_full, other.
type Refusal struct {
	Code      string     `json:"code"`
	What      string     `json:"what"`  // the promotion or channel
	Owner     string     `json:"owner"` // userid of the owner, or of the colleague whose code it is
	OwnerName string     `json:"owner_name"`
	Count     int        `json:"count"` // posts, or people who could not come in
	ChatIDs   []string   `json:"chat_ids"`
	FirstAt   *time.Time `json:"first_at"` // null where no time is known
	Detail    string     `json:"detail"`   // as the program or WeCom put it
}

// Group is a group at the end of the days.
type Group struct {
	ChatID    string `json:"chat_id"`
	Name      string `json:"name"`
	Store     string `json:"store"`
	Owner     string `json:"owner"`
	Customers int    `json:"customers"`
	Joins     int    `json:"joins"` // in the days
	Leaves    int    `json:"leaves"`
	Posts     int    `json:"posts"` // sent in the days
}

// Assumption is something that was taken as given because it cannot be known.
type Assumption struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}
