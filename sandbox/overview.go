package sandbox

import (
	"image"
	"image/color"
	"image/png"
	"net/http"
	"time"
)

// shownNewest is how many tasks and cards the overview shows.
const shownNewest = 100

// getState answers the company in short, with the ids that commands need.
func (s *Sandbox) getState(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, s.overview())
}

func (s *Sandbox) overview() reply {
	now := s.enter()
	defer s.leave()
	var due any
	if q := earliest(&s.agenda, &s.mail); q != nil {
		due = q.tasks[0].at.Format(time.RFC3339)
	}
	staff, groups := []reply{}, []reply{}
	for _, u := range s.office.staff {
		staff = append(staff, reply{
			"user_id": u.UserID, "name": u.Name, "department": u.Department, "position": u.Position,
			"hidden": u.Hidden, "no_contacts": u.NoContacts, "resigned": u.Resigned,
		})
	}
	for _, g := range s.rooms.all {
		groups = append(groups, g.short())
	}
	return reply{
		"corp_id": s.cfg.CorpID, "agent_id": s.cfg.AgentID, "now": now.Format(time.RFC3339),
		"staff": staff, "groups": groups, "customers": len(s.clientele.customers),
		"contacts": len(s.clientele.contacts), "join_ways": s.shownJoinWays(),
		"contact_ways": s.shownContactWays(), "tasks": s.shownTasks(), "cards": s.shownCards(),
		"callbacks": s.post.lastSeq, "in_flight": s.post.open, "next_due": due, "last_entry": s.journal.last,
	}
}

func (g *group) short() reply {
	staff := 0
	for _, m := range g.present {
		if m.staff {
			staff++
		}
	}
	return reply{
		"chat_id": g.id, "name": g.name, "owner": g.owner.UserID, "dismissed": g.dismissed,
		"staff": staff, "customers": len(g.present) - staff, "member_version": g.versions[len(g.versions)-1].id,
	}
}

func (s *Sandbox) shownJoinWays() []reply {
	out := []reply{}
	for _, w := range s.ways.joins {
		out = append(out, reply{"config_id": w.ConfigID, "state": w.State, "remark": w.Remark, "chat_ids": w.Chats})
	}
	return out
}

func (s *Sandbox) shownContactWays() []reply {
	out := []reply{}
	for _, w := range s.ways.contacts {
		out = append(out, reply{"config_id": w.ConfigID, "state": w.State, "remark": w.Remark, "users": w.Users})
	}
	return out
}

func (s *Sandbox) shownTasks() []reply {
	out := []reply{}
	for _, t := range s.mass.all[max(0, len(s.mass.all)-shownNewest):] {
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

func (s *Sandbox) shownCards() []reply {
	out := []reply{}
	for _, c := range s.apps.cards[max(0, len(s.apps.cards)-shownNewest):] {
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

// getGroup answers a group with everybody who is or was in it.
func (s *Sandbox) getGroup(w http.ResponseWriter, r *http.Request) {
	g, err := s.Group(r.PathValue("id"))
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

// getPicture draws a picture that looks like a code and is another one for each id; it
// cannot be scanned.
func getPicture(w http.ResponseWriter, r *http.Request) {
	const modules, scale, margin = 21, 8, 2
	dice := newDice(0)
	dots := dice.fresh("picture " + r.PathValue("id"))
	side := (modules + 2*margin) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range modules {
		for x := range modules {
			dark := dots.IntN(2) == 1
			if eye, on := finder(x, y, modules); eye {
				dark = on
			}
			if dark {
				fill(img, (x+margin)*scale, (y+margin)*scale, scale)
			}
		}
	}
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, img)
}

// finder says whether a module belongs to one of the three squares in the corners, and
// whether it is dark there.
func finder(x, y, modules int) (eye, dark bool) {
	const size = 7
	if x >= modules-size-1 && y <= size {
		x = modules - 1 - x
	}
	if y >= modules-size-1 && x <= size {
		y = modules - 1 - y
	}
	if x > size || y > size {
		return false, false
	}
	ring := max(abs(x-size/2), abs(y-size/2))
	return true, ring <= 1 || ring == 3
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func fill(img *image.Paletted, left, top, size int) {
	for y := top; y < top+size; y++ {
		for x := left; x < left+size; x++ {
			img.SetColorIndex(x, y, 1)
		}
	}
}
