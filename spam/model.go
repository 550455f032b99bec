package spam

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

//go:embed default.model
var defaultModel []byte

// A model file is, with numbers in little endian:
//
//	magic    8 bytes  "XBSPAMML"
//	version  4 bytes
//	size     4 bytes  of the settings
//	settings          JSON
//	readings          two bytes for every character from U+4E00 to U+9FFF: its syllable
//	weights           one signed byte for every bucket
//	checksum 4 bytes  CRC-32C of everything before
const (
	modelMagic   = "XBSPAMML"
	modelVersion = 1
	modelHead    = len(modelMagic) + 8
	modelTail    = 4
	lastHan      = 0x9fff
	hanSize      = 2 * (lastHan - firstHan + 1)
	minBits      = 8
	maxBits      = 26
)

// Model is what training found out: a weight for every feature, rule and length. It never
// changes and may be used by any number of detectors at once.
type Model struct {
	settings modelSettings
	weights  []byte // int8 steps of settings.Step, by bucket
	hash     *hasher
	readings []byte
}

// modelSettings is the part of a model file that can be read. All weights are log-odds
// after calibration: at a sum of 0 the score is DefaultReview.
type modelSettings struct {
	Bits      uint           `json:"bits"` // binary logarithm of the number of buckets
	Step      float64        `json:"step"` // what one step of a bucket weighs
	Base      float64        `json:"base"` // what a window without anything weighs
	Lengths   []float64      `json:"lengths"`
	Rules     []ruleWeight   `json:"rules"`
	Syllables []string       `json:"syllables"`
	Trained   TrainingRecord `json:"trained"`
}

// ruleWeight is what a rule of a check weighs in this model. A rule that is not listed
// has come later and weighs a part of what its table says.
type ruleWeight struct {
	Check  string  `json:"check"`
	Rule   string  `json:"rule"` // the signals it asks for, as rule.key writes them
	Weight float64 `json:"weight"`
}

// TrainingRecord tells how a model was made.
type TrainingRecord struct {
	Seed    uint64        `json:"seed"`
	Epochs  int           `json:"epochs"`
	Rate    float64       `json:"rate"`
	Slope   float64       `json:"slope"` // calibrated log-odds per log-odds of training
	Sources []SourceCount `json:"sources"`
	// Calibrated is the number of harmless samples the thresholds were set on.
	Calibrated int `json:"calibrated"`
}

// SourceCount is how many samples of a source were trained on, copies not counted.
type SourceCount struct {
	Source string  `json:"source"`
	Spam   int     `json:"spam"`
	Ham    int     `json:"ham"`
	Weight float64 `json:"weight"`
}

// Trained tells how m was made.
func (m *Model) Trained() TrainingRecord { return m.settings.Trained }

// Size is how many bytes m's file has.
func (m *Model) Size() int {
	return modelHead + len(m.head()) + len(m.readings) + len(m.weights) + modelTail
}

// castagnoli is the polynomial that machines have an instruction for.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// ReadModel reads a model file. The error says what is wrong with a file that is cut off,
// damaged, of another version or no model at all.
func ReadModel(r io.Reader) (*Model, error) {
	const most = int64(modelHead + 1<<24 + hanSize + 1<<maxBits + modelTail)
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	return parseModel(data)
}

// LoadModel reads the model file of this name. Errors name the file.
func LoadModel(name string) (*Model, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := ReadModel(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// builtIn is the model that comes with the program. It is checked like any other; a
// mistake in it is a panic that every test shows.
func builtIn() *Model {
	m, err := parseModel(defaultModel)
	if err != nil {
		panic("spam: the built-in model: " + err.Error())
	}
	return m
}

// parseModel makes a model of a file's bytes, which it keeps.
func parseModel(data []byte) (*Model, error) {
	if len(data) < modelHead || string(data[:len(modelMagic)]) != modelMagic {
		return nil, fmt.Errorf("this is no model file: it does not start with %q", modelMagic)
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != modelVersion {
		return nil, fmt.Errorf("the model has version %d, this program reads version %d; train the model again", v, modelVersion)
	}
	size := int(binary.LittleEndian.Uint32(data[12:]))
	rest := data[modelHead:]
	if size > len(rest) {
		return nil, fmt.Errorf("the file is cut off within its settings: %d bytes", len(data))
	}
	m := &Model{}
	if err := json.Unmarshal(rest[:size], &m.settings); err != nil {
		return nil, fmt.Errorf("the settings are damaged: %w", err)
	}
	if b := m.settings.Bits; b < minBits || b > maxBits {
		return nil, fmt.Errorf("the settings are damaged: bits is %d, want %d to %d", b, minBits, maxBits)
	}
	rest = rest[size:]
	if want := hanSize + 1<<m.settings.Bits + modelTail; len(rest) != want {
		return nil, fmt.Errorf("the file is cut off or too long: %d bytes, want %d", len(data), modelHead+size+want)
	}
	end := len(data) - modelTail
	if got, want := crc32.Checksum(data[:end], castagnoli()), binary.LittleEndian.Uint32(data[end:]); got != want {
		return nil, fmt.Errorf("the file is damaged: checksum %08x, want %08x", got, want)
	}
	m.readings, m.weights = rest[:hanSize:hanSize], rest[hanSize:len(rest)-modelTail]
	return m, m.prepare()
}

// prepare checks the settings and makes what reading a text needs.
func (m *Model) prepare() error {
	s := &m.settings
	if len(s.Lengths) != lengthClasses || !finite(s.Step, s.Base) || !finite(s.Lengths...) {
		return fmt.Errorf("the settings are damaged: want a step, a base and %d lengths", lengthClasses)
	}
	for _, r := range s.Rules {
		if !finite(r.Weight) {
			return fmt.Errorf("the settings are damaged: rule %q has no weight", r.Check)
		}
	}
	table := make([]uint16, hanSize/2)
	for i := range table {
		table[i] = binary.LittleEndian.Uint16(m.readings[2*i:])
		if int(table[i]) > len(s.Syllables) {
			return fmt.Errorf("the table of readings is damaged: syllable %d of %d", table[i], len(s.Syllables))
		}
	}
	m.hash = newHasher(s.Bits, s.Syllables, table)
	return nil
}

func finite(numbers ...float64) bool {
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// head is the settings as the file has them. They hold nothing JSON cannot write.
func (m *Model) head() []byte {
	out, err := json.Marshal(m.settings)
	if err != nil {
		panic("spam: model settings: " + err.Error())
	}
	return out
}

// WriteTo writes m as a file that ReadModel reads.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	settings := m.head()
	b.WriteString(modelMagic)
	b.Write(binary.LittleEndian.AppendUint32(nil, modelVersion))
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(settings))))
	b.Write(settings)
	b.Write(m.readings)
	b.Write(m.weights)
	b.Write(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b.Bytes(), castagnoli())))
	return b.WriteTo(w)
}

// ruleWeights are the weights of the rules of checks, in their order.
func (m *Model) ruleWeights(checks []check) [][]float64 {
	known := make(map[string]float64, len(m.settings.Rules))
	for _, r := range m.settings.Rules {
		known[r.Check+" "+r.Rule] = r.Weight
	}
	out := make([][]float64, len(checks))
	for i, c := range checks {
		for _, r := range c.rules {
			w, ok := known[c.name+" "+r.key()]
			if !ok {
				w = newRules * r.weight
			}
			out[i] = append(out[i], w)
		}
	}
	return out
}

// newRules is how much of its own weight a rule has that the model was not trained with.
const newRules = 0.3

// lengthClasses is how many classes of lengths of windows a model tells apart.
const lengthClasses = 16

// lengthOf is the class of a window of n units: each half as long again as the one before.
func lengthOf(n int) int {
	class := 0
	for n > 1 {
		n = n * 2 / 3
		class++
	}
	return min(class, lengthClasses-1)
}
