package moderation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// What reports count.
const (
	reportsLately = 7 * 24 * time.Hour // reports of that long are summed up
	reportsEnough = 0.7                // the sum from which on a person looks at it
	maxReportNote = 500                // characters
)

// Trust is what a reporter's word counts, 0 to 1: how often it was right, as if there had been
// four reports before, one of them right of a customer, three of a member of staff.
func Trust(rec store.ReportRecord) float64 {
	right := 1.0
	if rec.Staff {
		right = 3
	}
	return (float64(rec.Right) + right) / (float64(rec.Right+rec.Wrong) + 4)
}

// Report takes somebody's word on a member of a group. It counts once a day for each reporter
// and person; false says that it did not count again. Enough words have a person look at it,
// and nothing more: nobody is removed because others say so.
func (m *Moderator) Report(ctx context.Context, rep store.MemberReport, remember handlers.Remember) (store.MemberReport, bool, error) {
	if err := checkReport(rep); err != nil {
		return rep, false, err
	}
	fresh := false
	err := m.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if rep, fresh, err = m.report(tx, rep); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(rep.ID))
	})
	return rep, fresh, err
}

func checkReport(rep store.MemberReport) error {
	for _, f := range []struct{ name, id string }{{"chat_id", rep.ChatID}, {"member", rep.Member}, {"reporter", rep.Reporter}} {
		if f.id == "" || len(f.id) > maxMessageID {
			return handlers.Invalidf(f.name, "has %d bytes; want 1 to %d", len(f.id), maxMessageID)
		}
	}
	switch {
	case rep.Member == rep.Reporter:
		return handlers.Invalidf("reporter", "reports himself")
	case len(rep.MessageID) > maxMessageID:
		return handlers.Invalidf("message_id", "has %d bytes; want at most %d", len(rep.MessageID), maxMessageID)
	case len(rep.Text) > maxFeedText:
		return handlers.Invalidf("text", "has %d bytes; want at most %d", len(rep.Text), maxFeedText)
	}
	return handlers.CheckMost("note", rep.Note, maxReportNote)
}

// report writes a report down and, where words are enough, opens a case.
func (m *Moderator) report(tx *store.Tx, rep store.MemberReport) (store.MemberReport, bool, error) {
	if err := m.fillReport(tx, &rep); err != nil {
		return rep, false, err
	}
	rec, err := tx.ReportRecord(rep.Reporter)
	if err != nil {
		return rep, false, err
	}
	rec.Staff = rep.Staff
	rep.Weight, rep.Day = Trust(rec), m.day(tx.Now)
	fresh, err := tx.AddMemberReport(&rep)
	if err != nil || !fresh {
		return rep, false, err
	}
	sum, err := tx.ReportsAbout([]string{rep.Member}, tx.Now.Add(-reportsLately))
	if err != nil || sum[rep.Member].Weight < reportsEnough {
		return rep, true, err
	}
	c, err := m.open(tx, m.reportedCase(rep, sum[rep.Member]))
	if err != nil {
		return rep, true, err
	}
	rep.CaseID = &c.ID
	return rep, true, tx.LinkReport(rep.ID, c.ID)
}

// fillReport finds out what a report leaves open, and refuses one that cannot be.
func (m *Moderator) fillReport(tx *store.Tx, rep *store.MemberReport) error {
	about, err := tx.LastStint(bot.ChatID(rep.ChatID), bot.MemberID(rep.Member))
	if errors.Is(err, store.ErrNotFound) {
		return handlers.Invalidf("member", "was never seen in the group")
	}
	if err != nil {
		return err
	}
	staff, err := tx.IsStaff(bot.MemberID(rep.Member))
	if err != nil {
		return err
	}
	if staff || about.Kind == string(bot.Staff) {
		return handlers.Invalidf("member", "works for the company; staff are not judged")
	}
	if rep.Staff, err = tx.IsStaff(bot.MemberID(rep.Reporter)); err != nil {
		return err
	}
	by, err := tx.LastStint(bot.ChatID(rep.ChatID), bot.MemberID(rep.Reporter))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	rep.Staff = rep.Staff || by.Kind == string(bot.Staff)
	if !rep.Staff && (err != nil || !by.LeftAt.IsZero()) {
		return handlers.Invalidf("reporter", "is neither in the group nor staff")
	}
	return fillReported(tx, rep)
}

// fillReported takes the text of a report from the message that it names.
func fillReported(tx *store.Tx, rep *store.MemberReport) error {
	if rep.MessageID == "" {
		return nil
	}
	said, err := tx.Message(rep.MessageID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil // the feed may not have brought it
	case err != nil:
		return err
	case said.Sender != rep.Member || said.ChatID != rep.ChatID:
		return handlers.Invalidf("message_id", "is a message of somebody else, or in another group")
	}
	if rep.Text == "" {
		rep.Text = said.Text
	}
	return nil
}

// reportedCase is a case for a person to look at.
func (m *Moderator) reportedCase(rep store.MemberReport, sum store.Reported) store.Case {
	c := store.Case{ChatID: rep.ChatID, Member: rep.Member, MessageID: rep.MessageID, Text: rep.Text, Verdict: "suspect", Action: ActWarn,
		Reasons: []store.Reason{{Check: "reports", Detail: fmt.Sprintf("%d 人举报", sum.People), Weight: sum.Weight}}}
	if strings.TrimSpace(rep.Text) != "" {
		v := m.Detector.Check(rep.Text)
		c.Score, c.Reasons = v.Score, append(c.Reasons, reasonsOf(v)...)
	}
	return c
}

// settled does what follows from the end of a case: those who reported the person hear whether
// they were right, and what he brings people in with is stopped, or works again.
func settled(tx *store.Tx, c store.Case) error {
	switch c.Status {
	case store.CaseRemoved:
		if err := tx.SettleReports(c, store.ReportRight); err != nil {
			return err
		}
		return removedForSpam(tx, c)
	case store.CaseDismissed:
		if err := tx.SettleReports(c, store.ReportWrong); err != nil {
			return err
		}
		return release(tx, c)
	}
	return nil
}
