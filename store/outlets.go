package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm/clause"
)

// What a delivery goes to where nobody has to confirm: both are chats of staff.
const (
	OutletAppChat = "app_chat"
	OutletRobot   = "robot"
)

// Robot is a robot of an internal group, by which the house speaks there.
type Robot struct {
	ID        int64
	Name      string    // for the operator; may be empty
	Key       string    // a secret: whoever has it can speak in the robot's group
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of robots.
func (Robot) TableName() string { return "robot" }

// RobotChat is the name of a robot where a delivery names a chat: robot:7.
func RobotChat(id int64) string { return OutletRobot + ":" + strconv.FormatInt(id, 10) }

// AddRobot writes a robot and sets its ID. False: its key is known already, and the robot
// that has it is returned instead.
func (tx *Tx) AddRobot(r Robot) (Robot, bool, error) {
	r.CreatedAt = tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&r)
	if res.Error != nil || res.RowsAffected == 1 {
		return r, true, res.Error
	}
	known, err := first[Robot](tx.db.Where("key = ?", r.Key))
	return known, false, err
}

// NameRobot renames a robot.
func (tx *Tx) NameRobot(id int64, name string) error {
	return one(tx.db.Exec(`UPDATE robot SET name = ? WHERE id = ?`, name, id))
}

// DropRobot forgets a robot; ErrNotFound if there is none.
func (tx *Tx) DropRobot(id int64) error {
	res := tx.db.Exec(`DELETE FROM robot WHERE id = ?`, id)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return res.Error
}

// Robot returns one robot.
func (r Reader) Robot(id int64) (Robot, error) { return first[Robot](r.db.Where("id = ?", id)) }

// Robots lists robots from behind the id cursor.
func (r Reader) Robots(cursor int64, limit int) ([]Robot, error) {
	return all[Robot](limited(r.db.Where("id > ?", cursor).Order("id"), limit))
}

// RobotUse says what speaks by a robot and would fall silent without it, as words for an
// operator: a report, or a promotion that has not ended. Empty: nothing does.
func (r Reader) RobotUse(id int64) (string, error) {
	targets, err := all[ReportTarget](r.db.Where("robot_id = ?", id).Order("kind, shop_id").Limit(1))
	if err != nil {
		return "", err
	}
	for _, t := range targets {
		return strings.TrimSpace(fmt.Sprintf("report %s %s", t.Kind, t.ShopID)), nil
	}
	promos, err := r.OpenPromotions()
	for _, p := range promos {
		if slices.Contains(p.Spec.Targets.Robots, id) {
			return fmt.Sprintf("promotion %d", p.ID), nil
		}
	}
	return "", err
}

// SettleOutlet records what became of an occurrence in an outlet, if that was open.
func (tx *Tx) SettleOutlet(occurrence int64, chat string, d Delivery) error {
	// With its time, so that the index finds it in years of what the outlet got.
	return tx.db.Exec(`UPDATE delivery SET status = ?, code = ?, reason = ?, submitted_at = ?, sent_at = ?
		WHERE chat_id = ? AND at = (SELECT at FROM occurrence WHERE id = ?) AND occurrence_id = ? AND status = ?`,
		d.Status, d.Code, d.Reason, ms(d.SubmittedAt), ms(d.SentAt), chat, occurrence, occurrence, DeliveryPlanned).Error
}

// OpenOutlets lists the outlets of an occurrence that nothing became of yet.
func (r Reader) OpenOutlets(occurrence int64) ([]Delivery, error) {
	return all[Delivery](r.db.Where("occurrence_id = ? AND outlet <> '' AND status = ?", occurrence, DeliveryPlanned).Order("id"))
}
