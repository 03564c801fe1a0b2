// Package push brings people's generated passwords to Google: it carries out what
// the ledger's row says (package password), for whoever finds a row due or needs it
// at once.
//
// The row is the truth. A push may be started by anybody, at any time, twice or at
// once: the lease is taken, and its answer taken in, in transactions that read the
// row, and a lease that another has is not waited for.
package push

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// Actor is who the audit trail names for what becomes of a push.
const Actor = "system:passwordpush"

// Google sets passwords; see workspace.Client.SetPassword.
type Google interface {
	SetPassword(ctx context.Context, k workspace.Key, v secret.Value) (workspace.User, error)
}

// Keys seals passwords and opens them again; see keyring.Keyring.
type Keys interface {
	password.Sealer
	Open(ctx context.Context, b password.Binding, sealed string) (secret.Value, error)
	NeedsReseal(ctx context.Context, sealed string) (bool, error)
}

// Pusher pushes passwords. It may be used concurrently, by any number of processes.
// All fields are required.
type Pusher struct {
	DB *record.DB
	// Google returns the client of Google for an enterprise's directory.
	Google    func(context.Context, directory.Config) (Google, error)
	Keys      Keys
	Generator password.Generator
	Now       func() time.Time
	// Jitter returns a random number of [0, 1). It is called concurrently.
	Jitter func() float64
	Log    *slog.Logger

	known known
}

// taking bounds the transaction that takes an answer in, which outlives the
// caller's time: an answer that is lost costs the person a lease, and an attempt.
const taking = 10 * time.Second

// Push offers a person's password to Google if it is due and nobody else has it,
// and returns the row as it is then. The call to Google ends with ctx, and before
// the lease does; what is known of it then is taken in behind the end of ctx too.
//
// An error is the store's, or ctx had ended before the lease was taken; Google's
// failures and those of the keys are in the row. After an error nothing is lost: the
// row is due again when the lease runs out, with the same password (invariant W4).
//
// A successful push costs four reads and three writes, and two reads each half a
// minute for the enterprise.
func (p *Pusher) Push(ctx context.Context, ent, key string) (password.Ledger, error) {
	e, err := p.enterprise(ctx, ent)
	if err != nil {
		return password.Ledger{}, err
	}
	l, j, err := p.lease(ctx, e, key)
	if err != nil || j == nil {
		return l, err
	}
	answer := p.offer(ctx, e.google, *j)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), taking)
	defer cancel()
	return p.take(ctx, *j, answer)
}

// job is a lease with what is offered under it, and to whom.
type job struct {
	row    password.Ledger
	ticket password.Ticket
	key    workspace.Key
}

// lease takes the lease, and settles at once what needs no call. The job is nil
// where there is nothing to call for.
func (p *Pusher) lease(ctx context.Context, e enterprise, key string) (l password.Ledger, j *job, err error) {
	var before password.Ledger
	jitter := p.Jitter()
	err = p.DB.Update(ctx, func(tx *record.Tx) (err error) {
		j = nil
		if before, err = tx.Password(e.id, key); err != nil {
			return err
		}
		now := p.now()
		var t password.Ticket
		var ok bool
		if l, t, ok = before.Lease(now, e.policy); !ok {
			return p.put(tx, before, l)
		}
		who, err := tx.Person(key)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		account := e.mode.Account(who)
		switch {
		case e.off != nil:
			l = l.Fail(t, now, e.policy, barred(e.off), jitter)
		case who.State.Access() != person.Granted || who.Enterprise != e.id:
			l = l.Away(t, now)
		case account.Deleted:
			l = l.UnknownToGoogle(t, now, workspace.ReasonDeleted)
		case account.ID == "":
			l = l.UnknownToGoogle(t, now, google.ReasonNotFound)
		default:
			j = &job{row: l, ticket: t, key: workspace.Key{ID: account.ID, CreatedAt: account.CreatedAt}}
		}
		return p.put(tx, before, l)
	})
	if err != nil {
		return password.Ledger{}, nil, err
	}
	p.note(ctx, before, l)
	return l, j, nil
}

// answer is what became of an offer.
type answer struct {
	failure *password.Verdict // nil: accepted
	account string
	// resealed is the same password under the newer key, where there is one.
	resealed string
}

// offer opens the password and sends it.
func (p *Pusher) offer(ctx context.Context, g Google, j job) (a answer) {
	now := p.Now()
	ctx, cancel := context.WithTimeout(ctx, j.ticket.Deadline.Sub(now))
	defer cancel()
	pw, err := p.Keys.Open(ctx, j.row.Bound(), j.row.Sealed)
	if err != nil {
		v := barred(err)
		a.failure = &v
		return a
	}
	a.resealed = p.reseal(ctx, j.row, pw)
	u, err := g.SetPassword(ctx, j.key, pw)
	if err != nil {
		var age time.Duration
		if made := j.key.CreatedAt; !made.IsZero() {
			age = max(now.Sub(made), 1) // never unknown, whatever the clocks say
		}
		v := refused(err, age)
		a.failure = &v
	}
	a.account = u.ID
	return a
}

// take takes the answer in. Another worker's row is left as it is.
func (p *Pusher) take(ctx context.Context, j job, a answer) (l password.Ledger, err error) {
	var before password.Ledger
	jitter := p.Jitter()
	err = p.DB.Update(ctx, func(tx *record.Tx) (err error) {
		if before, err = tx.Password(j.row.Enterprise, j.row.Person); err != nil {
			return err
		}
		// As it is in this very transaction: a row that became active by an older
		// policy would never be planned by the newer one.
		policy, err := tx.PasswordPolicy(j.row.Enterprise)
		off := fault.KindOf(err) == fault.NotFound
		if err != nil && !off {
			return err
		}
		now := p.now()
		l = before.Reseal(j.row.Sealed, a.resealed)
		if a.failure != nil {
			l = l.Fail(j.ticket, now, policy, *a.failure, jitter)
		} else {
			l = l.Succeed(j.ticket, now, policy, a.account)
		}
		if off {
			l, _ = l.Unplan(now)
		}
		return p.put(tx, before, l)
	})
	if err != nil {
		return password.Ledger{}, err
	}
	p.note(ctx, before, l)
	return l, nil
}
