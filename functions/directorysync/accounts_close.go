package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// live asks Google for the account before something is taken away, for the row may
// be old, and returns it with what Rollcall knows. Administrators, accounts out of
// scope and accounts that another person owns are left alone (invariant D9).
func (b *bringing) live(ctx context.Context) (person.Google, error) {
	u, err := b.google.Get(ctx, b.key())
	if err != nil {
		return person.Google{}, err
	}
	said := accountOf(u)
	g := directory.Merge(b.person.Google, said, b.person.State)
	word := ""
	switch {
	case said.Admin == person.Unknown:
		return g, fault.New(fault.Transient, google.ReasonNotReady, "Google does not say whether the user is an administrator.")
	case said.Admin == person.Yes:
		word = directory.ProblemAdministrator
	case !b.config.InScope(said):
		word = directory.ProblemOutOfScope
	case said.Owner != "" && said.Owner != b.person.Key:
		word = directory.ProblemAddressTaken
	default:
		return g, nil
	}
	if err := b.put(g); err != nil {
		return g, err
	}
	return g, standing(word)
}

// suspend closes the account and ends its sessions. That Rollcall does it is saved
// first: whoever is suspended without that note was suspended by somebody else, who
// alone lifts it.
func (b *bringing) suspend(ctx context.Context, step directory.Step) (directory.Step, error) {
	noted := b.person.Google.SuspendedByUs
	g, err := b.live(ctx)
	if err != nil {
		return directory.Step{}, err
	}
	if g.Suspended == person.Yes && !noted {
		return directory.Step{}, b.put(g)
	}
	if !noted {
		g.SuspendedByUs = true
		if err := b.put(g); err != nil {
			return directory.Step{}, err
		}
	}
	if g.Suspended != person.Yes {
		u, err := b.google.Update(ctx, b.key(), workspace.Patch{Suspended: workspace.Set(true)})
		if err != nil {
			return directory.Step{}, err
		}
		g = directory.Merge(g, accountOf(u), b.person.State)
		g.Suspended = person.Yes
	}
	if err := b.signOut(ctx); err != nil {
		return directory.Step{}, err
	}
	return step, b.put(g)
}

// signOut ends the account's sessions. It has a scope of its own: who did not grant
// it is told so, and the account is suspended all the same.
func (b *bringing) signOut(ctx context.Context) error {
	err := b.google.SignOut(ctx, b.key())
	switch {
	case err == nil, fault.KindOf(err) == fault.NotFound:
		return nil
	case fault.Redeliver(err) && fault.ReasonOf(err) != google.ReasonConfig && fault.ReasonOf(err) != workspace.ReasonSubjectRights:
		return err
	}
	b.problems = append(b.problems, directory.ProblemSignOut)
	return nil
}

// remove deletes the account of a leaver, which was suspended before. One that
// somebody opened again meanwhile is not deleted now.
func (b *bringing) remove(ctx context.Context, step directory.Step) (directory.Step, error) {
	g, err := b.live(ctx)
	if err != nil {
		return directory.Step{}, err
	}
	if g.Suspended == person.No && g.Archived != person.Yes {
		return directory.Step{}, b.put(g)
	}
	if err := b.google.Delete(ctx, b.key()); err != nil {
		return directory.Step{}, err
	}
	return step, b.deleted()
}
