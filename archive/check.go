package archive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Finding is one line of a check.
type Finding struct {
	What   string
	OK     bool
	Detail string
}

// minBits is the size of key that WeCom asks for.
const minBits = 2048

// maxSkew is how far clocks may be apart before somebody should look; the feed bears 5 minutes.
const maxSkew = time.Minute

// CheckKeys looks at the directory of private keys.
func CheckKeys(dir string) []Finding {
	keys, err := LoadKeys(dir)
	if err != nil {
		return []Finding{{"私钥 / private keys", false, err.Error()}}
	}
	var out []Finding
	for _, v := range keys.Versions() {
		bits := keys.Bits(v)
		f := Finding{fmt.Sprintf("私钥 / private key %d", v), bits >= minBits, fmt.Sprintf("RSA %d", bits)}
		if info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%d.pem", v))); err == nil && info.Mode().Perm()&0o077 != 0 {
			f.OK, f.Detail = false, f.Detail+"; others may read it: chmod 600"
		}
		out = append(out, f)
	}
	return out
}

// CheckFeed posts an empty message: a feed that accepts the signature refuses only what is missing.
// From its answer it also reads the feed's clock.
func CheckFeed(ctx context.Context, f *Feed) []Finding {
	r := f.send(ctx, f.url, []byte("{}"))
	signed := Finding{"消息接口 / feed", r.status == http.StatusUnprocessableEntity || r.status == http.StatusBadRequest, "signature accepted"}
	if !signed.OK {
		signed.Detail = fmt.Sprintf("status %d: %s", r.status, r.words)
		if r.status == 0 {
			signed.Detail = r.words
		}
		if r.status == http.StatusServiceUnavailable {
			signed.Detail += " (the bot needs feed_secret)"
		}
	}
	if r.date.IsZero() {
		return []Finding{signed}
	}
	skew := f.now().Sub(r.date).Round(time.Second)
	clock := Finding{"时钟 / clock", skew.Abs() <= maxSkew, fmt.Sprintf("%v from the feed's", skew)}
	return []Finding{signed, clock}
}

// CheckSource asks WeCom for one record behind a position and opens it.
func CheckSource(ctx context.Context, s Source, keys *Keys, seq uint64) []Finding {
	recs, err := s.Pull(ctx, seq, 1)
	pulled := Finding{"会话存档 / archive", err == nil, "answers"}
	if err != nil {
		pulled.Detail = err.Error()
		return []Finding{pulled}
	}
	if len(recs) == 0 {
		pulled.Detail = "answers; nothing new behind the position"
		return []Finding{pulled}
	}
	a := &Archive{Config: Config{Source: s}, keys: keys, works: map[uint32]bool{}}
	opened := Finding{"解密 / decryption", true, fmt.Sprintf("record %d, key version %d", recs[0].Seq, recs[0].KeyVersion)}
	if o := a.open(recs[0]); o.err != nil {
		opened.OK, opened.Detail = false, o.err.Error()
		if errors.Is(o.err, errSealed) {
			opened.Detail = strings.TrimSpace(fmt.Sprintf("%s; key version %d", o.err, recs[0].KeyVersion))
		}
	}
	return []Finding{pulled, opened}
}
