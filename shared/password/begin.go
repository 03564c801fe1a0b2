package password

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Binding is what a sealed password belongs to. Ciphertext that is moved to
// another row, or kept for another version, does not open.
type Binding struct {
	Enterprise string
	Person     string
	Version    int
}

// Bound is what the row's password is bound to.
func (l Ledger) Bound() Binding { return Binding{l.Enterprise, l.Person, l.Version} }

// NextBound is what the row's next password is to be bound to.
func (l Ledger) NextBound() Binding { return Binding{l.Enterprise, l.Person, l.Version + 1} }

// Fresh is a new password that was not offered to anybody.
type Fresh struct {
	Sealed string
	Length int
	For    Binding
}

// Generator makes passwords of length printable ASCII characters, MinLength to
// MaxLength, with at least one small letter, capital, digit and symbol each, and no
// space at either end; any that fits is as likely as any other that the generator
// makes. Another length is fault.Invalid.
type Generator interface {
	Generate(length int) (secret.Value, error)
}

// Sealer encrypts passwords for keeping. What it returns holds no character that
// JSON would escape.
type Sealer interface {
	Seal(ctx context.Context, b Binding, v secret.Value) (string, error)
}

// Make returns a new password as the policy wants it, sealed to b.
func Make(ctx context.Context, g Generator, s Sealer, b Binding, p Policy) (Fresh, error) {
	n := p.WithDefaults().Length
	v, err := g.Generate(n)
	if err != nil {
		return Fresh{}, err
	}
	sealed, err := s.Seal(ctx, b, v)
	if err != nil {
		return Fresh{}, err
	}
	return Fresh{Sealed: sealed, Length: n, For: b}, nil
}

// When says when a new password goes to Google.
type When bool

// The two choices (invariant W7).
const (
	// AtCheckIn: when a device of the person next checks in, so that the old
	// password works until a device can have the new one.
	AtCheckIn When = false
	// AtOnce: without waiting for a device.
	AtOnce When = true
)

// Want takes in that a device needs the password: a person without one gets f as
// the first, and one that was never offered to Google, and waits for a device or
// was postponed, becomes due. In every other state it changes nothing; above all
// not in Failed (invariant W6). Of f, which is used for None alone, the binding
// must be NextBound.
func (l Ledger) Want(now time.Time, f Fresh) Ledger {
	switch {
	case l.State == None && f.For == l.NextBound():
		return l.begin(now, now, f, now)
	case l.Waiting(), l.State == Pending && l.Attempts == 0 && l.NextAt.After(now):
		l.NextAt, l.Turn, l.UpdatedAt = now, time.Time{}, now
	}
	return l
}

// Renew replaces the password by f, out of every state but None, with all attempts
// to go again (invariant W7). Asked is when the renewal was asked for: a version
// that began later is new enough, so that an event that comes twice renews once.
func (l Ledger) Renew(now, asked time.Time, f Fresh, when When) Ledger {
	if l.State == None || f.For != l.NextBound() || !l.Begun.Before(asked) {
		return l
	}
	var next time.Time
	if when == AtOnce {
		next = now
	}
	return l.begin(now, later(now, asked), f, next)
}

// RotationGrace is how long a password that replaces one of its own accord waits
// for a device of the person to check in: until then the older one works, and
// behind it the policy counts more than a mail client's next try.
const RotationGrace = 24 * time.Hour

// Rotate replaces an accepted password by f once RotateAt has come, and changes
// nothing before. Google gets it when a device asks (Want), or after
// RotationGrace.
func (l Ledger) Rotate(now time.Time, f Fresh) Ledger {
	if l.State != Active || f.For != l.NextBound() || !l.due(now) {
		return l
	}
	return l.begin(now, now, f, now.Add(RotationGrace))
}

// Appeared takes in that the directory shows the person's Google account, of the
// given id: a password that failed because Google did not know the person is offered
// again, the same version with all attempts to go (invariants W4, W6). So is one that
// another account accepted, or is being offered: the account was made anew, and knows
// nothing of it. Devices keep what they have meanwhile. An empty id is not known.
func (l Ledger) Appeared(now time.Time, account string) Ledger {
	if account != "" && account != l.Account {
		l = l.moved(now)
	}
	return l.again(now, ReasonUnknownPerson)
}

// moved takes in that the person has another Google account than the one that
// answered last.
func (l Ledger) moved(now time.Time) Ledger {
	if l.Account != "" {
		if l.State == Active {
			l = l.afresh(now)
			l.SetAt, l.RotateAt = time.Time{}, time.Time{}
		}
		l.Accepted, l.Account, l.UpdatedAt = 0, "", now
	}
	if l.State == Leased {
		// To the account that was; its attempt stays counted.
		l.State, l.NextAt, l.UpdatedAt = Pending, now, now
	}
	return l
}

// Returned takes in that the person may have accounts again: a password that
// failed because the person was away is offered again, the same version with all
// attempts to go (invariant W4).
func (l Ledger) Returned(now time.Time) Ledger { return l.again(now, ReasonPersonAway) }

func (l Ledger) again(now time.Time, reason string) Ledger {
	if l.State != Failed || l.Reason != reason {
		return l
	}
	return l.afresh(now)
}

// afresh has the same version offered again. Until stays: a lease that is cut short
// may be on its way to Google.
func (l Ledger) afresh(now time.Time) Ledger {
	l.State, l.Reason, l.NextAt, l.Turn, l.UpdatedAt = Pending, "", now, time.Time{}, now
	l.Attempts, l.Deferrals, l.DeferredSince = 0, 0, time.Time{}
	return l
}

// begin makes f the password, to be offered to Google at next or, where that is
// zero, when a device asks. What survives is what is about more than one version;
// Until and Unanswered do so that the older one cannot overtake it at Google.
func (l Ledger) begin(now, begun time.Time, f Fresh, next time.Time) Ledger {
	return Ledger{
		Person: l.Person, Enterprise: l.Enterprise, State: Pending,
		Version: f.For.Version, Begun: begun, Sealed: f.Sealed, Length: f.Length,
		Leases: l.Leases, Until: l.Until, Unanswered: l.Unanswered, NextAt: next,
		Accepted: l.Accepted, Account: l.Account, UpdatedAt: now,
	}
}

// Reseal replaces the ciphertext of the same password, after a rotation of keys. It
// changes nothing when the row no longer holds the ciphertext that was opened.
func (l Ledger) Reseal(opened, sealed string) Ledger {
	if l.Sealed == opened && sealed != "" {
		l.Sealed = sealed
	}
	return l
}
