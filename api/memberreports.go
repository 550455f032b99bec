package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/store"
)

type memberReportBody struct {
	ChatID    string `json:"chat_id" maxLength:"128"`
	Member    string `json:"member" maxLength:"128" doc:"whom it is about"`
	Reporter  string `json:"reporter" maxLength:"128" doc:"user id of a member of the group, or of staff"`
	MessageID string `json:"message_id,omitempty" maxLength:"128" doc:"the message it is about; left out: the person"`
	Text      string `json:"text,omitempty" doc:"what was said; left out: that of the message"`
	Note      string `json:"note,omitempty" maxLength:"500"`
}

type memberReportView struct {
	ID        string     `json:"id"`
	ChatID    string     `json:"chat_id"`
	Member    string     `json:"member"`
	Reporter  string     `json:"reporter"`
	Staff     bool       `json:"staff" doc:"the reporter works for the company"`
	MessageID *string    `json:"message_id"`
	Text      string     `json:"text"`
	Note      string     `json:"note"`
	Weight    float64    `json:"weight" doc:"what the word counts, 0 to 1, by how often the reporter was right"`
	Outcome   *string    `json:"outcome" enum:"right,wrong" doc:"null while nobody knows"`
	CaseID    *string    `json:"case_id" doc:"the case that it led to, or that decided it"`
	CreatedAt *time.Time `json:"created_at" doc:"one report a day of somebody on a person counts; a second one answers the first"`
}

func (s *server) viewMemberReport(r store.MemberReport) memberReportView {
	v := memberReportView{ID: idString(r.ID), ChatID: r.ChatID, Member: r.Member, Reporter: r.Reporter, Staff: r.Staff, MessageID: text(r.MessageID),
		Text: r.Text, Note: r.Note, Weight: r.Weight, Outcome: text(r.Outcome), CreatedAt: s.stamp(r.CreatedAt)}
	if r.CaseID != nil {
		id := idString(*r.CaseID)
		v.CaseID = &id
	}
	return v
}

type reporterView struct {
	Reporter string  `json:"reporter"`
	Staff    bool    `json:"staff"`
	Reports  int64   `json:"reports"`
	Right    int64   `json:"right" doc:"of those, how many ended in a removal"`
	Wrong    int64   `json:"wrong" doc:"of those, how many were dismissed"`
	Weight   float64 `json:"weight" doc:"what the next word counts, 0 to 1"`
}

func viewReporter(r store.ReportRecord) reporterView {
	return reporterView{r.Reporter, r.Staff, r.Reports, r.Right, r.Wrong, moderation.Trust(r)}
}

// memberReports is what people say about members.
func (s *server) memberReports() {
	type filter struct {
		Page
		ChatID   string `query:"chat_id" maxLength:"128"`
		Member   string `query:"member" maxLength:"128"`
		Reporter string `query:"reporter" maxLength:"128"`
	}
	type post struct {
		Keyed
		Body memberReportBody
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/reports", "what people said about members", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[memberReportView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.MemberReport, error) {
			return s.Store.Read(ctx).MemberReports(store.MemberReportFilter{Chat: in.ChatID, Member: in.Member, Reporter: in.Reporter, Cursor: after, Limit: limit})
		}, s.viewMemberReport, func(r store.MemberReport) int64 { return r.ID })
	})
	huma.Register(s.api, op(http.MethodPost, "/moderation/reports", "report a member; enough words have a person look at it", http.StatusCreated), func(ctx context.Context, in *post) (*result[memberReportView], error) {
		b := in.Body
		rep, err := once(ctx, s, "POST /moderation/reports", in.Keyed, b, func(remember handlers.Remember) (store.MemberReport, error) {
			rep, _, err := s.Moderation.Report(ctx, store.MemberReport{ChatID: b.ChatID, Member: b.Member, Reporter: b.Reporter, MessageID: b.MessageID, Text: b.Text, Note: b.Note}, remember)
			return rep, err
		}, func(resource string) (store.MemberReport, error) {
			return byID(resource, s.Store.Read(ctx).MemberReport)
		})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewMemberReport(rep)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/reporters", "how often those who report were right", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[reporterView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).ReportRecords(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, viewReporter, func(r store.ReportRecord) string { return wordsCursor(r.Reporter) }), nil
	})
}
