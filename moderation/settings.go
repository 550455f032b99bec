package moderation

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Modes: how far a verdict goes in a group.
const (
	ModeOff = "off" // nothing is judged
	ModeDry = "dry" // judged and written down; nobody hears of it and nothing is done
	ModeAsk = "ask" // people are asked; the bot removes nobody by itself
	ModeAct = "act" // as ask, and the bot removes where the platform lets it
)

// Rungs of a ladder, from the mildest to the hardest.
const (
	RungNote   = "note"   // the strike is counted
	RungWarn   = "warn"   // a person looks at it
	RungRemove = "remove" // the person is to leave the group
	RungBlock  = "block"  // and goes on the blocklist
)

// Bounds of settings.
const (
	maxWeight      = 10
	maxRungs       = 10
	minExpire      = time.Hour
	maxExpire      = 3650 * 24 * time.Hour
	minWithin      = time.Minute
	maxWithin      = 30 * 24 * time.Hour
	maxPolicyNote  = 500
	maxPolicyBy    = 64
	defaultExpire  = 720 * time.Hour
	defaultTickets = 2 * time.Hour // of waking time
)

var (
	modes = []string{ModeOff, ModeDry, ModeAsk, ModeAct}
	rungs = []string{RungNote, RungWarn, RungRemove, RungBlock}
)

// Policy is what a group is judged and treated by: the group's settings, else the company's,
// else what the program comes with.
type Policy struct {
	Mode          string
	Review        float64            // the score from which on a message is suspect
	Removal       float64            // the score from which on it is spam; never below Review
	Checks        map[string]float64 // the weight of each check of a person, as log-odds; not to be changed
	Ladder        store.Ladder
	StrikesExpire time.Duration
	TicketsWithin time.Duration // of waking time: how soon a complaint is to be dealt with
}

// tells reports whether anybody hears of what is found.
func (p Policy) tells() bool { return p.Mode == ModeAsk || p.Mode == ModeAct }

// defaultPolicy is what the program comes with; the thresholds are the detector's.
func (m *Moderator) defaultPolicy() Policy {
	p := Policy{Mode: ModeAct, Checks: map[string]float64{},
		Ladder:        store.Ladder{Suspect: []string{RungWarn}, Spam: []string{RungRemove, RungBlock}},
		StrikesExpire: defaultExpire, TicketsWithin: defaultTickets}
	for _, c := range personChecks {
		p.Checks[c.name] = c.weight
	}
	p.Review, p.Removal = m.Detector.Thresholds()
	return p
}

// with is the policy where settings are set, changed by them.
func (p Policy) with(s store.PolicySettings) Policy {
	if s.Mode != "" {
		p.Mode = s.Mode
	}
	if s.Review != nil {
		p.Review = *s.Review
	}
	if s.Removal != nil {
		p.Removal = *s.Removal
	}
	p.Removal = max(p.Removal, p.Review) // one of them may come from elsewhere
	if len(s.Checks) > 0 {
		p.Checks = maps.Clone(p.Checks)
		maps.Copy(p.Checks, s.Checks)
	}
	if len(s.Ladder.Suspect) > 0 {
		p.Ladder.Suspect = s.Ladder.Suspect
	}
	if len(s.Ladder.Spam) > 0 {
		p.Ladder.Spam = s.Ladder.Spam
	}
	if s.StrikesExpireMS > 0 {
		p.StrikesExpire = time.Duration(s.StrikesExpireMS) * time.Millisecond
	}
	if s.TicketsWithinMS > 0 {
		p.TicketsWithin = time.Duration(s.TicketsWithinMS) * time.Millisecond
	}
	return p
}

// policies are the settings of all groups at one version. They never change.
type policies struct {
	mark    store.PolicyMark
	company Policy
	groups  map[string]Policy // those with settings of their own
}

func (p *policies) of(chat bot.ChatID) Policy {
	if own, ok := p.groups[string(chat)]; ok {
		return own
	}
	return p.company
}

// policyCache keeps the settings in force until any of them changes.
type policyCache struct {
	mu   sync.Mutex
	last *policies
}

// policies are the settings in force: a batch of messages asks once. What it costs is one look
// at whether any changed.
func (m *Moderator) policies(r store.Reader) (*policies, error) {
	mark, err := r.PolicyMark()
	if err != nil {
		return nil, err
	}
	m.settings.mu.Lock()
	defer m.settings.mu.Unlock()
	if last := m.settings.last; last != nil && last.mark == mark {
		return last, nil
	}
	rows, err := r.Policies()
	if err != nil {
		return nil, err
	}
	now := &policies{mark: mark, company: m.defaultPolicy(), groups: map[string]Policy{}}
	for _, row := range rows { // the company's is the first
		if row.ChatID == "" {
			now.company = now.company.with(row.Data)
		} else {
			now.groups[row.ChatID] = now.company.with(row.Data)
		}
	}
	m.settings.last = now
	return now, nil
}

// company is what holds where no group is known, as of the last look at the settings.
func (m *Moderator) company() Policy {
	m.settings.mu.Lock()
	defer m.settings.mu.Unlock()
	if m.settings.last == nil {
		return m.defaultPolicy()
	}
	return m.settings.last.company
}

// policyFor is what a group is judged and treated by.
func (m *Moderator) policyFor(r store.Reader, chat bot.ChatID) (Policy, error) {
	p, err := m.policies(r)
	if err != nil {
		return Policy{}, err
	}
	return p.of(chat), nil
}

// Settings are settings as they were written, and what follows from them.
type Settings struct {
	store.PolicyVersion
	InForce Policy
}

// Settings returns the settings of a group that has its own, else ErrNotFound; those of the
// company (empty) always are something.
func (m *Moderator) Settings(ctx context.Context, chat string) (Settings, error) {
	r := m.Store.Read(ctx)
	v, err := r.Policy(chat)
	if errors.Is(err, store.ErrNotFound) && chat == "" {
		err = nil
	}
	if err == nil && v.Dropped {
		err = store.ErrNotFound
	}
	if err != nil {
		return Settings{}, err
	}
	p, err := m.policyFor(r, bot.ChatID(chat))
	return Settings{v, p}, err
}

// PutSettings writes a new version of the settings of a group, or of the company (empty). They
// hold from the next message on; verdicts that were given stay.
func (m *Moderator) PutSettings(ctx context.Context, v store.PolicyVersion) (Settings, error) {
	v.By = strings.TrimSpace(v.By)
	if v.By == "" {
		v.By = store.ByAPI
	}
	if err := m.checkSettings(v); err != nil {
		return Settings{}, err
	}
	if err := knownGroup(m.Store.Read(ctx), v.ChatID); err != nil {
		return Settings{}, err
	}
	err := m.Store.Tx(ctx, func(tx *store.Tx) error {
		above := m.defaultPolicy()
		if v.ChatID != "" {
			company, err := tx.Policy("")
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			above = above.with(company.Data)
		}
		if err := checkThresholds(above, v.Data); err != nil {
			return err
		}
		return tx.AddPolicy(&v)
	})
	if err != nil {
		return Settings{}, err
	}
	return m.Settings(ctx, v.ChatID)
}

// knownGroup refuses a group that neither WeCom nor the feed has ever told of, which is a typo.
func knownGroup(r store.Reader, id string) error {
	if id == "" { // the company
		return nil
	}
	_, err := r.Chat(bot.ChatID(id))
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err = r.AppChat(bot.ChatID(id)); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if heard, err := r.HeardFrom(id); err != nil || heard {
		return err
	}
	return handlers.Invalidf("chat_id", "%q is no group that is known; GET /groups and GET /app-chats list them", id)
}

// DropSettings has a group go by the company's settings again.
func (m *Moderator) DropSettings(ctx context.Context, v store.PolicyVersion) error {
	if v.By == "" {
		v.By = store.ByAPI
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		known, err := tx.Policy(v.ChatID)
		if err != nil {
			return err
		}
		if known.Dropped {
			return store.ErrNotFound
		}
		v.Data, v.Dropped = store.PolicySettings{}, true
		return tx.AddPolicy(&v)
	})
}

func (m *Moderator) checkSettings(v store.PolicyVersion) error {
	s := v.Data
	if s.Mode != "" && !slices.Contains(modes, s.Mode) {
		return handlers.Invalidf("mode", "is %q; want one of %s", s.Mode, strings.Join(modes, ", "))
	}
	if len(v.ChatID) > maxMessageID {
		return handlers.Invalidf("chat_id", "has %d bytes; want at most %d", len(v.ChatID), maxMessageID)
	}
	for _, err := range []error{checkWeights(s.Checks), checkLadder("ladder.suspect", s.Ladder.Suspect), checkLadder("ladder.spam", s.Ladder.Spam),
		checkSpan("strikes_expire", s.StrikesExpireMS, minExpire, maxExpire), checkSpan("tickets.within", s.TicketsWithinMS, minWithin, maxWithin),
		handlers.CheckMost("note", v.Note, maxPolicyNote), handlers.CheckMost("by", v.By, maxPolicyBy)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkThresholds looks at thresholds together with the ones they stand beside.
func checkThresholds(above Policy, s store.PolicySettings) error {
	for _, t := range []struct {
		field string
		score *float64
	}{{"review", s.Review}, {"removal", s.Removal}} {
		if t.score != nil && !(*t.score > 0 && *t.score <= 1) {
			return handlers.Invalidf(t.field, "is %g; want a score above 0, at most 1, such as 0.9", *t.score)
		}
	}
	if s.Review != nil {
		above.Review = *s.Review
	}
	if s.Removal != nil {
		above.Removal = *s.Removal
	}
	if (s.Review != nil || s.Removal != nil) && above.Review > above.Removal {
		return handlers.Invalidf("removal", "is %g, below review (%g): what is removed would not even be looked at; want at least %g",
			above.Removal, above.Review, above.Review)
	}
	return nil
}

func checkWeights(checks map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		field, w := "checks."+name, checks[name]
		if !slices.ContainsFunc(personChecks, func(c personCheck) bool { return c.name == name }) {
			names := make([]string, len(personChecks))
			for i, c := range personChecks {
				names[i] = c.name
			}
			return handlers.Invalidf(field, "is no check that can be weighed; want one of %s", strings.Join(names, ", "))
		}
		if !(w >= 0 && w <= maxWeight) || math.IsNaN(w) {
			return handlers.Invalidf(field, "is %g; want 0 (not looked at) to %d", w, maxWeight)
		}
	}
	return nil
}

func checkLadder(field string, ladder []string) error {
	if len(ladder) > maxRungs {
		return handlers.Invalidf(field, "has %d rungs; want at most %d, the last one stays", len(ladder), maxRungs)
	}
	last := 0
	for i, rung := range ladder {
		at := slices.Index(rungs, rung)
		switch {
		case at < 0:
			return handlers.Invalidf(field, "names %q; want %s", rung, strings.Join(rungs, ", "))
		case at < last:
			return handlers.Invalidf(field, "goes down from %s to %s; a ladder goes up", ladder[i-1], rung)
		}
		last = at
	}
	return nil
}

// checkSpan looks at a span of time in milliseconds; 0 is not set.
func checkSpan(field string, ms int64, least, most time.Duration) error {
	d := time.Duration(ms) * time.Millisecond
	if ms != 0 && (d < least || d > most) {
		return handlers.Invalidf(field, "is %s; want %s to %s", d, least, most)
	}
	return nil
}
