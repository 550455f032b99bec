package store

import (
	"time"

	"gorm.io/gorm"

	"xiaobu/bot"
)

// Check is how one signal is looked for. Which fields matter depends on the signal.
type Check struct {
	Weight   float64 `json:"weight"`              // 0: not looked for
	WindowMS int64   `json:"window_ms,omitempty"` // how far around or before the join is looked
	WithinMS int64   `json:"within_ms,omitempty"` // how soon a leave counts
	Count    int     `json:"count,omitempty"`     // from how many on
	Share    float64 `json:"share,omitempty"`     // from which share on, 0 to 1
}

// Window is how far around or before the join is looked.
func (c Check) Window() time.Duration { return time.Duration(c.WindowMS) * time.Millisecond }

// Within is how soon a leave counts.
func (c Check) Within() time.Duration { return time.Duration(c.WithinMS) * time.Millisecond }

// CheckSettings are all checks, and the weight from which on an entry is flagged.
type CheckSettings struct {
	Enabled   bool    `json:"enabled"`
	Threshold float64 `json:"threshold"`
	Burst     Check   `json:"burst"`
	Share     Check   `json:"share"`
	Known     Check   `json:"known"`
	Ring      Check   `json:"ring"`
	Tills     Check   `json:"tills"`
	Leaves    Check   `json:"leaves"`
	Staff     Check   `json:"staff"`
}

// Checks is a version of the settings of the checks.
type Checks struct {
	Version   int64         `gorm:"primaryKey;autoIncrement:false"` // 0: what the program comes with
	Data      CheckSettings `gorm:"serializer:json"`
	Note      string
	By        string    `gorm:"column:put_by"`
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of versions of the checks.
func (Checks) TableName() string { return "checks" }

// LastChecks returns the newest version, or ErrNotFound if nobody ever put one.
func (r Reader) LastChecks() (Checks, error) {
	return first[Checks](r.db.Order("version DESC"))
}

// AddChecks writes a new version and sets its number. Of two that are put at once, one fails
// with ErrStale.
func (tx *Tx) AddChecks(c *Checks) error {
	last, err := tx.LastChecks()
	if err != nil && err != ErrNotFound {
		return err
	}
	c.Version, c.CreatedAt = last.Version+1, tx.Now
	return staleIfTaken(tx.db.Create(c).Error)
}

// Flag states.
const (
	FlagOpen     = "open"
	FlagReleased = "released"
	FlagVoided   = "voided"
)

// Decisions on a flag.
const (
	DecideRelease = "release"
	DecideVoid    = "void"
)

// Signal is one thing about a join that is worth a look. None of them proves anything.
type Signal struct {
	Name   string       `json:"name"`
	Weight float64      `json:"weight"`
	ZH     string       `json:"zh"`
	EN     string       `json:"en"`
	Stays  []SignalStay `json:"stays,omitempty"` // some of those that it is based on
}

// SignalStay is a stay behind a signal.
type SignalStay struct {
	ChatID   string    `json:"chat_id"`
	Member   string    `json:"member"`
	JoinedAt time.Time `json:"joined_at"`
	LeftAt   time.Time `json:"left_at,omitzero"`
}

// Flag holds an entry until somebody decides.
type Flag struct {
	EntryID       int64 `gorm:"primaryKey;autoIncrement:false"`
	Status        string
	Weight        float64
	Threshold     float64
	ChecksVersion int64
	Signals       []Signal  `gorm:"serializer:json"`
	FlaggedAt     time.Time `gorm:"serializer:ms"`
}

// TableName is the table of flags.
func (Flag) TableName() string { return "flag" }

// FlagDecision is what somebody decided about a flag.
type FlagDecision struct {
	EntryID  int64 `gorm:"primaryKey;autoIncrement:false"`
	Decision string
	Who      string
	Note     string
	At       time.Time `gorm:"serializer:ms"`
}

// TableName is the table of decisions.
func (FlagDecision) TableName() string { return "flag_decision" }

// Flag returns the flag of an entry, or ErrNotFound if it has none.
func (r Reader) Flag(entryID int64) (Flag, error) {
	return first[Flag](r.db.Where("entry_id = ?", entryID))
}

// FlagDecision returns what was decided about an entry's flag, or ErrNotFound.
func (r Reader) FlagDecision(entryID int64) (FlagDecision, error) {
	return first[FlagDecision](r.db.Where("entry_id = ?", entryID))
}

// AddFlag flags an entry.
func (tx *Tx) AddFlag(f Flag) error {
	f.Status, f.FlaggedAt = FlagOpen, tx.Now
	return tx.db.Create(&f).Error
}

// DecideFlag closes an open flag and keeps who did. One that is not open is ErrStale.
func (tx *Tx) DecideFlag(d FlagDecision) error {
	status := FlagReleased
	if d.Decision == DecideVoid {
		status = FlagVoided
	}
	if err := one(tx.db.Exec(`UPDATE flag SET status = ? WHERE entry_id = ? AND status = ?`, status, d.EntryID, FlagOpen)); err != nil {
		return err
	}
	d.At = tx.Now
	return tx.db.Create(&d).Error
}

// FlaggedEntry is an entry with its flag and what was decided.
type FlaggedEntry struct {
	Entry    Entry
	Flag     Flag
	Decision FlagDecision // zero while nobody decided
}

// Lapsed reports whether there is nothing left to decide: the entry was voided by a leave.
func (f FlaggedEntry) Lapsed() bool { return f.Flag.Status == FlagOpen && f.Entry.Status != EntryHeld }

// FlagLapsed is what a filter calls an open flag with nothing left to decide.
const FlagLapsed = "lapsed"

// FlagFilter selects flags; empty fields select everything.
type FlagFilter struct {
	Status string // open, released, voided or lapsed
	Staff  string
	Shop   string
	Cursor int64 // the last entry's id of the page before
	Limit  int
}

// Flags lists flagged entries in the order in which they were booked.
func (r Reader) Flags(f FlagFilter) ([]FlaggedEntry, error) {
	q := r.db.Where("entry_id > ?", f.Cursor).Order("entry_id")
	const of = "EXISTS (SELECT 1 FROM entry e WHERE e.id = flag.entry_id AND "
	held := of + "e.status = 'held')"
	switch f.Status {
	case FlagOpen:
		q = q.Where("status = ? AND "+held, FlagOpen)
	case FlagLapsed:
		q = q.Where("status = ? AND NOT "+held, FlagOpen)
	default:
		q = where(q, "status", f.Status)
	}
	if f.Staff != "" {
		q = q.Where(of+"e.staff = ?)", f.Staff)
	}
	if f.Shop != "" {
		q = q.Where(of+"e.chat_id IN (SELECT chat_id FROM chat WHERE shop_id = ?))", f.Shop)
	}
	flags, err := all[Flag](limited(q, f.Limit))
	if err != nil {
		return nil, err
	}
	return r.withEntries(flags)
}

// FlaggedEntry returns one flagged entry, or ErrNotFound if it has no flag.
func (r Reader) FlaggedEntry(entryID int64) (FlaggedEntry, error) {
	f, err := r.Flag(entryID)
	if err != nil {
		return FlaggedEntry{}, err
	}
	found, err := r.withEntries([]Flag{f})
	if err != nil {
		return FlaggedEntry{}, err
	}
	return found[0], nil
}

func (r Reader) withEntries(flags []Flag) ([]FlaggedEntry, error) {
	out := make([]FlaggedEntry, len(flags))
	at := map[int64]int{}
	for i, f := range flags {
		out[i].Flag, at[f.EntryID] = f, i
	}
	err := chunked(flags, func(part []Flag) error {
		ids := make([]int64, len(part))
		for i, f := range part {
			ids[i] = f.EntryID
		}
		entries, err := all[Entry](r.db.Where("id IN ?", ids))
		if err != nil {
			return err
		}
		for _, e := range entries {
			out[at[e.ID]].Entry = e
		}
		decisions, err := all[FlagDecision](r.db.Where("entry_id IN ?", ids))
		for _, d := range decisions {
			out[at[d.EntryID]].Decision = d
		}
		return err
	})
	return out, err
}

// JoinsAtTill lists the stays of customers that began through a code (its state) or, without
// one, were brought by a member of staff, between two moments, both excluded, in the order of
// their joins.
func (r Reader) JoinsAtTill(state, staff string, after, before time.Time, limit int) ([]Stint, error) {
	q := r.db.Select(judgedColumns)
	if state != "" {
		q = q.Where("state = ? AND state <> ''", state)
	} else {
		q = q.Where("inviter = ? AND inviter <> '' AND state = ''", staff)
	}
	return all[Stint](q.Where("joined_at > ? AND joined_at < ? AND kind = ?", ms(after), ms(before), string(bot.Customer)).Order("joined_at, id").Limit(limit))
}

// Part is a part of a whole number of joins.
type Part struct{ Of, Whole int }

// Share is the part's share, 0 of nothing.
func (p Part) Share() float64 {
	if p.Whole == 0 {
		return 0
	}
	return float64(p.Of) / float64(p.Whole)
}

func part(q *gorm.DB) (p Part, err error) {
	err = q.Scan(&p).Error
	return p, err
}

// ShareOfGroup counts the customers that joined a group since a moment, up to another
// included, and those that one inviter brought.
func (r Reader) ShareOfGroup(chat, inviter string, from, to time.Time) (Part, error) {
	return part(r.db.Raw(`SELECT COUNT(*) AS whole, COALESCE(SUM(CASE WHEN inviter = ? THEN 1 ELSE 0 END), 0) AS of
		FROM stint WHERE chat_id = ? AND joined_at >= ? AND joined_at <= ? AND kind = ?`, inviter, chat, ms(from), ms(to), string(bot.Customer)))
}

// ShareOfStore counts the joins that earned in a month in the groups of a shop, and those of
// one inviter. It goes from the shop's groups to their figures: a month has many more.
func (r Reader) ShareOfStore(shop, inviter, period string) (Part, error) {
	return part(r.db.Raw(`SELECT COALESCE(SUM(t.joins), 0) AS whole, COALESCE(SUM(CASE WHEN t.staff = ? THEN t.joins ELSE 0 END), 0) AS of
		FROM chat c CROSS JOIN tally t WHERE c.shop_id = ? AND c.shop_id <> '' AND t.period = ? AND t.chat_id = c.chat_id`, inviter, shop, period))
}

// ShortStays lists the stays of customers in some groups that began since a moment and ended
// within a time.
func (r Reader) ShortStays(chats []string, since time.Time, within time.Duration, limit int) ([]Stint, error) {
	return all[Stint](r.db.Select(judgedColumns).Where("chat_id IN ? AND joined_at >= ? AND kind = ? AND left_at IS NOT NULL AND left_at - joined_at <= ?",
		chats, ms(since), string(bot.Customer), within.Milliseconds()).Order("joined_at, chat_id, user_id").Limit(limit))
}

// LeftAfterHold counts the latest joins of an inviter that outlasted their hold, since a
// moment, and those of them that ended within a time after it.
func (r Reader) LeftAfterHold(staff string, since, now time.Time, within time.Duration, latest int) (Part, error) {
	return part(r.db.Raw(`SELECT COUNT(*) AS whole, COALESCE(SUM(CASE WHEN s.left_at < e.due_at + ? THEN 1 ELSE 0 END), 0) AS of
		FROM (SELECT stint_id, due_at FROM entry WHERE staff = ? AND due_at >= ? AND due_at <= ? AND status <> 'held' AND status <> 'void' ORDER BY due_at DESC LIMIT ?) AS e
		JOIN stint s ON s.id = e.stint_id`, within.Milliseconds(), staff, ms(since), ms(now), latest))
}

// StaffNamed returns who of some people has a name; empty if nobody.
func (r Reader) StaffNamed(people []string, name string) (user string, err error) {
	err = r.db.Raw(`SELECT COALESCE(MIN(user_id), '') FROM staff WHERE user_id IN ? AND name = ?`, people, name).Scan(&user).Error
	return user, err
}
