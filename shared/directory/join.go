package directory

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// join takes in what Google says of the account beside the entry.
func (c Config) join(p *person.Person, f Facts, now time.Time) []Step {
	g := p.Google
	if f.Google != nil && f.Google.ID == g.ID {
		return c.take(p, f, now)
	}
	var steps []Step
	if f.GoogleGone.Confirmed() && g.ID != "" && !g.Deleted {
		p.GoogleAt = f.GoogleAt
		if f.GoogleGone == OutOfScope {
			p.Google = person.Google{}
		} else {
			p.Google.Deleted, p.Google.DeleteAt = true, time.Time{}
		}
		steps = append(steps, Step{Action: Unlink, From: g.Mail, To: string(f.GoogleGone)})
	}
	if f.Google == nil {
		return steps
	}
	return append(steps, c.take(p, f, now)...)
}

// take takes in what Google says of an account that was listed.
func (c Config) take(p *person.Person, f Facts, now time.Time) []Step {
	g := p.Google
	switch {
	case g.ID == "" || g.Deleted && g.ID != f.Google.ID:
		if !c.mayLink(*p, f) {
			return nil
		}
		p.Google, p.GoogleAt = *f.Google, f.GoogleAt
		if left(*p) {
			p.Google.DeleteAt = c.deleteAt(now)
		}
		return []Step{{Action: Link, To: f.Google.Mail}}
	case g.ID != f.Google.ID:
		return nil // the account that is joined already holds
	}
	next := Merge(g, *f.Google, p.State)
	if left(*p) && g.Deleted && !next.Deleted {
		next.DeleteAt = c.deleteAt(now) // somebody restored it
	}
	changed := googleDifferences(g, next)
	p.Google, p.GoogleAt = next, f.GoogleAt
	if len(changed) == 0 {
		return nil
	}
	return []Step{{Action: Mirror, Fields: changed}}
}

// mayLink reports whether an account that is found may become the person's.
func (c Config) mayLink(p person.Person, f Facts) bool {
	if f.Google.Owner == p.Key {
		return true
	}
	if c.Mode == ReadWrite && !called(p.Entry, f.Google.Mail) {
		return false // by an alias alone: it would be renamed, and may be another's
	}
	// An address that is somebody else's, or that the next person got, proves nothing.
	return !f.Unclear && !left(p) && !(f.Google.Owner != "" && c.Mode == ReadWrite)
}

// Merge returns what is known of an account when Google says g of the one that was
// known as old, of a person in that state: what Google leaves out stays, and so
// does what Rollcall alone knows.
func Merge(old, g person.Google, s person.State) person.Google {
	for _, f := range []struct{ old, new *person.Tri }{
		{&old.Suspended, &g.Suspended}, {&old.Archived, &g.Archived}, {&old.Admin, &g.Admin},
	} {
		if *f.new == person.Unknown {
			*f.new = *f.old
		}
	}
	// The note that Rollcall suspends is written before Google is asked to, so that
	// it stays for those who must not sign in whatever Google still says.
	g.SuspendedByUs = old.SuspendedByUs && (g.Suspended == person.Yes || s.Access() != person.Granted)
	g.Hash, g.DeleteAt = old.Hash, old.DeleteAt
	if g.CreatedAt.IsZero() {
		g.CreatedAt = old.CreatedAt
	}
	return g
}
