package directorysync

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

const (
	// keepRecords is about how many full records of a source are in memory at once.
	// Where there are more, their pages are read again, for one range of the key
	// after the other.
	keepRecords = 20_000
	// pageRows and pageBytes bound a page's document: rows, and about so many bytes
	// of records.
	pageRows, pageBytes = 10_000, 400 << 10
	// maxPages bounds a walk that never ends.
	maxPages = 20_000
)

// room returns keepRecords, or what a test has in its place.
func (s *Engine) room() int {
	if s.keep > 0 {
		return s.keep
	}
	return keepRecords
}

// partItems returns directory.PartItems, or what a test has in its place.
func (s *Engine) partItems() int {
	if s.part > 0 {
		return s.part
	}
	return directory.PartItems
}

// gathered is what was collected of one source.
type gathered struct {
	room    int
	rows    []directory.Row
	pages   int
	records int
	// kept are the pages with records or removals, without their rows; nil while
	// spilled.
	kept    []directory.Page
	spilled bool

	problems []directory.Problem
	// unkept counts the problems that are not among them.
	unkept                 int
	unidentified, excluded int
	at                     time.Time
}

// add takes a stored page in.
func (g *gathered) add(p directory.Page) (err error) {
	if g.rows, err = directory.Unpack(g.rows, p.Rows); err != nil {
		return err
	}
	if g.pages == 0 {
		g.at = p.At
	}
	g.pages++
	g.unidentified += p.Unidentified
	g.excluded += p.Excluded
	room := min(len(p.Problems), directory.MaxProblems-len(g.problems))
	g.problems = append(g.problems, p.Problems[:room]...)
	g.unkept += len(p.Problems) - room
	n := len(p.Entries) + len(p.Google) + len(p.Removed)
	if n == 0 {
		return nil
	}
	if g.records += n; g.records > g.room {
		g.kept, g.spilled = nil, true
	}
	if !g.spilled {
		p.Rows, p.Problems = nil, nil
		g.kept = append(g.kept, p)
	}
	return nil
}

// manifest returns what the last good run knew of a source, but for those of whom
// notifications told since.
func (s *slice) manifest(ctx context.Context, src directory.Source) (directory.Manifest, error) {
	if m, ok := s.before[src]; ok {
		return m, nil
	}
	var rows []directory.Row
	for _, id := range s.state.Manifests[src] {
		b, err := s.DB.Bucket(ctx, id)
		if err == nil {
			rows, err = directory.Unpack(rows, b)
		}
		if err != nil && s.run.Full && !fault.Redeliver(err) {
			// Nobody is missed by this run, and the next one knows them again.
			s.Log.LogAttrs(ctx, slog.LevelError, "what the last directory run knew is lost", slog.String("enterprise", s.run.Enterprise),
				slog.String("source", string(src)), slog.String("reason", reasonOf(err)))
			rows = nil
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if s.before == nil {
		s.before = map[directory.Source]directory.Manifest{}
	}
	m := directory.Manifest(rows)
	if src == directory.FromGoogle {
		m = m.Stirred(s.state.Stirred)
	}
	s.before[src] = m
	return m, nil
}

// gathered returns what was collected of a source that is complete.
func (s *slice) gathered(ctx context.Context, src directory.Source) (*gathered, error) {
	if g := s.found[src]; g != nil {
		return g, nil
	}
	g := &gathered{room: s.room()}
	for n := range s.run.Pages[src] {
		p, err := s.DB.DirectoryPage(ctx, s.run.Enterprise, src, n)
		if err == nil && p.Run != s.run.ID {
			err = fault.New(fault.Permanent, "pages-lost", "a page of the directory run was overwritten")
		}
		if err == nil {
			err = g.add(p)
		}
		if err != nil {
			return nil, err
		}
	}
	s.keep(src, g)
	return g, nil
}

func (s *slice) keep(src directory.Source, g *gathered) {
	if s.found == nil {
		s.found = map[directory.Source]*gathered{}
	}
	s.found[src] = g
}

// each calls fn with the pages of a source that have records.
func (s *slice) each(ctx context.Context, src directory.Source, fn func(directory.Page) error) error {
	g, err := s.gathered(ctx, src)
	if err != nil {
		return err
	}
	if !g.spilled {
		for _, p := range g.kept {
			if err := fn(p); err != nil {
				return err
			}
		}
		return nil
	}
	for n := range g.pages {
		p, err := s.DB.DirectoryPage(ctx, s.run.Enterprise, src, n)
		if err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

// sheets cuts one page into as many as documents are needed, numbered from first
// on. Next and Last are the last one's.
func sheets(p directory.Page, rows []directory.Row, first int) []directory.Page {
	var out []directory.Page
	next, last := p.Next, p.Last
	p.Next, p.Last = "", false
	problems, entries, accounts, removed := p.Problems, p.Entries, p.Google, p.Removed
	for {
		q := p
		q.Number = first + len(out)
		n := min(len(rows), pageRows)
		q.Rows, rows = directory.Pack(rows[:n]), rows[n:]
		size := 0
		q.Problems, problems = fill(problems, &size, problemSize)
		q.Entries, entries = fill(entries, &size, entrySize)
		q.Google, accounts = fill(accounts, &size, accountSize)
		q.Removed, removed = fill(removed, &size, func(id string) int { return len(id) + 4 })
		out = append(out, q)
		p.Unidentified, p.Excluded = 0, 0
		if len(rows)+len(problems)+len(entries)+len(accounts)+len(removed) == 0 {
			out[len(out)-1].Next, out[len(out)-1].Last = next, last
			return out
		}
	}
}

// fill takes as many as have room in a page of that size, at least one in an empty
// page.
func fill[T any](list []T, size *int, of func(T) int) (here, rest []T) {
	for i, x := range list {
		if n := of(x); *size > 0 && *size+n > pageBytes {
			return list[:i:i], list[i:]
		}
		*size += of(x)
	}
	return list, nil
}

func problemSize(x directory.Problem) int { return 40 + len(x.ID) + len(x.Name) + len(x.Reason) }

// entrySize and accountSize are about as many bytes as the record has as JSON.
func entrySize(e person.Entry) int {
	n := 200 + len(e.ID) + len(e.DN) + len(e.Mail) + len(e.Login) + len(e.GivenName) + len(e.FamilyName) + len(e.DisplayName) + len(e.Unit)
	for _, a := range e.Aliases {
		n += len(a) + 4
	}
	for k, v := range e.Attributes {
		n += len(k) + len(v) + 8
	}
	return n
}

func accountSize(g person.Google) int {
	n := 300 + len(g.Mail) + len(g.GivenName) + len(g.FamilyName) + len(g.DisplayName) + len(g.OrgUnit)
	for _, a := range g.Aliases {
		n += len(a) + 4
	}
	return n
}
