package spam

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"math"
	"slices"
	"sync"
)

// Correction is somebody's word that a text is spam, or that it is not.
type Correction struct {
	ID     int64   // above 0 and of this correction alone
	By     string  // whose word it is; a person has one voice on a text, however often he repeats it
	Text   string  // what was said
	Spam   bool    // false: ham
	Weight float64 // above 0, how much the word counts; see Decide
}

// Memory holds corrections and finds those about a text or a near copy of it. It may be
// used by any number of goroutines at once.
//
// What it holds depends only on which corrections are in it, not on the order in which they
// came or what was taken out again. It keeps hashes, no text: enough to tell whether a text
// that is shown to it is alike, and not enough to read what was said.
//
// A text is first brought into the comparison form. Two texts are the same if that form is,
// digits included; where there is an account name or a long number and minMasked characters
// besides, all numbers are left out of it. They are near copies if both have minNear characters and share enough of their triples of
// neighbouring characters (Jaccard index at least minLikeness), all numbers being left out: the
// same advertisement with other figures, decorations or a changed clause. Near copies are looked
// up by bands of a MinHash signature, so that a look-up takes the time of the text and not that
// of the memory.
//
// That a text is harmless says less about its copies than that it is spam: else an approved
// announcement would be a cover for whatever is written into it. A word for ham reaches only
// copies that name no other account and bring at most maxNews new triples.
type Memory struct {
	fold *folder
	pool sync.Pool // of *sketch: the buffers of one look-up

	mu    sync.RWMutex
	texts map[exactKey]*remembered // by their comparison form
	bands map[uint64]*remembered   // chains through next, in the order of their keys
	byID  map[int64]*remembered
}

// How near copies are found. On 82,567 real messages, 99.4 % of the pairs of at least minNear
// characters that are alike share a band, and all with a likeness from 0.6 on; people had
// labelled 0.2 % of such pairs differently.
const (
	minMasked   = 8   // characters, without numbers and account names, from which a text is the same with another account
	minNear     = 16  // from which it can be told from others that are like it
	minAccount  = 5   // letters and digits of an account name or a long number
	minLikeness = 0.5 // share of triples in common, of all that either has
	maxNews     = 8   // triples; a changed word of four characters makes six
	bandCount   = 20
	bandRows    = 3
	signature   = bandCount * bandRows
	// maxAlike bounds how many texts one look-up compares with; more than that are alike only
	// when the same text was corrected in that many wordings.
	maxAlike = 64
)

// exactKey is the hash of a whole comparison form.
type exactKey [16]byte

// remembered is a text that somebody corrected.
type remembered struct {
	key     exactKey
	triples []uint32 // sorted, each once; nil: too short for near copies
	keys    [bandCount]uint64
	next    [bandCount]*remembered // the next text of the same band key
	words   []saying               // by id
}

// saying is what one correction says.
type saying struct {
	Correction          // without its text
	accounts   []uint32 // that the text names, sorted
}

// NewMemory makes an empty Memory. It takes a few milliseconds.
func NewMemory() *Memory {
	m := &Memory{fold: newFolder(), texts: map[exactKey]*remembered{}, bands: map[uint64]*remembered{}, byID: map[int64]*remembered{}}
	m.pool.New = func() any { return new(sketch) }
	return m
}

// Len is the number of corrections in memory.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.byID)
}

// Add remembers a correction. One whose ID is known stands in the place of the old one.
func (m *Memory) Add(c Correction) {
	s := m.sketch(c.Text)
	defer m.pool.Put(s)
	c.Text = ""
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(c.ID)
	t := m.texts[s.key]
	if t == nil {
		t = &remembered{key: s.key}
		if s.near() {
			s.sign()
			t.triples, t.keys = slices.Clone(s.sorted()), s.keys
			m.link(t)
		}
		m.texts[t.key] = t
	}
	i, _ := slices.BinarySearchFunc(t.words, c.ID, func(w saying, id int64) int { return cmp.Compare(w.ID, id) })
	t.words = slices.Insert(t.words, i, saying{c, append([]uint32(nil), s.accounts...)})
	m.byID[c.ID] = t
}

// Remove takes a correction back, as if it had never been added, and reports whether it was
// there.
func (m *Memory) Remove(id int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.remove(id)
}

func (m *Memory) remove(id int64) bool {
	t := m.byID[id]
	if t == nil {
		return false
	}
	delete(m.byID, id)
	t.words = slices.DeleteFunc(t.words, func(w saying) bool { return w.ID == id })
	if len(t.words) == 0 {
		delete(m.texts, t.key)
		if t.triples != nil {
			m.unlink(t)
		}
	}
	return true
}

// link puts a text into the chain of each of its bands.
func (m *Memory) link(t *remembered) {
	for b, key := range t.keys {
		first := m.bands[key]
		if first == nil || bytes.Compare(t.key[:], first.key[:]) < 0 {
			t.next[b], m.bands[key] = first, t
			continue
		}
		at := first
		for at.next[b] != nil && bytes.Compare(at.next[b].key[:], t.key[:]) < 0 {
			at = at.next[b]
		}
		t.next[b], at.next[b] = at.next[b], t
	}
}

func (m *Memory) unlink(t *remembered) {
	for b, key := range t.keys {
		at := m.bands[key]
		switch {
		case at != t:
			for at.next[b] != t {
				at = at.next[b]
			}
			at.next[b] = t.next[b]
		case t.next[b] == nil:
			delete(m.bands, key)
		default:
			m.bands[key] = t.next[b]
		}
	}
}

// Match is what people said about a text and its near copies. A person has one voice.
type Match struct {
	Spam, Ham             float64 // the weights of those who say so, added up
	SpamPeople, HamPeople int
	Likeness              float64 // to the nearest corrected text: 1 for the same, else from minLikeness on; 0: nobody said anything
}

// Find gathers what people said about a text and its near copies. Of several corrections of one
// person the one about the nearest text counts, and of those the latest.
func (m *Memory) Find(text string) Match { return m.FindWithout(text, 0) }

// FindWithout is Find as if one correction had never been made.
func (m *Memory) FindWithout(text string, id int64) Match { return m.find(text, id, nil) }

// FindWith is Find as if c, whose text is this one, were in memory as the latest, in the place
// of another correction (0: of none).
func (m *Memory) FindWith(text string, c Correction, instead int64) Match {
	c.ID = math.MaxInt64
	return m.find(text, instead, &c)
}

func (m *Memory) find(text string, without int64, with *Correction) Match {
	if with == nil && m.Len() == 0 {
		return Match{}
	}
	s := m.sketch(text)
	defer m.pool.Put(s)
	if s.near() {
		s.sign() // before the lock: it takes the time of the text
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	s.voices = s.voices[:0]
	if with != nil {
		s.hear(&remembered{words: []saying{{*with, s.accounts}}}, 1, 0, 0)
	}
	if t := m.texts[s.key]; t != nil {
		s.hear(t, 1, 0, without)
	}
	if s.near() {
		m.alike(s, without)
	}
	return s.sum()
}

// alike hears what was said about near copies.
func (m *Memory) alike(s *sketch, without int64) {
	s.seen = s.seen[:0]
	for b, key := range s.keys {
		for t := m.bands[key]; t != nil && len(s.seen) < maxAlike; t = t.next[b] {
			if t.key == s.key || slices.Contains(s.seen, t) {
				continue
			}
			s.seen = append(s.seen, t)
			if l, news := likeness(s.sorted(), t.triples); l >= minLikeness {
				s.hear(t, l, news, without)
			}
		}
	}
}

// Alike returns a function that tells whether another text is the same as text or a near
// copy of it, which what is said of text reaches if it is said to be spam.
func (m *Memory) Alike(text string) func(other string) bool {
	s := m.sketch(text)
	key, near, triples := s.key, s.near(), slices.Clone(s.sorted())
	m.pool.Put(s)
	return func(other string) bool {
		o := m.sketch(other)
		defer m.pool.Put(o)
		if o.key == key || !near || !o.near() {
			return o.key == key
		}
		l, _ := likeness(o.sorted(), triples)
		return l >= minLikeness
	}
}

// Tellable reports whether a text has enough in it that no two people write it by themselves:
// its length, or some words and an account. A shorter one may be what everybody says.
func (m *Memory) Tellable(text string) bool {
	s := m.sketch(text)
	defer m.pool.Put(s)
	return s.near() || s.numbered && s.letters >= minMasked
}

// likeness is the Jaccard index of two sorted sets, what both have of what either has, and
// how much of a the other lacks.
func likeness(a, b []uint32) (share float64, news int) {
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			both, i, j = both+1, i+1, j+1
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return float64(both) / float64(max(1, len(a)+len(b)-both)), len(a) - both
}

// sketch is what one look-up makes of a text.
type sketch struct {
	rd       reading
	form     []byte // what key is the hash of
	key      exactKey
	runes    []rune   // the comparison form with maskRune for each number and account name
	letters  int      // how many of runes are none
	accounts []uint32 // sorted
	numbered bool     // one of them has digits in it
	hashes   []uint64 // of the triples
	triples  []uint32
	keys     [bandCount]uint64
	voices   []voice
	seen     []*remembered
}

// voice is what one person said.
type voice struct {
	saying
	likeness float64
}

// maskRune stands for a number or an account name; no text has it.
const maskRune = 1<<21 - 1

func (m *Memory) sketch(text string) *sketch {
	s := m.pool.Get().(*sketch)
	s.rd.reset()
	s.rd.readText(m.fold, text)
	s.form, s.runes, s.accounts, s.hashes, s.triples, s.letters = s.form[:0], s.runes[:0], s.accounts[:0], s.hashes[:0], s.triples[:0], 0
	s.numbered = false
	s.mask()
	s.write()
	if len(s.form) == 0 {
		s.form = append(append(s.form, 0), text...) // nothing but signs and emoji: these then
	}
	sum := sha256.Sum256(s.form)
	s.key = exactKey(sum[:16])
	for i := 2; i < len(s.runes); i++ {
		s.hashes = append(s.hashes, mix(uint64(s.runes[i-2])|uint64(s.runes[i-1])<<21|uint64(s.runes[i])<<42))
	}
	s.rd.reset() // lets go of the text
	return s
}

// run is the end of the letters and digits that begin with unit i, which may be none, and
// whether there is a digit among them. Digits may stand apart, words may not.
func (s *sketch) run(i int) (end int, digits bool) {
	units := s.rd.units
	for end = i; end < len(units) && isAlnum(units[end].r); end++ {
		if end > i && units[end].gap >= gapSpace && !(isDigit(units[end].r) && isDigit(units[end-1].r)) {
			break
		}
		digits = digits || isDigit(units[end].r)
	}
	return end, digits
}

// mask fills runes, letters, accounts and numbered.
func (s *sketch) mask() {
	units := s.rd.units
	for i := 0; i < len(units); {
		end, digits := s.run(i)
		if end-i >= minAccount {
			h := uint64(0)
			for _, u := range units[i:end] {
				h = mix(h ^ uint64(u.r))
			}
			s.accounts = append(s.accounts, uint32(h))
		}
		if digits {
			s.numbered = s.numbered || end-i >= minAccount
			s.runes = append(s.runes, maskRune)
			i = end
			continue
		}
		for end = max(end, i+1); i < end; i++ {
			s.runes = append(s.runes, units[i].r)
			s.letters++
		}
	}
	slices.Sort(s.accounts)
	s.accounts = slices.Compact(s.accounts)
}

// write fills form: all units, or without numbers where one of them may be an account and
// enough else is there to know the text by. In short texts without one, numbers are often all
// that tells one order from another.
func (s *sketch) write() {
	if s.numbered && s.letters >= minMasked {
		for _, r := range s.runes {
			s.form = append(s.form, byte(r), byte(r>>8), byte(r>>16))
		}
		return
	}
	for _, u := range s.rd.units {
		s.form = append(s.form, byte(u.r), byte(u.r>>8), byte(u.r>>16))
	}
}

// near reports whether the text can be told from others that are like it.
func (s *sketch) near() bool { return s.letters >= minNear }

// sorted are the triples as they are compared.
func (s *sketch) sorted() []uint32 {
	if len(s.triples) == 0 {
		for _, h := range s.hashes {
			s.triples = append(s.triples, uint32(h))
		}
		slices.Sort(s.triples)
		s.triples = slices.Compact(s.triples)
	}
	return s.triples
}

// sign computes the MinHash signature and its bands.
func (s *sketch) sign() {
	var least [signature]uint32
	for i := range least {
		least[i] = math.MaxUint32
	}
	for _, h := range s.hashes {
		at, step := uint32(h>>32), uint32(h)
		for i := range least {
			// Two halves of one hash, added in ever other proportions (Kirsch and
			// Mitzenmacher), and stirred once more.
			x := (at ^ at>>15) * 0x2c1b3c6d
			least[i] = min(least[i], x)
			at += step
		}
	}
	for b := range s.keys {
		key := uint64(b)
		for _, v := range least[b*bandRows : (b+1)*bandRows] {
			key = mix(key ^ uint64(v)<<8)
		}
		s.keys[b] = key
	}
}

// mix stirs 64 bits (the finisher of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hear keeps what was said about a text, one voice for each person.
func (s *sketch) hear(t *remembered, likeness float64, news int, without int64) {
	for _, w := range t.words {
		if w.ID == without || !w.Spam && (news > maxNews || !subset(s.accounts, w.accounts)) {
			continue
		}
		v := voice{w, likeness}
		i := slices.IndexFunc(s.voices, func(o voice) bool { return o.By == w.By })
		switch {
		case i < 0:
			s.voices = append(s.voices, v)
		case v.likeness > s.voices[i].likeness, v.likeness == s.voices[i].likeness && v.ID > s.voices[i].ID:
			s.voices[i] = v
		}
	}
}

// subset reports whether all of a sorted set is in another.
func subset(a, b []uint32) bool {
	for _, v := range a {
		if _, ok := slices.BinarySearch(b, v); !ok {
			return false
		}
	}
	return true
}

// sum adds the voices up, in the order of their ids: sums of fractions depend on it.
func (s *sketch) sum() Match {
	slices.SortFunc(s.voices, func(a, b voice) int { return cmp.Compare(a.ID, b.ID) })
	var out Match
	for _, v := range s.voices {
		if v.Spam {
			out.Spam, out.SpamPeople = out.Spam+v.Weight, out.SpamPeople+1
		} else {
			out.Ham, out.HamPeople = out.Ham+v.Weight, out.HamPeople+1
		}
		out.Likeness = max(out.Likeness, v.likeness)
	}
	return out
}
