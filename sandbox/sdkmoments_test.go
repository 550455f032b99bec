package sandbox

import (
	"testing"
	"time"

	powermoment "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/moment/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func momentFamilies() []sdkFamily {
	return []sdkFamily{{"moments, PowerWeChat", powerMoments}, {"moments, silenceper", silentMoments}}
}

// lively publishes wang's share of a moment, and lets a customer like it and write below it.
func (r *rig) lively(id, customer string) {
	r.t.Helper()
	must(r.t, r.PublishMoment(id, "wang"))
	must(r.t, r.LikeMoment(id, "wang", customer))
	must(r.t, r.CommentMoment(id, "wang", customer, "还有吗"))
}

func powerMoments(t *testing.T, r *rig) {
	c := r.power.ExternalContactMoment
	a, b := r.friends()
	image := r.upload("media/upload_attachment?media_type=image&attachment_type=1", 100)["media_id"].(string)
	made, err := c.AddMomentTask(r.ctx, &powermoment.RequestAddMomentTask{
		Text: powermoment.Text{Content: "上新 <&>"}, Attachments: []powermoment.Attachment{{Msgtype: "image", Image: powermoment.Image{MediaId: image}}},
		VisibleRange: &powermoment.VisibleRange{SenderList: powermoment.SenderList{UserList: []string{"wang", "ghost"}}},
	})
	answered(t, made, err)
	running, err := c.GetMomentTaskResult(r.ctx, made.JobId)
	answered(t, running, err)
	r.settle()
	done, err := c.GetMomentTaskResult(r.ctx, made.JobId)
	answered(t, done, err)
	id := r.Moments()[0].MomentID
	same(t, "job", []any{running.Status, done.Status, done.Type, done.Result.MomentId, done.Result.InvalidSenderList.UserList},
		[]any{jobNew, jobDone, "add_moment_task", id, []string{"ghost"}})
	same(t, "moment", []any{r.Moments()[0].Text, kindsOf(r.Moments()[0].Attachments)}, []any{"上新 <&>", []string{"image"}})
	r.lively(id, a)
	now := r.clock.Now().Unix()
	list, err := c.GetMomentList(r.ctx, &powermoment.RequestGetMomentList{StartTime: now - 60, EndTime: now, FilterType: 2, Limit: 20})
	answered(t, list, err)
	same(t, "listed", []any{len(list.MomentList), (*list.MomentList[0])["moment_id"]}, []any{1, id})
	tasks, err := c.GetMomentTask(r.ctx, id, "", 10)
	answered(t, tasks, err)
	same(t, "shares", []any{len(tasks.TaskList), (*tasks.TaskList[0])["userid"], (*tasks.TaskList[0])["publish_status"]}, []any{1, "wang", float64(1)})
	chosen, err := c.GetMomentCustomerList(r.ctx, id, "wang", "", 10)
	answered(t, chosen, err)
	same(t, "chosen", []any{(*chosen.CustomerList[0])["external_userid"], (*chosen.CustomerList[1])["external_userid"]}, []any{a, b})
	shown, err := c.GetMomentSendResult(r.ctx, id, "wang", "", 10)
	answered(t, shown, err)
	same(t, "shown", []any{len(shown.CustomerList), (*shown.CustomerList[0])["external_userid"]}, []any{2, a})
	said, err := c.GetMomentComments(r.ctx, id, "wang")
	answered(t, said, err)
	same(t, "reactions", []any{(*said.LikeList[0])["external_userid"], (*said.CommentList[0])["external_userid"], (*said.CommentList[0])["create_time"]}, []any{a, a, float64(now)})
}

func silentMoments(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	a, b := r.friends()
	image := r.upload("media/upload_attachment?media_type=image&attachment_type=1", 100)["media_id"].(string)
	made := got[*silent.AddMomentTaskResponse](t)(c.AddMomentTask(&silent.AddMomentTaskRequest{
		Text: silent.MomentTaskText{Content: "上新 <&>"}, Attachments: []silent.MomentTaskAttachment{{MsgType: "image", Image: silent.MomentTaskImage{MediaID: image}}},
		VisibleRange: silent.MomentVisibleRange{SenderList: silent.MomentSenderList{UserList: []string{"wang", "ghost"}}},
	}))
	running := got[*silent.GetMomentTaskResultResponse](t)(c.GetMomentTaskResult(made.JobID))
	r.settle()
	done := got[*silent.GetMomentTaskResultResponse](t)(c.GetMomentTaskResult(made.JobID))
	id := r.Moments()[0].MomentID
	same(t, "job", []any{running.Status, done.Status, done.Type, done.Result.MomentID, done.Result.InvalidSenderList.UserList},
		[]any{jobNew, jobDone, "add_moment_task", id, []string{"ghost"}})
	r.lively(id, a)
	now := r.clock.Now().Unix()
	list := got[*silent.GetMomentListResponse](t)(c.GetMomentList(&silent.GetMomentListRequest{StartTime: now - 60, EndTime: now, FilterType: 2, Limit: 20}))
	same(t, "listed", list.MomentList, []silent.MomentItem{{MomentID: id, CreateTime: r.Moments()[0].CreatedAt.Unix(), VisibleType: 1,
		Text: silent.MomentText{Content: "上新 <&>"}, Image: []silent.MomentImage{{MediaID: image}}}})
	tasks := got[*silent.GetMomentTaskResponse](t)(c.GetMomentTask(&silent.GetMomentTaskRequest{MomentID: id, Limit: 10}))
	same(t, "shares", tasks.TaskList, []silent.MomentTask{{UserID: "wang", PublishStatus: 1}})
	chosen := got[*silent.GetMomentCustomerListResponse](t)(c.GetMomentCustomerList(&silent.GetMomentCustomerListRequest{MomentID: id, UserID: "wang", Limit: 10}))
	same(t, "chosen", chosen.CustomerList, []silent.MomentCustomer{{UserID: "wang", ExternalUserID: a}, {UserID: "wang", ExternalUserID: b}})
	shown := got[*silent.GetMomentSendResultResponse](t)(c.GetMomentSendResult(&silent.GetMomentSendResultRequest{MomentID: id, UserID: "wang", Limit: 10}))
	same(t, "shown", shown.CustomerList, []silent.MomentSendCustomer{{ExternalUserID: a}, {ExternalUserID: b}})
	said := got[*silent.GetMomentCommentsResponse](t)(c.GetMomentComments(&silent.GetMomentCommentsRequest{MomentID: id, UserID: "wang"}))
	same(t, "likes", said.LikeList, []silent.MomentLike{{ExternalUserID: a, CreateTime: now}})
	same(t, "comments", said.CommentList, []silent.MomentComment{{ExternalUserID: a, CreateTime: now}})
	must(t, c.CancelMomentTask(&silent.CancelMomentTaskRequest{MomentID: id}))
	same(t, "cancelled", r.Moments()[0].CancelledAt.Equal(r.clock.Now()), true)
}

// yesterday lives through a day with groups, talk and new customers, ends on the morning
// after, and returns when the day began.
func (r *rig) yesterday() time.Time {
	r.t.Helper()
	begin := r.clock.Now()
	a, _ := r.friends()
	chat := r.group("一群")
	r.invite(chat, a)
	got[string](r.t)(r.Say(chat, a, "几点开门"))
	must(r.t, r.Write(a, "wang", "在吗"))
	must(r.t, r.Write("wang", a, "在"))
	r.clock.Add(30 * time.Hour)
	r.login()
	return begin
}
