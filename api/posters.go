package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"xiaobu/codes"
	"xiaobu/store"
)

// Printed is how something is to be printed, in the query.
type Printed struct {
	Content  string `query:"content" default:"live" enum:"live,wecom" doc:"what the QR code holds: live, the address of our page, which always shows the code as it is then; wecom, what WeCom's own code holds now"`
	Headline string `query:"headline" maxLength:"40" doc:"left out: 扫码进群 享福利"`
}

func (w Printed) wish(size string) codes.Wish {
	return codes.Wish{Headline: w.Headline, Content: w.Content, Size: codes.Size(size)}
}

func (s *server) posters() {
	type poster struct {
		ID     string `path:"id"`
		Format string `query:"format" default:"pdf" enum:"pdf,png"`
		Size   string `query:"size" enum:"A4,A6" doc:"left out: A6 for tills and cashiers, A4 for walls"`
		Printed
	}
	type sheet struct {
		ID     string `path:"id"`
		Format string `query:"format" default:"pdf" enum:"pdf"`
		Printed
	}
	type archive struct {
		Region  string `query:"region" maxLength:"200" doc:"the codes of the stores of a region"`
		StoreID string `query:"store_id" maxLength:"64" doc:"the codes of a store"`
		Size    string `query:"size" enum:"A4,A6" doc:"left out: A6 for tills and cashiers, A4 for walls"`
		Printed
	}
	huma.Register(s.api, op(http.MethodGet, "/channels/{id}/poster", "the poster of a code, as PDF or as PNG of 300 dots an inch", http.StatusOK), func(ctx context.Context, in *poster) (*huma.StreamResponse, error) {
		return s.poster(ctx, in.ID, in.Format, in.wish(in.Size))
	})
	huma.Register(s.api, op(http.MethodGet, "/stores/{id}/posters", "cards of all codes of a store, eight an A4 page, to cut apart", http.StatusOK), func(ctx context.Context, in *sheet) (*huma.StreamResponse, error) {
		return s.sheet(ctx, in.ID, in.wish(""))
	})
	huma.Register(s.api, op(http.MethodGet, "/posters.zip", "posters of a region, a store or all, a folder for each store", http.StatusOK), func(ctx context.Context, in *archive) (*huma.StreamResponse, error) {
		return s.archive(ctx, in.Region, in.StoreID, in.wish(in.Size))
	})
}

type scanView struct {
	Day    string     `json:"day" format:"date" doc:"of the configured zone"`
	Scans  int64      `json:"scans" doc:"how often the page was opened; a crash may lose some seconds of it"`
	LastAt *time.Time `json:"last_at"`
}

// scans registers the statistic of a code's page. It knows nothing of who opened it.
func (s *server) scans() {
	type days struct {
		ID string `path:"id"`
		Page
	}
	huma.Register(s.api, op(http.MethodGet, "/channels/{id}/scans", "how often the page of a code was opened, by day", http.StatusOK), func(ctx context.Context, in *days) (*result[list[scanView]], error) {
		ch, err := s.channel(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if _, err := time.Parse(time.DateOnly, in.Cursor); err != nil && in.Cursor != "" {
			return nil, badCursor()
		}
		rows, err := s.Store.Read(ctx).Scans(ch.ID, in.Cursor, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, func(d store.ChannelDay) scanView {
			return scanView{Day: d.Day, Scans: d.Scans, LastAt: s.stamp(d.LastAt)}
		}, func(d store.ChannelDay) string { return d.Day }), nil
	})
}

func (s *server) poster(ctx context.Context, id, format string, w codes.Wish) (*huma.StreamResponse, error) {
	ch, err := s.channel(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	var b bytes.Buffer
	if err := s.Printer.Poster(ctx, &b, ch, w, format); err != nil {
		return nil, s.unprinted(ctx, err)
	}
	kind := "application/pdf"
	if format == "png" {
		kind = "image/png"
	}
	return s.printed(kind, "poster-"+ch.Code+"."+format, w, b.Bytes()), nil
}

func (s *server) sheet(ctx context.Context, id string, w codes.Wish) (*huma.StreamResponse, error) {
	r := s.Store.Read(ctx)
	shop, err := r.Shop(id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	list, err := r.CodesToPrint("", id, codes.MostCards+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if err := countable(len(list), codes.MostCards, "a sheet"); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := s.Printer.Sheet(ctx, &b, shop.Name, list, w); err != nil {
		return nil, s.unprinted(ctx, err)
	}
	return s.printed("application/pdf", "posters.pdf", w, b.Bytes()), nil
}

// archive streams a ZIP. What goes wrong once it has begun can only be told by breaking off.
func (s *server) archive(ctx context.Context, region, shop string, w codes.Wish) (*huma.StreamResponse, error) {
	list, err := s.Store.Read(ctx).CodesToPrint(region, shop, codes.MostCodes+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if err := countable(len(list), codes.MostCodes, "a ZIP"); err != nil {
		return nil, err
	}
	if err := s.Printer.Ready(); err != nil {
		return nil, s.unprinted(ctx, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		s.headPrinted(c, "application/zip", "posters.zip", w)
		_, rw := humago.Unwrap(c)
		_ = http.NewResponseController(rw).SetWriteDeadline(time.Time{}) // it takes as long as it takes; ctx ends it
		if err := s.Printer.ZIP(c.Context(), c.BodyWriter(), list, w); err != nil {
			if c.Context().Err() == nil {
				s.Log.Error("write a ZIP of posters", "error", err)
			}
			panic(http.ErrAbortHandler) // half a ZIP must not look like a whole one
		}
	}}, nil
}

// countable refuses what is nothing, and what is too much.
func countable(n, most int, what string) error {
	switch {
	case n == 0:
		return huma.Error404NotFound("there is no code to print here")
	case n > most:
		return huma.Error422UnprocessableEntity(fmt.Sprintf("there are more than %d codes, which is the most for %s: ask by store_id, or by a smaller region", most, what))
	}
	return nil
}

func (s *server) printed(kind, file string, w codes.Wish, data []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(c huma.Context) {
		s.headPrinted(c, kind, file, w)
		_, _ = c.BodyWriter().Write(data) // the client may be gone
	}}
}

func (s *server) headPrinted(c huma.Context, kind, file string, w codes.Wish) {
	c.SetHeader("Content-Type", kind)
	c.SetHeader("Content-Disposition", `attachment; filename="`+file+`"`)
	if warning := s.Printer.Warning(); warning != "" && w.Content != codes.WeCom {
		c.SetHeader("X-Xiaobu-Warning", warning)
	}
}

// unprinted says why something could not be printed, where that is no fault of ours.
func (s *server) unprinted(ctx context.Context, err error) error {
	var missing *codes.MissingGlyphs
	var content *codes.NoContent
	switch {
	case errors.As(err, &missing):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.As(err, &content):
		return huma.Error502BadGateway(err.Error())
	case errors.Is(err, codes.ErrNoFont), errors.Is(err, codes.ErrFont):
		return huma.Error503ServiceUnavailable(err.Error())
	}
	return s.fail(ctx, err)
}
