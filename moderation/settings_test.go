package moderation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func score(v float64) *float64 { return &v }

func (h *desk) put(chat string, s store.PolicySettings) Settings {
	h.t.Helper()
	v, err := h.PutSettings(context.Background(), store.PolicyVersion{ChatID: chat, Data: s, By: "anna"})
	h.must(err)
	return v
}

func (h *desk) policy(chat bot.ChatID) Policy {
	h.t.Helper()
	p, err := h.policyFor(h.store.Read(context.Background()), chat)
	h.must(err)
	return p
}

func TestAGroupGoesByItsOwnSettingsThenTheCompanysThenTheProgrammes(t *testing.T) {
	h := deskWithGroup(t, 0)
	if _, err := h.PutSettings(context.Background(), store.PolicyVersion{ChatID: "wr1 ", Data: store.PolicySettings{Mode: ModeOff}}); err == nil {
		t.Error("a group that nobody knows got settings")
	}
	review, removal := h.Detector.Thresholds()
	if p := h.policy(g1); p.Mode != ModeAct || p.Review != review || p.Removal != removal || p.StrikesExpire != 720*time.Hour || fmt.Sprint(p.Ladder) != "{[warn] [remove block]}" {
		t.Errorf("the programme's: %+v", p)
	}
	h.put("", store.PolicySettings{Mode: ModeAsk, Checks: map[string]float64{"repeat": 0.5}, TicketsWithinMS: 60000})
	h.put(string(g1), store.PolicySettings{Review: score(0.3), Ladder: store.Ladder{Suspect: []string{RungNote, RungWarn}}})
	p := h.policy(g1)
	if p.Mode != ModeAsk || p.Review != 0.3 || p.Removal != removal || p.Checks["repeat"] != 0.5 || p.TicketsWithin != time.Minute || fmt.Sprint(p.Ladder) != "{[note warn] [remove block]}" {
		t.Errorf("the group's: %+v", p)
	}
	h.put("", store.PolicySettings{Mode: ModeDry}) // what is left out is the programme's again
	if p := h.policy(g1); p.Mode != ModeDry || p.Review != 0.3 || p.Checks["repeat"] == 0.5 {
		t.Errorf("after the company changed: %+v", p)
	}
	if p := h.policy("wr2"); p.Mode != ModeDry || p.Review != review {
		t.Errorf("another group: %+v", p)
	}
	ctx := context.Background()
	h.must(h.DropSettings(ctx, store.PolicyVersion{ChatID: string(g1)}))
	if p := h.policy(g1); p.Review != review {
		t.Errorf("after the group's were dropped: %+v", p)
	}
	if err := h.DropSettings(ctx, store.PolicyVersion{ChatID: string(g1)}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("dropped twice: %v", err)
	}
	if _, err := h.Settings(ctx, string(g1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a group without settings of its own: %v", err)
	}
	known, err := h.store.Read(ctx).PolicyVersions(string(g1), 0, 0)
	h.must(err)
	if len(known) != 2 || !known[0].Dropped || known[1].By != "anna" || *known[1].Data.Review != 0.3 {
		t.Errorf("versions %+v", known)
	}
}

func TestSettingsThatCannotBeAreRefusedWithTheField(t *testing.T) {
	h := newDesk(t)
	for _, c := range []struct {
		s     store.PolicySettings
		field string
	}{
		{store.PolicySettings{Mode: "kick"}, "mode"},
		{store.PolicySettings{Review: score(0)}, "review"},
		{store.PolicySettings{Removal: score(1.1)}, "removal"},
		{store.PolicySettings{Review: score(0.8), Removal: score(0.7)}, "removal"},
		{store.PolicySettings{Removal: score(0.01)}, "removal"},
		{store.PolicySettings{Checks: map[string]float64{"repeat": -1}}, "checks.repeat"},
		{store.PolicySettings{Checks: map[string]float64{"repeat": 11}}, "checks.repeat"},
		{store.PolicySettings{Checks: map[string]float64{"blocklist": 0}}, "checks.blocklist"},
		{store.PolicySettings{Ladder: store.Ladder{Spam: []string{"shoot"}}}, "ladder.spam"},
		{store.PolicySettings{Ladder: store.Ladder{Suspect: []string{RungBlock, RungNote}}}, "ladder.suspect"},
		{store.PolicySettings{StrikesExpireMS: 1}, "strikes_expire"},
		{store.PolicySettings{TicketsWithinMS: (31 * 24 * time.Hour).Milliseconds()}, "tickets.within"},
	} {
		_, err := h.PutSettings(context.Background(), store.PolicyVersion{Data: c.s})
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != c.field || !strings.Contains(inv.Detail, "want") && !strings.Contains(inv.Detail, "goes up") {
			t.Errorf("%+v: %v, want a refusal of %s", c.s, err, c.field)
		}
	}
	if _, err := h.store.Read(context.Background()).Policy(""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("something was written: %v", err)
	}
}

func TestModesSayHowFarAVerdictGoes(t *testing.T) {
	for mode, want := range map[string]string{ModeOff: "ham none none", ModeDry: "spam none remove", ModeAsk: "spam remove remove", ModeAct: "spam remove remove"} {
		h := deskWithGroup(t, 1)
		h.put(string(g1), store.PolicySettings{Mode: mode})
		h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: advert})
		row, err := h.store.Read(context.Background()).Message("m1")
		h.must(err)
		if got := row.Verdict + " " + row.Action + " " + row.Would; got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
		cases, err := h.store.Read(context.Background()).Cases("", 0, 0)
		h.must(err)
		if acted := mode == ModeAsk || mode == ModeAct; (len(cases) == 1) != acted || (row.CaseID != nil) != acted {
			t.Errorf("%s: %d cases", mode, len(cases))
		}
		if mode == ModeOff && (row.Score != 0 || row.TextScore != 0 || row.Reasons[0].Check != "off") {
			t.Errorf("off: %+v", row)
		}
	}
}
