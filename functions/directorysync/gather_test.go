package directorysync

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestSheets_CutWhatIsTooLarge into documents that hold everything once, in order.
func TestSheets_CutWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	var p directory.Page
	var rows []directory.Row
	p.Run, p.Next, p.Problems, p.Excluded = "r", "token", []directory.Problem{{ID: "x"}}, 3
	for i := range 12_000 {
		id := fmt.Sprint(i)
		rows = append(rows, directory.Row{Key: person.KeyHash(acme, id)})
		if i < 900 {
			p.Entries = append(p.Entries, person.Entry{ID: id, Aliases: []string{strings.Repeat("a", 900)}})
		}
		if i < 300 {
			p.Google = append(p.Google, person.Google{ID: id, DisplayName: strings.Repeat("d", 900)})
			p.Removed = append(p.Removed, id)
		}
	}
	g := &gathered{room: 100}
	var entries, accounts, removed int
	pages := sheets(p, rows, 7)
	for i, q := range pages {
		if q.Number != 7+i || q.Run != "r" || (q.Next == "token") != (i == len(pages)-1) {
			t.Errorf("page %d is number %d, next %q", i, q.Number, q.Next)
		}
		size := 0
		for _, e := range q.Entries {
			if e.ID != fmt.Sprint(entries) {
				t.Fatalf("entry %d is %q", entries, e.ID)
			}
			entries++
			size += entrySize(e)
		}
		for _, a := range q.Google {
			accounts++
			size += accountSize(a)
		}
		removed += len(q.Removed)
		if size > pageBytes+2000 {
			t.Errorf("page %d has %d bytes of records", i, size)
		}
		if err := g.add(q); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(rows, g.rows) {
		t.Error("the rows are others")
	}
	if len(pages) < 3 || entries != 900 || accounts != 300 || removed != 300 || len(g.problems) != 1 || g.excluded != 3 {
		t.Errorf("%d pages, %d entries, %d accounts, %d removed, %d problems, %d excluded", len(pages), entries, accounts, removed, len(g.problems), g.excluded)
	}
}

// TestLargeDifference_GoesInRanges: more records than memory is meant for are planned
// in passes over the pages, to the same end.
func TestLargeDifference_GoesInRanges(t *testing.T) {
	t.Parallel()
	const n, part = 260, 10
	s := newSite(t, directory.GoogleOnly, options{plain: true, page: 50})
	s.engine.keep, s.engine.part = 60, part
	s.must(s.google.Seed(func(yield func(workspacetest.User) bool) {
		for i := range n {
			if !yield(googleUser(i)) {
				return
			}
		}
	}))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Counts.Done[directory.Add] != n+1 || r.Parts != (n+1+part-1)/part || r.Counts.Failed > 0 {
		t.Errorf("%d parts, counts %+v", r.Parts, r.Counts)
	}
	if r := s.sync(); r.Parts != 0 || r.Counts.Before != n+1 {
		t.Errorf("the next run has %d parts, %d before", r.Parts, r.Counts.Before)
	}
}
