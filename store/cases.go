package store

import (
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Case states.
const (
	CaseOpen      = "open"
	CaseAsked     = "asked_owner"
	CaseRemoved   = "removed" // the group's own member list shows the person gone
	CaseDismissed = "dismissed"
	CaseExpired   = "expired"
)

// Case is something to decide about a person in a group.
type Case struct {
	ID          int64
	ChatID      string
	AppChat     bool // a chat of the app: a program may remove people there
	Member      string
	MemberName  string
	UnionID     string // empty where not known
	MessageID   string // empty when the person, not a message, is the cause
	Text        string
	Verdict     string
	Score       float64
	Reasons     []Reason `gorm:"serializer:json"`
	Action      string
	Rung        string // what of the ladder the worst message took; empty: a person opened it, or the blocklist
	OpenedBy    string // who opened it by hand; empty: a message or the blocklist
	Status      string
	Owner       string // who owned the group when people were last asked
	AskedTo     string // who got the newest card
	ClaimedBy   string // who pressed "removed"; believed once the member list agrees
	Note        string
	Asks        int       // how many cards were asked for
	Level       int       // how much of the asking is behind it: owner, reminder, manager, others
	Claims      int       // how often somebody said "removed"
	FalseClaims int       // how often the member list did not agree
	Lead        *int64    // the case on whose card this one stands as well; nil: it has a card of its own
	CreatedAt   time.Time `gorm:"serializer:ms"`
	AskedAt     time.Time `gorm:"serializer:ms"`
	NextAt      time.Time `gorm:"serializer:ms"` // when to look at it again
	ClosedAt    time.Time `gorm:"serializer:ms"`
	ClosedBy    string
}

// TableName is the table of cases.
func (Case) TableName() string { return "mod_case" }

// Closed reports whether nothing is to be decided any more.
func (c Case) Closed() bool { return c.Status != CaseOpen && c.Status != CaseAsked }

// AddCase writes a case and sets its ID. It fails with ErrStale where one about the person in
// the group is open.
func (tx *Tx) AddCase(c *Case) error {
	c.CreatedAt = tx.Now
	c.Reasons = notNil(c.Reasons)
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(c)
	return one(res)
}

// SaveCase writes how far a case has come. It fails with ErrStale when its status is not
// what the caller knew.
func (tx *Tx) SaveCase(c Case, known string) error {
	return one(tx.db.Model(&c).Where("id = ? AND status = ?", c.ID, known).
		Select("Verdict", "Score", "Reasons", "Action", "Rung", "Status", "Owner", "AskedTo", "ClaimedBy", "Note", "Asks", "Level", "Claims", "FalseClaims", "Lead",
			"AskedAt", "NextAt", "ClosedAt", "ClosedBy").Updates(&c))
}

// Case returns one case.
func (r Reader) Case(id int64) (Case, error) { return first[Case](r.db.Where("id = ?", id)) }

// HoldCase returns one case and keeps others from changing it until the transaction ends.
func (tx *Tx) HoldCase(id int64) (Case, error) {
	if err := tx.hold("mod_case", id); err != nil {
		return Case{}, err
	}
	return tx.Case(id)
}

// openCase are the states of a case that is not closed; indices rely on the words.
const openCase = "status IN ('open', 'asked_owner')"

// OpenCase returns the case that is not closed yet about a person in a group.
func (r Reader) OpenCase(chat bot.ChatID, member bot.MemberID) (Case, error) {
	return first[Case](r.db.Where("chat_id = ? AND member = ? AND "+openCase, string(chat), string(member)))
}

// OpenCasesOf lists the cases about a person that are not closed, in all groups.
func (r Reader) OpenCasesOf(member bot.MemberID) ([]Case, error) {
	return all[Case](r.db.Where("member = ? AND "+openCase, string(member)).Order("id"))
}

// OpenCasesIn lists the cases of a group that are not closed.
func (r Reader) OpenCasesIn(chat bot.ChatID) ([]Case, error) {
	return all[Case](r.db.Where("chat_id = ? AND "+openCase, string(chat)).Order("id"))
}

// Led lists the cases that stand on another one's card and are not closed.
func (r Reader) Led(c Case) ([]Case, error) {
	return all[Case](r.db.Where("member = ? AND lead = ? AND "+openCase, c.Member, c.ID).Order("id"))
}

// CaseFilter selects cases; empty fields select everything.
type CaseFilter struct {
	Status   string
	ChatID   string
	Member   string
	ShopID   string
	Action   string
	From, To time.Time // opened at or after From and before To
	After    int64     // the id before the page
	Limit    int       // 0: no limit
}

// CasesOf lists cases in the order of their ids.
func (r Reader) CasesOf(f CaseFilter) ([]Case, error) {
	q := r.db.Where("id > ?", f.After).Order("id")
	for _, w := range [][2]string{{"status", f.Status}, {"chat_id", f.ChatID}, {"member", f.Member}, {"action", f.Action}} {
		q = where(q, w[0], w[1])
	}
	if f.ShopID != "" {
		q = q.Where("chat_id IN (SELECT chat_id FROM chat WHERE shop_id = ?)", f.ShopID)
	}
	if !f.From.IsZero() {
		q = q.Where("created_at >= ?", ms(f.From))
	}
	if !f.To.IsZero() {
		q = q.Where("created_at < ?", ms(f.To))
	}
	return all[Case](limited(q, f.Limit))
}

// Cases lists cases from behind the id cursor; an empty status means all.
func (r Reader) Cases(status string, cursor int64, limit int) ([]Case, error) {
	return r.CasesOf(CaseFilter{Status: status, After: cursor, Limit: limit})
}

// DueCases lists the cases to look at again.
func (r Reader) DueCases(now time.Time, limit int) ([]Case, error) {
	return all[Case](r.db.Where("next_at <= ?", ms(now)).Order("next_at, id").Limit(limit))
}

// NextCase returns when the next case is to be looked at again.
func (r Reader) NextCase() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM mod_case")
}

// askNewOwner has the open cases of a group looked at whose owner is somebody else now.
func (tx *Tx) askNewOwner(c Chat) error {
	return tx.db.Exec(`UPDATE mod_case SET next_at = ? WHERE chat_id = ? AND `+openCase+` AND owner <> '' AND owner <> ? AND action = 'remove'`,
		tx.Now.UnixMilli(), c.ChatID, c.Owner).Error
}

// CaseMessages lists the messages of a person that a case is about, oldest first.
func (r Reader) CaseMessages(id int64, limit int) ([]Message, error) {
	return all[Message](r.db.Where("case_id = ?", id).Order("sent_at, message_id").Limit(limit))
}

// What may have been done about a case.
const (
	StepOpened     = "opened"
	StepMessage    = "message"     // a further message of the person
	StepRaised     = "raised"      // from a warning to a removal
	StepAsked      = "asked"       // who: who got a card
	StepReminded   = "reminded"    // the same, again
	StepStandIn    = "stand_in"    // the same, in the place of an owner who is away
	StepEscalated  = "escalated"   // the same, because nobody answered
	StepAskFailed  = "ask_failed"  // the card could not be sent
	StepNewOwner   = "new_owner"   // the group has another owner
	StepWarning    = "warning"     // a warning was shown to who, or posted in an app chat
	StepUnwarned   = "unwarned"    // no card, so that owners are not flooded
	StepWarned     = "warned"      // who says that the warning was posted
	StepClaimed    = "claimed"     // who says that the person was removed
	StepClaimFalse = "claim_false" // the member list did not agree with who
	StepBotRemoves = "bot_removes" // the program removes by itself
	StepBotRemoved = "bot_removed" // the platform took it
	StepBotFailed  = "bot_failed"
	StepRemoved    = CaseRemoved
	StepDismissed  = CaseDismissed
	StepExpired    = CaseExpired
	StepBlocked    = "blocked"   // put on the blocklist
	StepUnblocked  = "unblocked" // and off it
	StepUndone     = "undone"
)

// CaseStep is something that was done about a case; it is never changed.
type CaseStep struct {
	ID     int64
	CaseID int64
	At     time.Time `gorm:"serializer:ms"`
	What   string
	Who    string // a member of staff, or api, clock, member list, bot; empty where nobody did it
	Detail string
}

// TableName is the table of steps.
func (CaseStep) TableName() string { return "case_step" }

// AddStep writes down what was done about a case.
func (tx *Tx) AddStep(s CaseStep) error {
	s.At = tx.Now
	return tx.db.Create(&s).Error
}

// AddStepAtMost writes down a step unless the case has so many of its kind.
func (tx *Tx) AddStepAtMost(s CaseStep, most int64) error {
	var n int64
	err := tx.db.Model(&CaseStep{}).Where("case_id = ? AND what = ?", s.CaseID, s.What).Count(&n).Error
	if err != nil || n >= most {
		return err
	}
	return tx.AddStep(s)
}

// HasStep reports whether something was done about a case.
func (r Reader) HasStep(id int64, what string) (bool, error) {
	var n int64
	err := r.db.Model(&CaseStep{}).Where("case_id = ? AND what = ?", id, what).Count(&n).Error
	return n > 0, err
}

// CaseSteps lists what was done about a case, oldest first.
func (r Reader) CaseSteps(id int64) ([]CaseStep, error) {
	return all[CaseStep](r.db.Where("case_id = ?", id).Order("id"))
}

// Strike is a message that counts against a person.
type Strike struct {
	ID        int64
	Member    string
	ChatID    string
	MessageID string
	CaseID    *int64 // nil: only noted
	Verdict   string // spam or suspect: each has a ladder of its own
	Rung      string
	At        time.Time `gorm:"serializer:ms"`
	ExpiresAt time.Time `gorm:"serializer:ms"`
	TakenAt   time.Time `gorm:"serializer:ms"` // when it was taken back; zero: it counts
	TakenBy   string
}

// TableName is the table of strikes.
func (Strike) TableName() string { return "strike" }

// AddStrike writes a strike.
func (tx *Tx) AddStrike(s Strike) error {
	s.At = tx.Now
	return tx.db.Create(&s).Error
}

// StrikeCount counts the strikes of a verdict that stand against a person at now, those from
// before a moment.
func (r Reader) StrikeCount(member, verdict string, now, before time.Time) (int, error) {
	var n int64
	err := r.db.Model(&Strike{}).Where("member = ? AND verdict = ? AND expires_at > ? AND taken_at IS NULL AND at < ?", member, verdict, ms(now), ms(before)).Count(&n).Error
	return int(n), err
}

// StruckSince reports whether a strike of a verdict stands against a person in a group since a
// moment.
func (r Reader) StruckSince(member, verdict, chat string, since time.Time) (bool, error) {
	var n int64
	err := r.db.Model(&Strike{}).Where("member = ? AND verdict = ? AND chat_id = ? AND at >= ? AND taken_at IS NULL", member, verdict, chat, ms(since)).Limit(1).Count(&n).Error
	return n > 0, err
}

// Strikes lists the strikes of a person, oldest first.
func (r Reader) Strikes(member string) ([]Strike, error) {
	return all[Strike](r.db.Where("member = ?", member).Order("id"))
}

// TakeStrikes takes back the strikes of a case and returns how many counted until now.
func (tx *Tx) TakeStrikes(id int64, by string) (int64, error) {
	res := tx.db.Exec(`UPDATE strike SET taken_at = ?, taken_by = ? WHERE case_id = ? AND taken_at IS NULL`, tx.Now.UnixMilli(), by, id)
	return res.RowsAffected, res.Error
}

// TakeMessageStrikes takes back the strikes that a person has for one message.
func (tx *Tx) TakeMessageStrikes(member, message, by string) error {
	return tx.db.Exec(`UPDATE strike SET taken_at = ?, taken_by = ? WHERE member = ? AND message_id = ? AND taken_at IS NULL`, tx.Now.UnixMilli(), by, member, message).Error
}

// PruneStrikes forgets strikes that count no more since before a time, at most limit at once.
func (tx *Tx) PruneStrikes(before time.Time, limit int) (int64, error) {
	return tx.exec(`DELETE FROM strike WHERE id IN (SELECT id FROM strike WHERE expires_at < ? LIMIT ?)`, before.UnixMilli(), limit)
}

// Warning is a warning of a person on a local day (2026-11-23).
type Warning struct {
	Member string `gorm:"primaryKey"`
	Day    string `gorm:"primaryKey"`
	Owner  string // who was asked to post it
	CaseID int64
}

// TableName is the table of warnings.
func (Warning) TableName() string { return "warning" }

// AddWarning writes a warning unless the person has had one on that day, or the owner as many
// as atMost; false: it is too many.
func (tx *Tx) AddWarning(w Warning, atMost int) (bool, error) {
	var n int64
	if err := tx.db.Model(&Warning{}).Where("owner = ? AND day = ?", w.Owner, w.Day).Count(&n).Error; err != nil || n >= int64(atMost) {
		return false, err
	}
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&w)
	return res.RowsAffected == 1, res.Error
}

// PruneWarnings forgets the warnings from before a local day.
func (tx *Tx) PruneWarnings(before string) error {
	return tx.db.Exec(`DELETE FROM warning WHERE day < ?`, before).Error
}

// ForgetTexts forgets what people said in cases and tickets that were closed before a time and in
// reports from before it, at most limit of each at once. What was decided, by whom and why
// stays, without the words. Texts of corrections stay as long as the corrections are in force.
func (tx *Tx) ForgetTexts(before time.Time, limit int) (int64, error) {
	most := int64(0)
	for _, forget := range []string{
		`UPDATE mod_case SET text = '' WHERE id IN (SELECT id FROM mod_case WHERE closed_at < ? AND text <> '' LIMIT ?)`,
		`UPDATE ticket SET text = '' WHERE id IN (SELECT id FROM ticket WHERE closed_at < ? AND text <> '' LIMIT ?)`,
		`DELETE FROM ticket_message WHERE (ticket_id, message_id) IN
			(SELECT ticket_id, message_id FROM ticket_message JOIN ticket ON ticket.id = ticket_id WHERE closed_at < ? LIMIT ?)`,
		`UPDATE member_report SET text = '' WHERE id IN (SELECT id FROM member_report WHERE created_at < ? AND text <> '' LIMIT ?)`,
	} {
		n, err := tx.exec(forget, before.UnixMilli(), limit)
		if err != nil {
			return most, err
		}
		most = max(most, n)
	}
	return most, nil
}
