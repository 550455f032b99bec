//go:build linux && amd64 && cgo && msgaudit

package main

import (
	"errors"
	"strings"
	"testing"

	"xiaobu/archive"
	"xiaobu/configs"
)

// WeCom's own library is asked, without a network: what is not encrypted by WeCom it refuses with its
// codes, and none of it ends the process.
func TestTheLibraryAnswers(t *testing.T) {
	src, end, err := openSource(configs.Archive{CorpID: "ww0000000000000001", Secret: "secret", Proxy: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	refuses := func(what string, err error, codes ...int) {
		t.Helper()
		var sdk *archive.SDKError
		if !errors.As(err, &sdk) {
			t.Errorf("%s: %v", what, err)
			return
		}
		for _, code := range codes {
			if sdk.Code == code {
				return
			}
		}
		t.Errorf("%s: code %d, want one of %v", what, sdk.Code, codes)
	}
	_, err = src.Pull(t.Context(), 0, 1)
	refuses("pull", err, 10001)
	_, err = src.Pull(t.Context(), 0, archive.MaxPull+1)
	refuses("too many", err, 10000)
	_, err = src.Picture(t.Context(), "FILE", 1000)
	refuses("picture", err, 10001, 10005)
	for _, n := range []int{0, 1, 12, 13, 14, 16, 64, 4096} {
		_, err := src.Decrypt([]byte("random"), strings.Repeat("A", n))
		refuses("decrypt", err, 10006, 10008)
	}
}
