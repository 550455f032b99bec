//go:build linux && amd64 && cgo && msgaudit

package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/silenceper/wechat/v2/work/config"
	"github.com/silenceper/wechat/v2/work/msgaudit"

	"xiaobu/archive"
	"xiaobu/configs"
)

// bridgeBits is the size of the key under which random keys are handed to the library. They do
// not leave the process, so it may be small: the library reads and checks it anew for every record.
const bridgeBits = 1024

// shortest is the length of the shortest message that may be handed to the library, in bytes: it
// cuts off as many without a look, and ends the whole process where there are fewer.
const shortest = 13

// callTimeout is how long WeCom's library may take for a call, in seconds. It cannot be cut short.
const callTimeout = 10

// finance is WeCom's library. It knows one private key, while records come under several, so
// records are opened with ours and handed to it under a key that is made for that alone.
type finance struct {
	client          *msgaudit.Client
	key             *rsa.PublicKey
	proxy, password string
}

// openSource starts WeCom's library.
func openSource(c configs.Archive) (archive.Source, func(), error) {
	key, err := rsa.GenerateKey(rand.Reader, bridgeBits)
	if err != nil {
		return nil, nil, err
	}
	client, err := msgaudit.NewClient(&config.Config{CorpID: c.CorpID, CorpSecret: c.Secret,
		RasPrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	if err != nil {
		return nil, nil, fmt.Errorf("start WeCom's library: %w", sdkError(err))
	}
	return &finance{client: client, key: &key.PublicKey, proxy: c.Proxy, password: c.ProxyPassword}, client.Free, nil
}

// Pull is a third of archive.Source.
func (f *finance) Pull(ctx context.Context, seq uint64, limit int) ([]archive.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := f.client.GetChatData(seq, uint64(limit), f.proxy, f.password, callTimeout)
	if err != nil {
		return nil, sdkError(err)
	}
	out := make([]archive.Record, len(rows))
	for i, r := range rows {
		out[i] = archive.Record{Seq: r.Seq, MsgID: r.MsgID, KeyVersion: r.PublickeyVer, RandomKey: r.EncryptRandomKey, Message: r.EncryptChatMsg}
	}
	return out, nil
}

// Decrypt is another third.
func (f *finance) Decrypt(randomKey []byte, message string) ([]byte, error) {
	if len(message) < shortest {
		return nil, &archive.SDKError{Code: 10006}
	}
	//lint:ignore SA1019 the library decrypts so
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, f.key, randomKey)
	if err != nil {
		return nil, err
	}
	m, err := f.client.DecryptData(base64.StdEncoding.EncodeToString(sealed), message)
	if err != nil {
		return nil, sdkError(err)
	}
	fields, err := m.GetOriginMessage()
	if err != nil {
		return nil, errors.New("is no JSON of a message")
	}
	return json.Marshal(fields)
}

// Picture is the last third. The library hands files out in pieces of 512 KB.
func (f *finance) Picture(ctx context.Context, file string, limit int) ([]byte, error) {
	var data []byte
	for index := ""; ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part, err := f.client.GetMediaData(index, file, f.proxy, f.password, callTimeout)
		if err != nil {
			return nil, sdkError(err)
		}
		data = append(data, part.Data...)
		switch {
		case len(data) > limit:
			return nil, nil
		case part.IsFinish:
			return data, nil
		case part.OutIndexBuf == index:
			return nil, errors.New("the file does not go on")
		}
		index = part.OutIndexBuf
	}
}

// sdkError keeps codes and drops words of others, which may repeat what was said.
func sdkError(err error) error {
	var code msgaudit.Error
	if errors.As(err, &code) {
		return &archive.SDKError{Code: code.ErrCode, Msg: code.ErrMsg}
	}
	return errors.New("the answer could not be read")
}
