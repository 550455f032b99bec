package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"xiaobu/bot/wecom/crypt"
)

// What Config holds when it is left empty.
const (
	DefaultCorpID          = "wwsandboxcorp0001"
	DefaultAgentID         = 1000002
	DefaultSecret          = "sandbox-app-secret-0000000000000000000000000"
	DefaultDirectorySecret = "sandbox-directory-secret-00000000000000000000"
	DefaultToken           = "sandboxtoken"
	DefaultAESKey          = "c2FuZGJveCBrZXkgb25seSBmb3Igc2ltdWxhdGlvbnM"
	DefaultPublicURL       = "http://sandbox.invalid"
	DefaultWorkers         = 8
)

// answerTime is how long the receiver of a callback has to answer.
const answerTime = 5 * time.Second

// ErrNotFound is inside the error of a method that was given an id nobody has.
var ErrNotFound = errors.New("not found")

// ErrFull is inside the error of a join that finds the group, or all groups of a code, full.
var ErrFull = errors.New("full")

// Config says which company the sandbox plays and where its events go. Only Now is required.
type Config struct {
	// Now tells the time, real or moved by hand. It must be safe for many goroutines, must
	// not run backwards and must not call the Sandbox.
	Now func() time.Time
	// Leap moves what Now tells on to a later time, at once; MoveTo needs it. Nil: nobody can
	// move the clock through the Sandbox. It must not call the Sandbox.
	Leap func(to time.Time)
	// Seed decides everything random: ids, tokens, member versions, faults, habits.
	Seed uint64
	// CorpID, AgentID and Secret are the company and its self-built app; DirectorySecret is
	// the company's second secret, whose tokens may read the address book and nothing else.
	CorpID          string
	AgentID         int64
	Secret          string
	DirectorySecret string
	// Token (at most 32 letters and digits) and AESKey (43 characters) seal the callbacks.
	Token  string
	AESKey string
	// CallbackURL is where events go. Empty: events are only recorded, and the app counts as
	// one without a callback (interactive cards are refused with 43012).
	CallbackURL string
	// FeedURL and FeedSecret are where and with which key everything said in groups is
	// posted. Empty: it is only recorded.
	FeedURL    string
	FeedSecret string
	// Account is the company's WeChat official account.
	Account OfficialAccount
	// TrustedDomain is where redirect_uri must lead when somebody logs in from inside the client,
	// LoginDomain when somebody logs in at a desk: a host with its port if it has one. Empty:
	// anywhere.
	TrustedDomain string
	LoginDomain   string
	// PublicURL is the base of the links to QR code pictures and uploaded images.
	PublicURL string
	// Client delivers callbacks and feed posts. The default has a 5 s timeout and follows no
	// redirects.
	Client *http.Client
	// Workers is how many deliveries Run does in parallel (default 8). Step delivers one
	// after the other, in the order of time.
	Workers int
	// Lag is how long groupchat/get keeps showing the members of before a change. Default 0.
	Lag time.Duration
	// Wait lets an APIFault's Stall go by; it returns early when ctx ends. Nil waits in real
	// time.
	Wait func(ctx context.Context, d time.Duration)
	// DirectoryEvents sends change_contact events when staff or departments change, as the
	// platform does once the callback of the address book is set up. Default: none.
	DirectoryEvents bool
	// OnEntry is told of everything that happens, one entry at a time and in order, from
	// whatever goroutine made it happen; it may use the Sandbox. May be nil.
	OnEntry func(Entry)
}

// Sandbox is one simulated company. All methods are safe for many goroutines.
type Sandbox struct {
	cfg   Config
	codec *crypt.Codec
	apis  map[string]api
	// accountAPIs are the official account's calls, under names that begin with accountPrefix.
	accountAPIs map[string]api

	// mu guards everything below. It is never held while talking to anyone outside.
	mu          sync.Mutex
	callbackURL string
	feedURL     string
	feedSecret  string
	running     bool
	moving      bool          // MoveTo is at work
	busy        int           // tasks that Run's workers have begun
	wake        chan struct{} // closed and replaced when something new is due
	agenda      queue         // what people and time do
	mail        queue         // what is to be delivered
	paused      bool          // people of a story wait
	held        []*task       // what they wait with, in no order

	dice        dice
	journal     journal
	tokens      tokens
	meters      meters
	faults      faultState
	office      office
	clientele   clientele
	rooms       rooms
	ways        ways
	tagShelf    tagShelf
	exchanges   exchanges
	acquisition acquisition
	intercepts  []*InterceptRule
	welcomes    welcomes
	templates   templates
	mass        mass
	moments     moments
	logins      logins
	tickets     tickets
	robots      robots
	smart       smartRobots
	apps        appMessages
	appRooms    appRooms
	media       mediaShelf
	post        postOffice
	traffic     traffic
	account     account
	watchers    []Watcher // told of what people react to
}

// New makes a company without staff, customers or groups; department 1 exists.
func New(cfg Config) (*Sandbox, error) {
	if cfg.Now == nil {
		return nil, errors.New("sandbox: Config.Now is required")
	}
	if cfg.Lag < 0 || cfg.Workers < 0 {
		return nil, errors.New("sandbox: Config.Lag and Config.Workers must not be negative")
	}
	for field, address := range map[string]string{"CallbackURL": cfg.CallbackURL, "FeedURL": cfg.FeedURL} {
		if address != "" && !webAddress(address) {
			return nil, fmt.Errorf("sandbox: Config.%s %q is no web address such as http://127.0.0.1:8080/", field, address)
		}
	}
	cfg = withDefaults(cfg)
	if len(cfg.Token) > 32 {
		return nil, fmt.Errorf("sandbox: Config.Token has %d characters, at most 32 are allowed", len(cfg.Token))
	}
	codec, err := crypt.New(cfg.Token, cfg.AESKey, cfg.CorpID)
	if err != nil {
		return nil, fmt.Errorf("sandbox: Config.AESKey: %w", err)
	}
	account, err := newAccount(cfg.Account)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		cfg: cfg, codec: codec,
		callbackURL: cfg.CallbackURL, feedURL: cfg.FeedURL, feedSecret: cfg.FeedSecret,
		wake:        make(chan struct{}),
		dice:        newDice(cfg.Seed),
		tokens:      newTokens(),
		meters:      newMeters(),
		office:      newOffice(),
		clientele:   newClientele(),
		rooms:       newRooms(),
		ways:        newWays(),
		welcomes:    newWelcomes(),
		templates:   newTemplates(),
		mass:        newMass(),
		moments:     newMoments(),
		logins:      newLogins(),
		robots:      newRobots(),
		smart:       newSmartRobots(),
		apps:        newAppMessages(),
		appRooms:    newAppRooms(),
		media:       newMediaShelf(),
		traffic:     newTraffic(),
		exchanges:   exchanges{},
		acquisition: newAcquisition(cfg.Now()),
		account:     account,
	}
	s.apis, s.accountAPIs = allAPIs(), allAccountAPIs()
	return s, nil
}

// webAddress reports whether something can be delivered to an address.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func withDefaults(cfg Config) Config {
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	text(&cfg.CorpID, DefaultCorpID)
	text(&cfg.Secret, DefaultSecret)
	text(&cfg.DirectorySecret, DefaultDirectorySecret)
	text(&cfg.Token, DefaultToken)
	text(&cfg.AESKey, DefaultAESKey)
	text(&cfg.PublicURL, DefaultPublicURL)
	cfg.Account = cfg.Account.withDefaults()
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	if cfg.AgentID == 0 {
		cfg.AgentID = DefaultAgentID
	}
	if cfg.Workers == 0 {
		cfg.Workers = DefaultWorkers
	}
	if cfg.Wait == nil {
		cfg.Wait = func(ctx context.Context, d time.Duration) { idle(ctx, d, nil) }
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{
			Timeout:       answerTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return cfg
}

// Config returns the settings in use, defaults filled in.
func (s *Sandbox) Config() Config { return s.cfg }

// SetCallback changes where events go; what is waiting goes to the new address. Empty stops
// deliveries of later events.
func (s *Sandbox) SetCallback(address string) {
	s.enter()
	defer s.leave()
	s.callbackURL = address
}

// Callback returns where events go now, "" if nowhere.
func (s *Sandbox) Callback() string {
	s.enter()
	defer s.leave()
	return s.callbackURL
}

// SetFeed changes where and with which key what people say is posted.
func (s *Sandbox) SetFeed(address, secret string) {
	s.enter()
	defer s.leave()
	s.feedURL, s.feedSecret = address, secret
}

// Handler serves the simulated platform below /cgi-bin/, what the official account has beside
// it below /sns/ and /wxaapi/, the pages on which people log in, and the pictures and videos
// that were given an address. The control API and page below /sandbox/ are package
// panel's.
func (s *Sandbox) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if single := strings.ReplaceAll(path, "//", "/"); single != path { // PowerWeChat fetches //cgi-bin/get_jsapi_ticket
			r = r.Clone(r.Context())
			r.URL.Path, path = single, single
		}
		switch {
		case path == showCodePath:
			s.showAccountCode(w, r)
		case strings.HasPrefix(path, apiPrefix), strings.HasPrefix(path, "/sns/"), strings.HasPrefix(path, "/wxaapi/"):
			s.serveAPI(w, r)
		case path == authorizePath, path == ssoLoginPath, path == qrConnectPath:
			s.serveLogin(w, r)
		case strings.HasPrefix(path, accountFilePath):
			s.serveAccountFile(w, r)
		case strings.HasPrefix(path, picturePath):
			s.servePicture(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// copied returns what a list points to, for handing out; deepen replaces the slices that the
// copies would still share.
func copied[T any](all []*T, deepen func(*T)) []T {
	out := make([]T, 0, len(all))
	for _, one := range all {
		c := *one
		deepen(&c)
		out = append(out, c)
	}
	return out
}

// shallow is for copied where there is nothing to replace.
func shallow[T any](*T) {}

// enter takes the lock and freezes the time for what is done under it.
func (s *Sandbox) enter() time.Time {
	s.mu.Lock()
	return s.cfg.Now().UTC()
}

// leave gives the lock back and tells OnEntry what was noted meanwhile. Only one goroutine
// tells at a time; entries of others are picked up by it, so that they stay in order.
func (s *Sandbox) leave() {
	if s.cfg.OnEntry == nil || s.journal.telling {
		s.mu.Unlock()
		return
	}
	s.journal.telling = true
	for len(s.journal.untold) > 0 {
		batch := s.journal.untold
		s.journal.untold = nil
		s.mu.Unlock()
		for _, e := range batch {
			s.cfg.OnEntry(e)
		}
		s.mu.Lock()
	}
	s.journal.telling = false
	s.mu.Unlock()
}
