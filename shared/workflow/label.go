package workflow

import (
	"maps"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// maxHeld is how many labels one device or person has at most.
	maxHeld = 50
	// asksFor is how long it is remembered when a label was last asked about: no bus
	// keeps an event for longer. maxAsked bounds the memory.
	asksFor  = 31 * 24 * time.Hour
	maxAsked = 200
)

// Relabel does what a Label command asks for to the labels of one device or person.
// Asked is when each label was last asked about, present or not, and is kept beside
// the labels: a label that a younger command was about is left alone, so that
// commands which come late or out of order end as if they had come in theirs. It
// returns both as they are to be stored, the labels sorted, and whether that is
// anything new; its arguments are not changed. More than 50 labels are
// fault.Conflict.
func (c Command) Relabel(labels []string, asked map[string]time.Time) ([]string, map[string]time.Time, bool, error) {
	has := map[string]bool{}
	for _, l := range labels {
		has[l] = true
	}
	times := maps.Clone(asked)
	if times == nil {
		times = map[string]time.Time{}
	}
	at := c.RequestedAt.UTC()
	decide := func(names []string, keep bool) {
		for _, l := range names {
			if at.Before(times[l]) {
				continue
			}
			times[l], has[l] = at, keep
		}
	}
	decide(c.AddLabels, true)
	decide(c.RemoveLabels, false)
	maps.DeleteFunc(has, func(_ string, keep bool) bool { return !keep })
	if len(has) > maxHeld && len(has) > len(labels) {
		return nil, nil, false, fault.New(fault.Conflict, "too-many-labels", "at most %d labels can be held at once", maxHeld)
	}
	forget(times, at)
	next := slices.Sorted(maps.Keys(has))
	changed := !slices.Equal(next, slices.Sorted(slices.Values(labels))) || !maps.EqualFunc(times, asked, time.Time.Equal)
	return next, times, changed, nil
}

// forget drops what is too old to matter to any event that may still come, and the
// oldest where there are too many.
func forget(times map[string]time.Time, now time.Time) {
	maps.DeleteFunc(times, func(_ string, t time.Time) bool { return now.Sub(t) > asksFor })
	if len(times) <= maxAsked {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(times), func(a, b string) int { return times[a].Compare(times[b]) })
	for _, l := range byAge[:len(times)-maxAsked] {
		delete(times, l)
	}
}
