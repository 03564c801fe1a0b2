package directorysync

import (
	"context"
	"encoding/base32"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// readers is how many rows are read at once.
const readers = 16

// findOwners finds out whose the Google accounts are that changed, appeared or
// were not listed: the person who is joined with it, else the one whose mark it
// bears, else those who have its address.
func (d *differ) findOwners(ctx context.Context) error {
	if !d.collected(directory.FromGoogle) {
		return nil
	}
	before, err := d.manifest(ctx, directory.FromGoogle)
	if err != nil {
		return err
	}
	after, err := d.listed(ctx, directory.FromGoogle)
	if err != nil {
		return err
	}
	d.owners, d.lost, d.passed = map[key][]key{}, map[key]bool{}, map[key]time.Time{}
	if d.found[directory.FromGoogle].records > 0 {
		mails := d.after.Mails()
		err := d.each(ctx, directory.FromGoogle, func(p directory.Page) error {
			return d.pageOwners(ctx, p, mails, len(before) > 0 || !d.state.LastDone.IsZero())
		})
		if err != nil {
			return err
		}
	}
	var gone []key
	before.Missing(after, func(r directory.Row) { gone = append(gone, r.Key) })
	joined, err := d.joined(ctx, gone)
	for _, of := range joined {
		for _, p := range of.people {
			d.lost[p] = true
		}
	}
	return err
}

func (d *differ) pageOwners(ctx context.Context, p directory.Page, mails directory.Mails, known bool) error {
	var joined map[key]joint
	if known {
		keys := make([]key, len(p.Google))
		for i, g := range p.Google {
			keys[i] = person.KeyHash(d.config.Enterprise, g.ID)
		}
		var err error
		if joined, err = d.joined(ctx, keys); err != nil {
			return err
		}
	}
	for _, g := range p.Google {
		k := person.KeyHash(d.config.Enterprise, g.ID)
		if of, ok := joined[k]; ok {
			d.owners[k] = of.people
			if to, ok := d.heir(mails, of, g); ok {
				d.owners[k] = []key{to}
				d.passed[of.people[0]] = p.At
			}
		} else if owner, ok := keyOf(g.Owner); ok && d.known(owner) {
			d.owners[k] = []key{owner}
		} else if to := addressees(mails, g); len(to) > 0 {
			d.owners[k] = to
		}
	}
	return nil
}

func (d *differ) known(k key) bool {
	if _, ok := d.after.Find(k); ok {
		return true
	}
	_, ok := d.before.Find(k)
	return ok
}

// addressees are the people with the account's address, else with one of its
// aliases.
func addressees(mails directory.Mails, g person.Google) []key {
	for _, a := range append([]string{g.Mail}, g.Aliases...) {
		h := directory.MailHash(a)
		if h == [8]byte{} {
			continue
		}
		var out []key
		for _, r := range mails.Of(h) {
			out = append(out, r.Key)
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// joined returns, by account, the person who is joined with it.
func (s *slice) joined(ctx context.Context, accounts []key) (map[key]joint, error) {
	out, damaged := map[key]joint{}, 0
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, a := range accounts {
		g.Go(func() error {
			p, err := s.DB.PersonByGoogle(ctx, s.config.Enterprise, person.KeyText(a))
			if fault.KindOf(err) == fault.NotFound {
				return nil
			}
			if fault.Redeliver(err) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			j, bad := jointOf(p, err)
			if out[a] = j; bad {
				damaged++
			}
			return nil
		})
	}
	err := g.Wait()
	s.logDamaged(ctx, damaged)
	return out, err
}

func (s *slice) logDamaged(ctx context.Context, n int) {
	if n > 0 {
		s.Log.LogAttrs(ctx, slog.LevelError, "people's records cannot be read",
			slog.String("enterprise", s.config.Enterprise), slog.Int("number", n))
	}
}

var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// keyOf reads a person's key as text.
func keyOf(text string) (k key, ok bool) {
	b, err := keyText.DecodeString(strings.ToUpper(text))
	if err != nil || len(b) != len(k) {
		return k, false
	}
	return key(b), true
}

// findDue finds the people whose Google account is to be deleted.
func (d *differ) findDue(ctx context.Context) error {
	if d.config.Mode != directory.ReadWrite || d.run.Incomplete != "" || d.config.Google.DeleteAfterDays == 0 {
		return nil
	}
	d.due = map[key]bool{}
	var p record.Page
	for {
		ps, damaged, next, err := d.DB.PeopleToDelete(ctx, d.config.Enterprise, d.Now(), p)
		if err != nil {
			return err
		}
		d.logDamaged(ctx, damaged)
		for _, x := range ps {
			if k, ok := keyOf(x.Key); ok {
				d.due[k] = true
			}
		}
		if next == "" {
			return nil
		}
		p.Next = next
	}
}

// addAccounts adds what Google says to the drafts.
func (d *differ) addAccounts(ctx context.Context, in func(key) bool, of func(key) *draft) error {
	if !d.collected(directory.FromGoogle) {
		return nil
	}
	err := d.each(ctx, directory.FromGoogle, func(p directory.Page) error {
		for _, g := range p.Google {
			for _, k := range d.owners[person.KeyHash(d.config.Enterprise, g.ID)] {
				if in(k) {
					of(k).accounts = append(of(k).accounts, found{g, p.At})
				}
			}
		}
		return nil
	})
	at := d.found[directory.FromGoogle].at
	for k := range d.lost {
		if in(k) {
			of(k).facts.GoogleGone, of(k).facts.GoogleAt = directory.Unlisted, at
		}
	}
	for k, at := range d.passed {
		if in(k) {
			of(k).facts.GoogleGone, of(k).facts.GoogleAt = directory.OutOfScope, at
		}
	}
	return err
}

// choose takes the account among those found that is the person's, if one is.
func (x *draft) choose(p person.Person) {
	best := -1
	rank := func(g person.Google) int {
		mail := p.Entry.Mail
		if x.facts.Entry != nil {
			mail = x.facts.Entry.Mail
		}
		switch {
		case g.ID == p.Google.ID:
			return 3
		case g.Owner != "" && g.Owner == person.KeyText(x.key):
			return 2
		case person.MailKey(g.Mail) == person.MailKey(mail):
			return 1
		}
		return 0
	}
	for _, f := range x.accounts {
		if n := rank(f.account); n > best {
			best = n
			g := f.account
			x.facts.Google, x.facts.GoogleAt = &g, f.at
			if g.ID == p.Google.ID {
				x.facts.GoogleGone = directory.Listed // else it is the one that the person has
			}
		}
	}
}
