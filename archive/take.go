package archive

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// opened is what came of opening a record.
type opened struct {
	m   Message
	err error
}

// errSealed says that a record could not be decrypted although there is a key of its version.
var errSealed = errors.New("could not be decrypted")

// errDeadly says that the program ended again and again while it opened a record.
var errDeadly = errors.New("the program ended at it, again and again: WeCom's library cannot bear it")

// open decrypts and reads a record.
func (a *Archive) open(r Record) opened {
	key, err := a.keys.randomKey(r)
	if k := (*KeyError)(nil); errors.As(err, &k) {
		return opened{err: err}
	} else if err != nil {
		return opened{err: fmt.Errorf("%w: %w", errSealed, err)}
	}
	data, err := a.Source.Decrypt(key, r.Message)
	if err != nil {
		return opened{err: fmt.Errorf("%w: %w", errSealed, err)}
	}
	a.works[r.KeyVersion] = true
	m, err := parse(data)
	return opened{m: m, err: err}
}

// openAll opens records. A key that has come meanwhile is found.
func (a *Archive) openAll(recs []Record) ([]opened, error) {
	out := make([]opened, len(recs))
	again := false
	for i, r := range recs {
		if ok, err := a.State.begin(r.Seq); err != nil {
			return nil, err
		} else if !ok {
			out[i] = opened{err: errDeadly}
			continue
		}
		out[i] = a.open(r)
		if k := (*KeyError)(nil); errors.As(out[i].err, &k) && !again {
			again = true
			if keys, err := a.Config.Keys(); err == nil {
				a.keys = keys
				out[i] = a.open(r)
			} else {
				a.Log.Error("read private keys", "error", err)
			}
		}
	}
	return out, a.State.end()
}

// take opens records and decides what becomes of each. It stops at the first whose key is
// missing or wrong: with the key everything can be read, so nothing is skipped. A record that
// alone cannot be opened, with a key that opens others, is broken and is put aside.
func (a *Archive) take(recs []Record) error {
	all, err := a.openAll(recs)
	if err != nil {
		return err
	}
	for i, r := range recs {
		err := all[i].err
		if k := (*KeyError)(nil); errors.As(err, &k) {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		if errors.Is(err, errSealed) && !a.works[r.KeyVersion] {
			delete(a.works, r.KeyVersion)
			a.rereadKeys()
			return fmt.Errorf("record %d: %w", r.Seq, &KeyError{r.KeyVersion, fmt.Sprintf("私钥与公钥版本不符 / does not open its messages: is the file named by the right version? (%v)", err)})
		}
		a.window = append(a.window, a.decide(r, all[i]))
		a.pulled = r.Seq
	}
	return nil
}

func (a *Archive) rereadKeys() {
	if keys, err := a.Config.Keys(); err == nil {
		a.keys = keys
	}
}

// decide makes a record a message to post, or says why it is none.
func (a *Archive) decide(r Record, o opened) *pending {
	m := o.m
	p := &pending{seq: r.Seq, kind: m.Type, at: m.At}
	if o.err != nil {
		p.no = &refusal{Seq: r.Seq, Why: o.err.Error(), Record: &r}
		return p
	}
	skip := ""
	switch {
	case m.Action == actionSwitch:
		skip = skippedSilent
	case m.Type == typeAgree || m.Type == typeDisagree:
		p.word = a.consent(m)
	case m.Type == typeRevoke || m.Action == actionRecall:
		skip, p.post = a.revoke(m)
	default:
		skip, p.post, p.file = a.speech(m)
	}
	if skip != "" {
		p.done = true
		a.count(skip, m.Type)
	} else if a.DryRun {
		p.done = true
		a.count(p.fate(), m.Type)
	}
	return p
}

// speech is what somebody said in a group, and the id of a picture that belongs to it.
func (a *Archive) speech(m Message) (skip string, p *Post, file string) {
	if m.Room == "" {
		return skippedSingle, nil, ""
	}
	switch sender(m.From) {
	case fromStaff:
		return skippedStaff, nil, ""
	case fromRobot:
		return skippedRobot, nil, ""
	}
	if ok, why := a.consents.allows(m.From, a.ConsentRequired); !ok {
		return why, nil, ""
	}
	s, ok := say(m.Type, m.body, 0)
	if !ok {
		return skippedSilent, nil, ""
	}
	p = m.post(s.kind)
	p.Text, p.Title, p.URL = s.text, s.title, s.url
	return "", p, s.file
}

func (m Message) post(kind string) *Post {
	return &Post{MessageID: m.ID, ChatID: m.Room, Sender: m.From, SentAt: m.At, Type: kind}
}

// consent notes what a customer says about the archive; the bot is told as well.
func (a *Archive) consent(m Message) *consent {
	row := consent{Person: m.body.UserID, ChatID: m.Room, Agreed: m.Type == typeAgree, At: moment(max(m.body.AgreeTime, m.body.DisagreeTime))}
	if row.Person == "" {
		row.Person = m.From
	}
	if row.At.Before(time.Unix(1, 0)) {
		row.At = m.At
	}
	a.consents.note(row)
	return &row
}

// revoke takes back a message that was not posted yet, and tells the feed. It is told also then:
// after a crash a message that waits again may have been posted.
func (a *Archive) revoke(m Message) (skip string, p *Post) {
	if m.Room == "" || m.body.PreMsgID == "" {
		return skippedSilent, nil
	}
	for _, w := range a.window {
		if !w.done && w.post != nil && w.post.Type != typeRevoke && sameMessage(w.post.MessageID) == sameMessage(m.body.PreMsgID) {
			w.done = true
			a.count(skippedRevoked, w.kind)
		}
	}
	p = m.post(typeRevoke)
	p.Revokes = m.body.PreMsgID
	if outside := strings.TrimPrefix(m.ID, sameMessage(m.ID)); !strings.HasSuffix(p.Revokes, outside) {
		p.Revokes += outside // both are from outside, so the message was posted under the longer id
	}
	return "", p
}
