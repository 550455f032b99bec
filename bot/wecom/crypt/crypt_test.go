package crypt

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/util"
)

type vector struct {
	Name      string
	Token     string
	Key       string `json:"encoding_aes_key"`
	ReceiveID string `json:"receive_id"`
	Timestamp string
	Nonce     string
	Random    string `json:"random16"`
	Plaintext string
	Encrypt   string
	Signature string `json:"msg_signature"`
}

func vectors(t testing.TB) (v struct{ Open, Seal, Round []vector }) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Open) == 0 || len(v.Seal) == 0 || len(v.Round) == 0 {
		t.Fatal("vectors.json lacks a group of vectors")
	}
	return v
}

func codec(t testing.TB, v vector) *Codec {
	t.Helper()
	c, err := New(v.Token, v.Key, v.ReceiveID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func random(t testing.TB, s string) (r [16]byte) {
	t.Helper()
	if copy(r[:], s) != 16 {
		t.Fatalf("random %q has not 16 bytes", s)
	}
	return r
}

func TestKnownEnvelopesOpen(t *testing.T) {
	vs := vectors(t)
	for _, v := range append(vs.Open, vs.Round...) {
		t.Run(v.Name, func(t *testing.T) {
			got, err := codec(t, v).Open(v.Signature, v.Timestamp, v.Nonce, v.Encrypt)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != v.Plaintext {
				t.Errorf("got %q, want %q", got, v.Plaintext)
			}
		})
	}
}

func TestSealMakesTheKnownEnvelopes(t *testing.T) {
	vs := vectors(t)
	for _, v := range append(vs.Seal, vs.Round...) {
		t.Run(v.Name, func(t *testing.T) {
			c := codec(t, v)
			if got := c.Seal([]byte(v.Plaintext), random(t, v.Random)); got != v.Encrypt {
				t.Errorf("got %s, want %s", got, v.Encrypt)
			}
			if v.Signature != "" {
				if got := c.Sign(v.Timestamp, v.Nonce, v.Encrypt); got != v.Signature {
					t.Errorf("signature %s, want %s", got, v.Signature)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	v := vectors(t).Open[1]
	c := codec(t, v)
	flipped := v.Signature[:39] + map[bool]string{true: "0", false: "1"}[v.Signature[39] != '0']
	other := v
	other.ReceiveID = "wx0000000000000000"
	cut := v.Encrypt[:len(v.Encrypt)-4]
	plus := strings.ReplaceAll(v.Encrypt, "+", " ")
	for name, tc := range map[string]struct {
		c         *Codec
		signature string
		encrypt   string
		want      error
	}{
		"a wrong signature":           {c, flipped, v.Encrypt, ErrSignature},
		"an empty signature":          {c, "", v.Encrypt, ErrSignature},
		"another company's envelope":  {codec(t, other), v.Signature, v.Encrypt, ErrReceiveID},
		"a cut text":                  {c, c.Sign(v.Timestamp, v.Nonce, cut), cut, ErrMalformed},
		"an empty text":               {c, c.Sign(v.Timestamp, v.Nonce, ""), "", ErrMalformed},
		"no base64":                   {c, c.Sign(v.Timestamp, v.Nonce, "%%%"), "%%%", ErrMalformed},
		"plus signs turned to spaces": {c, v.Signature, plus, ErrSignature},
		"random bytes":                {c, c.Sign(v.Timestamp, v.Nonce, noise), noise, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.c.Open(tc.signature, v.Timestamp, v.Nonce, tc.encrypt)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

var noise = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcdef", 4)))

// A length field of 4 GiB must not overflow into a slice within bounds.
func TestOpenRefusesAHugeLength(t *testing.T) {
	v := vectors(t).Open[1]
	c := codec(t, v)
	sealed := c.Seal([]byte("hello"), [16]byte{})
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	// In CBC, changing the first block changes the same bits of the second block's plain text.
	for i := range 4 {
		data[i] ^= 0xff
	}
	huge := base64.StdEncoding.EncodeToString(data)
	if _, err := c.Open(c.Sign("1", "2", huge), "1", "2", huge); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want %v", err, ErrMalformed)
	}
}

func TestNewRefusesBadKeys(t *testing.T) {
	for _, key := range []string{"", "short", strings.Repeat("A", 44), strings.Repeat("!", 43)} {
		if _, err := New("token", key, "corp"); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}

// The other side of the wire may be any program: one that we did not write must agree.
func TestAnotherImplementationAgrees(t *testing.T) {
	v := vectors(t).Open[1]
	c := codec(t, v)
	for size := range 70 {
		msg := strings.Repeat("x", size+1)
		_, got, err := util.DecryptMsg(v.ReceiveID, c.Seal([]byte(msg), [16]byte{1}), v.Key)
		if err != nil || string(got) != msg {
			t.Fatalf("%d bytes sealed by us: %v, %q", size+1, err, got)
		}
		sealed, err := util.EncryptMsg([]byte("0123456789abcdef"), []byte(msg), v.ReceiveID, v.Key)
		if err != nil {
			t.Fatal(err)
		}
		enc := string(sealed)
		back, err := c.Open(c.Sign("1", "n", enc), "1", "n", enc)
		if err != nil || string(back) != msg {
			t.Fatalf("%d bytes sealed by the other: %v, %q", size+1, err, back)
		}
	}
}

func FuzzOpen(f *testing.F) {
	vs := vectors(f)
	for _, v := range vs.Open {
		f.Add(v.Encrypt)
	}
	f.Add(noise)
	v := vs.Open[1]
	c := codec(f, v)
	f.Fuzz(func(t *testing.T, encrypted string) {
		msg, err := c.Open(c.Sign("1", "2", encrypted), "1", "2", encrypted)
		if err == nil && len(msg) > len(encrypted) {
			t.Errorf("%d bytes out of %d", len(msg), len(encrypted))
		}
	})
}
