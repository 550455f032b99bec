package moderation

import (
	"fmt"
	"math"
	"strings"
	"time"

	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// blockWeight is shown for somebody on the blocklist. It is not weighed, it decides.
const blockWeight = 10

// personCheck is something that is looked at about the sender of a message. speak says how
// strongly, times the check's weight: above 0 against the sender, below 0 for him, 0 nothing.
// More of what it counts never speaks less.
type personCheck struct {
	name   string
	weight float64 // in log-odds where the check speaks plainly; settings may say another
	speak  func(msg heard, f facts, p Policy) (degree float64, detail string)
}

// personChecks are all of them. The weights are such that none alone makes harmless talk
// suspect (personFar) but by sheer number, two plain ones together may, and a good past never
// outweighs an advertisement: it turns a removal into a warning.
var personChecks = []personCheck{
	// A link within minutes is what people join for who advertise; but a newcomer may answer
	// somebody's question, too.
	{"age", 2, checkAge},
	// What somebody did before is the best guess; a removal counts, what is undecided hardly.
	{"history", 1, checkHistory},
	// Most guests of an inviter who brings advertisers are advertisers; but the share says it.
	{"inviter", 1.5, checkInviter},
	// Three groups are what a happy customer passes a greeting on to; ten are a campaign.
	{"spread", 1, checkSpread},
	// Ten messages a minute is a lively talker, twenty are pasted, forty stop a group.
	{"flood", 1.5, checkFlood},
	// Impatient people say things twice.
	{"repeat", 1, checkRepeat},
	// Sellers of honest things have names that advertise.
	{"name", 1.5, checkName},
	// Owners also put people out to tidy up.
	{"rejoin", 2, checkRejoin},
	// The word of members counts as much as they were right.
	{"reports", 1.5, checkReports},
	// Every new shop has a first link.
	{"newlink", 0.7, checkNewLink},
	// A code leads where nobody can read; most of what customers show is their own shop's.
	{"qr", weighInvitation, checkCodes},
}

// weigh says what speaks for or against the sender of a message, whatever he wrote.
func weigh(msg heard, f facts, p Policy) []store.Reason {
	var out []store.Reason
	for _, c := range personChecks {
		degree, detail := c.speak(msg, f, p)
		weight := math.Round(degree*p.Checks[c.name]*100) / 100
		if weight == 0 || !msg.counts(c.name, weight) {
			continue
		}
		out = append(out, store.Reason{Check: c.name, Detail: detail, Weight: weight})
	}
	if f.blocked {
		out = append(out, store.Reason{Check: "blocklist", Detail: "发送人在黑名单上:" + f.whyBlock, Weight: blockWeight})
	}
	return out
}

// counts reports whether a check has a say. Whoever complains may do so often, and everywhere.
// What people said about a text outweighs who sends it; but a text that they found harmless can
// flood a group all the same.
func (h *heard) counts(check string, weight float64) bool {
	switch said := h.weightOf("correction"); {
	case weight > 0 && h.ticket != "", weight < 0 && said > 0:
		return false
	case weight > 0 && said < 0:
		return check == "flood" || check == "repeat"
	}
	return true
}

// weightOf is what one of the detector's checks weighed; 0 where it was silent.
func (h *heard) weightOf(check string) float64 {
	for _, r := range h.verdict.Reasons {
		if r.Check == check {
			return r.Weight
		}
	}
	return 0
}

// doublings is 1 at least, and grows by 1 with every doubling; below least it is 0.
func doublings(n, least int) float64 {
	if n < least {
		return 0
	}
	return 1 + math.Log2(float64(n)/float64(least))
}

// reaches reports whether a message shows a way to somewhere else.
func (h *heard) reaches() bool {
	return len(h.trace.Tokens) > 0 || len(h.codes) > 0 || h.Type == "link" || h.Type == "card" || h.Type == "miniprogram"
}

func checkAge(msg heard, f facts, _ Policy) (float64, string) {
	age := msg.SentAt.Sub(f.stay.JoinedAt)
	if f.stay.JoinedAt.IsZero() || age < 0 {
		return 0, ""
	}
	switch {
	case !msg.reaches() || age > 24*time.Hour:
		days, months := f.talkDays(), age.Hours()/24/30
		return -min(0.75, months/8) * min(1, float64(days)/5), fmt.Sprintf("入群已%d天,有%d天正常发言", int(age.Hours()/24), days)
	case age <= 10*time.Minute:
		return 1, fmt.Sprintf("入群才%d分钟就发链接或联系方式", max(1, int(age.Minutes())))
	case age <= time.Hour:
		return 0.6, fmt.Sprintf("入群%d分钟就发链接或联系方式", int(age.Minutes()))
	}
	return 0.3, fmt.Sprintf("入群%d小时就发链接或联系方式", int(age.Hours()))
}

// talkDays is on how many days the sender said something harmless, today left out: who wants
// to be trusted must come for longer than that.
func (f *facts) talkDays() int {
	if f.talk.LastDay >= f.day {
		return max(0, f.talk.Days-1)
	}
	return f.talk.Days
}

func checkHistory(msg heard, f facts, p Policy) (float64, string) {
	removed, open := 0, 0
	for _, c := range f.cases {
		switch age := msg.SentAt.Sub(c.At); {
		case age > p.StrikesExpire || c.Status == store.CaseDismissed:
		case c.Status == store.CaseRemoved:
			removed++
		default:
			open++
		}
	}
	if removed+open > 0 {
		return min(3, float64(removed)+0.25*float64(min(open, 2))), earlier(p, removed, open)
	}
	days := f.talkDays()
	return -min(1, float64(days)/10), fmt.Sprintf("此前有%d天正常发言,没有违规记录", days)
}

// earlier says how often a person was removed, and how many cases nobody has decided.
func earlier(p Policy, removed, open int) string {
	var said []string
	if removed > 0 {
		said = append(said, fmt.Sprintf("%d次因广告被移出", removed))
	}
	if open > 0 {
		said = append(said, fmt.Sprintf("%d次疑似广告尚未定论", open))
	}
	return fmt.Sprintf("近%d天内", int(p.StrikesExpire.Hours()/24)) + strings.Join(said, ",")
}

func checkInviter(_ heard, f facts, _ Policy) (float64, string) {
	if f.guests.Removed < fewRemoved {
		return 0, ""
	}
	s := share(f.guests)
	if s < 0.1 {
		return 0, ""
	}
	return min(1, 2*s), fmt.Sprintf("邀请人%s近90天带来的%d人里有%d人被移出", f.inviter, f.guests.Joined, f.guests.Removed)
}

func checkSpread(msg heard, f facts, _ Policy) (float64, string) {
	if msg.listed() {
		return 0, ""
	}
	texts := max(doublings(f.own, 3), doublings(f.groups, 3)/2)
	tokens := 1.5 * doublings(f.tokens, 3)
	if tokens > texts {
		return tokens, fmt.Sprintf("30分钟内同一链接或联系方式出现在%d个群", f.tokens)
	}
	return texts, fmt.Sprintf("30分钟内同一内容出现在%d个群,本人发了%d个群", f.groups, f.own)
}

// listed reports whether the detector took a message for an order list: the same text from many
// people, and again and again.
func (h *heard) listed() bool { return h.weightOf("order-list") < 0 }

func checkFlood(_ heard, f facts, _ Policy) (float64, string) {
	return max(0, doublings(f.minute, 10)-0.5), fmt.Sprintf("1分钟内连发%d条", f.minute)
}

func checkRepeat(msg heard, f facts, _ Policy) (float64, string) {
	if msg.listed() {
		return 0, ""
	}
	return doublings(f.repeat, 3), fmt.Sprintf("10分钟内第%d次发送相同内容", f.repeat)
}

func checkName(_ heard, f facts, _ Policy) (float64, string) {
	degree := map[spam.Label]float64{spam.Spam: 1, spam.Suspect: 0.5}[f.named]
	return degree, "名字或群昵称像广告:" + handlers.Clip(f.name, 60)
}

func checkRejoin(_ heard, f facts, _ Policy) (float64, string) {
	degree := 0.0
	switch {
	case f.here > 0:
		degree = 1
	case f.others > 0:
		degree = min(1, 0.4+0.2*float64(f.others))
	}
	return degree, fmt.Sprintf("180天内曾被移出本群%d次、其他群%d次", f.here, f.others)
}

func checkReports(_ heard, f facts, _ Policy) (float64, string) {
	return min(2, f.reported.Weight), fmt.Sprintf("30天内有%d人举报,按以往准确程度计%.1f分", f.reported.People, f.reported.Weight)
}

func checkNewLink(_ heard, f facts, _ Policy) (float64, string) {
	return float64(min(f.newHosts, 1)), fmt.Sprintf("带有%d个本企业各群从未出现过的网址", f.newHosts)
}

func checkCodes(msg heard, _ facts, _ Policy) (float64, string) {
	for _, r := range aboutCodes(msg.codes) {
		return r.Weight / weighInvitation, r.Detail
	}
	return 0, ""
}
