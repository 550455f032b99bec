package promotions

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// answering reaches a machine in memory, whatever the address, that answers every request so.
func answering(status int) DialFunc {
	return serving(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
}

// serving reaches a handler in memory, whatever the address.
func serving(h http.Handler) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			srv := &http.Server{Handler: h}
			_ = srv.Serve(&oneConn{conn: theirs, closed: make(chan struct{})})
		}()
		return ours, nil
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	taken  atomic.Bool
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if l.taken.Swap(true) {
		return nil, net.ErrClosed // Serve ends, its connection goes on
	}
	return l.conn, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func TestLinksThatDoNotAnswerAreNamed(t *testing.T) {
	mux := http.NewServeMux()
	for path, status := range map[string]int{"/fine": 200, "/empty": 204, "/login": 401, "/robots": 403, "/busy": 429, "/gone": 404, "/broken": 500} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/fine", http.StatusFound) })
	mux.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/circle", http.StatusFound) })
	mux.HandleFunc("/inside", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var sent atomic.Int64
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			n, err := w.Write(make([]byte, 32<<10))
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	l := NewLinks(serving(mux))
	for path, want := range map[string]string{
		"/fine": "", "/empty": "", "/login": "", "/robots": "", "/busy": "", "/moved": "", "/endless": "",
		"/gone": "HTTP 404", "/broken": "HTTP 500", "/circle": "跳转", "/inside": "跳转", "/slow": "5 秒",
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		if path != "/slow" {
			cancel()
			ctx, cancel = context.WithTimeout(context.Background(), 30*time.Second)
		}
		got := l.ask(ctx, []string{"http://shop.example.com" + path})["http://shop.example.com"+path]
		cancel()
		if want == "" && got != (linkFault{}) || !strings.Contains(got.zh, want) || (got.en == "") != (want == "") {
			t.Errorf("%s: %+v, want %q", path, got, want)
		}
	}
	if n := sent.Load(); n > 1<<20 {
		t.Errorf("%d bytes of an endless page were taken", n)
	}
}

// A name that leads into the private network is refused when it is dialled, whatever it was
// when somebody looked it up before.
func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		address := "http://" + host + ":" + port + "/"
		if got := NewLinks(DialPublic()).ask(context.Background(), []string{address})[address]; !strings.Contains(got.zh, "内网") {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if asked.Load() != 0 {
		t.Error("a machine inside was asked")
	}
	if got := faultOf(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}); !strings.Contains(got.zh, "域名不存在") {
		t.Errorf("a name that nobody knows: %+v", got)
	}
	if got := faultOf(errors.New("connection refused")); !strings.Contains(got.zh, "连不上") {
		t.Errorf("nobody there: %+v", got)
	}
}

func TestWhichAddressesArePublic(t *testing.T) {
	for _, ip := range []string{"8.8.8.8", "1.1.1.1", "223.5.5.5", "172.32.0.1", "100.128.0.1", "2400:3200::1", "64:ff9b::808:808"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not public", ip)
		}
	}
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
		"::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"} {
		if public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
}

func TestAddressesThatCustomersCannotOpenAreRefused(t *testing.T) {
	good := []string{"https://example.com/sale?a=b#c", "http://sub.example.cn:8080/", "https://中文.网址/秒杀", "https://EXAMPLE.com", "https://8.8.8.8/x",
		"https://localhost.example.com/", "http://127.0.0.1:8080/l/abc", "http://127.0.0.1:8080", "https://example.com./"}
	bad := []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "ftp://example.com/", "file:///etc/passwd", "//example.com/x", "example.com", "http://",
		"http:///x", "http://user@example.com/", "http://user:pass@example.com/", "https://example.com\\@127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:8081/l/x",
		"http://127.0.0.1:8080@evil.example/", "https://127.0.0.1:8080/l/x", "http://[::1]/", "http://[fe80::1]/", "http://[::ffff:10.0.0.1]/", "http://10.0.0.8/sale", "http://192.168.1.1/",
		"http://169.254.169.254/latest/meta-data", "http://localhost/", "http://LOCALHOST:80/", "http://shop.localhost/", "http://nas.local/", "http://db.internal/",
		"http://intranet/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1./", "http://127。0。0。1/",
		"http://１２７.0.0.1/", "http://①②⑦.0.0.1/", "http://example.com:0/", "http://example.com:99999/"}
	h := newShop(t)
	h.groups(1)
	p := h.planner()
	p.PublicURL = "http://127.0.0.1:8080"
	for field, put := range map[string]func(*store.PromotionSpec, string){
		"message.attachments[0].url": func(s *store.PromotionSpec, u string) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: u}}
		},
		"message.attachments[0].image_url": func(s *store.PromotionSpec, u string) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachImage, ImageURL: u}}
		},
		"products[0].image_url": func(s *store.PromotionSpec, u string) { s.Products[0].ImageURL = u },
		"link.url": func(s *store.PromotionSpec, u string) {
			s.Message.Text, s.Link = "看这里 {link}", &store.LinkSpec{URL: u}
		},
	} {
		ours := strings.HasPrefix(field, "link")
		check := func(u string) error {
			s := daily()
			put(&s, u)
			_, err := p.check(context.Background(), s)
			return err
		}
		for _, u := range good {
			if ours && strings.HasPrefix(u, p.PublicURL) {
				continue // whether a link may lead to a link of ours is not asked here
			}
			if err := check(u); err != nil {
				t.Errorf("%s = %s: %v", field, u, err)
			}
		}
		for _, u := range bad {
			var inv *handlers.Invalid
			if err := check(u); !errors.As(err, &inv) || inv.Field != field {
				t.Errorf("%s = %s: %v", field, u, err)
			}
		}
	}
	for text, wrong := range map[string]bool{
		"点这里 https://example.com/a。还有": false, "看http://192.168.1.1/a": true, "price 10.0.0.1 http not a link": false,
		"后台 http://nas.local:5000/,员工用": true, fmt.Sprintf("本店 %s/l/x", p.PublicURL): false,
	} {
		s := daily()
		s.Message.Text = text
		if _, err := p.check(context.Background(), s); (err != nil) != wrong {
			t.Errorf("%s: %v", text, err)
		}
	}
}
