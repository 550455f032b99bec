//go:build !(linux && amd64 && cgo && msgaudit)

package main

import "testing"

func TestABuildWithoutTheLibrarySaysHowToBuild(t *testing.T) {
	p := newPlace(t)
	p.program.open = openSource
	if code := p.run(); code != exitFailed {
		t.Errorf("code %d", code)
	}
	p.shows("编译", "-tags msgaudit", "LD_LIBRARY_PATH", "docs/ARCHIVE.md", "Linux x86-64")
}
