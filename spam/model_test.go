package spam

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"
)

// smallConfig trains quickly on our own sentences.
func smallConfig() TrainConfig {
	return TrainConfig{Seed: 7, bits: 14, Dev: Supplement(2, 5), Syllables: func(r rune) string {
		switch r {
		case '加', '佳':
			return "jia"
		case '微', '薇':
			return "wei"
		}
		return ""
	}}
}

func trainSmall(t *testing.T, cfg TrainConfig) *Model {
	t.Helper()
	m, _, err := Train(Supplement(4, 1), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func written(t *testing.T, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := m.WriteTo(&b); err != nil || n != int64(b.Len()) || b.Len() != m.Size() {
		t.Fatalf("wrote %d bytes, %d of %d: %v", b.Len(), n, m.Size(), err)
	}
	return b.Bytes()
}

func TestTrainingIsRepeatable(t *testing.T) {
	one, two := written(t, trainSmall(t, smallConfig())), written(t, trainSmall(t, smallConfig()))
	if !bytes.Equal(one, two) {
		t.Error("the same samples and seed gave two models")
	}
	other := smallConfig()
	other.Seed++
	if bytes.Equal(one, written(t, trainSmall(t, other))) {
		t.Error("the seed changes nothing")
	}
}

func TestAModelFileGivesTheSameModel(t *testing.T) {
	m := trainSmall(t, smallConfig())
	file := written(t, m)
	again, err := ReadModel(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written(t, again), file) {
		t.Error("a model that was read is written otherwise")
	}
	one, two := New(WithModel(m)), New(WithModel(again))
	for _, e := range append(spamExamples(), hamExamples()...) {
		if a, b := one.Check(e.text), two.Check(e.text); a.Score != b.Score {
			t.Errorf("%q: %v before, %v after", e.text, a.Score, b.Score)
		}
	}
	if got := again.Trained(); got.Seed != 7 || len(got.Sources) != 1 || got.Sources[0].Source != "own" {
		t.Errorf("the record says %+v", got)
	}
}

func TestATrainedModelTellsSpamFromTalk(t *testing.T) {
	d := New(WithModel(trainSmall(t, smallConfig())))
	wrong := 0
	samples := Supplement(1, 99)
	for _, s := range samples {
		if (d.Check(s.Text).Verdict != Ham) != s.Spam {
			wrong++
		}
	}
	if wrong > len(samples)/20 {
		t.Errorf("%d of %d sentences are judged wrongly", wrong, len(samples))
	}
}

// resealed is a model file with its checksum made right again.
func resealed(file []byte) []byte {
	end := len(file) - modelTail
	return binary.LittleEndian.AppendUint32(file[:end:end], crc32.Checksum(file[:end], castagnoli()))
}

func TestAFileThatIsNoModelIsRefusedInWords(t *testing.T) {
	file := written(t, trainSmall(t, smallConfig()))
	changed := func(change func(b []byte)) []byte {
		b := bytes.Clone(file)
		change(b)
		return b
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no model file"},
		{"something else", []byte("{\"text\":\"spam\"}, a long line of something"), "no model file"},
		{"cut in its head", file[:12], "no model file"},
		{"cut in its settings", file[:100], "cut off within its settings"},
		{"cut in its weights", file[:len(file)-100], "cut off or too long"},
		{"too long", append(bytes.Clone(file), 0), "cut off or too long"},
		{"of a later version", changed(func(b []byte) { b[8] = 9 }), "version 9"},
		{"damaged in a weight", changed(func(b []byte) { b[len(b)-500] ^= 1 }), "checksum"},
		{"damaged in its settings", changed(func(b []byte) { b[modelHead] = 'x' }), "settings are damaged"},
		{"with bits that are none", resealed(changed(func(b []byte) { copy(b[modelHead:], `{"bits":99`) })), "bits is 99"},
		{"with a syllable that is none", resealed(changed(func(b []byte) {
			at := modelHead + int(binary.LittleEndian.Uint32(b[12:]))
			b[at], b[at+1] = 0xff, 0xff
		})), "syllable 65535"},
	} {
		_, err := ReadModel(bytes.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTrainingNamesWhatIsMissing(t *testing.T) {
	ham, ads := []Sample{}, []Sample{}
	for _, s := range Supplement(2, 1) {
		if s.Spam {
			ads = append(ads, s)
		} else {
			ham = append(ham, s)
		}
	}
	for _, c := range []struct {
		name          string
		samples, devs []Sample
		want          string
	}{
		{"nothing", nil, nil, "0 samples of spam and 0 harmless"},
		{"no spam", ham, ham, "0 samples of spam"},
		{"no talk", ads, ham, "and 0 harmless ones"},
		{"hardly any talk to set thresholds on", append(ads, ham...), ham[:9], "9 harmless samples to set the thresholds on"},
		{"a weight of nothing", append([]Sample{{Text: "x"}}, ads...), ham, "sample 1 weighs 0"},
		{"a weight that is none", append([]Sample{{Text: "x", Weight: math.NaN()}}, ads...), ham, "sample 1 weighs NaN"},
	} {
		if _, _, err := Train(c.samples, TrainConfig{bits: 10, Dev: c.devs}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTheLogisticFunctionOfTrainingIsTheLogisticFunction(t *testing.T) {
	var bits []byte
	for x := -45.0; x <= 45; x += 0.375 {
		want := 1 / (1 + math.Exp(-x))
		got := likelihood(x)
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("likelihood(%v) = %v, want %v", x, got, want)
		}
		bits = binary.LittleEndian.AppendUint64(bits, math.Float64bits(got))
	}
	// Every machine must come to these bits, or it would learn another model.
	if sum := crc32.Checksum(bits, castagnoli()); sum != 0x8a5f761c {
		t.Errorf("the bits of the results have the sum %#x", sum)
	}
}

func TestTheThresholdsLieWhereTheShareOfTalkIs(t *testing.T) {
	var sums []float64
	for i := range 1000 {
		sums = append(sums, float64(i))
	}
	for share, above := range map[float64]int{0.009: 9, 0.001: 1, 0: 0} {
		bound, n := aboveShare(sums, share), 0
		for _, s := range sums {
			if s >= bound {
				n++
			}
		}
		if n != above {
			t.Errorf("%d of 1000 lie above the bound for %v", n, share)
		}
	}
}

// The words a model of another vocabulary was not trained with still count.
func TestARuleTheModelDoesNotKnowStillSpeaks(t *testing.T) {
	m := trainSmall(t, smallConfig())
	m.settings.Rules = nil
	v := New(WithModel(m)).Check("专业代开发票，加微信 qmx66021")
	if !speaks(v, "documents", +1) {
		t.Errorf("%+v", v)
	}
}

func TestTheBuiltInModelIsSmallAndKnowsItsSources(t *testing.T) {
	m := builtIn()
	if m.Size() > 5_000_000 {
		t.Errorf("%d bytes", m.Size())
	}
	for _, s := range m.Trained().Sources {
		if s.Source == "harmbench" {
			t.Error("it was trained on texts whose licence forbids selling")
		}
	}
	if len(m.Trained().Sources) < 5 || m.Trained().Calibrated < 4000 {
		t.Errorf("%+v", m.Trained())
	}
}

// A reading is used again and again; the pool that Check takes it from is left out, for the race
// detector has it forget some.
func TestCheckingKeepsNoMemory(t *testing.T) {
	d, rd := New(), new(reading)
	check := func(text string) {
		d.read(rd, text)
		d.judge(rd)
		rd.reset()
	}
	check(strings.Repeat("今天新到一批水果，价格实惠，需要的邻居在群里接龙。", 1000))
	if n := testing.AllocsPerRun(50, func() { check("今天晚上几点关门") }); n > 3 {
		t.Errorf("a harmless sentence takes %v allocations", n)
	}
}
