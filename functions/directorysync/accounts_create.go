package directorysync

import (
	"context"
	"encoding/base64"
	"io"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// create makes the account, or takes the one that an earlier attempt made. That
// one was about to be made is saved first: the address in the row, without an id.
func (b *bringing) create(ctx context.Context, step directory.Step) (directory.Step, error) {
	intent := b.person.Google
	if intent.Mail != "" && person.MailKey(intent.Mail) != person.MailKey(step.To) {
		// The directory gave the person another address meanwhile.
		u, err := b.google.Get(ctx, workspace.Key{ID: intent.Mail, CreatedAt: intent.CreatedAt})
		switch {
		case err == nil && accountOf(u).Owner == b.person.Key:
			return b.adopt(u, step)
		case err != nil && fault.KindOf(err) != fault.NotFound:
			return directory.Step{}, err
		}
		intent = person.Google{}
	}
	if intent.Mail == "" {
		if err := b.put(person.Google{Mail: step.To, CreatedAt: b.Now()}); err != nil {
			return directory.Step{}, err
		}
	}
	u, hashed, err := b.insert(ctx, step.To)
	switch {
	case err == nil:
		g := accountOf(u)
		if hashed {
			g.Hash = b.person.Entry.Hash
		}
		return step, b.put(g)
	case fault.ReasonOf(err) == workspace.ReasonExists:
		return b.claim(ctx, step)
	case fault.KindOf(err) == fault.Transient && !google.NothingDone(err):
		return b.lookAgain(ctx, step, err)
	}
	return directory.Step{}, err
}

// insert makes the account with the directory's password hash, or with a password
// that nobody knows.
func (b *bringing) insert(ctx context.Context, mail string) (u workspace.User, hashed bool, err error) {
	password, hashed, err := b.password(ctx)
	if err != nil {
		return u, false, err
	}
	given, family := directory.GoogleNames(b.person.Entry)
	user := workspace.NewUser{
		PrimaryEmail: mail, GivenName: given, FamilyName: family, Password: password,
		OrgUnitPath: b.config.Google.NewUnit(b.person.Entry.Unit),
		ExternalIDs: []workspace.ExternalID{{Value: b.person.Key, Type: ownerType, CustomType: ownerCustom}},
	}
	u, err = b.google.Insert(ctx, user)
	if !hashed || problemOf(err) != directory.ProblemHash {
		return u, hashed, err
	}
	b.noHash(directory.ProblemHash)
	if user.Password, err = b.unknown(); err != nil {
		return u, false, err
	}
	u, err = b.google.Insert(ctx, user)
	return u, false, err
}

// password returns what a new account gets, and whether it is the directory's.
func (b *bringing) password(ctx context.Context) (workspace.Password, bool, error) {
	if b.config.Google.PasswordHashes && b.person.Entry.Hash != "" {
		p, err := b.hash(ctx)
		if err != nil || !p.Value.Empty() {
			return p, err == nil, err
		}
	}
	p, err := b.unknown()
	return p, false, err
}

// hash returns the person's password hash; none where there is none that Google
// takes, which is then not asked for again.
func (b *bringing) hash(ctx context.Context) (workspace.Password, error) {
	p, err := b.Hash(ctx, b.config, b.person.ID)
	switch fault.ReasonOf(err) {
	case ldap.ReasonHashUnsupported:
		b.noHash(directory.ProblemHash)
	case ldap.ReasonNoHash, ldap.ReasonHashesOff:
		b.noHash("") // the next run sees what became of it
	default:
		return p, err
	}
	return workspace.Password{}, nil
}

func (b *bringing) noHash(problem string) {
	b.tried[directory.SendHash] = true
	if problem != "" {
		b.problems = append(b.problems, problem)
	}
}

// unknown returns a password of 256 random bits that nobody keeps.
func (b *bringing) unknown() (workspace.Password, error) {
	bits := make([]byte, 32)
	if _, err := io.ReadFull(b.Random, bits); err != nil {
		return workspace.Password{}, fault.Wrap(err, fault.Transient, "no-randomness", "the machine gives no random numbers")
	}
	return workspace.Password{Value: secret.New(base64.RawURLEncoding.EncodeToString(bits))}, nil
}

// lookAgain finds out about an account of which nobody knows whether Google made
// it. Where it is not seen, the failure stands and the intent is as of now: for a
// while Google's denial means nothing.
func (b *bringing) lookAgain(ctx context.Context, step directory.Step, failure error) (directory.Step, error) {
	u, err := b.google.Get(ctx, workspace.ByID(step.To))
	if err == nil && accountOf(u).Owner == b.person.Key {
		return b.adopt(u, step)
	}
	if err := b.put(person.Google{Mail: step.To, CreatedAt: b.Now()}); err != nil {
		return directory.Step{}, err
	}
	return directory.Step{}, failure
}
