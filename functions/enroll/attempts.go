package enroll

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// notLocked refuses an address from which too much went wrong. It is one read: what
// goes well from an address writes nothing that others from there share (invariant C7).
func (s *Registrar) notLocked(ctx context.Context, address string) error {
	a, err := s.Attempts(ctx, address)
	if err != nil {
		return err
	}
	return limited(a.Wait(s.Now()))
}

// take counts an attempt for a login before anybody judges it, so that guesses made at
// once are no more than the limit.
func (s *Registrar) take(ctx context.Context, login string) error {
	return s.Update(ctx, func(tx Rows) error {
		a, err := tx.Attempts(login)
		if err != nil {
			return err
		}
		now := s.Now()
		if err := limited(a.Wait(now)); err != nil {
			return err
		}
		return tx.PutAttempts(a.Add(s.Limits.Person, now), s.Limits.Person)
	})
}

// giveBack takes an attempt back that nobody judged. If that fails it stays counted,
// which a success forgives.
func (s *Registrar) giveBack(ctx context.Context, login string) {
	// The request may have ended while the directory was silent.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.Update(ctx, func(tx Rows) error {
		a, err := tx.Attempts(login)
		if err != nil {
			return err
		}
		if a.Count == 0 {
			return nil
		}
		return tx.PutAttempts(a.Undo(s.Limits.Person), s.Limits.Person)
	})
}

// failed counts what went wrong from an address.
func (s *Registrar) failed(tx Rows, address string) error {
	a, err := tx.Attempts(address)
	if err != nil {
		return err
	}
	now := s.Now()
	if a.Wait(now) > 0 {
		return nil // it was under way when the lock-out began
	}
	return tx.PutAttempts(a.Add(s.Limits.Address, now), s.Limits.Address)
}

func limited(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return fault.New(fault.Exhausted, signin.ReasonLimit,
		"Too many sign-ins failed; wait before trying again, or ask for an enrollment token.").After(wait)
}
