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
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("20"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
