package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// claim decides on an address that Google says is taken: by the account that an
// earlier attempt made, by one of the person's own that nobody is joined with, or
// by somebody else.
func (b *bringing) claim(ctx context.Context, step directory.Step) (directory.Step, error) {
	u, err := b.google.Get(ctx, workspace.Key{ID: step.To, CreatedAt: b.person.Google.CreatedAt})
	if fault.KindOf(err) == fault.NotFound {
		return directory.Step{}, standing(directory.ProblemAddressTaken) // by a group, as far as can be seen
	}
	if err != nil {
		return directory.Step{}, err
	}
	g := accountOf(u)
	ours := g.Owner == b.person.Key
	switch {
	case !ours && (g.Owner != "" || person.MailKey(g.Mail) != person.MailKey(step.To)):
		return directory.Step{}, standing(directory.ProblemAddressTaken)
	case !b.config.InScope(g):
		return directory.Step{}, standing(directory.ProblemOutOfScope)
	case ours:
		return b.adopt(u, step)
	}
	other, err := b.Joined(ctx, b.person.Enterprise, person.KeyOf(b.person.Enterprise, g.ID))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return b.adopt(u, directory.Step{Action: directory.Link, To: g.Mail})
	case err != nil:
		return directory.Step{}, err
	case other.Key != b.person.Key:
		return directory.Step{}, standing(directory.ProblemAddressTaken)
	}
	return b.adopt(u, directory.Step{Action: directory.Link, To: g.Mail})
}

// adopt makes an account that is there the person's. Which password it got is not
// known.
func (b *bringing) adopt(u workspace.User, step directory.Step) (directory.Step, error) {
	return step, b.put(accountOf(u))
}
