package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	handoverWait  = 24 * time.Hour // until a customer is handed over by itself
	handoverDays  = 90             // in which a customer is handed over twice at most
	successChars  = 200
	unassignedMax = 1000
	resultPage    = 1000

	// AddWayAssigned is how a contact came about that was handed over.
	AddWayAssigned = 202

	codeNotResigned  = 40097
	codeNoRealName   = 40098
	codeStaffFull    = 40099
	codeUnderway     = 40129
	codeSameFollower = 40130
	codeNotFollower  = 40131
)

// States of a Handover, as the platform numbers them.
const (
	HandoverDone    = 1
	HandoverWaiting = 2
	HandoverRefused = 3 // by the customer
	HandoverFull    = 4 // the new member of staff had too many customers
)

// Handover is one customer on the way from one member of staff to another (客户继承).
type Handover struct {
	From, To string // userids
	Customer string // external_userid
	Resigned bool   // From had resigned
	AskedAt  time.Time
	Status   int
	DoneAt   time.Time // for a waiting one, when it will be done; zero if it failed
}

// Handovers returns every customer that was handed over or is to be, in the order of asking.
func (s *Sandbox) Handovers() []Handover {
	s.enter()
	defer s.leave()
	return copied(s.clientele.handovers, shallow)
}

func handoverAPIs() map[string]api {
	const ec = "externalcontact/"
	return map[string]api{
		ec + "transfer_customer":          write(handOverCustomers),
		ec + "transfer_result":            write(handOverResults),
		ec + "resigned/transfer_customer": write(inheritCustomers),
		ec + "resigned/transfer_result":   write(inheritResults),
		ec + "get_unassigned_list":        write(listUnassigned),
	}
}

// handOverCustomers begins to give customers of one member of staff to another: it is done
// after 24 hours unless the customer refuses. What cannot be done is answered for each
// customer.
// See https://developer.work.weixin.qq.com/document/path/92125
func handOverCustomers(c *call) (reply, *failure) {
	c.in.maxChars("transfer_success_msg", c.in.text("transfer_success_msg"), successChars)
	return c.handOverAll(false)
}

// inheritCustomers is handOverCustomers for a member of staff who has resigned.
// See https://developer.work.weixin.qq.com/document/path/94081
func inheritCustomers(c *call) (reply, *failure) { return c.handOverAll(true) }

func (c *call) handOverAll(resigned bool) (reply, *failure) {
	customers := c.in.list("external_userid", maxTransfers)
	from, to, f := c.handoverPair(resigned)
	if f != nil {
		return nil, f
	}
	if len(customers) == 0 {
		return nil, refuse(codeNoCustomer, "missing external_userid")
	}
	if to.Inactive {
		return nil, refuse(codeNoRealName, "takeover user is not activated: %s", to.UserID)
	}
	out := []reply{}
	for _, id := range customers {
		one := reply{"external_userid": id, "errcode": 0}
		if f := c.handOverOne(from, to, id, resigned); f != nil {
			one["errcode"] = f.code
		}
		out = append(out, one)
	}
	return reply{"customer": out}, nil
}

// handoverPair reads from whom to whom.
func (c *call) handoverPair(resigned bool) (from, to *Staff, f *failure) {
	giver, taker := c.in.need("handover_userid", codeNoUserID), c.in.need("takeover_userid", codeNoUserID)
	if f := c.in.failed(); f != nil {
		return nil, nil, f
	}
	if resigned {
		from = c.s.office.find(giver)
		switch {
		case from == nil:
			return nil, nil, refuse(codeNoUser, "userid not found: %s", giver)
		case from.Hidden:
			return nil, nil, refuse(codeNotVisible, "no privilege to access/modify contact/party/agent: %s", giver)
		case !from.Resigned:
			return nil, nil, refuse(codeNotResigned, "user is not resigned: %s", giver)
		}
	} else if from, f = c.seeServer(giver); f != nil {
		return nil, nil, f
	}
	to, f = c.seeServer(taker)
	return from, to, f
}

func (c *call) handOverOne(from, to *Staff, customer string, resigned bool) *failure {
	all := &c.s.clientele
	k := all.current[pair{from.UserID, customer}]
	switch {
	case all.byID[customer] == nil:
		return refuse(codeBadCustomer, "invalid external userid")
	case from == to:
		return refuse(codeSameFollower, "handover user and takeover user are the same")
	case k == nil || !k.active():
		return refuse(codeNotFollower, "handover user is not a follower")
	}
	recent := 0
	for _, h := range all.handovers {
		if h.Customer != customer {
			continue
		}
		if h.Status == HandoverWaiting {
			return refuse(codeUnderway, "customer is being transferred")
		}
		if h.Status == HandoverDone && !h.Resigned && dayOf(c.now)-dayOf(h.DoneAt) < handoverDays {
			recent++
		}
	}
	if !resigned && recent >= maxHandovers {
		return refuse(codeHandovers, "transfer over limit")
	}
	if c.s.full(to) {
		return refuse(codeStaffFull, "customers of the takeover user over limit")
	}
	h := &Handover{
		From: from.UserID, To: to.UserID, Customer: customer, Resigned: resigned,
		AskedAt: c.now, Status: HandoverWaiting, DoneAt: c.now.Add(handoverWait),
	}
	all.handovers = append(all.handovers, h)
	c.s.note(c.now, EntryContact, customer, nil, both("is to be handed over from %s to %s", "将由 %s 转给 %s", h.From, h.To))
	c.s.later(&c.s.agenda, h.DoneAt, func(context.Context) {
		now := c.s.enter()
		defer c.s.leave()
		c.s.completeHandover(now, h)
	})
	return nil
}

// full reports whether a member of staff has as many customers as Limits.Customers allows.
func (s *Sandbox) full(u *Staff) bool {
	n := 0
	for _, k := range s.clientele.ofUser[u.UserID] {
		if k.active() {
			n++
		}
	}
	limit := s.faults.Limits.Customers
	return limit > 0 && n >= limit
}

// completeHandover hands a customer over when the wait is over. Remarks, tags and the state stay with
// the old contact; the new one has no welcome code. One who is gone meanwhile takes nobody.
func (s *Sandbox) completeHandover(now time.Time, h *Handover) {
	if h.Status != HandoverWaiting {
		return
	}
	from, to := s.office.find(h.From), s.office.find(h.To)
	if s.full(to) || !to.serves() {
		s.failHandover(now, h, HandoverFull, "customer_limit_exceed")
		return
	}
	h.Status = HandoverDone
	if old := s.clientele.current[pair{h.From, h.Customer}]; old.active() {
		old.ByStaff = now
		s.handoverEvent(now, from, h, "del_external_contact", "", "DELETE_BY_TRANSFER")
	}
	if k := s.clientele.current[pair{h.To, h.Customer}]; k != nil && k.active() {
		return
	}
	k := &Contact{User: h.To, Customer: h.Customer, AddedAt: now, AddWay: AddWayAssigned}
	s.clientele.keep(k)
	s.note(now, EntryContact, h.Customer, nil, both("was handed over from %s to %s", "已由 %s 转给 %s", h.From, h.To))
	s.contactEvent(now, to, k, "add_external_contact", "")
}

// failHandover ends a handover that came to nothing.
func (s *Sandbox) failHandover(now time.Time, h *Handover, status int, reason string) {
	h.Status, h.DoneAt = status, time.Time{}
	s.note(now, EntryContact, h.Customer, nil, both("was not handed over from %s to %s: %s", "没有由 %s 转给 %s：%s", h.From, h.To, reason))
	s.handoverEvent(now, s.office.find(h.To), h, "transfer_fail", reason, "")
}

// handoverEvent makes a change_external_contact event about a member of staff that the app
// sees; the two last are FailReason and Source.
func (s *Sandbox) handoverEvent(now time.Time, u *Staff, h *Handover, change, reason, source string) {
	if !u.serves() {
		return
	}
	x := s.newEvent(now, "change_external_contact")
	x.text("ChangeType", change)
	if reason != "" {
		x.text("FailReason", reason)
	}
	x.text("UserID", u.UserID)
	x.text("ExternalUserID", h.Customer)
	if source != "" {
		x.text("Source", source)
	}
	s.emit(now, x, Callback{Kind: "change_external_contact." + change, Who: h.Customer})
}

// RefuseHandover lets a customer refuse to be handed over while it waits: the customer stays
// where he was.
func (s *Sandbox) RefuseHandover(customer string) error {
	now := s.enter()
	defer s.leave()
	for _, h := range s.clientele.handovers {
		if h.Customer == customer && h.Status == HandoverWaiting {
			s.failHandover(now, h, HandoverRefused, "customer_refused")
			return nil
		}
	}
	return fmt.Errorf("refuse handover of %q: %w", customer, ErrNotFound)
}

// handOverResults answers how the handovers between two members of staff stand.
// See https://developer.work.weixin.qq.com/document/path/94088
func handOverResults(c *call) (reply, *failure) { return c.handoverResults(false) }

// inheritResults is handOverResults for a member of staff who has resigned.
// See https://developer.work.weixin.qq.com/document/path/94082
func inheritResults(c *call) (reply, *failure) { return c.handoverResults(true) }

func (c *call) handoverResults(resigned bool) (reply, *failure) {
	cursor := c.in.text("cursor")
	from, to, f := c.handoverPair(resigned)
	if f != nil {
		return nil, f
	}
	var rows []row
	for i, h := range c.s.clientele.handovers {
		if h.From != from.UserID || h.To != to.UserID || h.Resigned != resigned {
			continue
		}
		at := int64(0)
		if !h.DoneAt.IsZero() {
			at = h.DoneAt.Unix()
		}
		rows = append(rows, row{i + 1, reply{"external_userid": h.Customer, "status": h.Status, "takeover_time": at}})
	}
	return answerRows("handover "+from.UserID+" "+to.UserID, "customer", cursor, resultPage, rows)
}

// listUnassigned answers the customers of staff who have resigned and that nobody is to get
// yet, those of the latest first. Pages go by number or by cursor, which wins.
// See https://developer.work.weixin.qq.com/document/path/92124
func listUnassigned(c *call) (reply, *failure) {
	number, size := c.in.numberOrText("page_id", 0), c.in.numberOrText("page_size", unassignedMax)
	cursor := c.in.text("cursor")
	if size < 1 || size > unassignedMax {
		c.in.bad(codeBadParam, "invalid Request Parameter: page_size must be from 1 to %d", unassignedMax)
	}
	if number < 0 || number > 50_000 || cursor == "" && number*size > 50_000 {
		c.in.bad(codeBadParam, "invalid Request Parameter: page_id is out of range, use cursor")
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	rows := c.s.unassigned()
	if cursor == "" {
		rows = rows[min(int(number*size), len(rows)):]
	}
	out, f := answerRows("unassigned", "info", cursor, int(size), rows)
	if f == nil {
		out["is_last"] = out["next_cursor"] == ""
	}
	return out, f
}

// unassigned are the customers of resigned staff. Their keys fall with the time of the
// resignation, so that a later one does not move what comes after a cursor.
func (s *Sandbox) unassigned() []row {
	taken := map[pair]bool{}
	for _, h := range s.clientele.handovers {
		if h.Status == HandoverWaiting || h.Status == HandoverDone {
			taken[pair{h.From, h.Customer}] = true
		}
	}
	var gone []*Staff
	for _, u := range s.office.staff {
		if u.Resigned && !u.Hidden {
			gone = append(gone, u)
		}
	}
	slices.SortStableFunc(gone, func(a, b *Staff) int { return cmp.Compare(b.resignation, a.resignation) })
	var rows []row
	for _, u := range gone {
		for _, k := range s.clientele.ofUser[u.UserID] {
			if k.active() && !taken[pair{k.User, k.Customer}] {
				key := (1_000_000-u.resignation)*1_000_000_000 + k.key
				rows = append(rows, row{key, reply{
					"handover_userid": k.User, "external_userid": k.Customer, "dimission_time": u.ResignedAt.Unix(),
				}})
			}
		}
	}
	return rows
}
