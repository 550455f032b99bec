package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/promotions"
)

// Shown is how a preview is answered.
type Shown struct {
	Format string `query:"format" default:"json" enum:"json,html" doc:"html: a page at a phone's width that looks like the group's chat"`
}

type shownBody struct {
	PromotionBody
	ChatID string    `json:"chat_id,omitempty" doc:"the group it is shown for; left out: the first it means"`
	At     time.Time `json:"at,omitempty" doc:"the occurrence; left out: the next"`
}

type limitShown struct {
	Field string `json:"field" example:"text"`
	Label string `json:"label" example:"文字" doc:"field in Chinese"`
	Have  int    `json:"have"`
	Most  int    `json:"most" doc:"what WeCom takes"`
	Unit  string `json:"unit" enum:"bytes,attachments"`
}

type warningShown struct {
	Code   string `json:"code" example:"unknown_store"`
	Groups int    `json:"groups" doc:"how many it is about; 0: it is not about groups"`
	Text   string `json:"text"`
	TextEN string `json:"text_en"`
}

type shownView struct {
	At       *time.Time   `json:"at"`
	ClosesAt *time.Time   `json:"closes_at" doc:"until then owners may confirm"`
	ChatID   *string      `json:"chat_id" doc:"the group that message is for; null where none is meant"`
	Group    *string      `json:"group"`
	Owner    *string      `json:"owner"`
	Message  contentView  `json:"message" doc:"as it goes out in the group; a link's code is only an example"`
	Limits   []limitShown `json:"limits" nullable:"false"`
	Groups   int          `json:"groups" doc:"this and the next are counted over at most 20,000 groups"`
	Owners   int          `json:"owners" doc:"who have to confirm"`
	Tasks    int          `json:"tasks" doc:"how many confirmations that takes in all"`
	Messages int          `json:"messages" doc:"how many different ones"`
	Outlets  int          `json:"outlets" doc:"staff chats that it goes to besides"`
	// OutletText is null where there are none, and where it cannot go there.
	OutletText *string        `json:"outlet_text" doc:"what is said in them"`
	Warnings   []warningShown `json:"warnings" nullable:"false"`
}

func (s *server) viewShown(v promotions.Preview) shownView {
	out := shownView{At: s.stamp(v.At), ClosesAt: s.stamp(v.Closes), ChatID: text(v.Chat.ChatID), Group: text(v.Chat.Name), Owner: text(v.Owner),
		Message: contentView{v.Message.Text, viewAttachments(v.Message.Attachments)}, Limits: []limitShown{},
		Groups: v.Groups, Owners: v.Owners, Tasks: v.Tasks, Messages: v.Messages, Outlets: v.Outlets, OutletText: text(v.OutletText), Warnings: []warningShown{}}
	for _, l := range v.Limits {
		out.Limits = append(out.Limits, limitShown(l))
	}
	for _, w := range v.Warnings {
		out.Warnings = append(out.Warnings, warningShown(w))
	}
	return out
}

// promotionPreviews registers what a promotion would look like.
func (s *server) promotionPreviews() {
	type draft struct {
		Shown
		Body shownBody
	}
	type one struct {
		ID string `path:"id"`
		Shown
		ChatID string    `query:"chat_id" doc:"the group it is shown for; left out: the first it means"`
		At     time.Time `query:"at" doc:"the occurrence; left out: the next"`
	}
	shown := func(method, path, summary string) huma.Operation {
		o := op(method, path, summary, http.StatusOK)
		o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[shownView](), true, "")}, "text/html": {},
		}}}
		return o
	}
	huma.Register(s.api, shown(http.MethodPost, "/promotions/preview", "what a promotion that is not posted yet would look like"), func(ctx context.Context, in *draft) (*huma.StreamResponse, error) {
		spec, err := s.spec(ctx, in.Body.PromotionBody)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v, err := s.Promotions.Preview(ctx, spec, in.Body.At, in.Body.ChatID)
		return s.showPreview(ctx, in.Format, v, err)
	})
	huma.Register(s.api, shown(http.MethodGet, "/promotions/{id}/preview", "what it would look like in a group"), func(ctx context.Context, in *one) (*huma.StreamResponse, error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v, err := s.Promotions.PreviewKnown(ctx, p.Spec, in.At, in.ChatID)
		return s.showPreview(ctx, in.Format, v, err)
	})
}

// showPreview answers as JSON or as a page. What people wrote stands in the page as text only, and
// the page may load pictures and nothing else.
func (s *server) showPreview(ctx context.Context, format string, v promotions.Preview, err error) (*huma.StreamResponse, error) {
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	var b bytes.Buffer
	kind := "application/json"
	if format == "html" {
		kind = "text/html; charset=utf-8"
		err = s.Promotions.DrawPreview(ctx, &b, v)
	} else {
		err = json.NewEncoder(&b).Encode(s.viewShown(v))
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", kind)
		c.SetHeader("X-Content-Type-Options", "nosniff")
		c.SetHeader("Content-Security-Policy", "default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'; sandbox")
		c.SetHeader("Referrer-Policy", "no-referrer")
		_, _ = c.BodyWriter().Write(b.Bytes()) // the client may be gone
	}}, nil
}
