package api

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"xiaobu/bot"
	"xiaobu/codes"
	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/promotions"
	"xiaobu/store"
)

// prefix is where the API lives.
const prefix = "/api/v1"

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// Config is what the API needs: the features it offers and the clock and zone it speaks in.
type Config struct {
	Store      *store.Store
	Token      string // bearer token; empty: the API answers 503
	FeedSecret string // key of the message feed; empty: the feed answers 503
	Zone       *time.Location
	Now        func() time.Time
	Log        *slog.Logger
	Version    string
	PublicURL  string // where this program is reached from outside, without a slash at the end

	Channels   *handlers.Channels
	Greetings  *handlers.Greetings
	Rewards    *handlers.Rewards
	Payouts    *handlers.Payouts
	Promotions *promotions.Planner
	Orders     *promotions.Orders
	Moderation *moderation.Moderator
	Reports    *handlers.Reports
	Robots     *handlers.Robots
	Library    *promotions.Library
	Phrases    *promotions.Phrases
	Printer    *codes.Printer

	// Judge takes what the feed brings, as moderation.Moderator does.
	Judge func(context.Context, []moderation.FeedMessage) ([]moderation.Outcome, error)
	// FeedSeen is told of every request of the feed: its status, the verdicts that were
	// answered and how long it took. It may be nil.
	FeedSeen func(status int, verdicts []string, took time.Duration)
}

// server holds the operations.
type server struct {
	Config
	api      huma.API
	intake   atomic.Int64  // bytes that requests of the feed hold
	pictures chan struct{} // held while a picture of the feed is looked at
}

// New returns the handler of /api/v1/… and /hooks/….
func New(c Config) http.Handler {
	mux := http.NewServeMux()
	conf := huma.DefaultConfig("Xiaobu", c.Version)
	conf.Info.Description = "Groups, members, inviters, rewards, promotions and moderation of a WeCom company. " +
		"Times are RFC 3339, money is integer fen, ids are strings."
	conf.OpenAPIPath, conf.DocsPath, conf.SchemasPath = prefix+"/openapi", "", ""
	conf.CreateHooks = nil // no $schema links in answers
	conf.Transformers = append(conf.Transformers, plainly(conf.Components.Schemas))
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	conf.Security = []map[string][]string{{"token": {}}}
	s := &server{Config: c, api: humago.New(mux, conf), pictures: make(chan struct{}, pictureReaders)}
	s.api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		if ctx.Method() == http.MethodGet || ctx.Method() == http.MethodDelete {
			ctx = huma.WithValue(ctx, bodyless{}, true)
		}
		next(ctx)
	})
	for _, register := range []func(){s.shops, s.groups, s.greetings, s.channels, s.referrals, s.estate, s.posters, s.scans, s.rewards, s.payouts, s.promotions, s.media, s.texts, s.promotionPreviews, s.calendar, s.orders, s.sales, s.moderation, s.consents, s.policy, s.replay, s.corrections, s.tickets, s.memberReports, s.consequences, s.keywords, s.reports, s.robots, s.funnels, s.inbox} {
		register()
	}
	root := http.NewServeMux()
	root.Handle(prefix+"/", s.guard(mux))
	root.HandleFunc("/hooks/messages", s.feed)
	root.HandleFunc("/hooks/consents", s.consent)
	return root
}

// guard lets a request pass that knows the token. The OpenAPI document is for everybody.
func (s *server) guard(next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, prefix+"/openapi."):
		case s.Token == "":
			problem(w, http.StatusServiceUnavailable, "the API is off: set api_token (at least 16 characters)")
			return
		case !s.knows(r.Header.Get("Authorization")):
			w.Header().Set("WWW-Authenticate", `Bearer realm="xiaobu"`)
			problem(w, http.StatusUnauthorized, "send Authorization: Bearer <api_token>")
			return
		}
		most := int64(maxBody)
		if r.URL.Path == prefix+"/media" {
			most = maxUpload
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // the body's own deadline ends it
		}
		// In a copy of the request: of one whose own body was replaced, the server does not see
		// that a part was left unread, and takes that for the next request.
		r = r.WithContext(r.Context())
		r.Body = http.MaxBytesReader(w, r.Body, most+1)
		if _, pattern := next.Handler(r); pattern == "" {
			noRoute(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) knows(header string) bool {
	token, ok := strings.CutPrefix(header, "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) == 1
}

// noRoute says 404 or 405 in the API's own words.
func noRoute(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, r)
	if allow := rec.Header().Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		problem(w, http.StatusMethodNotAllowed, r.Method+" is not offered here; "+allow+" is")
		return
	}
	problem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
}

// problem writes an RFC 9457 error outside the framework's operations.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.NewError(status, detail)) // the client may be gone
}

// op describes an operation.
func op(method, path, summary string, status int) huma.Operation {
	return huma.Operation{
		OperationID: strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path),
		Method:      method, Path: prefix + path, Summary: summary, DefaultStatus: status, MaxBodyBytes: maxBody,
	}
}

// bare has an operation take null for no body, as programs send it that have nothing to say.
func bare(o huma.Operation) huma.Operation {
	o.Middlewares = append(o.Middlewares, func(c huma.Context, next func(huma.Context)) { next(nullable{c}) })
	return o
}

// anyContext may be embedded; the original has a method of its own name.
type anyContext huma.Context

// nullable is a request whose body of null is none.
type nullable struct{ anyContext }

// BodyReader reads the body.
func (n nullable) BodyReader() io.Reader {
	body := n.anyContext.BodyReader()
	head, err := io.ReadAll(io.LimitReader(body, int64(len("null\n")+1)))
	if err == nil && string(bytes.TrimSpace(head)) == "null" {
		return bytes.NewReader(nil)
	}
	return io.MultiReader(bytes.NewReader(head), body) // an error comes again
}

// none is the input or output of an operation without one.
type none struct{}

// result is an operation's body.
type result[T any] struct{ Body T }

func answer[T any](v T) *result[T] { return &result[T]{v} }

// fail turns an error into an answer: what was asked for wrongly names its field; what the
// platform refused names its code; anything else is ours, logged, and told without detail.
func (s *server) fail(ctx context.Context, err error) error {
	var inv *handlers.Invalid
	var conflict *handlers.Conflict
	var refused *bot.APIError
	var status huma.StatusError
	switch {
	case errors.As(err, &status):
		return status
	case errors.As(err, &inv):
		return huma.Error422UnprocessableEntity(inv.Error(), &huma.ErrorDetail{Message: inv.Detail, Location: location(ctx, inv.Field)})
	case errors.As(err, &conflict):
		return huma.Error409Conflict(conflict.Detail)
	case errors.Is(err, store.ErrNotFound):
		return huma.Error404NotFound("not found")
	case errors.Is(err, store.ErrStale):
		return huma.Error409Conflict("it changed in the meantime; read it again")
	case errors.Is(err, handlers.ErrNotOffered):
		return huma.Error501NotImplemented("the platform does not offer this")
	case errors.As(err, &refused):
		return huma.Error502BadGateway("WeCom refused: " + refused.Error())
	case bot.IsUnknown(err):
		return huma.NewError(http.StatusGatewayTimeout, "WeCom did not answer; it may or may not have been done")
	}
	if ctx.Err() == nil {
		s.Log.Error("api request failed", "error", err)
	}
	return huma.Error500InternalServerError("something went wrong here; the log says what")
}

// bodyless marks the context of a request that has nothing but its address.
type bodyless struct{}

// location is where a field is: in the address of what only reads or deletes, else in the body;
// a body that is a list has no name of its own.
func location(ctx context.Context, field string) string {
	if ctx.Value(bodyless{}) != nil {
		return "query." + field
	}
	if strings.HasPrefix(field, "[") {
		return "body" + field
	}
	return "body." + field
}

// stamp is a time as the API writes it: in the configured zone, to the second where it has
// no fraction.
func (s *server) stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	local := t.In(s.Zone).Truncate(time.Millisecond)
	return &local
}

// text is a string that may be absent.
func text(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
