package admin

import (
	"iter"

	"github.com/rollcall-emm/rollcall/shared/record"
)

// ending is how far the items of a listing were read.
type ending struct {
	// more: there are more than were asked for.
	more bool
	err  error
}

// every yields the items of a listing, at most n, and leaves in end how that ended.
func every[T any](n int, read func(record.Page) ([]T, string, error), end *ending) iter.Seq[T] {
	return func(yield func(T) bool) {
		*end = ending{}
		for p := (record.Page{}); ; {
			if end.more = n <= 0; end.more {
				return
			}
			p.Limit = min(maxLimit, n)
			items, next, err := read(p)
			if end.err = err; err != nil {
				return
			}
			for _, v := range items {
				if !yield(v) {
					return
				}
			}
			if next == "" {
				return
			}
			n, p.Next = n-len(items), next
		}
	}
}
