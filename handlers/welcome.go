package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// MaxText is how many bytes WeCom takes as the text of a greeting or a mass message.
const MaxText = 4000

// Limits of looking names up for a greeting. The greeting never waits for a name: it goes
// out without.
const (
	nameTime     = 800 * time.Millisecond
	nameLookups  = 6                // at once; a rush of new contacts is greeted without names
	nameRest     = 10 * time.Second // without look-ups after a slow one
	nameMargin   = 10 * time.Second // of the 20 seconds, to be left for sending
	maxAttached  = 9
	maxGroupText = 3000 // bytes of the group greeting's text
)

// Welcome greets a new contact once, with the greeting of the channel that brought the
// customer, else with the default one.
type Welcome struct {
	Contacts bot.ContactReader // may be nil
	Staff    bot.StaffReader   // may be nil
	Store    *store.Store
	Now      func() time.Time
	Log      *slog.Logger
	Serial   bool // the two names one after the other
	busy     atomic.Int32
	restTill atomic.Int64 // milliseconds
}

// Name is the handler's name.
func (w *Welcome) Name() string { return "welcome" }

// greeted is a ContactAdded with the names that could be had in time.
type greeted struct {
	bot.ContactAdded
	customer, staff string
}

// Fetch looks the two names up, if there is time.
func (w *Welcome) Fetch(ctx context.Context, e bot.Event) (bot.Event, error) {
	added, ok := e.Data.(bot.ContactAdded)
	if !ok || added.WelcomeCode == "" {
		return e, nil
	}
	g := greeted{ContactAdded: added}
	if row, err := w.Store.Read(ctx).Staff(added.User); err == nil {
		g.staff = row.Name
	}
	now := w.Now()
	if now.UnixMilli() >= w.restTill.Load() && e.Deadline.Sub(now) > nameMargin {
		w.lookUp(ctx, &g)
	}
	e.Data = g
	return e, nil
}

// lookUp asks the platform for names. What takes too long is left out, and for a while
// nobody asks again.
func (w *Welcome) lookUp(ctx context.Context, g *greeted) {
	if w.busy.Add(1) > nameLookups {
		w.busy.Add(-1)
		return
	}
	defer w.busy.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	staff := make(chan string, 1)
	lookUpStaff := func() {
		name := g.staff
		if name == "" && w.Staff != nil {
			if s, err := w.Staff.StaffMember(ctx, g.User); err == nil {
				name = s.Name
			}
		}
		staff <- name
	}
	if w.Serial {
		lookUpStaff()
	} else {
		go lookUpStaff()
	}
	if w.Contacts != nil {
		if c, err := w.Contacts.Contact(ctx, g.Customer); err == nil {
			g.customer = c.Name
		}
	}
	g.staff = <-staff
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		w.restTill.Store(w.Now().Add(nameRest).UnixMilli())
		w.Log.Warn("names are slow to look up; greeting without them for a while")
	}
}

// Handle writes the greeting into the outbox. The welcome code makes it once for ever.
func (w *Welcome) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	g, ok := e.Data.(greeted)
	if !ok {
		return nil // no code: the platform wants no greeting from us
	}
	if !e.Deadline.After(tx.Now) {
		w.Log.Warn("too late to greet a new contact", "event", e.ID, "late_by", tx.Now.Sub(e.Deadline))
		return nil
	}
	text, err := welcomeFor(tx.Reader, g.State)
	if err != nil {
		return err
	}
	if g.staff != "" {
		if err := tx.NameStaff(g.User, g.staff); err != nil {
			return err
		}
	}
	shop, err := tx.ShopOfStaff(string(g.User))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	m := bot.Message{Text: Fill(text.Text, map[string]string{"customer": g.customer, "staff": g.staff, "store": shop.Name}), Attachments: text.Attachments}
	m.Text = Clip(m.Text, MaxText)
	_, err = tx.Enqueue(SendWelcome{Code: g.WelcomeCode, User: g.User, Customer: g.Customer, Message: m},
		store.When{Deadline: e.Deadline, Cause: e.ID})
	return err
}

// welcomeFor returns the greeting of the staff code with a state, else the default one.
func welcomeFor(r store.Reader, state string) (store.Welcome, error) {
	ch, err := r.ChannelByState(state)
	if err == nil && ch.Kind == store.ChannelContact {
		w, err := r.Welcome(strconv.FormatInt(ch.ID, 10))
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return w, err
		}
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Welcome{}, err
	}
	return r.Welcome(store.WelcomeDefault)
}

// Fill puts values in the place of {names}; an unknown value leaves nothing behind.
func Fill(text string, values map[string]string) string {
	pairs := make([]string, 0, 2*len(values))
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Clip cuts a text to at most n bytes, at the end of a character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// SendWelcome is the action of greeting a new contact.
type SendWelcome struct {
	Code     string             `json:"code"`
	User     bot.UserID         `json:"user"`
	Customer bot.ExternalUserID `json:"customer"`
	Message  bot.Message        `json:"message"`
}

// ActionKind names the action.
func (SendWelcome) ActionKind() string { return "welcome" }

// ActionKey makes one greeting of one code, which it hides: keys are logged.
func (a SendWelcome) ActionKey() string { return "welcome:" + digest(a.Code) }

// Retry is never: the code may have been spent by the attempt that was cut off.
func (SendWelcome) Retry() bot.RetryRule { return bot.RetryNever }

// WelcomeSender performs SendWelcome.
type WelcomeSender struct {
	Platform bot.Welcomer
}

// ActionKind names the action it performs.
func (WelcomeSender) ActionKind() string { return SendWelcome{}.ActionKind() }

// Perform spends the code.
func (s WelcomeSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var w SendWelcome
	if err := a.Decode(&w); err != nil {
		return nil, err
	}
	return nil, s.Platform.SendWelcome(ctx, w.Code, w.Message)
}

// Record has nothing to add to the action's own state.
func (WelcomeSender) Record(*store.Tx, store.Action, store.Outcome) error { return nil }

// Greetings keeps the texts people are greeted with.
type Greetings struct {
	Store *store.Store
	Group bot.GroupWelcomer // may be nil
}

// ErrNotOffered says that the platform lacks what a request needs.
var ErrNotOffered = errors.New("the platform does not offer this")

// Put keeps a greeting: the default one, a channel's, or the group's, which the platform
// posts itself and gets at once.
func (g *Greetings) Put(ctx context.Context, id string, m bot.Message) (store.Welcome, error) {
	if err := g.check(ctx, id, m); err != nil {
		return store.Welcome{}, err
	}
	w := store.Welcome{ID: id, Text: m.Text, Attachments: m.Attachments}
	if id == store.WelcomeGroup {
		known, err := g.Store.Read(ctx).Welcome(id)
		if err != nil {
			return w, err
		}
		if g.Group == nil {
			return w, ErrNotOffered
		}
		template := bot.Message{Text: Fill(m.Text, map[string]string{"customer": "%NICKNAME%"}), Attachments: m.Attachments}
		if w.TemplateID, err = g.Group.SaveGroupWelcome(ctx, known.TemplateID, template); err != nil {
			return w, fmt.Errorf("save group welcome: %w", err)
		}
	}
	return w, g.Store.Tx(ctx, func(tx *store.Tx) error { return tx.PutWelcome(w) })
}

func (g *Greetings) check(ctx context.Context, id string, m bot.Message) error {
	names := []string{"customer", "staff", "store"}
	switch id {
	case store.WelcomeDefault:
	case store.WelcomeGroup:
		names = []string{"customer"}
		if len(m.Text) > maxGroupText {
			return Invalidf("text", "has %d bytes; a group welcome has at most %d", len(m.Text), maxGroupText)
		}
		if len(m.Attachments) > 1 {
			return Invalidf("attachments", "has %d; a group welcome has at most one", len(m.Attachments))
		}
	default:
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return store.ErrNotFound
		}
		if _, err := g.Store.Read(ctx).Channel(n); err != nil {
			return err
		}
	}
	for i, a := range m.Attachments {
		// A greeting has seconds, and a template stays for years: neither can wait for an upload.
		if a.Media != "" {
			return Invalidf(fmt.Sprintf("attachments[%d].media", i), "is for promotions only; want image_url, or media_id of a file that you uploaded to WeCom")
		}
	}
	return CheckMessage(m, names)
}

// CheckMessage refuses what WeCom would refuse, before anything is planned on it.
func CheckMessage(m bot.Message, placeholders []string) error {
	if m.Text == "" && len(m.Attachments) == 0 {
		return Invalidf("text", "is empty, and there is no attachment either")
	}
	if len(m.Text) > MaxText {
		return Invalidf("text", "has %d bytes; WeCom takes at most %d", len(m.Text), MaxText)
	}
	if err := CheckPlaceholders("text", m.Text, placeholders); err != nil {
		return err
	}
	if len(m.Attachments) > maxAttached {
		return Invalidf("attachments", "has %d; WeCom takes at most %d", len(m.Attachments), maxAttached)
	}
	for i, a := range m.Attachments {
		if err := CheckAttachment(fmt.Sprintf("attachments[%d]", i), a); err != nil {
			return err
		}
	}
	return nil
}

// digest hides what is valid for a while, such as a welcome code, and still tells two apart.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:12])
}
