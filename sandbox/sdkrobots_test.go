package sandbox

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	powerrobot "github.com/ArtisanCloud/PowerWeChat/v3/src/work/groupRobot/request"
	silentutil "github.com/silenceper/wechat/v2/util"
	silentrobot "github.com/silenceper/wechat/v2/work/robot"
)

func robotFamilies() []sdkFamily {
	return []sdkFamily{{"robots, PowerWeChat", powerRobots}, {"robots, silenceper", silentRobots}, {"voices, PowerWeChat", powerVoices}}
}

// spoken is the last thing said by a robot, its type and what there is to read.
func (r *rig) spoken() []string {
	said := r.AppChats()[0].Messages
	m := said[len(said)-1]
	return append([]string{m.Type, m.Text}, m.Mentioned...)
}

func powerRobots(t *testing.T, r *rig) {
	_, key := r.robot()
	c := r.power.GroupRobot
	out, err := c.SendText(r.ctx, key, &powerrobot.GroupRobotMsgText{Content: "<开会>", MentionedList: []string{"wang", "@all"}})
	answered(t, out, err)
	same(t, "text", r.spoken(), []string{"text", "<开会>", "wang", "@all"})
	out, err = c.SendMarkdown(r.ctx, key, &powerrobot.GroupRobotMsgMarkdown{Content: "**好**"})
	answered(t, out, err)
	same(t, "markdown", r.spoken(), []string{"markdown", "**好**"})
	image := pictureOf(2, 2)
	out, err = c.SendImage(r.ctx, key, &powerrobot.GroupRobotMsgImage{Base64: base64.StdEncoding.EncodeToString(image), Md5: fmt.Sprintf("%x", md5.Sum(image))})
	answered(t, out, err)
	same(t, "image", r.spoken(), []string{"image", ""})
	out, err = c.SendNewsArticles(r.ctx, key, []*powerrobot.GroupRobotMsgNewsArticles{{Title: "题", Description: "文", Url: "https://e.com", PicUrl: "https://e.com/a.png"}})
	answered(t, out, err)
	same(t, "news", r.spoken(), []string{"news", "题\n文"})
	// It sends the picture of a card as words, so that only notices of text pass.
	out, err = c.SendTemplateCard(r.ctx, key, &powerrobot.GroupRobotMsgTemplateCard{CardType: "text_notice", MainTitle: powerrobot.TemplateCardMainTitle{Title: "题", Desc: "文"},
		JumpList: []powerrobot.TemplateCardJumpListItem{{Type: 1, Url: "https://e.com", Title: "看"}}, CardAction: powerrobot.TemplateCardCardAction{Type: 1, Url: "https://e.com"}})
	answered(t, out, err)
	same(t, "card", r.spoken(), []string{"template_card", "题\n文\n看"})
	file := filepath.Join(t.TempDir(), "price.csv")
	must(t, os.WriteFile(file, []byte("price,1\n"), 0o600))
	media, err := c.UploadMedia(r.ctx, key, file)
	answered(t, media, err)
	out, err = c.SendFile(r.ctx, key, &powerrobot.GroupRobotMsgFile{MediaID: media.MediaId})
	answered(t, out, err)
	same(t, "file", r.spoken(), []string{"file", "price.csv"})
	out, err = c.Send(r.ctx, key, &power.HashMap{"msgtype": "markdown_v2", "markdown_v2": power.HashMap{"content": "| 表 |"}})
	answered(t, out, err)
	same(t, "markdown_v2", r.spoken(), []string{"markdown_v2", "| 表 |"})
}

func silentRobots(t *testing.T, r *rig) {
	_, key := r.robot()
	var text silentrobot.WebhookSendTextOption
	text.MsgType, text.Text.Content, text.Text.MentionedMobileList = "text", "开会", []string{r.mobileOf(r.office.find("li"))}
	got[silentutil.CommonError](t)(r.silent.GetRobot().RobotBroadcast(key, text))
	same(t, "text", r.spoken(), []string{"text", "开会", "li"})
	card := silentrobot.WebHookSendTempNoticeOption{MsgType: "template_card", TemplateCard: silentrobot.TemplateCard{CardType: "text_notice",
		MainTitle: silentrobot.CardTitle{Title: "题"}, CardAction: silentrobot.CardAction{Type: 1, URL: "https://e.com"}}}
	got[silentutil.CommonError](t)(r.silent.GetRobot().RobotBroadcast(key, card))
	same(t, "card", r.spoken(), []string{"template_card", "题"})
	// A refusal is no error of the SDK, only a field of its answer.
	info, err := r.silent.GetRobot().RobotBroadcast("x", text)
	must(t, err)
	same(t, "a wrong key", info.ErrCode, int64(codeBadRobot))
}

func powerVoices(t *testing.T, r *rig) {
	voice := fileOf("voice", 100)
	got[string](t)(r.SendToApp("wang", "voice", "a.amr", voice))
	resp := got[*http.Response](t)(r.power.Media.GetJSSDK(r.ctx, r.Uploads()[0].MediaID))
	defer resp.Body.Close()
	same(t, "voice", got[[]byte](t)(io.ReadAll(resp.Body)), voice)
}
