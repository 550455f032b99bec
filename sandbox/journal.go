package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// keepEntries is how many entries the journal remembers.
const keepEntries = 20_000

// What an Entry tells about.
const (
	EntryGroup    = "group"    // a group was made, renamed, handed over, dissolved
	EntryJoin     = "join"     // somebody came into a group
	EntryLeave    = "leave"    // somebody left a group or was removed
	EntryContact  = "contact"  // a contact began or ended
	EntryWelcome  = "welcome"  // a customer received a welcome
	EntryTask     = "task"     // a mass-message task was made, reminded of, confirmed, cancelled
	EntryPost     = "post"     // a mass message appeared in a group
	EntryMoment   = "moment"   // a moment was made, published, liked or written below
	EntryLogin    = "login"    // somebody logged in to a page
	EntrySay      = "say"      // somebody said something in a group
	EntryMessage  = "message"  // the app wrote to staff
	EntryCard     = "card"     // a card was shown, pressed or changed
	EntryCallback = "callback" // a callback was delivered, refused, dropped or given up
	EntryFeed     = "feed"     // a message was handed to the feed, or refused by it
	EntryAPI      = "api"      // an API call
	EntryDetail   = "detail"   // groupchat/get shows a change from now on
	EntryFault    = "fault"    // faults were switched
	EntryAccount  = "account"  // a follower and the official account did something
	EntryStory    = "story"    // a habit of a story could not be followed
)

// Entry is one thing that happened, told for people to read.
type Entry struct {
	Seq      int64     `json:"seq"`                 // 1, 2, 3 …
	At       time.Time `json:"at"`                  // UTC
	Kind     string    `json:"kind"`                // one of the Entry constants
	Who      string    `json:"who,omitempty"`       // a userid or external_userid
	Name     string    `json:"name,omitempty"`      // the name of Who
	Chat     string    `json:"chat,omitempty"`      // a chat_id
	ChatName string    `json:"chat_name,omitempty"` // the name of Chat
	Text     string    `json:"text"`                // what happened, without the names above
	TextZH   string    `json:"text_zh,omitempty"`   // the same in Chinese; empty where Text is no sentence of the sandbox's own
}

// journal is the memory of entries.
type journal struct {
	entries []Entry
	last    int64
	untold  []Entry // not yet handed to OnEntry
	telling bool    // somebody is handing entries to OnEntry
}

// words are a text of an entry in both languages; zh is empty where they are the same.
type words struct{ en, zh string }

// both writes one sentence in both languages, with the same arguments.
func both(en, zh string, args ...any) words {
	if len(args) == 0 {
		return words{en, zh}
	}
	return words{fmt.Sprintf(en, args...), fmt.Sprintf(zh, args...)}
}

// bare is what people said, or what programs call things, in whatever language.
func bare(text string) words { return words{en: text} }

// and adds an ending in both languages.
func (w words) and(en, zh string) words { return words{w.en + en, cmp.Or(w.zh, w.en) + zh} }

// note writes an entry; the caller holds the lock.
func (s *Sandbox) note(now time.Time, kind, who string, g *group, text words) {
	e := Entry{At: now, Kind: kind, Who: who, Name: s.nameOf(who), Text: text.en, TextZH: text.zh}
	if g != nil {
		e.Chat, e.ChatName = g.id, g.name
	}
	j := &s.journal
	j.last++
	e.Seq = j.last
	if len(j.entries) >= keepEntries {
		j.entries = slices.Clone(j.entries[keepEntries/10:])
	}
	j.entries = append(j.entries, e)
	if s.cfg.OnEntry != nil {
		j.untold = append(j.untold, e)
	}
}

// Log returns the remembered entries with a Seq greater than after, oldest first. Some
// twenty thousand are remembered.
func (s *Sandbox) Log(after int64) []Entry {
	s.enter()
	defer s.leave()
	i, _ := slices.BinarySearchFunc(s.journal.entries, after+1, func(e Entry, seq int64) int {
		return int(e.Seq - seq)
	})
	return slices.Clone(s.journal.entries[i:])
}
