// Package replay remembers, inside the row that a call changes, which proofs were
// used to change it, so that a reused proof is refused without a store operation
// of its own (invariant C1).
package replay

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// maxUses bounds a row's memory. A device that changes one row more often than
// this within the window of its proofs is asked to slow down.
const maxUses = 64

// Use is one proof that changed the row.
type Use struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
}

// Window is the proofs of the recent past. Its methods are pure.
type Window []Use

// Seen reports whether the proof was used already.
func (w Window) Seen(id string) bool {
	for _, u := range w {
		if u.ID == id {
			return true
		}
	}
	return false
}

// Admit returns the window with the proof added and the outdated ones dropped.
// until is the moment from which the proof would be refused for its age alone. A
// reused proof is fault.Unauthorized, and so is one that was made before the last
// that changed the row: it may be a request that changed nothing in its time and
// so was not remembered. A full window is fault.Exhausted.
func (w Window) Admit(id string, now, until time.Time) (Window, error) {
	if w.Seen(id) {
		return w, fault.New(fault.Unauthorized, "proof-reused", "")
	}
	next := make(Window, 0, len(w)+1)
	for _, u := range w {
		if until.Before(u.Until) {
			return w, fault.New(fault.Unauthorized, "proof-outdated", "")
		}
		if now.Before(u.Until) {
			next = append(next, u)
		}
	}
	if len(next) >= maxUses {
		return w, fault.New(fault.Exhausted, "too-many-changes",
			"this device changes its state too often; wait a few minutes").After(next[0].Until.Sub(now))
	}
	return append(next, Use{ID: id, Until: until}), nil
}
