package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/moderation"
)

// keywords are rules for WeCom's own anti-harassment settings.
func (s *server) keywords() {
	type ask struct {
		Format string `query:"format" default:"json" enum:"json,csv,txt" doc:"txt: one word a line, to be pasted; csv: with the figures"`
		Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"500" doc:"WeCom does not say how many its setting takes"`
		Days   int    `query:"days" default:"7" minimum:"1" maximum:"90" doc:"messages of how many days the words are tried on, as far as they are kept"`
	}
	o := op(http.MethodGet, "/moderation/keywords", "keyword rules for WeCom's own anti-harassment settings, tried on what was said", http.StatusOK)
	huma.Register(s.api, o, func(ctx context.Context, in *ask) (*huma.StreamResponse, error) {
		k, err := s.Moderation.Keywords(ctx, in.Days, in.Limit)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { writeKeywords(ctx, in.Format, k) }}, nil
	})
}

// writeKeywords writes what an unfinished answer shows anyhow: the client may be gone.
func writeKeywords(ctx huma.Context, format string, k moderation.Keywords) {
	kinds := map[string]string{"json": "application/json", "csv": csvKind + "; charset=utf-8", "txt": "text/plain; charset=utf-8"}
	ctx.SetHeader("Content-Type", kinds[format])
	switch w := ctx.BodyWriter(); format {
	case "csv":
		ctx.SetHeader("Content-Disposition", `attachment; filename="keywords.csv"`)
		_ = k.WriteCSV(w)
	case "txt":
		_ = k.WriteText(w)
	default:
		_ = k.WriteJSON(w)
	}
}
