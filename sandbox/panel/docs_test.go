package panel

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

// TestTheDocumentationListsEverything compares docs/SANDBOX.md with the code.
// XIAOBU_UPDATE_DOCS=1 writes the two lists anew.
func TestTheDocumentationListsEverything(t *testing.T) {
	const path = "../../docs/SANDBOX.md"
	w := newWorld(t, sandbox.Config{})
	data, err := os.ReadFile(path)
	must(t, err)
	text := string(data)
	for mark, list := range map[string]string{"control api": controlTable(w.box), "endpoints": endpointTable(w.box)} {
		before, rest, found := strings.Cut(text, "<!-- "+mark+" -->\n")
		_, after, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("the list %q is not marked", mark)
		}
		text = before + "<!-- " + mark + " -->\n" + list + "<!-- end -->" + after
	}
	if text == string(data) {
		return
	}
	if os.Getenv("XIAOBU_UPDATE_DOCS") == "1" {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	t.Error("docs/SANDBOX.md does not list what there is; run XIAOBU_UPDATE_DOCS=1 go test ./sandbox/panel -run Documentation")
}

func controlTable(box *sandbox.Sandbox) string {
	var b strings.Builder
	b.WriteString("| route | takes, does |\n|---|---|\n")
	for _, r := range (&panel{box: box}).routes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.pattern, strings.ReplaceAll(r.help, "|", "\\|"))
	}
	return b.String()
}

func endpointTable(box *sandbox.Sandbox) string {
	var b strings.Builder
	b.WriteString("| name | call |\n|---|---|\n")
	for _, e := range box.Endpoints() {
		of := ""
		if e.Account {
			of = " (official account)"
		}
		fmt.Fprintf(&b, "| `%s` | %s `%s`%s |\n", e.Name, e.Method, e.Path, of)
	}
	return b.String()
}
