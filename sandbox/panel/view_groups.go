package panel

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"xiaobu/sandbox"
)

type groupsView struct {
	Groups []sandbox.GroupSummary
	Staff  []sandbox.Staff
	Pager  pager
}

func (p *panel) viewGroups(r *http.Request) (any, error) {
	sum := p.box.Summary()
	v := groupsView{Staff: atWork(sum.Staff)}
	word := r.URL.Query().Get(wordField)
	for _, g := range slices.Backward(sum.Groups) {
		if contains(word, g.Name, g.ID, g.Owner) {
			v.Groups = append(v.Groups, g)
		}
	}
	pg, err := pageOf(r, shownPeople, len(v.Groups))
	v.Groups, v.Pager = some(v.Groups, pg), pg
	return v, err
}

// contains reports whether one of some texts has a word in it, whatever its case.
func contains(word string, texts ...string) bool {
	word = strings.ToLower(strings.TrimSpace(word))
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) })
}

// atWork are those who have not resigned.
func atWork(all []sandbox.Staff) []sandbox.Staff {
	return slices.DeleteFunc(slices.Clone(all), func(u sandbox.Staff) bool { return u.Resigned })
}

// groupView is one group as its members see it.
type groupView struct {
	sandbox.Group
	Talk     []lineView
	Members  []sandbox.Stay // staff first
	Left     []sandbox.Stay // stays that have ended, the newest first
	Pager    pager          // of the members
	Outside  []sandbox.Customer
	Staff    []sandbox.Staff // who are not in it
	Speakers []sandbox.Stay
}

// lineView is one line of what goes on in a group.
type lineView struct {
	At          time.Time
	Who         string
	Kind        string // say, post, join, leave or removed
	Staff       bool
	Text        string
	Title, URL  string
	MsgType     string
	MsgID       string
	Attachments []sandbox.Attachment
	Feed        string // what the feed answered to something said, "" if there is none
	Inviter     string
	Scene       int
}

func (p *panel) viewGroup(r *http.Request) (any, error) {
	g, err := p.box.Group(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := groupView{Group: g, Talk: p.talk(g)}
	inside := map[string]bool{}
	for _, m := range g.Members {
		inside[m.User] = true
	}
	slices.SortStableFunc(g.Members, func(a, b sandbox.Stay) int { return rank(a) - rank(b) })
	v.Members = p.named(g.Members, r.URL.Query().Get(wordField))
	v.Speakers = v.Members[:min(len(v.Members), shownPicks)]
	v.Pager, err = pageOf(r, shownMembers, len(v.Members))
	v.Members = some(v.Members, v.Pager)
	for _, m := range slices.Backward(g.History) {
		if !m.Left.IsZero() && len(v.Left) < shownMembers {
			v.Left = append(v.Left, m)
		}
	}
	v.Outside = slices.DeleteFunc(p.somebody(r), func(c sandbox.Customer) bool { return inside[c.ID] })
	v.Staff = slices.DeleteFunc(atWork(p.box.Staff()), func(u sandbox.Staff) bool { return inside[u.UserID] })
	v.Staff = v.Staff[:min(len(v.Staff), shownStaff)]
	return v, err
}

// named are the members of a group who have a word in their name or id.
func (p *panel) named(members []sandbox.Stay, word string) []sandbox.Stay {
	return slices.DeleteFunc(slices.Clone(members), func(m sandbox.Stay) bool { return !contains(word, m.User, m.Name) })
}

// rank puts staff before customers.
func rank(m sandbox.Stay) int {
	if m.Staff {
		return 0
	}
	return 1
}

// talk is what went on in a group, oldest first: what was said, mass messages, who came and
// went.
func (p *panel) talk(g sandbox.Group) []lineView {
	var out []lineView
	staff := map[string]bool{}
	for _, m := range g.History {
		staff[m.User] = m.Staff
		out = append(out, lineView{At: m.Joined, Who: m.User, Kind: "join", Inviter: m.Inviter, Scene: m.Scene, Staff: m.Staff})
		if !m.Left.IsZero() {
			kind := "leave"
			if m.LeftHow == sandbox.LeftRemoved {
				kind = "removed"
			}
			out = append(out, lineView{At: m.Left, Who: m.User, Kind: kind, Staff: m.Staff})
		}
	}
	for _, said := range p.box.SaidIn(g.ID, shownTalk) {
		m := said.Message
		line := lineView{At: said.At, Who: said.Sender, Kind: "say", Staff: staff[said.Sender], Text: m.Text, Title: m.Title, URL: m.URL, MsgType: m.Type}
		if len(said.Attempts) > 0 {
			line.Feed = said.Attempts[len(said.Attempts)-1].Answer
		}
		out = append(out, line)
	}
	for _, post := range g.Posts {
		out = append(out, lineView{At: post.At, Who: post.User, Kind: "post", Staff: true, Text: post.Text, MsgID: post.MsgID, Attachments: post.Attachments})
	}
	slices.SortStableFunc(out, func(a, b lineView) int { return a.At.Compare(b.At) })
	return newest(out, shownTalk)
}
