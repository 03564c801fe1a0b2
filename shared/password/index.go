package password

import (
	"fmt"
	"hash/fnv"
	"iter"
	"time"
)

// DueShards is the number of parts that the index of due rows has. Firestore takes
// about 500 writes a second into one range of an index whose values rise with time;
// a fleet that enrols within minutes would meet that bound.
const DueShards = 16

// DueKey is the row's value in the index of due rows: the shard of the person, and
// the time in a form that sorts. It is empty where nothing is ever due; such a row
// has no entry, and the sweep does not pay for it.
//
// A sweep asks for DueRange(shard, now) for each shard, a bounded number of rows at
// a time, the longest due first, until a page is not full: it reads DueShards empty
// answers at least, and beyond them only rows that are due. Shards can be swept in
// any order and by several workers.
func (l Ledger) DueKey() string {
	due := l.Due()
	if due.IsZero() {
		return ""
	}
	h := fnv.New32a()
	h.Write([]byte(l.Person))
	return dueKey(int(h.Sum32()%DueShards), due)
}

// DueRange returns the bounds, from <= DueKey < to, of what is due in a shard at or
// before now. Shard is 0 to DueShards-1.
func DueRange(shard int, now time.Time) (from, to string) {
	return fmt.Sprintf("%02d|", shard), dueKey(shard, now.Add(1))
}

func dueKey(shard int, t time.Time) string {
	return fmt.Sprintf("%02d|%s", shard, t.UTC().Format("2006-01-02T15:04:05.000000000Z"))
}

// Counts tells how the passwords of an enterprise stand.
type Counts struct {
	ByState map[State]int `json:"byState"`
	// Waiting are those of Pending that wait for a device to check in.
	Waiting int `json:"waiting,omitzero"`
	// ByReason divides Failed.
	ByReason map[string]int `json:"byReason,omitempty"`
	// Deferred are those of Retry that Google could not be asked for.
	Deferred int `json:"deferred,omitzero"`
}

// Count counts rows. It is a pure fold; the rows may come from as many pages as
// there are.
func Count(rows iter.Seq[Ledger]) Counts {
	c := Counts{ByState: map[State]int{}, ByReason: map[string]int{}}
	for l := range rows {
		c.ByState[l.State]++
		switch {
		case l.Waiting():
			c.Waiting++
		case l.State == Retry && !l.DeferredSince.IsZero():
			c.Deferred++
		case l.State == Failed:
			c.ByReason[l.Reason]++
		}
	}
	return c
}
