package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/store"
)

type correctionBody struct {
	Text      string `json:"text,omitempty" maxLength:"65536" doc:"the text itself; or else message_id or case_id"`
	MessageID string `json:"message_id,omitempty" maxLength:"128" doc:"a message of the feed"`
	CaseID    string `json:"case_id,omitempty" maxLength:"20" doc:"the text that a case is about"`
	Label     string `json:"label" enum:"spam,ham"`
	By        string `json:"by,omitempty" maxLength:"64" doc:"whose word it is; left out: api"`
	Note      string `json:"note,omitempty" maxLength:"500"`
	Force     bool   `json:"force,omitempty" doc:"call spam also a few words that many different people say"`
}

type rollbackBody struct {
	By     string    `json:"by,omitempty" maxLength:"64" doc:"whose corrections are taken back; left out: of everybody, then from and to are wanted"`
	From   time.Time `json:"from,omitempty" doc:"those that were made from then on"`
	To     time.Time `json:"to,omitempty" doc:"and before then"`
	DoneBy string    `json:"done_by,omitempty" maxLength:"64" doc:"who takes them back; left out: api"`
	Note   string    `json:"note,omitempty" maxLength:"500"`
}

type rollbackView struct {
	Count int64 `json:"count" doc:"how many were taken back"`
}

// CorrectionRow is a correction as lists show it.
type CorrectionRow struct {
	ID         string             `json:"id"`
	Label      string             `json:"label" enum:"spam,ham"`
	Text       string             `json:"text"`
	By         string             `json:"by"`
	Weight     float64            `json:"weight" doc:"how much the word counts: from 0.5 on a text is at least suspect, or ham unless the evidence is hard; 1 decides"`
	Source     string             `json:"source" enum:"api,case,report"`
	Note       *string            `json:"note"`
	MessageID  *string            `json:"message_id"`
	CaseID     *string            `json:"case_id"`
	CaseChange *string            `json:"case_change" enum:"opened,raised,dismissed" doc:"what it did to the case; null: nothing"`
	At         *time.Time         `json:"at"`
	Active     bool               `json:"active" doc:"false: it was taken back"`
	TakenBack  *correctionEndView `json:"taken_back"`
}

type correctionEndView struct {
	By   string     `json:"by"`
	Note *string    `json:"note"`
	At   *time.Time `json:"at"`
}

type nearCopiesView struct {
	Count int `json:"count" doc:"messages of the last 7 days that are the same text or near copies"`
	Among int `json:"among" doc:"how many messages were looked at, at most 2,000, the newest first"`
}

type correctionView struct {
	CorrectionRow
	Before     checkView      `json:"before" doc:"the verdict on the text now, if the correction had never been made"`
	After      checkView      `json:"after" doc:"the verdict on the text now"`
	NearCopies nearCopiesView `json:"near_copies"`
}

func (s *server) viewCorrectionRow(c store.Correction, end *store.CorrectionEnd) CorrectionRow {
	v := CorrectionRow{ID: idString(c.ID), Label: c.Label, Text: c.Text, By: c.Who, Weight: c.Weight, Source: c.Source, Note: text(c.Note),
		MessageID: text(c.MessageID), CaseChange: text(c.CaseChange), At: s.stamp(c.At), Active: end == nil}
	if c.CaseID != nil {
		id := idString(*c.CaseID)
		v.CaseID = &id
	}
	if end != nil {
		v.TakenBack = &correctionEndView{By: end.Who, Note: text(end.Note), At: s.stamp(end.At)}
	}
	return v
}

func (s *server) viewCorrection(t moderation.Taught) correctionView {
	return correctionView{CorrectionRow: s.viewCorrectionRow(t.Correction, t.End), Before: viewCheck(t.Before), After: viewCheck(t.After),
		NearCopies: nearCopiesView{Count: t.Copies, Among: t.Among}}
}

// failWord is fail for what only corrections are refused with.
func (s *server) failWord(ctx context.Context, err error) error {
	var many *moderation.TooMany
	if errors.As(err, &many) {
		return huma.Error429TooManyRequests(many.Detail)
	}
	return s.fail(ctx, err)
}

func (s *server) corrections() {
	type create struct {
		Keyed
		Body correctionBody
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/corrections", "say that a text is spam, or that it is not: it and its near copies are judged by that from then on, nothing else", http.StatusCreated), func(ctx context.Context, in *create) (*result[correctionView], error) {
		t, err := once(ctx, s, "POST /moderation/corrections", in.Keyed, in.Body, func(remember handlers.Remember) (moderation.Taught, error) {
			l, err := in.Body.lesson()
			if err != nil {
				return moderation.Taught{}, err
			}
			return s.Moderation.Correct(ctx, l, remember)
		}, func(id string) (moderation.Taught, error) { return s.taught(ctx, id) })
		if err != nil {
			return nil, s.failWord(ctx, err)
		}
		return answer(s.viewCorrection(t)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/corrections/{id}", "a correction and what it does now", http.StatusOK), func(ctx context.Context, in *oneID) (*result[correctionView], error) {
		t, err := s.taught(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewCorrection(t)), nil
	})
	s.correctionList()
	s.takeBack()
}

func (s *server) taught(ctx context.Context, id string) (moderation.Taught, error) {
	return byID(id, func(n int64) (moderation.Taught, error) { return s.Moderation.Taught(ctx, n) })
}

func (b correctionBody) lesson() (moderation.Lesson, error) {
	l := moderation.Lesson{Text: b.Text, MessageID: b.MessageID, Label: b.Label, By: b.By, Note: b.Note, Force: b.Force}
	if b.CaseID == "" {
		return l, nil
	}
	var err error
	if l.CaseID, err = strconv.ParseInt(b.CaseID, 10, 64); err != nil || l.CaseID <= 0 {
		return l, handlers.Invalidf("case_id", "%q is no id of a case", b.CaseID)
	}
	return l, nil
}

func (s *server) correctionList() {
	type filter struct {
		Page
		By     string    `query:"by" maxLength:"64"`
		Label  string    `query:"label" enum:"spam,ham"`
		From   time.Time `query:"from" doc:"made from then on"`
		To     time.Time `query:"to" doc:"made before then"`
		Active string    `query:"active" enum:"true,false" doc:"false: those that were taken back"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/corrections", "what people said about texts, oldest first", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[CorrectionRow]], error) {
		f := store.CorrectionFilter{Who: in.By, Label: in.Label, From: in.From, To: in.To}
		if in.Active != "" {
			active := in.Active == "true"
			f.Active = &active
		}
		ends := map[int64]*store.CorrectionEnd{}
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Correction, error) {
			f.Cursor, f.Limit = after, limit
			rows, err := s.Store.Read(ctx).Corrections(f)
			if err != nil {
				return nil, err
			}
			ids := make([]int64, len(rows))
			for i, c := range rows {
				ids[i] = c.ID
			}
			over, err := s.Store.Read(ctx).CorrectionEnds(ids)
			for i := range over {
				ends[over[i].CorrectionID] = &over[i]
			}
			return rows, err
		}, func(c store.Correction) CorrectionRow { return s.viewCorrectionRow(c, ends[c.ID]) }, func(c store.Correction) int64 { return c.ID })
	})
}

func (s *server) takeBack() {
	type end struct {
		ID   string `path:"id"`
		By   string `query:"by" maxLength:"64" doc:"who takes it back; left out: api"`
		Note string `query:"note" maxLength:"500"`
	}
	huma.Register(s.api, op(http.MethodDelete, "/moderation/corrections/{id}", "take a correction back, as if it had never been made", http.StatusNoContent), func(ctx context.Context, in *end) (*none, error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.Moderation.TakeBack(ctx, id, in.By, in.Note); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
	type many struct{ Body rollbackBody }
	huma.Register(s.api, op(http.MethodPost, "/moderation/corrections/rollback", "take back all corrections of a person, of a time, or of both", http.StatusOK), func(ctx context.Context, in *many) (*result[rollbackView], error) {
		b := in.Body
		n, err := s.Moderation.Rollback(ctx, moderation.Rollback{Of: b.By, From: b.From, To: b.To, By: b.DoneBy, Note: b.Note})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(rollbackView{n}), nil
	})
}
