// Package password holds the rules of generated passwords (the "Google Apps
// password" of a person): what a policy asks for, and how one person's password
// comes into being, is offered to Google, accepted, replaced or given up.
//
// The ledger row is the truth and an event is a nudge (invariant W2): every method
// of Ledger is a pure function of row, time and jitter, and returns the row as it
// is to be stored. Call it within the transaction that reads and writes the row.
//
//	none -> pending(v) -> leased(v, n) -> active(v)
//	                          |  ^          |  rotation, renewal: pending(v+1)
//	                          v  |
//	                        retry(v, n) -> failed(v, reason) -> renewal: pending(v+1)
//
// A worker that pushes a password calls Lease, stores the row, sends the password
// to Google before Ticket.Deadline, and takes the answer in with Succeed or Fail.
package password

import "time"

// State is where a person's password stands.
type State string

// The states (invariant W1).
const (
	// None: nothing has asked for a password yet.
	None State = "none"
	// Pending: the password is made and Google was not asked. It waits for NextAt,
	// or, without one, for a device of the person to check in.
	Pending State = "pending"
	// Leased: a worker has it until Until.
	Leased State = "leased"
	// Retry: it is offered to Google again at NextAt.
	Retry State = "retry"
	// Active: Google accepted it.
	Active State = "active"
	// Failed: it was given up with a reason; an admin renews it.
	Failed State = "failed"
)

// LeaseTime is how long a worker has a password to itself. A dead worker's lease
// runs out by itself, and its attempt stays counted.
const LeaseTime = 2 * time.Minute

// leaseMargin is what is left of a lease when the call to Google must be over, for
// clocks that differ and a request that is on its way.
const leaseMargin = 20 * time.Second

// Ledger is one person's row. It is comparable: two rows that are == need no write.
// Times are UTC without a monotonic reading, as they come out of a store.
type Ledger struct {
	// Person is the key of the person, and of the row; see person.KeyOf.
	Person     string `json:"person"`
	Enterprise string `json:"enterprise"`
	State      State  `json:"state"`
	// Version counts the passwords that the person had, this one included. All of
	// the row but Accepted, Account, Leases and Unanswered is about this version
	// (invariant W4).
	Version int `json:"version,omitzero"`
	// Begun is when this version came into being.
	Begun time.Time `json:"begun,omitzero"`
	// Sealed is the password as ciphertext that is bound to enterprise, person and
	// version (invariant W8), and Length its number of characters.
	Sealed string `json:"sealed,omitempty"`
	Length int    `json:"length,omitzero"`
	// Attempts is how many leases counted towards the policy's maximum.
	Attempts int `json:"attempts,omitzero"`
	// Leases counts every lease that was ever taken on the row; it tells the
	// results of one worker from another's.
	Leases int `json:"leases,omitzero"`
	// Until is when the last lease ends. It outlives the lease when a renewal cuts
	// it short: the older password may be on its way to Google until then, and must
	// not arrive after the newer one.
	Until time.Time `json:"until,omitzero"`
	// Unanswered is until when a call that nobody waits for any more may still
	// reach Google. A newer version is not offered before.
	Unanswered time.Time `json:"unanswered,omitzero"`
	// NextAt is when the password is next offered to Google.
	NextAt time.Time `json:"nextAt,omitzero"`
	// Turn is until when the sweep leaves the row alone although it may be due: it
	// told a worker (HandOut), or it keeps NextAt as a place for it (Postpone).
	Turn time.Time `json:"turn,omitzero"`
	// DeferredSince is when the present run of deferrals began, and Deferrals how
	// many there were.
	DeferredSince time.Time `json:"deferredSince,omitzero"`
	Deferrals     int       `json:"deferrals,omitzero"`
	// SetAt is when Google accepted the password, and RotateAt when it is to be
	// replaced; zero is never.
	SetAt    time.Time `json:"setAt,omitzero"`
	RotateAt time.Time `json:"rotateAt,omitzero"`
	// Reason is why the password was given up, for Failed; Last is the word of the
	// last attempt that failed, at LastAt, for all. See Text.
	Reason string    `json:"reason,omitempty"`
	Last   string    `json:"last,omitempty"`
	LastAt time.Time `json:"lastAt,omitzero"`
	// Accepted is the newest version that Google accepted, and Account the id of
	// the Google account as Google answered.
	Accepted  int       `json:"accepted,omitzero"`
	Account   string    `json:"account,omitempty"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

// New returns the row of a person who has no password yet.
func New(enterprise, person string) Ledger {
	return Ledger{Enterprise: enterprise, Person: person, State: None}
}

// Usable reports whether devices may be given the password: Google has accepted
// this very version (invariant C5).
func (l Ledger) Usable() bool { return l.State == Active }

// Due is when the row next needs the sweep without anybody asking: a password to
// offer, a lease that runs out, a rotation. The zero time is never: the row waits
// for a device, an admin or nothing.
func (l Ledger) Due() time.Time {
	at := l.ready()
	if at.IsZero() {
		return at
	}
	return later(at, l.Turn)
}

// ready is when a worker may take the row, whomever the sweep told of it.
func (l Ledger) ready() time.Time {
	switch l.State {
	case Pending:
		if l.NextAt.IsZero() {
			return time.Time{}
		}
		return later(l.NextAt, later(l.Until, l.Unanswered))
	case Retry:
		return l.NextAt
	case Leased:
		return l.Until
	case Active:
		return l.RotateAt
	}
	return time.Time{}
}

// Waiting reports whether the password waits for a device of the person to check
// in.
func (l Ledger) Waiting() bool { return l.State == Pending && l.NextAt.IsZero() }

// due reports whether there is something to do with the row for whoever looks at it.
func (l Ledger) due(now time.Time) bool {
	at := l.ready()
	return !at.IsZero() && !now.Before(at)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
