package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
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
