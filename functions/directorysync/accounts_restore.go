package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// restore undeletes the account. One that cannot be restored any more is forgotten,
// so that another is made.
func (b *bringing) restore(ctx context.Context, step directory.Step) (directory.Step, error) {
	g := b.person.Google
	rule := b.config.Google.UnitFor(b.person.Entry.Unit)
	unit := rule
	if unit == "" {
		unit = g.OrgUnit
	}
	if unit == "" {
		unit = b.config.Google.NewUnit("")
	}
	err := b.google.Undelete(ctx, g.ID, unit)
	if fault.ReasonOf(err) == workspace.ReasonOrgUnit && rule == "" {
		// The unit that the account was in is gone as well.
		err = b.google.Undelete(ctx, g.ID, b.config.Google.NewUnit(""))
	}
	if fault.ReasonOf(err) == workspace.ReasonNotRestorable {
		return directory.Step{}, b.put(person.Google{})
	}
	if err != nil {
		return directory.Step{}, err
	}
	u, err := b.google.Get(ctx, workspace.ByID(g.ID))
	if fault.KindOf(err) == fault.NotFound {
		return directory.Step{}, fault.Wrap(err, fault.Transient, google.ReasonNotReady, "Google is still restoring the user.")
	}
	if err != nil {
		return directory.Step{}, err
	}
	return step, b.put(directory.Merge(g, accountOf(u), b.person.State))
}
