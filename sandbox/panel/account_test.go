package panel

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

// platform makes a call of the official account and returns its answer.
func (w *world) platform(path, body string) map[string]any {
	w.t.Helper()
	resp, err := w.server.Client().Post(w.server.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return out
}

func TestAFollowerCanBeLivedByTheControlAPI(t *testing.T) {
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Query().Get("echostr"))
	}))
	defer bot.Close()
	w := newWorld(t, sandbox.Config{})
	w.does("/account/callback", `{"url":"`+bot.URL+`"}`)
	if out := w.does("/account/verify-url", ``); out["ok"] != true {
		t.Errorf("verify-url: %v", out)
	}
	token := w.platform("/cgi-bin/stable_token", `{"grant_type":"client_credential","appid":"`+sandbox.DefaultAppID+`","secret":"`+sandbox.DefaultAppSecret+`"}`)
	call := func(path, body string) map[string]any {
		return w.platform(path+"?access_token="+url.QueryEscape(token["access_token"].(string)), body)
	}
	call("/cgi-bin/menu/create", `{"button":[{"type":"click","name":"签到","key":"K"}]}`)
	ticket := call("/cgi-bin/qrcode/create", `{"action_name":"QR_LIMIT_STR_SCENE","action_info":{"scene":{"scene_str":"a"}}}`)["ticket"].(string)
	notice := call("/wxaapi/newtmpl/addtemplate", `{"tid":46004,"kidList":[1,2],"sceneDesc":"x"}`)["priTmplId"].(string)

	p := w.does("/customers", `{"name":"小鱼"}`)["external_userid"].(string)
	id := w.does("/account/follow", `{"person":"`+p+`","scene":"`+sandbox.ByLink+`"}`)["openid"].(string)
	person := `{"person":"` + p + `"`
	w.does("/account/say", person+`,"text":"在吗"}`)
	w.does("/account/say", person+`,"type":"location","latitude":31.2,"longitude":121.5}`)
	w.does("/account/menu", person+`,"button":"签到"}`)
	w.does("/account/scan", person+`,"code":"`+ticket+`"}`)
	w.does("/account/location", person+`,"latitude":31.2,"longitude":121.5,"precision":30}`)
	w.does("/account/notices", person+`,"template":"`+notice+`","allow":true}`)
	w.does("/account/once", person+`,"number":7}`)
	w.does("/account/templates", person+`,"refuse":true}`)
	back := w.does("/account/open", person+`,"url":"https://open.weixin.qq.com/connect/oauth2/authorize?appid=`+sandbox.DefaultAppID+
		`&redirect_uri=https://e.com&response_type=code&scope=snsapi_base&state=s#wechat_redirect"}`)["url"].(string)
	if !strings.HasPrefix(back, "https://e.com?code=") {
		t.Errorf("open: %s", back)
	}
	call("/cgi-bin/message/custom/send", `{"touser":"`+id+`","msgtype":"text","text":{"content":"在"}}`)
	w.step()
	if _, out := w.control(http.MethodGet, "/account/messages?person="+p+"&limit=5", ""); size(out["messages"]) != 1 || dig(out, "messages", 0, "text") != "在" {
		t.Errorf("messages: %v", out)
	}
	if _, out := w.control(http.MethodGet, "/account/messages?person=x", ""); size(out["messages"]) != 0 {
		t.Errorf("messages of nobody: %v", out)
	}
	w.does("/account/unfollow", person+`}`)
	_, out := w.control(http.MethodGet, "/account", "")
	if dig(out, "followers", 0, "openid") != id || dig(out, "followers", 0, "subscribed") != false || dig(out, "codes", 0, "ticket") != ticket {
		t.Errorf("account: %v", out)
	}
	w.does("/account/ips", `{"ips":["10.0.0.1"]}`)
	w.does("/account/token/revoke", ``)
	if out := call("/cgi-bin/menu/create", `{}`); out["errcode"] != 40001.0 {
		t.Errorf("after the revocation: %v", out)
	}
	for path, body := range map[string]string{
		"/account/follow": `{"person":"nobody"}`, "/account/ips": `{"ips":["x"]}`, "/account/callback": `{"url":"x"}`,
		"/account/once": `{"person":"` + p + `","number":-1}`, "/account/menu": `{"person":"` + p + `","button":"签到"}`,
		"/account/messages": ``,
	} {
		if status, out := w.control(http.MethodPost, path, body); status == http.StatusOK {
			t.Errorf("%s %s: %v", path, body, out)
		}
	}
}
