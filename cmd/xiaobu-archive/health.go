package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"xiaobu/archive"
)

const (
	headerTimeout = 5 * time.Second
	closeTimeout  = 5 * time.Second
)

// health answers /healthz at an address: 200 while messages flow, 503 while they are held up.
func (p program) health(address string, a *archive.Archive) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, a.Status()) })
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: headerTimeout}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(ln) }() // it ends when stop is called
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = srv.Shutdown(ctx)
		<-ended
	}, nil
}

func writeHealth(w http.ResponseWriter, s archive.Status) {
	out := struct {
		Seq     uint64           `json:"seq"`
		Until   time.Time        `json:"until,omitzero"`
		Waiting int              `json:"waiting"`
		Problem string           `json:"problem,omitempty"`
		Since   time.Time        `json:"since,omitzero"`
		Counts  map[string]int64 `json:"counts"`
	}{Seq: s.Seq, Until: s.Until, Waiting: s.Waiting, Problem: s.Problem, Since: s.Since, Counts: map[string]int64{}}
	for k, n := range s.Counts {
		out.Counts[k.Fate] += n
	}
	w.Header().Set("Content-Type", "application/json")
	if s.Problem != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(out) // who asked may be gone
}
