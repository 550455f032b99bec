package e2e

import (
	"net/http"
	"testing"
	"time"
)

type consequences struct {
	Inviter *struct {
		Inviter         string
		Guests, Removed int
	}
	Items []struct{ Kind, Ref, State, Note string }
}

// Somebody with a personal code is removed for spam: the code is gone at the platform, the
// rewards for whom it brought wait, and both come back when the removal was a mistake.
func TestARemovedInvitersCodeStopsAndWorksAgain(t *testing.T) {
	r, w := townRig(t)
	who := w.bring("cashier0")
	r.pass(time.Minute)
	var ref referral
	r.want(http.StatusCreated, http.MethodPost, "/referrals", map[string]any{"chat_id": w.groups[0], "member": who}, &ref)
	ways := len(r.box.JoinWays())
	_, err := r.box.Say(w.groups[0], who, "兼职日结300,加V:abc12345,名额有限")
	must(t, err)
	r.pass(time.Minute)
	must(t, r.box.Remove(w.groups[0], who))
	r.pass(time.Minute)
	var got consequences
	r.want(http.StatusOK, http.MethodGet, "/moderation/cases/1/consequences", nil, &got)
	if len(got.Items) != 1 || got.Items[0].Kind != "code" || got.Items[0].Ref != ref.ID || got.Items[0].State != "done" ||
		got.Inviter == nil || got.Inviter.Inviter != "cashier0" || got.Inviter.Guests != 1 || got.Inviter.Removed != 1 {
		t.Fatalf("consequences %+v", got)
	}
	if n := len(r.box.JoinWays()); n != ways-1 {
		t.Errorf("%d codes, want %d", n, ways-1)
	}
	r.want(http.StatusOK, http.MethodPost, "/moderation/cases/1/undo", map[string]any{"by": "anna", "note": "弄错了"}, nil)
	r.pass(time.Minute)
	r.want(http.StatusOK, http.MethodGet, "/moderation/cases/1/consequences", nil, &got)
	if got.Items[0].State != "undone" || got.Items[0].Note == "" || len(r.box.JoinWays()) != ways {
		t.Fatalf("after the undo: %+v, %d codes", got, len(r.box.JoinWays()))
	}
	var again referral
	for _, one := range items[referral](r, "/referrals?member="+who) {
		again = one
	}
	if again.ID != ref.ID || again.State != ref.State || again.Code != ref.Code || again.ConfigID == ref.ConfigID || again.Status != "active" {
		t.Errorf("the code %+v, before %+v", again, ref)
	}
}

// A member of staff who is put on the blocklist loses the codes; taken off it, they work again.
func TestTheCodesOfBlockedStaffStop(t *testing.T) {
	r, w := townRig(t)
	var c code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], nil), &c)
	ways := len(r.box.JoinWays())
	r.want(http.StatusCreated, http.MethodPost, "/moderation/blocklist", map[string]any{"user_id": "cashier0", "reason": "拉人发广告"}, nil)
	r.pass(time.Minute)
	if n := len(r.box.JoinWays()); n != ways-1 {
		t.Errorf("%d codes, want %d", n, ways-1)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/moderation/blocklist/cashier0", nil, nil)
	r.pass(time.Minute)
	var again code
	r.want(http.StatusOK, http.MethodGet, "/channels/"+c.ID, nil, &again)
	if n := len(r.box.JoinWays()); n != ways || again.State != c.State || again.Code != c.Code {
		t.Errorf("%d codes, want %d; %+v", n, ways, again)
	}
}
