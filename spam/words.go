package spam

// hit is a piece of the text in which signals were found.
type hit struct {
	from, to int // units
	sigs     signal
}

// findWords runs the vocabulary over the units.
func (rd *reading) findWords(v *vocabulary) {
	rd.intros = resize(rd.intros, len(rd.units)+1)
	rd.shadow = rd.shadow[:0]
	decorated := rd.decorated()
	v.matcher.match(rd.units, func(id, end int) {
		w := &v.words[id]
		from := end - w.n
		if !rd.bordered(w, from, end) {
			return
		}
		ok, apart := rd.crossable(from, end)
		if !ok {
			return
		}
		if w.plain {
			rd.addShadow(from, end)
			return
		}
		sigs := w.sigs
		if sigs&veilable != 0 && (apart && !decorated || rd.styled(from, end)) {
			sigs |= sigApart
		}
		rd.intros[end] = max(rd.intros[end], w.intro)
		rd.add(from, end, sigs)
	})
	rd.dropShadowed()
}

// decorated tells whether a good part of the text is written with something between the
// characters. Then it is the writer's manner and not a disguise of single words.
func (rd *reading) decorated() bool {
	gaps, borders := 0, 0
	for i := 1; i < len(rd.units); i++ {
		if isHan(rd.units[i-1].r) && isHan(rd.units[i].r) {
			borders++
			if rd.units[i].gap != gapNone {
				gaps++
			}
		}
	}
	return 3*gaps > borders
}

// veilable are the words nobody has an honest reason to take apart.
const veilable = anyTopic | anyMedium | anyAdd | anyPrivate | anyGroup | sigPay | sigEarn

// bordered tells whether a word that starts or ends with a Latin letter, or starts with a
// digit, stands free.
func (rd *reading) bordered(w *word, from, end int) bool {
	if w.latinL && from > 0 && rd.units[from].gap <= gapHidden && isLatin(rd.units[from-1].r) {
		return false
	}
	if w.digitL && from > 0 && rd.units[from].gap <= gapHidden && isDigit(rd.units[from-1].r) {
		return false
	}
	return !w.latinR || end == len(rd.units) || rd.units[end].gap > gapHidden || !isLatin(rd.units[end].r)
}

// styled tells whether folding had to change or reveal any of the units.
func (rd *reading) styled(from, to int) bool {
	for i := from; i < to; i++ {
		if rd.units[i].mark&(markStyled|markAlike|markPicture) != 0 {
			return true
		}
	}
	return false
}

// addShadow remembers a word that hides the words inside it.
func (rd *reading) addShadow(from, to int) {
	if len(rd.shadow) == 0 {
		rd.shadow = resize(rd.shadow, len(rd.units))
	}
	rd.shadow[from] = max(rd.shadow[from], to)
}

// dropShadowed removes the hits that lie inside a plain word.
func (rd *reading) dropShadowed() {
	if len(rd.shadow) == 0 {
		return
	}
	for i, reach := 0, 0; i < len(rd.shadow); i++ {
		reach = max(reach, rd.shadow[i])
		rd.shadow[i] = reach
	}
	kept := rd.hits[:0]
	for _, h := range rd.hits {
		if rd.shadow[h.from] < h.to {
			kept = append(kept, h)
		} else {
			rd.intros[h.to] = introNone
		}
	}
	rd.hits = kept
}

// resize gives a slice of n zero values, in s's memory if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// shareSignals hands the hits' signals to the clauses they end in, or to all.
func (rd *reading) shareSignals() {
	for _, h := range rd.hits {
		rd.clauses[rd.clauseOf(h.to-1)].sigs |= h.sigs
		rd.lent |= h.sigs & textWide
	}
	rd.unlist()
}

// clauseOf is the number of the clause unit i is in.
func (rd *reading) clauseOf(i int) int {
	lo, hi := 0, len(rd.clauses)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if rd.clauses[mid].to <= i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return hi
}
