package stories

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// ErrUnknown is inside the error of Load for a name that is neither a pack nor a file.
var ErrUnknown = errors.New("unknown story")

//go:embed *.yaml
var packs embed.FS

// Names returns the names of the packs, chain first, the others by name.
func Names() []string {
	names := []string{}
	entries, _ := fs.ReadDir(packs, ".") // of an embedded folder there is always one
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == "chain" && b != "chain":
			return -1
		case b == "chain" && a != "chain":
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// Load reads a pack by its name, or a file by its path. The error wraps ErrUnknown if there
// is neither, and is an *Error if the story is wrong.
func Load(name string) (*Script, error) {
	if slices.Contains(Names(), name) {
		data, err := packs.ReadFile(name + ".yaml")
		if err != nil {
			return nil, err
		}
		return Parse(name, data)
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w %q: there are %s, or the path of a file", ErrUnknown, name, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("story: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("story %s: %w", name, err)
	}
	return Parse(name, data)
}
