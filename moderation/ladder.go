package moderation

import (
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// burst is how long what a person does is one offence: ten messages within a minute are one
// strike, and the next rung is for whoever goes on after people could act.
const burst = 10 * time.Minute

// maxWarnings is how many warnings an owner is asked to post on one day.
const maxWarnings = 5

// decided is what a verdict led to.
type decided struct {
	Action string // what is done
	Would  string // what the ladder says, whatever the mode lets happen
	Case   int64  // 0: none
}

// act takes a verdict on a message to what follows: a strike against the person, and the rung
// of the group's ladder that this strike takes. The strikes of a person count in all groups,
// those of one burst once in each; each verdict has a ladder and strikes of its own. A person on the blocklist is to leave,
// whatever the ladder says.
func (m *Moderator) act(tx *store.Tx, p Policy, c store.Case) (decided, error) {
	out := decided{Action: ActNone, Would: ActNone}
	ladder := p.Ladder.Suspect
	if c.Verdict == string(spam.Spam) {
		ladder = p.Ladder.Spam
	} else if c.Verdict != string(spam.Suspect) {
		return out, nil
	}
	n, err := tx.StrikeCount(c.Member, c.Verdict, tx.Now, tx.Now.Add(-burst))
	if err != nil || len(ladder) == 0 {
		return out, err
	}
	c.Rung = ladder[min(n, len(ladder)-1)]
	if onBlocklist(c.Reasons) && actionOf(c.Rung) != ActRemove {
		c.Rung = RungRemove
	}
	c.Action = actionOf(c.Rung)
	out.Would = c.Action
	if p.Mode == ModeDry || p.Mode == ModeOff {
		return out, nil
	}
	out.Action = c.Action
	strike := store.Strike{Member: c.Member, ChatID: c.ChatID, MessageID: c.MessageID, Verdict: c.Verdict, Rung: c.Rung, ExpiresAt: tx.Now.Add(p.StrikesExpire)}
	if c.Action != ActNone {
		opened, err := m.open(tx, c)
		if err != nil {
			return out, err
		}
		out.Case, strike.CaseID = opened.ID, &opened.ID
	}
	struck, err := tx.StruckSince(c.Member, c.Verdict, c.ChatID, tx.Now.Add(-burst))
	if err != nil || struck {
		return out, err
	}
	return out, tx.AddStrike(strike)
}

func onBlocklist(reasons []store.Reason) bool {
	return slices.ContainsFunc(reasons, func(r store.Reason) bool { return r.Check == "blocklist" })
}

// actionOf is the action that a rung asks for.
func actionOf(rung string) string {
	switch rung {
	case RungWarn:
		return ActWarn
	case RungRemove, RungBlock:
		return ActRemove
	}
	return ActNone
}

// worse reports whether a rung goes further than another.
func worse(a, b string) bool {
	order := []string{"", RungNote, RungWarn, RungRemove, RungBlock}
	return slices.Index(order, a) > slices.Index(order, b)
}

// warn has a person warned: in a chat of the app by the app itself, elsewhere by a card to the
// owner with words to post. A person is warned once a day, and an owner asked a few times a
// day; what is too much stands in the list of cases and in the manager's evening report.
func (m *Moderator) warn(tx *store.Tx, c store.Case) error {
	at, err := m.place(tx, c)
	if err != nil {
		return err
	}
	who, _, err := m.inCharge(tx.Reader, at)
	if err != nil {
		return err
	}
	if !m.Cards || who == "" && !c.AppChat {
		return m.step(tx, c, store.StepUnwarned, "", "没有可以提醒的群主")
	}
	w := store.Warning{Member: c.Member, Day: m.day(tx.Now), Owner: string(who), CaseID: c.ID}
	atMost := maxWarnings
	if c.AppChat && m.acts(tx, c) { // nobody is disturbed but the chat itself
		w.Owner, atMost = "", maxWarnings*maxWarnings
	}
	fresh, err := tx.AddWarning(w, atMost)
	if err != nil {
		return err
	}
	if !fresh {
		return m.step(tx, c, store.StepUnwarned, string(who), "今天已经提醒过,不再发卡片")
	}
	if w.Owner == "" {
		return m.post(tx, c, "warning", warningText(c))
	}
	return m.send(tx, c, at, []bot.UserID{who}, store.StepWarning)
}

// day is the local day of a moment.
func (m *Moderator) day(t time.Time) string { return t.In(m.Zone).Format(time.DateOnly) }

// warningText is what a person is told in the group; an id in the place of a name would tell
// nobody anything.
func warningText(c store.Case) string {
	to := ""
	if c.MemberName != "" {
		to = "@" + c.MemberName + " "
	}
	return to + "本群禁止发布与本店无关的广告和链接。请不要再发,再次发送会被移出群聊。如有误会,请联系群主。"
}
