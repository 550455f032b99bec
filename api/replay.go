package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/moderation"
)

type replayCounts struct {
	Ham     int `json:"ham"`
	Suspect int `json:"suspect"`
	Spam    int `json:"spam"`
	Warned  int `json:"warned" doc:"a person was to look at it"`
	Removed int `json:"removed" doc:"the sender was to be removed"`
}

type replayChanged struct {
	Messages     int `json:"messages"`
	SaidHarmless int `json:"people_said_harmless" doc:"of them: people dismissed the case, or said so in a correction"`
	SaidSpam     int `json:"people_said_spam" doc:"of them: the person was removed, or a correction says spam"`
}

type replayVerdict struct {
	Verdict string  `json:"verdict" enum:"spam,suspect,ham"`
	Score   float64 `json:"score"`
	Action  string  `json:"action" enum:"none,warn,remove"`
}

type replayItem struct {
	MessageID string        `json:"message_id"`
	ChatID    string        `json:"chat_id"`
	Sender    string        `json:"sender"`
	SentAt    *time.Time    `json:"sent_at"`
	Text      string        `json:"text"`
	Reasons   []reasonView  `json:"reasons" nullable:"false" doc:"of the verdict that was given"`
	Before    replayVerdict `json:"before"`
	After     replayVerdict `json:"after"`
	People    *string       `json:"people" enum:"removed,dismissed" doc:"what people decided; null: nothing"`
}

type replayView struct {
	From          *time.Time    `json:"from"`
	To            *time.Time    `json:"to"`
	Messages      int           `json:"messages" doc:"that came in between"`
	NotJudged     int           `json:"not_judged" doc:"of them: from staff and owners, or in groups where nothing was judged"`
	HarmlessSince *time.Time    `json:"harmless_since" doc:"messages from before are there only as far as a case is about them; the others were forgotten (moderation.keep)"`
	Complete      bool          `json:"complete" doc:"false: harmless messages of the time were forgotten, and what would have been flagged among them is not known"`
	Before        replayCounts  `json:"before"`
	After         replayCounts  `json:"after"`
	Flagged       replayChanged `json:"flagged" doc:"harmless then, not any more"`
	Freed         replayChanged `json:"freed" doc:"not harmless then, but now"`
	Items         []replayItem  `json:"items" nullable:"false" doc:"messages whose verdict changes, in the order in which they came in"`
	NextCursor    string        `json:"next_cursor" doc:"empty on the last page"`
}

type replayQuery struct {
	Page
	From      time.Time `query:"from" required:"true" doc:"messages that came in at or after"`
	To        time.Time `query:"to" required:"true" doc:"and before"`
	Threshold float64   `query:"threshold" required:"true" doc:"the score from which on a message would have been suspect (review)"`
	Removal   float64   `query:"removal" doc:"the score from which on it would have been spam; left out: as it is now"`
	ChatID    string    `query:"chat_id" maxLength:"128"`
	Mode      string    `query:"mode" enum:"off,dry,ask,act" doc:"left out: as it is now"`
	Rejudge   bool      `query:"rejudge" doc:"judge the texts by the model as it is now; slower"`
}

func (s *server) replay() {
	huma.Register(s.api, op(http.MethodGet, "/moderation/replay", "what other settings would have said about messages that came in", http.StatusOK), func(ctx context.Context, in *replayQuery) (*result[replayView], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		q := moderation.Replay{From: in.From, To: in.To, Chat: in.ChatID, Review: in.Threshold, Mode: in.Mode, Rejudge: in.Rejudge, After: after[0], Limit: in.Limit}
		if in.Removal != 0 {
			q.Removal = &in.Removal
		}
		r, err := s.Moderation.Replay(ctx, q)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewReplay(in, r)), nil
	})
}

func (s *server) viewReplay(in *replayQuery, r moderation.Replayed) replayView {
	v := replayView{From: s.stamp(in.From), To: s.stamp(in.To), Messages: r.Messages, NotJudged: r.NotJudged, HarmlessSince: s.stamp(r.HarmlessSince),
		Complete: r.Complete, Before: replayCounts(r.Before), After: replayCounts(r.After),
		Flagged: replayChanged(r.Flagged), Freed: replayChanged(r.Freed), Items: []replayItem{}}
	for _, c := range r.Changes {
		v.Items = append(v.Items, replayItem{MessageID: c.ID, ChatID: c.Message.ChatID, Sender: c.Message.Sender, SentAt: s.stamp(c.Message.SentAt),
			Text: c.Message.Text, Reasons: viewReasons(c.Message.Reasons), Before: replayVerdict(c.Before), After: replayVerdict(c.After), People: text(c.People)})
		if r.More {
			v.NextCursor = wordsCursor(c.ID)
		}
	}
	return v
}
