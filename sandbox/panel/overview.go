package panel

import (
	"net/http"
	"time"
)

// shownNewest is how many tasks and cards the overview shows.
const shownNewest = 100

// getState answers the company in short, with the ids that commands need.
func (p *panel) getState(w http.ResponseWriter, _ *http.Request) {
	c, sum := p.box.Config(), p.box.Summary()
	var due any
	if !sum.Due.IsZero() {
		due = sum.Due.Format(time.RFC3339)
	}
	staff, groups := []reply{}, []reply{}
	for _, u := range sum.Staff {
		staff = append(staff, reply{
			"user_id": u.UserID, "name": u.Name, "department": u.Department, "position": u.Position,
			"hidden": u.Hidden, "no_contacts": u.NoContacts, "resigned": u.Resigned,
		})
	}
	for _, g := range sum.Groups {
		groups = append(groups, reply{
			"chat_id": g.ID, "name": g.Name, "owner": g.Owner, "dismissed": g.Dismissed,
			"staff": g.Staff, "customers": g.Customers, "member_version": g.Version,
		})
	}
	answerJSON(w, http.StatusOK, reply{
		"corp_id": c.CorpID, "agent_id": c.AgentID, "now": sum.Now.Format(time.RFC3339),
		"staff": staff, "groups": groups, "customers": sum.Customers, "contacts": sum.Contacts,
		"join_ways": p.shownJoinWays(), "contact_ways": p.shownContactWays(), "tasks": p.shownTasks(),
		"cards": p.shownCards(), "callbacks": sum.Callbacks, "in_flight": sum.InFlight, "next_due": due,
		"last_entry": sum.LastEntry,
	})
}

func (p *panel) shownJoinWays() []reply {
	out := []reply{}
	for _, w := range p.box.JoinWays() {
		out = append(out, reply{"config_id": w.ConfigID, "state": w.State, "remark": w.Remark, "chat_ids": w.Chats})
	}
	return out
}

func (p *panel) shownContactWays() []reply {
	out := []reply{}
	for _, w := range p.box.ContactWays() {
		out = append(out, reply{"config_id": w.ConfigID, "state": w.State, "remark": w.Remark, "users": w.Users})
	}
	return out
}

func (p *panel) shownTasks() []reply {
	out := []reply{}
	for _, t := range newest(p.box.Tasks(), shownNewest) {
		shares := []reply{}
		for _, share := range t.Shares {
			shares = append(shares, reply{
				"user": share.User, "targets": len(share.Targets), "confirmed": !share.ConfirmedAt.IsZero(),
			})
		}
		out = append(out, reply{
			"msgid": t.MsgID, "chat_type": t.ChatType, "text": t.Text, "shares": shares,
			"results": len(t.Results), "cancelled": !t.CancelledAt.IsZero(),
		})
	}
	return out
}

func (p *panel) shownCards() []reply {
	out := []reply{}
	for _, c := range newest(p.box.Cards(), shownNewest) {
		buttons := []reply{}
		for _, b := range c.Buttons {
			buttons = append(buttons, reply{"text": b.Text, "key": b.Key})
		}
		out = append(out, reply{
			"task_id": c.TaskID, "title": c.Title, "to": c.To, "buttons": buttons,
			"presses": len(c.Presses), "updates": len(c.Updates),
		})
	}
	return out
}

// newest returns the last n of a list.
func newest[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// getGroup answers a group with everybody who is or was in it.
func (p *panel) getGroup(w http.ResponseWriter, r *http.Request) {
	g, err := p.box.Group(r.PathValue("id"))
	if err != nil {
		answerError(w, err)
		return
	}
	history := []reply{}
	for _, m := range g.History {
		stay := reply{
			"user": m.User, "name": m.Name, "staff": m.Staff, "joined": m.Joined.Format(time.RFC3339Nano),
			"scene": m.Scene, "inviter": m.Inviter, "state": m.State,
		}
		if !m.Left.IsZero() {
			stay["left"], stay["how"] = m.Left.Format(time.RFC3339Nano), m.LeftHow
		}
		history = append(history, stay)
	}
	answerJSON(w, http.StatusOK, reply{
		"chat_id": g.ID, "name": g.Name, "owner": g.Owner, "notice": g.Notice, "dismissed": g.Dismissed,
		"member_version": g.Version, "members": len(g.Members), "posts": len(g.Posts), "history": history,
	})
}
