package promotions

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

func TestAPreviewSaysWhatStaffChatsGet(t *testing.T) {
	h := newShop(t)
	ctx, p, spec := context.Background(), h.planner(), sale()
	var robot store.Robot
	h.must(h.store.Tx(ctx, func(tx *store.Tx) (err error) {
		robot, _, err = tx.AddRobot(store.Robot{Name: "r", Key: "k"})
		return err
	}))
	spec.Targets = store.TargetSpec{AppChats: []string{"managers"}, Robots: []int64{robot.ID}}
	spec.Message.Text = "{store}秒杀:{products}"
	spec.Message.Attachments = []bot.Attachment{
		{Type: bot.AttachImage, ImageURL: "https://example.com/1.png"}, {Type: bot.AttachLink, Title: "看这里", URL: "https://example.com"},
		{Type: bot.AttachImage, ImageURL: "https://example.com/2.png"},
	}
	v, err := p.Preview(ctx, spec, time.Time{}, "")
	h.must(err)
	if v.Outlets != 2 || v.OutletText != "秒杀:鸡蛋30枚 9.90元(原价19.90元) 限200份\n看这里\nhttps://example.com" || v.codes() != "outlets_left_out:0" || !strings.Contains(v.Warnings[0].Text, "图片×2") {
		t.Errorf("%+v", v)
	}
	var page bytes.Buffer
	h.must(p.DrawPreview(ctx, &page, v))
	if !strings.Contains(page.String(), "另发 2 个员工群") {
		t.Error(page.String())
	}
	// What was allowed may have become too long.
	spec.Schedule = p.defaults(spec.Schedule)
	spec.Products[0].Name = strings.Repeat("鸡", 900)
	if v, err = p.PreviewKnown(ctx, spec, time.Time{}, ""); err != nil || v.OutletText != "" || v.codes() != "outlets_blocked:0 outlets_left_out:0" {
		t.Errorf("%+v %v", v, err)
	}
}

func TestAPausedPromotionTakesBackWhatStaffChatsWereNotTold(t *testing.T) {
	h := newShop(t)
	ctx, p, spec := context.Background(), h.planner(), sale()
	h.groups(1)
	spec.Targets.AppChats = []string{"managers", "bosses"}
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	// One of them is being told.
	_, err = h.store.ClaimActions(ctx, PostOutlet{}.ActionKind(), "sender", 1, time.Minute)
	h.must(err)
	_, err = p.Pause(ctx, promo.ID)
	h.must(err)
	r := h.store.Read(ctx)
	status := map[string]int{}
	ds, err := r.Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	for _, d := range ds {
		status[d.Outlet+" "+d.Status]++
	}
	occs, err := r.Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(ds) != 3 || status["app_chat planned"] != 1 || status["app_chat cancelled"] != 1 || status[" cancelled"] != 1 || occs[0].Status != store.OccurrenceRunning {
		t.Errorf("%v, the occurrence is %s", status, occs[0].Status)
	}
}
