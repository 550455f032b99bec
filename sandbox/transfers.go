package sandbox

import (
	"slices"
	"time"
)

const (
	maxTransfers  = 100
	maxHanded     = 300 // groups of one owner in a day
	maxHandovers  = 2   // of one group on the job, in handoverSpan
	handoverSpan  = 90 * 24 * time.Hour
	codeNotGone   = 90500
	codeNoGroup   = 90501
	codeOwnerGone = 90502
	codeSameOwner = 90504
	codeHandovers = 40128
)

func transferAPIs() map[string]api {
	return map[string]api{
		"externalcontact/groupchat/transfer":       write(transferChats),
		"externalcontact/groupchat/onjob_transfer": write(handOverChats),
	}
}

// transferChats gives groups of resigned owners to somebody else.
// See https://developer.work.weixin.qq.com/document/path/92127
func transferChats(c *call) (reply, *failure) {
	return c.transfer(func(g *group) *failure {
		if !g.owner.Resigned {
			return refuse(codeNotGone, "the owner of this chat is not resigned")
		}
		return nil
	})
}

// handOverChats gives groups of owners who still work here to somebody else.
// See https://developer.work.weixin.qq.com/document/path/95703
func handOverChats(c *call) (reply, *failure) {
	return c.transfer(func(g *group) *failure {
		if g.owner.Resigned {
			return refuse(codeOwnerGone, "the owner of this chat is resigned")
		}
		g.handovers = slices.DeleteFunc(g.handovers, func(at time.Time) bool { return c.now.Sub(at) >= handoverSpan })
		if len(g.handovers) >= maxHandovers {
			return refuse(codeHandovers, "transfer over limit")
		}
		return nil
	})
}

// transfer does what both have in common: failures of single groups stay inside the answer.
func (c *call) transfer(may func(*group) *failure) (reply, *failure) {
	chats := c.in.list("chat_id_list", maxTransfers)
	heir := c.in.need("new_owner", codeNoUserID)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if len(chats) == 0 {
		return nil, refuse(codeEmptyParam, "missing chat_id_list")
	}
	u, f := c.seeServer(heir)
	if f != nil {
		return nil, f
	}
	if u.Inactive {
		return nil, refuse(codeNoRealName, "new owner is not activated: %s", u.UserID)
	}
	failed := []reply{}
	for _, id := range chats {
		f := c.transferOne(id, u, may)
		if f != nil {
			failed = append(failed, reply{"chat_id": id, "errcode": f.code, "errmsg": f.msg})
		}
	}
	return reply{"failed_chat_list": failed}, nil
}

func (c *call) transferOne(id string, heir *Staff, may func(*group) *failure) *failure {
	g, f := c.seeChat(id)
	if f != nil {
		return refuse(codeNoGroup, "chat is not external group chat")
	}
	if g.owner == heir {
		return refuse(codeSameOwner, "owner unchanged")
	}
	if f := may(g); f != nil {
		return f
	}
	g.owner.handed = slices.DeleteFunc(g.owner.handed, func(at time.Time) bool { return dayOf(at) != dayOf(c.now) })
	if len(g.owner.handed) >= maxHanded {
		return refuse(codeTooMany, "transfer over limit of the day")
	}
	g.owner.handed = append(g.owner.handed, c.now)
	if !g.owner.Resigned {
		g.handovers = append(g.handovers, c.now)
	}
	c.s.handOver(c.now, g, heir)
	if g.present[heir.UserID] == nil {
		last, cur := c.s.newVersion(c.now, g)
		m := &stay{user: heir.UserID, staff: true, joined: c.now, scene: SceneDirect, from: len(g.versions) - 1}
		g.stays = append(g.stays, m)
		g.present[m.user] = m
		c.s.memberEvent(c.now, g, "add_member", "JoinScene", 0, []string{m.user}, last, cur)
	}
	return nil
}
