package sandbox

import (
	"testing"
	"time"

	powerlink "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/customerAcquisition/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func acquisitionFamilies() []sdkFamily {
	return []sdkFamily{{"acquisition links, PowerWeChat", powerLinks}, {"acquisition links, silenceper", silentLinks}}
}

func powerLinks(t *testing.T, r *rig) {
	c := r.power.ExternalContactCustomerAcquisition
	made, err := c.CreateLink(r.ctx, &powerlink.RequestCreateLink{LinkName: "传单", Range: &powerlink.Range{UserList: []string{"wang"}}, SkipVerify: true})
	answered(t, made, err)
	id := made.Link.LinkId
	k := got[Contact](t)(r.AddContact("", r.customers(1)[0], Via{LinkID: id, Channel: "flyer"}))
	same(t, "who came", []string{k.User, k.State}, []string{"wang", "flyer"})
	// It takes departments for texts, so it cannot read a link that has some.
	updated, err := c.UpdateLink(r.ctx, &powerlink.RequestUpdateLink{LinkId: id, LinkName: "海报", Range: &powerlink.Range{UserList: []string{"wang", "li"}}, SkipVerify: true,
		PriorityOption: &powerlink.PriorityOption{PriorityType: 2, PriorityUseridList: []string{"li"}}})
	answered(t, updated, err)
	read, err := c.Get(r.ctx, id)
	answered(t, read, err)
	same(t, "link", []any{read.Link.LinkName, read.Link.Url, read.Range.UserList, read.PriorityOption.PriorityUseridList},
		[]any{"海报", made.Link.Url, []string{"wang", "li"}, []string{"li"}})
	list, err := c.ListLink(r.ctx, &powerlink.RequestListLink{Limit: 10})
	answered(t, list, err)
	same(t, "listed", list.LinkIdList, []string{id})
	deleted, err := c.DeleteLink(r.ctx, id)
	answered(t, deleted, err)
	same(t, "links left", len(r.AcquisitionLinks()), 0)
}

func silentLinks(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	people := silent.CustomerAcquisitionRange{UserList: []string{"wang"}, DepartmentList: []int64{1}}
	link := got[*silent.CreateCustomerAcquisitionLinkResponse](t)(c.CreateCustomerAcquisitionLink(&silent.CreateCustomerAcquisitionLinkRequest{
		LinkName: "传单", Range: people, SkipVerify: true, MarkSource: true})).Link
	k := got[Contact](t)(r.AddContact("wang", r.customers(1)[0], Via{LinkID: link.LinkID, Channel: "flyer"}))
	same(t, "who came", k.State, "flyer")
	must(t, r.ClickLink(link.LinkID))
	got[*silent.UpdateCustomerAcquisitionLinkResponse](t)(c.UpdateCustomerAcquisitionLink(&silent.UpdateCustomerAcquisitionLinkRequest{LinkID: link.LinkID, LinkName: "海报", Range: people, SkipVerify: true}))
	read := got[*silent.GetCustomerAcquisitionResponse](t)(c.GetCustomerAcquisition(&silent.GetCustomerAcquisitionRequest{LinkID: link.LinkID}))
	same(t, "link", []any{read.Link.LinkName, read.Link.URL, read.Link.CreateTime, read.Range}, []any{"海报", link.URL, r.clock.Now().Unix(), people})
	list := got[*silent.ListLinkResponse](t)(c.ListLink(&silent.ListLinkRequest{Limit: 10}))
	same(t, "listed", list.LinkIDList, []string{link.LinkID})
	came := got[*silent.GetCustomerInfoWithCustomerAcquisitionLinkResponse](t)(c.GetCustomerInfoWithCustomerAcquisitionLink(
		&silent.GetCustomerInfoWithCustomerAcquisitionLinkRequest{LinkID: link.LinkID, Limit: 10}))
	same(t, "customers", came.CustomerList, []silent.CustomerList{{ExternalUserid: k.Customer, Userid: "wang", State: "flyer"}})
	quota := got[*silent.CustomerAcquisitionQuotaResponse](t)(c.CustomerAcquisitionQuota())
	same(t, "quota", []int64{quota.Total, quota.Balance, quota.QuotaList[0].Balance}, []int64{acquisitionQuota, acquisitionQuota - 1, acquisitionQuota - 1})
	day := r.clock.Now().Unix()
	r.clock.Add(30 * time.Hour)
	fresh := newSilent("1000003", DefaultSecret).GetExternalContact() // the other one keeps its old token
	counted := got[*silent.CustomerAcquisitionStatisticResponse](t)(fresh.CustomerAcquisitionStatistic(&silent.CustomerAcquisitionStatisticRequest{LinkID: link.LinkID, StartTime: day, EndTime: day}))
	same(t, "counted", []int64{counted.ClickLinkCustomerCnt, counted.NewCustomerCnt}, []int64{2, 1})
	got[*silent.DeleteCustomerAcquisitionLinkResponse](t)(fresh.DeleteCustomerAcquisitionLink(&silent.DeleteCustomerAcquisitionLinkRequest{LinkID: link.LinkID}))
	same(t, "links left", len(r.AcquisitionLinks()), 0)
}
