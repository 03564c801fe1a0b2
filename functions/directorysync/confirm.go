package directorysync

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// confirm asks the directories for everybody who was not listed, because not being
// listed proves nothing (invariant D5), and in a run that waited for an admin for
// everybody who would lose something, because that may be over.
func (s *slice) confirm(ctx context.Context) error {
	if s.confirms() || s.waited() {
		for n := s.run.Confirmed; n < s.run.Parts; n++ {
			if s.over() {
				return errHandOn
			}
			if err := s.confirmPart(ctx, n); err != nil {
				return err
			}
		}
	}
	if s.run.Kind == directory.DryRun {
		return s.end(ctx, directory.Done, func(r *directory.Run, _ *directory.State) { r.Confirmed = r.Parts })
	}
	return s.checkpoint(ctx, func(_ *record.Tx, r *directory.Run) error {
		r.Confirmed, r.Phase = r.Parts, directory.Applying
		return nil
	})
}

// confirms reports whether anybody's absence could be acted on.
func (s *slice) confirms() bool {
	r := s.run
	return r.Counts.Absent+r.Counts.GoogleAbsent > 0 && r.Incomplete == "" && !s.additionsOnly()
}

// waited reports whether the plan may be old and takes something.
func (s *slice) waited() bool { return s.run.Decision != nil && !s.additionsOnly() }

// asksEntry reports whether the primary directory is asked about an item, and
// asksAccount whether Google is asked about the account beside it.
func (s *slice) asksEntry(it directory.Item) bool {
	switch {
	case it.Outcome != "":
		return false
	case it.Facts.EntryGone != directory.Listed:
		return it.Facts.EntryGone == directory.Unlisted && s.confirms()
	}
	return s.waited() && slices.ContainsFunc(it.Steps, func(st directory.Step) bool { return st.Action.Withdraws() })
}

func (s *slice) asksAccount(it directory.Item) bool {
	return it.Outcome == "" && it.Facts.GoogleGone == directory.Unlisted && s.confirms()
}

func (s *slice) additionsOnly() bool { return s.run.Decision != nil && s.run.Decision.AdditionsOnly }

func (s *slice) confirmPart(ctx context.Context, n int) error {
	part, err := s.DB.Part(ctx, s.run.ID, n)
	if err != nil {
		return err
	}
	var open []int
	for i, it := range part.Items {
		if s.asksEntry(it) || s.asksAccount(it) {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return s.pulse(ctx)
	}
	keys, rows, errs := make([]string, len(open)), make([]person.Person, len(open)), make([]error, len(open))
	for i, at := range open {
		keys[i] = part.Items[at].Key
	}
	if err := s.read(ctx, keys, rows, errs); err != nil {
		return err
	}
	before := slices.Clone(part.Items)
	var noted []directory.Problem
	note := func(it directory.Item, reason string) {
		noted = append(noted, directory.Problem{ID: it.ID, Name: it.Name, Reason: reason})
	}
	if err := s.ask(ctx, part.Items, open, rows, note); err != nil {
		return err
	}
	for i, at := range open {
		it := &part.Items[at]
		if rows[i].Key != "" {
			_, here, there := s.consider(rows[i], *it)
			it.Steps = slices.Concat(here, there)
		}
	}
	return s.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		for _, at := range open {
			s.count(r, before[at], -1)
			s.count(r, part.Items[at], 1)
		}
		r.Note(noted...)
		r.Confirmed = n + 1
		return tx.PutPart(part)
	})
}

// ask finds out about the absent of one part, and about those who would lose
// something.
func (s *slice) ask(ctx context.Context, items []directory.Item, open []int, rows []person.Person, note func(directory.Item, string)) error {
	if s.config.Mode.UsesLDAP() {
		if err := s.askLDAP(ctx, items, open, note); err != nil {
			return err
		}
	}
	for i, at := range open {
		it := &items[at]
		gone, when, id := &it.Facts.GoogleGone, &it.Facts.GoogleAt, rows[i].Google.ID
		if s.config.Mode == directory.GoogleOnly {
			gone, when, id = &it.Facts.EntryGone, &it.Facts.EntryAt, it.ID
			if *gone == directory.Listed {
				if err := s.askAgain(ctx, it); err != nil {
					return err
				}
				continue
			}
		}
		if *gone != directory.Unlisted || !s.confirms() {
			continue
		}
		asked := s.Now()
		finding, reason, err := s.askGoogle(ctx, id)
		if err != nil {
			return err
		}
		*gone, *when = finding, asked
		if finding == directory.Unconfirmed {
			note(*it, reason)
		}
		if err := s.pulse(ctx); err != nil {
			return err
		}
	}
	return nil
}

// What a problem says of somebody who was not listed.
const (
	problemUnlisted = "not-listed-but-there"
	problemUnknown  = "not-listed-and-not-found-out"
)

func (s *slice) askLDAP(ctx context.Context, items []directory.Item, open []int, note func(directory.Item, string)) error {
	var ids []string
	var asks []int
	again := false
	for _, at := range open {
		if it := items[at]; s.asksEntry(it) {
			ids, asks = append(ids, it.ID), append(asks, at)
			again = again || it.Facts.EntryGone == directory.Listed
		}
	}
	if len(ids) == 0 {
		return nil
	}
	src, err := s.LDAP(ctx, s.config)
	if err != nil {
		return err
	}
	asked := s.Now()
	found, err := src.Lookup(ctx, ids)
	if err != nil && (again || fault.Redeliver(err) || hopeless(err)) {
		return err
	}
	for _, at := range asks {
		it := &items[at]
		if it.Facts.EntryGone == directory.Listed {
			if f := found[it.ID]; f.State == ldap.Present && !s.config.Exclude.Excludes(f.Entry) {
				it.Facts.Entry, it.Facts.EntryAt = &f.Entry, asked
			}
			continue
		}
		it.Facts.EntryGone, it.Facts.EntryAt = s.ldapFinding(found[it.ID]), asked
		switch {
		case err != nil:
			note(*it, problemUnknown)
		case it.Facts.EntryGone == directory.Unconfirmed:
			note(*it, problemUnlisted)
		}
	}
	return nil
}

func (s *slice) ldapFinding(f ldap.Finding) directory.Finding {
	switch {
	case f.State == ldap.Absent:
		return directory.Absent
	case f.State == ldap.OutOfScope, f.State == ldap.Present && s.config.Exclude.Excludes(f.Entry):
		return directory.OutOfScope
	}
	return directory.Unconfirmed
}
