package panel

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// What one page lists at most.
const (
	shownEntries = 30
	shownPeople  = 60
	shownMembers = 30
	shownStaff   = 300
	shownPicks   = 50  // customers, members or codes to choose from in a form
	shownTalk    = 200 // lines of a group
)

// companyView is the overview.
type companyView struct {
	Summary sandbox.Summary
	Config  sandbox.Config
	BaseURL string
	Calls   int
	Living  int // groups that are not dissolved
	Entries []sandbox.Entry
}

func (p *panel) viewCompany(r *http.Request) (any, error) {
	v := companyView{Summary: p.box.Summary(), Config: p.box.Config(), BaseURL: "http://" + r.Host, Calls: p.box.TotalCalls()}
	for _, g := range v.Summary.Groups {
		if !g.Dismissed {
			v.Living++
		}
	}
	v.Config.CallbackURL = p.box.Callback()
	v.Entries = p.box.Log(max(0, v.Summary.LastEntry-shownEntries))
	slices.Reverse(v.Entries)
	return v, nil
}

// codeView is a QR code of either kind.
type codeView struct {
	ConfigID string
	Contact  bool // to staff, not into groups
	State    string
	Remark   string
	Chats    []sandbox.GroupSummary
	Users    []string
	Made     time.Time
}

// codes lists the QR codes, the newest first.
func (p *panel) codes() []codeView {
	groups := map[string]sandbox.GroupSummary{}
	for _, g := range p.box.Summary().Groups {
		groups[g.ID] = g
	}
	var out []codeView
	for _, w := range p.box.JoinWays() {
		c := codeView{ConfigID: w.ConfigID, State: w.State, Remark: w.Remark, Made: w.CreatedAt}
		for _, id := range w.Chats {
			c.Chats = append(c.Chats, groups[id])
		}
		out = append(out, c)
	}
	for _, w := range p.box.ContactWays() {
		out = append(out, codeView{ConfigID: w.ConfigID, Contact: true, State: w.State, Remark: w.Remark, Users: w.Users, Made: w.CreatedAt})
	}
	slices.SortStableFunc(out, func(a, b codeView) int { return b.Made.Compare(a.Made) })
	return out
}

type codesView struct {
	Codes     []codeView
	Customers []sandbox.Customer
	Pager     pager
}

func (p *panel) viewCodes(r *http.Request) (any, error) {
	all := p.codes()
	word := r.URL.Query().Get(wordField)
	all = slices.DeleteFunc(all, func(c codeView) bool { return !contains(word, append(c.Users, c.ConfigID, c.State, c.Remark)...) })
	pg, err := pageOf(r, shownMembers, len(all))
	return codesView{some(all, pg), p.somebody(r), pg}, err
}

// viewScan is where a picture of a code leads: the code alone, to be scanned by somebody.
func (p *panel) viewScan(r *http.Request) (any, error) {
	id := r.PathValue("id")
	all := p.codes()
	i := slices.IndexFunc(all, func(c codeView) bool { return c.ConfigID == id })
	if i < 0 {
		return nil, fmt.Errorf("code %q: %w", id, sandbox.ErrNotFound)
	}
	return codesView{all[i : i+1], p.somebody(r), pager{}}, nil
}

// somebody are the newest customers that have the searched word, for choosing one.
func (p *panel) somebody(r *http.Request) []sandbox.Customer {
	found, _ := p.box.FindCustomers(r.URL.Query().Get(whoField), 0, shownPicks)
	return found
}

type tasksView struct {
	Tasks  []taskView
	Cards  []cardView
	Groups []sandbox.GroupSummary
}

type taskView struct {
	sandbox.Task
	Waiting []sandbox.Share // not confirmed as a whole, unless the task was cancelled
}

type cardView struct {
	sandbox.Card
	Readers []readerView
}

// readerView is one person who has a card.
type readerView struct {
	User    string
	Changed string // what the bot has changed it to; they can press no more
	Pressed string // the buttons that were pressed
}

// tasksOf are the newest mass messages and cards, the newest first; of one member of staff
// if user is given.
func (p *panel) tasksOf(user string) tasksView {
	var v tasksView
	for _, t := range slices.Backward(p.box.Tasks()) {
		mine := user == "" || slices.ContainsFunc(t.Shares, func(s sandbox.Share) bool { return s.User == user })
		if mine && len(v.Tasks) < shownNewest {
			v.Tasks = append(v.Tasks, taskView{t, waiting(t, user)})
		}
	}
	for _, c := range slices.Backward(p.box.Cards()) {
		if (user == "" || slices.Contains(c.To, user)) && len(v.Cards) < shownNewest {
			v.Cards = append(v.Cards, cardView{c, readers(c, user)})
		}
	}
	return v
}

// waiting are the shares of a task that are not wholly sent.
func waiting(t sandbox.Task, user string) []sandbox.Share {
	if !t.CancelledAt.IsZero() {
		return nil
	}
	sent := map[string]bool{}
	for _, r := range t.Results {
		sent[r.Target] = true
	}
	var out []sandbox.Share
	for _, share := range t.Shares {
		open := slices.ContainsFunc(share.Targets, func(id string) bool { return !sent[id] })
		if open && (user == "" || user == share.User) {
			out = append(out, share)
		}
	}
	return out
}

func readers(c sandbox.Card, user string) []readerView {
	var out []readerView
	for _, to := range c.To {
		if user != "" && user != to {
			continue
		}
		one := readerView{User: to}
		for _, u := range c.Updates {
			if slices.Contains(u.Users, to) {
				one.Changed = u.Text
			}
		}
		for _, press := range c.Presses {
			if i := slices.IndexFunc(c.Buttons, func(b sandbox.Button) bool { return b.Key == press.Key }); press.User == to && i >= 0 {
				one.Pressed += c.Buttons[i].Text + " "
			}
		}
		out = append(out, one)
	}
	return out
}

func (p *panel) viewTasks(*http.Request) (any, error) {
	v := p.tasksOf("")
	v.Groups = p.box.Summary().Groups
	return v, nil
}

// clockView is the page of the clock.
type clockView struct {
	Now, Due time.Time
	Movable  bool
	Paused   bool
	Held     int      // what people wait with
	Pauses   []string // what the buttons move by
}

func (p *panel) viewClock(*http.Request) (any, error) {
	sum := p.box.Summary()
	return clockView{
		Now: sum.Now, Due: sum.Due, Movable: p.box.Config().Leap != nil, Paused: sum.Paused, Held: sum.Held,
		Pauses: []string{"20s", "5m", "1h", "8h", "24h", "168h"},
	}, nil
}
