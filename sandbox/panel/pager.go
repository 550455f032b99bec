package panel

import (
	"net/http"
	"net/url"
	"strconv"
)

// The fields of a page's address by which it is searched.
const (
	wordField = "q"    // in what it lists
	whoField  = "who"  // in the customers to choose from
	pageField = "page" // of what it lists, from 1
)

// pager says which part of a long list a page shows.
type pager struct {
	Word        string // that was searched for
	Who         string // that was searched for among the customers to choose from
	Page, Pages int    // from 1
	Size        int    // entries on a page
	Total       int    // entries in all
	Prev, Next  string // addresses; empty at the ends
}

func pageOf(r *http.Request, size, total int) (pager, error) {
	q := r.URL.Query()
	pg := pager{Word: q.Get(wordField), Who: q.Get(whoField), Page: 1, Pages: max(1, (total+size-1)/size), Size: size, Total: total}
	if text := q.Get(pageField); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return pg, refuse("query %q must be a whole number from 1, got %q", "网址里的 %q 要的是从 1 起的整数，来的是 %q", pageField, text)
		}
		pg.Page = min(n, pg.Pages)
	}
	to := func(n int) string {
		if n < 1 || n > pg.Pages {
			return ""
		}
		q.Set(pageField, strconv.Itoa(n))
		return (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String()
	}
	pg.Prev, pg.Next = to(pg.Page-1), to(pg.Page+1)
	return pg, nil
}

// skip is how many entries lie before the page.
func (pg pager) skip() int { return (pg.Page - 1) * pg.Size }

// some is the part of a list that is shown.
func some[T any](all []T, pg pager) []T {
	from := min(pg.skip(), len(all))
	return all[from:min(from+pg.Size, len(all))]
}
