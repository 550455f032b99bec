package api

import (
	"strings"
	"testing"

	"xiaobu/codes"
)

// What is too much to print is refused before anything is drawn, with what to do instead.
func TestHowMuchIsPrintedAtOnce(t *testing.T) {
	for n, want := range map[int]string{0: "no code", 1: "", codes.MostCodes: "", codes.MostCodes + 1: "more than 2000"} {
		err := countable(n, codes.MostCodes, "a ZIP")
		if want == "" && err == nil {
			continue
		}
		if err == nil || want == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", n, err)
		}
	}
}
