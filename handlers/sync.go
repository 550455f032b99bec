package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// versionsKept is how many versions of a member list are remembered, to recognise a
// callback that is late and a list that is old.
const versionsKept = 100

// Sync keeps groups and their members right. It is the only one that reads groups: the
// callbacks of one group that wait share a read, and what the read shows against the books
// becomes stays, leaves and derived events. A callback is a hint; the read is the truth.
type Sync struct {
	Store    *store.Store
	Chats    bot.ChatReader
	Contacts bot.ContactReader // may be nil
	Now      func() time.Time
	Settle   time.Duration // wait after a callback before the group is read
	Log      *slog.Logger
	Serial   bool // one call after the other, in the order of the members
}

// Name is the handler's name.
func (s *Sync) Name() string { return "sync" }

// Delay lets callbacks of a group gather: the settle time, and longer where the group was
// read a moment ago.
func (s *Sync) Delay(tx *store.Tx, e bot.Event) (time.Time, error) {
	if e.Kind != bot.KindChatChanged {
		return tx.Now, nil
	}
	if e.Data.(bot.ChatChanged).Change == bot.ChatDismissed {
		return tx.Now, nil
	}
	at := tx.Now.Add(s.Settle)
	chat, err := tx.Chat(e.Chat)
	if errors.Is(err, store.ErrNotFound) {
		return at, nil
	}
	if spread := chat.SyncedAt.Add(time.Duration(float64(s.Settle) * readSpread)); spread.After(at) {
		at = spread
	}
	return at, err
}

// Gather reads the group once for all events that wait.
func (s *Sync) Gather(ctx context.Context, runs []store.Run) (Gathered, error) {
	id := runs[0].Event.Chat
	if dismissal, ok := dismissed(runs); ok {
		return s.dismiss(ctx, id, runs, dismissal.At)
	}
	began := s.Now().UTC()
	chat, err := s.Chats.Chat(ctx, id)
	if bot.IsGone(err) {
		return s.dismiss(ctx, id, runs, s.Now().UTC())
	}
	if err != nil {
		return Gathered{}, fmt.Errorf("read group %s: %w", id, err)
	}
	snap, err := s.compare(ctx, chat, runs, began)
	if err != nil {
		return Gathered{}, err
	}
	return s.decide(ctx, snap, runs)
}

func dismissed(runs []store.Run) (bot.Event, bool) {
	for _, r := range runs {
		if c, ok := r.Event.Data.(bot.ChatChanged); ok && c.Change == bot.ChatDismissed {
			return r.Event, true
		}
	}
	return bot.Event{}, false
}

// compare puts the read beside what the house knows.
func (s *Sync) compare(ctx context.Context, chat bot.Chat, runs []store.Run, began time.Time) (snapshot, error) {
	r := s.Store.Read(ctx)
	chat.Members = once(chat.Members)
	snap := snapshot{chat: chat, began: began, readAt: s.Now().UTC()}
	for _, run := range runs {
		if c, ok := run.Event.Data.(bot.ChatChanged); ok {
			snap.hints = append(snap.hints, hint{ChatChanged: c, id: run.Event.ID, at: run.Event.At, looked: lookedAt(run, snap.readAt)})
		}
	}
	snap.hints = inOrder(snap.hints)
	stored, err := r.Chat(chat.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return snap, err
	}
	snap.stored = stored
	since := snap.since()
	if snap.stays, err = r.StintsLeftAfter(chat.ID, since); err != nil {
		return snap, err
	}
	if earlier := snap.earliestJoin(); earlier.Before(since) {
		if snap.stays, err = r.StintsLeftAfter(chat.ID, earlier); err != nil {
			return snap, err
		}
	}
	snap.open = snap.waiting(snap.readAt)
	snap.brief, err = ofKind(r, snap.findBrief())
	return snap, err
}

// ofKind tells staff from customers where no list does.
func ofKind(r store.Reader, stays []store.Stint) ([]store.Stint, error) {
	for i, st := range stays {
		staff, err := r.IsStaff(bot.MemberID(st.UserID))
		if err != nil {
			return nil, err
		}
		stays[i].Kind = string(bot.Customer)
		if staff {
			stays[i].Kind = string(bot.Staff)
		}
	}
	return stays, nil
}

// once drops stays that a list names twice.
func once(members []bot.Member) []bot.Member {
	seen := map[stay]bool{}
	return slices.DeleteFunc(members, func(m bot.Member) bool {
		key := stay{string(m.ID), m.JoinedAt.Unix()}
		again := seen[key]
		seen[key] = true
		return again
	})
}

// since is the earliest moment the comparison asks about: a little before the last read, or
// before the first callback.
func (s snapshot) since() time.Time {
	since := s.stored.SyncedAt
	for _, h := range s.hints {
		if h.at.Before(since) {
			since = h.at
		}
	}
	return since.Add(-time.Second)
}

// earliestJoin is a little before the first join that is not among the stays; to count the
// people then, those who have left since are needed too.
func (s snapshot) earliestJoin() time.Time {
	earliest := s.readAt
	for _, m := range s.diff().joined {
		if m.JoinedAt.Before(earliest) {
			earliest = m.JoinedAt
		}
	}
	return earliest.Add(-time.Second)
}

// decide says what of a snapshot is believed, and which callbacks wait for another read.
func (s *Sync) decide(ctx context.Context, snap snapshot, runs []store.Run) (Gathered, error) {
	now := s.Now().UTC()
	if snap.stored.Status == store.ChatDismissed && now.Sub(oldest(runs)) < lagLimit {
		return s.dismiss(ctx, snap.chat.ID, runs, now) // it may still be shown for a moment
	}
	if snap.stale() && now.Sub(firstLook(runs, now)) < staleLimit {
		s.Log.Info("group shows an old member list", "chat", snap.chat.ID)
		return Gathered{Open: ids(runs), Again: snap.again(now, s.Settle, false)}, nil
	}
	c := snap.diff()
	if snap.unexplained(c, now) {
		return Gathered{Open: ids(runs), Again: snap.again(now, s.Settle, true)}, nil
	}
	g := Gathered{Open: snap.open}
	progress := c.any() || len(snap.brief) > 0 || string(snap.chat.Version) != snap.stored.Version
	g.Again = snap.again(now, s.Settle, progress)
	found := s.askContacts(ctx, snap, c)
	g.Apply = func(_ context.Context, tx *store.Tx) error { return s.apply(tx, snap, c, found) }
	return g, nil
}

func oldest(runs []store.Run) time.Time {
	at := runs[0].Event.At
	for _, r := range runs {
		if r.Event.At.Before(at) {
			at = r.Event.At
		}
	}
	return at
}

// lookedAt is when the group was first read while a callback waited; now, if this is the
// first read. How long a read may lag counts from there and not from the callback: for as
// long as reads were refused, nobody could see.
func lookedAt(run store.Run, now time.Time) time.Time {
	if run.LookedAt.IsZero() {
		return now
	}
	return run.LookedAt
}

func firstLook(runs []store.Run, now time.Time) time.Time {
	at := now
	for _, r := range runs {
		if looked := lookedAt(r, now); looked.Before(at) {
			at = looked
		}
	}
	return at
}

func ids(runs []store.Run) []int64 {
	out := make([]int64, len(runs))
	for i, r := range runs {
		out[i] = r.Event.ID
	}
	return out
}

// apply writes a believed snapshot into the books.
func (s *Sync) apply(tx *store.Tx, snap snapshot, c changes, found []store.Contact) error {
	id := snap.chat.ID
	if snap.stored.ChatID == "" {
		if err := tx.NewChat(store.Chat{ChatID: string(id), Status: store.ChatActive}); err != nil {
			return err
		}
	}
	for _, ct := range found {
		if err := tx.AddContact(ct); err != nil {
			return err
		}
	}
	if err := s.applyLeaves(tx, snap, c); err != nil {
		return err
	}
	if err := s.applyJoins(tx, snap, c); err != nil {
		return err
	}
	if err := tellCallbacks(tx, snap); err != nil {
		return err
	}
	for _, st := range c.renamed {
		if err := applyName(tx, snap, st); err != nil {
			return err
		}
	}
	if err := nameStaff(tx, snap); err != nil {
		return err
	}
	if err := tx.SaveChatRead(snap.row()); err != nil {
		return err
	}
	return watchCodes(tx, snap, c)
}

// applyName writes what a person is called now. Whose union id becomes known may be somebody
// whom the house has met under another name: the features are told of the stay again.
func applyName(tx *store.Tx, snap snapshot, st store.Stint) error {
	if err := tx.NameStint(st); err != nil {
		return err
	}
	known := slices.ContainsFunc(snap.stays, func(o store.Stint) bool { return o.ID == st.ID && o.UnionID == st.UnionID })
	if known {
		return nil
	}
	return announce(tx, st, "known as "+st.UnionID)
}

func (s *Sync) applyLeaves(tx *store.Tx, snap snapshot, c changes) error {
	for _, l := range append(c.left, snap.refinements()...) {
		if err := endStint(tx, l); err != nil {
			return err
		}
		if err := tx.PutLeaveEvidence(snap.leaveEvidence(l)); err != nil {
			return err
		}
	}
	for _, st := range c.reopened {
		if err := reopen(tx, snap, st); err != nil {
			return err
		}
	}
	return nil
}

// reopen takes back the end of a stay that the group shows to go on.
func reopen(tx *store.Tx, snap snapshot, st store.Stint) error {
	if err := tx.ReopenStint(st.ID); err != nil {
		return err
	}
	if err := tx.DropLeaveEvidence(st.ID); err != nil {
		return err
	}
	return announce(tx, st, fmt.Sprintf("reopened:%d", snap.began.UnixMilli()))
}

// endStint writes the end of a stay and tells the features.
func endStint(tx *store.Tx, l leave) error {
	if err := tx.EndStint(l.stint.ID, l.at, l.how); err != nil {
		return err
	}
	st := l.stint
	_, err := tx.PutEvents(bot.Event{
		Key:  fmt.Sprintf("left:%s:%s:%d:%d:%s", st.ChatID, st.UserID, st.JoinedAt.Unix(), l.at.UnixMilli(), l.how),
		Kind: bot.KindMemberLeft, At: l.at, Chat: bot.ChatID(st.ChatID), Derived: true,
		Lane: bot.PersonLane(st.UnionID, bot.MemberID(st.UserID)),
		Data: bot.MemberLeft{StintID: st.ID, Member: bot.MemberID(st.UserID), UnionID: st.UnionID, JoinedAt: st.JoinedAt, LeftAt: l.at, How: l.how},
	})
	return err
}

func (s *Sync) applyJoins(tx *store.Tx, snap snapshot, c changes) error {
	ordinals := snap.ordinals(c)
	for _, m := range c.joined {
		st := store.Stint{
			ChatID: string(snap.chat.ID), UserID: string(m.ID), Kind: string(m.Kind), Name: m.Name, Nickname: m.Nickname,
			UnionID: m.UnionID, JoinedAt: m.JoinedAt, JoinScene: string(m.Scene), State: m.State,
		}
		if n, ok := ordinals[stay{st.UserID, st.JoinedAt.Unix()}]; ok {
			st.Ordinal = &n
		}
		by, err := inviterOf(tx.Reader, m)
		if err != nil {
			return err
		}
		st.Inviter, st.InviterBy, st.Referrer = by.inviter, by.by, by.referrer
		fresh, err := tx.AddStint(&st)
		if err != nil {
			return err
		}
		if !fresh {
			// A stay that ended long ago is shown again.
			if st, err = tx.StintAt(snap.chat.ID, m.ID, m.JoinedAt); err != nil {
				return err
			}
			if err := reopen(tx, snap, st); err != nil {
				return err
			}
			continue
		}
		if err := tx.PutEvidence(snap.joinEvidence(st, m, by)); err != nil {
			return err
		}
		if err := announce(tx, st, "joined"); err != nil {
			return err
		}
	}
	return addBrief(tx, snap, ordinals)
}

// addBrief writes down the stays that were over before anybody looked.
func addBrief(tx *store.Tx, snap snapshot, ordinals map[stay]int) error {
	for _, st := range snap.brief {
		if n, ok := ordinals[stayOf(st)]; ok {
			st.Ordinal = &n
		}
		fresh, err := tx.AddStint(&st)
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		if err := tx.PutEvidence(snap.briefEvidence(st)); err != nil {
			return err
		}
		if err := announce(tx, st, "joined"); err != nil {
			return err
		}
	}
	return nil
}

// announce tells the features of a stay that began, or goes on after all.
func announce(tx *store.Tx, st store.Stint, what string) error {
	_, err := tx.PutEvents(bot.Event{
		Key:  what + ":" + st.ChatID + ":" + st.UserID + ":" + strconv.FormatInt(st.JoinedAt.Unix(), 10),
		Kind: bot.KindMemberJoined, At: st.JoinedAt, Chat: bot.ChatID(st.ChatID), Derived: true,
		Lane: bot.PersonLane(st.UnionID, bot.MemberID(st.UserID)),
		Data: bot.MemberJoined{StintID: st.ID, Member: bot.MemberID(st.UserID), Kind: bot.MemberKind(st.Kind), UnionID: st.UnionID, JoinedAt: st.JoinedAt},
	})
	return err
}

func nameStaff(tx *store.Tx, snap snapshot) error {
	known := map[string]string{}
	for _, st := range snap.stays {
		known[st.UserID] = st.Name
	}
	for _, m := range snap.chat.Members {
		if name, ok := known[string(m.ID)]; m.Kind != bot.Staff || (ok && name == m.Name) {
			continue
		}
		if err := tx.NameStaff(bot.UserID(m.ID), m.Name); err != nil {
			return err
		}
	}
	return nil
}

// row is the group's row after this read.
func (s snapshot) row() store.Chat {
	c := store.Chat{
		ChatID: string(s.chat.ID), Name: s.chat.Name, Owner: string(s.chat.Owner), Status: store.ChatActive,
		Version: string(s.chat.Version), CreatedAt: s.chat.CreatedAt, SyncedAt: s.began,
	}
	for _, m := range s.chat.Members {
		if m.Kind == bot.Customer {
			c.Customers++
		} else {
			c.Staff++
		}
	}
	add := func(v string) {
		if v != "" && len(c.Versions) < versionsKept && !slices.Contains(c.Versions, v) {
			c.Versions = append(c.Versions, v)
		}
	}
	add(c.Version)
	for _, h := range s.hints {
		if !slices.Contains(s.open, h.id) {
			add(string(h.CurVersion))
			add(string(h.LastVersion))
		}
	}
	for _, v := range s.stored.Versions {
		add(v)
	}
	return c
}
