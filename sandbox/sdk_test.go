package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ArtisanCloud/PowerLibs/v3/logger/contract"
	powerwechat "github.com/ArtisanCloud/PowerWeChat/v3/src/work"
	"github.com/silenceper/wechat/v2/cache"
	silenceperutil "github.com/silenceper/wechat/v2/util"
	silenceper "github.com/silenceper/wechat/v2/work"
	silenceperconfig "github.com/silenceper/wechat/v2/work/config"
)

// TestSDKs drives the sandbox with clients that others wrote. Each function below stands for
// one family of calls and asserts on what came of them; here is only checked that nothing is
// left out: every call of both SDKs was answered with errcode 0 at least once, or stands in
// sdkExceptions with its reason; and every call of the platform is made by an SDK, or stands in noSDK.
//
// What was called is not told by the functions, it is seen on the stack of each request.
func TestSDKs(t *testing.T) {
	seen := &sightings{answered: map[string]bool{}, paths: map[string]bool{}}
	whole := true
	for _, family := range sdkFamilies() {
		ran := false
		t.Run(family.name, func(t *testing.T) {
			ran = true
			family.drive(t, newRig(t, seen))
		})
		whole = whole && ran
	}
	if !whole || t.Failed() {
		return // -run chose some of them, or one ended early
	}
	t.Run("nothing is left out", func(t *testing.T) { seen.check(t) })
}

// sdkFamily drives calls that belong together, each on a company of its own.
type sdkFamily struct {
	name  string
	drive func(t *testing.T, r *rig)
}

// sdkFamilies are all families; each stands in the file of its subject.
func sdkFamilies() []sdkFamily {
	return slices.Concat(contactFamilies(), groupFamilies(), massFamilies(), messageFamilies(), accountFamilies(), momentFamilies(), statisticFamilies(), loginFamilies(),
		robotFamilies(), handoverFamilies(), acquisitionFamilies())
}

// rig is a company with both SDKs' clients pointed at it.
type rig struct {
	*world
	ctx   context.Context
	power *powerwechat.Work
	// powerDirectory works with the secret of the directory, as user/list_id demands.
	powerDirectory *powerwechat.Work
	silent         *silenceper.Work
	silentDir      *silenceper.Work
}

func newRig(t *testing.T, seen *sightings) *rig {
	t.Helper()
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	rt := &sdkTransport{host: strings.TrimPrefix(w.server.URL, "http://"), base: w.server.Client().Transport, seen: seen}
	r := &rig{world: w, ctx: context.Background()}
	r.power, r.powerDirectory = newPower(t, DefaultSecret, rt), newPower(t, DefaultDirectorySecret, rt)
	// The other SDK has one client for the whole process, and keeps tokens apart by agent only.
	before := silenceperutil.DefaultHTTPClient
	silenceperutil.DefaultHTTPClient = &http.Client{Transport: rt}
	t.Cleanup(func() { silenceperutil.DefaultHTTPClient = before })
	r.silent = newSilent(strconv.Itoa(DefaultAgentID), DefaultSecret)
	r.silentDir = newSilent("", DefaultDirectorySecret)
	return r
}

func newPower(t *testing.T, secret string, rt http.RoundTripper) *powerwechat.Work {
	t.Helper()
	return got[*powerwechat.Work](t)(powerwechat.NewWork(&powerwechat.UserConfig{
		CorpID: DefaultCorpID, AgentID: DefaultAgentID, Secret: secret, Token: DefaultToken, AESKey: DefaultAESKey,
		// Rounded down to no timeout: with one, each body that the SDK forgets to close would
		// leave a goroutine behind.
		Http:  powerwechat.Http{BaseURI: "https://qyapi.weixin.qq.com/", Transport: rt, Timeout: 1e-10},
		Log:   powerwechat.Log{Driver: sdkLog{}},
		OAuth: powerwechat.OAuth{Callback: "https://shop.example.com/login"},
		Cache: &sdkCache{values: map[string][]byte{}},
	}))
}

func newSilent(agent, secret string) *silenceper.Work {
	return silenceper.NewWork(&silenceperconfig.Config{
		CorpID: DefaultCorpID, CorpSecret: secret, AgentID: agent,
		Token: DefaultToken, EncodingAESKey: DefaultAESKey, Cache: cache.NewMemory(),
	})
}

// answered fails unless a call of PowerWeChat, which takes a refusal for a success, ended
// well.
func answered(t *testing.T, out any, err error) {
	t.Helper()
	must(t, err)
	v := reflect.Indirect(reflect.ValueOf(out))
	if c := v.FieldByName("ErrCode"); !c.IsZero() {
		t.Fatalf("errcode %v: %v", c, v.FieldByName("ErrMsg"))
	}
}

// refused fails unless an error of silenceper's has a code of the platform.
func refused(t *testing.T, err error, code int) {
	t.Helper()
	var e *silenceperutil.CommonError
	if !errors.As(err, &e) || int(e.ErrCode) != code {
		t.Errorf("error %v, want code %d", err, code)
	}
}

// same fails unless both are deeply equal.
func same(t *testing.T, what string, out, want any) {
	t.Helper()
	if !reflect.DeepEqual(out, want) {
		t.Errorf("%s: %#v, want %#v", what, out, want)
	}
}

// sdkTransport sends what is meant for the platform to a sandbox, and notes which function
// of which SDK each answer was for.
type sdkTransport struct {
	host string
	base http.RoundTripper
	seen *sightings
}

func (rt *sdkTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	callers := sdkCallers()
	resp, body, err := redirected(rt.base, req, rt.host, "qyapi.weixin.qq.com")
	if err != nil {
		return nil, err
	}
	rt.seen.note(callers, strings.TrimPrefix(req.URL.Path, apiPrefix), resp, body)
	return resp, nil
}

// redirected sends what is meant for some hosts to another, and reads the answer ahead.
func redirected(base http.RoundTripper, req *http.Request, to string, hosts ...string) (*http.Response, []byte, error) {
	if !slices.Contains(hosts, req.URL.Host) {
		return nil, nil, fmt.Errorf("the SDK calls %s", req.URL.Host)
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = "http", to, to
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, body, err
}

// sdkCallers are the functions of the SDKs on the stack, as the runtime names them.
func sdkCallers() []string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	var out []string
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "PowerWeChat") || strings.Contains(frame.Function, "silenceper") {
			out = append(out, frame.Function)
		}
		if !more {
			return out
		}
	}
}

// sightings are what was called so far.
type sightings struct {
	mu       sync.Mutex
	answered map[string]bool // functions that got an answer with errcode 0, or a file
	paths    map[string]bool // below /cgi-bin/
}

func (s *sightings) note(callers []string, path string, resp *http.Response, body []byte) {
	var head struct {
		ErrCode *int `json:"errcode"`
	}
	if resp.StatusCode != http.StatusOK {
		return
	}
	if err := json.Unmarshal(body, &head); err == nil && (head.ErrCode == nil || *head.ErrCode != 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = true
	for _, name := range callers {
		s.answered[name] = true
	}
}

// check compares what was called with what there is.
func (s *sightings) check(t *testing.T) {
	exceptions := sdkExceptions()
	var gone []string
	for _, sdk := range []struct {
		name  string
		calls map[string]string
	}{{"PowerWeChat", powerCalls()}, {"silenceper", silentCalls()}} {
		driven := 0
		for _, call := range slices.Sorted(maps.Keys(sdk.calls)) {
			ok, reason := s.answered[sdk.calls[call]], exceptionFor(exceptions, call)
			switch {
			case ok && exceptions[call] != "":
				t.Errorf("%s is driven and still an exception: %s", call, reason)
			case ok:
				driven++
			case reason == "":
				t.Errorf("%s was never answered well", call)
			default:
				gone = append(gone, call)
			}
		}
		t.Logf("%s: %d of %d methods driven", sdk.name, driven, len(sdk.calls))
	}
	for _, name := range slices.Sorted(maps.Keys(exceptions)) {
		if !slices.ContainsFunc(gone, func(call string) bool { return exceptionFor(map[string]string{name: "x"}, call) != "" }) {
			t.Errorf("no call is excepted by %s any more", name)
		}
	}
	without := noSDK()
	for path := range allAPIs() {
		switch {
		case s.paths[path] && without[path]:
			t.Errorf("%s is made by an SDK and still in noSDK", path)
		case !s.paths[path] && !without[path]:
			t.Errorf("%s is made by no SDK: drive it in a family, or name it in noSDK if neither has it", path)
		}
	}
}

// exceptionFor finds the reason for a call, or for its whole client as "Client.*".
func exceptionFor(exceptions map[string]string, call string) string {
	if reason := exceptions[call]; reason != "" {
		return reason
	}
	client, _, _ := strings.Cut(call, ".")
	return exceptions[client+".*"]
}

// powerCalls are the methods of all clients of PowerWeChat by "Client.Method", with the name
// that the runtime has for the function.
func powerCalls() map[string]string {
	out := map[string]string{}
	plumbing := []string{"ServiceContainer", "AccessToken", "Config", "Encryptor", "Server", "Logger"}
	all := reflect.TypeFor[powerwechat.Work]()
	for i := range all.NumField() {
		if f := all.Field(i); !slices.Contains(plumbing, f.Name) {
			methodsOf(f.Type, f.Name, out)
		}
	}
	return out
}

// silentCalls are the same of silenceper, by the names of the functions that give a client.
func silentCalls() map[string]string {
	out := map[string]string{}
	all := reflect.TypeFor[*silenceper.Work]()
	for i := range all.NumMethod() {
		m := all.Method(i)
		if m.Name != "GetContext" {
			methodsOf(m.Type.Out(0), strings.TrimPrefix(m.Name, "Get"), out)
		}
	}
	return out
}

// methodsOf adds the methods of a client, without what it inherits from the SDK's plumbing.
func methodsOf(client reflect.Type, name string, out map[string]string) {
	for i := range client.NumMethod() {
		m := client.Method(i)
		if fn := owner(client, m.Name); fn != "" {
			out[name+"."+m.Name] = fn
		}
	}
}

// owner is the runtime's name of a method, of the embedded type that has it if it is
// inherited. It is empty for what belongs to the plumbing.
func owner(client reflect.Type, method string) string {
	plumbing := []string{"kernel.", "context.", "cache.", "sync.", "http."}
	if slices.ContainsFunc(plumbing, func(p string) bool { return strings.HasPrefix(strings.TrimPrefix(client.String(), "*"), p) }) {
		return ""
	}
	if client.Kind() == reflect.Pointer && client.Elem().Kind() == reflect.Struct {
		for i := range client.Elem().NumField() {
			f := client.Elem().Field(i)
			if !f.Anonymous {
				continue
			}
			inner := f.Type
			if inner.Kind() == reflect.Struct {
				inner = reflect.PointerTo(inner)
			}
			if _, has := inner.MethodByName(method); has && generated(client, method) {
				return owner(inner, method)
			}
		}
	}
	m, _ := client.MethodByName(method)
	return runtime.FuncForPC(m.Func.Pointer()).Name()
}

// generated reports whether a method was made by the compiler to call an embedded one.
func generated(client reflect.Type, method string) bool {
	m, _ := client.MethodByName(method)
	file, _ := runtime.FuncForPC(m.Func.Pointer()).FileLine(m.Func.Pointer())
	return file == "<autogenerated>"
}

// sdkCache holds what PowerWeChat keeps, through JSON, as its readers expect.
type sdkCache struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (c *sdkCache) Get(key string, absent any) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.values[key]
	if !ok {
		return absent, nil
	}
	var out any
	return out, json.Unmarshal(text, &out)
}

func (c *sdkCache) Set(key string, value any, _ time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[key] = encode(value)
	return nil
}

func (c *sdkCache) Has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values[key] != nil
}

func (c *sdkCache) AddNX(key string, value any, ttl time.Duration) bool {
	return !c.Has(key) && c.Set(key, value, ttl) == nil
}
func (c *sdkCache) Add(key string, value any, ttl time.Duration) error { return c.Set(key, value, ttl) }
func (c *sdkCache) Remember(_ string, _ time.Duration, make func() (any, error)) (any, error) {
	return make()
}

// sdkLog swallows what PowerWeChat logs.
type sdkLog struct{}

func (sdkLog) Debug(string, ...any)                                   {}
func (sdkLog) Info(string, ...any)                                    {}
func (sdkLog) Warn(string, ...any)                                    {}
func (sdkLog) Error(string, ...any)                                   {}
func (sdkLog) Panic(string, ...any)                                   {}
func (sdkLog) Fatal(string, ...any)                                   {}
func (sdkLog) DebugF(string, ...any)                                  {}
func (sdkLog) InfoF(string, ...any)                                   {}
func (sdkLog) WarnF(string, ...any)                                   {}
func (sdkLog) ErrorF(string, ...any)                                  {}
func (sdkLog) PanicF(string, ...any)                                  {}
func (sdkLog) FatalF(string, ...any)                                  {}
func (l sdkLog) WithContext(context.Context) contract.LoggerInterface { return l }
