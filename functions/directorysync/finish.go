package directorysync

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// bucketsAtOnce is how many buckets one transaction writes.
const bucketsAtOnce = 8

// finish remembers what the run knows for the next one: the rows of what changed go
// under new names, and one transaction makes them the last good run's.
func (s *slice) finish(ctx context.Context) error {
	again, err := s.lookAgain(ctx)
	if err != nil {
		return err
	}
	// What is not read in this mode is kept for one in which it is: who is gone by
	// then would never be missed.
	manifests := map[directory.Source][]string{}
	maps.Copy(manifests, s.state.Manifests)
	sizes := map[directory.Source]int{}
	for _, src := range s.config.Mode.Sources() {
		if !s.collected(src) {
			manifests[src], sizes[src] = s.state.Manifests[src], s.state.Google
			continue
		}
		rows, err := s.remembered(ctx, src, again)
		if err != nil {
			return err
		}
		sizes[src] = len(rows)
		if manifests[src], err = s.storeBuckets(ctx, src, rows); err != nil {
			return err
		}
	}
	var walked time.Time
	if s.collected(directory.FromGoogle) {
		g, err := s.gathered(ctx, directory.FromGoogle)
		if err != nil {
			return err
		}
		walked = g.at
	}
	whole := s.run.Incomplete == "" || s.run.Incomplete == reasonUnidentified
	err = s.end(ctx, directory.Done, func(r *directory.Run, st *directory.State) {
		r.Reason, r.Advice = "", ""
		now := r.EndedAt
		st.Garbage = garbage(*st, manifests)
		st.Manifests, st.LastRun, st.LastDone, st.Revision = manifests, r.ID, now, r.Revision
		st.People = sizes[s.config.Mode.Primary()]
		st.Google = 0
		if len(sizes) > 1 {
			st.Google = sizes[directory.FromGoogle]
		}
		st.Cursor = r.Cursor
		if len(again.people) > 0 || !whole {
			st.Cursor = "" // LDAP's changes would not tell of them once more
		}
		if (r.Full || !s.config.Mode.UsesLDAP()) && !r.SkipGoogle && whole {
			st.LastFull = r.StartedAt
		}
		if !r.SkipGoogle && whole && r.Counts.Failed+r.Counts.Kept == 0 {
			st.Calm(r.StartedAt)
		}
		if s.collected(directory.FromGoogle) {
			st.Calm(walked)
		}
		s.state = *st
	})
	if err != nil {
		return err
	}
	s.sweep(ctx)
	return nil
}

// remains are those at whom the next run is to look again: people by key, and
// Google accounts. gone are those of them that were not listed.
type remains struct {
	people, accounts map[key]bool
}

// lookAgain reads the outcomes of the plan, where there are any but good ones.
func (s *slice) lookAgain(ctx context.Context) (remains, error) {
	rest := remains{map[key]bool{}, map[key]bool{}}
	if err := s.findHeirs(ctx, rest.people); err != nil || s.run.Counts.Failed+s.run.Counts.Kept == 0 {
		return rest, err
	}
	for n := range s.run.Parts {
		part, err := s.DB.Part(ctx, s.run.ID, n)
		if err != nil {
			return rest, err
		}
		for _, it := range part.Items {
			k, ok := keyOf(it.Key)
			if !ok || it.Outcome == directory.Applied {
				continue
			}
			rest.people[k] = true
			if g := it.Facts.Google; g != nil {
				rest.accounts[person.KeyHash(s.config.Enterprise, g.ID)] = true
			}
			if it.Facts.GoogleGone != directory.Listed {
				p, err := s.DB.Person(ctx, it.Key)
				if fault.Redeliver(err) {
					return rest, err
				}
				if err == nil {
					rest.accounts[person.KeyHash(s.config.Enterprise, p.Google.ID)] = true
				}
			}
		}
	}
	return rest, nil
}

// remembered returns the rows of a source for the next run. Those at which it is to
// look again are there with a digest that nothing equals, listed or not.
func (s *slice) remembered(ctx context.Context, src directory.Source, again remains) (directory.Manifest, error) {
	before, err := s.manifest(ctx, src)
	if err != nil {
		return nil, err
	}
	after, err := s.listed(ctx, src)
	if err != nil {
		return nil, err
	}
	keys := again.people
	if src != s.config.Mode.Primary() {
		keys = again.accounts
	}
	if len(keys) == 0 {
		return after, nil
	}
	rows := slices.Clone(after)
	for i := range rows {
		if keys[rows[i].Key] {
			rows[i].Digest = [8]byte{}
		}
	}
	before.Missing(after, func(r directory.Row) {
		if keys[r.Key] {
			r.Digest = [8]byte{}
			rows = append(rows, r)
		}
	})
	return directory.NewManifest(rows), nil
}

// storeBuckets stores the buckets that differ and returns the names of all.
func (s *slice) storeBuckets(ctx context.Context, src directory.Source, rows directory.Manifest) ([]string, error) {
	before, err := s.manifest(ctx, src)
	if err != nil {
		return nil, err
	}
	next, last, had := rows.Buckets(), before.Buckets(), s.state.Manifests[src]
	if src == directory.FromGoogle && len(s.state.Stirred) > 0 {
		last = nil // it is not what is stored
	}
	names := make([]string, len(next))
	var fresh []int
	for i := range next {
		if len(had) == len(next) && len(last) == len(next) && bytes.Equal(next[i], last[i]) {
			names[i] = had[i]
			continue
		}
		names[i] = fmt.Sprintf("%s.%s.%04d", s.run.ID, src, i)
		fresh = append(fresh, i)
	}
	for chunk := range slices.Chunk(fresh, bucketsAtOnce) {
		err := s.guarded(ctx, func(tx *record.Tx, st *directory.State) (bool, error) {
			for _, i := range chunk {
				if err := tx.PutBucket(names[i], next[i]); err != nil {
					return false, err
				}
				// Until the run is done nobody names them.
				if !slices.Contains(st.Garbage, names[i]) {
					st.Garbage = append(st.Garbage, names[i])
				}
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// garbage returns the buckets that nobody names once the manifests are the given
// ones.
func garbage(st directory.State, manifests map[directory.Source][]string) []string {
	var used, out []string
	for _, names := range manifests {
		used = append(used, names...)
	}
	all := slices.Clone(st.Garbage)
	for _, names := range st.Manifests {
		all = append(all, names...)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if !slices.Contains(used, name) {
			out = append(out, name)
		}
	}
	return out
}

// sweep deletes what nobody names. What fails is left to the next run.
func (s *slice) sweep(ctx context.Context) {
	if len(s.state.Garbage) == 0 {
		return
	}
	_ = s.guarded(ctx, func(tx *record.Tx, st *directory.State) (bool, error) {
		for i, name := range st.Garbage {
			if i == 400 {
				break
			}
			if err := tx.DeleteBucket(name); err != nil {
				return false, err
			}
		}
		st.Garbage = st.Garbage[min(400, len(st.Garbage)):]
		return true, nil
	})
}
