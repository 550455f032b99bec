package archive

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 64 << 10

// Keys are the private keys by the version of their public key. Records of a version can be
// opened with its key only, so keys that were replaced are kept as long as records may come.
type Keys struct {
	dir string
	of  map[uint32]*rsa.PrivateKey
}

// KeyError is a private key that is missing or does not fit: nothing is skipped, for with
// the key everything can be read.
type KeyError struct {
	Version uint32
	Problem string
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("私钥版本 %d / private key of version %d: %s", e.Version, e.Version, e.Problem)
}

// LoadKeys reads a directory of PEM files that are named by their version: 1.pem, 2.pem …
// Both forms that openssl writes are read, without a passphrase.
func LoadKeys(dir string) (*Keys, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return nil, err
	}
	k := &Keys{dir: dir, of: map[uint32]*rsa.PrivateKey{}}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pem")
		version, err := strconv.ParseUint(name, 10, 32)
		if err != nil || version == 0 || strconv.FormatUint(version, 10) != name {
			return nil, fmt.Errorf("key file %s: the name is no version such as 1.pem", file)
		}
		if k.of[uint32(version)], err = readKey(file); err != nil {
			return nil, fmt.Errorf("key file %s: %w", file, err)
		}
	}
	if len(k.of) == 0 {
		return nil, fmt.Errorf("no private key in %s; want files such as 1.pem, named by the version that the console shows", dir)
	}
	return k, nil
}

func readKey(file string) (*rsa.PrivateKey, error) {
	if info, err := os.Stat(file); err != nil {
		return nil, err
	} else if info.Size() > maxKeyFile {
		return nil, errors.New("is too large for a key")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("is no PEM file")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("holds %s, no RSA private key without passphrase", strings.ToLower(block.Type))
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("holds a private key that is not RSA")
	}
	return key, nil
}

// Versions lists the versions there are keys for, in order.
func (k *Keys) Versions() []uint32 {
	out := make([]uint32, 0, len(k.of))
	for v := range k.of {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// Bits is the size of the key of a version.
func (k *Keys) Bits(version uint32) int { return k.of[version].N.BitLen() }

// randomKey opens the random key of a record. A version without a key is a *KeyError.
func (k *Keys) randomKey(r Record) ([]byte, error) {
	key, ok := k.of[r.KeyVersion]
	if !ok {
		return nil, &KeyError{r.KeyVersion, fmt.Sprintf("找不到私钥 / is missing: put it into %s as %d.pem", k.dir, r.KeyVersion)}
	}
	secret, err := base64.StdEncoding.DecodeString(r.RandomKey)
	if err != nil {
		return nil, errors.New("encrypt_random_key is no base64")
	}
	// PKCS #1 v1.5 is what WeCom encrypts with. Nobody who could measure or repeat us sends the
	// ciphertexts: they come over WeCom's own connection.
	//lint:ignore SA1019 the platform encrypts so
	return rsa.DecryptPKCS1v15(nil, key, secret)
}
