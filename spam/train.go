package spam

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Sample is one text and what it is known to be.
type Sample struct {
	Text   string
	Spam   bool
	Source string  // where it is from
	Weight float64 // how much it counts against others; must be above 0
	Copy   bool    // made of another sample: learnt from, not counted
}

// TrainConfig says how to train. The same samples and settings give the same model, byte
// for byte, on every machine.
type TrainConfig struct {
	Seed uint64
	// Dev are the samples the thresholds are set on: above the review threshold are 0.9 %
	// of its harmless samples, above the removal threshold 0.1 %. If there are none, every
	// tenth sample that is no copy is put aside for it.
	Dev []Sample
	// Talk is harmless talk of a shop's group. None of it may come near removal.
	Talk []string
	// Syllables gives the commonest reading of a character without its tone, or "".
	Syllables func(r rune) string
	// Progress, unless nil, is told after every pass over the samples. The loss is the
	// mean of what the right answers cost, in natural units of information.
	Progress func(pass, passes int, loss float64)

	bits uint // for tests; 0 is defaultBits
}

// Settings of training that experience has set. More passes and other rates change the
// figures by less than another seed does.
const (
	defaultBits = 22                 // four megabytes of weights; 18 bits cost four points of recall
	epochs      = 6                  // passes over the samples
	averaged    = 4                  // of them, the last, whose weights are averaged
	rate        = 0.05               // of learning; every weight slows down by itself (AdaGrad)
	ruleShare   = 0.5                // rules start with this part of their own weight
	ruleLeast   = 0.1                // and keep this part of that
	minCount    = 2                  // samples a feature must be seen in to be learnt
	removalOdds = 2.1972245773362196 // log-odds of DefaultRemoval; those of DefaultReview are 0
	easy        = 1e-4               // samples that are wrong by less teach nothing
	// reviewShare and removalShare of harmless samples lie above the thresholds.
	reviewShare  = 0.009
	removalShare = 0.001
	// talkMargin is how far all harmless talk of shops stays below removal, in log-odds.
	talkMargin = 1.0
)

// Report is what training tells about itself.
type Report struct {
	Sources []SourceCount // what was trained on, by name
	Copies  int
	// Dev is how the model does on the samples the thresholds were set on, by source.
	Dev []SourceResult
}

// SourceResult is how many samples of one source were found suspect and spam.
type SourceResult struct {
	Source               string
	Spam, Ham            int // samples
	Caught, CaughtSpam   int // spam at or above the review and the removal threshold
	Flagged, FlaggedSpam int // harmless samples there
}

// Train learns a model. Samples of both labels are needed, and at least 200 harmless ones
// to set the thresholds on.
func Train(samples []Sample, cfg TrainConfig) (*Model, Report, error) {
	if cfg.bits == 0 {
		cfg.bits = defaultBits
	}
	samples, dev := putAside(samples, cfg.Dev)
	if err := checkSamples(samples, dev); err != nil {
		return nil, Report{}, err
	}
	m := emptyModel(cfg)
	t := newTrainer(m, cfg.Seed)
	for _, s := range samples {
		t.add(s)
	}
	t.learn(cfg.Progress)
	t.fillModel(m)
	m.settings.Trained = TrainingRecord{Seed: cfg.Seed, Epochs: epochs, Rate: rate, Sources: countSources(samples)}
	d := New(WithModel(m))
	m.calibrate(d, dev, cfg.Talk)
	return m, Report{Sources: m.settings.Trained.Sources, Copies: countCopies(samples), Dev: results(New(WithModel(m)), dev)}, nil
}

// putAside takes the samples for the thresholds from dev, or from samples if it is empty.
func putAside(samples, dev []Sample) (train, aside []Sample) {
	if len(dev) > 0 {
		return samples, dev
	}
	n := 0
	for _, s := range samples {
		if !s.Copy {
			n++
		}
		if n%10 == 0 { // with the copies that follow it
			if !s.Copy {
				aside = append(aside, s)
			}
			continue
		}
		train = append(train, s)
	}
	return train, aside
}

// minHam is how many harmless samples the thresholds need.
const minHam = 200

func checkSamples(samples, dev []Sample) error {
	spam, ham, devHam := 0, 0, 0
	for i, s := range samples {
		if !(s.Weight > 0) || math.IsInf(s.Weight, 0) {
			return fmt.Errorf("sample %d weighs %v, want a number above 0", i+1, s.Weight)
		}
		if s.Spam {
			spam++
		} else {
			ham++
		}
	}
	for _, s := range dev {
		if !s.Spam {
			devHam++
		}
	}
	switch {
	case spam == 0 || ham == 0:
		return fmt.Errorf("there are %d samples of spam and %d harmless ones, want some of both", spam, ham)
	case devHam < minHam:
		return fmt.Errorf("there are %d harmless samples to set the thresholds on, want at least %d", devHam, minHam)
	default:
		return nil
	}
}

func countSources(samples []Sample) []SourceCount {
	at, out := map[string]int{}, []SourceCount{}
	for _, s := range samples {
		if s.Copy {
			continue
		}
		i, ok := at[s.Source]
		if !ok {
			i = len(out)
			at[s.Source] = i
			out = append(out, SourceCount{Source: s.Source, Weight: s.Weight})
		}
		if s.Spam {
			out[i].Spam++
		} else {
			out[i].Ham++
		}
	}
	slices.SortFunc(out, func(a, b SourceCount) int { return strings.Compare(a.Source, b.Source) })
	return out
}

func countCopies(samples []Sample) int {
	n := 0
	for _, s := range samples {
		if s.Copy {
			n++
		}
	}
	return n
}

// emptyModel is a model that has not learnt anything.
func emptyModel(cfg TrainConfig) *Model {
	m := &Model{weights: make([]byte, 1<<cfg.bits), readings: make([]byte, hanSize)}
	m.settings.Bits, m.settings.Step = cfg.bits, 1
	m.settings.Lengths = make([]float64, lengthClasses)
	number := map[string]uint16{}
	table := make([]uint16, hanSize/2)
	for i := range table {
		name := ""
		if cfg.Syllables != nil {
			name = cfg.Syllables(rune(firstHan + i))
		}
		if name == "" {
			continue
		}
		if number[name] == 0 {
			m.settings.Syllables = append(m.settings.Syllables, name)
			number[name] = uint16(len(m.settings.Syllables))
		}
		table[i] = number[name]
		binary.LittleEndian.PutUint16(m.readings[2*i:], number[name])
	}
	m.hash = newHasher(cfg.bits, m.settings.Syllables, table)
	return m
}

// trainer learns by logistic regression on the loudest window of every sample: the one
// that will be its score.
type trainer struct {
	d    *Detector
	rd   *reading
	seed uint64

	bags     []bag
	clauses  []learntClause
	features []uint32

	weights, means []float32 // by bucket
	speed          []float32 // sums of squared steps; below 0: not learnt
	rules          [][]learntWeight
	lengths        []learntWeight
	base           learntWeight

	sums []float64 // of the clauses of the sample being looked at
}

// bag is a sample as training sees it.
type bag struct {
	first, n int32 // clauses
	lent     signal
	spam     bool
	weight   float64
}

type learntClause struct {
	from, to int32 // features
	units    int32
	sigs     signal
}

// learntWeight is a weight outside the buckets.
type learntWeight struct {
	value, mean, speed float64
	least, most        float64
}

func newTrainer(m *Model, seed uint64) *trainer {
	t := &trainer{d: New(WithModel(m)), rd: &reading{}, seed: seed,
		weights: make([]float32, len(m.weights)), speed: make([]float32, len(m.weights)), means: make([]float32, len(m.weights)),
		lengths: make([]learntWeight, lengthClasses), base: learntWeight{value: -1, least: math.Inf(-1), most: math.Inf(1)},
	}
	for i := range t.lengths {
		t.lengths[i] = learntWeight{least: math.Inf(-1), most: math.Inf(1)}
	}
	for _, c := range t.d.checks {
		var own []learntWeight
		for _, r := range c.rules {
			own = append(own, startOf(&r))
		}
		t.rules = append(t.rules, own)
	}
	return t
}

// startOf is where the weight of a rule starts and how far it may move. A rule never
// changes sides. Excuses start whole and keep half of their weight, complaints
// and order lists all of it: samples of advertisements must not teach the model to silence members.
func startOf(r *rule) learntWeight {
	switch {
	case r.weight > 0:
		return learntWeight{value: ruleShare * r.weight, least: ruleLeast * r.weight, most: math.Inf(1)}
	case (r.all|r.any)&(textWide|sigOrderList) != 0:
		return learntWeight{value: r.weight, least: math.Inf(-1), most: r.weight}
	default:
		return learntWeight{value: r.weight, least: math.Inf(-1), most: r.weight / 2}
	}
}

// add reads a sample.
func (t *trainer) add(s Sample) {
	t.d.read(t.rd, s.Text)
	t.bags = append(t.bags, bag{first: int32(len(t.clauses)), n: int32(len(t.rd.clauses)), lent: t.rd.lent, spam: s.Spam, weight: s.Weight})
	from := len(t.features)
	for _, f := range t.rd.features {
		t.features = append(t.features, f.bucket)
	}
	at := from
	for _, c := range t.rd.clauses {
		end := from + c.features
		t.clauses = append(t.clauses, learntClause{int32(at), int32(end), int32(c.to - c.from), c.sigs})
		at = end
	}
	t.rd.reset()
}

// learn goes over the samples, in another order each time.
func (t *trainer) learn(progress func(pass, passes int, loss float64)) {
	t.dropRare()
	rng := rand.New(rand.NewPCG(t.seed, 1))
	order := make([]int, len(t.bags))
	for i := range order {
		order[i] = i
	}
	for pass := range epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		loss, total := 0.0, 0.0
		for _, i := range order {
			b := &t.bags[i]
			if b.n == 0 {
				continue
			}
			w := t.loudest(b)
			wrong := likelihood(w.sum)
			if b.spam {
				wrong--
			}
			loss -= float64(b.weight * math.Log(math.Max(1-math.Abs(wrong), 1e-12)))
			total += b.weight
			if math.Abs(wrong) > easy {
				t.step(b, w, float64(wrong*b.weight))
			}
		}
		if pass >= epochs-averaged {
			t.remember()
		}
		if progress != nil {
			progress(pass+1, epochs, loss/total)
		}
	}
}

// remember adds the weights, as they are after a pass, to their averages.
func (t *trainer) remember() {
	for f, w := range t.weights {
		t.means[f] += float32(w / averaged)
	}
	for _, w := range t.others() {
		w.mean += float64(w.value / averaged)
	}
}

// others are the weights outside the buckets.
func (t *trainer) others() []*learntWeight {
	out := []*learntWeight{&t.base}
	for i := range t.lengths {
		out = append(out, &t.lengths[i])
	}
	for i := range t.rules {
		for k := range t.rules[i] {
			out = append(out, &t.rules[i][k])
		}
	}
	return out
}

// dropRare marks the features seen too seldom to learn anything from.
func (t *trainer) dropRare() {
	count := make([]uint8, len(t.weights))
	for _, f := range t.features {
		count[f] = min(count[f]+1, minCount)
	}
	for f, n := range count {
		if n < minCount {
			t.speed[f] = -1
		}
	}
}

// loudest finds the window of a sample that speaks loudest for spam, as judge does.
func (t *trainer) loudest(b *bag) heard {
	clauses := t.clauses[b.first : b.first+b.n]
	rd := t.rd
	rd.clauses, rd.lent, t.sums = rd.clauses[:0], b.lent, t.sums[:0]
	at := 0
	for _, c := range clauses {
		rd.clauses = append(rd.clauses, clause{from: at, to: at + int(c.units), sigs: c.sigs})
		at += int(c.units)
		sum := 0.0
		for _, f := range t.features[c.from:c.to] {
			sum += float64(t.weights[f])
		}
		t.sums = append(t.sums, sum)
	}
	best := heard{sum: math.Inf(-1)}
	rd.eachWindow(func(from, to int) {
		w := heard{from: from, to: to, sigs: rd.window(from, to)}
		w.sum = t.base.value + t.lengths[lengthOf(rd.clauses[to-1].to-rd.clauses[from].from)].value
		for _, s := range t.sums[from:to] {
			w.sum += s
		}
		for i := range t.d.checks {
			if r := t.d.speaks(i, w.sigs); r != none {
				w.sum += t.rules[i][r].value
			}
		}
		if w.sum > best.sum {
			best = w
		}
	})
	return best
}

// step moves the weights of what was found in a window against the slope. Products are
// rounded before they are added: a machine that does both at once would learn another
// model.
func (t *trainer) step(b *bag, w heard, slope float64) {
	square := float32(slope * slope)
	units := 0
	for _, c := range t.clauses[int(b.first)+w.from : int(b.first)+w.to] {
		units += int(c.units)
		for _, f := range t.features[c.from:c.to] {
			if t.speed[f] < 0 {
				continue
			}
			t.speed[f] += square
			t.weights[f] -= float32(rate * slope / math.Sqrt(float64(t.speed[f])+0.1))
		}
	}
	t.base.step(slope)
	t.lengths[lengthOf(units)].step(slope)
	for i := range t.d.checks {
		if r := t.d.speaks(i, w.sigs); r != none {
			t.rules[i][r].step(slope)
		}
	}
}

func (w *learntWeight) step(slope float64) {
	w.speed += float64(slope * slope)
	w.value -= float64(rate * slope / math.Sqrt(w.speed+1))
	w.value = min(max(w.value, w.least), w.most)
}

// likelihood is the logistic function made of operations that round alike on every
// machine; math.Exp does not.
func likelihood(x float64) float64 {
	x = min(max(x, -40), 40)
	n := math.Floor(x/math.Ln2 + 0.5)
	r := x - float64(n*math.Ln2)
	exp := 1.0
	for k := 12; k > 0; k-- {
		exp = 1 + float64(exp*r)/float64(k)
	}
	exp = math.Ldexp(exp, int(n))
	return exp / (1 + exp)
}

// fillModel writes what was learnt into m, the buckets in 127 steps either way.
func (t *trainer) fillModel(m *Model) {
	largest := float32(0)
	for _, w := range t.means {
		largest = max(largest, w, -w)
	}
	m.settings.Step = max(float64(largest)/127, 1e-9)
	for f, w := range t.means {
		m.weights[f] = byte(int8(math.RoundToEven(float64(w) / m.settings.Step)))
	}
	m.settings.Base = t.base.mean
	for i := range t.lengths {
		m.settings.Lengths[i] = t.lengths[i].mean
	}
	m.settings.Rules = nil
	for i, c := range t.d.checks {
		for k := range c.rules {
			m.settings.Rules = append(m.settings.Rules, ruleWeight{c.name, c.rules[k].key(), t.rules[i][k].mean})
		}
	}
}

// calibrate moves and stretches all weights so that the thresholds fall on DefaultReview
// and DefaultRemoval. The score keeps its order and stays a sum of weights.
func (m *Model) calibrate(d *Detector, dev []Sample, talk []string) {
	d.says = m.ruleWeights(d.checks)
	var ham []float64
	for _, s := range dev {
		if !s.Spam {
			ham = append(ham, d.weigh(s.Text))
		}
	}
	review, removal := aboveShare(ham, reviewShare), aboveShare(ham, removalShare)
	for _, text := range talk {
		removal = max(removal, d.weigh(text)+talkMargin)
	}
	slope := removalOdds / max(removal-review, 1)
	s := &m.settings
	s.Base = float64((s.Base - review) * slope)
	s.Step = float64(s.Step * slope)
	for i := range s.Lengths {
		s.Lengths[i] = float64(s.Lengths[i] * slope)
	}
	for i := range s.Rules {
		s.Rules[i].Weight = float64(s.Rules[i].Weight * slope)
	}
	s.Trained.Slope, s.Trained.Calibrated = slope, len(ham)
}

// weigh is the sum of weights of a text.
func (d *Detector) weigh(text string) float64 {
	rd := d.pool.Get().(*reading)
	d.read(rd, text)
	sum, _ := d.judge(rd)
	rd.reset()
	d.pool.Put(rd)
	return sum
}

// aboveShare is a bound that at most this share of sums reach, halfway to the next below.
func aboveShare(sums []float64, share float64) float64 {
	slices.Sort(sums)
	k := len(sums) - int(share*float64(len(sums)))
	if k >= len(sums) {
		return sums[len(sums)-1] + 0.5
	}
	return float64((sums[k-1] + sums[k]) / 2)
}

// results judges samples and counts by source.
func results(d *Detector, samples []Sample) []SourceResult {
	at, out := map[string]int{}, []SourceResult{}
	for _, s := range samples {
		i, ok := at[s.Source]
		if !ok {
			i = len(out)
			at[s.Source] = i
			out = append(out, SourceResult{Source: s.Source})
		}
		out[i].count(s.Spam, d.Check(s.Text).Verdict)
	}
	slices.SortFunc(out, func(a, b SourceResult) int { return strings.Compare(a.Source, b.Source) })
	return out
}

func (r *SourceResult) count(spam bool, v Label) {
	all, suspect, worst := &r.Ham, &r.Flagged, &r.FlaggedSpam
	if spam {
		all, suspect, worst = &r.Spam, &r.Caught, &r.CaughtSpam
	}
	*all++
	if v != Ham {
		*suspect++
	}
	if v == Spam {
		*worst++
	}
}
