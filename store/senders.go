package store

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is looked at for one message.
const (
	// MostInAMinute is where counting one sender's messages ends.
	MostInAMinute = 64
	// MostCopies is how many copies of a text, the newest, are looked at.
	MostCopies = 32
)

// Saying is a message as its copies and its sender's other messages are asked about.
type Saying struct {
	Sender      string
	At          time.Time
	Fingerprint int64   // 0: its copies cannot be told
	Tokens      []int64 // of links and accounts
}

// CopyIn is a message that says the same, or gives the same link or account, by its group.
type CopyIn struct {
	ChatID string
	Own    bool // by the same person
}

// Around is what the books have around a message, up to its own moment.
type Around struct {
	Minute int      // messages of the sender within a minute, at most MostInAMinute
	Repeat int      // copies of the text by the sender within repeat, of the newest MostCopies
	Copies []CopyIn // copies of the text within spread, of the newest MostCopies
	Tokens []CopyIn // messages with the same link or account within spread, MostCopies of each
}

// Around looks around messages: repeat and spread are how far back copies count. An answer
// is there for each message, in their order.
func (r Reader) Around(msgs []Saying, repeat, spread time.Duration) ([]Around, error) {
	out := make([]Around, len(msgs))
	at := make([]int, len(msgs))
	for i := range at {
		at[i] = i
	}
	err := chunked(at, func(part []int) error {
		if err := r.aroundTexts(msgs, part, repeat, spread, out); err != nil {
			return err
		}
		return r.aroundTokens(msgs, part, spread, out)
	})
	return out, err
}

func (r Reader) aroundTexts(msgs []Saying, part []int, repeat, spread time.Duration, out []Around) error {
	var args []any
	for _, i := range part {
		m := msgs[i]
		args = append(args, i, m.Sender, m.At.UnixMilli(), m.Fingerprint)
	}
	copies := func(column string, within time.Duration) string {
		return `SELECT ` + column + ` FROM message WHERE fingerprint = q.print AND fingerprint <> 0 AND sent_at >= q.at - ` +
			strconv.FormatInt(within.Milliseconds(), 10) + ` AND sent_at <= q.at ORDER BY sent_at DESC LIMIT ` + strconv.Itoa(MostCopies)
	}
	query := `WITH q (i, sender, at, print) AS (` + r.rowsOf(len(part), "BIGINT", "TEXT", "BIGINT", "BIGINT") + `) SELECT i,
		(SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE message.sender = q.sender AND sent_at > q.at - 60000 AND sent_at <= q.at LIMIT ` + strconv.Itoa(MostInAMinute) + `) AS m),
		(SELECT COUNT(*) FROM (` + copies("sender", repeat) + `) AS c WHERE c.sender = q.sender),
		` + r.groupsOf(copies("sender, chat_id", spread)) + ` FROM q`
	return r.scan(query, args, func(scan func(...any) error) error {
		var i int
		var a Around
		var groups string
		if err := scan(&i, &a.Minute, &a.Repeat, &groups); err != nil {
			return err
		}
		a.Copies = copiesOf(groups)
		out[i] = a
		return nil
	})
}

func (r Reader) aroundTokens(msgs []Saying, part []int, spread time.Duration, out []Around) error {
	var args []any
	rows := 0
	for _, i := range part {
		for _, t := range msgs[i].Tokens {
			args = append(args, i, msgs[i].Sender, msgs[i].At.UnixMilli(), t)
			rows++
		}
	}
	if rows == 0 {
		return nil
	}
	query := `WITH q (i, sender, at, print) AS (` + r.rowsOf(rows, "BIGINT", "TEXT", "BIGINT", "BIGINT") + `) SELECT i, ` +
		r.groupsOf(`SELECT sender, chat_id FROM message_token WHERE token = q.print AND sent_at >= q.at - `+
			strconv.FormatInt(spread.Milliseconds(), 10)+` AND sent_at <= q.at ORDER BY sent_at DESC LIMIT `+strconv.Itoa(MostCopies)) + ` FROM q`
	return r.scan(query, args, func(scan func(...any) error) error {
		var i int
		var groups string
		if err := scan(&i, &groups); err != nil {
			return err
		}
		out[i].Tokens = append(out[i].Tokens, copiesOf(groups)...)
		return nil
	})
}

// rowsOf are rows of parameters of some types, as a query.
func (r Reader) rowsOf(n int, types ...string) string {
	row := "(?" + strings.Repeat(",?", len(types)-1) + ")"
	first := row
	if r.dialect == postgres { // which takes the types of all from the first
		first = "(CAST(? AS " + strings.Join(types, "),CAST(? AS ") + "))"
	}
	return "VALUES " + first + strings.Repeat(","+row, n-1)
}

// groupsOf packs copies into one value: a query inside another answers with one column, and one
// walk is to do. That a group comes twice costs less than to have the database look for it.
func (r Reader) groupsOf(copies string) string {
	packed := "group_concat(g, char(10))"
	if r.dialect == postgres {
		packed = "string_agg(g, chr(10))"
	}
	return `(SELECT COALESCE(` + packed + `, '') FROM (SELECT CASE WHEN c.sender = q.sender THEN '+' ELSE '-' END || c.chat_id AS g FROM (` + copies + `) AS c) AS d)`
}

func copiesOf(packed string) []CopyIn {
	if packed == "" {
		return nil
	}
	var out []CopyIn
	for g := range strings.SplitSeq(packed, "\n") {
		out = append(out, CopyIn{ChatID: g[1:], Own: g[0] == '+'})
	}
	return out
}

// scan asks a question of the hot path and reads its rows. On SQLite it goes past gorm.
func (r Reader) scan(query string, args []any, row func(scan func(...any) error) error) error {
	ask := func() (rows sqlRows, err error) { return r.db.Raw(query, args...).Rows() }
	if r.dialect == sqlite {
		ask = func() (sqlRows, error) {
			return r.db.Statement.ConnPool.QueryContext(r.db.Statement.Context, query, args...)
		}
	}
	rows, err := ask()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sqlRows is *sql.Rows.
type sqlRows interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

// pairs reads two texts a row into a map.
func (r Reader) pairs(query string, args ...any) (map[string]string, error) {
	out := map[string]string{}
	err := r.scan(query, args, func(scan func(...any) error) error {
		var k, v string
		if err := scan(&k, &v); err != nil {
			return err
		}
		out[k] = v
		return nil
	})
	return out, err
}

// StaffAmong returns those of some people who are known to belong to the company.
func (r Reader) StaffAmong(users []string) (map[string]bool, error) {
	in, args := r.among("user_id", users)
	found, err := r.pairs(`SELECT user_id, '' FROM staff WHERE `+in, args...)
	out := make(map[string]bool, len(found))
	for user := range found {
		out[user] = true
	}
	return out, err
}

// OwnersOfChats returns the owners of those of some groups that are known.
func (r Reader) OwnersOfChats(chats []string) (map[string]string, error) {
	in, args := r.among("chat_id", chats)
	return r.pairs(`SELECT chat_id, owner FROM chat WHERE `+in, args...)
}

// BlockedAmong returns who of some user ids and union ids is on the blocklist, with the reason.
func (r Reader) BlockedAmong(people []string) (map[string]string, error) {
	in, args := r.among("person", people)
	return r.pairs(`SELECT person, reason FROM blocked WHERE `+in, args...)
}

// StaysOf lists the stays of some people in all groups, the oldest first.
func (r Reader) StaysOf(users []string) ([]Stint, error) {
	in, args := r.among("user_id", users)
	var out []Stint
	err := r.scan(`SELECT chat_id, user_id, kind, name, nickname, union_id, joined_at, inviter, referrer, COALESCE(left_at, 0), left_how FROM stint WHERE `+in, args,
		func(scan func(...any) error) error {
			var s Stint
			var joined, left int64
			if err := scan(&s.ChatID, &s.UserID, &s.Kind, &s.Name, &s.Nickname, &s.UnionID, &joined, &s.Inviter, &s.Referrer, &left, &s.LeftHow); err != nil {
				return err
			}
			s.JoinedAt = fromMS(joined)
			if left != 0 {
				s.LeftAt = fromMS(left)
			}
			out = append(out, s)
			return nil
		})
	sortStints(out)
	return out, err
}

// Removal is a stay that ended because somebody put the person out.
type Removal struct {
	ChatID, UserID, UnionID string
	At                      time.Time
}

// RemovalsOf lists how people of some union ids, under whatever user id, were put out of groups.
func (r Reader) RemovalsOf(unions []string) ([]Removal, error) {
	if len(unions) == 0 {
		return nil, nil
	}
	in, args := r.among("union_id", unions)
	var out []Removal
	err := r.scan(`SELECT chat_id, user_id, union_id, left_at FROM stint WHERE union_id <> '' AND left_how = 'removed' AND left_at IS NOT NULL AND `+in, args,
		func(scan func(...any) error) error {
			var rem Removal
			var at int64
			if err := scan(&rem.ChatID, &rem.UserID, &rem.UnionID, &at); err != nil {
				return err
			}
			rem.At = fromMS(at)
			out = append(out, rem)
			return nil
		})
	slices.SortFunc(out, func(a, b Removal) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ChatID, b.ChatID)) })
	return out, err
}

// Talked is how often somebody said something harmless.
type Talked struct {
	Days    int
	LastDay string // the last local day of them, 2026-11-23
}

// TalkOf returns on how many days some people said something harmless.
func (r Reader) TalkOf(users []string) (map[string]Talked, error) {
	in, args := r.among("sender", users)
	out := map[string]Talked{}
	err := r.scan(`SELECT sender, days, last_day FROM talker WHERE `+in, args, func(scan func(...any) error) error {
		var user string
		var t Talked
		if err := scan(&user, &t.Days, &t.LastDay); err != nil {
			return err
		}
		out[user] = t
		return nil
	})
	return out, err
}

// Talk notes, by people, a local day on which they said something harmless. A day counts once,
// and none that lies before the last.
func (tx *Tx) Talk(days map[string]string) error {
	for _, user := range slices.Sorted(maps.Keys(days)) {
		if _, err := tx.exec(`INSERT INTO talker (sender, days, last_day) VALUES (?,1,?)
			ON CONFLICT (sender) DO UPDATE SET days = talker.days + 1, last_day = excluded.last_day WHERE excluded.last_day > talker.last_day`, user, days[user]); err != nil {
			return err
		}
	}
	return nil
}

// PersonCase is what became of a case, and when it was opened.
type PersonCase struct {
	Member, Status string
	At             time.Time
}

// CasesAbout lists the cases about some people since a moment, the oldest first.
func (r Reader) CasesAbout(members []string, since time.Time) ([]PersonCase, error) {
	in, args := r.among("member", members)
	var out []PersonCase
	err := r.scan(`SELECT member, status, created_at FROM mod_case WHERE `+in+` AND created_at >= ?`, append(args, since.UnixMilli()), func(scan func(...any) error) error {
		var c PersonCase
		var at int64
		if err := scan(&c.Member, &c.Status, &at); err != nil {
			return err
		}
		c.At = fromMS(at)
		out = append(out, c)
		return nil
	})
	slices.SortStableFunc(out, func(a, b PersonCase) int { return a.At.Compare(b.At) })
	return out, err
}

// Guests are the people whom an inviter brought since a moment.
type Guests struct{ Joined, Removed int }

// mostGuests is where counting an inviter's guests ends.
const mostGuests = 500

// GuestsOf counts the guests of some inviters: members of staff, or customers with a code of
// their own. Inviters of whom fewer than least guests were removed are left out.
func (r Reader) GuestsOf(inviters []string, since time.Time, least int) (map[string]Guests, error) {
	out := map[string]Guests{}
	if len(inviters) == 0 {
		return out, nil
	}
	for _, column := range []string{"inviter", "referrer"} {
		in, args := r.among(column, inviters)
		var found []string
		err := r.scan(`SELECT `+column+`, COUNT(*) FROM stint WHERE left_how = 'removed' AND `+column+` <> '' AND `+in+` AND joined_at >= ? GROUP BY `+column+` HAVING COUNT(*) >= ?`,
			append(args, since.UnixMilli(), least), func(scan func(...any) error) error {
				var who string
				var g Guests
				if err := scan(&who, &g.Removed); err != nil {
					return err
				}
				out[who] = g
				found = append(found, who)
				return nil
			})
		if err != nil {
			return nil, err
		}
		for _, who := range found { // they are few
			g := out[who]
			if err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM stint WHERE `+column+` = ? AND `+column+` <> '' AND joined_at >= ? LIMIT ?) AS g`,
				who, since.UnixMilli(), mostGuests).Scan(&g.Joined).Error; err != nil {
				return nil, err
			}
			g.Joined = max(g.Joined, g.Removed)
			out[who] = g
		}
	}
	return out, nil
}

// Host is a host of links as it is known.
type Host struct {
	FirstAt time.Time
	Trusted bool // staff posted a link to it
}

// HostsAmong returns those of some hosts, by their fingerprints, that are known.
func (r Reader) HostsAmong(hosts []int64) (map[int64]Host, error) {
	out := map[int64]Host{}
	err := chunked(hosts, func(part []int64) error {
		args := make([]any, len(part))
		for i, h := range part {
			args[i] = h
		}
		return r.scan(`SELECT host, first_at, trusted FROM link_host WHERE host IN (?`+strings.Repeat(",?", len(part)-1)+`)`, args, func(scan func(...any) error) error {
			var host, at int64
			var h Host
			if err := scan(&host, &at, &h.Trusted); err != nil {
				return err
			}
			h.FirstAt = fromMS(at)
			out[host] = h
			return nil
		})
	})
	return out, err
}

// SeeHosts notes that links to hosts were posted now; the value says that staff did, which makes
// a host trusted for good.
func (tx *Tx) SeeHosts(hosts map[int64]bool) error {
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if _, err := tx.exec(`INSERT INTO link_host (host, first_at, trusted) VALUES (?,?,?)
			ON CONFLICT (host) DO UPDATE SET trusted = excluded.trusted WHERE excluded.trusted AND NOT link_host.trusted`, host, tx.Now.UnixMilli(), hosts[host]); err != nil {
			return err
		}
	}
	return nil
}

// PruneHosts forgets hosts that were first seen before a time and that nobody of staff posted, at
// most limit at once. One that is posted again is new for a day.
func (tx *Tx) PruneHosts(before time.Time, limit int) (int64, error) {
	return tx.exec(`DELETE FROM link_host WHERE host IN (SELECT host FROM link_host WHERE first_at < ? AND NOT trusted LIMIT ?)`, before.UnixMilli(), limit)
}
