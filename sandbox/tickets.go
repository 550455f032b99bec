package sandbox

import "time"

// ticketsPerHour is how often the app may fetch one kind of ticket. The company's own limit
// of 400 cannot be reached with one app.
const ticketsPerHour = 100

// tickets are the two tickets that pages in the client are signed with.
type tickets struct {
	corp, agent ticket
}

type ticket struct {
	value   string
	expires time.Time
	fetched window
}

func ticketAPIs() map[string]api {
	return map[string]api{"get_jsapi_ticket": read(getCorpTicket), "ticket/get": read(getAgentTicket)}
}

// getCorpTicket answers the ticket for wx.config.
// See https://developer.work.weixin.qq.com/document/path/90506
func getCorpTicket(c *call) (reply, *failure) { return c.ticket(&c.s.tickets.corp) }

// getAgentTicket answers the ticket for wx.agentConfig.
// See https://developer.work.weixin.qq.com/document/path/94313
func getAgentTicket(c *call) (reply, *failure) {
	if c.query.Get("type") != "agent_config" {
		return nil, refuse(codeBadParam, "invalid Request Parameter: type must be agent_config")
	}
	return c.ticket(&c.s.tickets.agent)
}

// ticket answers a ticket; while it is valid the same again, with the seconds it has left.
func (c *call) ticket(t *ticket) (reply, *failure) {
	if !t.fetched.pass(c.now, time.Hour, ticketsPerHour) {
		return nil, refuse(codeTooMany, "api freq out of limit: %d tickets in an hour", ticketsPerHour)
	}
	if t.expires.Sub(c.now) < time.Second {
		t.value, t.expires = c.s.dice.draw("ticket", alphabetID+"-_", 86), c.now.Add(tokenLife)
	}
	return reply{"ticket": t.value, "expires_in": int64(t.expires.Sub(c.now) / time.Second)}, nil
}
