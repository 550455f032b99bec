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

// fileEnv names the settings file; it is no setting itself.
const fileEnv = envPrefix + "CONFIG"

// maxFile bounds the settings file, in bytes.
const maxFile = 1 << 20

// Load reads the settings: defaults, then the file (the one given, else the one that
// XIAOBU_CONFIG names, else configs/xiaobu.yaml if it exists), then the environment, given
// as KEY=VALUE. The warnings are about variables that look like ours and are not.
func Load(file string, env []string) (c Config, warnings []string, err error) {
	vars := environ(env)
	k := koanf.New(".")
	for _, s := range settings {
		if s.preset != "" {
			if err := k.Load(confmap.Provider(map[string]any{s.key: s.preset}, "."), nil); err != nil {
				return c, nil, err
			}
		}
	}
	if err := loadFile(k, file, vars); err != nil {
		return c, nil, err
	}
	warnings, err = loadEnv(k, vars)
	if err != nil {
		return c, warnings, err
	}
	for _, s := range settings {
		if v, ok := scalar(k.Get(s.key)); !ok {
			return c, warnings, &Error{Key: s.key, Problem: "is a list or a group, want one value", Example: s.example}
		} else if v != "" {
			if err := s.set(&c, v); err != nil {
				return c, warnings, &Error{Key: s.key, Problem: err.Error(), Example: s.example}
			}
		}
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	return c, warnings, nil
}

func environ(env []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, envPrefix) {
			vars[k] = v
		}
	}
	return vars
}

func loadFile(k *koanf.Koanf, file string, vars map[string]string) error {
	if file == "" {
		file = vars[fileEnv]
	}
	optional := file == ""
	if optional {
		file = DefaultFile
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
		if !known(key) {
			return unknown(key)
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

func known(key string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return s.key == key })
}

// unknown names the key that was probably meant.
func unknown(key string) error {
	e := &Error{Key: key, Problem: "is not known"}
	if s, ok := nearest(key); ok {
		e.Problem += fmt.Sprintf("; did you mean %s? (example: %s: %s)", s.key, s.key, s.example)
	} else {
		keys := make([]string, len(settings))
		for i, s := range settings {
			keys[i] = s.key
		}
		e.Problem += "; known are " + strings.Join(keys, ", ")
	}
	return e
}

// loadEnv puts the environment over the file. A variable that is a slip of the keyboard is
// an error like an unknown key; one that resembles nothing is only warned about, for it may
// be another program's.
func loadEnv(k *koanf.Koanf, vars map[string]string) ([]string, error) {
	var warnings []string
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(settings, func(s setting) bool { return envOf(s.key) == name })
		if i >= 0 {
			if err := k.Load(confmap.Provider(map[string]any{settings[i].key: vars[name]}, "."), nil); err != nil {
				return warnings, err
			}
			continue
		}
		if name == fileEnv {
			continue
		}
		key := strings.ToLower(strings.TrimPrefix(name, envPrefix))
		if s, ok := nearest(strings.Replace(key, "wecom_", "wecom.", 1)); ok {
			return warnings, &Error{Key: name, Problem: fmt.Sprintf("is not known; did you mean %s?", envOf(s.key))}
		}
		warnings = append(warnings, fmt.Sprintf("environment variable %s is no setting of xiaobu and is not used", name))
	}
	return warnings, nil
}

// nearest finds the key that a word is at most two slips away from.
func nearest(word string) (setting, bool) {
	best, found := 3, setting{}
	for _, s := range settings {
		if d := distance(word, s.key); d < best {
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
