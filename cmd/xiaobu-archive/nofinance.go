//go:build !(linux && amd64 && cgo && msgaudit)

package main

import (
	"errors"

	"xiaobu/archive"
	"xiaobu/configs"
)

// openSource says what this build lacks.
func openSource(configs.Archive) (archive.Source, func(), error) {
	return nil, nil, errors.New(`本程序编译时未包含企业微信会话存档 SDK,无法拉取消息。
请在 Linux x86-64、装有 gcc 的机器上编译:
  CGO_ENABLED=1 go build -tags msgaudit ./cmd/xiaobu-archive
运行时用 LD_LIBRARY_PATH 指向 libWeWorkFinanceSdk_C.so 所在目录;详见 docs/ARCHIVE.zh-CN.md。

This build holds no SDK of WeCom's message archive and cannot pull messages.
Build on Linux x86-64 with gcc:
  CGO_ENABLED=1 go build -tags msgaudit ./cmd/xiaobu-archive
and let LD_LIBRARY_PATH name the directory of libWeWorkFinanceSdk_C.so; see docs/ARCHIVE.md`)
}
