package enroll

import (
	"bytes"
	"context"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// claim stores the device, takes a use from the i-th shard that it may try, and
// forgives the login's attempts; it reports whether that shard is full.
func (s *Registrar) claim(ctx context.Context, c call, d device.Device, a admission, i int) (got device.Device, full bool, err error) {
	err = s.Update(ctx, func(tx Rows) error {
		full = false
		found, err := tx.Device(d.ID)
		if err == nil {
			if got, err = repeated(found, d, c.proof.ID); err != nil {
				return err
			}
			return forgive(tx, a)
		}
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if a.token.Exhausted {
			return enrollment.Refusal(enrollment.ReasonExhausted)
		}
		if err := a.judge(tx); err != nil {
			return err
		}
		got = d
		if got.Proofs, err = got.Proofs.Admit(c.proof.ID, s.Now(), c.proof.Until); err != nil {
			return err
		}
		if a.token.Uses > 0 {
			n := a.token.Probe(d.ID, i)
			shard, err := tx.Shard(a.token.ShardID(n))
			if err != nil {
				return err
			}
			if shard.Used >= a.token.Share(n) {
				full = true
				return nil
			}
			shard.Used++
			if err := tx.PutShard(shard); err != nil {
				return err
			}
		}
		if err := tx.PutDevice(got); err != nil {
			return err
		}
		if err := forgive(tx, a); err != nil {
			return err
		}
		return tx.Audit(s.note(c, a, audit.OK))
	})
	return got, full, err
}

// judge reads the person in the transaction that stores the device: either the device
// is there when the person leaves, and is withdrawn, or the person has left.
func (a admission) judge(tx Rows) error {
	if a.allowed == nil {
		return nil
	}
	p, err := tx.Person(person.KeyOf(a.enterprise.ID, a.person))
	switch {
	case fault.KindOf(err) == fault.NotFound && a.optional:
		return nil
	case fault.KindOf(err) == fault.NotFound:
		return enrollment.Refusal(signin.ReasonUnknown)
	case err != nil:
		return err
	}
	return a.allowed(p)
}

func forgive(tx Rows, a admission) error {
	if a.login == "" {
		return nil
	}
	return tx.DeleteAttempts(a.login)
}

// repeated answers a device that is there already: the same keys by the same token, or
// by the same person's credentials, are the same call made again; anything else is
// another's key.
func repeated(found, want device.Device, proofID string) (device.Device, error) {
	switch {
	case found.Proofs.Seen(proofID):
		return device.Device{}, fault.New(fault.Unauthorized, "proof-reused", "")
	case found.State == device.Active && found.EnrollmentToken == want.EnrollmentToken &&
		found.Enterprise == want.Enterprise && found.Subject == want.Subject &&
		bytes.Equal(found.EncryptionKey, want.EncryptionKey):
		return found, nil
	}
	return device.Device{}, enrollment.Refusal(enrollment.ReasonKeyPinned)
}

// exhausted marks the token, so that later devices cost one read, and refuses.
func (s *Registrar) exhausted(ctx context.Context, c call, a admission) error {
	if !a.token.Exhausted {
		err := s.Update(ctx, func(tx Rows) error {
			found, err := tx.Token(a.token.ID)
			if err != nil || found.Exhausted {
				return err
			}
			found.Exhausted = true
			return tx.PutToken(found)
		})
		if err != nil {
			return err
		}
	}
	return s.refused(ctx, c, a, enrollment.Refusal(enrollment.ReasonExhausted))
}
