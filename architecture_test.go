package xiaobu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms is the map of the house: which room may import which, and which modules from
// outside. A room that is not here does not exist; a door that is not here is a wall. Tests
// may use more.
var rooms = map[string][]string{
	"bot":             {},
	"bot/wecom/crypt": {},
	"bot/wecom":       {"bot", "bot/wecom/crypt", "github.com/ArtisanCloud/PowerWeChat/v3", "github.com/ArtisanCloud/PowerLibs/v3", "golang.org/x/sync"},
	"configs":         {"bot/wecom/crypt", "github.com/knadh/koanf", "go.yaml.in/yaml/v3"},
	"store":           {"bot", "gorm.io/gorm", "gorm.io/driver/postgres", "github.com/glebarez/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "github.com/gofrs/flock"},
	"pump":            {},
	"spam":            {},
	"spam/evade":      {},
	"archive":         {"github.com/gofrs/flock"},
	"spam/eval":       {"spam", "spam/evade"},
	"spam/example":    {"spam"},
	"handlers":        {"bot", "store", "pump"},
	"moderation":      {"bot", "handlers", "pump", "spam", "store"},
	"promotions":      {"bot", "cron", "handlers", "store", "golang.org/x/image"},
	"cron":            {"github.com/robfig/cron/v3"},
	"scheduler":       {"bot", "cron", "pump", "store"},
	"codes":           {"bot", "store", "github.com/boombuler/barcode", "github.com/makiuchi-d/gozxing", "codeberg.org/go-pdf/fpdf", "golang.org/x/image", "golang.org/x/sync", "golang.org/x/text"},
	"api":             {"bot", "codes", "handlers", "moderation", "promotions", "store", "github.com/danielgtaylor/huma/v2", "github.com/xuri/excelize/v2"},
	"sandbox":         {"bot/wecom/crypt"},
	"sandbox/panel":   {"sandbox", "github.com/boombuler/barcode"},
	"sandbox/stories": {"sandbox", "go.yaml.in/yaml/v3"},
	"app":             {"api", "bot", "bot/wecom", "codes", "configs", "handlers", "moderation", "promotions", "pump", "scheduler", "spam", "store", "github.com/prometheus/client_golang"},
	"rehearse":        {"app", "bot", "configs", "handlers", "sandbox", "store"},
	"cmd/xiaobu":      {"api", "app", "bot", "configs", "handlers", "moderation", "promotions", "rehearse", "sandbox", "sandbox/panel", "sandbox/stories", "spam", "spam/eval", "spam/evade", "store", "github.com/mozillazg/go-pinyin", "golang.org/x/text"},
	"e2e":             {},
	".":               {},

	"cmd/xiaobu-archive": {"archive", "configs", "github.com/silenceper/wechat/v2"},
}

// realTime are the rooms that may ask the machine what time it is; all others are told.
var realTime = []string{"cmd/xiaobu", "cmd/xiaobu-archive"}

// clockCalls are the functions of package time that look at the machine's clock.
var clockCalls = []string{"Now", "Since", "Until"}

type source struct {
	room string
	path string
	file *ast.File
}

// sources parses every file that is not a test.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		out = append(out, source{filepath.ToSlash(filepath.Dir(path)), path, f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d files were found", len(out))
	}
	return out
}

func TestRoomsImportWhatTheMapAllows(t *testing.T) {
	for _, s := range sources(t) {
		allowed, ok := rooms[s.room]
		if !ok {
			t.Errorf("%s: room %s is not on the map", s.path, s.room)
			continue
		}
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			if standard(path) || slices.ContainsFunc(allowed, func(a string) bool { return covers(a, path) }) {
				continue
			}
			t.Errorf("%s: room %s may not import %s", s.path, s.room, path)
		}
	}
}

func standard(path string) bool {
	head, _, _ := strings.Cut(path, "/")
	return head != "xiaobu" && !strings.Contains(head, ".")
}

// covers reports whether an entry of the map allows an import: a room allows itself, a
// module everything below it.
func covers(entry, path string) bool {
	if room, ours := strings.CutPrefix(path, "xiaobu/"); ours {
		return room == entry
	}
	return path == entry || strings.HasPrefix(path, entry+"/")
}

func TestTheMapHasNoRoomsThatAreGone(t *testing.T) {
	for room := range rooms {
		if room == "." {
			continue
		}
		if info, err := os.Stat(room); err != nil || !info.IsDir() {
			t.Errorf("room %s is on the map and not in the house", room)
		}
	}
}

func TestOnlyTheDoorLooksAtTheClock(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(realTime, s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clockCalls, sel.Sel.Name) {
				t.Errorf("%s: time.%s; the time has to be handed in", s.path, sel.Sel.Name)
			}
			return true
		})
	}
}

func TestNothingRunsByItself(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init", s.path)
			}
		}
	}
}

func TestFunctionsFitOnAScreen(t *testing.T) {
	const most = 70
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > most {
					t.Errorf("%s: %s has %d lines, at most %d", path, fn.Name.Name, n, most)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
