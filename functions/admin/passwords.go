package admin

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// passwordView is where a person's password stands. The password itself is not in
// it, sealed or not.
type passwordView struct {
	Person string         `json:"person"`
	Name   string         `json:"name,omitempty"`
	Mail   string         `json:"mail,omitempty"`
	State  password.State `json:"state"`
	// Version counts the person's passwords, and Accepted is the newest that Google
	// has.
	Version  int `json:"version,omitzero"`
	Accepted int `json:"accepted,omitzero"`
	Attempts int `json:"attempts"`
	// MaxAttempts is the policy's, 0 without one.
	MaxAttempts int       `json:"maxAttempts,omitzero"`
	SetAt       time.Time `json:"setAt,omitzero"`
	RotateAt    time.Time `json:"rotateAt,omitzero"`
	NextAt      time.Time `json:"nextAt,omitzero"`
	// Due is when the password next needs a worker, if nobody asks.
	Due time.Time `json:"due,omitzero"`
	// Reason is why it was given up, and Last what the last attempt failed for.
	Reason     string    `json:"reason,omitempty"`
	ReasonText string    `json:"reasonText,omitempty"`
	Last       string    `json:"last,omitempty"`
	LastText   string    `json:"lastText,omitempty"`
	LastAt     time.Time `json:"lastAt,omitzero"`
	// DeferredSince is since when Google cannot be asked.
	DeferredSince time.Time `json:"deferredSince,omitzero"`
	// Waiting: it waits for a device of the person to check in.
	Waiting bool `json:"waiting,omitzero"`
	// Account is the id of the Google account that has it.
	Account string `json:"account,omitempty"`
	// Locked is why the stored password does not open, so that nothing can be done
	// with it. It is told of one person alone.
	Locked     string `json:"locked,omitempty"`
	LockedText string `json:"lockedText,omitempty"`
}

func viewPassword(l password.Ledger, maxAttempts int) passwordView {
	return passwordView{
		Person: l.Person, State: l.State, Version: l.Version, Accepted: l.Accepted, Attempts: l.Attempts, MaxAttempts: maxAttempts,
		SetAt: l.SetAt, RotateAt: l.RotateAt, NextAt: l.NextAt, Due: l.Due(),
		Reason: l.Reason, ReasonText: password.Text(l.Reason), Last: l.Last, LastText: password.Text(l.Last), LastAt: l.LastAt,
		DeferredSince: l.DeferredSince, Waiting: l.Waiting(), Account: l.Account,
	}
}

var passwordStates = []password.State{password.Pending, password.Leased, password.Retry, password.Active, password.Failed}

// listPasswords lists the people who have a password, or had one made.
func (o *Office) listPasswords(r *request) error {
	p, err := r.page("state")
	if err != nil {
		return err
	}
	state := password.State(r.query("state"))
	if state != "" && !slices.Contains(passwordStates, state) {
		return fault.Field("state", "give pending, leased, retry, active or failed")
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	most, err := o.maxAttempts(r.Context(), e.ID)
	if err != nil {
		return err
	}
	rows, next, err := o.DB.Passwords(r.Context(), e.ID, state, p)
	if err != nil {
		return err
	}
	items := make([]passwordView, len(rows))
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(8)
	for i, l := range rows {
		g.Go(func() (err error) {
			items[i] = viewPassword(l, most)
			items[i].Name, items[i].Mail, err = o.nameOf(ctx, l.Person)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return answer(r, page[passwordView]{Items: items, Next: next})
}

// nameOf returns what a person is called, and nothing of one who has no row any
// more.
func (o *Office) nameOf(ctx context.Context, key string) (name, mail string, err error) {
	p, err := o.DB.Person(ctx, key)
	if fault.KindOf(err) == fault.NotFound {
		return "", "", nil
	}
	return p.Entry.Name(), p.Entry.Mail, err
}

// maxAttempts is the policy's, 0 without one.
func (o *Office) maxAttempts(ctx context.Context, enterprise string) (int, error) {
	p, err := o.DB.PasswordPolicy(ctx, enterprise)
	if fault.KindOf(err) == fault.NotFound {
		return 0, nil
	}
	return p.WithDefaults().MaxAttempts, err
}

func (o *Office) showPassword(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	p, err := o.person(r)
	if err != nil {
		return err
	}
	most, err := o.maxAttempts(r.Context(), p.Enterprise)
	if err != nil {
		return err
	}
	l, err := o.DB.Password(r.Context(), p.Enterprise, p.Key)
	if err != nil {
		return err
	}
	v := viewPassword(l, most)
	v.Name, v.Mail = p.Entry.Name(), p.Entry.Mail
	if l.Sealed != "" {
		v.Locked = o.locks(r.Context()).on(l)
		v.LockedText = password.Text(v.Locked)
	}
	return answer(r, v)
}

// passwordCounts tells how the passwords of an enterprise stand.
type passwordCounts struct {
	password.Counts
	// Locked are those that no key opens, by reason.
	Locked map[string]int `json:"locked,omitempty"`
	// Truncated says that there are more than were counted.
	Truncated bool `json:"truncated,omitzero"`
}

func (o *Office) showPasswordStatus(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var v passwordCounts
	var end ending
	rows := every(maxCounted, o.passwordRows(r.Context(), e.ID), &end)
	v.Counts = password.Count(v.locked(rows, func() locks { return o.locks(r.Context()) }))
	v.Truncated = end.more
	if end.err != nil {
		return end.err
	}
	return answer(r, v)
}

// locked hands rows on, and counts those that no key opens. The keys are read once, and
// not for nobody.
func (v *passwordCounts) locked(rows iter.Seq[password.Ledger], read func() locks) iter.Seq[password.Ledger] {
	keys := sync.OnceValue(read)
	return func(yield func(password.Ledger) bool) {
		for l := range rows {
			if l.Sealed != "" {
				if why := keys().on(l); why != "" {
					if v.Locked == nil {
						v.Locked = map[string]int{}
					}
					v.Locked[why]++
				}
			}
			if !yield(l) {
				return
			}
		}
	}
}

// passwordRows reads an enterprise's passwords page by page.
func (o *Office) passwordRows(ctx context.Context, enterprise string) func(record.Page) ([]password.Ledger, string, error) {
	return func(p record.Page) ([]password.Ledger, string, error) { return o.DB.Passwords(ctx, enterprise, "", p) }
}
