package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Summary is the company in short, all of one moment.
type Summary struct {
	Now       time.Time // UTC
	Due       time.Time // when the next thing is due; zero: nothing waits
	Staff     []Staff   // in the order of AddStaff
	Groups    []GroupSummary
	Customers int   // people from outside, whether they know anybody or not
	Contacts  int   // all there ever were
	Callbacks int   // the Seq of the newest, 0 before the first
	InFlight  int   // as the method of this name answers
	LastEntry int64 // the Seq of the newest entry of the log
	Paused    bool  // people of a story wait
	Held      int   // what they wait with
}

// GroupSummary is a customer group without its people and posts.
type GroupSummary struct {
	ID        string // chat_id
	Name      string
	Owner     string // userid
	Dismissed bool
	Staff     int // who are in it now
	Customers int // who are in it now
	Version   string
}

// Summary returns the company in short. Unlike Groups it costs little when groups are many
// and large.
func (s *Sandbox) Summary() Summary {
	now := s.enter()
	defer s.leave()
	out := Summary{
		Now: now, Staff: copied(s.office.staff, shallow), Customers: len(s.clientele.customers),
		Contacts: len(s.clientele.contacts), Callbacks: s.post.lastSeq, InFlight: s.post.open, LastEntry: s.journal.last,
		Paused: s.paused, Held: len(s.held),
	}
	if q := earliest(&s.agenda, &s.mail); q != nil {
		out.Due = q.tasks[0].at
	}
	for _, g := range s.rooms.all {
		out.Groups = append(out.Groups, g.summary())
	}
	return out
}

func (g *group) summary() GroupSummary {
	out := GroupSummary{
		ID: g.id, Name: g.name, Owner: g.owner.UserID, Dismissed: g.dismissed,
		Version: g.versions[len(g.versions)-1].id,
	}
	for _, m := range g.present {
		if m.staff {
			out.Staff++
		}
	}
	out.Customers = len(g.present) - out.Staff
	return out
}

// GroupsOf returns the living groups that a person is in, in the order of making.
func (s *Sandbox) GroupsOf(person string) []GroupSummary {
	s.enter()
	defer s.leave()
	if u := s.office.find(person); u != nil {
		person = u.UserID
	}
	var out []GroupSummary
	for _, g := range s.rooms.all {
		if g.present[person] != nil && !g.dismissed {
			out = append(out, g.summary())
		}
	}
	return out
}

// Endpoint is one call that is simulated.
type Endpoint struct {
	Name    string // as Faults.API names it, such as message/send or mp/user/get
	Method  string // GET or POST
	Path    string // such as /cgi-bin/message/send
	Account bool   // of the official account, not of WeCom
}

// Endpoints returns every call that is simulated, sorted by Name.
func (s *Sandbox) Endpoints() []Endpoint {
	all := maps.Clone(s.apis)
	maps.Copy(all, s.accountAPIs)
	out := make([]Endpoint, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := Endpoint{Name: name, Method: cmp.Or(all[name].method, http.MethodGet)}
		short, account := strings.CutPrefix(name, accountPrefix)
		e.Path, e.Account = apiPrefix+short, account
		if account && (strings.HasPrefix(short, "sns/") || strings.HasPrefix(short, "wxaapi/")) {
			e.Path = "/" + short
		}
		out = append(out, e)
	}
	return out
}
