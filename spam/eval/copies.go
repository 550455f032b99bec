package eval

import (
	"context"
	"math/rand/v2"
	"unicode/utf8"

	"xiaobu/spam"
	"xiaobu/spam/evade"
)

// Kind is what became of copies of one kind.
type Kind struct {
	Name   string `json:"name"`
	Copies int    `json:"copies"`
	// Plain and Review are how many of the originals and of the copies are flagged, 0 to 1;
	// Removal is how many of the copies would be removed.
	Plain   float64 `json:"plain"`
	Review  float64 `json:"review"`
	Removal float64 `json:"removal"`
}

// copied is a text and its copy.
type copied struct {
	plain, copy string
}

// copies are the disguised and decorated copies all columns are measured with.
type copies struct {
	evasions, decorated []copiesOf
}

type copiesOf struct {
	kind string
	list []copied
}

// Talk to pad with is neither a crumb nor a story.
const (
	minTalk = 5
	maxTalk = 60
)

// makeCopies disguises chat spam and decorates harmless talk of chats and shops. The talk
// to pad with is harmless talk of the same files.
func makeCopies(rows []Row, o Options) copies {
	var bad, good, talk []string
	for _, r := range rows {
		switch n := utf8.RuneCountInString(r.Text); {
		case r.Group() == SMS:
		case r.Spam:
			bad = append(bad, r.Text)
		default:
			good = append(good, r.Text)
			if n >= minTalk && n <= maxTalk {
				talk = append(talk, r.Text)
			}
		}
	}
	g := evade.New(evade.Options{Harmless: talk})
	return copies{
		evasions:  copyAll(evade.Kinds(), bad, g.Evade, o),
		decorated: copyAll(evade.Decorations(), good, g.Decorate, o),
	}
}

// copyAll makes copies of each kind, of at most o.Sample texts that are changed by it.
func copyAll(kinds []string, texts []string, write func(*rand.Rand, string, string) (string, bool), o Options) []copiesOf {
	all := make([]copiesOf, len(kinds))
	for i, kind := range kinds {
		r := rand.New(rand.NewPCG(o.Seed, uint64(i)))
		all[i].kind = kind
		for _, at := range r.Perm(len(texts)) {
			if len(all[i].list) == o.Sample {
				break
			}
			if c, changed := write(r, kind, texts[at]); changed {
				all[i].list = append(all[i].list, copied{texts[at], c})
			}
		}
		o.progress("copies", i+1, len(kinds))
	}
	return all
}

// judge measures a column on the copies.
func (c copies) judge(ctx context.Context, col Column, o Options) (evasions, decorated []Kind) {
	for i, of := range c.evasions {
		evasions = append(evasions, judgeKind(ctx, of, col))
		o.progress(col.Name+": evasions", i+1, len(c.evasions))
	}
	for i, of := range c.decorated {
		decorated = append(decorated, judgeKind(ctx, of, col))
		o.progress(col.Name+": decorated", i+1, len(c.decorated))
	}
	return evasions, decorated
}

func judgeKind(ctx context.Context, of copiesOf, col Column) Kind {
	k := Kind{Name: of.kind, Copies: len(of.list)}
	if k.Copies == 0 {
		return k
	}
	plain, review, removal := 0, 0, 0
	for _, c := range of.list {
		if ctx.Err() != nil {
			return k
		}
		_, label := col.Judge(c.plain)
		plain += one(label != spam.Ham)
		_, label = col.Judge(c.copy)
		review += one(label != spam.Ham)
		removal += one(label == spam.Spam)
	}
	n := float64(k.Copies)
	k.Plain, k.Review, k.Removal = float64(plain)/n, float64(review)/n, float64(removal)/n
	return k
}
