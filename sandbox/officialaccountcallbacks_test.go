package sandbox

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/contract"
	powermessages "github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/messages"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	silentmessage "github.com/silenceper/wechat/v2/officialaccount/message"

	"xiaobu/bot/wecom/crypt"
)

// accountBot answers pushes with what the test says.
type accountBot struct {
	server *httptest.Server
	mu     sync.Mutex
	bodies []string
	query  []map[string][]string
	answer func(body string) (int, string)
}

func newAccountBot(t *testing.T) *accountBot {
	t.Helper()
	b := &accountBot{answer: func(string) (int, string) { return 200, "success" }}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.bodies, b.query = append(b.bodies, string(body)), append(b.query, r.URL.Query())
		status, text := b.answer(string(body))
		b.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(b.server.Close)
	return b
}

// shape is the names of the elements of an XML in their order.
func shape(t *testing.T, text string) string {
	t.Helper()
	var out []string
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return strings.Join(out, " ")
		}
		must(t, err)
		if start, ok := tok.(xml.StartElement); ok {
			out = append(out, start.Name.Local)
		}
	}
}

// The pushes have the elements of the collected samples, in their order.
func TestPushesLookLikeTheSamples(t *testing.T) {
	m := newMP(t, Config{})
	p := got[string](t)(m.AddCustomer(Customer{Name: "小鱼", WithUnionID: true}))
	ticket := m.well("qrcode/create", `{"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"invite_u1001"}},"expire_seconds":604800}`)["ticket"].(string)
	m.well("menu/create", `{"button":[{"type":"click","name":"签到","key":"MENU_SIGNIN"},{"type":"view","name":"官网","url":"https://example.com/"}]}`)
	must(t, m.ScanAccountCode(p, ticket))
	must(t, m.ScanAccountCode(p, ticket))
	must(t, m.Unfollow(p))
	got[string](t)(m.Follow(p, ""))
	must(t, m.ClickMenu(p, "签到"))
	must(t, m.ClickMenu(p, "https://example.com/"))
	got[string](t)(m.TellAccount(p, AccountSaying{Text: "积分"}))
	id := m.Followers()[0].OpenID
	template := m.well("template/api_add_template", `{"template_id_short":"46004"}`)["template_id"]
	m.well("message/template/send", map[string]any{"touser": id, "template_id": template, "data": map[string]any{
		"thing1": map[string]any{"value": "红酒"}, "phrase2": map[string]any{"value": "已中奖"},
	}})
	m.settle()
	files := []string{"subscribe_by_qr", "scan", "unsubscribe", "subscribe", "click", "view", "message.text", "templatesendjobfinish"}
	pushes := m.Callbacks()
	same(t, "pushes", len(pushes), len(files))
	for i, name := range files {
		if name != "message.text" {
			name = "event." + name
		}
		sample := string(got[[]byte](t)(os.ReadFile("../bot/wecom/testdata/events/mp." + name + ".xml")))
		same(t, name, shape(t, pushes[i].XML), shape(t, sample))
		event := regexp.MustCompile(`<(Event|MsgType)><!\[CDATA\[[^]]*`)
		same(t, name, event.FindAllString(pushes[i].XML, -1), event.FindAllString(sample, -1))
		if !strings.Contains(pushes[i].XML, "<ToUserName><![CDATA["+DefaultAccountID+"]]>") || !strings.Contains(pushes[i].XML, "<FromUserName><![CDATA["+id+"]]>") {
			t.Errorf("%s is not from the follower to the account: %s", name, pushes[i].XML)
		}
	}
	if !strings.Contains(pushes[0].XML, "<EventKey><![CDATA[qrscene_invite_u1001]]>") || !strings.Contains(pushes[1].XML, "<EventKey><![CDATA[invite_u1001]]>") {
		t.Errorf("scenes: %s %s", pushes[0].XML, pushes[1].XML)
	}
}

func TestPushesInTheThreeModes(t *testing.T) {
	codec, err := crypt.New(DefaultAccountToken, DefaultAccountAESKey, DefaultAppID)
	must(t, err)
	for _, mode := range []string{ModePlain, ModeCompatible, ModeAES} {
		b := newAccountBot(t)
		m := newMP(t, Config{Account: OfficialAccount{Mode: mode, CallbackURL: b.server.URL + "/mp?a=1"}})
		_, id := m.fan("小鱼")
		m.settle()
		q, body := b.query[0], b.bodies[0]
		get := func(name string) string { return strings.Join(q[name], "|") }
		same(t, mode+": query", []string{get("openid"), get("a")}, []string{id, "1"})
		same(t, mode+": signature", get("signature"), codec.Sign(get("timestamp"), get("nonce"), ""))
		var in struct{ Event, Encrypt, ToUserName string }
		must(t, xml.Unmarshal([]byte(body), &in))
		same(t, mode+": in clear", []any{in.Event != "", in.Encrypt != "", in.ToUserName}, []any{mode != ModeAES, mode != ModePlain, DefaultAccountID})
		if mode == ModePlain {
			same(t, "plain: encrypt_type", get("encrypt_type")+get("msg_signature"), "")
			continue
		}
		same(t, mode+": encrypt_type", get("encrypt_type"), "aes")
		msg, err := codec.Open(get("msg_signature"), get("timestamp"), get("nonce"), in.Encrypt)
		must(t, err)
		same(t, mode+": inside", string(msg), m.Callbacks()[0].XML)
	}
}

func TestPushesAreTriedThreeTimes(t *testing.T) {
	b := newAccountBot(t)
	b.answer = func(string) (int, string) { return 500, "" }
	m := newMP(t, Config{Account: OfficialAccount{CallbackURL: b.server.URL}})
	p, _ := m.fan("小鱼")
	m.settle()
	same(t, "deliveries", len(b.bodies), maxAccountTries)
	cb := m.Callbacks()[0]
	same(t, "given up", []any{cb.GivenUp, cb.Delivered, cb.Open, m.InFlight()}, []any{1, false, 0, 0})
	same(t, "what the person sees", []string{m.last().Via, m.last().Text}, []string{ViaSystem, outOfOrder})
	before := len(m.AccountMessages())
	must(t, m.Unfollow(p))
	m.settle()
	same(t, "nobody waits for an answer to leaving", len(m.AccountMessages()), before)
	b.answer = func(string) (int, string) { return 200, "" }
	must(t, m.SetAccountCallback(""))
	got[string](t)(m.Follow(p, ""))
	m.settle()
	same(t, "deliveries without an address", len(b.bodies), 2*maxAccountTries)
	if m.SetAccountCallback("a shop") == nil {
		t.Error("a shop is taken for an address")
	}
}

func TestPassiveReplies(t *testing.T) {
	b := newAccountBot(t)
	m := newMP(t, Config{Account: OfficialAccount{CallbackURL: b.server.URL}})
	p, id := m.fan("小鱼")
	m.settle()
	image := m.picture()
	reply := func(kind, inner string) string {
		return "<xml><ToUserName>" + id + "</ToUserName><FromUserName>" + DefaultAccountID + "</FromUserName><CreateTime>1</CreateTime><MsgType>" + kind + "</MsgType>" + inner + "</xml>"
	}
	item := "<item><Title>t</Title><Description>d</Description><Url>https://e.com</Url></item>"
	for name, c := range map[string]struct{ answer, kind, text string }{
		"text":             {reply("text", "<Content><![CDATA[你当前有 30 积分]]></Content>"), "text", "你当前有 30 积分"},
		"image":            {reply("image", "<Image><MediaId>"+image+"</MediaId></Image>"), "image", ""},
		"news":             {reply("news", "<ArticleCount>1</ArticleCount><Articles>"+item+"</Articles>"), "news", "t d https://e.com"},
		"two articles":     {reply("news", "<ArticleCount>2</ArticleCount><Articles>"+item+item+"</Articles>"), "news", "t d https://e.com"},
		"transfer":         {reply("transfer_customer_service", "<TransInfo><KfAccount>a@b</KfAccount></TransInfo>"), "transfer_customer_service", ""},
		"wrong count":      {reply("news", "<ArticleCount>2</ArticleCount><Articles>"+item+"</Articles>"), "", ""},
		"unknown media":    {reply("voice", "<Voice><MediaId>x</MediaId></Voice>"), "", ""},
		"image as voice":   {reply("voice", "<Voice><MediaId>"+image+"</MediaId></Voice>"), "", ""},
		"empty text":       {reply("text", "<Content></Content>"), "", ""},
		"long text":        {reply("text", "<Content>"+strings.Repeat("x", textBytes+1)+"</Content>"), "", ""},
		"unknown type":     {reply("x", ""), "", ""},
		"JSON":             {`{"errcode":0}`, "", ""},
		"to somebody else": {strings.Replace(reply("text", "<Content>x</Content>"), id, "o1", 1), "", ""},
		"not to be opened": {"<xml><Encrypt>x</Encrypt></xml>", "", ""},
	} {
		b.answer = func(string) (int, string) { return 200, c.answer }
		before := len(m.AccountMessages())
		got[string](t)(m.TellAccount(p, AccountSaying{Text: name}))
		m.settle()
		same(t, name+": messages", len(m.AccountMessages()), before+1)
		if c.kind == "" {
			same(t, name, []string{m.last().Via, m.last().Text}, []string{ViaSystem, outOfOrder})
			continue
		}
		same(t, name, []string{m.last().Via, m.last().Type, m.last().Text}, []string{ViaReply, c.kind, c.text})
	}
	for _, answer := range []string{"", "success", " success\n"} {
		b.answer = func(string) (int, string) { return 200, answer }
		before := len(m.AccountMessages())
		got[string](t)(m.TellAccount(p, AccountSaying{Text: "x"}))
		m.settle()
		same(t, "messages after the answer "+answer, len(m.AccountMessages()), before)
	}
}

// An event that is copied on purpose is answered twice and shown once.
func TestOneReplyIsShown(t *testing.T) {
	b := newAccountBot(t)
	m := newMP(t, Config{Account: OfficialAccount{CallbackURL: b.server.URL}})
	must(t, m.SetFaults(Faults{Callbacks: CallbackFaults{Copies: 3}}))
	p := got[string](t)(m.AddCustomer(Customer{Name: "小鱼"}))
	from := regexp.MustCompile(`<FromUserName><!\[CDATA\[(.*?)\]\]>`)
	b.answer = func(body string) (int, string) {
		return 200, "<xml><ToUserName>" + from.FindStringSubmatch(body)[1] + "</ToUserName><FromUserName>" + DefaultAccountID + "</FromUserName><MsgType>text</MsgType><Content>欢迎</Content></xml>"
	}
	got[string](t)(m.Follow(p, ""))
	m.settle()
	same(t, "deliveries and messages", []int{len(b.bodies), len(m.AccountMessages())}, []int{3, 1})
}

func TestTheAccountsAddressIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"good": {func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Query().Get("echostr")) }, ""},
		"quoted": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `"`+r.URL.Query().Get("echostr")+`"`)
		}, "want the bare text"},
		"refusing": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) }, "answered HTTP 403"},
	} {
		server := httptest.NewServer(c.serve)
		m := newMP(t, Config{Account: OfficialAccount{CallbackURL: server.URL}})
		err := m.VerifyAccountURL(context.Background())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
	m := newMP(t, Config{})
	if m.VerifyAccountURL(context.Background()) == nil {
		t.Error("no address is checked well")
	}
}

// silentServer serves pushes with silenceper's server.
func silentServer(t *testing.T, heard func(*silentmessage.MixMessage), answer func(*silentmessage.MixMessage) *silentmessage.Reply) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := newSilentAccount().GetServer(r, w)
		s.SetMessageHandler(func(in *silentmessage.MixMessage) *silentmessage.Reply {
			heard(in)
			return answer(in)
		})
		if err := s.Serve(); err != nil {
			t.Errorf("serve: %v", err)
			return
		}
		if s.ResponseMsg != nil {
			if err := s.Send(); err != nil {
				t.Errorf("send: %v", err)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestSilenceperServesTheAccount(t *testing.T) {
	for _, mode := range []string{ModePlain, ModeCompatible, ModeAES} {
		t.Run(mode, func(t *testing.T) {
			var heard []silentmessage.MixMessage
			image := ""
			server := silentServer(t, func(in *silentmessage.MixMessage) { heard = append(heard, *in) }, func(in *silentmessage.MixMessage) *silentmessage.Reply {
				switch {
				case in.Event == silentmessage.EventSubscribe:
					return &silentmessage.Reply{MsgType: silentmessage.MsgTypeNews, MsgData: silentmessage.NewNews([]*silentmessage.Article{silentmessage.NewArticle("a", "b", "", "https://e.com"), silentmessage.NewArticle("c", "d", "", "https://e.com")})}
				case in.MsgType == silentmessage.MsgTypeText:
					return &silentmessage.Reply{MsgType: silentmessage.MsgTypeText, MsgData: silentmessage.NewText("听到: " + in.Content)}
				case in.MsgType == silentmessage.MsgTypeImage:
					return &silentmessage.Reply{MsgType: silentmessage.MsgTypeImage, MsgData: silentmessage.NewImage(image)}
				case in.MsgType == silentmessage.MsgTypeLocation:
					return &silentmessage.Reply{MsgType: silentmessage.MsgTypeTransfer, MsgData: silentmessage.NewTransferCustomer("kf@shop")}
				}
				return nil
			})
			m := newMP(t, Config{Account: OfficialAccount{Mode: mode, CallbackURL: server.URL}})
			must(t, m.VerifyAccountURL(context.Background()))
			lived(t, m, &image)
			kinds := []string{}
			for _, in := range heard {
				kinds = append(kinds, string(in.MsgType)+" "+string(in.Event)+" "+in.EventKey)
			}
			same(t, "heard", kinds, []string{
				"event subscribe qrscene_1001", "event SCAN 1001", "text  ", "image  ", "location  ", "event CLICK K", "event VIEW https://e.com/?a=1&b=2",
				"event LOCATION ", "event subscribe_msg_popup_event ", "event TEMPLATESENDJOBFINISH ", "event unsubscribe ",
			})
			same(t, "subscription", heard[8].GetSubscribeMsgPopupEvents()[0].SubscribeStatusString, "accept")
			same(t, "template", []any{heard[9].TemplateMsgID != 0, heard[9].Status}, []any{true, "success"})
			same(t, "places", []any{heard[4].LocationX, heard[7].Latitude}, []any{31.2, "31.200000"})
			seen := []string{}
			for _, msg := range m.AccountMessages() {
				seen = append(seen, msg.Via+" "+msg.Type+" "+msg.Text)
			}
			same(t, "seen", seen, []string{
				"reply news a b https://e.com\nc d https://e.com", "reply text 听到: 积分 <&]]>", "reply image ", "reply transfer_customer_service ",
				"template template 奖品名称: 红酒\n中奖结果: 已中奖",
			})
		})
	}
}

// picture uploads one and returns its media_id.
func (m *mp) picture() string {
	m.t.Helper()
	out := m.uploadFile("media/upload?type=image", "a.png", sampleFiles()["image"])
	id, _ := out["media_id"].(string)
	if id == "" {
		m.t.Fatalf("media/upload answered %v", out)
	}
	return id
}

// lived lets a person do everything that a person can.
func lived(t *testing.T, m *mp, image *string) {
	t.Helper()
	*image = m.picture()
	p := got[string](t)(m.AddCustomer(Customer{Name: "小鱼"}))
	ticket := m.well("qrcode/create", `{"action_name":"QR_LIMIT_SCENE","action_info":{"scene":{"scene_id":1001}}}`)["ticket"].(string)
	m.well("menu/create", `{"button":[{"type":"click","name":"签到","key":"K"},{"type":"view","name":"官网","url":"https://e.com/?a=1&b=2"}]}`)
	template := m.well("template/api_add_template", `{"template_id_short":"46004"}`)["template_id"]
	notice := m.well("/wxaapi/newtmpl/addtemplate", `{"tid":"46004","kidList":[1,2],"sceneDesc":"抽奖"}`)["priTmplId"].(string)
	steps := []func() error{
		func() error { return m.ScanAccountCode(p, ticket) },
		func() error { return m.ScanAccountCode(p, ticket) },
		func() error { _, err := m.TellAccount(p, AccountSaying{Text: "积分 <&]]>"}); return err },
		func() error { _, err := m.TellAccount(p, AccountSaying{Type: "image"}); return err },
		func() error {
			_, err := m.TellAccount(p, AccountSaying{Type: "location", Latitude: 31.2, Longitude: 121.5, Text: "店"})
			return err
		},
		func() error { return m.ClickMenu(p, "K") },
		func() error { return m.ClickMenu(p, "官网") },
		func() error { return m.ReportLocation(p, 31.2, 121.5, 30) },
		func() error { return m.AnswerNotices(p, notice, true) },
		func() error {
			m.well("message/template/send", map[string]any{"touser": m.Followers()[0].OpenID, "template_id": template, "data": map[string]any{
				"thing1": map[string]any{"value": "红酒"}, "phrase2": map[string]any{"value": "已中奖"},
			}})
			return nil
		},
		func() error { return m.Unfollow(p) },
	}
	for _, step := range steps {
		must(t, step())
		m.settle()
		m.clock.Add(time.Second)
	}
}

func TestPowerWeChatServesTheAccount(t *testing.T) {
	for _, mode := range []string{ModePlain, ModeCompatible, ModeAES} {
		t.Run(mode, func(t *testing.T) {
			var heard []string
			image := ""
			app := newPowerAccount(t, http.DefaultTransport, false)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					rs, err := app.Server.VerifyURL(r)
					if err != nil {
						t.Errorf("verify: %v", err)
						return
					}
					_, _ = io.Copy(w, rs.Body)
					return
				}
				rs, err := app.Server.Notify(r, func(e contract.EventInterface) any {
					heard = append(heard, strings.TrimSpace(e.GetMsgType()+" "+e.GetEvent()))
					switch {
					case e.GetEvent() == "subscribe":
						return "欢迎"
					case e.GetMsgType() == "text":
						return powermessages.NewText("听到")
					case e.GetMsgType() == "image":
						return powermessages.NewImage(image, &power.HashMap{})
					}
					return "success"
				})
				if err != nil {
					t.Errorf("notify: %v", err)
					return
				}
				body, _ := io.ReadAll(rs.Body)
				_, _ = io.Copy(w, bytes.NewReader(body))
			}))
			t.Cleanup(server.Close)
			m := newMP(t, Config{Account: OfficialAccount{Mode: mode, CallbackURL: server.URL}})
			must(t, m.VerifyAccountURL(context.Background()))
			lived(t, m, &image)
			same(t, "heard", heard, []string{
				"event subscribe", "event SCAN", "text", "image", "location", "event CLICK", "event VIEW", "event LOCATION",
				"event subscribe_msg_popup_event", "event TEMPLATESENDJOBFINISH", "event unsubscribe",
			})
			seen := []string{}
			for _, msg := range m.AccountMessages() {
				seen = append(seen, msg.Via+" "+msg.Type+" "+msg.Text)
			}
			same(t, "seen", seen, []string{
				"reply text 欢迎", "reply text 听到", "reply image ", "template template 奖品名称: 红酒\n中奖结果: 已中奖",
			})
		})
	}
}
