package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	noticerequest "github.com/ArtisanCloud/PowerWeChat/v3/src/basicService/subscribeMessage/request"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/contract"
	powermessages "github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/messages"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	poweraccount "github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount"
	materialrequest "github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount/material/request"
	menurequest "github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount/menu/request"
	templaterequest "github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount/templateMessage/request"
	userrequest "github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount/user/request"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/credential"
	silentaccount "github.com/silenceper/wechat/v2/officialaccount"
	silentbasic "github.com/silenceper/wechat/v2/officialaccount/basic"
	silentaccountconfig "github.com/silenceper/wechat/v2/officialaccount/config"
	silentmaterial "github.com/silenceper/wechat/v2/officialaccount/material"
	silentmenu "github.com/silenceper/wechat/v2/officialaccount/menu"
	silentmessage "github.com/silenceper/wechat/v2/officialaccount/message"
	silentuser "github.com/silenceper/wechat/v2/officialaccount/user"
	silenceperutil "github.com/silenceper/wechat/v2/util"
)

// TestAccountSDKs drives the official account with clients that others wrote, and checks that
// every call they have for what is simulated was answered well or is excepted below.
func TestAccountSDKs(t *testing.T) {
	seen := &sightings{answered: map[string]bool{}, paths: map[string]bool{}}
	ok := t.Run("PowerWeChat", func(t *testing.T) { powerAccount(t, newAccountRig(t, seen)) })
	ok = t.Run("silenceper", func(t *testing.T) { silentAccount(t, newAccountRig(t, seen)) }) && ok
	if !ok {
		return
	}
	except := accountExceptions()
	for _, calls := range []map[string]string{powerAccountCalls(), silentAccountCalls()} {
		for _, call := range slices.Sorted(maps.Keys(calls)) {
			if driven := seen.answered[calls[call]]; driven == (except[call] != "") {
				t.Errorf("%s: answered well %v, exception %q", call, driven, except[call])
			}
		}
	}
	for path := range allAccountAPIs() {
		if !seen.paths[strings.TrimPrefix(path, accountPrefix)] {
			t.Errorf("%s is reached by no SDK", path)
		}
	}
}

const noSuchCall = "the sandbox does not have the call"

// accountExceptions are calls that are not answered well, with the reason.
func accountExceptions() map[string]string {
	return map[string]string{
		"Base.CheckCallbackURL":      noSuchCall,
		"User.ChangeOpenID":          noSuchCall,
		"User.ListChangeOpenIDs":     noSuchCall,
		"User.ListAllChangeOpenIDs":  noSuchCall,
		"User.GetAllBlackList":       "hands a list to a parameter that takes one text: it does not end well even without people",
		"Menu.CreateConditional":     noSuchCall,
		"Menu.DeleteConditional":     noSuchCall,
		"Menu.TryMatch":              noSuchCall,
		"Menu.AddConditional":        noSuchCall,
		"Menu.AddConditionalByJSON":  noSuchCall,
		"Menu.MenuTryMatch":          noSuchCall,
		"Basic.Long2ShortURL":        noSuchCall,
		"Material.AddNews":           noSuchCall,
		"Material.GetNews":           noSuchCall,
		"Material.UpdateNews":        noSuchCall,
		"Material.UploadArticle":     noSuchCall,
		"Material.UpdateArticle":     noSuchCall,
		"Material.UploadImageByData": "names the part of the file image instead of media",
		"Material.UploadVoiceByData": "names the part of the file voice instead of media",
		"Material.UploadThumbByData": "names the part of the file thumb instead of media",
		"Material.UploadVideo":       "puts the description into the address instead of the body",
		"Material.UploadVideoByData": "puts the description into the address instead of the body",
		"Material.UploadByData":      "names the part of the file after its kind instead of media",
		"Media.GetJSSDK":             noSuchCall,
		"SubscribeMessage.Send":      "is of mini programs",
		"CustomerService.Create":     noSuchCall,
		"CustomerService.Delete":     noSuchCall,
		"CustomerService.Invite":     noSuchCall,
		"CustomerService.List":       noSuchCall,
		"CustomerService.Online":     noSuchCall,
		"CustomerService.Update":     noSuchCall,
		"CustomerService.SetAvatar":  noSuchCall,
		"CustomerService.Messages":   noSuchCall,
	}
}

func powerAccountCalls() map[string]string {
	out := map[string]string{}
	all := reflect.TypeFor[poweraccount.OfficialAccount]()
	for _, name := range []string{"Base", "Media", "QRCode", "JSSDK", "SubscribeMessage", "User", "UserTag", "Menu", "TemplateMessage", "Material", "CustomerService"} {
		f, ok := all.FieldByName(name)
		if !ok {
			panic(name)
		}
		methodsOf(f.Type, name, out)
	}
	// These ask nobody.
	offline(out, "QRCode.URL", "CustomerService.Message", "JSSDK.SetUrl", "JSSDK.GetUrl", "JSSDK.GetTicketSignature", "JSSDK.OverrideGetAppID")
	return out
}

func silentAccountCalls() map[string]string {
	out := map[string]string{}
	all := reflect.TypeFor[*silentaccount.OfficialAccount]()
	for _, name := range []string{"Basic", "Menu", "Oauth", "Material", "User", "Template", "CustomerMessageManager", "Subscribe"} {
		m, ok := all.MethodByName("Get" + name)
		if !ok {
			panic(name)
		}
		methodsOf(m.Type.Out(0), name, out)
	}
	offline(out, "Oauth.GetRedirectURL", "Oauth.GetWebAppRedirectURL", "Oauth.Redirect", "Material.GetMediaURL")
	const js = "github.com/silenceper/wechat/v2/officialaccount/js.(*Js)." // inherits from an interface
	out["Js.GetConfig"], out["Js.GetConfigContext"] = js+"GetConfig", js+"GetConfigContext"
	return out
}

func offline(calls map[string]string, names ...string) {
	for _, name := range names {
		delete(calls, name)
	}
}

// fine is answered for types that may lack errcode altogether.
func fine(t *testing.T, out any, err error) {
	t.Helper()
	if reflect.Indirect(reflect.ValueOf(out)).FieldByName("ErrCode").IsValid() {
		answered(t, out, err)
	}
	must(t, err)
}

// accountRig is an account with both SDKs' clients pointed at it.
type accountRig struct {
	*mp
	ctx    context.Context
	power  *poweraccount.OfficialAccount
	silent *silentaccount.OfficialAccount
	rt     http.RoundTripper
}

// accountTransport sends what is meant for WeChat's hosts to a sandbox.
type accountTransport struct {
	host string
	base http.RoundTripper
	seen *sightings
}

func (rt *accountTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	callers := sdkCallers()
	resp, body, err := redirected(rt.base, req, rt.host, "api.weixin.qq.com", "mp.weixin.qq.com")
	if err != nil {
		return nil, err
	}
	var head struct {
		ErrCode int `json:"errcode"`
	}
	if json.Unmarshal(body, &head); resp.StatusCode == http.StatusOK && head.ErrCode == 0 {
		rt.seen.mu.Lock()
		rt.seen.paths[strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, apiPrefix), "/")] = true
		for _, name := range callers {
			rt.seen.answered[name] = true
		}
		rt.seen.mu.Unlock()
	}
	return resp, nil
}

func newAccountRig(t *testing.T, seen *sightings) *accountRig {
	t.Helper()
	r := &accountRig{mp: newMP(t, Config{}), ctx: context.Background()}
	rt := &accountTransport{host: strings.TrimPrefix(r.server.URL, "http://"), base: r.server.Client().Transport, seen: seen}
	r.rt = rt
	before := silenceperutil.DefaultHTTPClient
	silenceperutil.DefaultHTTPClient = &http.Client{Transport: rt}
	t.Cleanup(func() { silenceperutil.DefaultHTTPClient = before })
	r.power = newPowerAccount(t, rt, false)
	r.silent = newSilentAccount()
	return r
}

func newPowerAccount(t *testing.T, rt http.RoundTripper, stable bool) *poweraccount.OfficialAccount {
	t.Helper()
	return got[*poweraccount.OfficialAccount](t)(poweraccount.NewOfficialAccount(&poweraccount.UserConfig{
		AppID: DefaultAppID, Secret: DefaultAppSecret, Token: DefaultAccountToken, AESKey: DefaultAccountAESKey, StableTokenMode: stable,
		Http: poweraccount.Http{BaseURI: "https://api.weixin.qq.com/", Transport: rt, Timeout: 1e-10},
		Log:  poweraccount.Log{Driver: sdkLog{}}, Cache: &sdkCache{values: map[string][]byte{}},
		OAuth: poweraccount.OAuth{Callback: "https://shop.example.com/login", Scopes: []string{scopeInfo}},
	}))
}

func newSilentAccount() *silentaccount.OfficialAccount {
	return silentaccount.NewOfficialAccount(&silentaccountconfig.Config{
		AppID: DefaultAppID, AppSecret: DefaultAppSecret, Token: DefaultAccountToken, EncodingAESKey: DefaultAccountAESKey,
		Cache: cache.NewMemory(),
	})
}

// files writes one file of each kind and returns their paths.
func accountFilesOnDisk(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for kind, data := range sampleFiles() {
		path := filepath.Join(t.TempDir(), kind+map[string]string{"image": ".png", "voice": ".amr", "video": ".mp4", "thumb": ".jpg"}[kind])
		must(t, os.WriteFile(path, data, 0o600))
		out[kind] = path
	}
	return out
}

func sampleFiles() map[string][]byte {
	return map[string][]byte{
		"image": Picture("x"), "voice": []byte(voiceHead + "abc"), "thumb": []byte("\xff\xd8\xff\xe0 a picture"),
		"video": []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"),
	}
}

func powerAccount(t *testing.T, r *accountRig) {
	customer, id := r.fan("小鱼")
	other, otherID := r.fan("老周")
	p, ctx := r.power, r.ctx
	t.Run("base", func(t *testing.T) {
		ips, err := p.Base.GetCallbackIP(ctx)
		fine(t, ips, err)
		same(t, "ips", len(ips.IPList) > 0, true)
		out, err := p.Base.ClearQuota(ctx)
		fine(t, out, err)
		stable := newPowerAccount(t, r.rt, true)
		ips, err = stable.Base.GetCallbackIP(ctx)
		fine(t, ips, err)
		same(t, "calls of stable_token", r.Calls("mp/stable_token"), 1)
		ticket, err := p.JSSDK.GetTicket(ctx, true, "jsapi")
		must(t, err)
		same(t, "ticket", len((*ticket)["ticket"].(string)), ticketChars)
		_, err = newPowerAccount(t, r.rt, false).JSSDK.BuildConfig(ctx, []string{"scanQRCode"}, false, false, nil, "https://shop.example.com/")
		must(t, err)
		_, err = newPowerAccount(t, r.rt, false).JSSDK.GetConfigArray(ctx, []string{"scanQRCode"}, false, false, nil, "https://shop.example.com/")
		must(t, err)
		_, err = newPowerAccount(t, r.rt, false).JSSDK.ConfigSignature(ctx, "https://shop.example.com/", "", 0)
		must(t, err)
	})
	t.Run("users", func(t *testing.T) { powerAccountUsers(t, r, id, otherID) })
	t.Run("codes", func(t *testing.T) {
		for _, c := range []struct {
			scene any
			want  string
		}{{"invite_u1001", "invite_u1001"}, {1001, "1001"}} {
			once, err := p.QRCode.Temporary(ctx, c.scene, 600)
			fine(t, once, err)
			always, err := p.QRCode.Forever(ctx, c.scene)
			fine(t, always, err)
			codes := r.AccountCodes()
			last := codes[len(codes)-2:]
			same(t, "scenes", []any{last[0].Scene, last[1].Scene, last[0].Expires.IsZero(), last[1].Expires.IsZero()}, []any{c.want, c.want, false, true})
			same(t, "tickets", []string{once.Ticket, always.Ticket}, []string{last[0].Ticket, last[1].Ticket})
			u := got[*url.URL](t)(url.Parse(p.QRCode.URL(once.Ticket)))
			resp := got[*http.Response](t)((&http.Client{Transport: r.rt}).Get(u.String()))
			same(t, "picture", []any{resp.StatusCode, resp.Header.Get("Content-Type")}, []any{200, "image/png"})
		}
	})
	t.Run("menu", func(t *testing.T) {
		out, err := p.Menu.Create(ctx, []*menurequest.Button{
			{Type: "click", Name: "签到", Key: "MENU_SIGNIN"},
			{Name: "更多", SubButtons: []menurequest.SubButton{{Type: "view", Name: "官网", URL: "https://example.com/?a=1&b=2"}}},
		})
		fine(t, out, err)
		menu, err := p.Menu.Get(ctx)
		fine(t, menu, err)
		same(t, "menu", []any{menu.Menus.Buttons[0].Key, menu.Menus.Buttons[1].SubButtons[0].URL}, []any{"MENU_SIGNIN", "https://example.com/?a=1&b=2"})
		shown, err := p.Menu.CurrentSelfMenu(ctx)
		fine(t, shown, err)
		same(t, "self menu", []any{shown.IsMenuOpen, shown.SelfMenuInfo.Buttons[1].SubButtons.List[0].Name}, []any{1, "官网"})
		gone, err := p.Menu.Delete(ctx)
		fine(t, gone, err)
		menu, err = p.Menu.Get(ctx)
		must(t, err)
		same(t, "errcode without a menu", menu.ErrCode, codeNoMenu)
	})
	t.Run("messages", func(t *testing.T) { powerAccountMessages(t, r, customer, id) })
	t.Run("templates", func(t *testing.T) { powerAccountTemplates(t, r, other, otherID) })
	t.Run("login", func(t *testing.T) {
		p.OAuth.SetScopes([]string{scopeInfo}) // it takes none from its settings
		back := got[string](t)(r.OpenAccountPage(customer, got[string](t)(p.OAuth.Redirect("https://shop.example.com/login"))))
		code := got[*url.URL](t)(url.Parse(back)).Query().Get("code")
		p.OAuth.SetBaseUrl(r.server.URL + "/sns")
		user, err := p.OAuth.UserFromCode(code)
		must(t, err)
		same(t, "who", []any{user.GetOpenID(), user.GetNickname()}, []any{id, "小鱼"})
	})
	t.Run("material", func(t *testing.T) { powerAccountMaterial(t, r) })
}

func powerAccountUsers(t *testing.T, r *accountRig, id, other string) {
	p, ctx := r.power, r.ctx
	user, err := p.User.Get(ctx, id, "zh_CN")
	fine(t, user, err)
	same(t, "user", []any{user.Subscribe, user.OpenID, user.UnionID, user.SubscribeScene}, []any{1, id, r.Customers()[0].UnionID, BySearch})
	users, err := p.User.BatchGet(ctx, &userrequest.RequestBatchGetUserInfo{UserList: []*userrequest.UserList{{Openid: id, Lang: "zh_CN"}, {Openid: other}}})
	fine(t, users, err)
	same(t, "users", []string{users.ResponseGetUserInfo[0].OpenID, users.ResponseGetUserInfo[1].OpenID}, []string{id, other})
	list, err := p.User.List(ctx, "")
	fine(t, list, err)
	same(t, "followers", []any{list.Total, list.Data.OpenID, list.NextOpenID}, []any{2, []string{id, other}, other})
	out, err := p.User.Remark(ctx, id, "团长")
	fine(t, out, err)
	out, err = p.User.Block(ctx, []string{other})
	fine(t, out, err)
	black, err := p.User.Blacklist(ctx, "")
	fine(t, black, err)
	same(t, "blocked", black.Data.OpenID, []string{other})
	out, err = p.User.Unblock(ctx, []string{other})
	fine(t, out, err)

	tag, err := p.UserTag.Create(ctx, "团长")
	fine(t, tag, err)
	tagID := strconv.Itoa(tag.Tag.ID)
	out, err = p.UserTag.Update(ctx, tagID, "大团长")
	fine(t, out, err)
	tagged, err := p.UserTag.TagUsers(ctx, []string{id}, tag.Tag.ID)
	fine(t, tagged, err)
	tags, err := p.UserTag.List(ctx)
	fine(t, tags, err)
	same(t, "tags", []any{tags.Tags[1].Name, tags.Tags[1].Count}, []any{"大团长", 1})
	of, err := p.UserTag.UserTags(ctx, id)
	fine(t, of, err)
	same(t, "tags of one", of.TagIDList, []int{tag.Tag.ID})
	who, err := p.UserTag.UsersOfTag(ctx, tagID, "")
	fine(t, who, err)
	same(t, "tagged", who.Data.Openid, []string{id})
	untagged, err := p.UserTag.UntagUsers(ctx, []string{id}, tag.Tag.ID)
	fine(t, untagged, err)
	out, err = p.UserTag.Delete(ctx, tagID)
	fine(t, out, err)
	same(t, "remark", []any{r.Followers()[0].Remark, len(r.Followers()[0].Tags)}, []any{"团长", 0})
}

func powerAccountMessages(t *testing.T, r *accountRig, customer, id string) {
	p, ctx := r.power, r.ctx
	files := accountFilesOnDisk(t)
	image, err := p.Media.UploadImage(ctx, files["image"])
	fine(t, image, err)
	voice, err := p.Media.UploadVoice(ctx, files["voice"])
	fine(t, voice, err)
	video, err := p.Media.UploadVideo(ctx, files["video"])
	fine(t, video, err)
	thumb, err := p.Media.UploadThumb(ctx, files["thumb"])
	fine(t, thumb, err)
	_, err = p.Media.Upload(ctx, "image", files["image"])
	must(t, err)
	resp, err := p.Media.Get(ctx, image.MediaID)
	must(t, err)
	same(t, "the image again", bytes.Equal(got[[]byte](t)(io.ReadAll(resp.Body)), sampleFiles()["image"]), true)

	for i, m := range []contract.MessageInterface{
		powermessages.NewText("你好"), powermessages.NewImage(image.MediaID, &power.HashMap{}), powermessages.NewVoice(voice.MediaID, &power.HashMap{}),
	} {
		if i%touchMessages == 0 {
			got[string](t)(r.TellAccount(customer, AccountSaying{Text: "在吗"}))
		}
		out, err := p.CustomerService.Message(ctx, m).SetTo(id).From("kf1@shop").Send(ctx)
		fine(t, out, err)
		same(t, "message", []any{r.last().OpenID, r.last().Type, r.last().Account}, []any{id, m.GetType(), "kf1@shop"})
	}
	sent, err := p.CustomerService.Send(ctx, &object.HashMap{"touser": id, "msgtype": "text", "text": &object.HashMap{"content": "直接"}})
	fine(t, sent, err)
	typing, err := p.CustomerService.ShowTypingStatusToUser(ctx, id)
	fine(t, typing, err)
	typing, err = p.CustomerService.HideTypingStatusToUser(ctx, id)
	fine(t, typing, err)
	for range talkMessages + touchMessages {
		sent, err = p.CustomerService.Send(ctx, &object.HashMap{"touser": id, "msgtype": "text", "text": &object.HashMap{"content": "x"}})
		must(t, err)
	}
	same(t, "errcode of too many", sent.ErrCode, codeWindowCount)
}

func powerAccountTemplates(t *testing.T, r *accountRig, customer, id string) {
	p, ctx := r.power, r.ctx
	set, err := p.TemplateMessage.SetIndustry(ctx, "1", "4", nil)
	fine(t, set, err)
	industry, err := p.TemplateMessage.GetIndustry(ctx)
	fine(t, industry, err)
	same(t, "industry", industry.PrimaryIndustry.SecondClass, "1")
	added, err := p.TemplateMessage.AddTemplate(ctx, "46001", []string{"商品名称", "开团时间"})
	fine(t, added, err)
	all, err := p.TemplateMessage.GetPrivateTemplates(ctx)
	fine(t, all, err)
	same(t, "templates", []any{all.TemplateList[0].TemplateID, all.TemplateList[0].Title}, []any{added.TemplateId, "开团提醒"})
	sent, err := p.TemplateMessage.Send(ctx, &templaterequest.RequestTemlateMessage{
		ToUser: id, TemplateID: added.TemplateId, URL: "https://example.com/",
		Data: &power.HashMap{"thing1": power.HashMap{"value": "土鸡蛋"}, "time2": power.HashMap{"value": "10:00"}},
	})
	fine(t, sent, err)
	same(t, "template message", []any{sent.MsgID, r.last().Text, r.last().URL}, []any{r.last().ID, "商品名称: 土鸡蛋\n开团时间: 10:00", "https://example.com/"})
	must(t, r.AllowOnce(customer, 7))
	once, err := p.TemplateMessage.SendSubscription(ctx, &templaterequest.RequestTemlateMessageSubscribe{
		ToUser: id, TemplateID: added.TemplateId, Scene: "7", Title: "到货", Data: &power.HashMap{"content": power.HashMap{"value": "鸡蛋到了"}},
	})
	fine(t, once, err)
	gone, err := p.TemplateMessage.DeletePrivateTemplate(ctx, added.TemplateId)
	fine(t, gone, err)

	trades, err := p.SubscribeMessage.GetCategory(ctx)
	fine(t, trades, err)
	titles, err := p.SubscribeMessage.GetPubTemplateTitleList(ctx, strconv.Itoa(shelfCategory), 0, 2)
	fine(t, titles, err)
	same(t, "titles", []any{titles.Count, len(titles.Data)}, []any{4, 2})
	words, err := p.SubscribeMessage.GetPubTemplateKeyWordsByID(ctx, "46002")
	fine(t, words, err)
	notice, err := p.SubscribeMessage.AddTemplate(ctx, "46002", []int{2, 3}, "积分提醒")
	fine(t, notice, err)
	notices, err := p.SubscribeMessage.GetTemplateList(ctx)
	fine(t, notices, err)
	all2 := r.well("/wxaapi/newtmpl/gettemplate", nil)
	noticeID := dig(all2, "data", 0, "priTmplId").(string)
	must(t, r.AnswerNotices(customer, noticeID, true))
	biz, err := p.SubscribeMessage.BizSend(ctx, &noticerequest.RequestSubscribeMessageBizSend{
		ToUser: id, TemplateId: noticeID,
		Data: &power.HashMap{"number2": power.HashMap{"value": "30"}, "date3": power.HashMap{"value": "2026年11月23日"}},
	})
	must(t, err)
	_ = biz
	same(t, "notice", []any{r.last().Via, r.last().Text}, []any{ViaSubscribe, "变动积分: 30\n变动时间: 2026年11月23日"})
	deleted, err := p.SubscribeMessage.DeleteTemplate(ctx, noticeID)
	fine(t, deleted, err)
}

func powerAccountMaterial(t *testing.T, r *accountRig) {
	p, ctx, files := r.power, r.ctx, accountFilesOnDisk(t)
	image, err := p.Material.UploadImage(ctx, files["image"])
	fine(t, image, err)
	voice, err := p.Material.UploadVoice(ctx, files["voice"])
	fine(t, voice, err)
	thumb, err := p.Material.UploadThumb(ctx, files["thumb"])
	fine(t, thumb, err)
	article, err := p.Material.UploadArticleImage(ctx, files["image"])
	fine(t, article, err)
	resp, err := p.Material.Get(ctx, image.MediaID)
	must(t, err)
	same(t, "the image again", bytes.Equal(got[[]byte](t)(io.ReadAll(resp.Body)), sampleFiles()["image"]), true)
	video, _, err := r.silent.GetMaterial().AddVideo(files["video"], "开箱", "鸡蛋")
	must(t, err)
	about, err := p.Material.GetVideo(ctx, video)
	fine(t, about, err)
	same(t, "video", []string{about.Title, about.Description}, []string{"开箱", "鸡蛋"})
	list, err := p.Material.List(ctx, &materialrequest.RequestMaterialBatchGetMaterial{Type: "image", Count: 20})
	fine(t, list, err)
	same(t, "images", []int{list.TotalCount, list.ItemCount}, []int{1, 1})
	stats, err := p.Material.Stats(ctx)
	fine(t, stats, err)
	same(t, "counts", []int{stats.ImageCount, stats.VoiceCount, stats.VideoCount}, []int{1, 1, 1})
	gone, err := p.Material.Delete(ctx, voice.MediaID)
	fine(t, gone, err)
}

func silentAccount(t *testing.T, r *accountRig) {
	customer, id := r.fan("小鱼")
	s := r.silent
	t.Run("basic", func(t *testing.T) {
		b := s.GetBasic()
		got[[]string](t)(b.GetCallbackIP())
		got[[]string](t)(b.GetAPIDomainIP())
		must(t, b.ClearQuota())
		for _, req := range []*silentbasic.Request{
			silentbasic.NewTmpQrRequest(time.Minute, "a"), silentbasic.NewTmpQrRequest(time.Minute, 7),
			silentbasic.NewLimitQrRequest("a"), silentbasic.NewLimitQrRequest(7),
		} {
			ticket := got[*silentbasic.Ticket](t)(b.GetQRTicket(req))
			codes := r.AccountCodes()
			same(t, "code", []any{ticket.Ticket, ticket.URL}, []any{codes[len(codes)-1].Ticket, codes[len(codes)-1].URL})
		}
		stable := newSilentAccount()
		stable.SetAccessTokenHandle(credential.NewStableAccessToken(DefaultAppID, DefaultAppSecret, "stable", cache.NewMemory()))
		got[[]string](t)(stable.GetBasic().GetCallbackIP())
		config, err := s.GetJs().GetConfig("https://shop.example.com/")
		must(t, err)
		same(t, "app of the page", config.AppID, DefaultAppID)
		_, err = s.GetJs().GetConfigContext(r.ctx, "https://shop.example.com/")
		must(t, err)
	})
	t.Run("menu", func(t *testing.T) {
		m := s.GetMenu()
		must(t, m.SetMenu([]*silentmenu.Button{silentmenu.NewClickButton("签到", "K"), silentmenu.NewSubButton("更多", []*silentmenu.Button{silentmenu.NewViewButton("官网", "https://example.com/?a=1&b=2")})}))
		shown := got[silentmenu.ResMenu](t)(m.GetMenu())
		same(t, "menu", []any{shown.Menu.Button[0].Key, shown.Menu.Button[1].SubButtons[0].URL}, []any{"K", "https://example.com/?a=1&b=2"})
		self := got[silentmenu.ResSelfMenuInfo](t)(m.GetCurrentSelfMenuInfo())
		same(t, "self menu", self.SelfMenuInfo.Button[1].SubButton.List[0].Name, "官网")
		must(t, m.SetMenuByJSON(`{"button":[{"type":"click","name":"x","key":"y"}]}`))
		must(t, m.DeleteMenu())
		_, err := m.GetMenu()
		same(t, "no menu", err != nil && strings.Contains(err.Error(), "46003"), true)
	})
	t.Run("users", func(t *testing.T) { silentAccountUsers(t, r, id) })
	t.Run("messages", func(t *testing.T) { silentAccountMessages(t, r, customer, id) })
	t.Run("templates", func(t *testing.T) { silentAccountTemplates(t, r, customer, id) })
	t.Run("login", func(t *testing.T) { silentAccountLogin(t, r, customer, id) })
	t.Run("material", func(t *testing.T) {
		m, files := s.GetMaterial(), accountFilesOnDisk(t)
		image, address, err := m.AddMaterial(silentmaterial.MediaTypeImage, files["image"])
		must(t, err)
		same(t, "address", address != "", true)
		_, _, err = m.AddMaterialFromReader(silentmaterial.MediaTypeVoice, files["voice"], bytes.NewReader(sampleFiles()["voice"]))
		must(t, err)
		_, _, err = m.AddVideo(files["video"], "开箱", "鸡蛋")
		must(t, err)
		_, _, err = m.AddVideoFromReader(files["video"], "开箱", "鸡蛋", bytes.NewReader(sampleFiles()["video"]))
		must(t, err)
		count := got[silentmaterial.ResMaterialCount](t)(m.GetMaterialCount())
		same(t, "counts", []int64{count.ImageCount, count.VoiceCount, count.VideoCount}, []int64{1, 1, 2})
		list := got[silentmaterial.ArticleList](t)(m.BatchGetMaterial(silentmaterial.PermanentMaterialTypeImage, 0, 20))
		same(t, "image", list.Item[0].MediaID, image)
		must(t, m.DeleteMaterial(image))
		got[string](t)(m.ImageUpload(files["image"]))
	})
}

func silentAccountUsers(t *testing.T, r *accountRig, id string) {
	u := r.silent.GetUser()
	info := got[*silentuser.Info](t)(u.GetUserInfo(id))
	same(t, "user", []any{info.Subscribe, info.OpenID, info.UnionID, info.SubscribeTime}, []any{int32(1), id, r.Customers()[0].UnionID, int32(r.clock.Now().Unix())})
	batch := got[*silentuser.InfoList](t)(u.BatchGetUserInfo(silentuser.BatchGetUserInfoParams{UserList: []silentuser.BatchGetUserListItem{{OpenID: id}}}))
	same(t, "batch", batch.UserInfoList[0].OpenID, id)
	must(t, u.UpdateRemark(id, "团长"))
	same(t, "list", got[*silentuser.OpenidList](t)(u.ListUserOpenIDs()).Data.OpenIDs, []string{id})
	same(t, "all", got[[]string](t)(u.ListAllUserOpenIDs()), []string{id})
	must(t, u.BatchBlackList(id))
	same(t, "blocked", got[*silentuser.OpenidList](t)(u.GetBlackList()).Data.OpenIDs, []string{id})
	must(t, u.BatchUnBlackList(id))
	tag := got[*silentuser.TagInfo](t)(u.CreateTag("团长"))
	must(t, u.UpdateTag(tag.ID, "大团长"))
	must(t, u.BatchTag([]string{id}, tag.ID))
	same(t, "tags", got[[]*silentuser.TagInfo](t)(u.GetTag())[1].Count, int64(1))
	same(t, "tagged", got[*silentuser.TagOpenIDList](t)(u.OpenIDListByTag(tag.ID)).Data.OpenIDs, []string{id})
	same(t, "tags of one", got[[]int32](t)(u.UserTidList(id)), []int32{tag.ID})
	must(t, u.BatchUntag([]string{id}, tag.ID))
	must(t, u.DeleteTag(tag.ID))
}

func silentAccountMessages(t *testing.T, r *accountRig, customer, id string) {
	m := r.silent.GetMaterial()
	up := func(kind silentmaterial.MediaType) string {
		out := got[silentmaterial.Media](t)(m.MediaUploadFromReader(kind, "a.bin", bytes.NewReader(sampleFiles()[string(kind)])))
		return out.MediaID + out.ThumbMediaID
	}
	image, voice, video, thumb := up("image"), up("voice"), up("video"), up("thumb")
	got[silentmaterial.Media](t)(m.MediaUpload("image", accountFilesOnDisk(t)["image"]))
	resp := got[*http.Response](t)((&http.Client{Transport: r.rt}).Get(got[string](t)(m.GetMediaURL(image))))
	same(t, "the image again", bytes.Equal(got[[]byte](t)(io.ReadAll(resp.Body)), sampleFiles()["image"]), true)
	send := r.silent.GetCustomerMessageManager().Send
	with := func(kind string, fill func(*silentmessage.CustomerMessage)) *silentmessage.CustomerMessage {
		out := &silentmessage.CustomerMessage{ToUser: id, Msgtype: silentmessage.MsgType(kind)}
		fill(out)
		return out
	}
	for i, msg := range []*silentmessage.CustomerMessage{
		silentmessage.NewCustomerTextMessage(id, "你好"), silentmessage.NewCustomerImgMessage(id, image),
		silentmessage.NewCustomerVoiceMessage(id, voice), silentmessage.NewCustomerMiniprogrampageMessage(id, "店", "wx1", "/p", image),
		with("video", func(m *silentmessage.CustomerMessage) {
			m.Video = &silentmessage.MediaVideo{MediaID: video, ThumbMediaID: thumb, Title: "t"}
		}),
		with("music", func(m *silentmessage.CustomerMessage) {
			m.Music = &silentmessage.MediaMusic{Musicurl: "https://e.com/a.mp3", Hqmusicurl: "https://e.com/b.mp3", ThumbMediaID: thumb}
		}),
		with("news", func(m *silentmessage.CustomerMessage) {
			m.News = &silentmessage.MediaNews{Articles: []silentmessage.MediaArticles{{Title: "t", URL: "https://e.com/"}}}
		}),
		with("msgmenu", func(m *silentmessage.CustomerMessage) {
			m.Msgmenu = &silentmessage.MediaMsgmenu{HeadContent: "满意吗", List: []silentmessage.MsgmenuItem{{ID: "101", Content: "满意"}}, TailContent: "谢谢"}
		}),
	} {
		if i%talkMessages == 0 {
			got[string](t)(r.TellAccount(customer, AccountSaying{Text: "在吗"}))
		}
		must(t, send(msg))
		same(t, "message", []any{r.last().OpenID, r.last().Type}, []any{id, string(msg.Msgtype)})
	}
	same(t, "menu in a message", r.last().Text, "满意吗\n满意\n谢谢")
	for _, gone := range []*silentmessage.CustomerMessage{
		with("mpnews", func(m *silentmessage.CustomerMessage) { m.Mpnews = &silentmessage.MediaResource{MediaID: "x"} }),
		with("wxcard", func(m *silentmessage.CustomerMessage) { m.Wxcard = &silentmessage.MediaWxcard{CardID: "x"} }),
		with("mpnewsarticle", func(m *silentmessage.CustomerMessage) { m.Mpnewsarticle = &silentmessage.MediaArticle{ArticleID: "x"} }),
	} {
		if send(gone) == nil {
			t.Errorf("%s was sent, and nothing of it is there", gone.Msgtype)
		}
	}
}

func silentAccountTemplates(t *testing.T, r *accountRig, customer, id string) {
	tpl := r.silent.GetTemplate()
	template := got[string](t)(tpl.Add("46004", []string{"奖品名称", "中奖结果"}))
	same(t, "templates", got[[]*silentmessage.TemplateItem](t)(tpl.List())[0].Content, "奖品名称:{{thing1.DATA}}\n中奖结果:{{phrase2.DATA}}\n")
	msg := &silentmessage.TemplateMessage{ToUser: id, TemplateID: template, ClientMsgID: "m1", Data: map[string]*silentmessage.TemplateDataItem{
		"thing1": {Value: "红酒"}, "phrase2": {Value: "已中奖"},
	}}
	same(t, "msgid", got[int64](t)(tpl.Send(msg)), r.last().ID)
	if _, err := tpl.Send(msg); err == nil || !strings.Contains(err.Error(), "45065") {
		t.Errorf("the same client_msg_id again: %v", err)
	}
	must(t, tpl.Delete(template))
	n := r.silent.GetSubscribe()
	got[[]*silentmessage.PublicTemplateCategory](t)(n.GetCategory())
	count, titles, err := n.GetPublicTemplateTitleList(strconv.Itoa(shelfCategory), 3, 30)
	must(t, err)
	same(t, "titles", []any{count, len(titles), titles[0].TitleID}, []any{4, 1, 46004})
	same(t, "keywords", len(got[[]*silentmessage.PublicTemplateKeyWords](t)(n.GetPubTplKeyWordsByID("46004"))), 2)
	notice := got[string](t)(n.Add("46004", []int{1, 2}, "抽奖"))
	same(t, "notices", got[[]*silentmessage.PrivateSubscribeItem](t)(n.List())[0].PriTmplID, notice)
	send := &silentmessage.SubscribeMessage{ToUser: id, TemplateID: notice, Page: "https://example.com/", Data: map[string]*silentmessage.SubscribeDataItem{
		"thing1": {Value: "红酒"}, "phrase2": {Value: "已中奖"},
	}}
	refused(t, n.Send(send), codeNotAllowed)
	must(t, r.AnswerNotices(customer, notice, true))
	must(t, n.Send(send))
	refused(t, n.Send(send), codeNotAllowed)
	must(t, n.Delete(notice))
}

func silentAccountLogin(t *testing.T, r *accountRig, customer, id string) {
	o := r.silent.GetOauth()
	code := func() string {
		address := got[string](t)(o.GetRedirectURL("https://shop.example.com/login?a=1", scopeInfo, "s"))
		back := got[*url.URL](t)(url.Parse(got[string](t)(r.OpenAccountPage(customer, address))))
		same(t, "where to", []any{back.Host, back.Query().Get("a"), back.Query().Get("state")}, []any{"shop.example.com", "1", "s"})
		return back.Query().Get("code")
	}
	token, err := o.GetUserAccessToken(code())
	must(t, err)
	same(t, "token", []any{token.OpenID, token.UnionID, token.Scope}, []any{id, r.Customers()[0].UnionID, scopeInfo})
	info, err := o.GetUserInfo(token.AccessToken, token.OpenID, "")
	must(t, err)
	same(t, "who", []any{info.Nickname, info.Unionid}, []any{"小鱼", r.Customers()[0].UnionID})
	again, err := o.RefreshAccessToken(token.RefreshToken)
	must(t, err)
	same(t, "refreshed", []any{again.OpenID, again.AccessToken != token.AccessToken}, []any{id, true})
	same(t, "check", got[bool](t)(o.CheckAccessToken(again.AccessToken, id)), true)
	same(t, "check of another", got[bool](t)(o.CheckAccessToken(again.AccessToken, "o1")), false)
	who, err := o.GetUserInfoByCodeContext(r.ctx, code())
	must(t, err)
	same(t, "who by code", who.OpenID, id)
	_, err = o.GetUserAccessTokenContext(r.ctx, "nothing")
	same(t, "no code", err != nil && strings.Contains(err.Error(), "40029"), true)
}
