package directorysync

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// known returns the person of a Google user; the zero value is nobody's.
func (r *refresher) known(ctx context.Context, id string) (person.Person, error) {
	k := person.KeyOf(r.config.Enterprise, id)
	if r.config.Mode == directory.GoogleOnly {
		return orNobody(r.DB.Person(ctx, k))
	}
	return orNobody(r.DB.PersonByGoogle(ctx, r.config.Enterprise, k))
}

// owner returns whose an account is that nobody is joined with: the person whose
// mark it bears, else the only one who has its address, or else one of its aliases.
func (r *refresher) owner(ctx context.Context, g person.Google) (person.Person, error) {
	if g.Owner != "" {
		p, err := orNobody(r.DB.Person(ctx, g.Owner))
		if err != nil || p.Enterprise == r.config.Enterprise {
			return p, err
		}
	}
	for _, a := range append([]string{g.Mail}, g.Aliases...) {
		ps, _, err := r.DB.PeopleByMail(ctx, r.config.Enterprise, a, record.Page{Limit: 2})
		switch {
		case err != nil || len(ps) > 1:
			return person.Person{}, err
		case len(ps) == 1:
			return ps[0], nil
		}
	}
	return person.Person{}, nil
}

func orNobody(p person.Person, err error) (person.Person, error) {
	if fault.KindOf(err) == fault.NotFound {
		return person.Person{}, nil
	}
	return p, err
}

var (
	errWithheld = fault.New(fault.Conflict, "hint-limit", "Notifications have withdrawn as many people today as one run may.")
	errStirred  = fault.New(fault.Conflict, "hint-limit", "Notifications have changed as many people as are remembered between two listings.")
)

// takeIn brings what was found about Google's user of that id into a person's row
// as it is now. The row then tells when Google was asked, so that a full walk whose
// page is older undoes nothing.
func (r *refresher) takeIn(ctx context.Context, key, id string, f directory.Facts) error {
	if key == "" {
		return nil // an account of nobody
	}
	var next person.Person
	err := r.DB.Update(ctx, func(tx *record.Tx) error {
		now := r.Now()
		row, err := orNobody(tx.Person(key))
		if err != nil {
			return err
		}
		f := f
		f.Unclear = slices.Contains(row.Problems, directory.ProblemSharedMail)
		var steps []directory.Step
		if next, steps = r.config.Decide(row, id, f, now); next.Key == "" || reflect.DeepEqual(next, row) {
			return errUnchanged
		}
		offered, again, err := reoffered(tx, row, next, now)
		if err != nil {
			return err
		}
		if len(steps) > 0 {
			if err := r.admit(tx, id, steps, now); err != nil {
				return err
			}
		}
		if err := tx.PutPerson(next); err != nil {
			return err
		}
		if again {
			if err := tx.PutPassword(offered); err != nil {
				return err
			}
		}
		return r.audit(tx, next, steps, now)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	r.unsettle(next)
	if steps, _ := r.config.AccountSteps(next, r.Now()); len(steps) > 0 {
		r.left = true // a run changes Google's side, a notification never
	}
	return nil
}

// admit counts what a notification does, and refuses what is for a run to judge.
func (r *refresher) admit(tx *record.Tx, id string, steps []directory.Step, now time.Time) error {
	st, err := tx.DirectoryState(r.config.Enterprise)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(steps, func(s directory.Step) bool { return s.Action.Withdraws() }) {
		allowed := false
		if st, allowed = r.config.HintAllowed(st, now.UTC().Format(time.DateOnly)); !allowed {
			return errWithheld
		}
	}
	if !st.Stir(person.KeyOf(r.config.Enterprise, id), now) {
		return errStirred
	}
	return tx.PutDirectoryState(st)
}

// audit records who lost their access and who got it back.
func (r *refresher) audit(tx *record.Tx, p person.Person, steps []directory.Step, now time.Time) error {
	for _, s := range steps {
		switch s.Action {
		case directory.Leave, directory.Disable, directory.Enable, directory.Return:
		default:
			continue
		}
		err := tx.Audit(audit.Record{Enterprise: p.Enterprise, At: now, Actor: r.cmd.RequestedBy,
			Action: "person." + string(s.Action), Target: "person:" + p.Key, Result: audit.OK, Detail: "notification"})
		if err != nil {
			return err
		}
	}
	return nil
}

// unsettle notes a person whose devices and accounts are not as the row asks for.
func (r *refresher) unsettle(p person.Person) {
	if p.Key != "" && p.Settled != p.State.Access() {
		r.unsettled = append(r.unsettled, p.Key)
	}
}
