package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/moderation"
)

// feedWindow is how old, or how far ahead, a signature may be.
const feedWindow = 5 * time.Minute

// signatureHeader carries t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>.
const signatureHeader = "X-Xiaobu-Signature"

type feedBody struct {
	MessageID string    `json:"message_id"`
	ChatID    string    `json:"chat_id"`
	Sender    string    `json:"sender"`
	SentAt    time.Time `json:"sent_at"`
	Type      string    `json:"type"`
	Text      string    `json:"text"`
	URL       string    `json:"url"`
	Title     string    `json:"title"`
}

type feedAnswer struct {
	CaseID  *string      `json:"case_id"`
	Verdict string       `json:"verdict"`
	Score   float64      `json:"score"`
	Reasons []reasonView `json:"reasons"`
	Action  string       `json:"action"`
}

// feed takes what is said in groups. It answers with the verdict once it is on disk.
func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem(w, http.StatusMethodNotAllowed, r.Method+" is not offered here; POST is")
		return
	}
	if s.FeedSecret == "" {
		problem(w, http.StatusServiceUnavailable, "the feed is off: set feed_secret")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			problem(w, http.StatusRequestEntityTooLarge, "the message is larger than 1 MiB")
			return
		}
		problem(w, http.StatusBadRequest, "the message could not be read")
		return
	}
	if err := s.signed(r.Header.Get(signatureHeader), body); err != nil {
		problem(w, http.StatusForbidden, err.Error())
		return
	}
	msg, err := decodeFeed(body)
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.judge(w, r, msg)
}

func (s *server) judge(w http.ResponseWriter, r *http.Request, msg moderation.FeedMessage) {
	a, err := s.Moderation.Judge(r.Context(), msg)
	var inv *handlers.Invalid
	switch {
	case errors.As(err, &inv):
		problem(w, http.StatusUnprocessableEntity, inv.Error())
		return
	case err != nil:
		s.Log.Error("judge message of the feed", "message", msg.MessageID, "error", err)
		problem(w, http.StatusInternalServerError, "the message could not be written down; send it again")
		return
	}
	out := feedAnswer{Verdict: a.Verdict, Score: a.Score, Reasons: viewReasons(a.Reasons), Action: a.Action}
	if a.CaseID != 0 {
		id := idString(a.CaseID)
		out.CaseID = &id
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(out) // the sender may be gone
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

func decodeFeed(body []byte) (moderation.FeedMessage, error) {
	var b feedBody
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&b); err != nil {
		return moderation.FeedMessage{}, fmt.Errorf("the message is no JSON of the feed: %s", jsonFault(err))
	}
	return moderation.FeedMessage{MessageID: b.MessageID, Chat: bot.ChatID(b.ChatID), Sender: bot.MemberID(b.Sender), SentAt: b.SentAt,
		Type: b.Type, Text: b.Text, URL: b.URL, Title: b.Title}, nil
}

// jsonFault names what is wrong without repeating what people said.
func jsonFault(err error) string {
	var typ *json.UnmarshalTypeError
	var syn *json.SyntaxError
	var when *time.ParseError
	switch {
	case errors.As(err, &typ):
		return fmt.Sprintf("%s is a %s, want a %s", typ.Field, typ.Value, typ.Type)
	case errors.As(err, &syn):
		return fmt.Sprintf("broken at byte %d", syn.Offset)
	case errors.As(err, &when):
		return "sent_at is no time such as 2026-11-23T10:00:00+08:00"
	}
	return "cut off or empty"
}
