package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/moderation"
	"xiaobu/store"
)

type reasonView struct {
	Check  string     `json:"check"`
	Detail string     `json:"detail"`
	Weight float64    `json:"weight" doc:"above 0 speaks for spam, below against"`
	Spans  []textSpan `json:"spans,omitempty" doc:"the pieces of the text it speaks of"`
}

type textSpan struct {
	Start int `json:"start" doc:"first byte of the text, in UTF-8"`
	End   int `json:"end" doc:"the byte after the last"`
}

func viewSpans(spans []store.Span) []textSpan {
	out := make([]textSpan, len(spans))
	for i, s := range spans {
		out[i] = textSpan(s)
	}
	return out
}

func viewReasons(rs []store.Reason) []reasonView {
	out := []reasonView{}
	for _, r := range rs {
		out = append(out, reasonView{r.Check, r.Detail, r.Weight, viewSpans(r.Spans)})
	}
	return out
}

type checkView struct {
	Verdict string       `json:"verdict" enum:"spam,suspect,ham"`
	Score   float64      `json:"score"`
	Reasons []reasonView `json:"reasons" nullable:"false"`
}

func viewCheck(v moderation.Answer) checkView {
	return checkView{Verdict: v.Verdict, Score: v.Score, Reasons: viewReasons(v.Reasons)}
}

func (s *server) moderation() {
	type check struct {
		Body struct {
			Text string `json:"text"`
		}
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/check", "judge a text alone", http.StatusOK), func(ctx context.Context, in *check) (*result[checkView], error) {
		if err := s.Moderation.CatchUp(ctx); err != nil {
			return nil, s.fail(ctx, err)
		}
		v := s.Moderation.Check(in.Body.Text)
		return answer(viewCheck(v)), nil
	})
	s.cases()
	s.caseStats()
	s.blocklist()
	s.appChats()
}
