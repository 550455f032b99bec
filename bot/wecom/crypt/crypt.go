// Package crypt opens and seals the envelope of WeCom callbacks: an SHA-1 signature over
// the encrypted text and AES-256-CBC inside.
//
// See https://developer.work.weixin.qq.com/document/path/90968
package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Why an envelope is refused.
var (
	// ErrSignature: the envelope was not made by someone who knows the token.
	ErrSignature = errors.New("wrong signature")
	// ErrReceiveID: the envelope is meant for another company.
	ErrReceiveID = errors.New("wrong receive id")
	// ErrMalformed: the encrypted text cannot be opened.
	ErrMalformed = errors.New("malformed envelope")
)

const (
	keyChars   = 43 // an EncodingAESKey: 32 bytes in base64 without its padding
	blockBytes = 32 // PKCS#7 pads to multiples of 32 here, not of the cipher's 16
	headBytes  = 20 // 16 random bytes and the length of the message
)

// Codec opens and seals envelopes with one token and key for one receiver. It is safe for
// many goroutines.
type Codec struct {
	token     string
	receiveID string
	block     cipher.Block
	iv        []byte
}

// New makes a Codec. The encodingAESKey has 43 characters of a-z, A-Z, 0-9; receiveID is
// the corp id for a self-built app.
func New(token, encodingAESKey, receiveID string) (*Codec, error) {
	if len(encodingAESKey) != keyChars {
		return nil, fmt.Errorf("EncodingAESKey has %d characters, want %d", len(encodingAESKey), keyChars)
	}
	// The last character usually carries bits beyond the 32 bytes; a strict decoder
	// refuses such keys, the official sample among them.
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil {
		return nil, errors.New("EncodingAESKey is not base64: want 43 characters of a-z, A-Z, 0-9")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("EncodingAESKey: %w", err)
	}
	return &Codec{token: token, receiveID: receiveID, block: block, iv: key[:aes.BlockSize]}, nil
}

// Sign returns the signature of an encrypted text: lower-case hexadecimal SHA-1 over the
// sorted parts.
func (c *Codec) Sign(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// Open checks the signature of an encrypted text and returns the message inside. The
// signature is compared in constant time and before anything is decrypted.
func (c *Codec) Open(signature, timestamp, nonce, encrypted string) ([]byte, error) {
	want := c.Sign(timestamp, nonce, encrypted)
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return nil, ErrSignature
	}
	return c.decrypt(encrypted)
}

func (c *Codec) decrypt(encrypted string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrMalformed)
	}
	if len(data) == 0 || len(data)%blockBytes != 0 {
		return nil, fmt.Errorf("%w: %d bytes are not a multiple of %d", ErrMalformed, len(data), blockBytes)
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > blockBytes || pad > len(data)-headBytes {
		return nil, fmt.Errorf("%w: padding", ErrMalformed)
	}
	for _, b := range data[len(data)-pad:] {
		if int(b) != pad {
			return nil, fmt.Errorf("%w: padding", ErrMalformed)
		}
	}
	data = data[:len(data)-pad]
	size := binary.BigEndian.Uint32(data[headBytes-4 : headBytes])
	body := data[headBytes:]
	if uint64(size) > uint64(len(body)) {
		return nil, fmt.Errorf("%w: message length", ErrMalformed)
	}
	if subtle.ConstantTimeCompare(body[size:], []byte(c.receiveID)) != 1 {
		return nil, ErrReceiveID
	}
	return body[:size:size], nil
}

// Seal encrypts a message for the receiver. The random bytes must be new for each message.
func (c *Codec) Seal(message []byte, random [16]byte) string {
	data := make([]byte, 0, headBytes+len(message)+len(c.receiveID)+blockBytes)
	data = append(data, random[:]...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(message)))
	data = append(data, message...)
	data = append(data, c.receiveID...)
	pad := blockBytes - len(data)%blockBytes
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
