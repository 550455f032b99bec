package spam

import (
	"slices"
	"testing"
)

func TestKeywordsAreWhatSpeaksForSpam(t *testing.T) {
	words := Keywords()
	if !slices.IsSorted(words) || len(words) < 3000 {
		t.Errorf("%d words, in order: %v", len(words), slices.IsSorted(words))
	}
	for _, w := range []string{"刷单", "百家乐", "加我"} {
		if !slices.Contains(words, w) {
			t.Errorf("%s is missing", w)
		}
	}
	for _, w := range []string{"退款", "谢谢", "几点"} {
		if slices.Contains(words, w) {
			t.Errorf("%s is among them", w)
		}
	}
}
