package workspacetest

import (
	"cmp"
	"slices"
	"strings"
)

// index is a customer's users in Google's order: by primary address without
// regard to case, then by id.
type index struct {
	sorted []*record
	dirty  bool
}

// position is a place in some order.
type position struct {
	key string
	id  uint64
}

func emailPosition(r *record) position { return position{strings.ToLower(r.email), r.id} }

func (p position) compare(o position) int {
	return cmp.Or(strings.Compare(p.key, o.key), cmp.Compare(p.id, o.id))
}

// compareEmail compares r with p without making anything.
func compareEmail(r *record, p position) int {
	return cmp.Or(compareFold(r.email, p.key), cmp.Compare(r.id, p.id))
}

func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// append adds many without order; the next use sorts once.
func (x *index) append(r *record) {
	x.sorted = append(x.sorted, r)
	x.dirty = true
}

func (x *index) all() []*record {
	if x.dirty {
		slices.SortFunc(x.sorted, func(a, b *record) int {
			return cmp.Or(compareFold(a.email, b.email), cmp.Compare(a.id, b.id))
		})
		x.dirty = false
	}
	return x.sorted
}

func (x *index) insert(r *record) {
	i, _ := slices.BinarySearchFunc(x.all(), emailPosition(r), compareEmail)
	x.sorted = slices.Insert(x.sorted, i, r)
}

// remove must be called before r's address changes.
func (x *index) remove(r *record) {
	if i, ok := slices.BinarySearchFunc(x.all(), emailPosition(r), compareEmail); ok {
		x.sorted = slices.Delete(x.sorted, i, i+1)
	}
}

// after returns those behind p; the zero position is before all.
func (x *index) after(p position) []*record {
	all := x.all()
	i, found := slices.BinarySearchFunc(all, p, compareEmail)
	if found {
		i++
	}
	return all[i:]
}
