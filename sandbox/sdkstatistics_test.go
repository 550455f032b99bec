package sandbox

import (
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	powerstatistics "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/statistics/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func statisticFamilies() []sdkFamily {
	return []sdkFamily{
		{"statistics, PowerWeChat", powerStatistics}, {"statistics, silenceper", silentStatistics},
		{"other ids, PowerWeChat", powerIDs}, {"other ids, silenceper", silentIDs},
	}
}

func powerStatistics(t *testing.T, r *rig) {
	c := r.power.ExternalContactStatistics
	day := r.yesterday().Unix()
	data := func(all []*power.HashMap) map[string]any { return (*all[0])["data"].(map[string]any) }
	by, err := c.Statistic(r.ctx, &powerstatistics.RequestStatistic{DayBeginTime: day, DayEndTime: day, OrderBy: 2, Limit: 10})
	answered(t, by, err)
	same(t, "owners", []any{by.Total, by.NextOffset, (*by.Items[0])["owner"]}, []any{1, 1, "wang"})
	same(t, "of wang", counts(data(by.Items)), figuresOf(1, 1, 1, 3, 3, 1, 1))
	days, err := c.StatisticByDay(r.ctx, &powerstatistics.RequestStatisticByDay{DayBeginTime: day, DayEndTime: day, OwnerFilter: &power.HashMap{"userid_list": []string{"wang"}}})
	answered(t, days, err)
	same(t, "days", []any{len(days.Items), (*days.Items[0])["stat_time"]}, []any{1, float64(day)})
	same(t, "of the day", counts(data(days.Items)), figuresOf(1, 1, 1, 3, 3, 1, 1))
	did, err := c.GetUserBehaviorData(r.ctx, &powerstatistics.RequestGetUserBehaviorData{UserID: []string{"wang"}, StartTime: day, EndTime: day})
	answered(t, did, err)
	one := *did.MomentList[0]
	same(t, "behavior", []any{one["stat_time"], one["new_contact_cnt"], one["chat_cnt"], one["message_cnt"], one["reply_percentage"]},
		[]any{float64(day), float64(2), float64(1), float64(1), float64(100)})
}

func silentStatistics(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	day := int(r.yesterday().Unix())
	want := silent.GroupChatStatItemData{NewChatCnt: 1, ChatTotal: 1, ChatHasMsg: 1, NewMemberCnt: 3, MemberTotal: 3, MemberHasMsg: 1, MsgTotal: 1}
	by := got[*silent.GetGroupChatStatResponse](t)(c.GetGroupChatStat(&silent.GetGroupChatStatRequest{DayBeginTime: day, DayEndTime: day, OrderBy: 2, Limit: 10}))
	same(t, "owners", []any{by.Total, by.NextOffset, by.Items}, []any{1, 1, []silent.GroupChatStatItem{{Owner: "wang", Data: want}}})
	days := got[[]silent.GetGroupChatStatByDayItem](t)(c.GetGroupChatStatByDay(&silent.GetGroupChatStatByDayRequest{
		DayBeginTime: day, DayEndTime: day, OwnerFilter: silent.OwnerFilter{UseridList: []string{"wang"}}}))
	same(t, "days", days, []silent.GetGroupChatStatByDayItem{{StatTime: day, Data: want}})
	did := got[[]silent.BehaviorData](t)(c.GetUserBehaviorData(&silent.GetUserBehaviorRequest{UserID: []string{"wang"}, StartTime: day, EndTime: day}))
	same(t, "behavior", did, []silent.BehaviorData{{StatTime: day, ChatCnt: 1, MessageCnt: 1, ReplyPercentage: 100, NewContactCnt: 2}})
}

func powerIDs(t *testing.T, r *rig) {
	a, _ := r.friends()
	union := r.Customers()[0].UnionID
	out, err := r.power.IdConvert.UnionIDToExternalUserID(r.ctx, union, "openid", 0)
	answered(t, out, err)
	same(t, "customer", out.ExternalUserID, a)
	if _, err := r.power.ExternalContact.UnionIDToExternalUserID(r.ctx, union, "openid"); err == nil { // it reads into a copy
		t.Error("the older UnionIDToExternalUserID reads its answer now")
	}
	chat := r.group("一群")
	_, err = r.power.ExternalContactGroupChat.OpenGIDToChatID(r.ctx, got[string](t)(r.OpenGID(chat)))
	if err == nil { // it takes the chat_id for an object
		t.Error("OpenGIDToChatID reads its answer now")
	}
}

func silentIDs(t *testing.T, r *rig) {
	chat := r.group("一群")
	out := got[*silent.OpengIDToChatIDResponse](t)(r.silent.GetExternalContact().OpengIDToChatID(&silent.OpengIDToChatIDRequest{OpengID: got[string](t)(r.OpenGID(chat))}))
	same(t, "chat", out.ChatID, chat)
}
