//go:build race

package handlers

import (
	"flag"
	"os"
	"testing"
)

// The race detector makes properties ten times slower; the full number of checks is that of
// the run without it.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, few := range map[string]string{"rapid.checks": "20", "histories": "40"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := f.Value.Set(few); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}
