package directorysync

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// change does the steps that are one update each, which may be repeated.
func (b *bringing) change(ctx context.Context, step directory.Step) (directory.Step, error) {
	var patch workspace.Patch
	after := func(*person.Google) {}
	switch step.Action {
	case directory.OpenAccount:
		patch.Suspended = workspace.Set(false)
	case directory.RenameAccount:
		patch.PrimaryEmail = workspace.Set(step.To)
	case directory.UpdateAccount:
		given, family := directory.GoogleNames(b.person.Entry)
		if slices.Contains(step.Fields, "givenName") {
			patch.GivenName = workspace.Set(given)
		}
		if slices.Contains(step.Fields, "familyName") {
			patch.FamilyName = workspace.Set(family)
		}
	case directory.MoveAccount:
		patch.OrgUnitPath = workspace.Set(step.To)
	case directory.SendHash:
		password, err := b.hash(ctx)
		if err != nil || password.Value.Empty() {
			return directory.Step{}, err
		}
		patch.Password = password
		after = func(g *person.Google) { g.Hash = b.person.Entry.Hash }
	}
	return step, b.update(ctx, patch, after)
}

// update makes one call and saves what Google answers.
func (b *bringing) update(ctx context.Context, patch workspace.Patch, after func(*person.Google)) error {
	u, err := b.google.Update(ctx, b.key(), patch)
	if err != nil {
		return err
	}
	g := accountOf(u)
	if suspended, changes := patch.Suspended.Value(); changes && g.Suspended == person.Unknown {
		g.Suspended = person.TriOf(suspended) // Google took it
	}
	g = directory.Merge(b.person.Google, g, b.person.State)
	after(&g)
	return b.put(g)
}
