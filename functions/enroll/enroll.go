package enroll

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// Rows is what enrolling reads and writes in its transactions.
type Rows interface {
	Device(id string) (device.Device, error)
	Person(key string) (person.Person, error)
	Shard(id string) (enrollment.Shard, error)
	Token(id string) (enrollment.Token, error)
	Attempts(id string) (signin.Attempts, error)
	PutDevice(device.Device) error
	PutShard(enrollment.Shard) error
	PutToken(enrollment.Token) error
	PutAttempts(signin.Attempts, signin.Rule) error
	DeleteAttempts(id string) error
	Audit(audit.Record) error
}

// Registrar admits devices. It may be used concurrently.
type Registrar struct {
	// Token, Enterprise and Directory read one row each, outside of any transaction,
	// so that devices that enrol together hold no lock on a row they share (invariant
	// C7).
	Token      func(ctx context.Context, id string) (enrollment.Token, error)
	Enterprise func(ctx context.Context, id string) (enterprise.Enterprise, error)
	Directory  func(ctx context.Context, enterprise string) (directory.Config, error)
	// Attempts reads what went wrong with a login or from an address.
	Attempts func(ctx context.Context, id string) (signin.Attempts, error)
	// People returns an enterprise's people whose field has a value. It may return
	// others too.
	People func(ctx context.Context, enterprise string, field directory.Match, value string) ([]person.Person, error)
	// Passwords returns what checks the passwords of a directory's people.
	Passwords func(directory.Config) Passwords
	IDTokens  IDTokens
	// Update runs a transaction; the closure may run several times.
	Update func(ctx context.Context, fn func(Rows) error) error
	// IdentifierKey is the key of account identifiers; see account.Identifier. The
	// names under which attempts are counted are made with it as well.
	IdentifierKey secret.Value
	Limits        signin.Limits
	// Proxies is how many trusted proxies append to X-Forwarded-For.
	Proxies int
	// Record is asked before a refusal is written into the trail, so that nobody can
	// fill it; refusals are logged in any case.
	Record func() bool
	Now    func() time.Time
}

// call is one request, whose proof holds.
type call struct {
	proof   proof.Verified
	key     seal.Key
	request protocol.EnrollRequest
	address string // see signin.ClientAddress
	device  string // the id that the signing key gives
}

// admission is who lets a device in, as far as it is known.
type admission struct {
	enterprise enterprise.Enterprise
	token      enrollment.Token   // for enrollment tokens
	by         device.Credentials // for all others
	person     string             // directory id; empty for dedicated devices
	labels     []string
	// allowed judges the row of the person; it is nil for dedicated devices.
	allowed func(person.Person) error
	// optional says that there need not be a row.
	optional bool
	// login and address name the attempts of credentials that are being judged.
	login, address string
}

// enroll pins the key that signed the call to a new device, or returns the device that
// the same call made before: a device whose reply was lost asks again, and takes one
// use of its token in all. Every refusal of what proves the caller is
// fault.Unauthorized and has its precise reason in the audit trail.
func (s *Registrar) enroll(ctx context.Context, c call) (device.Device, error) {
	signing, err := seal.NewKey(c.proof.Key)
	if err != nil {
		return device.Device{}, err
	}
	if c.key.Equal(signing) {
		return device.Device{}, fault.Field("encryptionKey", "the encryption key must not be the signing key; make two keys")
	}
	c.device = device.ID(c.proof.Thumbprint)
	if c.request.EnrollmentToken == "" {
		// Whoever hangs up while credentials are judged is counted: the directory has
		// judged them, and locks people out by a count of its own.
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), budget)
		defer cancel()
		ctx = whole
	}
	a, err := s.admit(ctx, c)
	if err != nil {
		return device.Device{}, s.refused(ctx, c, a, err)
	}
	d := s.newDevice(c, a)
	for i := 0; ; i++ {
		got, full, err := s.claim(ctx, c, d, a, i)
		switch {
		case err != nil:
			return device.Device{}, s.refused(ctx, c, a, err)
		case !full:
			return got, nil
		case i+1 >= a.token.Shards():
			return device.Device{}, s.exhausted(ctx, c, a)
		}
	}
}

// admit finds out who lets the device in.
func (s *Registrar) admit(ctx context.Context, c call) (admission, error) {
	switch {
	case c.request.SignIn != nil:
		return s.bySignIn(ctx, c, device.ByPassword)
	case c.request.IDToken != nil:
		return s.bySignIn(ctx, c, device.ByIDToken)
	}
	return s.byToken(ctx, c.request.EnrollmentToken)
}

// byToken finds the token and its enterprise and checks that they admit anyone.
func (s *Registrar) byToken(ctx context.Context, presented string) (admission, error) {
	t, err := s.Token(ctx, enrollment.ID(secret.New(presented)))
	if fault.KindOf(err) == fault.NotFound {
		return admission{}, enrollment.Refusal(enrollment.ReasonUnknown)
	}
	if err != nil {
		return admission{}, err
	}
	a := admission{token: t, person: t.Person, labels: t.Labels, enterprise: enterprise.Enterprise{ID: t.Enterprise}}
	ent, err := enterprise.Required(s.Enterprise(ctx, t.Enterprise))
	if err != nil {
		return a, err
	}
	a.enterprise = ent
	if ent.State == enterprise.Gone {
		return a, enrollment.Refusal(account.ReasonEnterpriseMissing)
	}
	// An exhausted token still answers the devices that it admitted; claim says.
	t.Exhausted = false
	if err := t.Usable(s.Now()); err != nil {
		return a, err
	}
	if t.Person == "" {
		return a, nil
	}
	// Without a directory nobody can say who there is, but who left is known all the same.
	_, err = s.Directory(ctx, ent.ID)
	a.allowed, a.optional = signin.Enrols, fault.KindOf(err) == fault.NotFound
	if a.optional {
		err = nil
	}
	return a, err
}

func (s *Registrar) newDevice(c call, a admission) device.Device {
	now, ent := s.Now(), a.enterprise
	kind := a.token.AccountType
	if kind == "" {
		kind = ent.Policy.AccountTypeFor(a.labels)
	}
	own := account.Subject{Kind: account.Device, ID: c.device}
	subject := account.Subject{Kind: account.Person, ID: a.person}
	if a.person == "" {
		kind, subject = account.DeviceAccount, own
	}
	d := device.Device{
		ID: c.device, Enterprise: ent.ID, State: device.Active, EncryptionKey: c.key.JSON(),
		Subject: subject, Labels: a.labels, Info: c.request.Device, EnrollmentToken: a.token.ID, EnrolledBy: a.by,
		EnrolledAt: now, LastSeen: now, CheckInSeconds: ent.Policy.CheckIn(),
		Desired: device.Desired{AccountType: kind, PlayEnterprise: ent.Play, DisplayName: ent.Name},
		Mail:    device.Mail{Due: ent.MailRevision > 0},
	}
	d.Desired.OwnAccountID = account.Identifier(s.IdentifierKey, ent.ID, account.DeviceAccount, own)
	d.Desired.AccountID = account.Identifier(s.IdentifierKey, ent.ID, kind, d.AccountSubject())
	return d
}
