package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"xiaobu/bot"
)

// tasksOf writes an occurrence of a new promotion with tasks for owners, each with a group of
// that owner's, and returns the tasks.
func tasksOf(t *testing.T, s *Store, owners ...string) []Task {
	t.Helper()
	var tasks []Task
	tx(t, s, func(tx *Tx) error {
		tasks = nil
		promo := Promotion{Name: "秒杀", Status: PromotionActive}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		occ := Occurrence{PromotionID: promo.ID, At: tx.Now, Status: OccurrenceRunning}
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		for i, owner := range owners {
			task := Task{OccurrenceID: occ.ID, Owner: owner, Part: i + 1, Status: TaskPlanned, ClosesAt: tx.Now.Add(time.Hour)}
			if err := tx.AddTask(&task); err != nil {
				return err
			}
			chat := "wr" + owner + string(rune('0'+i))
			if err := tx.NewChat(Chat{ChatID: chat, Owner: owner, Status: ChatActive}); err != nil {
				return err
			}
			d := Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, TaskID: &task.ID, At: tx.Now, ChatID: chat, Owner: owner, Status: DeliveryPlanned}
			if err := tx.AddDeliveries([]Delivery{d}); err != nil {
				return err
			}
			tasks = append(tasks, task)
		}
		return nil
	})
	return tasks
}

func TestTasksThatLookAlikeTakeTurns(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tasks := tasksOf(t, s, "wang", "wang")
		turn := func(task Task, owner, like string) (ok bool) {
			tx(t, s, func(tx *Tx) (err error) {
				ok, err = tx.TakeTurn(owner, like, task.ID)
				return err
			})
			return ok
		}
		for _, again := range []string{"take", "keep"} {
			if !turn(tasks[0], "wang", "a") {
				t.Errorf("a task does not %s its own turn", again)
			}
		}
		if turn(tasks[1], "wang", "a") {
			t.Error("two tasks have the same turn")
		}
		if !turn(tasks[1], "wang", "b") || !turn(tasks[1], "li", "a") {
			t.Error("what does not look alike, or is another owner's, has to wait")
		}
		tx(t, s, func(tx *Tx) error { return tx.EndTurn(tasks[0].ID) })
		if !turn(tasks[1], "wang", "a") {
			t.Error("a turn that ended is not the next one's")
		}
		tx(t, s, func(tx *Tx) error {
			task := tasks[1]
			task.Status = TaskCancelled
			return tx.SaveTask(task, TaskPlanned)
		})
		if !turn(tasks[0], "wang", "a") {
			t.Error("a task that will not be submitted keeps the turn")
		}
	})
}

func TestAChaseGoesOnOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(context.Background())
		task := tasksOf(t, s, "wang")[0]
		first := Chase{OccurrenceID: task.OccurrenceID, Owner: "wang", NextAt: c.Now().Add(time.Minute), BeganAt: c.Now(), ClosesAt: task.ClosesAt}
		tx(t, s, func(tx *Tx) error {
			return errors.Join(tx.AddChase(first), tx.AddChase(Chase{OccurrenceID: task.OccurrenceID, Owner: "wang", Step: 1, BeganAt: c.Now(), ClosesAt: c.Now()}))
		})
		due, err := r.DueChases(c.Now(), 10)
		must(t, err)
		at, ok, err := r.NextChase()
		must(t, err)
		if len(due) != 0 || !ok || !at.Equal(first.NextAt) {
			t.Errorf("due before its time: %+v; next at %v", due, at)
		}
		c.Add(time.Minute)
		due, err = r.DueChases(c.Now(), 10)
		must(t, err)
		if len(due) != 1 || !due[0].BeganAt.Equal(first.BeganAt) {
			t.Fatalf("due: %+v", due)
		}
		over := due[0]
		over.Step, over.NextAt, over.DeclinedAt = 2, time.Time{}, c.Now()
		tx(t, s, func(tx *Tx) error { return tx.SaveChase(over, due[0].NextAt) })
		if err := s.Tx(context.Background(), func(tx *Tx) error { return tx.SaveChase(over, due[0].NextAt) }); !errors.Is(err, ErrStale) {
			t.Errorf("it went on twice: %v", err)
		}
		got, err := r.Chase(task.OccurrenceID, "wang")
		must(t, err)
		if _, ok, err := r.NextChase(); err != nil || ok || got.Step != 2 || !got.DeclinedAt.Equal(c.Now()) {
			t.Errorf("%+v, more to do: %v, %v", got, ok, err)
		}
	})
}

func TestWhoIsAskedAboutAndNamedToManagers(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tasks := tasksOf(t, s, "wang", "wang", "li", "zhao")
		occ := tasks[0].OccurrenceID
		tx(t, s, func(tx *Tx) error {
			for i, task := range tasks {
				task.Status, task.SubmittedAt, task.NextPollAt = TaskSubmitted, tx.Now, tx.Now.Add(time.Hour)
				if i == 3 {
					task.Status, task.ConfirmedAt = TaskConfirmed, tx.Now
				}
				if err := tx.SaveTask(task, TaskPlanned); err != nil {
					return err
				}
				if _, err := tx.MoveDeliveries(task.ID, "", []string{DeliveryPlanned}, Delivery{Status: DeliverySubmitted, SubmittedAt: tx.Now}); err != nil {
					return err
				}
			}
			if err := tx.PutShop(Shop{ID: "a", Name: "一店", Manager: "boss"}); err != nil {
				return err
			}
			for _, chat := range []bot.ChatID{"wrwang0", "wrwang1", "wrli2", "wrzhao3"} {
				if err := tx.PlaceChat(chat, "a", nil); err != nil {
					return err
				}
			}
			return nil
		})
		r := s.Read(context.Background())
		late, err := r.Unconfirmed(occ, DeliverySubmitted)
		must(t, err)
		want := []Waiting{{"boss", "a", "一店", "li", 1}, {"boss", "a", "一店", "wang", 2}}
		if len(late) != 2 || late[0] != want[0] || late[1] != want[1] {
			t.Errorf("unconfirmed: %+v", late)
		}
		counts, err := r.DeliveryCounts(occ, "boss")
		must(t, err)
		if len(counts) != 1 || counts[DeliverySubmitted] != 4 {
			t.Errorf("the manager's groups: %v", counts)
		}
		for _, ask := range []struct {
			owner string
			want  int64
		}{{"wang", 2}, {"", 3}} {
			var n int64
			tx(t, s, func(tx *Tx) (err error) { n, err = tx.AskAbout(occ, ask.owner, tx.Now); return err })
			if n != ask.want {
				t.Errorf("asked about %d tasks of %q, want %d", n, ask.owner, ask.want)
			}
		}
		due, err := r.DueTasks(c.Now(), 10)
		must(t, err)
		if len(due) != 3 {
			t.Errorf("%d tasks are due, want the three that wait", len(due))
		}
	})
}

func TestOwnersWhoWaitedBeforeThereWereChasesAreChased(t *testing.T) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			began := c.Now().Add(-time.Hour).UnixMilli()
			oldSchema(t, dsn, 14, func(db *sql.DB) {
				exec(t, db, `INSERT INTO promotion (id, name, status, spec, created_at, updated_at) VALUES (1, 'x', 'active', '{}', 0, 0)`)
				exec(t, db, `INSERT INTO occurrence (id, promotion_id, at, status, reason, message, created_at) VALUES (1, 1, 0, 'running', '', '{}', 0)`)
				exec(t, db, fmt.Sprintf(`INSERT INTO task (id, occurrence_id, owner, part, status, msgid, submitted_at, polls, reminders, closes_at) VALUES
					(1, 1, 'wang', 1, 'submitted', 'm1', %[1]d, 0, 0, %[2]d), (2, 1, 'wang', 2, 'submitted', 'm2', %[1]d, 0, 0, %[2]d), (3, 1, 'li', 1, 'closed', 'm3', %[1]d, 0, 0, %[2]d)`,
					began, began+6*time.Hour.Milliseconds()))
			})
			r := open(t, dsn, c).Read(t.Context())
			due, err := r.DueChases(c.Now().Add(24*time.Hour), 10)
			must(t, err)
			if len(due) != 2 || due[0].Owner != "wang" || due[0].Step != 1 || !due[0].NextAt.Equal(c.Now().Add(2*time.Hour)) ||
				due[1].Owner != "" || !due[1].NextAt.Equal(c.Now().Add(3*time.Hour)) {
				t.Errorf("chases: %+v", due)
			}
		})
	}
}
