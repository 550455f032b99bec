package store

import (
	"time"
)

// Slot states.
const (
	SlotRunning = "running"
	SlotDone    = "done"
	SlotFailed  = "failed"
	SlotMissed  = "missed" // its time passed while nobody was there to keep it
)

// Slot is one appointment of a job. The row is the appointment: whoever inserts it has it.
type Slot struct {
	Job      string
	At       time.Time `gorm:"serializer:ms"`
	Local    string    // the same moment in the job's zone, for people
	State    string
	Attempts int
	Error    string
	DoneAt   time.Time `gorm:"serializer:ms"`
}

// TableName is the table of slots.
func (Slot) TableName() string { return "slot" }

// ClaimSlot takes an appointment for as long as the lease, or takes it over from someone
// whose lease ran out. False means that it is somebody else's or has been kept.
func (tx *Tx) ClaimSlot(job string, at time.Time, local, owner string, lease time.Duration) (bool, error) {
	now, until := tx.Now.UnixMilli(), tx.Now.Add(lease).UnixMilli()
	res := tx.db.Exec(`INSERT INTO slot (job, at, local, state, owner, lease_until, attempts, error) VALUES (?,?,?,'running',?,?,1,'')
		ON CONFLICT (job, at) DO NOTHING`, job, at.UnixMilli(), local, owner, until)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.RowsAffected == 1, res.Error
	}
	res = tx.db.Exec(`UPDATE slot SET owner = ?, lease_until = ?, attempts = attempts + 1
		WHERE job = ? AND at = ? AND state = 'running' AND lease_until <= ?`, owner, until, job, at.UnixMilli(), now)
	return res.RowsAffected == 1, res.Error
}

// FinishSlot records how an appointment ended.
func (tx *Tx) FinishSlot(job string, at time.Time, owner, state, why string) error {
	return one(tx.db.Exec(`UPDATE slot SET state = ?, error = ?, owner = '', lease_until = 0, done_at = ? WHERE job = ? AND at = ? AND owner = ?`,
		state, why, tx.Now.UnixMilli(), job, at.UnixMilli(), owner))
}

// RetrySlot leaves an appointment running but free to be taken again after a wait.
func (tx *Tx) RetrySlot(job string, at time.Time, owner string, after time.Time, why string) error {
	return one(tx.db.Exec(`UPDATE slot SET error = ?, owner = '', lease_until = ? WHERE job = ? AND at = ? AND owner = ?`,
		why, after.UnixMilli(), job, at.UnixMilli(), owner))
}

// MissSlot records that an appointment was not kept. A known slot stays as it is.
func (tx *Tx) MissSlot(job string, at time.Time, local string) error {
	return tx.db.Exec(`INSERT INTO slot (job, at, local, state, owner, lease_until, attempts, error, done_at)
		VALUES (?,?,?,'missed','',0,0,'',?) ON CONFLICT (job, at) DO NOTHING`, job, at.UnixMilli(), local, tx.Now.UnixMilli()).Error
}

// LastSlot returns a job's newest appointment.
func (r Reader) LastSlot(job string) (Slot, error) {
	return first[Slot](r.db.Where("job = ?", job).Order("at DESC"))
}

// OpenSlot returns a job's appointment that was begun and not ended, and when it may be
// taken over.
func (r Reader) OpenSlot(job string) (slot Slot, free time.Time, err error) {
	row, err := first[struct {
		Slot       `gorm:"embedded"`
		LeaseUntil time.Time `gorm:"serializer:ms"`
	}](r.db.Table("slot").Where("job = ? AND state = ?", job, SlotRunning).Order("at"))
	return row.Slot, row.LeaseUntil, err
}

// NextSlot tells in one look what a program at rest asks again and again: when a job's
// appointment that was begun and not ended may be taken over, and when its newest one was.
// Zero: there is none.
func (r Reader) NextSlot(job string) (free, last time.Time, err error) {
	var row struct{ Free, Last *int64 }
	err = r.db.Raw(`SELECT (SELECT lease_until FROM slot WHERE job = ? AND state = 'running' ORDER BY at LIMIT 1) AS free,
		(SELECT MAX(at) FROM slot WHERE job = ?) AS last`, job, job).Scan(&row).Error
	if row.Free != nil {
		free = fromMS(*row.Free)
	}
	if row.Last != nil {
		last = fromMS(*row.Last)
	}
	return free, last, err
}

// PruneSlots forgets appointments from before a time.
func (tx *Tx) PruneSlots(before time.Time) error {
	return tx.db.Exec(`DELETE FROM slot WHERE at < ? AND state <> 'running'`, before.UnixMilli()).Error
}
