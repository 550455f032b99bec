package wecom

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
)

// Codes of WeCom that the transport itself acts on.
const (
	codeBusy        = -1
	codeVersion     = 6000
	codeCredential  = 40001
	codeBadToken    = 40014
	codeOldToken    = 42001
	codeFrequency   = 45009
	codeConcurrency = 45033

	codeCardID        = 42014
	codeNoContact     = 84061
	codeAllInvalid    = 81013
	codeAppChatExists = 86215
	codeNoRobot       = 93000
)

// httpCode is added to an HTTP status to make it a code beside WeCom's own, which leave
// 1000 to 1999 free. httpCode alone stands for a call that got no usable answer.
const httpCode = 1000

// Waits that a code itself implies. The window of codeFrequency is in limits.go.
const (
	waitRemind     = 24 * time.Hour // 3 reminders in 24 hours for one mass message
	waitDispatched = time.Minute    // a new mass message shows up after one to five minutes
	waitGateway    = time.Minute    // a gateway answered 429 without saying for how long
)

// maxMsg bounds the platform's words inside an error, in bytes.
const maxMsg = 300

// classOf is the one table of what WeCom's codes mean for a caller.
// https://developer.work.weixin.qq.com/document/path/90455
func classOf(code int) bot.Class {
	switch code {
	case codeBusy, codeVersion, codeConcurrency, 41078, 41079, 90507:
		return bot.ClassRetry
	case codeCredential, codeBadToken, codeOldToken, 42009:
		return bot.ClassToken
	case codeFrequency, 41063, 41094:
		return bot.ClassBackoff
	case 40071, 40100, 40129, 41048, 41051, 41093, 41096, 90504, 90508, 92002:
		return bot.ClassDone
	case 40003, 40050, 40068, 40096, 41044, 41047, 46004, 49008, 60003, 60111, 60123, codeNoContact, 86003:
		return bot.ClassGone
	}
	if needsFix(code) {
		return bot.ClassFix
	}
	return bot.ClassGiveUp // refused for this input, and every code we do not know
}

// needsFix reports whether a person has to act: on settings and permissions in WeCom's
// console, or on a mistake of this program.
func needsFix(code int) bool {
	switch code {
	case 40008, 40013, 40033, 40035, 40058, 40063, 40054, 40055, 40094, 40056, 40057, 40091, 40093, 40098, 40126,
		41001, 41002, 41004, 41006, 41009, 41010, 41011, 41016, 41019, 41033, 41035,
		41037, 41038, 41039, 41040, 41042, 41043, 41045, 41054, 41055, 41057, 41095, 42012,
		43009, 43012, 44001, 44004, 45024, 45031, 45034,
		48001, 48002, 48004, 48005, 48006, 48009, 49004,
		50001, 50002, 50003, 60011, 60020, 60021,
		80001, 81011, 81017, 82001, 82002, 82003, 84025, 84074, 84083, 84084, 85004, 85005, 85008, 85111,
		90503, 90510, 301002:
		return true
	}
	switch {
	case code >= 42014 && code <= 42020, code >= 42027 && code <= 42051: // fields of a card
		return true
	case code >= 86001 && code <= 86008, code == 86101, code >= 86201 && code <= 86220, code == 86224: // app chats
		return true
	}
	return false
}

// mend says where in WeCom's console, or in the settings, a person can mend what a code
// complains about; empty where there is nothing special to say.
func mend(code int) string {
	switch code {
	case codeCredential:
		return "check wecom.secret: 应用管理 → the app → Secret"
	case 40013:
		return "check wecom.corp_id: 我的企业 → 企业信息 → 企业ID"
	case 40056, 301002:
		return "check wecom.agent_id: 应用管理 → the app → AgentId"
	case 48001, 48002, 84074:
		return "客户与上下游 → 客户联系: tick the app under 可调用接口的应用 and give the member 客户联系 and 客户群 under 权限配置"
	case 41045:
		return "the company has as many codes as WeCom takes (500,000): delete channels or retire referrals; other programs' codes count too"
	case 60011, 60021:
		return "应用管理 → the app → 可见范围 must contain the member"
	case codeNoRobot:
		return "the robot was removed from its group, or its key is another now: copy the webhook's address from the group anew"
	case 60020:
		return "add the server's address to 应用管理 → the app → 企业可信IP; it takes a minute"
	}
	return ""
}

// refusal makes the error for a code of WeCom.
func refusal(op string, code int, msg string) *bot.APIError {
	e := &bot.APIError{Op: op, Code: code, Msg: clip(msg), Class: classOf(code), Hint: mend(code)}
	switch code {
	case 41094:
		e.Wait = waitRemind
	case 41063:
		e.Wait = waitDispatched
	}
	return e
}

// statusRefusal makes the error for an HTTP status in the 300s or 400s: something in
// between answered, not WeCom's API, and nothing was done.
func statusRefusal(op string, status int, wait time.Duration) *bot.APIError {
	e := &bot.APIError{Op: op, Code: httpCode + status, Class: bot.ClassFix,
		Msg: fmt.Sprintf("HTTP status %d instead of WeCom's answer: check wecom.base_url and any proxy", status)}
	if status == 429 {
		e.Msg, e.Class, e.Wait = "HTTP status 429", bot.ClassBackoff, max(wait, waitGateway)
	}
	return e
}

// refused makes the error for an input that would be refused or would do harm, so that it
// is not sent at all.
func refused(op, why string) error {
	return &bot.APIError{Op: op, Msg: why, Class: bot.ClassGiveUp}
}

// again makes the error for a call that left nothing behind and may simply be made again.
// Someone who gave up waiting is not asked to come back.
func again(op, what string, cause error) error {
	if errors.Is(cause, context.Canceled) {
		return fmt.Errorf("%s: %s: %w", op, what, cause)
	}
	return fmt.Errorf("%w: %w", &bot.APIError{Op: op, Msg: what, Class: bot.ClassRetry}, cause)
}

// clip bounds the platform's words and takes control characters out of them.
func clip(msg string) string {
	msg = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, msg)
	return cutBytes(msg, maxMsg)
}

// cutBytes returns the longest beginning of s that has at most n bytes and no torn character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutRunes returns s with at most n characters; a cut is marked by an ellipsis.
func cutRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// isCode reports whether err is WeCom's refusal with a code.
func isCode(err error, code int) bool {
	var e *bot.APIError
	return errors.As(err, &e) && e.Code == code
}

// missing is the error for a write that succeeded without telling the id of what it made.
func missing(op, field, value string) error {
	if value != "" {
		return nil
	}
	return &bot.UnknownError{Op: op, Err: fmt.Errorf("answer without %s", field)}
}
