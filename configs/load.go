package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// DefaultFile is read when no other is named and it exists.
const DefaultFile = "configs/xiaobu.yaml"

// fileEnv is the end of the variable that names the settings file; it is no setting itself.
const fileEnv = "CONFIG"

// maxFile bounds the settings file, in bytes.
const maxFile = 1 << 20

// table is what one program may be told: its keys and where they come from.
type table[C any] struct {
	prefix string // of its environment variables
	file   string // read when no other is named and it exists
	keys   []setting[C]
	others []string // prefixes of variables that are meant for other programs of the house
}

// program is the table of xiaobu itself.
func program() table[Config] {
	return table[Config]{prefix: envPrefix, file: DefaultFile, keys: settings, others: []string{archivePrefix}}
}

// Load reads the settings: defaults, then the file (the one given, else the one that
// XIAOBU_CONFIG names, else configs/xiaobu.yaml if it exists), then the environment, given
// as KEY=VALUE. The warnings are about variables that look like ours and are not.
func Load(file string, env []string) (c Config, warnings []string, err error) {
	warnings, err = program().load(&c, file, env)
	if err == nil && c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	return c, warnings, err
}

func (t table[C]) load(c *C, file string, env []string) (warnings []string, err error) {
	vars := t.environ(env)
	k := koanf.New(".")
	for _, s := range t.keys {
		if s.preset != "" {
			if err := k.Load(confmap.Provider(map[string]any{s.key: s.preset}, "."), nil); err != nil {
				return nil, err
			}
		}
	}
	if err := t.loadFile(k, file, vars); err != nil {
		return nil, err
	}
	warnings, err = t.loadEnv(k, vars)
	if err != nil {
		return warnings, err
	}
	for _, s := range t.keys {
		if v, ok := scalar(k.Get(s.key)); !ok {
			return warnings, t.wrong(s, "is a list or a group, want one value")
		} else if v != "" {
			if err := s.set(c, v); err != nil {
				return warnings, t.wrong(s, err.Error())
			}
		}
	}
	return warnings, nil
}

func (t table[C]) wrong(s setting[C], problem string) error {
	return &Error{Key: s.key, Problem: problem, Example: s.example, prefix: t.prefix}
}

// show writes the settings with every secret hidden.
func (t table[C]) show(c *C) string {
	var b strings.Builder
	for _, s := range t.keys {
		v := s.show(c)
		if s.secret && v != "" {
			v = "(set)"
		}
		fmt.Fprintf(&b, "%s: %s\n", s.key, v)
	}
	return b.String()
}

// require reports the first setting that is required and missing.
func (t table[C]) require(c *C) error {
	for _, s := range t.keys {
		if s.required && s.show(c) == "" {
			return t.wrong(s, "is missing; "+s.help)
		}
	}
	return nil
}

func (t table[C]) environ(env []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range env {
		k, v, ok := strings.Cut(kv, "=")
		if ok && strings.HasPrefix(k, t.prefix) && !slices.ContainsFunc(t.others, func(p string) bool { return strings.HasPrefix(k, p) }) {
			vars[k] = v
		}
	}
	return vars
}

func (t table[C]) loadFile(k *koanf.Koanf, file string, vars map[string]string) error {
	if file == "" {
		file = vars[t.prefix+fileEnv]
	}
	optional := file == ""
	if optional {
		file = t.file
	}
	data, err := readBounded(file)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings file: %w", err)
	}
	own := koanf.New(".")
	if err := own.Load(rawbytes.Provider(data), asWritten{}); err != nil {
		return fmt.Errorf("settings file %s is no YAML of settings: %w", file, err)
	}
	for _, key := range own.Keys() {
		if !t.known(key) {
			return t.unknown(key)
		}
	}
	return k.Merge(own)
}

// asWritten reads YAML and keeps every value as it is written: a token of digits with a zero
// in front is no octal number.
type asWritten struct{}

// Unmarshal is half of koanf.Parser.
func (asWritten) Unmarshal(data []byte) (map[string]any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil || len(doc.Content) == 0 {
		return map[string]any{}, err
	}
	var strict map[string]any // refuses keys that come twice
	if err := doc.Decode(&strict); err != nil {
		return nil, err
	}
	m, _ := plain(doc.Content[0]).(map[string]any)
	return m, nil
}

// Marshal is the other half, which nobody needs.
func (asWritten) Marshal(map[string]any) ([]byte, error) { return nil, errors.ErrUnsupported }

// plain turns a node into maps, lists and texts; null is nil.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		return make([]any, len(n.Content)) // no setting is a list
	case yaml.AliasNode:
		return plain(n.Alias)
	}
	if n.Tag == "!!null" {
		return nil
	}
	return n.Value
}

func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", file)
	}
	return os.ReadFile(file)
}

func (t table[C]) known(key string) bool {
	return slices.ContainsFunc(t.keys, func(s setting[C]) bool { return s.key == key })
}

// unknown names the key that was probably meant.
func (t table[C]) unknown(key string) error {
	e := &Error{Key: key, Problem: "is not known"}
	if s, ok := t.nearest(key, func(s setting[C]) string { return s.key }); ok {
		e.Problem += fmt.Sprintf("; did you mean %s? (example: %s: %s)", s.key, s.key, s.example)
	} else {
		keys := make([]string, len(t.keys))
		for i, s := range t.keys {
			keys[i] = s.key
		}
		e.Problem += "; known are " + strings.Join(keys, ", ")
	}
	return e
}

// loadEnv puts the environment over the file. A variable that is a slip of the keyboard is
// an error like an unknown key; one that resembles nothing is only warned about, for it may
// be another program's.
func (t table[C]) loadEnv(k *koanf.Koanf, vars map[string]string) ([]string, error) {
	var warnings []string
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(t.keys, func(s setting[C]) bool { return envOf(t.prefix, s.key) == name })
		if i >= 0 {
			if err := k.Load(confmap.Provider(map[string]any{t.keys[i].key: vars[name]}, "."), nil); err != nil {
				return warnings, err
			}
			continue
		}
		if name == t.prefix+fileEnv {
			continue
		}
		if s, ok := t.nearest(strings.ToUpper(name), func(s setting[C]) string { return envOf(t.prefix, s.key) }); ok {
			return warnings, &Error{Key: name, Problem: fmt.Sprintf("is not known; did you mean %s?", envOf(t.prefix, s.key))}
		}
		warnings = append(warnings, fmt.Sprintf("environment variable %s is no setting of xiaobu and is not used", name))
	}
	return warnings, nil
}

// nearest finds the key whose name, as it is written there, a word is at most two slips away from.
func (t table[C]) nearest(word string, name func(setting[C]) string) (setting[C], bool) {
	best, found := 3, setting[C]{}
	for _, s := range t.keys {
		if d := distance(word, name(s)); d < best {
			best, found = d, s
		}
	}
	return found, best < 3
}

// distance counts the letters to add, drop or change to get from one word to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// scalar reads one value of a YAML file or the environment.
func scalar(v any) (string, bool) {
	if v == nil {
		return "", true
	}
	text, ok := v.(string)
	return text, ok
}
