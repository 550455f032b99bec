package stories

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// small is a story that is right.
const small = `title: {zh: 小店, en: a small shop}
customers: {count: 5}
stores:
  - id: a
    name: 甲店
    staff: [{id: wang, owner: true, diligence: prompt}]
    groups: [{name: 甲店群}]
diligence: {prompt: {confirm: 2m..12m}}
joins: {per_day: 2}
`

func TestCountsAreAddedUpBeforeAnybodyIsMade(t *testing.T) {
	crowd := strings.Repeat("{id: 'x{n}', count: 2000}, ", 1500)
	for what, story := range map[string]string{
		"staff":          strings.Replace(small, "staff: [", "staff: ["+crowd, 1),
		"groups":         strings.Replace(small, "groups: [", "groups: ["+strings.Repeat("{name: 'x{n}', count: 1000}, ", 900), 1),
		"advertisements": small + "spammers:\n" + strings.Repeat("  - {names: [a], texts: [b], each: 50, raids: ["+strings.Repeat("{day: 1, at: \"10:00\", any: 1000}, ", 99)+"]}\n", 40),
	} {
		_, err := Parse("s.yaml", []byte(story))
		if err == nil || !strings.Contains(err.Error(), what+" in all, at most") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAGroupOfNoStoreIsNotSplit(t *testing.T) {
	l := &life{
		Story: &Story{Script: &Script{Split: &Split{At: 1, Most: 10}}, Stores: []Store{{}}}, rooms: [][]Group{nil},
		store: map[string]int{}, passed: map[string]int{},
	}
	s, err := sandbox.New(sandbox.Config{Now: func() time.Time { return time.Unix(1e9, 0) }})
	must(t, err)
	l.s = s
	must(t, s.AddStaff(sandbox.Staff{UserID: "wang", Name: "王"}))
	chat, err := s.CreateGroup("wang", "新群")
	must(t, err)
	person, err := s.AddCustomer(sandbox.Customer{Name: "甲"})
	must(t, err)
	_, err = s.Join(chat, person, sandbox.How{Scene: sandbox.SceneQR})
	must(t, err)
	l.grown(chat, s.Config().Now()) // made by a code a moment ago: its store is told later
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	if _, err := Parse("s.yaml", []byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"joins:", "jions:", "s.yaml:9: jions: unknown key; here may stand bot, contacts"},
		{"per_day: 2", "per_day: -2", `s.yaml:9: joins.per_day: "-2" is no number from 0 to 20000, e.g. 40`},
		{"per_day: 2", "per_day: .inf", `is no number`},
		{"per_day: 2", "per_day: [2]", `joins.per_day: must be a plain value, e.g. 40`},
		{"per_day: 2", "per_day: 2, repeat: 15", `joins.repeat: "15" is no share from 0% to 100%, e.g. 15%`},
		{"per_day: 2", "per_day: 2, hours: {25: 1}", "joins.hours.25: unknown key"},
		{"per_day: 2", "per_day: 2, hours: {7: 0}", "joins.hours: at least one must be above 0"},
		{"per_day: 2", "per_day: 2, by_day: [0]", "no day of the story has a weight above 0"},
		{"count: 5", "count: 0", "customers.count: is missing: there is nobody who could come"},
		{"count: 5", "count: 1.5", "1.5 is no whole number"},
		{"2m..12m", "12m..2m", `"12m..2m" is no range of durations`},
		{"2m..12m", "2 minutes", "is no range of durations"},
		{"diligence: prompt", "diligence: keen", `"keen" is not described under diligence`},
		{"owner: true", "owner: yes", `"yes" is neither true nor false`},
		{"owner: true", "owner: false", "甲店 has nobody with owner: true"},
		{"id: wang", "id: 'w w'", "want 1 to 40 letters"},
		{"name: 甲店\n", "\n", "s.yaml:4: stores[1].name: is missing, e.g. 幸福里店"},
		{"groups: [{name: 甲店群}]", "groups: [{name: 甲店群}, {name: 甲店群}]", "甲店群 is used twice"},
		{"groups: [{name: 甲店群}]", "groups: [{name: 甲店群, count: 2}]", "with a count it must hold {n}"},
		{"groups: [{name: 甲店群}]", "groups: [{name: 甲店群, members: 600, age: 3d}]", "no range of numbers from 0 to 480"},
		{"groups: [{name: 甲店群}]", "groups: [{name: 甲店群, members: 6}]", "age: is missing"},
		{"joins:", "events: [{day: 2, at: '9:00', resign: li}]\njoins:", `events[1].resign: "li" does not exist`},
		{"joins:", "events: [{day: 2, at: '9:00', dismiss: 乙店群}]\njoins:", `"乙店群" does not exist`},
		{"joins:", "events: [{day: 2, at: '25:00', dismiss: 甲店群}]\njoins:", `"25:00" is no time of day`},
		{"joins:", "events: [{day: 2, at: '9:00'}]\njoins:", "want exactly one of rename"},
		{"joins:", "spammers: [{names: [x], texts: [y], raids: [{day: 1, at: '9:00', groups: [2]}]}]\njoins:", "there is no group 2, only 1"},
		{"joins:", "bot: {codes: [{position: 店长}]}\njoins:", `bot.codes.position: "店长" does not exist`},
		{"joins:", "talk: {questions: {per_day: 1, pairs: [{ask: 几点}]}}\njoins:", "talk.questions.pairs[1].answer: is missing"},
		{"title:", "title: *none #", "unknown anchor"},
		{"customers:", "days: 7\ndays: 8\ncustomers:", "days: is given twice"},
		{small, "", "is empty"},
		{small, "a: 1\n---\nb: 2\n", "more than one document"},
		{small, "- 1\n", "must have keys of its own"},
		{small, strings.Repeat("#", maxFileBytes+1), "at most 1048576 are allowed"},
	} {
		_, err := Parse("s.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.new, err, c.want)
		}
	}
}

func TestSeveralMistakesAreSaidAtOnceInTheOrderOfTheFile(t *testing.T) {
	text := strings.NewReplacer("count: 5", "cuont: 5", "per_day: 2", "per_day: x", "2m..12m", "soon").Replace(small)
	_, err := Parse("s.yaml", []byte(text))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], ":2: ") || !strings.Contains(lines[1], ":8: ") || !strings.Contains(lines[2], ":9: ") {
		t.Errorf("%s", err)
	}
	many := "title: {zh: a, en: b}\n"
	for i := range 40 {
		many += "x" + string(rune('a'+i%26)) + strings.Repeat("y", i) + ": 1\n"
	}
	if _, err := Parse("s.yaml", []byte(many)); strings.Count(err.Error(), "\n") != shownProblems || !strings.Contains(err.Error(), "more") {
		t.Errorf("%v", err)
	}
}

func TestLoadTakesANameOrAPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	must(t, os.WriteFile(path, []byte(small), 0o600))
	sc, err := Load(path)
	must(t, err)
	if sc.En != "a small shop" || len(sc.Stores) != 1 {
		t.Errorf("%+v", sc)
	}
	if _, err := Load("chian"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "chain, ") {
		t.Errorf("%v", err)
	}
	if names := Names(); names[0] != "chain" {
		t.Errorf("%v", names)
	}
}

// The page that explains the format shows nothing that is not taken.
func TestTheExampleInThePageIsRight(t *testing.T) {
	page, err := os.ReadFile("STORIES.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	sc, err := Parse("STORIES.md", []byte(example))
	must(t, err)
	w := beginScript(t, sc, sandbox.Config{Seed: 1}, Options{})
	w.openCodes()
	w.settle()
	for _, e := range w.Log(0) {
		if e.Kind == sandbox.EntryStory && !strings.Contains(e.Text, "is in group") && !strings.Contains(e.Text, "has no group") && !strings.Contains(e.Text, "in group") {
			t.Errorf("%v %s", e.At, e.Text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range Names() {
		data, err := packs.ReadFile(name + ".yaml")
		must(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sc, err := Parse("f", data)
		if err == nil && (len(sc.Stores) == 0 || sc.Days < 1) {
			t.Errorf("accepted %+v", sc)
		}
	})
}
