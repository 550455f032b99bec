package moderation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// How much a word on a text counts, and how many there may be.
const (
	wordOfAPI  = 1.0 // whoever has the company's token decides
	wordOfNew  = 0.6 // of somebody of whom nothing is known yet
	wordOfBest = 0.9 // of one person at most: hard evidence is overruled by two
	// priorWords is how many words' worth wordOfNew is.
	priorWords = 5

	maxWordsADay = 50     // of one person; a hundred texts are for xiaobu spam train
	maxWords     = 20_000 // in force at once
	maxWordBy    = 64     // bytes of a name
	maxWordNote  = 500    // bytes of a note

	copiesWithin = 7 * 24 * time.Hour // how far back messages are looked at for copies
	copiesAmong  = 2000               // how many of them at most
	saidByMany   = 5                  // different people who say the same few words make them everybody's
)

// TooMany says that somebody has said enough for now.
type TooMany struct{ Detail string }

func (e *TooMany) Error() string { return e.Detail }

// learned is what people taught, as this process knows it. The zero value knows nothing yet.
type learned struct {
	make   sync.Once
	memory *spam.Memory
	follow sync.Mutex
	seen   atomic.Int64 // the last change that is in memory
}

func (m *Moderator) memory() *spam.Memory {
	m.learned.make.Do(func() { m.learned.memory = spam.NewMemory() })
	return m.learned.memory
}

// CatchUp brings what this process knows of corrections and of settings up to what is in the
// books: one look at one row of each where nothing changed. Whoever judges texts calls it before, since another process may
// have been taught.
func (m *Moderator) CatchUp(ctx context.Context) error {
	r := m.Store.Read(ctx)
	if _, err := m.policies(r); err != nil {
		return err
	}
	head, err := r.CorrectionHead()
	if err != nil || head <= m.learned.seen.Load() {
		return err
	}
	m.learned.follow.Lock()
	defer m.learned.follow.Unlock()
	seen := m.learned.seen.Load()
	if head <= seen {
		return nil
	}
	const page = 500
	for after := seen; ; {
		rows, err := r.NewCorrections(after, head, page)
		if err != nil {
			return err
		}
		for _, c := range rows {
			m.memory().Add(remembered(c))
			after = c.Seq
		}
		if len(rows) < page {
			break
		}
	}
	ended, err := r.NewCorrectionEnds(seen, head)
	if err != nil {
		return err
	}
	for _, id := range ended {
		m.memory().Remove(id)
	}
	m.learned.seen.Store(head)
	return nil
}

func remembered(c store.Correction) spam.Correction {
	return spam.Correction{ID: c.ID, By: c.Who, Text: c.Text, Spam: c.Label == store.LabelSpam, Weight: c.Weight}
}

// read judges a text alone: by the detector, and by what people said about it.
func (m *Moderator) read(text string) spam.Verdict {
	return m.Detector.Recall(m.Detector.Check(text), text, m.memory().Find(text))
}

// recalled is a message as it is understood after what people said about its text. Complaints
// stay what they are: nobody has them taken for spam.
func (m *Moderator) recalled(h heard) heard {
	if h.ticket == "" {
		h.verdict = m.Detector.Recall(h.verdict, h.text, m.memory().Find(h.text))
	}
	return h
}

// Lesson is what somebody says about one text, which is named in one of three ways.
type Lesson struct {
	Text      string
	MessageID string
	CaseID    int64
	Label     string // store.LabelSpam or store.LabelHam
	By        string // empty: api
	Note      string
	Force     bool // call spam also what many different people say
}

// What a lesson did to the case about its message.
const (
	CaseOpened    = "opened"
	CaseRaised    = "raised" // from a warning to a removal
	CaseDismissal = "dismissed"
)

// Taught is a correction and what it does.
type Taught struct {
	store.Correction
	End           *store.CorrectionEnd // nil: in force
	Before, After Answer               // the verdict on its text as if it had never been made, and with it
	Copies        int                  // messages of the last days that are the same text or near copies
	Among         int                  // messages that were looked at for that
}

// Correct takes somebody's word on a text. Nothing but this text and its near copies is judged
// otherwise from then on. A text that is ham now has the open case about that message dismissed;
// one that is spam has one opened, where the group's mode lets cases be opened.
func (m *Moderator) Correct(ctx context.Context, l Lesson, remember handlers.Remember) (Taught, error) {
	if err := l.check(); err != nil {
		return Taught{}, err
	}
	if err := m.CatchUp(ctx); err != nil {
		return Taught{}, err
	}
	r := m.Store.Read(ctx)
	about, err := l.about(r)
	if err != nil {
		return Taught{}, err
	}
	c := store.Correction{Label: l.Label, Text: about.text, Weight: wordOfAPI, Who: l.By, Source: store.CorrectedByAPI, Note: l.Note,
		MessageID: about.message.MessageID, CaseID: about.caseID()}
	if err := m.notEverybodys(r, c, l.Force); err != nil {
		return Taught{}, err
	}
	refuted, err := about.wordAgainst(r, c.Label)
	if err != nil {
		return Taught{}, err
	}
	after := m.Detector.Recall(m.Detector.Check(c.Text), c.Text, m.memory().FindWith(c.Text, remembered(c), refuted))
	var id int64
	err = m.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := roomFor(tx, c.Who); err != nil {
			return err
		}
		row := c // the transaction may be tried again
		if err := m.changeCase(tx, about, &row, after); err != nil {
			return err
		}
		if refuted != 0 {
			if err := tx.EndCorrection(refuted, c.Who, "overruled"); err != nil {
				return err
			}
		}
		if err := tx.AddCorrection(&row); err != nil {
			return err
		}
		id = row.ID
		return remember(tx, strconv.FormatInt(id, 10))
	})
	if err != nil {
		return Taught{}, err
	}
	return m.Taught(ctx, id)
}

// check refuses what is no lesson.
func (l *Lesson) check() error {
	named := 0
	for _, given := range []bool{l.Text != "", l.MessageID != "", l.CaseID != 0} {
		if given {
			named++
		}
	}
	l.Text, l.Note, l.By = plain(l.Text), plain(l.Note), strings.TrimSpace(plain(l.By))
	if l.By == "" {
		l.By = byAPI
	}
	switch {
	case named != 1:
		return handlers.Invalidf("text", "give one of text, message_id and case_id; %d were given", named)
	case l.Label != store.LabelSpam && l.Label != store.LabelHam:
		return handlers.Invalidf("label", "is %q; want spam or ham", l.Label)
	case len(l.Text) > maxFeedText:
		return handlers.Invalidf("text", "has %d bytes; want at most %d", len(l.Text), maxFeedText)
	case l.Text != "" && strings.TrimSpace(l.Text) == "":
		return handlers.Invalidf("text", "says nothing")
	case len(l.By) > maxWordBy:
		return handlers.Invalidf("by", "has %d bytes; want at most %d", len(l.By), maxWordBy)
	case len(l.Note) > maxWordNote:
		return handlers.Invalidf("note", "has %d bytes; want at most %d", len(l.Note), maxWordNote)
	}
	return nil
}

// subject is what a lesson is about.
type subject struct {
	text    string
	message store.Message // zero: none, or no longer in the books
	known   *store.Case   // the case about it, if there is one
}

func (s subject) caseID() *int64 {
	if s.known == nil {
		return nil
	}
	return &s.known.ID
}

// wordAgainst is the correction that says the opposite because of what became of the case:
// whoever corrects that very text knows better. 0: there is none.
func (s subject) wordAgainst(r store.Reader, label string) (int64, error) {
	if s.known == nil {
		return 0, nil
	}
	yes := true
	rows, err := r.Corrections(store.CorrectionFilter{CaseID: s.known.ID, Source: store.CorrectedByCase, Active: &yes})
	for _, c := range rows {
		if c.Label != label {
			return c.ID, err
		}
	}
	return 0, err
}

// about reads what a lesson is about.
func (l Lesson) about(r store.Reader) (subject, error) {
	s := subject{text: l.Text}
	id := l.MessageID
	if l.CaseID != 0 {
		c, err := r.Case(l.CaseID)
		if errors.Is(err, store.ErrNotFound) {
			return s, handlers.Invalidf("case_id", "there is no case %d", l.CaseID)
		}
		if err != nil {
			return s, err
		}
		if strings.TrimSpace(c.Text) == "" {
			return s, handlers.Invalidf("case_id", "case %d is about a person, not about a text", l.CaseID)
		}
		s.text, s.known, id = c.Text, &c, c.MessageID
	}
	if id == "" {
		return s, nil
	}
	msg, err := r.Message(id)
	switch {
	case errors.Is(err, store.ErrNotFound) && l.CaseID != 0:
		return s, nil // the case knows what was said
	case errors.Is(err, store.ErrNotFound):
		return s, handlers.Invalidf("message_id", "no such message is in the books; harmless ones are forgotten after a while")
	case err != nil:
		return s, err
	case strings.TrimSpace(msg.Text) == "":
		return s, handlers.Invalidf("message_id", "the message has no text")
	}
	s.message, s.text = msg, msg.Text
	if s.known == nil && msg.CaseID != nil {
		c, err := r.Case(*msg.CaseID)
		if err != nil {
			return s, err
		}
		s.known = &c
	}
	return s, nil
}

// notEverybodys refuses to call spam the few words that many different people say, and that
// harmed nobody.
func (m *Moderator) notEverybodys(r store.Reader, c store.Correction, force bool) error {
	if force || c.Label != store.LabelSpam || m.memory().Tellable(c.Text) {
		return nil
	}
	alike := m.memory().Alike(c.Text)
	recent, err := r.RecentTexts(m.Now().Add(-copiesWithin), copiesAmong)
	if err != nil {
		return err
	}
	people := map[string]bool{}
	for _, msg := range recent {
		if msg.Verdict == string(spam.Ham) && alike(msg.Text) {
			people[msg.Sender] = true
		}
	}
	if len(people) >= saidByMany {
		return &handlers.Conflict{Detail: fmt.Sprintf("%d different people said these few words in the last days, and they were harmless; calling them spam would flag all of them. If that is what you want, say force", len(people))}
	}
	return nil
}

// roomFor refuses a word of somebody who has said enough for a day, or when memory is full.
func roomFor(tx *store.Tx, who string) error {
	today, err := tx.CountCorrections(store.CorrectionFilter{Who: who, From: tx.Now.Add(-24 * time.Hour)})
	if err != nil {
		return err
	}
	if today >= maxWordsADay {
		return &TooMany{Detail: fmt.Sprintf("%s made %d corrections within 24 hours, which is the most that one person may make; many samples are for xiaobu spam train", who, today)}
	}
	yes := true
	all, err := tx.CountCorrections(store.CorrectionFilter{Active: &yes})
	if err == nil && all >= maxWords {
		err = &handlers.Conflict{Detail: fmt.Sprintf("%d corrections are in force, which is the most there may be; take back old ones, or train a model with them", all)}
	}
	return err
}

// changeCase does what a correction means for its message: strikes for what is ham do not count,
// and an open case that stands on nothing else is dismissed; what is spam after all takes the
// ladder as it would have, in the place of a milder strike for it. A case that is closed stays so.
func (m *Moderator) changeCase(tx *store.Tx, about subject, c *store.Correction, after spam.Verdict) error {
	if about.known != nil { // as it is by now
		known, err := tx.HoldCase(about.known.ID)
		if err != nil {
			return err
		}
		about.known = &known
	}
	switch {
	case string(after.Verdict) != c.Label:
		return nil // others say the opposite
	case c.Label == store.LabelHam:
		return m.changeToHam(tx, about, c)
	case about.message.MessageID == "", about.known != nil && (about.known.Closed() || about.known.Action == ActRemove):
		return nil
	}
	return m.changeToSpam(tx, about.message, c, after)
}

func (m *Moderator) changeToHam(tx *store.Tx, about subject, c *store.Correction) error {
	if msg := about.message; msg.MessageID != "" {
		if err := tx.TakeMessageStrikes(msg.Sender, msg.MessageID, c.Who); err != nil {
			return err
		}
	}
	if about.known == nil || about.known.Closed() || !standsOn(*about.known, about.message.MessageID) {
		return nil
	}
	c.CaseChange = CaseDismissal
	return m.dismissed(tx, *about.known, strings.TrimSuffix("its text is no spam: "+c.Note, ": "), c.Who, "")
}

func (m *Moderator) changeToSpam(tx *store.Tx, msg store.Message, c *store.Correction, after spam.Verdict) error {
	p, err := m.policyFor(tx.Reader, bot.ChatID(msg.ChatID))
	if err != nil {
		return err
	}
	if wanted, err := wantsCase(tx, p, msg); err != nil || !wanted {
		return err
	}
	if err := tx.TakeMessageStrikes(msg.Sender, msg.MessageID, c.Who); err != nil {
		return err
	}
	open, err := tx.OpenCase(bot.ChatID(msg.ChatID), bot.MemberID(msg.Sender))
	none := errors.Is(err, store.ErrNotFound)
	if err != nil && !none {
		return err
	}
	done, err := m.act(tx, p, store.Case{ChatID: msg.ChatID, Member: msg.Sender, MemberName: msg.SenderName, MessageID: msg.MessageID, Text: msg.Text,
		Verdict: string(after.Verdict), Score: after.Score, Reasons: reasonsOf(after), OpenedBy: c.Who})
	if err != nil || done.Case == 0 {
		return err
	}
	c.CaseID = &done.Case
	switch {
	case none:
		c.CaseChange = CaseOpened
	case open.Action != ActRemove && done.Action == ActRemove:
		c.CaseChange = CaseRaised
	}
	return nil
}

// standsOn reports whether a case would not be there without one message.
func standsOn(c store.Case, message string) bool {
	if message != "" && c.MessageID != message {
		return false
	}
	for _, r := range c.Reasons {
		if r.Check == "blocklist" {
			return false
		}
	}
	return true
}

// wantsCase reports whether a message that turns out to be spam is to have a case: not where
// the group's mode opens none, nor when its sender is of the staff, or gone.
func wantsCase(tx *store.Tx, p Policy, msg store.Message) (bool, error) {
	if p.Mode == ModeOff || p.Mode == ModeDry {
		return false, nil
	}
	staff, err := tx.IsStaff(bot.MemberID(msg.Sender))
	if err != nil || staff {
		return false, err
	}
	last, err := tx.LastStint(bot.ChatID(msg.ChatID), bot.MemberID(msg.Sender))
	if errors.Is(err, store.ErrNotFound) {
		return true, nil // not read yet
	}
	return err == nil && last.LeftAt.IsZero() && last.Kind != string(bot.Staff), err
}

// Taught returns a correction and what it does to its text as things stand now.
func (m *Moderator) Taught(ctx context.Context, id int64) (Taught, error) {
	if err := m.CatchUp(ctx); err != nil {
		return Taught{}, err
	}
	r := m.Store.Read(ctx)
	c, err := r.Correction(id)
	if err != nil {
		return Taught{}, err
	}
	ends, err := r.CorrectionEnds([]int64{id})
	if err != nil {
		return Taught{}, err
	}
	t := Taught{Correction: c}
	plain := m.Detector.Check(c.Text)
	t.Before = m.alone(m.Detector.Recall(plain, c.Text, m.memory().FindWithout(c.Text, id)))
	t.After = m.alone(m.Detector.Recall(plain, c.Text, m.memory().Find(c.Text)))
	if len(ends) > 0 {
		t.End = &ends[0]
	}
	recent, err := r.RecentTexts(m.Now().Add(-copiesWithin), copiesAmong)
	if err != nil {
		return Taught{}, err
	}
	alike := m.memory().Alike(c.Text)
	for _, msg := range recent {
		if alike(msg.Text) {
			t.Copies++
		}
	}
	t.Among = len(recent)
	return t, nil
}

// TakeBack takes a correction back: texts are judged as if it had never been made. Cases that
// it opened or dismissed stay as they are.
func (m *Moderator) TakeBack(ctx context.Context, id int64, by, note string) error {
	if err := checkWho("by", &by, note); err != nil {
		return err
	}
	err := m.Store.Tx(ctx, func(tx *store.Tx) error { return tx.EndCorrection(id, by, note) })
	if errors.Is(err, store.ErrStale) {
		return &handlers.Conflict{Detail: "the correction was taken back already"}
	}
	return err
}

// Rollback says which corrections are taken back at once, by whom and why.
type Rollback struct {
	Of       string // whose; empty: of everybody, then From and To are wanted
	From, To time.Time
	By, Note string
}

// Rollback takes back all corrections of a person, of a time or of both, and returns how many.
func (m *Moderator) Rollback(ctx context.Context, b Rollback) (int64, error) {
	if err := checkWho("done_by", &b.By, b.Note); err != nil {
		return 0, err
	}
	switch {
	case b.Of == "" && (b.From.IsZero() || b.To.IsZero()):
		return 0, handlers.Invalidf("by", "is missing; want whose corrections are taken back, or from and to for those of everybody")
	case !b.To.IsZero() && !b.From.Before(b.To):
		return 0, handlers.Invalidf("to", "is not after from")
	}
	var n int64
	err := m.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.EndCorrections(store.CorrectionFilter{Who: b.Of, From: b.From, To: b.To}, b.By, b.Note)
		return err
	})
	return n, err
}

func checkWho(field string, by *string, note string) error {
	if *by = strings.TrimSpace(plain(*by)); *by == "" {
		*by = byAPI
	}
	switch {
	case len(*by) > maxWordBy:
		return handlers.Invalidf(field, "has %d bytes; want at most %d", len(*by), maxWordBy)
	case len(note) > maxWordNote:
		return handlers.Invalidf("note", "has %d bytes; want at most %d", len(note), maxWordNote)
	}
	return nil
}

// learn takes what became of a case as a word on its text: of who dismissed it, or of who
// confirmed that the person was removed. A case has one word; a later one takes its place.
func (m *Moderator) learn(tx *store.Tx, c store.Case, label, by string) error {
	if strings.TrimSpace(c.Text) == "" || label == store.LabelSpam && c.Verdict != string(spam.Spam) {
		return nil
	}
	yes := true
	own := store.CorrectionFilter{CaseID: c.ID, Source: store.CorrectedByCase, Active: &yes}
	said, err := tx.Corrections(own)
	if err != nil || len(said) > 0 && said[0].Label == label {
		return err
	}
	if len(said) > 0 {
		if _, err := tx.EndCorrections(own, by, "another word on the case"); err != nil {
			return err
		}
	}
	return learnInPassing(tx, store.Correction{Label: label, Text: c.Text, Who: by, Source: store.CorrectedByCase, MessageID: c.MessageID, CaseID: &c.ID})
}

// learnInPassing takes what somebody says of a text while he does something else, weighed by how
// often he was right. Where there is no room for it, nothing is learnt, and that is no error.
func learnInPassing(tx *store.Tx, c store.Correction) error {
	stands, refuted, err := tx.CorrectionRecord(c.Who)
	if err != nil {
		return err
	}
	err = roomFor(tx, c.Who)
	var full *TooMany
	var conflict *handlers.Conflict
	if errors.As(err, &full) || errors.As(err, &conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	c.Weight = trust(stands, refuted)
	return tx.AddCorrection(&c)
}

// trust is how much the word of somebody counts of whose words so many stand and so many were
// taken back by others.
func trust(stands, refuted int) float64 {
	w := (wordOfNew*priorWords + float64(stands)) / float64(priorWords+stands+refuted)
	return math.Round(1000*min(w, wordOfBest)) / 1000
}
