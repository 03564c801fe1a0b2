package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// heir is who has the address of a leaver's account by now: most often the same
// human under another id, as when an entry was deleted and made anew. Where Rollcall
// changes no account the join follows the address then, as whoever begins anew would
// find it; in ReadWrite it would hand somebody's mailbox to somebody else.
func (d *differ) heir(mails directory.Mails, of joint, g person.Google) (key, bool) {
	if d.config.Mode != directory.ReadOnly || !of.left {
		return key{}, false
	}
	if _, back := d.after.Find(of.people[0]); back {
		return key{}, false
	}
	to := addressees(mails, g)
	if len(to) != 1 {
		return key{}, false
	}
	return to[0], true
}

// findHeirs notes the heirs of those who left in this run, for the next one: that
// they left was not known when the accounts were looked at.
func (s *slice) findHeirs(ctx context.Context, people map[key]bool) error {
	if s.config.Mode != directory.ReadOnly || s.run.Counts.Done[directory.Leave] == 0 {
		return nil
	}
	after, err := s.listed(ctx, directory.FromLDAP)
	if err != nil {
		return err
	}
	mails := after.Mails()
	for n := range s.run.Parts {
		part, err := s.DB.Part(ctx, s.run.ID, n)
		if err != nil {
			return err
		}
		var keys []string
		for _, it := range part.Items {
			if it.Facts.EntryGone.Confirmed() && it.Outcome == directory.Applied {
				keys = append(keys, it.Key)
			}
		}
		rows, errs := make([]person.Person, len(keys)), make([]error, len(keys))
		if err := s.read(ctx, keys, rows, errs); err != nil {
			return err
		}
		for _, p := range rows {
			if p.Google.ID == "" || p.Google.Deleted {
				continue
			}
			for _, k := range addressees(mails, p.Google) {
				people[k] = true
			}
		}
	}
	return nil
}

// joint is the person who is joined with an account, or nobody for one whose person
// cannot be read, which is nobody else's meanwhile.
type joint struct {
	people []key
	left   bool
}

func jointOf(p person.Person, err error) (j joint, damaged bool) {
	k, ok := keyOf(p.Key)
	if err != nil || !ok {
		return joint{}, true
	}
	return joint{[]key{k}, departed(p)}, false
}
