// Xiaobu-archive brings what is said in customer groups from WeCom's message archive
// (会话内容存档) to Xiaobu's message feed. WeCom's library for it runs on Linux x86-64 only,
// so it is a program of its own, built with cgo and the tag msgaudit.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{vars: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, open: openSource}
	os.Exit(p.exitCode(p.run(ctx, os.Args[1:])))
}
