package directorysync

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

type key = [16]byte

// draft is what was found of one person, before the person's row is looked at.
type draft struct {
	key   key
	facts directory.Facts
	// accounts may be the person's.
	accounts []found
}

type found struct {
	account person.Google
	at      time.Time
}

// differ tells the differences of a run to the last one.
type differ struct {
	*slice
	primary       directory.Source
	before, after directory.Manifest
	// unclear are the people who have an address together with others, and stirred
	// those of whom that was or was not so before.
	unclear, stirred map[key]bool
	// owners are the people whose account a Google account is or may be.
	owners map[key][]key
	// lost are the people whose Google account was not listed, and due those whose
	// account is to be deleted.
	lost, due map[key]bool
	// passed are the leavers whose account is another's by now, and when Google said
	// so.
	passed map[key]time.Time
}

// compare makes the plan, part by part and in order of key, so that it goes on
// behind the last part that was stored.
func (s *slice) compare(ctx context.Context) error {
	d, err := s.differ(ctx)
	if err != nil {
		return err
	}
	p, err := s.planner(ctx)
	if err != nil {
		return err
	}
	spans, err := d.spans(ctx)
	if err != nil {
		return err
	}
	for i := range spans {
		drafts, err := d.drafts(ctx, uint64(i), uint64(spans), p.from)
		if err != nil {
			return err
		}
		if err := p.plan(ctx, drafts); err != nil {
			return err
		}
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	return s.judge(ctx, func(c *directory.Counts) error {
		c.Listed, c.Before = len(d.after), s.state.People
		if len(s.config.Mode.Sources()) < 2 {
			return nil
		}
		c.GoogleListed, c.GoogleBefore = s.state.Google, s.state.Google
		if !s.collected(directory.FromGoogle) {
			return nil
		}
		after, err := s.listed(ctx, directory.FromGoogle)
		c.GoogleListed = len(after)
		return err
	})
}

func (s *slice) differ(ctx context.Context) (d *differ, err error) {
	d = &differ{slice: s, primary: s.config.Mode.Primary()}
	if d.before, err = s.manifest(ctx, d.primary); err != nil {
		return nil, err
	}
	if d.after, err = s.listed(ctx, d.primary); err != nil {
		return nil, err
	}
	d.share()
	if s.config.Mode == directory.LDAPOnly || s.config.Mode == directory.GoogleOnly {
		return d, nil
	}
	if err := d.findOwners(ctx); err != nil {
		return nil, err
	}
	return d, d.findDue(ctx)
}

// share finds the people who share an address. Google lets nobody.
func (d *differ) share() {
	if d.primary != directory.FromLDAP {
		return
	}
	// Of use also where LDAP tells nothing new and Google does.
	d.unclear = sharers(d.after)
	if slices.Equal(d.before, d.after) {
		return
	}
	was := sharers(d.before)
	d.stirred = map[key]bool{}
	for k := range d.unclear {
		if !was[k] {
			d.stirred[k] = true
		}
	}
	for k := range was {
		if !d.unclear[k] {
			d.stirred[k] = true
		}
	}
}

// sharers returns the keys of those whose address others have too.
func sharers(m directory.Manifest) map[key]bool {
	mails := make([][8]byte, 0, len(m))
	for _, r := range m {
		if r.Mail != [8]byte{} {
			mails = append(mails, r.Mail)
		}
	}
	slices.SortFunc(mails, func(a, b [8]byte) int { return bytes.Compare(a[:], b[:]) })
	twice := map[[8]byte]bool{}
	for i := 1; i < len(mails); i++ {
		if mails[i] == mails[i-1] {
			twice[mails[i]] = true
		}
	}
	out := map[key]bool{}
	if len(twice) > 0 {
		for _, r := range m {
			if twice[r.Mail] {
				out[r.Key] = true
			}
		}
	}
	return out
}

// spans returns in how many ranges of the key the difference is planned.
func (d *differ) spans(ctx context.Context) (int, error) {
	n := 0
	for _, src := range d.config.Mode.Sources() {
		if !d.collected(src) {
			continue
		}
		g, err := d.gathered(ctx, src)
		if err != nil {
			return 0, err
		}
		n += g.records
	}
	d.before.Missing(d.after, func(directory.Row) { n++ })
	return 1 + n/d.room(), nil
}

// drafts returns what was found of the people in range i of n, in order of key,
// who come behind from.
func (d *differ) drafts(ctx context.Context, i, n uint64, from key) ([]*draft, error) {
	by := map[key]*draft{}
	in := func(k key) bool {
		return uint64(binary.BigEndian.Uint32(k[:4]))*n>>32 == i && bytes.Compare(k[:], from[:]) > 0
	}
	of := func(k key) *draft {
		if by[k] == nil {
			by[k] = &draft{key: k}
		}
		return by[k]
	}
	err := d.each(ctx, d.primary, func(p directory.Page) error {
		for j := range p.Entries {
			if k := person.KeyHash(d.config.Enterprise, p.Entries[j].ID); in(k) {
				e := p.Entries[j]
				of(k).facts.Entry, of(k).facts.EntryAt = &e, p.At
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	g, err := d.gathered(ctx, d.primary)
	if err != nil {
		return nil, err
	}
	d.before.Missing(d.after, func(r directory.Row) {
		if in(r.Key) {
			of(r.Key).facts.EntryGone, of(r.Key).facts.EntryAt = directory.Unlisted, g.at
		}
	})
	for _, set := range []map[key]bool{d.stirred, d.due} {
		for k := range set {
			if in(k) {
				of(k)
			}
		}
	}
	if d.owners != nil || d.lost != nil {
		if err := d.addAccounts(ctx, in, of); err != nil {
			return nil, err
		}
	}
	out := make([]*draft, 0, len(by))
	for k, x := range by {
		x.facts.Unclear = d.unclear[k]
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *draft) int { return bytes.Compare(a.key[:], b.key[:]) })
	return out, nil
}
