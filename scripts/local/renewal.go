package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// trouble has Google refuse one person's password until Rollcall gives up, and an
// admin renew it.
func (g *organisation) trouble(ctx context.Context, f *fleet, m *mailing) error {
	rows, err := g.passwords(ctx)
	if err != nil {
		return err
	}
	owners := f.owners()
	at := slices.IndexFunc(owners, func(p person.Person) bool { return rows[p.Key].State == password.Active })
	if at < 0 {
		return nil
	}
	unlucky := owners[at]
	faults := g.stack.Workspace.Faults
	faults.Clear()
	faults.Add(googletest.Script{Method: "directory.users.update", Mode: googletest.Refuse, Status: http.StatusConflict})
	if err := g.renew(ctx, unlucky); err != nil {
		return err
	}
	given, err := g.ended(ctx, f, unlucky, rows[unlucky.Key].Version+1)
	faults.Clear()
	if err != nil {
		return err
	}
	m.GaveUp, m.Attempts = given.Reason, given.Attempts
	if err := g.renew(ctx, unlucky); err != nil {
		return err
	}
	again, err := g.ended(ctx, f, unlucky, given.Version+1)
	m.Renewed = again.State == password.Active
	return err
}

// renew asks for a new password, as an admin does: what it would do first, then it.
func (g *organisation) renew(ctx context.Context, p person.Person) error {
	var dry struct {
		People int `json:"people"`
	}
	body := map[string]any{"op": workflow.Renew, "people": []string{p.Key}, "now": true, "dryRun": true}
	if err := g.office.post(ctx, g.enterprise("/workflows"), body, &dry); err != nil {
		return err
	}
	if dry.People != 1 {
		return fmt.Errorf("renewing one password would renew %d", dry.People)
	}
	delete(body, "dryRun")
	return g.office.post(ctx, g.enterprise("/workflows"), body, nil)
}

// ended waits until a version of a person's password is accepted or given up.
func (g *organisation) ended(ctx context.Context, f *fleet, p person.Person, version int) (l password.Ledger, err error) {
	err = retry.Do(ctx, retry.NewConstant(20*time.Millisecond), func(ctx context.Context) error {
		db, err := g.stack.Process.DB(ctx)
		if err != nil {
			return err
		}
		if l, err = db.Password(ctx, g.ent, p.Key); err != nil {
			return err
		}
		if l.Version >= version && (l.State == password.Active || l.State == password.Failed) {
			return nil
		}
		if wait := l.Due().Sub(f.clock.Now()); l.State == password.Retry && wait > 0 {
			f.clock.pass(wait)
			if err := g.stack.SweepPasswords(ctx); err != nil {
				return err
			}
		}
		return retry.RetryableError(fmt.Errorf("a password that was renewed is %s", l.State))
	})
	return l, err
}
