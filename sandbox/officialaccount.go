package sandbox

import (
	"fmt"
	"time"

	"xiaobu/bot/wecom/crypt"
)

// What OfficialAccount holds when it is left empty.
const (
	DefaultAccountID     = "gh_sandbox00001"
	DefaultAppID         = "wxsandboxacct0001"
	DefaultAppSecret     = "sandboxaccountsecret000000000000"
	DefaultAccountToken  = "sandboxaccounttoken"
	DefaultAccountAESKey = "YW4gb2ZmaWNpYWwgYWNjb3VudCBpbiBhIHNhbmRib3g"
)

// How an official account's pushes are sealed.
const (
	ModePlain      = "plain"      // in clear
	ModeCompatible = "compatible" // in clear and encrypted, in one body
	ModeAES        = "aes"        // encrypted
)

// Codes of the official account. Where WeCom uses a number for the same thing, its constant
// is used here too.
const (
	codeAccountToken    = 40001
	codeGrantType       = 40002
	codeBadMediaID      = 40007
	codeBadAppSecret    = 40125
	codeNotListed       = 40164
	codeNeedsGet        = 43001
	codeNeedsPost       = 43002
	codeNotSubscribed   = 43004
	codeMinuteQuota     = 45011
	codeDataFormat      = 47001
	codeBadArgs         = 40097
	codeClearedTooOften = 48006
)

// accountPrefix stands before the paths of the official account wherever calls are counted
// or disturbed, because both platforms have calls such as user/get: "mp/user/get" is
// /cgi-bin/user/get with a token of the account, "mp/sns/userinfo" is /sns/userinfo.
const accountPrefix = "mp/"

// OfficialAccount is the company's WeChat official account (公众号, a certified service
// account). Its calls are served beside WeCom's at the same base address; where both have a
// path, the access_token decides.
type OfficialAccount struct {
	// ID is the account's own name (gh_…), from and to which messages go.
	ID string
	// AppID and Secret are its credentials.
	AppID, Secret string
	// Token (3 to 32 letters and digits) and AESKey (43 characters) sign and seal its pushes.
	Token, AESKey string
	// Mode is ModePlain (the default), ModeCompatible or ModeAES.
	Mode string
	// CallbackURL is where its pushes go. Empty: they are only recorded.
	CallbackURL string
}

func (a OfficialAccount) withDefaults() OfficialAccount {
	for field, value := range map[*string]string{
		&a.ID: DefaultAccountID, &a.AppID: DefaultAppID, &a.Secret: DefaultAppSecret,
		&a.Token: DefaultAccountToken, &a.AESKey: DefaultAccountAESKey, &a.Mode: ModePlain,
	} {
		if *field == "" {
			*field = value
		}
	}
	return a
}

// account is the state of the official account.
type account struct {
	codec       *crypt.Codec
	callbackURL string
	ips         []string // that may fetch tokens; none: all
	tokens      []*accountToken
	forced      dayCount // stable_token with force_refresh
	tickets     map[string]accountTicket
	calls       map[string]*dayCount // by path
	cleared     dayCount             // clear_quota, by month

	followers []*Follower // everybody who has an openid, in the order of getting it
	byOpenID  map[string]*Follower
	tags      []accountTag
	lastTag   int
	messages  []*AccountMessage
	lastMsg   int64
	lastSent  int64
	codes     []*AccountCode
	byTicket  map[string]*AccountCode
	permanent map[string]bool // scenes with a permanent code
	menu      *accountMenu
	lastMenu  int64
	files     accountFiles

	templates  []*accountTemplate
	notices    []*accountTemplate
	industry   dayCount // template/api_set_industry, by month
	industries [2]int64
	once       map[string]time.Time // when a client_msg_id was used

	logins  map[string]*accountLogin // by code
	visits  map[string]*accountVisit // by access_token of a web login
	returns map[string]*accountVisit // by refresh_token
}

func newAccount(a OfficialAccount) (account, error) {
	if a.Mode != ModePlain && a.Mode != ModeCompatible && a.Mode != ModeAES {
		return account{}, fmt.Errorf("sandbox: Config.Account.Mode %q is not plain, compatible or aes", a.Mode)
	}
	if a.CallbackURL != "" && !webAddress(a.CallbackURL) {
		return account{}, fmt.Errorf("sandbox: Config.Account.CallbackURL %q is no web address such as http://127.0.0.1:8080/", a.CallbackURL)
	}
	if n := len(a.Token); n < 3 || n > 32 {
		return account{}, fmt.Errorf("sandbox: Config.Account.Token has %d characters, want 3 to 32", n)
	}
	codec, err := crypt.New(a.Token, a.AESKey, a.AppID)
	if err != nil {
		return account{}, fmt.Errorf("sandbox: Config.Account.AESKey: %w", err)
	}
	return account{
		codec: codec, callbackURL: a.CallbackURL, tickets: map[string]accountTicket{},
		calls: map[string]*dayCount{}, byOpenID: map[string]*Follower{}, lastTag: firstOwnTag - 1,
		tags: []accountTag{{id: starTag, name: "星标组"}}, byTicket: map[string]*AccountCode{},
		permanent: map[string]bool{}, files: accountFiles{byID: map[string]*accountFile{}},
		once: map[string]time.Time{}, logins: map[string]*accountLogin{}, visits: map[string]*accountVisit{},
		returns: map[string]*accountVisit{}, industries: [2]int64{1, 2},
	}, nil
}
