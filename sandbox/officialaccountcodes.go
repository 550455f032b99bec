package sandbox

import (
	"encoding/base64"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	showCodePath    = apiPrefix + "showqrcode"
	codeLife        = 60      // seconds a code is valid if nothing else is asked for
	maxCodeLife     = 2592000 // seconds
	maxPermanent    = 100_000 // scenes with a permanent code
	maxPermanentID  = 100_000 // scene_id of a permanent code
	sceneChars      = 64      // scene_str
	keepCodes       = 200_000 // at once; those that are over are forgotten
	ticketBytes     = 69      // 92 characters of base64
	codeBadAction   = 40052
	codeBadScene    = 40053
	codeTooManyCode = 45029
)

// AccountCode is a code of the official account that carries a scene.
type AccountCode struct {
	Ticket  string
	URL     string // what the picture says
	Scene   string // scene_str, or scene_id in digits
	Number  bool   // Scene is a scene_id
	Made    time.Time
	Expires time.Time // zero: never
}

func (c *AccountCode) over(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// AccountCodes returns the codes of the official account, oldest first.
func (s *Sandbox) AccountCodes() []AccountCode {
	s.enter()
	defer s.leave()
	return copied(s.account.codes, shallow)
}

func accountCodeAPIs() map[string]api {
	return map[string]api{"qrcode/create": accountWrite(createAccountCode)}
}

// createAccountCode makes a code. The same scene may be given to several; a permanent one
// counts once.
// See https://developers.weixin.qq.com/doc/service/api/qrcode/qrcodes/api_createqrcode.html
func createAccountCode(c *call) (reply, *failure) {
	action := c.in.text("action_name")
	scene := c.in.part("action_info").part("scene")
	code := &AccountCode{Made: c.now}
	permanent := action == "QR_LIMIT_SCENE" || action == "QR_LIMIT_STR_SCENE"
	switch action {
	case "QR_SCENE", "QR_LIMIT_SCENE":
		most := int64(math.MaxUint32)
		if permanent {
			most = maxPermanentID
		}
		id := scene.number("scene_id", 0)
		if id < 1 || id > most {
			scene.bad(codeBadScene, "invalid action info: %sscene_id must be from 1 to %d", scene.where, most)
		}
		code.Scene, code.Number = strconv.FormatInt(id, 10), true
	case "QR_STR_SCENE", "QR_LIMIT_STR_SCENE":
		code.Scene = scene.text("scene_str")
		if n := utf8.RuneCountInString(code.Scene); n < 1 || n > sceneChars {
			scene.bad(codeBadScene, "invalid action info: %sscene_str must have 1 to %d characters", scene.where, sceneChars)
		}
	default:
		c.in.bad(codeBadAction, "invalid action name: action_name")
	}
	life := c.in.number("expire_seconds", 0)
	if life < 0 || life > maxCodeLife {
		c.in.bad(codeBadScene, "invalid action info: expire_seconds must be from 1 to %d", maxCodeLife)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	return c.keepCode(code, permanent, int64(orElse(int(life), codeLife)))
}

// keepCode gives a code its ticket and keeps it.
func (c *call) keepCode(code *AccountCode, permanent bool, life int64) (reply, *failure) {
	a := &c.s.account
	if len(a.codes) >= keepCodes {
		a.codes = slices.DeleteFunc(a.codes, func(old *AccountCode) bool { return old.over(c.now) })
		maps.DeleteFunc(a.byTicket, func(_ string, old *AccountCode) bool { return old.over(c.now) })
	}
	if len(a.codes) >= keepCodes {
		return nil, refuse(codeTooManyCode, "qrcode count out of limit")
	}
	if permanent {
		a.permanent[code.Scene] = true
		if len(a.permanent) > maxPermanent {
			delete(a.permanent, code.Scene)
			return nil, refuse(codeTooManyCode, "qrcode count out of limit")
		}
	} else {
		code.Expires = c.now.Add(time.Duration(life) * time.Second)
	}
	r := c.s.dice.stream("account code")
	random := make([]byte, ticketBytes)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	code.Ticket = "gQ" + base64.StdEncoding.EncodeToString(random)[2:] + "=="
	code.URL = "http://weixin.qq.com/q/02" + drawFrom(r, alphabetID+"_-", 24)
	a.codes = append(a.codes, code)
	a.byTicket[code.Ticket] = code
	out := reply{"ticket": code.Ticket, "url": code.URL}
	if !permanent {
		out["expire_seconds"] = life
	}
	return out, nil
}

// showAccountCode answers the picture of a code. It looks like one and cannot be scanned.
func (s *Sandbox) showAccountCode(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	if !s.hasAccountCode(ticket) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(Picture(ticket))
}

func (s *Sandbox) hasAccountCode(ticket string) bool {
	s.enter()
	defer s.leave()
	return s.account.byTicket[ticket] != nil
}
