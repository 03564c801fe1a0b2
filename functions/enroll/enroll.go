package enroll

import (
	"bytes"
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Rows is what enrolling reads and writes in its transaction.
type Rows interface {
	Device(id string) (device.Device, error)
	Shard(id string) (enrollment.Shard, error)
	PutDevice(device.Device) error
	PutShard(enrollment.Shard) error
	PutToken(enrollment.Token) error
	Token(id string) (enrollment.Token, error)
	Audit(audit.Record) error
}

// Registrar admits devices. It may be used concurrently.
type Registrar struct {
	// Token and Enterprise read one row each, outside of any transaction, so that
	// devices that enrol together hold no lock on a row they share (invariant C7).
	Token      func(ctx context.Context, id string) (enrollment.Token, error)
	Enterprise func(ctx context.Context, id string) (enterprise.Enterprise, error)
	// Update runs a transaction; the closure may run several times.
	Update func(ctx context.Context, fn func(Rows) error) error
	// IdentifierKey is the key of account identifiers; see account.Identifier.
	IdentifierKey secret.Value
	// Record is asked before a refusal is written into the trail, so that nobody can
	// fill it; refusals are logged in any case.
	Record func() bool
	Now    func() time.Time
}

// Enroll pins the key that signed v to a new device, or returns the device that
// the same call made before: a device whose reply was lost asks again, and takes
// one use of its token in all. Every refusal is fault.Unauthorized to the caller
// and has its precise reason in the audit trail.
func (s *Registrar) Enroll(ctx context.Context, v proof.Verified, key seal.Key, req protocol.EnrollRequest) (device.Device, error) {
	signing, err := seal.NewKey(v.Key)
	if err != nil {
		return device.Device{}, err
	}
	if key.Equal(signing) {
		return device.Device{}, fault.Field("encryptionKey", "the encryption key must not be the signing key; make two keys")
	}
	id := device.ID(v.Thumbprint)
	t, ent, err := s.admission(ctx, req.EnrollmentToken)
	if err != nil {
		return device.Device{}, s.refused(ctx, t, id, err)
	}
	d := s.newDevice(id, t, ent, key, req)
	for i := 0; ; i++ {
		got, full, err := s.claim(ctx, d, t, i, v)
		switch {
		case err != nil:
			return device.Device{}, s.refused(ctx, t, id, err)
		case !full:
			return got, nil
		case i+1 >= t.Shards():
			return device.Device{}, s.exhausted(ctx, t, id)
		}
	}
}

// admission finds the token and its enterprise and checks that they admit anyone.
func (s *Registrar) admission(ctx context.Context, presented string) (enrollment.Token, enterprise.Enterprise, error) {
	t, err := s.Token(ctx, enrollment.ID(secret.New(presented)))
	if fault.KindOf(err) == fault.NotFound {
		return enrollment.Token{}, enterprise.Enterprise{}, enrollment.Refusal(enrollment.ReasonUnknown)
	}
	if err != nil {
		return enrollment.Token{}, enterprise.Enterprise{}, err
	}
	ent, err := enterprise.Required(s.Enterprise(ctx, t.Enterprise))
	if err != nil {
		return t, ent, err
	}
	if ent.State == enterprise.Gone {
		return t, ent, enrollment.Refusal(account.ReasonEnterpriseMissing)
	}
	// An exhausted token still answers the devices that it admitted; claim says.
	t2 := t
	t2.Exhausted = false
	return t, ent, t2.Usable(s.Now())
}

func (s *Registrar) newDevice(id string, t enrollment.Token, ent enterprise.Enterprise, key seal.Key, req protocol.EnrollRequest) device.Device {
	now := s.Now()
	kind := t.AccountType
	if kind == "" {
		kind = ent.Policy.AccountTypeFor(t.Labels)
	}
	if t.Person == "" {
		kind = account.DeviceAccount
	}
	d := device.Device{
		ID: id, Enterprise: ent.ID, State: device.Active, EncryptionKey: key.JSON(),
		Subject: t.Subject(id), Labels: t.Labels, Info: req.Device, EnrollmentToken: t.ID,
		EnrolledAt: now, LastSeen: now, CheckInSeconds: ent.Policy.CheckIn(),
		Desired: device.Desired{AccountType: kind, PlayEnterprise: ent.Play, DisplayName: ent.Name},
	}
	own := account.Subject{Kind: account.Device, ID: id}
	d.Desired.OwnAccountID = account.Identifier(s.IdentifierKey, ent.ID, account.DeviceAccount, own)
	d.Desired.AccountID = account.Identifier(s.IdentifierKey, ent.ID, kind, d.AccountSubject())
	return d
}

// claim stores the device and takes a use from the i-th shard that it may try; it
// reports whether that shard is full.
func (s *Registrar) claim(ctx context.Context, d device.Device, t enrollment.Token, i int, v proof.Verified) (got device.Device, full bool, err error) {
	err = s.Update(ctx, func(tx Rows) error {
		full = false
		found, err := tx.Device(d.ID)
		if err == nil {
			got, err = repeated(found, d, v)
			return err
		}
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if t.Exhausted {
			return enrollment.Refusal(enrollment.ReasonExhausted)
		}
		got = d
		if got.Proofs, err = got.Proofs.Admit(v.ID, s.Now(), v.Until); err != nil {
			return err
		}
		if t.Uses > 0 {
			n := t.Probe(d.ID, i)
			shard, err := tx.Shard(t.ShardID(n))
			if err != nil {
				return err
			}
			if shard.Used >= t.Share(n) {
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
		return tx.Audit(s.note(t, d.ID, audit.OK))
	})
	return got, full, err
}

// repeated answers a device that is there already: the same keys with the same
// token are the same call made again, anything else is another's key.
func repeated(found, want device.Device, v proof.Verified) (device.Device, error) {
	switch {
	case found.Proofs.Seen(v.ID):
		return device.Device{}, fault.New(fault.Unauthorized, "proof-reused", "")
	case found.State == device.Active && found.EnrollmentToken == want.EnrollmentToken &&
		bytes.Equal(found.EncryptionKey, want.EncryptionKey):
		return found, nil
	}
	return device.Device{}, enrollment.Refusal(enrollment.ReasonKeyPinned)
}

// exhausted marks the token, so that later devices cost one read, and refuses.
func (s *Registrar) exhausted(ctx context.Context, t enrollment.Token, deviceID string) error {
	if !t.Exhausted {
		err := s.Update(ctx, func(tx Rows) error {
			found, err := tx.Token(t.ID)
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
	return s.refused(ctx, t, deviceID, enrollment.Refusal(enrollment.ReasonExhausted))
}

// refused records a refusal and returns it. Failures that are not refusals pass.
func (s *Registrar) refused(ctx context.Context, t enrollment.Token, deviceID string, why error) error {
	if fault.KindOf(why) != fault.Unauthorized || fault.ReasonOf(why) == "proof-reused" {
		return why
	}
	if !s.Record() {
		return why
	}
	if err := s.Update(ctx, func(tx Rows) error { return tx.Audit(s.note(t, deviceID, fault.ReasonOf(why))) }); err != nil {
		return err
	}
	return why
}

func (s *Registrar) note(t enrollment.Token, deviceID, result string) audit.Record {
	r := audit.Record{
		Enterprise: t.Enterprise, At: s.Now(), Actor: "device:" + deviceID, Action: "device.enroll",
		Target: "enrollment-token:" + t.ID, Result: result,
	}
	if t.ID == "" {
		r.Enterprise, r.Target = "-", "enrollment-token:unknown"
	}
	return r
}
