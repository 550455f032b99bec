package sandbox

import (
	"testing"

	powertransfer "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/transfer/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func handoverFamilies() []sdkFamily {
	return []sdkFamily{{"handovers, PowerWeChat", powerHandovers}, {"handovers, silenceper", silentHandovers}}
}

func powerHandovers(t *testing.T, r *rig) {
	c, old := r.power.ExternalContactTransfer, r.power.ExternalContact
	a, b := r.friends()
	asked, err := c.TransferCustomer(r.ctx, &powertransfer.RequestTransferCustomer{HandoverUserID: "wang", TakeoverUserID: "zhao", ExternalUserID: []string{a, "wmNobody"}, TransferSuccessMsg: "您好"})
	answered(t, asked, err)
	same(t, "asked", []any{(*asked.Customer[0])["external_userid"], (*asked.Customer[0])["errcode"], (*asked.Customer[1])["errcode"]}, []any{a, float64(0), float64(codeBadCustomer)})
	stand, err := c.TransferResult(r.ctx, &powertransfer.RequestTransferResult{HandoverUserID: "wang", TakeoverUserID: "zhao"})
	answered(t, stand, err)
	same(t, "stand", (*stand.Customer[0])["status"], float64(HandoverWaiting))
	// It reads the codes and states inside as texts; the older calls do, too, and fail.
	if _, err := old.Transfer(r.ctx, []string{b}, "wang", "zhao"); err == nil {
		t.Error("Transfer reads its answer now")
	}
	same(t, "what it did", r.Handovers()[1].Customer, b)

	must(t, r.Resign("li"))
	left, err := c.GetUnassignedList(r.ctx, 0, "", 10)
	answered(t, left, err)
	same(t, "unassigned", []any{len(left.Info), (*left.Info[0])["handover_userid"], (*left.Info[0])["external_userid"], left.IsLast}, []any{1, "li", b, true})
	again, err := old.GetUnassigned(r.ctx, 0, 10) // with its numbers as texts
	answered(t, again, err)
	same(t, "unassigned", []any{again.ExternalContactList[0].HandoverUserid, again.ExternalContactList[0].ExternalUserid}, []any{"li", b})
	must(t, r.RefuseHandover(b))
	inherited, err := c.ResignedTransferCustomer(r.ctx, &powertransfer.RequestResignedTransferCustomer{HandoverUserID: "li", TakeoverUserID: "zhao", ExternalUserID: []string{b}})
	answered(t, inherited, err)
	same(t, "inherited", (*inherited.Customer[0])["errcode"], float64(0))
	result, err := c.ResignedTransferResult(r.ctx, &powertransfer.RequestResignedTransferResult{HandoverUserID: "li", TakeoverUserID: "zhao"})
	answered(t, result, err)
	same(t, "result", []any{(*result.Customer[0])["external_userid"], (*result.Customer[0])["status"]}, []any{b, float64(HandoverWaiting)})
	if _, err := old.GetResignedTransferResult(r.ctx, "li", "zhao", ""); err == nil {
		t.Error("GetResignedTransferResult reads its answer now")
	}
}

func silentHandovers(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	a, b := r.friends()
	asked := got[*silent.TransferCustomerResponse](t)(c.TransferCustomer(&silent.TransferCustomerRequest{HandoverUserID: "wang", TakeoverUserID: "zhao", ExternalUserID: []string{a, "wmNobody"}, TransferSuccessMsg: "您好"}))
	same(t, "asked", asked.Customer, []silent.TransferCustomerItem{{ExternalUserID: a}, {ExternalUserID: "wmNobody", ErrCode: codeBadCustomer}})
	due := r.Handovers()[0].DoneAt.Unix()
	stand := got[*silent.TransferResultResponse](t)(c.TransferResult(&silent.TransferResultRequest{HandoverUserID: "wang", TakeoverUserID: "zhao"}))
	same(t, "stand", stand.Customer, []silent.TransferResultItem{{ExternalUserID: a, Status: HandoverWaiting, TakeoverTime: due}})

	must(t, r.Resign("li"))
	left := got[*silent.GetUnassignedListResponse](t)(c.GetUnassignedList(&silent.GetUnassignedListRequest{PageSize: 10}))
	same(t, "unassigned", left.Info, []silent.UnassignedListInfo{{HandoverUserID: "li", ExternalUserID: b, DimissionTime: r.clock.Now().Unix()}})
	inherited := got[*silent.ResignedTransferCustomerResponse](t)(c.ResignedTransferCustomer(&silent.ResignedTransferCustomerRequest{HandoverUserID: "li", TakeoverUserID: "zhao", ExternalUserID: []string{b}}))
	same(t, "inherited", inherited.Customer, []silent.TransferCustomerItem{{ExternalUserID: b}})
	result := got[*silent.ResignedTransferResultResponse](t)(c.ResignedTransferResult(&silent.ResignedTransferResultRequest{HandoverUserID: "li", TakeoverUserID: "zhao"}))
	same(t, "result", result.Customer, []silent.TransferResultItem{{ExternalUserID: b, Status: HandoverWaiting, TakeoverTime: due}})
}
