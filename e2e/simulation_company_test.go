package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"xiaobu/sandbox"
)

// company is the people of a simulation and what the operator set up.
type company struct {
	owners, cashiers []string
	customers        []string // external_userids
	names            map[string]string
	groups           []string // chat_ids that the bot was told of at the start
	joinWays         []string // config_ids of the channels
	contactWays      []string
	hidden           string            // the group of somebody whom the bot does not see, "" for none
	staffOf          map[string]string // by the state of a channel
	storeOf          map[string]string // by chat_id
	blocked          map[string]time.Time
	guilty           map[string]bool // who said something bad or is on the blocklist
	promos           []*promo
}

// promo is a promotion as the auditor knows it: what was posted, and nothing of the bot's.
type promo struct {
	id           string
	text         string
	hour, minute int
	within       time.Duration // how late an occurrence may be
	created      time.Time
	runs         []time.Time // posted besides the schedule
	ended        time.Time   // zero: not yet
}

// shop is the address that a promotion's links lead to, but for the code.
func (p *promo) shop() string {
	return fmt.Sprintf("https://shop.example.com/%d/%d?from=", p.hour, p.minute)
}

// slots are the moments of a promotion after one and up to another.
func (p *promo) slots(after, until time.Time, zone *time.Location) []time.Time {
	var out []time.Time
	for day := after.In(zone).AddDate(0, 0, -1); !day.After(until.AddDate(0, 0, 1)); day = day.AddDate(0, 0, 1) {
		at := time.Date(day.Year(), day.Month(), day.Day(), p.hour, p.minute, 0, 0, zone)
		if at.After(after) && !at.After(until) {
			out = append(out, at.UTC())
		}
	}
	return out
}

// Names that have broken programs: emoji, zero-width characters, marks that turn the line
// around, things that look like markup.
var oddNames = []string{"小王", "😀👩‍👩‍👧阿姨", "a\u200bb\u200dc", "\u202e反", "<b>&amp;</b>", "']]>\"", "李\u0301四", "  空 格 ", "🇨🇳", "{customer}"}

func (s *simulation) oddName(kind string, n int) string {
	return fmt.Sprintf("%s%s%d", oddNames[s.rand.IntN(len(oddNames))], kind, n)
}

// found makes the company, wakes the bot and sets up what an operator would.
func (s *simulation) found() {
	s.t.Helper()
	c := &company{names: map[string]string{}, staffOf: map[string]string{}, storeOf: map[string]string{}, blocked: map[string]time.Time{}, guilty: map[string]bool{}}
	s.company = c
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(s.t, err)
	s.conf.Timezone = zone
	for i := range 1 + s.rand.IntN(2) {
		c.owners = append(c.owners, fmt.Sprintf("Owner%d", i))
		must(s.t, s.box.AddStaff(sandbox.Staff{UserID: c.owners[i], Name: s.oddName("店长", i)}))
	}
	for i := range 1 + s.rand.IntN(2) {
		c.cashiers = append(c.cashiers, fmt.Sprintf("cashier%d", i))
		must(s.t, s.box.AddStaff(sandbox.Staff{UserID: c.cashiers[i], Name: s.oddName("收银", i)}))
	}
	for range 6 + s.rand.IntN(8) {
		s.newCustomer()
	}
	for i := range 1 + s.rand.IntN(3) {
		id, err := s.box.CreateGroup(c.owners[i%len(c.owners)], s.oddName("群", i), c.cashiers...)
		must(s.t, err)
		c.groups = append(c.groups, id)
		s.clock.to(s.clock.now().Add(time.Duration(s.rand.IntN(5000)) * time.Millisecond))
	}
	if s.chance(0.3) {
		must(s.t, s.box.AddStaff(sandbox.Staff{UserID: "hidden", Name: "看不见", Hidden: true}))
		id, err := s.box.CreateGroup("hidden", "看不见的群", c.cashiers[0])
		must(s.t, err)
		c.hidden = id
	}
	s.wake()
	s.until(s.clock.now().Add(time.Minute))
	s.open()
}

func (s *simulation) newCustomer() string {
	c := s.company
	name := s.oddName("顾客", len(c.customers))
	id, err := s.box.AddCustomer(sandbox.Customer{Name: name, WithUnionID: s.chance(0.7)})
	must(s.t, err)
	c.customers = append(c.customers, id)
	c.names[name] = id
	return id
}

// open is what the operator does on the first day.
func (s *simulation) open() {
	s.t.Helper()
	c := s.company
	var code struct {
		State    string
		ConfigID string `json:"config_id"`
	}
	for i, g := range c.groups {
		if s.chance(0.6) {
			c.storeOf[g] = fmt.Sprintf("s%d", i/2)
			s.want(http.StatusOK, http.MethodPut, "/stores/"+c.storeOf[g], map[string]any{"name": "门店"}, nil)
			s.want(http.StatusOK, http.MethodPut, "/groups/"+g, map[string]any{"store_id": c.storeOf[g]}, nil)
		}
		s.want(http.StatusCreated, http.MethodPost, "/channels", map[string]any{"name": fmt.Sprintf("码%d", i), "kind": "group_qr", "staff": c.cashiers[i%len(c.cashiers)], "chat_ids": []string{g}}, &code)
		c.joinWays, c.staffOf[code.State] = append(c.joinWays, code.ConfigID), c.cashiers[i%len(c.cashiers)]
	}
	s.want(http.StatusCreated, http.MethodPost, "/channels", map[string]any{"name": "导购", "kind": "contact_qr", "staff": c.owners[0]}, &code)
	c.contactWays, c.staffOf[code.State] = append(c.contactWays, code.ConfigID), c.owners[0]
	s.audit.rule(s.clock.now().Truncate(time.Second), s.pick(0, 3600, 7200, 86400), s.pick(0, 0, 86400))
	for i := range 1 + s.rand.IntN(2) {
		s.promote(i)
	}
}

// promote plans a daily promotion whose first time is soon.
func (s *simulation) promote(i int) {
	s.t.Helper()
	first := s.clock.now().Add(time.Duration(5+s.rand.IntN(240)) * time.Minute).In(s.conf.Timezone)
	p := &promo{text: fmt.Sprintf("今天秒杀第%d号", i), hour: first.Hour(), minute: first.Minute(), created: s.clock.now()}
	missed := map[string]any{"policy": "skip"}
	p.within = time.Minute
	if s.chance(0.7) {
		p.within = time.Duration(1+s.rand.IntN(120)) * time.Minute
		missed = map[string]any{"policy": "send_within", "within": p.within.String()}
	}
	var made struct{ ID string }
	body := map[string]any{
		"name": p.text, "schedule": map[string]any{"cron": fmt.Sprintf("%d %d * * *", p.minute, p.hour), "missed": missed},
		"targets": map[string]any{"all": true}, "message": map[string]any{"text": p.text},
	}
	if i > 0 {
		body["message"] = map[string]any{"text": p.text + " {link}"}
		body["link"] = map[string]any{"url": p.shop() + "{code}", "per": []string{"promotion", "owner", "store", "group"}[p.hour%4]}
	}
	s.want(http.StatusCreated, http.MethodPost, "/promotions", body, &made)
	p.id = made.ID
	s.company.promos = append(s.company.promos, p)
	s.tell("promotion %s at %02d:%02d, at most %s late", p.id, p.hour, p.minute, p.within)
	for _, slot := range p.slots(s.clock.now(), s.clock.now().Add(96*time.Hour), s.conf.Timezone) {
		for _, owner := range s.company.owners {
			if s.chance(0.8) {
				s.at(slot.Add(time.Duration(1+s.rand.IntN(20))*time.Minute), func() { s.look(owner) })
			}
		}
	}
}

// live is the time of faults: people do what they like while things break.
func (s *simulation) live() {
	s.t.Helper()
	from := s.clock.now()
	length := time.Duration(10+s.rand.IntN(600)) * time.Minute
	for range 6 + s.rand.IntN(15) {
		s.at(from.Add(time.Duration(s.rand.Int64N(int64(length)))), s.act)
	}
	for range s.rand.IntN(6) {
		s.at(from.Add(time.Duration(s.rand.Int64N(int64(length)))), s.break_)
	}
	for _, owner := range s.company.owners {
		s.at(from.Add(time.Duration(s.rand.Int64N(int64(length)))), func() { s.look(owner) })
	}
	s.until(from.Add(length))
}

// calm is the time after: nothing breaks, and everybody does what the bot asks for.
func (s *simulation) calm() {
	s.t.Helper()
	s.heal()
	s.quiet = true
	from := s.clock.now()
	s.audit.quietFrom = from
	for range 3 {
		s.at(from.Add(time.Duration(s.rand.Int64N(int64(3*time.Hour)))), s.act)
	}
	for _, after := range []time.Duration{1, 4, 9, 14, 20, 26} {
		for _, owner := range s.company.owners {
			s.at(from.Add(after*time.Hour), func() { s.look(owner) })
		}
	}
	s.until(from.Add(quietTime))
	for _, p := range s.company.promos {
		s.want(http.StatusNoContent, http.MethodDelete, "/promotions/"+p.id, nil, nil)
		p.ended = s.clock.now()
		s.tell("promotion %s is ended", p.id)
	}
	s.plan = nil
	s.until(s.clock.now().Add(lastTime))
}

// someone returns a random group that lives, as the people see it.
func (s *simulation) someGroup() (sandbox.Group, bool) {
	var living []sandbox.Group
	for _, g := range s.box.Groups() {
		if !g.Dismissed && (g.Owner != "hidden" || s.chance(0.2)) {
			living = append(living, g)
		}
	}
	if len(living) == 0 {
		return sandbox.Group{}, false
	}
	return living[s.rand.IntN(len(living))], true
}

func (s *simulation) some(ids []string) string { return ids[s.rand.IntN(len(ids))] }

// did keeps what people did in the story. What cannot be done is left, as in life.
func (s *simulation) did(err error, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if err != nil {
		what += ", which cannot be done: " + err.Error()
	}
	s.tell("%s", what)
}

// act lets somebody do something.
func (s *simulation) act() {
	g, ok := s.someGroup()
	if !ok {
		return
	}
	customer := s.some(s.company.customers)
	cashier := s.some(s.company.cashiers)
	switch s.rand.IntN(24) {
	case 0, 1, 2:
		_, err := s.box.Join(g.ID, customer, sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier})
		s.did(err, "%s brings %s into %s", cashier, customer, g.ID)
	case 3, 4, 5:
		way := s.some(s.company.joinWays)
		_, err := s.box.Join("", customer, sandbox.How{ConfigID: way})
		s.did(err, "%s scans %s", customer, way)
	case 6:
		_, err := s.box.Join(g.ID, customer, sandbox.How{Scene: sandbox.SceneLink, Inviter: cashier})
		s.did(err, "%s follows a link of %s into %s", customer, cashier, g.ID)
	case 7:
		who := []string{s.newCustomer(), s.newCustomer(), s.newCustomer()}
		_, err := s.box.JoinMany(g.ID, sandbox.How{Scene: sandbox.SceneDirect, Inviter: cashier}, who...)
		s.did(err, "%s brings %v into %s", cashier, who, g.ID)
	case 8, 9:
		s.someoneLeaves(g)
	case 10, 11:
		s.visit(g, customer)
	case 12, 13, 14:
		s.befriend(customer)
	case 15:
		s.say(g, "兼职日结300,加V:abc12345,名额有限")
	case 16:
		s.say(g, "今天的鸡蛋新鲜吗😀")
	case 17:
		err := s.box.Rename(g.ID, s.oddName("新名", s.rand.IntN(100)))
		s.did(err, "%s gets another name", g.ID)
	case 18:
		heir := s.some(append(s.company.owners, cashier))
		s.did(s.box.ChangeOwner(g.ID, heir), "%s is handed over to %s", g.ID, heir)
	case 19:
		owner := s.some(s.company.owners)
		id, err := s.box.CreateGroup(owner, s.oddName("新群", s.rand.IntN(100)), cashier)
		s.did(err, "%s makes %s", owner, id)
	case 20:
		s.depart(g)
	case 21:
		_, err := s.box.SendPersonally(g.Owner, "亲自发的", g.ID)
		s.did(err, "%s posts in %s without the bot", g.Owner, g.ID)
	default:
		s.operate()
	}
}

// someoneLeaves lets a customer leave or be removed.
func (s *simulation) someoneLeaves(g sandbox.Group) {
	for _, m := range g.Members {
		if m.Staff || s.chance(0.5) {
			continue
		}
		if s.chance(0.3) {
			s.did(s.box.Remove(g.ID, m.User), "%s is removed from %s", m.User, g.ID)
		} else {
			s.did(s.box.Leave(g.ID, m.User), "%s leaves %s", m.User, g.ID)
		}
		return
	}
}

// visit lets somebody come and go within a second, and perhaps come again.
func (s *simulation) visit(g sandbox.Group, customer string) {
	how := sandbox.How{Scene: sandbox.SceneQR}
	if s.chance(0.5) {
		how = sandbox.How{Scene: sandbox.SceneDirect, Inviter: s.some(s.company.cashiers)}
	}
	_, err := s.box.Join(g.ID, customer, how)
	s.did(err, "%s looks into %s", customer, g.ID)
	if err != nil {
		return
	}
	stay := time.Duration(1+s.rand.IntN(1500)) * time.Millisecond
	s.at(s.clock.now().Add(stay), func() {
		s.did(s.box.Leave(g.ID, customer), "%s leaves %s after %s", customer, g.ID, stay)
	})
	if s.chance(0.4) {
		s.at(s.clock.now().Add(stay+time.Duration(s.rand.IntN(3000))*time.Millisecond), func() {
			_, err := s.box.Join(g.ID, customer, how)
			s.did(err, "%s comes back to %s", customer, g.ID)
		})
	}
}

func (s *simulation) befriend(customer string) {
	if s.chance(0.5) {
		way := s.some(s.company.contactWays)
		_, err := s.box.AddContact("", customer, sandbox.Via{ConfigID: way})
		s.did(err, "%s adds whoever %s leads to", customer, way)
		return
	}
	owner := s.some(s.company.owners)
	_, err := s.box.AddContact(owner, customer, sandbox.Via{})
	if err == nil || !s.chance(0.5) {
		s.did(err, "%s adds %s", customer, owner)
		return
	}
	s.did(s.box.DeleteContact(owner, customer, s.chance(0.5)), "%s and %s part", customer, owner)
}

func (s *simulation) say(g sandbox.Group, text string) {
	if g.Owner == "hidden" {
		return // the bot would ask until somebody lets it see the group
	}
	for _, m := range g.Members {
		if !m.Staff {
			s.company.guilty[m.User] = s.company.guilty[m.User] || strings.Contains(text, "加V")
			_, err := s.box.Say(g.ID, m.User, text)
			s.did(err, "%s says %q in %s", m.User, text, g.ID)
			return
		}
	}
}

// depart lets a group be dissolved, or an owner resign; sometimes the groups are handed over.
func (s *simulation) depart(g sandbox.Group) {
	if s.quiet || s.chance(0.5) {
		s.did(s.box.Dismiss(g.ID), "%s is dissolved", g.ID)
		return
	}
	s.did(s.box.Resign(g.Owner), "%s resigns", g.Owner)
	if s.chance(0.5) {
		heir := s.some(s.company.cashiers)
		s.at(s.clock.now().Add(time.Duration(s.rand.IntN(60))*time.Minute), func() {
			s.did(s.box.ChangeOwner(g.ID, heir), "%s inherits %s", heir, g.ID)
		})
	}
}

// operate lets the operator do something, if the bot is up.
func (s *simulation) operate() {
	if s.app == nil {
		return
	}
	switch s.rand.IntN(6) {
	case 0:
		s.audit.rule(s.clock.now().Truncate(time.Second), s.pick(0, 3600, 7200, 86400), s.pick(0, 0, 86400))
	case 1:
		who := s.some(s.company.customers)
		s.company.guilty[who] = true
		if s.company.blocked[who].IsZero() {
			s.company.blocked[who] = s.clock.now()
		}
		s.want(http.StatusCreated, http.MethodPost, "/moderation/blocklist", map[string]any{"user_id": who, "reason": "拉人"}, nil)
		s.tell("%s is put on the blocklist", who)
	case 2:
		status := s.call(http.MethodPost, "/rewards/payouts", map[string]any{"period": "2026-11"}, nil)
		s.tell("the month is paid: %d", status)
	case 3:
		p := s.company.promos[s.rand.IntN(len(s.company.promos))]
		for _, command := range []string{"pause", "resume"} {
			status := s.call(http.MethodPost, "/promotions/"+p.id+"/"+command, nil, nil)
			s.tell("promotion %s: %s %d", p.id, command, status)
		}
	default:
		s.runBesides()
	}
}

func (s *simulation) runBesides() {
	p := s.company.promos[s.rand.IntN(len(s.company.promos))]
	if status := s.call(http.MethodPost, "/promotions/"+p.id+"/run", nil, nil); status == http.StatusOK {
		p.runs = append(p.runs, s.clock.now())
		s.tell("promotion %s is run besides", p.id)
	} else {
		s.tell("promotion %s is not run: %d", p.id, status)
	}
	for _, owner := range s.company.owners {
		s.at(s.clock.now().Add(time.Duration(1+s.rand.IntN(20))*time.Minute), func() { s.look(owner) })
	}
}

// look lets a member of staff do what the phone asks for.
func (s *simulation) look(user string) {
	for _, t := range s.box.Tasks() {
		if !t.CancelledAt.IsZero() || !s.quiet && s.chance(0.2) {
			continue
		}
		for _, share := range t.Shares {
			if !strings.EqualFold(share.User, user) {
				continue
			}
			if err := s.box.Confirm(t.MsgID, user); err == nil {
				s.tell("%s confirms %s", user, t.MsgID)
			}
		}
	}
	for _, card := range s.box.Cards() {
		for _, to := range card.To {
			if to == user && (s.quiet || s.chance(0.7)) {
				s.answerCard(user, card)
			}
		}
	}
}

// answerCard removes who is shown on a card, or says that it was no spam.
func (s *simulation) answerCard(user string, card sandbox.Card) {
	if len(card.Presses) > 0 || len(card.Updates) > 0 {
		return
	}
	if strings.HasPrefix(card.TaskID, "mass-") {
		key := s.some([]string{"sent", "sent", "cannot"})
		s.did(s.box.PressCard(user, card.TaskID, key), "%s presses %s on %s", user, key, card.TaskID)
		return
	}
	if key := card.Buttons[0].Key; key != "removed" { // only a warning, or what was done already
		s.did(s.box.PressCard(user, card.TaskID, key), "%s presses %s on %s", user, key, card.TaskID)
		return
	}
	if s.chance(0.3) {
		s.did(s.box.PressCard(user, card.TaskID, "dismiss"), "%s presses dismiss on %s", user, card.TaskID)
		return
	}
	for _, f := range card.Facts {
		who, known := s.company.names[f.Value]
		if !known {
			who = f.Value
		}
		for _, g := range s.box.Groups() {
			if strings.Contains(card.Text, g.Name) {
				if err := s.box.Remove(g.ID, who); !errors.Is(err, sandbox.ErrNotFound) {
					s.did(err, "%s removes %s from %s", user, who, g.ID)
				}
			}
		}
	}
	s.did(s.box.PressCard(user, card.TaskID, "removed"), "%s presses removed on %s", user, card.TaskID)
}
