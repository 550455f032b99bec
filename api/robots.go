package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type robotBody struct {
	Name    string `json:"name" example:"店长群机器人"`
	Webhook string `json:"webhook" maxLength:"300" doc:"the address that WeCom shows for the robot, or its key; it is a secret and no answer shows it"`
}

type robotView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name" doc:"empty where a report brought it and nobody named it"`
	Key       string     `json:"key" doc:"its end only" example:"****5aaa"`
	CreatedAt *time.Time `json:"created_at"`
}

func (s *server) viewRobot(r store.Robot) robotView {
	return robotView{ID: idString(r.ID), Name: r.Name, Key: handlers.Redacted(r.Key), CreatedAt: s.stamp(r.CreatedAt)}
}

// robots keeps the robots of internal groups that promotions and reports speak by.
func (s *server) robots() {
	type add struct {
		Keyed
		Body robotBody
	}
	huma.Register(s.api, op(http.MethodPost, "/robots", "keep a robot of an internal group", http.StatusCreated), func(ctx context.Context, in *add) (*result[robotView], error) {
		robot, err := once(ctx, s, "POST /robots", in.Keyed, in.Body, func(remember handlers.Remember) (store.Robot, error) {
			return s.Robots.Add(ctx, in.Body.Name, in.Body.Webhook, remember)
		}, func(id string) (store.Robot, error) { return s.robot(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewRobot(robot)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/robots", "list robots", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[robotView]], error) {
		return numbered(ctx, s, *in, func(after int64, limit int) ([]store.Robot, error) {
			return s.Store.Read(ctx).Robots(after, limit)
		}, s.viewRobot, func(r store.Robot) int64 { return r.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/robots/{id}", "one robot", http.StatusOK), func(ctx context.Context, in *oneID) (*result[robotView], error) {
		robot, err := s.robot(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewRobot(robot)), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/robots/{id}", "forget a robot that nothing speaks by", http.StatusNoContent), s.dropping(s.Robots.Drop))
}

func (s *server) robot(ctx context.Context, id string) (store.Robot, error) {
	return byID(id, s.Store.Read(ctx).Robot)
}
