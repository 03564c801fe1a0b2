package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// reasonUnidentified is why absence means nothing in a run: whoever is not listed
// may be one of those without an id.
const reasonUnidentified = directory.IncompleteUnidentified

// collect reads the sources, the one that gives the people first.
func (s *slice) collect(ctx context.Context) error {
	for _, src := range s.config.Mode.Sources() {
		if s.collected(src) {
			continue
		}
		var err error
		if src == directory.FromLDAP {
			err = s.collectLDAP(ctx)
		} else if skip, serr := s.skipsGoogle(ctx); serr != nil || skip {
			err = serr
		} else {
			err = s.collectGoogle(ctx)
		}
		if err != nil {
			return err
		}
	}
	return s.enter(ctx, directory.Comparing)
}

// collected reports whether all of a source is there.
func (s *slice) collected(src directory.Source) bool {
	_, ok := s.run.Pages[src]
	return ok
}

// store writes pages as one step of the run; those that end a source with what is
// known of it.
func (s *slice) store(ctx context.Context, g *gathered, pages []directory.Page, change func(*directory.Run)) error {
	for _, p := range pages {
		if err := g.add(p); err != nil {
			return err
		}
	}
	write := func(tx *record.Tx) error {
		for _, p := range pages {
			if err := tx.PutDirectoryPage(s.run.Enterprise, p); err != nil {
				return err
			}
		}
		return nil
	}
	last := pages[len(pages)-1]
	if !last.Last {
		return s.guarded(ctx, func(tx *record.Tx, _ *directory.State) (bool, error) { return false, write(tx) })
	}
	err := s.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		g.tell(r, last.Source)
		if change != nil {
			change(r)
		}
		return write(tx)
	})
	if err == nil {
		s.keep(last.Source, g)
	}
	return err
}

// tell notes in the run what was collected of a source.
func (g *gathered) tell(r *directory.Run, src directory.Source) {
	if r.Pages == nil {
		r.Pages = map[directory.Source]int{}
	}
	r.Pages[src] = g.pages
	r.Counts.Excluded += g.excluded
	r.Note(g.problems...)
	r.Counts.Problems += g.unkept
	if g.unidentified > 0 && r.Incomplete == "" {
		r.Incomplete = reasonUnidentified
	}
}

// interest are the addresses whose Google account may concern somebody else than
// before: those that LDAP's people got or gave up.
func (s *slice) interest(ctx context.Context) (map[[8]byte]bool, error) {
	if s.config.Mode == directory.GoogleOnly {
		return map[[8]byte]bool{}, nil
	}
	before, err := s.manifest(ctx, directory.FromLDAP)
	if err != nil {
		return nil, err
	}
	after, err := s.listed(ctx, directory.FromLDAP)
	if err != nil {
		return nil, err
	}
	in := map[[8]byte]bool{}
	look := func(r directory.Row, other directory.Manifest) {
		if o, ok := other.Find(r.Key); r.Mail != [8]byte{} && (!ok || o.Mail != r.Mail || o.Digest == [8]byte{}) {
			in[r.Mail] = true
		}
	}
	for _, r := range after {
		look(r, before)
	}
	for _, r := range before {
		look(r, after)
	}
	return in, nil
}

// skipsGoogle reports whether Google need not be listed, because it told every
// change and nobody in LDAP got another address.
func (s *slice) skipsGoogle(ctx context.Context) (bool, error) {
	if !s.run.SkipGoogle {
		return false, nil
	}
	in, err := s.interest(ctx)
	if err != nil || len(in) == 0 {
		return err == nil, err
	}
	return false, s.checkpoint(ctx, func(_ *record.Tx, r *directory.Run) error {
		r.SkipGoogle = false
		return nil
	})
}

// listed returns the rows of a source as of this run: what was listed, or what the
// last run knew with the changes.
func (s *slice) listed(ctx context.Context, src directory.Source) (directory.Manifest, error) {
	if m, ok := s.after[src]; ok {
		return m, nil
	}
	before, err := s.manifest(ctx, src)
	if err != nil {
		return nil, err
	}
	if !s.collected(src) {
		return before, nil
	}
	g, err := s.gathered(ctx, src)
	if err != nil {
		return nil, err
	}
	rows := g.rows
	if s.run.Incremental && src == directory.FromLDAP {
		if rows, err = s.changed(ctx, before, rows); err != nil {
			return nil, err
		}
	}
	g.rows = nil // NewManifest takes them over
	m := directory.NewManifest(rows)
	if s.after == nil {
		s.after = map[directory.Source]directory.Manifest{}
	}
	s.after[src] = m
	return m, nil
}
