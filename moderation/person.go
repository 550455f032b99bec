package moderation

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// How far back is looked.
const (
	repeatWindow = 10 * time.Minute
	spreadWindow = 30 * time.Minute
	rejoinWindow = 180 * 24 * time.Hour
	guestWindow  = 90 * 24 * time.Hour
	reportWindow = 30 * 24 * time.Hour
	newHostFor   = 24 * time.Hour // a host is new for so long, if nobody of staff posts it
	fewRemoved   = 3              // fewer guests of one inviter say nothing
	leastTalk    = 4              // characters of a message that counts as talk
)

// facts is what the books say about one message and its sender.
type facts struct {
	staff    bool
	stay     store.Stint // the last one in the group; zero: never seen there
	blocked  bool
	whyBlock string

	minute int // messages within a minute, this one included
	repeat int // copies of the text by the sender within repeatWindow, this one included
	own    int // groups in which the sender posted the text within spreadWindow, this one included
	groups int // groups in which anybody did
	tokens int // groups in which anybody gave the same link or account; 0: there is none in it

	day      string       // the local day of the message
	talk     store.Talked // earlier on it, and before
	cases    []store.PersonCase
	here     int // how often the person was put out of this group within rejoinWindow
	others   int // and of other groups
	inviter  string
	guests   store.Guests // of the inviter; zero: too few were removed
	reported store.Reported
	name     string     // the name of the sender that advertises most
	named    spam.Label // what the detector says of it
	newHosts int        // hosts of links that were never seen before
}

// loading reads facts for a batch of messages.
type loading struct {
	store.Reader
	msgs    []heard
	out     []facts
	senders []string // each once
	unions  []string
	first   time.Time // the earliest message
}

// loadFacts reads what the books say about messages and their senders, in their order, with a
// few questions for all of them. The messages are of one batch and none is in the books yet: an
// earlier one of the list counts for a later one as if it were.
func (m *Moderator) loadFacts(r store.Reader, msgs []heard) ([]facts, error) {
	l := &loading{Reader: r, msgs: msgs, out: make([]facts, len(msgs))}
	for i := range msgs {
		l.senders = append(l.senders, string(msgs[i].Sender))
		if l.first.IsZero() || msgs[i].SentAt.Before(l.first) {
			l.first = msgs[i].SentAt
		}
	}
	l.senders = distinct(l.senders)
	for _, load := range []func() error{l.staff, l.stays, l.blocklist, l.around, l.past, l.inviters, l.hosts} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for i := range msgs {
		f := &l.out[i]
		f.day = m.day(msgs[i].SentAt)
		f.name, f.named = m.names.worst(m.Detector, msgs[i].Name, f.stay.Nickname, f.stay.Name)
	}
	return l.out, nil
}

func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// staff: the company's people, and owners of the groups, who may be nobody that it knows yet.
func (l *loading) staff() error {
	chats := make([]string, len(l.msgs))
	for i := range l.msgs {
		chats[i] = string(l.msgs[i].Chat)
	}
	staff, err := l.StaffAmong(l.senders)
	if err != nil {
		return err
	}
	owners, err := l.OwnersOfChats(distinct(chats))
	for i, msg := range l.msgs {
		l.out[i].staff = staff[string(msg.Sender)] || owners[string(msg.Chat)] == string(msg.Sender)
	}
	return err
}

func (l *loading) stays() error {
	rows, err := l.StaysOf(l.senders)
	if err != nil {
		return err
	}
	of := map[string][]store.Stint{}
	for _, st := range rows {
		of[st.UserID] = append(of[st.UserID], st)
		if st.UnionID != "" {
			l.unions = append(l.unions, st.UnionID)
		}
	}
	l.unions = distinct(l.unions)
	removed, err := l.RemovalsOf(l.unions) // also of those whom another user id hides
	if err != nil {
		return err
	}
	for i, msg := range l.msgs {
		f := &l.out[i]
		union := ""
		for _, st := range of[string(msg.Sender)] {
			f.staff = f.staff || st.Kind == string(bot.Staff)
			union = cmp.Or(st.UnionID, union)
			if st.ChatID == string(msg.Chat) {
				f.stay = st
			}
			if st.UnionID == "" && st.LeftHow == string(bot.LeftRemoved) {
				f.putOut(msg, st.ChatID, st.LeftAt)
			}
		}
		for _, rem := range removed {
			if rem.UnionID == union {
				f.putOut(msg, rem.ChatID, rem.At)
			}
		}
		f.stay.UnionID = cmp.Or(f.stay.UnionID, union)
	}
	return nil
}

// putOut counts that the sender was put out of a group before the message.
func (f *facts) putOut(msg heard, chat string, at time.Time) {
	switch {
	case at.After(msg.SentAt) || msg.SentAt.Sub(at) > rejoinWindow:
	case chat == string(msg.Chat):
		f.here++
	default:
		f.others++
	}
}

func (l *loading) blocklist() error {
	blocked, err := l.BlockedAmong(append(slices.Clone(l.senders), l.unions...))
	for i, msg := range l.msgs {
		f := &l.out[i]
		for _, name := range []string{string(msg.Sender), f.stay.UnionID} {
			if why, ok := blocked[name]; ok && name != "" {
				f.blocked, f.whyBlock = true, why
			}
		}
	}
	return err
}

// around counts the sender's messages and the copies of each message: in the books, and
// among those before it in the batch.
func (l *loading) around() error {
	asked := make([]store.Saying, len(l.msgs))
	for i, msg := range l.msgs {
		asked[i] = store.Saying{Sender: string(msg.Sender), At: msg.SentAt, Fingerprint: int64(msg.trace.Text), Tokens: prints(msg.trace.Tokens)}
	}
	books, err := l.Around(asked, repeatWindow, spreadWindow)
	if err != nil {
		return err
	}
	b := newBeside()
	for i, msg := range l.msgs {
		f, found := &l.out[i], books[i]
		b.join(msg, &found)
		f.minute, f.repeat = found.Minute+1, found.Repeat+1
		here := store.CopyIn{ChatID: string(msg.Chat), Own: true}
		f.own, f.groups = groupsOf(append(found.Copies, here))
		if len(msg.trace.Tokens) > 0 {
			_, f.tokens = groupsOf(append(found.Tokens, here))
		}
		if !f.staff { // what staff post is meant to be passed on
			b.add(msg)
		}
	}
	return nil
}

func prints(hashes []uint64) []int64 {
	out := make([]int64, len(hashes))
	for i, h := range hashes {
		out[i] = int64(h)
	}
	return out
}

// groupsOf counts groups with copies: those with one of the sender's own, and all.
func groupsOf(copies []store.CopyIn) (own, all int) {
	mine, any := map[string]bool{}, map[string]bool{}
	for _, c := range copies {
		any[c.ChatID] = true
		if c.Own {
			mine[c.ChatID] = true
		}
	}
	return len(mine), len(any)
}

// beside keeps the messages of a batch that came before one.
type beside struct {
	senders map[bot.MemberID][]*heard
	texts   map[uint64][]*heard
	tokens  map[uint64][]*heard
}

func newBeside() beside {
	return beside{map[bot.MemberID][]*heard{}, map[uint64][]*heard{}, map[uint64][]*heard{}}
}

func (b beside) add(msg heard) {
	b.senders[msg.Sender] = append(b.senders[msg.Sender], &msg)
	if msg.trace.Text != 0 {
		b.texts[msg.trace.Text] = append(b.texts[msg.trace.Text], &msg)
	}
	for _, t := range msg.trace.Tokens {
		b.tokens[t] = append(b.tokens[t], &msg)
	}
}

// join adds what came before a message in the batch to what the books have around it.
func (b beside) join(msg heard, a *store.Around) {
	within := func(before *heard, span time.Duration) bool {
		ago := msg.SentAt.Sub(before.SentAt)
		return ago >= 0 && ago <= span
	}
	for _, before := range b.senders[msg.Sender] {
		if within(before, time.Minute-1) {
			a.Minute++
		}
		if before.trace.Text == msg.trace.Text && msg.trace.Text != 0 && within(before, repeatWindow) {
			a.Repeat++
		}
	}
	copies := func(of []*heard) (out []store.CopyIn) {
		for _, before := range of {
			if within(before, spreadWindow) {
				out = append(out, store.CopyIn{ChatID: string(before.Chat), Own: before.Sender == msg.Sender})
			}
		}
		return out
	}
	a.Copies = append(a.Copies, copies(b.texts[msg.trace.Text])...)
	for _, t := range msg.trace.Tokens {
		a.Tokens = append(a.Tokens, copies(b.tokens[t])...)
	}
}

// past: what the sender said and did before, and what others said of him.
func (l *loading) past() error {
	talk, err := l.TalkOf(l.senders)
	if err != nil {
		return err
	}
	cases, err := l.CasesAbout(l.senders, l.first.Add(-maxExpire))
	if err != nil {
		return err
	}
	reported, err := l.ReportsAbout(l.senders, l.first.Add(-reportWindow))
	about := map[string][]store.PersonCase{}
	for _, c := range cases {
		about[c.Member] = append(about[c.Member], c)
	}
	for i, msg := range l.msgs {
		who := string(msg.Sender)
		l.out[i].talk, l.out[i].cases, l.out[i].reported = talk[who], about[who], reported[who]
	}
	return err
}

func (l *loading) inviters() error {
	var people []string
	for i := range l.out {
		for _, p := range []string{l.out[i].stay.Inviter, l.out[i].stay.Referrer} {
			if p != "" {
				people = append(people, p)
			}
		}
	}
	guests, err := l.GuestsOf(distinct(people), l.first.Add(-guestWindow), fewRemoved)
	for i := range l.out {
		f := &l.out[i]
		for _, p := range []string{f.stay.Inviter, f.stay.Referrer} {
			if g := guests[p]; p != "" && share(g) > share(f.guests) {
				f.inviter, f.guests = p, g
			}
		}
	}
	return err
}

func share(g store.Guests) float64 { return float64(g.Removed) / float64(max(g.Joined, 1)) }

func (l *loading) hosts() error {
	var all []int64
	for _, msg := range l.msgs {
		all = append(all, prints(msg.trace.Hosts)...)
	}
	known, err := l.HostsAmong(all)
	for i, msg := range l.msgs {
		for _, h := range msg.trace.Hosts {
			if k, ok := known[int64(h)]; !ok || !k.Trusted && msg.SentAt.Sub(k.FirstAt) < newHostFor {
				l.out[i].newHosts++
			}
		}
	}
	return err
}

// nameCache keeps what the detector says of names: there are few of them beside the messages.
type nameCache struct {
	mu    sync.Mutex
	found map[string]spam.Label
}

const maxNames = 20_000

// worst is the first of the names that is the most like advertising.
func (c *nameCache) worst(d *spam.Detector, names ...string) (string, spam.Label) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil || len(c.found) > maxNames {
		c.found = map[string]spam.Label{}
	}
	rank := map[spam.Label]int{spam.Suspect: 1, spam.Spam: 2}
	worst, label := "", spam.Ham
	for _, name := range names {
		found, ok := c.found[name]
		if !ok && name != "" {
			found = d.Check(name).Verdict
			c.found[name] = found
		}
		if rank[found] > rank[label] {
			worst, label = name, found
		}
	}
	return worst, label
}

// aftermath are the facts that a batch adds to the books besides its messages.
type aftermath struct {
	days  map[string]string
	hosts map[int64]bool
}

// remember notes what a message tells for later ones: a day of harmless talk, and hosts that
// staff or harmless messages link to.
func (n *aftermath) remember(msg heard, f facts, a Answer, p Policy) {
	if p.Mode == ModeOff || a.Verdict != string(spam.Ham) {
		return
	}
	for _, h := range msg.trace.Hosts {
		n.hosts[int64(h)] = n.hosts[int64(h)] || f.staff
	}
	if !f.staff && f.day > f.talk.LastDay && utf8.RuneCountInString(msg.text) >= leastTalk {
		n.days[string(msg.Sender)] = max(n.days[string(msg.Sender)], f.day)
	}
}

// verdict joins what the text says with what is known about its sender, and says what follows
// in a group that goes by p. Weights are log-odds and add up.
func verdict(msg heard, f facts, p Policy) Answer {
	switch {
	case p.Mode == ModeOff:
		return harmless("off", "本群已关闭消息判断")
	case f.staff:
		return harmless("staff", "本企业成员和群主的消息不做判断")
	}
	a := Answer{Action: ActNone, Would: ActNone, TextScore: msg.verdict.Score}
	about := weigh(msg, f, p)
	for _, r := range about {
		a.About += r.Weight
	}
	a.Reasons = append(reasonsOf(msg.verdict), about...)
	slices.SortStableFunc(a.Reasons, func(x, y store.Reason) int { return cmp.Compare(math.Abs(y.Weight), math.Abs(x.Weight)) })
	a.Verdict, a.Score = judged(a.TextScore, a.About, f.blocked, p)
	if a.Verdict == string(spam.Suspect) && a.TextScore < p.Review {
		a.Reasons = append(a.Reasons, store.Reason{Check: "harmless-text", Detail: "内容本身未发现广告,仅凭行为最多标为可疑,不会移出"})
	}
	if msg.ticket == "" { // which people answer, and nobody acts on
		a.Would = map[string]string{string(spam.Spam): ActRemove, string(spam.Suspect): ActWarn, string(spam.Ham): ActNone}[a.Verdict]
	}
	if p.tells() {
		a.Action = a.Would
	}
	return a
}

// personFar is how much has to weigh against a person, as log-odds, before harmless talk is
// suspect: about four people in a hundred whom so much speaks against are innocent, whatever
// the scale of the model is. What a text's own score says below that is only how sure the
// model is that the words are harmless; of somebody who floods it says nothing.
const personFar = 4.0

// judged is the verdict on a score of a text and what weighs about its sender. What is known
// about a person alone makes nobody's harmless talk a removal, but for the blocklist.
func judged(text, about float64, blocked bool, p Policy) (verdict string, score float64) {
	if blocked {
		return string(spam.Spam), 1
	}
	score = text
	if about != 0 {
		at := logit(text)
		if about > 0 {
			at = max(at, logit(p.Review)-personFar)
		}
		score = 1 / (1 + math.Exp(-at-about))
	}
	switch {
	case score >= p.Removal && text >= p.Review:
		return string(spam.Spam), score
	case score >= p.Review:
		if text < p.Review { // the score says no more than the verdict
			score = min(score, (p.Review+p.Removal)/2)
		}
		return string(spam.Suspect), score
	}
	return string(spam.Ham), score
}

// logit is the log-odds of a score. One of 0 or 1 would be deaf to everything else.
func logit(score float64) float64 {
	const tiny = 1e-9
	score = min(max(score, tiny), 1-tiny)
	return math.Log(score / (1 - score))
}
