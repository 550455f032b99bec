package spam

import (
	"fmt"
	"math"
	"sync"
)

// Label says what a text was found to be.
type Label string

// The three verdicts, from harmless to worst.
const (
	Ham     Label = "ham"
	Suspect Label = "suspect" // a person should look: at or above the review threshold
	Spam    Label = "spam"    // at or above the removal threshold
)

// Span is a piece of the original text: the bytes from Start up to, but not including,
// End. Both lie on character borders.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Reason is one check that spoke.
type Reason struct {
	Check  string  `json:"check"`           // the check's stable name
	Detail string  `json:"detail"`          // a short sentence in Chinese for the operator
	Weight float64 `json:"weight"`          // above 0 speaks for spam, below 0 against
	Spans  []Span  `json:"spans,omitempty"` // where in the original text, at most maxSpans
}

// Verdict is the judgement on one text.
type Verdict struct {
	Verdict Label    `json:"verdict"`
	Score   float64  `json:"score"`   // 0 to 1; grows with the sum of the weights
	Reasons []Reason `json:"reasons"` // never nil; the heaviest first
}

// The thresholds a Detector has unless WithThresholds says otherwise.
const (
	DefaultReview  = 0.5
	DefaultRemoval = 0.9
)

// silence is the sum of weights of a text without a single character to judge.
const silence = -10.0

// Option changes how a Detector judges.
type Option func(*Detector)

// WithThresholds sets the scores from which a text is suspect (review) and spam (removal).
// Both must lie in 0..1 and review must not exceed removal; New panics otherwise, since
// thresholds come from checked settings.
func WithThresholds(review, removal float64) Option {
	return func(d *Detector) { d.review, d.removal = review, removal }
}

// WithModel makes a Detector judge by m instead of the built-in model.
func WithModel(m *Model) Option {
	return func(d *Detector) { d.model = m }
}

// Detector judges texts. It is made by New, never changes afterwards and may be used by
// any number of goroutines at once.
type Detector struct {
	review, removal float64

	fold   *folder
	vocab  *vocabulary
	checks []check
	model  *Model
	asks   []signal    // what each check looks for
	says   [][]float64 // what each rule of each check weighs in the model
	near   float64     // the sum of weights from which the model explains itself in full
	pool   *sync.Pool  // of *reading: the buffers of one Check
}

// New makes a Detector with the built-in rules and model. It builds the matcher, which takes a few
// milliseconds: make one and keep it.
func New(opts ...Option) *Detector {
	d := &Detector{review: DefaultReview, removal: DefaultRemoval}
	for _, opt := range opts {
		opt(d)
	}
	if !(0 <= d.review && d.review <= d.removal && d.removal <= 1) {
		panic(fmt.Sprintf("spam: thresholds review %v, removal %v: want 0 <= review <= removal <= 1, for example 0.5 and 0.9", d.review, d.removal))
	}
	d.fold = newFolder()
	d.vocab = newVocabulary(d.fold, vocabText)
	d.checks = newChecks()
	if d.model == nil {
		d.model = builtIn()
	}
	for i := range d.checks {
		d.asks = append(d.asks, d.checks[i].asked())
	}
	d.says = d.model.ruleWeights(d.checks)
	d.near = math.Log(d.review/(1-d.review)) - nearReview
	d.pool = &sync.Pool{New: func() any { return new(reading) }}
	return d
}

// Check judges a text. It is a pure function of the text and the Detector's options, takes
// time linear in the length of what it reads and never panics, whatever the bytes. Of a
// text longer than 2*readEnd bytes only the first and the last readEnd bytes are read.
func (d *Detector) Check(text string) Verdict {
	rd := d.pool.Get().(*reading)
	d.read(rd, text)
	sum, reasons := d.judge(rd)
	rd.reset() // lets go of the text
	d.pool.Put(rd)
	score := squash(sum)
	return Verdict{Verdict: d.Label(score), Score: score, Reasons: reasons}
}

// read fills rd with everything the checks need to know about text.
func (d *Detector) read(rd *reading, text string) {
	rd.readText(d.fold, text)
	rd.cutClauses()
	rd.findWords(d.vocab)
	rd.findTokens()
	rd.findShapes()
	rd.shareSignals()
	rd.findFeatures(d.model.hash)
}

// Thresholds are the scores from which on a text is suspect and spam.
func (d *Detector) Thresholds() (review, removal float64) { return d.review, d.removal }

// Label is the verdict on a score that the caller has weighed further.
func (d *Detector) Label(score float64) Label {
	switch {
	case score >= d.removal:
		return Spam
	case score >= d.review:
		return Suspect
	default:
		return Ham
	}
}

// squash turns a sum of weights into a score: the logistic function.
func squash(sum float64) float64 {
	return 1 / (1 + math.Exp(-sum))
}
