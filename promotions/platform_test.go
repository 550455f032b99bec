package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"xiaobu/bot"
)

// platform is a WeCom that makes mass messages and lists them, and whose answers can be cut off.
type platform struct {
	mu     sync.Mutex // guards calls while several tasks are asked about at once
	now    func() time.Time
	made   []made
	cutOff bool  // the next answers do not arrive, though the work is done
	refuse error // instead of doing anything
	calls  map[string]int
	gone   []bot.ChatID // groups it does not take
}

type made struct {
	bot.MassMessageRef
	owner     bot.UserID
	chats     []bot.ChatID
	confirmed time.Time
	results   []bot.SendResult
	reminded  int
	cancelled bool
}

func newPlatform(now func() time.Time) *platform {
	return &platform{now: now, calls: map[string]int{}}
}

func (p *platform) CreateMassMessage(_ context.Context, m bot.MassMessage) (string, []bot.ChatID, error) {
	p.calls["create"]++
	if p.refuse != nil {
		return "", nil, p.refuse
	}
	id := fmt.Sprintf("msg%d", len(p.made)+1)
	p.made = append(p.made, made{MassMessageRef: bot.MassMessageRef{ID: id, CreatedAt: p.now().Truncate(time.Second), Message: m.Message}, owner: m.Owner, chats: m.Chats})
	if p.cutOff {
		return "", nil, &bot.UnknownError{Op: "create", Err: errors.New("cut off")}
	}
	return id, p.gone, nil
}

func (p *platform) MassMessages(_ context.Context, from, to time.Time, cursor string) ([]bot.MassMessageRef, string, error) {
	p.calls["list"]++
	var page []bot.MassMessageRef
	for _, m := range p.made {
		if !m.CreatedAt.Before(from.Truncate(time.Second)) && !m.CreatedAt.After(to) {
			page = append(page, m.MassMessageRef)
		}
	}
	return page, "", nil
}

func (p *platform) count(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[call]++
}

func (p *platform) find(id string) *made {
	i := slices.IndexFunc(p.made, func(m made) bool { return m.ID == id })
	return &p.made[i]
}

func (p *platform) MassTasks(_ context.Context, id, _ string) ([]bot.MassTask, string, error) {
	p.count("tasks")
	m := p.find(id)
	return []bot.MassTask{{Owner: m.owner, Confirmed: !m.confirmed.IsZero(), SentAt: m.confirmed}}, "", nil
}

func (p *platform) MassResults(_ context.Context, id string, _ bot.UserID, _ string) ([]bot.SendResult, string, error) {
	p.count("results")
	return p.find(id).results, "", nil
}

func (p *platform) RemindMassMessage(_ context.Context, id string) error {
	p.find(id).reminded++
	return nil
}

func (p *platform) CancelMassMessage(_ context.Context, id string) error {
	p.find(id).cancelled = true
	return nil
}

// confirm lets an owner send a mass message to all its groups.
func (p *platform) confirm(id string) {
	m := p.find(id)
	m.confirmed = p.now()
	for _, c := range m.chats {
		m.results = append(m.results, bot.SendResult{Chat: c, Status: bot.SendDone, SentAt: p.now()})
	}
}

// office takes what the app says to staff.
type office struct {
	cards []bot.Card
	to    []bot.UserID
	texts map[bot.UserID][]string
}

func (o *office) SendCard(_ context.Context, to []bot.UserID, c bot.Card) (bot.CardRef, error) {
	o.cards, o.to = append(o.cards, c), append(o.to, to...)
	return bot.CardRef{}, nil
}

func (o *office) UpdateCard(context.Context, string, []bot.UserID, string) error { return nil }

func (o *office) SendText(_ context.Context, to []bot.UserID, text string) error {
	for _, u := range to {
		o.texts[u] = append(o.texts[u], text)
	}
	return nil
}
