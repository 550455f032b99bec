package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/contract"
	power "github.com/ArtisanCloud/PowerWeChat/v3/src/work/server/handlers/models"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
	"github.com/silenceper/wechat/v2/work/kf"
)

// delivery is one callback as it came.
type delivery struct {
	address string
	header  http.Header
	body    []byte
}

// mailbox is a receiver that keeps what comes for the SDKs to read.
type mailbox struct {
	server *httptest.Server
	got    []delivery
	echo   func(*http.Request) string // answers the check of the address
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{}
	m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			_, _ = io.WriteString(w, m.echo(q))
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		m.got = append(m.got, delivery{q.URL.String(), q.Header, body})
	}))
	t.Cleanup(m.server.Close)
	return m
}

// powerRead decodes a callback with PowerWeChat and reads it into one of its models.
func (r *rig) powerRead(d delivery, model any) {
	r.t.Helper()
	q := httptest.NewRequest(http.MethodPost, d.address, bytes.NewReader(d.body))
	q.Header = d.header
	_, err := r.power.Server.Notify(q, func(e contract.EventInterface) any {
		must(r.t, e.ReadMessage(model))
		return "success"
	})
	must(r.t, err)
}

// happening is something that makes one callback: what it is, and how PowerWeChat reads it.
type happening struct {
	kind  string
	power func(read func(any)) []string
	want  []string
}

// Every kind of callback that the sandbox makes, as PowerWeChat's and silenceper's types read
// it, beside what happened. silenceper has one type, for contacts: of the rest it reads the
// kind only.
func TestSDKsReadEveryCallback(t *testing.T) {
	m := newMailbox(t)
	r := newRig(t, &sightings{answered: map[string]bool{}, paths: map[string]bool{}})
	r.SetCallback(m.server.URL)
	want := slices.Concat(r.contactHappenings(), r.groupHappenings(), r.tagHappenings(), r.linkHappenings(), r.cardHappenings())
	r.step()
	made := r.Callbacks()
	if len(made) != len(want) || len(m.got) != len(want) {
		t.Fatalf("%d callbacks, %d delivered, want %d", len(made), len(m.got), len(want))
	}
	unread := eventsInSource(t)
	for i, h := range want {
		delete(unread, strings.Split(h.kind, ".")[0])
		same(t, "kind", made[i].Kind, h.kind)
		same(t, h.kind+" by PowerWeChat", h.power(func(model any) { r.powerRead(m.got[i], model) }), h.want)
		read, err := r.silent.GetExternalContact().GetCallbackMessage(m.got[i].body)
		must(t, err)
		event, change, _ := strings.Cut(h.kind, ".")
		change, _, _ = strings.Cut(change, ".")
		same(t, h.kind+" by silenceper", []any{read.ToUserName, read.CreateTime, read.MsgType, read.Event, read.ChangeType},
			[]any{DefaultCorpID, r.clock.Now().Unix(), "event", event, change})
		if event == "change_external_contact" && change != "transfer_fail" {
			same(t, h.kind+" by silenceper", contactFields(read), h.want)
		}
	}
	delete(unread, "change_contact") // in TestPowerWeChatReadsTheDirectory
	for name, file := range unread {
		t.Errorf("%s makes the event %s, which nobody reads here", file, name)
	}
}

// eventsInSource finds what the package calls newEvent and newEventFrom with.
func eventsInSource(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range got[[]string](t)(filepath.Glob("*.go")) {
		source := string(got[[]byte](t)(os.ReadFile(name)))
		for _, m := range regexp.MustCompile(`\.newEvent(?:From)?\([^"\n]*"(\w+)"\)`).FindAllStringSubmatch(source, -1) {
			out[m[1]] = name
		}
	}
	if len(out) == 0 {
		t.Fatal("no events are made")
	}
	return out
}

// contactFields are what an event about a contact says.
func contactFields(e silent.EventCallbackMessage) []string {
	return []string{e.UserID, e.ExternalUserID, e.State, e.WelcomeCode}
}

// contactEvent is one about wang and a customer.
func contactEvent(change, customer, state, code string) happening {
	return happening{"change_external_contact." + change, func(read func(any)) []string {
		var e power.EventExternalUserAdd
		read(&e)
		return []string{e.UserID, e.ExternalUserID, e.State, e.WelcomeCode}
	}, []string{"wang", customer, state, code}}
}

func (r *rig) contactHappenings() []happening {
	t := r.t
	way := r.ok("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "d]]>&", "user": []string{"wang"}})["config_id"].(string)
	p := r.customers(1)[0]
	half := got[Contact](t)(r.HalfAddContact("", p, Via{ConfigID: way}))
	whole := got[Contact](t)(r.AddContact("", p, Via{ConfigID: way}))
	r.ok("externalcontact/remark", map[string]any{"userid": "wang", "external_userid": p, "remark": "x"})
	must(t, r.DeleteContact("wang", p, true))
	r.ok("externalcontact/transfer_customer", map[string]any{"handover_userid": "wang", "takeover_userid": "li", "external_userid": []string{p}})
	must(t, r.RefuseHandover(p))
	must(t, r.DeleteContact("wang", p, false))
	return []happening{
		contactEvent("add_half_external_contact", p, "d]]>&", half.WelcomeCode),
		contactEvent("add_external_contact", p, "d]]>&", whole.WelcomeCode),
		contactEvent("edit_external_contact", p, "d]]>&", ""),
		contactEvent("del_follow_user", p, "", ""),
		{"change_external_contact.transfer_fail", func(read func(any)) []string {
			var e power.EventExternalTransferFail
			read(&e)
			return []string{e.UserID, e.ExternalUserID, e.FailReason}
		}, []string{"li", p, "customer_refused"}},
		contactEvent("del_external_contact", p, "", ""),
	}
}

// groupUpdate reads an update of a group. Of several members PowerWeChat keeps the last.
func groupUpdate(detail string, want ...string) happening {
	return happening{"change_external_chat.update." + detail, func(read func(any)) []string {
		var e power.EventExternalChatUpdate
		read(&e)
		out := []string{e.ChatID, e.UpdateDetail, e.JoinScene, e.QuitScene, e.MemChangeCnt, e.LastMemVer, e.CurMemVer}
		for _, item := range e.MemChangeList {
			out = append(out, item.Item)
		}
		return out
	}, want}
}

func (r *rig) groupHappenings() []happening {
	t := r.t
	p := r.customers(3)
	chat := r.group("一群")
	versions := []string{got[Group](t)(r.Group(chat)).Version}
	then := func() { versions = append(versions, got[Group](t)(r.Group(chat)).Version) }
	got[string](t)(r.JoinMany(chat, How{Inviter: "wang"}, p[0], p[1]))
	then()
	got[string](t)(r.Join(chat, p[2], How{Scene: SceneQR}))
	then()
	must(t, r.Leave(chat, p[0]))
	then()
	must(t, r.Remove(chat, p[1]))
	then()
	must(t, r.ChangeOwner(chat, "li"))
	must(t, r.Rename(chat, "二群"))
	must(t, r.SetNotice(chat, "x"))
	must(t, r.Dismiss(chat))
	whole := func(change string) happening {
		return happening{"change_external_chat." + change, func(read func(any)) []string {
			var e power.EventExternalChatDismiss
			read(&e)
			return []string{e.ChatID, e.ChangeType}
		}, []string{chat, change}}
	}
	return []happening{
		whole("create"),
		groupUpdate("add_member", chat, "add_member", "0", "", "2", versions[0], versions[1], p[1]),
		groupUpdate("add_member", chat, "add_member", "3", "", "1", versions[1], versions[2], p[2]),
		groupUpdate("del_member", chat, "del_member", "", "0", "1", versions[2], versions[3], p[0]),
		groupUpdate("del_member", chat, "del_member", "", "1", "1", versions[3], versions[4], p[1]),
		groupUpdate("change_owner", chat, "change_owner", "", "", "", "", ""),
		groupUpdate("change_name", chat, "change_name", "", "", "", "", ""),
		groupUpdate("change_notice", chat, "change_notice", "", "", "", "", ""),
		whole("dismiss"),
	}
}

func (r *rig) tagHappenings() []happening {
	t := r.t
	g := got[TagGroup](t)(r.AddTags("口味", "甜"))
	must(t, r.RenameTag(g.Tags[0].ID, "很甜"))
	must(t, r.ShuffleTags(g.ID))
	must(t, r.DeleteTag(g.Tags[0].ID))
	event := func(change, id, kind string) happening {
		return happening{"change_external_tag." + change, func(read func(any)) []string {
			var e power.EventExternalUserTagCreate
			read(&e)
			return []string{e.ChangeType, e.ID, e.TagType}
		}, []string{change, id, kind}}
	}
	tag := g.Tags[0].ID
	return []happening{
		event("create", g.ID, "tag_group"), event("create", tag, "tag"), event("update", tag, "tag"),
		event("shuffle", g.ID, ""), event("delete", tag, "tag"), event("delete", g.ID, "tag_group"),
	}
}

func (r *rig) linkHappenings() []happening {
	t := r.t
	link := r.link(`,"skip_verify":false`)
	must(t, r.SetAcquisitionQuota(1, r.clock.Now().AddDate(1, 0, 0)))
	k := r.come(link, "报纸")
	must(t, r.Write(k.Customer, "wang", "在吗"))
	r.ok(linkDelete, map[string]any{"link_id": link})
	event := func(change string, want ...string) happening {
		return happening{"customer_acquisition." + change, func(read func(any)) []string {
			var e struct {
				power.EventCustomerAcquisitionFriendRequest
				UserID, ExternalUserID string
			}
			read(&e)
			return []string{e.ChangeType, e.LinkID, e.State, e.UserID, e.ExternalUserID}
		}, append([]string{change}, want...)}
	}
	return []happening{
		event("friend_request", link, "报纸", "", ""), contactEvent("add_external_contact", k.Customer, "报纸", k.WelcomeCode),
		event("balance_exhausted", "", "", "", ""), event("customer_start_chat", "", "", "wang", k.Customer), event("delete_link", link, "", "", ""),
	}
}

func (r *rig) cardHappenings() []happening {
	t := r.t
	body := cardBody("case_1")
	body["button_selection"] = map[string]any{"question_key": "q", "option_list": []any{map[string]string{"id": "a", "text": "甲"}, map[string]string{"id": "b", "text": "乙"}}}
	body["action_menu"] = map[string]any{"desc": "更多", "action_list": []any{map[string]string{"text": "转交", "key": "hand"}}}
	r.message("wang", "template_card", body)
	must(t, r.PressCard("wang", "case_1", "done", Choice{Question: "q", Options: []string{"b"}}))
	must(t, r.PressCardMenu("wang", "case_1", "hand"))
	press := r.Cards()[0].Presses
	agent := strconv.Itoa(DefaultAgentID)
	return []happening{
		{"template_card_event", func(read func(any)) []string {
			var e power.EventTemplateCardEvent
			read(&e)
			item := e.SelectedItems.SelectedItem[0]
			return []string{e.FromUserName, e.EventKey, e.TaskID, e.CardType, e.ResponseCode, e.AgentID, item.QuestionKey, strings.Join(item.OptionIDs.OptionID, "|")}
		}, []string{"wang", "done", "case_1", "button_interaction", press[0].ResponseCode, agent, "q", "b"}},
		{"template_card_menu_event", func(read func(any)) []string {
			var e power.EventTemplateCardMenuEvent
			read(&e)
			return []string{e.FromUserName, e.EventKey, e.TaskID, e.CardType, e.ResponseCode, e.AgentID}
		}, []string{"wang", "hand", "case_1", "button_interaction", press[1].ResponseCode, agent}},
	}
}

func TestPowerWeChatReadsTheDirectory(t *testing.T) {
	m := newMailbox(t)
	r := &rig{world: newWorld(t, Config{DirectoryEvents: true}), ctx: context.Background()}
	r.power = newPower(t, DefaultSecret, http.DefaultTransport)
	r.SetCallback(m.server.URL)
	must(t, r.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, r.UpdateDepartment(Department{ID: 5, Name: "分店"}))
	must(t, r.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 5, Position: "收银"}))
	must(t, r.UpdateStaff(Staff{UserID: "chen", Name: "陈店长", Position: "店长"}))
	must(t, r.Resign("chen"))
	must(t, r.DeleteDepartment(5))
	r.step()
	var party power.EventPartyCreate
	r.powerRead(m.got[0], &party)
	same(t, "create_party", []string{party.ID, party.Name, party.ParentID, party.Order}, []string{"5", "门店", "1", strconv.Itoa(departmentOrder(Department{ID: 5}))})
	var renamed power.EventPartyUpdate
	r.powerRead(m.got[1], &renamed)
	same(t, "update_party", []string{renamed.ID, renamed.Name, renamed.ParentID}, []string{"5", "分店", "1"})
	var user power.EventUserCreate
	r.powerRead(m.got[2], &user)
	same(t, "create_user", []string{user.UserID, user.Name, user.Department, user.MainDepartment, user.IsLeaderInDept, user.Position, user.Status, user.Mobile},
		[]string{"chen", "陈", "5", "5", "0", "收银", "1", ""})
	var moved power.EventUserUpdate
	r.powerRead(m.got[3], &moved)
	same(t, "update_user", []string{moved.UserID, moved.Name, moved.Department, moved.Position, moved.Status}, []string{"chen", "陈店长", "1", "店长", ""})
	var gone power.EventUserDelete
	r.powerRead(m.got[4], &gone)
	var closed power.EventPartyDelete
	r.powerRead(m.got[5], &closed)
	same(t, "what is deleted", []string{gone.UserID, closed.ID}, []string{"chen", "5"})
}

func TestSDKsAnswerTheAddressCheck(t *testing.T) {
	m := newMailbox(t)
	r := newRig(t, &sightings{answered: map[string]bool{}, paths: map[string]bool{}})
	r.SetCallback(m.server.URL)
	m.echo = func(q *http.Request) string {
		resp, err := r.power.Server.VerifyURL(q)
		if err != nil {
			return err.Error()
		}
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	if err := r.VerifyURL(context.Background()); err != nil {
		t.Errorf("PowerWeChat: %v", err)
	}
	c := got[*kf.Client](t)(r.silent.GetKF())
	m.echo = func(q *http.Request) string {
		v := q.URL.Query()
		text, err := c.VerifyURL(kf.SignatureOptions{Signature: v.Get("msg_signature"), TimeStamp: v.Get("timestamp"), Nonce: v.Get("nonce"), EchoStr: v.Get("echostr")})
		if err != nil {
			return err.Error()
		}
		return text
	}
	if err := r.VerifyURL(context.Background()); err != nil {
		t.Errorf("silenceper: %v", err)
	}
}
