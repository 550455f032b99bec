package archive

import (
	"context"
	"fmt"
)

// Limits of WeCom's library.
// https://developer.work.weixin.qq.com/document/path/91774
const (
	// MaxPull is how many records one call may return.
	MaxPull = 1000
	// callsPerMinute is how often it may be called.
	callsPerMinute = 600
)

// Record is one message as WeCom hands it out.
type Record struct {
	Seq        uint64 `json:"seq"`
	MsgID      string `json:"msgid"`
	KeyVersion uint32 `json:"publickey_ver"`
	// RandomKey is what Message is encrypted with, encrypted for the public key, in base64.
	RandomKey string `json:"encrypt_random_key"`
	Message   string `json:"encrypt_chat_msg"`
}

// Source is WeCom's archive. Its methods are called one at a time.
type Source interface {
	// Pull returns the oldest records behind a sequence number, at most limit (1 to MaxPull).
	// A refusal by WeCom or its library is an *SDKError.
	Pull(ctx context.Context, seq uint64, limit int) ([]Record, error)
	// Decrypt opens a record's Message with its random key in clear, and returns the JSON.
	Decrypt(randomKey []byte, message string) ([]byte, error)
	// Picture fetches a file by the sdkfileid of a message; one larger than limit bytes is nil.
	Picture(ctx context.Context, file string, limit int) ([]byte, error)
}

// Codes of WeCom's library that the archive acts on.
const (
	codeNetwork = 10001
	codeSystem  = 10003
	codeExpired = 10010 // older than 5 days
)

// SDKError is a refusal by WeCom's library (10000 to 10011) or its server.
type SDKError struct {
	Code int
	Msg  string // as the server put it, if it did
}

func (e *SDKError) Error() string {
	words := e.Msg
	switch e.Code {
	case 10000:
		words = "参数错误 / wrong parameters: check corp_id and secret"
	case codeNetwork:
		words = "网络错误 / WeCom cannot be reached: check network and proxy"
	case 10002:
		words = "数据解析失败 / the answer could not be read"
	case codeSystem:
		words = "系统失败 / WeCom's system failed"
	case 10004:
		words = "密钥错误 / wrong key: check secret and the private keys"
	case 10005:
		words = "fileid 错误 / wrong file id"
	case 10006:
		words = "解密失败 / decryption failed: the private key is not the one of this version"
	case 10007:
		words = "找不到对应版本的私钥 / the private key of this version is missing"
	case 10008:
		words = "encrypt_key 解析失败 / the random key could not be read: the private key is not the one of this version"
	case 10009:
		words = "IP 不在可信列表 / this machine's address is not allowed: add it under 管理工具 → 会话内容存档 → 可信IP地址"
	case codeExpired:
		words = "数据已过期 / older than 5 days, WeCom does not have it any more"
	case 10011:
		words = "证书错误 / certificate error: check the clock and the secret"
	}
	return fmt.Sprintf("WeCom archive, code %d: %s", e.Code, words)
}
