package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type consentView struct {
	Customer string     `json:"customer"`
	Staff    *string    `json:"staff" doc:"to whom it was said"`
	ChatID   *string    `json:"chat_id" doc:"the group it was said in"`
	Agreed   bool       `json:"agreed"`
	Source   string     `json:"source" enum:"callback,archive"`
	At       *time.Time `json:"at"`
}

func (s *server) viewConsent(c store.Consent) consentView {
	return consentView{Customer: c.Customer, Staff: text(c.UserID), ChatID: text(c.ChatID), Agreed: c.Agreed, Source: c.Source, At: s.stamp(c.At)}
}

// consents is what customers said about the message archive.
func (s *server) consents() {
	type filter struct {
		Page
		Customer string `query:"customer" maxLength:"128"`
		Agreed   string `query:"agreed" enum:"true,false"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/consents", "what customers last said about the message archive", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[consentView]], error) {
		after, err := in.words(3)
		if err != nil {
			return nil, err
		}
		f := store.ConsentFilter{Customer: in.Customer, After: [3]string(after), Limit: in.Limit + 1}
		if in.Agreed != "" {
			yes := in.Agreed == "true"
			f.Agreed = &yes
		}
		rows, err := s.Store.Read(ctx).Consents(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewConsent, func(c store.Consent) string { return wordsCursor(c.Customer, c.UserID, c.ChatID) }), nil
	})
}

// consentBody is what the message archive tells of a customer's consent.
type consentBody struct {
	Person string    `json:"person"`
	ChatID string    `json:"chat_id"`
	Agreed *bool     `json:"agreed"`
	At     time.Time `json:"at"`
}

// maxConsent bounds the body of a consent, in bytes, and maxConsentID an id in it.
const (
	maxConsent   = 4 << 10
	maxConsentID = 128
)

// consent takes a word of a customer about the message archive, signed as the feed is.
func (s *server) consent(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem(w, http.StatusMethodNotAllowed, r.Method+" is not offered here; POST is")
		return
	}
	if s.FeedSecret == "" {
		problem(w, http.StatusServiceUnavailable, "the feed is off: set feed_secret")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxConsent))
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, "the consent could not be read, or is larger than 4 KiB")
		return
	}
	if err := s.signed(r.Header.Get(signatureHeader), body); err != nil {
		problem(w, http.StatusForbidden, err.Error())
		return
	}
	c, err := s.readConsent(body)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if err := s.Store.Tx(r.Context(), func(tx *store.Tx) error { return tx.PutConsent(c) }); err != nil {
		s.Log.Error("write down a consent", "error", err)
		problem(w, http.StatusInternalServerError, "the consent could not be written down; send it again")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) readConsent(body []byte) (store.Consent, error) {
	var b consentBody
	if err := json.Unmarshal(body, &b); err != nil {
		return store.Consent{}, errors.New(`want JSON such as {"person":"wm…","agreed":false,"at":"2026-11-23T10:00:00+08:00"}`)
	}
	switch {
	case b.Person == "" || len(b.Person) > maxConsentID:
		return store.Consent{}, errors.New("person has to have 1 to 128 bytes")
	case len(b.ChatID) > maxConsentID:
		return store.Consent{}, errors.New("chat_id has to have at most 128 bytes")
	case !utf8.ValidString(b.Person+b.ChatID) || strings.ContainsFunc(b.Person+b.ChatID, unicode.IsControl):
		return store.Consent{}, errors.New("person or chat_id holds characters that no id has")
	case b.Agreed == nil:
		return store.Consent{}, errors.New("agreed is missing; want true or false")
	case b.At.IsZero() || b.At.After(s.Now().Add(feedWindow)):
		return store.Consent{}, errors.New("at is missing or lies in the future; check the clock of the sender")
	}
	return store.Consent{Customer: b.Person, ChatID: b.ChatID, Agreed: *b.Agreed, Source: store.ConsentArchive, At: b.At}, nil
}
