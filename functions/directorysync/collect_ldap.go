package directorysync

import (
	"context"
	"maps"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// ldapSource is the organisation's own directory, as ldap.Client is one.
type ldapSource interface {
	Walk(ctx context.Context, fn func(ldap.Page) error) (ldap.Cursor, error)
	Changes(ctx context.Context, from ldap.Cursor, fn func(ldap.Page) error) (ldap.Delta, error)
	Lookup(ctx context.Context, ids []string) (map[string]ldap.Finding, error)
	Test(ctx context.Context) (ldap.Report, error)
}

// collectLDAP reads LDAP's people, or what changed since the last run. LDAP's place
// in a search belongs to its connection, so that this is begun anew by each slice
// and not given up when its time is over.
func (s *slice) collectLDAP(ctx context.Context) error {
	before, err := s.manifest(ctx, directory.FromLDAP)
	if err != nil {
		return err
	}
	src, err := s.LDAP(ctx, s.config)
	if err != nil {
		return err
	}
	w := s.ldapWriter(ctx, before)
	var cursor ldap.Cursor
	incremental, walks := false, true
	if !s.run.Full && s.state.Cursor != "" && s.config.LDAP.Incremental != directory.Full {
		var d ldap.Delta
		d, err = src.Changes(ctx, ldap.Cursor(s.state.Cursor), w.take)
		if walks = fault.ReasonOf(err) == ldap.ReasonCursor; walks {
			w = s.ldapWriter(ctx, before)
		} else if err == nil {
			cursor, incremental = d.Cursor, w.gone(d)
		}
	}
	if walks {
		cursor, err = src.Walk(ctx, w.take)
	}
	incomplete := ""
	switch reason := fault.ReasonOf(err); reason {
	case ldap.ReasonSizeLimit, ldap.ReasonAdminLimit, ldap.ReasonReferral:
		incomplete, cursor, err = reason, "", nil
	}
	if err != nil {
		return err
	}
	return w.end(func(r *directory.Run) {
		r.Incremental, r.Full, r.Cursor = incremental, walks, string(cursor)
		if incomplete != "" {
			r.Incomplete = incomplete
		}
	})
}

// ldapWriter makes pages of what LDAP tells.
type ldapWriter struct {
	*slice
	ctx    context.Context
	before directory.Manifest
	g      *gathered
	page   directory.Page
	rows   []directory.Row
	size   int
	read   int
	// excluded are those of the changed who are left out.
	excluded map[key]bool
}

func (s *slice) ldapWriter(ctx context.Context, before directory.Manifest) *ldapWriter {
	w := &ldapWriter{slice: s, ctx: ctx, before: before, g: &gathered{room: s.room()}}
	w.fresh()
	return w
}

func (w *ldapWriter) fresh() {
	w.page = directory.Page{Run: w.run.ID, Source: directory.FromLDAP, At: w.Now()}
	w.rows, w.size = w.rows[:0], 0
}

// take takes in a part of LDAP's answer.
func (w *ldapWriter) take(p ldap.Page) error {
	w.read++
	w.page.Unidentified += p.Unidentified
	for _, x := range p.Problems {
		w.page.Problems = append(w.page.Problems, directory.Problem{ID: x.ID, Name: x.DN, Reason: x.Reason})
		w.size += 60 + len(x.ID) + len(x.DN)
	}
	for _, e := range p.Entries {
		if w.config.Exclude.Excludes(e) {
			w.page.Excluded++
			w.exclude(e)
			continue
		}
		w.entry(e)
	}
	if len(w.rows) >= pageRows || w.size >= pageBytes {
		return w.flush()
	}
	return w.pulse(w.ctx)
}

// exclude remembers who is left out, where some are said to be present besides.
func (w *ldapWriter) exclude(e person.Entry) {
	k := person.KeyHash(w.config.Enterprise, e.ID)
	if _, known := w.before.Find(k); !known {
		return
	}
	if w.excluded == nil {
		w.excluded = map[key]bool{}
	}
	w.excluded[k] = true
}

func (w *ldapWriter) entry(e person.Entry) {
	row := directory.RowOfEntry(w.config.Enterprise, e)
	w.rows = append(w.rows, row)
	// Where the configuration changed and accounts are made after it, everybody is
	// looked at.
	all := w.config.Mode == directory.ReadWrite && w.state.Revision != w.config.Revision
	if all || !w.before.Unchanged(row) {
		w.page.Entries = append(w.page.Entries, e)
		w.size += entrySize(e)
	}
}

func (w *ldapWriter) flush() error {
	err := w.store(w.ctx, w.g, sheets(w.page, w.rows, w.g.pages), nil)
	w.fresh()
	return err
}

// gone takes in who is gone, and reports whether what was told are changes alone:
// a directory may also tell who is there.
func (w *ldapWriter) gone(d ldap.Delta) (incremental bool) {
	if d.PresentOnly {
		// OpenLDAP calls those present, too, whom it told as changed.
		told := maps.Clone(w.excluded)
		if told == nil {
			told = map[key]bool{}
		}
		for _, rows := range [][]directory.Row{w.g.rows, w.rows} {
			for _, r := range rows {
				told[r.Key] = true
			}
		}
		for _, id := range d.Present {
			// Whoever is present and unknown was left out before.
			r, ok := w.before.Find(person.KeyHash(w.config.Enterprise, id))
			if ok && !told[r.Key] {
				w.rows = append(w.rows, r)
			}
		}
		return false
	}
	w.page.Removed = d.Removed
	return true
}

// end writes what is left, as the last page.
func (w *ldapWriter) end(change func(*directory.Run)) error {
	w.page.Last = true
	return w.store(w.ctx, w.g, sheets(w.page, w.rows, w.g.pages), func(r *directory.Run) {
		r.Counts.LDAPPages = w.read
		change(r)
	})
}

// changed returns the rows of the last run with the changes since.
func (s *slice) changed(ctx context.Context, before directory.Manifest, rows []directory.Row) ([]directory.Row, error) {
	gone := map[[16]byte]bool{}
	err := s.each(ctx, directory.FromLDAP, func(p directory.Page) error {
		for _, id := range p.Removed {
			gone[person.KeyHash(s.config.Enterprise, id)] = true
		}
		return nil
	})
	out := make([]directory.Row, 0, len(before)+len(rows))
	for _, r := range before {
		if !gone[r.Key] {
			out = append(out, r)
		}
	}
	return append(out, rows...), err
}
