package codes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Pages shows what is behind a printed code: GET /q/{code}, for anybody who has a telephone.
type Pages struct {
	Store    *store.Store
	Pictures *Pictures
	Scans    *Visits
	Now      func() time.Time
	Log      *slog.Logger
}

// slug is what the code in an address may look like; anything else is not looked up.
var slug = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// Handler serves /q/.
func (p *Pages) Handler() http.Handler {
	s := &pageServer{Pages: p, paper: newPaper(p.Log)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /q/{code}", s.show)
	mux.HandleFunc("GET /q/{code}/qr.png", s.picture)
	mux.HandleFunc("GET /q/", func(w http.ResponseWriter, r *http.Request) { s.gone(w, r, store.Channel{}) })
	return mux
}

type pageServer struct {
	*Pages
	*paper
}

// show is the page of a code. A code that nobody can get in by any more says whom to ask.
func (s *pageServer) show(w http.ResponseWriter, r *http.Request) {
	ch, err := s.find(r)
	if err != nil {
		s.missing(w, r, ch, err)
		return
	}
	if r.Method == http.MethodGet {
		s.Scans.Count(ch.ID, s.Now())
	}
	l := s.wordsFor(r)
	v := s.about(r.Context(), ch, l)
	content, _ := s.Pictures.Content(r.Context(), ch) // what went wrong is logged when it is read, not for every visitor
	switch {
	case ch.Condition == store.CodeDead:
		v.Do, v.Help = l.Dead, []string{l.ask(s.helper(r.Context(), ch))}
	case content == "":
		v.Do, v.Help = l.NotNow, []string{l.ask(s.helper(r.Context(), ch))}
	default:
		v.Picture, v.Do = "/q/"+ch.Code+"/qr.png?v="+mark(content), l.Join
		if ch.Kind == store.ChannelContact {
			v.Do = l.Add
		}
		v.Help = []string{l.Elsewhere, l.Trouble + l.ask(s.helper(r.Context(), ch))}
	}
	s.write(w, r, http.StatusOK, v)
}

// picture is the code as it was last read, drawn anew: no telephone asks the platform for it.
func (s *pageServer) picture(w http.ResponseWriter, r *http.Request) {
	ch, err := s.find(r)
	if err != nil {
		s.missing(w, r, ch, err)
		return
	}
	content, _ := s.Pictures.Content(r.Context(), ch) // see show
	var data []byte
	if content != "" {
		if data, err = s.Pictures.PNG(content); err != nil {
			s.Log.Error("draw a code", "channel", ch.ID, "error", err)
		}
	}
	if data == nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	s.head(w)
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(data) // the telephone may be gone
}

// find returns the channel of a request. A channel that was deleted comes with ErrNotFound.
func (s *pageServer) find(r *http.Request) (store.Channel, error) {
	code := r.PathValue("code")
	if !slug.MatchString(code) {
		return store.Channel{}, store.ErrNotFound
	}
	ch, err := s.Store.Read(r.Context()).ChannelByCode(code)
	if err == nil && ch.Status != store.ChannelActive {
		err = store.ErrNotFound
	}
	return ch, err
}

func (s *pageServer) missing(w http.ResponseWriter, r *http.Request, ch store.Channel, err error) {
	if errors.Is(err, store.ErrNotFound) {
		s.gone(w, r, ch)
		return
	}
	if r.Context().Err() == nil {
		s.Log.Error("look up a code", "error", err)
	}
	l := s.wordsFor(r)
	s.write(w, r, http.StatusServiceUnavailable, view{Words: l, Title: l.Title, Do: l.NotNow})
}

// gone is the page of a code that is not, or no longer, there.
func (s *pageServer) gone(w http.ResponseWriter, r *http.Request, ch store.Channel) {
	l := s.wordsFor(r)
	v := view{Words: l, Title: l.Title, Do: l.Gone}
	if ch.ID == 0 {
		v.Help = []string{l.ask("")}
	} else {
		v = s.about(r.Context(), ch, l)
		v.Do, v.Help = l.Gone, []string{l.ask(s.helper(r.Context(), ch))}
	}
	s.write(w, r, http.StatusNotFound, v)
}

// about says whose code it is: the store and its staff, never a customer.
func (s *pageServer) about(ctx context.Context, ch store.Channel, l words) view {
	v := view{Words: l, Title: l.Title, Code: ch.Code}
	if shop, err := shopOf(s.Store.Read(ctx), ch); err == nil && shop.Name != "" {
		v.Title = shop.Name
	}
	if name := s.helper(ctx, ch); name != "" {
		v.Who = l.Staff + " " + name
	}
	return v
}

// helper is the name of the member of staff to ask; empty: none in particular.
func (s *pageServer) helper(ctx context.Context, ch store.Channel) string {
	if ch.Staff == "" {
		return ""
	}
	staff, err := s.Store.Read(ctx).Staff(bot.UserID(ch.Staff))
	if err != nil {
		return ""
	}
	return staff.Name
}
