package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"xiaobu/bot"
)

func chatOf(id string) bot.ChatID { return bot.ChatID(id) }

// metric reads one value of the program's metrics; 0 if it is not there.
func metric(page, name string) int {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				return -1
			}
			return int(n)
		}
	}
	return 0
}

// sqliteFile is a database of its own for a test.
func sqliteFile(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") }

// addresses counts, so that no two programs of a test run get the same one.
var addresses atomic.Int64

// ownAddress is where a program may listen that is killed and started again: nobody else takes
// it meanwhile, neither another program of this run nor, below the range that systems give out
// by themselves, a connection.
func ownAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := 20000 + (int64(os.Getpid())*97+addresses.Add(1))%12000
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if ln, err := net.Listen("tcp", addr); err == nil {
			must(t, ln.Close())
			return addr
		}
	}
	t.Fatal("no address is free")
	return ""
}
