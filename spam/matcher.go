package spam

import "slices"

// matcher finds all words of a list in one pass (Aho and Corasick's automaton). The root's
// edges are an array, the others' short sorted lists.
type matcher struct {
	letters [1 << 16]uint16 // rune to letter; 0 is in no word
	root    []int32         // letter to state
	states  []state
	edges   []edge
}

type state struct {
	first, n int32 // its edges
	fail     int32 // the state of the longest proper suffix that starts a word
	word     int32 // the word that ends here, or noWord
	shorter  int32 // the nearest state along fail where a word ends, or 0
}

type edge struct {
	letter uint16
	to     int32
}

const noWord = -1

// newMatcher builds the automaton for words; their number in the list is what match
// reports. A rune beyond the basic plane cannot be part of a word.
func newMatcher(words [][]rune) *matcher {
	m := &matcher{}
	next := []map[uint16]int32{{}}
	m.states = []state{{word: noWord}}
	letters := uint16(0)
	for id, w := range words {
		at := int32(0)
		for _, r := range w {
			if m.letters[r] == 0 {
				letters++
				m.letters[r] = letters
			}
			l := m.letters[r]
			to, ok := next[at][l]
			if !ok {
				to = int32(len(m.states))
				m.states = append(m.states, state{word: noWord})
				next = append(next, map[uint16]int32{})
				next[at][l] = to
			}
			at = to
		}
		m.states[at].word = int32(id)
	}
	m.layEdges(next)
	m.root = make([]int32, int(letters)+1)
	for l, to := range next[0] {
		m.root[l] = to
	}
	m.linkFails(next)
	return m
}

// layEdges writes the trie's edges into one slice, sorted per state.
func (m *matcher) layEdges(next []map[uint16]int32) {
	for s, edges := range next {
		m.states[s].first = int32(len(m.edges))
		m.states[s].n = int32(len(edges))
		for l, to := range edges {
			m.edges = append(m.edges, edge{l, to})
		}
		own := m.edges[m.states[s].first:]
		slices.SortFunc(own, func(a, b edge) int { return int(a.letter) - int(b.letter) })
	}
}

// linkFails walks the trie breadth first, so that a state's suffixes are linked before it.
func (m *matcher) linkFails(next []map[uint16]int32) {
	queue := make([]int32, 0, len(m.states))
	for _, to := range next[0] {
		queue = append(queue, to)
	}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		for l, to := range next[s] {
			fail := m.step(m.states[s].fail, l)
			m.states[to].fail = fail
			m.states[to].shorter = fail
			if m.states[fail].word == noWord {
				m.states[to].shorter = m.states[fail].shorter
			}
			queue = append(queue, to)
		}
	}
}

// step is the state after reading letter l in state s.
func (m *matcher) step(s int32, l uint16) int32 {
	for s != 0 {
		st := &m.states[s]
		for _, e := range m.edges[st.first : st.first+st.n] {
			if e.letter == l {
				return e.to
			}
		}
		s = st.fail
	}
	return m.root[l]
}

// match calls found for every word among units, with the number of the word and the
// number of the unit after it.
func (m *matcher) match(units []unit, found func(word, end int)) {
	s := int32(0)
	for i := range units {
		l := uint16(0)
		if r := units[i].r; r < 1<<16 {
			l = m.letters[r]
		}
		if l == 0 {
			s = 0
			continue
		}
		s = m.step(s, l)
		for at := s; at != 0; at = m.states[at].shorter {
			if w := m.states[at].word; w != noWord {
				found(int(w), i+1)
			}
		}
	}
}
