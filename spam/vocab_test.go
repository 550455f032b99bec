package spam

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAnEntryIsWrittenOutWithAllItsChoices(t *testing.T) {
	for entry, want := range map[string][]string{
		"兼职":         {"兼职"},
		"兼(职|只)":     {"兼职", "兼只"},
		"加(我|)":      {"加我", "加"},
		"第[1-3]名":    {"第1名", "第2名", "第3名"},
		"(a|b[12])c": {"ac", "b1c", "b2c"},
		"[加+](v|q)":  {"加v", "加q", "+v", "+q"},
	} {
		if got := expand(entry); !slices.Equal(got, want) {
			t.Errorf("%s becomes %q, want %q", entry, got, want)
		}
	}
}

func TestAMistakeInTheVocabularyStopsTheProgram(t *testing.T) {
	for _, list := range []string{"[nonsense]\n兼职\n", "[job]\n兼(职\n", "[job]\n兼，职\n", "[job]\n兼❤职\n"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", list)
				}
			}()
			newVocabulary(newFolder(), list)
		}()
	}
}

func TestEveryGroupHasWordsAndEverySignalIsAskedFor(t *testing.T) {
	var listed signal
	asked := anyMedium // they introduce accounts
	for _, w := range newVocabulary(newFolder(), vocabText).words {
		listed |= w.sigs
	}
	for _, c := range newChecks() {
		for _, r := range c.rules {
			asked |= r.all | r.any | r.with
		}
	}
	for name, sig := range vocabSignals() {
		if sig&listed != sig {
			t.Errorf("group %s has no words", name)
		}
		if sig&asked != sig {
			t.Errorf("no check asks for group %s", name)
		}
	}
}

func TestNoWordIsBothAnAdvertisementAndPlain(t *testing.T) {
	for _, w := range newVocabulary(newFolder(), vocabText).words {
		if w.plain && w.sigs != 0 {
			t.Errorf("%s counts for %b and is plain", w.text, w.sigs)
		}
	}
}

func TestOneCharacterIsNotEnoughToSpeakForSpam(t *testing.T) {
	for _, w := range newVocabulary(newFolder(), vocabText).words {
		if w.n == 1 && w.sigs&^(sigQuestion|sigLaunder) != 0 {
			t.Errorf("%s counts for %b", w.text, w.sigs)
		}
	}
}

func TestTheVocabularyIsReadable(t *testing.T) {
	group, seen := "", map[string]bool{}
	for line := range strings.Lines(vocabText) {
		line = strings.TrimSpace(line)
		if name, ok := groupName(line); ok {
			group = name
			if seen["["+group] {
				t.Errorf("group %s stands twice", group)
			}
			seen["["+group] = true
			continue
		}
		if utf8.RuneCountInString(line) > 110 && strings.Contains(line, " ") {
			t.Errorf("group %s has a line of %d characters", group, utf8.RuneCountInString(line))
		}
		for entry := range strings.FieldsSeq(line) {
			if !strings.HasPrefix(line, "#") && seen[group+" "+entry] {
				t.Errorf("%s stands twice in group %s", entry, group)
			}
			seen[group+" "+entry] = true
		}
	}
}

func TestAPlainWordHidesTheWordsInsideItAndNoOthers(t *testing.T) {
	f := newFolder()
	v := newVocabulary(f, "[add]\n加我\n[plain]\n增加我\n")
	for text, want := range map[string]int{"增加我": 0, "加我": 1, "增加我，请加我": 1, "增加我加我": 1, "增 加 我": 0} {
		rd := readUnits(t, f, text)
		rd.findWords(v)
		if len(rd.hits) != want {
			t.Errorf("%q: %d words, want %d", text, len(rd.hits), want)
		}
	}
}

func TestALatinWordMustStandFree(t *testing.T) {
	f := newFolder()
	v := newVocabulary(f, "[wechat]\nvx\n[add]\n加v\n[bonus]\n0投\n")
	for text, want := range map[string]int{"vx": 1, "vx号": 1, "vx12345": 1, "12vx": 1, "avx": 0, "vxa": 0, "a vx b": 1, "加v": 1, "加vip": 0, "加v:ip": 1, "0投": 1, "10投": 0} {
		rd := readUnits(t, f, text)
		rd.findWords(v)
		if len(rd.hits) != want {
			t.Errorf("%q: %d words, want %d", text, len(rd.hits), want)
		}
	}
}
