package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"xiaobu/bot"
	"xiaobu/codes"
	"xiaobu/handlers"
	"xiaobu/moderation"
)

// feedWindow is how old, or how far ahead, a signature may be.
const feedWindow = 5 * time.Minute

// signatureHeader carries t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>.
const signatureHeader = "X-Xiaobu-Signature"

// maxMessages is how many messages one request may bring.
const maxMessages = 500

// maxIntake is how many bytes the requests of the feed may hold in memory together, as they
// come in.
const maxIntake = 64 << 20

// pictureReaders is how many pictures are looked at at once; each may take a third of a second.
const pictureReaders = 2

type feedBody struct {
	MessageID  string    `json:"message_id"`
	ChatID     string    `json:"chat_id"`
	Sender     string    `json:"sender"`
	SenderName string    `json:"sender_name"`
	SentAt     time.Time `json:"sent_at"`
	Type       string    `json:"type"`
	Text       string    `json:"text"`
	URL        string    `json:"url"`
	Title      string    `json:"title"`
	Image      []byte    `json:"image"` // base64 of a PNG or JPEG
	QR         []string  `json:"qr"`
	Revokes    string    `json:"revokes"`
}

type feedAnswer struct {
	CaseID  *string      `json:"case_id"`
	Verdict string       `json:"verdict"`
	Score   float64      `json:"score"`
	Reasons []reasonView `json:"reasons"`
	Action  string       `json:"action"`
}

// feedItem is what became of one message of a list: an answer or a problem.
type feedItem struct {
	MessageID string `json:"message_id"`
	*feedAnswer
	Problem *feedProblem `json:"problem,omitempty"`
}

type feedProblem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

type feedList struct {
	Items []feedItem `json:"items"`
}

// feedRequest is a body that was read: one message or a list. Faults stand where a message
// could not be read, in the order of the list.
type feedRequest struct {
	list   bool
	bodies []feedBody
	faults []error
}

// feed takes what is said in groups. It answers with the verdicts once they are on disk.
func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	began := s.Now()
	status, verdicts := s.takeFeed(w, r)
	if s.FeedSeen != nil {
		s.FeedSeen(status, verdicts, s.Now().Sub(began))
	}
}

func (s *server) takeFeed(w http.ResponseWriter, r *http.Request) (status int, verdicts []string) {
	refuse := func(status int, detail string) (int, []string) {
		problem(w, status, detail)
		return status, nil
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refuse(http.StatusMethodNotAllowed, r.Method+" is not offered here; POST is")
	}
	if s.FeedSecret == "" {
		return refuse(http.StatusServiceUnavailable, "the feed is off: set feed_secret")
	}
	intake := &counted{r: http.MaxBytesReader(w, r.Body, maxBody), held: &s.intake}
	defer intake.release()
	body, err := io.ReadAll(intake)
	if err != nil {
		return s.refuseBody(w, err)
	}
	if err := s.signed(r.Header.Get(signatureHeader), body); err != nil {
		return refuse(http.StatusForbidden, err.Error())
	}
	req, err := decodeFeed(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	if len(req.bodies) > maxMessages {
		return refuse(http.StatusUnprocessableEntity, fmt.Sprintf("the list has %d messages; want at most %d", len(req.bodies), maxMessages))
	}
	return s.judge(w, r, req)
}

func (s *server) refuseBody(w http.ResponseWriter, err error) (int, []string) {
	status, detail := http.StatusBadRequest, "the message could not be read"
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, detail = http.StatusRequestEntityTooLarge, "the message is larger than 1 MiB"
	case errors.Is(err, moderation.ErrBusy):
		return busy(w)
	}
	problem(w, status, detail)
	return status, nil
}

func busy(w http.ResponseWriter) (int, []string) {
	w.Header().Set("Retry-After", "1")
	problem(w, http.StatusServiceUnavailable, moderation.ErrBusy.Error())
	return http.StatusServiceUnavailable, nil
}

// counted is a body that counts what it holds towards what all may hold together.
type counted struct {
	r    io.Reader
	held *atomic.Int64
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.held.Add(int64(n)) > maxIntake {
		return n, moderation.ErrBusy
	}
	return n, err
}

func (c *counted) release() { c.held.Add(-c.n) }

func (s *server) judge(w http.ResponseWriter, r *http.Request, req feedRequest) (status int, verdicts []string) {
	items := make([]feedItem, len(req.bodies))
	var msgs []moderation.FeedMessage
	var at []int // of each of them in the list
	for i, b := range req.bodies {
		items[i].MessageID = b.MessageID
		if err := req.faults[i]; err != nil {
			items[i].Problem = &feedProblem{http.StatusBadRequest, err.Error()}
			continue
		}
		msgs, at = append(msgs, s.message(r.Context(), b)), append(at, i)
	}
	out, err := s.Judge(r.Context(), msgs)
	if err != nil {
		if !errors.Is(err, moderation.ErrBusy) {
			s.Log.Error("judge messages of the feed", "error", err)
		}
		return busy(w)
	}
	for n, i := range at {
		items[i].feedAnswer, items[i].Problem = s.outcome(items[i].MessageID, out[n])
		if out[n].Err == nil {
			verdicts = append(verdicts, out[n].Verdict)
		}
	}
	if req.list {
		return writeFeed(w, http.StatusOK, feedList{items}), verdicts
	}
	if p := items[0].Problem; p != nil {
		problem(w, p.Status, p.Detail)
		return p.Status, nil
	}
	return writeFeed(w, http.StatusOK, items[0].feedAnswer), verdicts
}

// outcome is how a message's outcome is told.
func (s *server) outcome(id string, o moderation.Outcome) (*feedAnswer, *feedProblem) {
	var inv *handlers.Invalid
	switch {
	case errors.As(o.Err, &inv):
		return nil, &feedProblem{http.StatusUnprocessableEntity, inv.Error()}
	case o.Err != nil:
		s.Log.Error("judge message of the feed", "message", id, "error", o.Err)
		return nil, &feedProblem{http.StatusInternalServerError, "the message could not be written down; send it again"}
	}
	a := &feedAnswer{Verdict: o.Verdict, Score: o.Score, Reasons: viewReasons(o.Reasons), Action: o.Action}
	if o.CaseID != 0 {
		id := idString(o.CaseID)
		a.CaseID = &id
	}
	return a, nil
}

// message is a body as moderation takes it. What the code on a picture holds is read here; a
// picture that shows none, or is none, is a message all the same.
func (s *server) message(ctx context.Context, b feedBody) moderation.FeedMessage {
	m := moderation.FeedMessage{MessageID: b.MessageID, Chat: bot.ChatID(b.ChatID), Sender: bot.MemberID(b.Sender), Name: b.SenderName, SentAt: b.SentAt,
		Type: b.Type, Text: b.Text, URL: b.URL, Title: b.Title, QR: b.QR, Revokes: b.Revokes}
	if len(b.Image) == 0 {
		return m
	}
	select {
	case s.pictures <- struct{}{}:
		defer func() { <-s.pictures }()
	case <-ctx.Done():
		return m
	}
	if content, err := codes.Decode(b.Image); err == nil {
		m.QR = append(m.QR, content)
	}
	return m
}

func writeFeed(w http.ResponseWriter, status int, v any) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the sender may be gone
	return status
}

// signed checks a signature in constant time, and that it is fresh.
func (s *server) signed(header string, body []byte) error {
	var at, mac string
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			at = v
		case "v1":
			mac = v
		}
	}
	unix, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("%s must be t=<unix seconds>,v1=<hex>", signatureHeader)
	}
	h := hmac.New(sha256.New, []byte(s.FeedSecret))
	h.Write([]byte(at + "."))
	h.Write(body)
	got, err := hex.DecodeString(mac)
	if err != nil || !hmac.Equal(got, h.Sum(nil)) {
		return errors.New("wrong signature")
	}
	if age := s.Now().Sub(time.Unix(unix, 0)); age > feedWindow || age < -feedWindow {
		return errors.New("the signature is older than 5 minutes; check both clocks")
	}
	return nil
}

// decodeFeed reads one message, or a list of which each may be broken for itself.
func decodeFeed(body []byte) (feedRequest, error) {
	var raw []json.RawMessage
	req := feedRequest{list: bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))}
	if !req.list {
		raw = []json.RawMessage{body}
	} else if err := json.Unmarshal(body, &raw); err != nil {
		return req, fmt.Errorf("the list is no JSON of the feed: %s", jsonFault(err))
	}
	req.bodies, req.faults = make([]feedBody, len(raw)), make([]error, len(raw))
	for i, m := range raw {
		if err := json.Unmarshal(m, &req.bodies[i]); err != nil {
			req.faults[i] = fmt.Errorf("the message is no JSON of the feed: %s", jsonFault(err))
		}
	}
	if !req.list {
		return req, req.faults[0]
	}
	return req, nil
}

// jsonFault names what is wrong without repeating what people said.
func jsonFault(err error) string {
	var typ *json.UnmarshalTypeError
	var syn *json.SyntaxError
	var when *time.ParseError
	var b64 base64.CorruptInputError
	switch {
	case errors.As(err, &typ):
		want := "a " + typ.Type.String()
		if typ.Type.Kind() == reflect.Slice {
			want = "a list of " + typ.Type.Elem().String() + "s"
		}
		return fmt.Sprintf("%s is a %s, want %s", typ.Field, typ.Value, want)
	case errors.As(err, &syn):
		return fmt.Sprintf("broken at byte %d", syn.Offset)
	case errors.As(err, &b64):
		return "image is no base64"
	case errors.As(err, &when):
		return "sent_at is no time such as 2026-11-23T10:00:00+08:00"
	}
	return "cut off or empty"
}
