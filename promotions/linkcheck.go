package promotions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits of asking whether links answer.
const (
	linkTime      = 5 * time.Second // for one link, redirects included
	linkBody      = 64 << 10        // bytes that are read of an answer
	linkRedirects = 5
	linksAtOnce   = 8
	maxLinks      = 60
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// errPrivate says that a name stands for a machine in a private network.
var errPrivate = errors.New("the name leads into a private network")

// DialPublic opens connections to public addresses only. It looks at the address that is
// really dialled, so that a name which is public when it is checked and private a moment later
// leads nowhere.
func DialPublic() DialFunc {
	d := net.Dialer{Timeout: linkTime, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !public(at.Addr()) {
			return errPrivate
		}
		return nil
	}}
	return d.DialContext
}

// Links asks whether web addresses answer. Nothing of what they answer is kept.
type Links struct{ client *http.Client }

// NewLinks returns Links that reach the world through dial.
func NewLinks(dial DialFunc) *Links {
	transport := &http.Transport{DialContext: dial, TLSHandshakeTimeout: linkTime, DisableKeepAlives: true, MaxResponseHeaderBytes: linkBody}
	return &Links{&http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > linkRedirects {
			return errors.New("too many redirects")
		}
		if why := unusable(req.URL.String()); why != "" {
			return errors.New("it redirects to where customers cannot go")
		}
		return nil
	}}}
}

// linkFault is what is wrong with a link, in Chinese and English; empty: it answers.
type linkFault struct{ zh, en string }

// Ask asks each of the addresses once and returns those that do not answer.
func (l *Links) ask(ctx context.Context, urls []string) map[string]linkFault {
	if len(urls) > maxLinks {
		urls = urls[:maxLinks]
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	out, room := map[string]linkFault{}, make(chan struct{}, linksAtOnce)
	for _, u := range urls {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			fault := l.askOne(ctx, u)
			mu.Lock()
			defer mu.Unlock()
			if fault != (linkFault{}) {
				out[u] = fault
			}
		})
	}
	wg.Wait()
	return out
}

func (l *Links) askOne(ctx context.Context, address string) linkFault {
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return linkFault{"不是网址", "is no web address"}
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Xiaobu link check)")
	resp, err := l.client.Do(req)
	if err != nil {
		return faultOf(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, linkBody) // a page that is long or cut off is a page
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusTooManyRequests:
		return linkFault{} // it lives; it does not like programs
	case code >= 400:
		return linkFault{fmt.Sprintf("打开出错(HTTP %d)", code), fmt.Sprintf("answers HTTP %d", code)}
	}
	return linkFault{}
}

// faultOf puts an error into words without the address, which may be long.
func faultOf(err error) linkFault {
	var unknown *net.DNSError
	switch {
	case errors.Is(err, errPrivate):
		return linkFault{"域名指向内网,顾客打不开", "leads into a private network"}
	case errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout"):
		return linkFault{"5 秒内没有回应", "does not answer within 5 seconds"}
	case errors.As(err, &unknown):
		return linkFault{"域名不存在", "has a name that cannot be found"}
	case strings.Contains(err.Error(), "certificate"):
		return linkFault{"证书有问题", "has a certificate that is not valid"}
	case strings.Contains(err.Error(), "redirect"):
		return linkFault{"跳转有问题", "redirects in circles, or to where customers cannot go"}
	}
	return linkFault{"连不上", "cannot be reached"}
}
