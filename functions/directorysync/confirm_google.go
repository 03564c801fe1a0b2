package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// singly is how many absent accounts are asked for one by one; if there are more,
// Google's list of deleted users comes first.
const singly = 50

// askGoogle finds out about an account that was not listed. An error is one of
// those that time can mend.
func (s *slice) askGoogle(ctx context.Context, id string) (f directory.Finding, problem string, err error) {
	client, err := s.Google(ctx, s.config)
	if err != nil {
		return "", "", err
	}
	deleted, err := s.listDeleted(ctx, client)
	if err != nil {
		return "", "", err
	}
	if deleted[person.KeyHash(s.config.Enterprise, id)] {
		return directory.Absent, "", nil
	}
	u, err := client.Get(ctx, workspace.ByID(id))
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return directory.Absent, "", nil
	case fault.Redeliver(err) || hopeless(err):
		return "", "", err
	case err != nil:
		return directory.Unconfirmed, problemUnknown, nil
	case !s.config.InScope(accountOf(u)):
		return directory.OutOfScope, "", nil
	}
	return directory.Unconfirmed, problemUnlisted, nil
}

// askAgain takes in what Google says now of a person who was listed. Who is not
// there any more is left to the next run.
func (s *slice) askAgain(ctx context.Context, it *directory.Item) error {
	client, err := s.Google(ctx, s.config)
	if err != nil {
		return err
	}
	asked := s.Now()
	u, err := client.Get(ctx, workspace.ByID(it.ID))
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if g := accountOf(u); s.config.InScope(g) {
		e := directory.EntryOf(g)
		it.Facts.Entry, it.Facts.EntryAt = &e, asked
	}
	return s.pulse(ctx)
}

// listDeleted returns the users deleted in the last 20 days, where so many are
// absent that the list costs less than asking for each.
func (s *slice) listDeleted(ctx context.Context, client *workspace.Client) (map[key]bool, error) {
	if s.deleted != nil || s.run.Counts.Absent+s.run.Counts.GoogleAbsent <= singly {
		return s.deleted, nil
	}
	deleted := map[key]bool{}
	// The scope is all of the customer: whoever is deleted has no unit.
	opt := workspace.ListOptions{Scope: workspace.Scope{Domain: s.config.Google.Domain}, Deleted: true}
	token := ""
	for range maxPages {
		page, err := client.List(ctx, token, opt)
		if err != nil && fault.KindOf(err) != fault.Transient && fault.KindOf(err) != fault.Exhausted {
			break // each is asked for
		}
		if err != nil {
			return nil, err
		}
		for _, u := range page.Users {
			deleted[person.KeyHash(s.config.Enterprise, u.ID)] = true
		}
		if token = page.Next; token == "" {
			break
		}
		if err := s.pulse(ctx); err != nil {
			return nil, err
		}
	}
	s.deleted = deleted
	return deleted, nil
}
