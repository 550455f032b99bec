package handlers

import (
	"context"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Handler reacts to one event at a time, in one transaction that also marks the event as
// handled: its effects and its being done are one commit. No network inside.
type Handler interface {
	Name() string
	Handle(ctx context.Context, tx *store.Tx, e bot.Event) error
}

// Fetcher is a Handler that needs something from the platform first. Fetch runs outside any
// transaction and returns the event with what it found in its Data.
type Fetcher interface {
	Fetch(ctx context.Context, e bot.Event) (bot.Event, error)
}

// Gatherer handles all waiting events of a lane together, with one look at the platform.
type Gatherer interface {
	Name() string
	Gather(ctx context.Context, runs []store.Run) (Gathered, error)
}

// Gathered is what a Gatherer found.
type Gathered struct {
	// Apply writes it down; nil writes nothing.
	Apply func(ctx context.Context, tx *store.Tx) error
	// Open are the ids of events that are not dealt with yet; they come again at Again.
	Open  []int64
	Again time.Time
}

// Delayer lets an event wait before it is handled, so that more may come to share the work.
type Delayer interface {
	Delay(tx *store.Tx, e bot.Event) (time.Time, error)
}

// route is a registered handler: exactly one of one and many is set.
type route struct {
	name    string
	workers int // lanes worked on at once
	one     Handler
	many    Gatherer
}

// Router knows which handlers want which kinds of events.
type Router struct {
	routes []*route
	byKind map[bot.EventKind][]*route
}

// NewRouter returns a Router that wants nothing.
func NewRouter() *Router {
	return &Router{byKind: map[bot.EventKind][]*route{}}
}

// Handle registers a handler for kinds of events; it works on at most so many lanes at once.
func (r *Router) Handle(h Handler, workers int, kinds ...bot.EventKind) {
	r.add(&route{name: h.Name(), workers: workers, one: h}, kinds)
}

// Gather registers a gatherer for kinds of events.
func (r *Router) Gather(g Gatherer, workers int, kinds ...bot.EventKind) {
	r.add(&route{name: g.Name(), workers: workers, many: g}, kinds)
}

func (r *Router) add(rt *route, kinds []bot.EventKind) {
	for _, known := range r.routes {
		if known.name == rt.name {
			panic(fmt.Sprintf("handler %s is registered twice", rt.name)) // a mistake of the program, at start
		}
	}
	r.routes = append(r.routes, rt)
	for _, k := range kinds {
		r.byKind[k] = append(r.byKind[k], rt)
	}
}

// route names the handlers of an event and when each may begin.
func (r *Router) route(tx *store.Tx, e bot.Event) ([]store.Route, error) {
	out := make([]store.Route, 0, len(r.byKind[e.Kind]))
	for _, rt := range r.byKind[e.Kind] {
		to := store.Route{Handler: rt.name}
		if d, ok := rt.handler().(Delayer); ok {
			at, err := d.Delay(tx, e)
			if err != nil {
				return nil, fmt.Errorf("delay for %s: %w", rt.name, err)
			}
			to.NotBefore = at
		}
		out = append(out, to)
	}
	return out, nil
}

func (rt *route) handler() any {
	if rt.one != nil {
		return rt.one
	}
	return rt.many
}
