package directorysync

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// planner makes items of drafts, and parts of items.
type planner struct {
	*slice
	// from is the last key that is planned already.
	from key
	// fresh: there is nobody yet whose row could be read.
	fresh bool
	items []directory.Item
	size  int
}

func (s *slice) planner(ctx context.Context) (*planner, error) {
	p := &planner{slice: s, fresh: s.state.LastDone.IsZero() && len(s.state.Manifests) == 0}
	if s.run.Parts == 0 {
		return p, nil
	}
	last, err := s.DB.Part(ctx, s.run.ID, s.run.Parts-1)
	if err == nil && len(last.Items) > 0 {
		p.from, _ = keyOf(last.Items[len(last.Items)-1].Key)
	}
	return p, err
}

// plan takes the drafts into the plan.
func (p *planner) plan(ctx context.Context, drafts []*draft) error {
	for chunk := range slices.Chunk(drafts, p.partItems()) {
		rows := make([]person.Person, len(chunk))
		errs := make([]error, len(chunk))
		if !p.fresh {
			keys := make([]string, len(chunk))
			for i, x := range chunk {
				keys[i] = person.KeyText(x.key)
			}
			if err := p.read(ctx, keys, rows, errs); err != nil {
				return err
			}
		}
		for i, x := range chunk {
			item, ok := p.item(x, rows[i], errs[i])
			if !ok {
				continue
			}
			p.items, p.size = append(p.items, item), p.size+itemSize(item)
			if len(p.items) == p.partItems() || p.size >= pageBytes {
				if err := p.flush(ctx); err != nil {
					return err
				}
				if p.over() {
					return errHandOn // at least one part further
				}
			}
		}
		if err := p.pulse(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read reads people's rows, a missing one as the zero value. What is wrong with a
// single row is in errs.
func (s *slice) read(ctx context.Context, keys []string, rows []person.Person, errs []error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, k := range keys {
		g.Go(func() error {
			row, err := s.DB.Person(ctx, k)
			switch {
			case err == nil:
				rows[i] = row
			case fault.KindOf(err) == fault.NotFound:
			case fault.Redeliver(err):
				return err
			default:
				errs[i] = err
			}
			return nil
		})
	}
	return g.Wait()
}

// item returns what is to be done about a person, and false for nothing.
func (s *slice) item(x *draft, row person.Person, damaged error) (directory.Item, bool) {
	x.choose(row)
	f := x.facts
	item := directory.Item{Key: person.KeyText(x.key), ID: row.ID, Facts: f}
	if f.Entry != nil {
		item.ID = f.Entry.ID
	}
	if damaged != nil {
		item.Outcome, item.Reason = directory.Unsuccessful, reasonOf(damaged)
		return item, true
	}
	if row.Key == "" && f.Entry == nil {
		return item, false // an account, or an absence, of nobody
	}
	if departed(row) {
		f.EntryGone = directory.Listed // and is known to be gone
	}
	if row.Google.ID == "" || row.Google.Deleted {
		f.GoogleGone = directory.Listed
	}
	item.Facts = f
	next, here, there := s.consider(row, item)
	steps := slices.Concat(here, there)
	item.Name, item.Mail, item.Steps = next.Entry.Name(), next.Entry.Mail, steps
	nothing := len(steps) == 0 && f.EntryGone == directory.Listed && f.GoogleGone == directory.Listed &&
		slices.Equal(row.Problems, next.Problems) && !overtaken(row, f)
	return item, !nothing
}

// overtaken reports whether something newer is known than what was found, so that
// the next run is to look again.
func overtaken(row person.Person, f directory.Facts) bool {
	entry := f.Entry != nil || f.EntryGone != directory.Listed
	google := f.Google != nil || f.GoogleGone != directory.Listed
	return entry && f.EntryAt.Before(row.EntryAt) || google && f.GoogleAt.Before(row.GoogleAt)
}

func departed(p person.Person) bool { return p.State == person.Leaving || p.State == person.Gone }

// consider returns what becomes of a person, with the steps in Rollcall and those
// at Google.
func (s *slice) consider(row person.Person, item directory.Item) (next person.Person, here, there []directory.Step) {
	now := s.Now()
	next, here = s.config.Decide(row, item.ID, item.Facts, now)
	if next.Key == "" || s.config.Mode != directory.ReadWrite {
		return next, here, nil
	}
	there, problems := s.config.AccountSteps(next, now)
	if len(there) == 0 && directory.NoteAccount(&next, problems) {
		next.UpdatedAt = now
	}
	return next, here, there
}

// flush stores the part.
func (p *planner) flush(ctx context.Context) error {
	if len(p.items) == 0 {
		return nil
	}
	at := p.Now()
	err := p.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		part := directory.Part{Run: r.ID, Number: r.Parts, Items: p.items, At: at}
		r.Parts++
		for _, it := range p.items {
			p.count(r, it, 1)
			if it.Facts.EntryGone != directory.Listed {
				r.Counts.Absent++
			}
			if it.Facts.GoogleGone != directory.Listed {
				r.Counts.GoogleAbsent++
			}
			if it.Facts.Unclear {
				r.Note(directory.Problem{ID: it.ID, Name: it.Name, Reason: directory.ProblemSharedMail})
			}
			if it.Outcome == directory.Unsuccessful {
				r.Counts.Failed++
				r.Note(directory.Problem{ID: it.Key, Reason: it.Reason})
			}
		}
		return tx.PutPart(part)
	})
	p.items, p.size = nil, 0
	return err
}

// count adds n times what an item takes and does to the run's figures. Who was not
// listed counts as one who would lose access, until somebody says otherwise.
func (s *slice) count(r *directory.Run, it directory.Item, n int) {
	c := &r.Counts
	withdraws := it.Facts.EntryGone == directory.Unlisted && r.Incomplete == ""
	for _, st := range it.Steps {
		if c.Planned == nil {
			c.Planned = map[directory.Action]int{}
		}
		if c.Planned[st.Action] += n; c.Planned[st.Action] == 0 {
			delete(c.Planned, st.Action)
		}
		withdraws = withdraws || st.Action.Withdraws()
		if st.Action == directory.DeleteAccount {
			c.Deletes += n
		}
	}
	if withdraws {
		c.Withdraws += n
	}
}

func itemSize(it directory.Item) int {
	n := 300 + len(it.ID) + len(it.Name) + len(it.Mail) + 80*len(it.Steps)
	if e := it.Facts.Entry; e != nil {
		n += entrySize(*e)
	}
	if g := it.Facts.Google; g != nil {
		n += accountSize(*g)
	}
	return n
}
