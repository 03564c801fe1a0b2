package embedded_test

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// A process that is killed in the middle of its updates loses none that it was
// told are done, leaves no half of one, and no index entry astray.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 5 {
		cmd := child(t, "write", dir, fmt.Sprintf("%s=%d", envRound, round))
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		n := 0
		readLines(lines, func(id string) bool {
			acknowledged[id] = true
			n++
			return n < 40+60*round
		})
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		// What it printed before it died was acknowledged as well.
		readLines(lines, func(id string) bool { acknowledged[id] = true; return true })
		_ = cmd.Wait()
		if n == 0 {
			t.Fatal("the child acknowledged nothing")
		}
		checkPairs(t, dir, acknowledged)
	}
}

func checkPairs(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	s, err := embedded.Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("the store does not open after a kill: %v", err)
	}
	defer func() { _ = s.Close() }()
	halves := map[string][]string{}
	for _, d := range all(t, s, "") {
		id := d.Index["id"]
		halves[id] = append(halves[id], d.Key.ID)
	}
	byIndex := map[string][]string{}
	for _, d := range all(t, s, "id") {
		byIndex[d.Index["id"]] = append(byIndex[d.Index["id"]], d.Key.ID)
	}
	if diff := cmp.Diff(halves, byIndex); diff != "" {
		t.Errorf("documents and index disagree (-documents +index):\n%s", diff)
	}
	for id := range acknowledged {
		if halves[id] == nil {
			t.Errorf("update %s was acknowledged and is lost", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(halves)) {
		if diff := cmp.Diff([]string{id + "-a", id + "-b"}, halves[id]); diff != "" {
			t.Errorf("update %s is there by half (-want +got):\n%s", id, diff)
		}
	}
}

// all returns every half, in pages.
func all(t *testing.T, s *embedded.Store, field string) (docs []store.Document) {
	t.Helper()
	q := store.Query{Kind: "halves", Field: field, Limit: store.MaxLimit}
	for {
		page, err := s.Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, page...)
		if len(page) < q.Limit {
			return docs
		}
		q.After = q.Cursor(page[len(page)-1])
	}
}
