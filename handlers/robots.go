package handlers

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/store"
)

// maxRobotName bounds a robot's name, in characters.
const maxRobotName = 50

// Robots keeps the robots of internal groups, by which reports and promotions speak there.
// Their keys are secrets: they are looked up when something is said and stand nowhere else,
// neither in the outbox nor in an answer, an error or the log.
type Robots struct {
	Store    *store.Store
	Platform bot.RobotPoster // nil: the platform has none
}

// Add keeps a robot. Webhook is its key, or the address that the platform shows for it.
func (r *Robots) Add(ctx context.Context, name, webhook string, remember Remember) (store.Robot, error) {
	if n := utf8.RuneCountInString(name); n == 0 || n > maxRobotName {
		return store.Robot{}, Invalidf("name", "has %d characters; want 1 to %d", n, maxRobotName)
	}
	key, err := r.read("webhook", webhook)
	if err != nil {
		return store.Robot{}, err
	}
	var robot store.Robot
	err = r.Store.Tx(ctx, func(tx *store.Tx) error {
		var fresh bool
		robot, fresh, err = tx.AddRobot(store.Robot{Name: name, Key: key})
		switch {
		case err != nil:
			return err
		case !fresh && robot.Name != "":
			return &Conflict{Detail: fmt.Sprintf("it is kept already, as robot %d", robot.ID)}
		case !fresh: // a report brought it
			robot.Name = name
			if err := tx.NameRobot(robot.ID, name); err != nil {
				return err
			}
		}
		return remember(tx, fmt.Sprint(robot.ID))
	})
	return robot, err
}

// read is the key in what a person copied.
func (r *Robots) read(field, copied string) (string, error) {
	if r.Platform == nil {
		return "", ErrNotOffered
	}
	key, err := r.Platform.RobotKey(copied)
	if err != nil {
		return "", Invalidf(field, "%s", err)
	}
	return key, nil
}

// Drop forgets a robot by which nothing speaks any more.
func (r *Robots) Drop(ctx context.Context, id int64) error {
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Robot(id); err != nil {
			return err
		}
		use, err := tx.RobotUse(id)
		if err != nil {
			return err
		}
		if use != "" {
			return &Conflict{Detail: use + " speaks by this robot; end that first, or let it speak elsewhere"}
		}
		return tx.DropRobot(id)
	})
}

// Post says a text by a robot; it cannot be asked for afterwards, nor taken back.
func (r *Robots) Post(ctx context.Context, id int64, text string) error {
	robot, err := r.Store.Read(ctx).Robot(id)
	if errors.Is(err, store.ErrNotFound) || r.Platform == nil {
		return robotGone()
	}
	if err != nil {
		return noKey(err)
	}
	return r.Platform.PostRobot(ctx, robot.Key, text)
}

// robotGone refuses for good, noKey for now: in both nothing was said.
func robotGone() error {
	return &bot.APIError{Op: robotText, Msg: "the robot was taken away meanwhile", Class: bot.ClassGiveUp}
}

func noKey(err error) error {
	return fmt.Errorf("%w: %w", &bot.APIError{Op: robotText, Msg: "its key cannot be read", Class: bot.ClassRetry}, err)
}

// CheckAppChat asks the platform whether an app chat can be spoken in; chats nil takes every
// id.
func CheckAppChat(ctx context.Context, chats bot.AppChatter, field, id string) error {
	if chats == nil {
		return nil
	}
	_, err := chats.AppChat(ctx, id)
	var refused *bot.APIError
	switch bot.ClassOf(err) {
	case bot.ClassFix, bot.ClassGone, bot.ClassGiveUp:
		if errors.As(err, &refused) {
			return Invalidf(field, "%q is no chat that the app made (WeCom's code %d)", id, refused.Code)
		}
		return Invalidf(field, "%q is no chat that the app made: %s", id, err)
	}
	return err
}
