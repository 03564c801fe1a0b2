package provision

import (
	"context"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// people does the work on the people of a command, a page of them now.
func (w *Worker) people(ctx context.Context, cmd workflow.Command, do work) error {
	now := cmd.People[:min(pageSize, len(cmd.People))]
	if err := w.items(ctx, cmd, "person:", now, do); err != nil || len(now) == len(cmd.People) {
		return err
	}
	cmd.People = cmd.People[len(now):]
	return w.goOn(ctx, cmd)
}

// onPerson settles one person. What the directory found out and was done before
// costs a read; what an admin asks for is looked at again.
func (w *Worker) onPerson(ctx context.Context, cmd workflow.Command, key string) error {
	res, err := w.Settler.Settle(ctx, cmd.Enterprise, key, strings.HasPrefix(cmd.RequestedBy, "admin:"))
	if err != nil {
		return err
	}
	return res.Left
}

// errGone is for the account of a person whose accounts are to be deleted.
var errGone = fault.New(fault.Conflict, "person-left", "the person left for good; their accounts come back with them")

// gone reports whether the accounts of an account's person are to be deleted. Of
// whom the directory does not know nothing is said.
func (w *Worker) gone(ctx context.Context, row account.Account) (bool, error) {
	id := row.Subject.ID
	if row.Subject.Kind == account.Device {
		d, err := w.DB.Device(ctx, id)
		if err != nil || d.Subject.Kind != account.Person {
			return false, known(err)
		}
		id = d.Subject.ID
	}
	p, err := w.DB.Person(ctx, person.KeyOf(row.Enterprise, id))
	return err == nil && p.State.Access() == person.Removed, known(err)
}

// known lets a missing row be no error.
func known(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}
