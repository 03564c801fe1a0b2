package directory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestState_StirAndCalm(t *testing.T) {
	t.Parallel()
	var s directory.State
	for i, id := range []string{"a", "b", "a"} {
		if !s.Stir(id, opened.Add(time.Duration(i)*time.Minute)) {
			t.Fatalf("no room for %s", id)
		}
	}
	want := []directory.Stir{{Key: "a", At: opened.Add(2 * time.Minute)}, {Key: "b", At: opened.Add(time.Minute)}}
	if diff := cmp.Diff(want, s.Stirred); diff != "" {
		t.Errorf("stirred (-want +got):\n%s", diff)
	}
	if s.Calm(opened.Add(2 * time.Minute)); len(s.Stirred) != 1 || s.Stirred[0].Key != "a" {
		t.Errorf("a run that began with the last of them forgets those before: %v", s.Stirred)
	}
	if s.Calm(opened.Add(time.Hour)); s.Stirred != nil {
		t.Errorf("left: %v", s.Stirred)
	}
	for i := range directory.MaxStirred {
		if !s.Stir(fmt.Sprint(i), opened) {
			t.Fatalf("no room for %d", i)
		}
	}
	if s.Stir("one more", opened) || !s.Stir("0", opened) || len(s.Stirred) != directory.MaxStirred {
		t.Error("there is room for those who are there, and for nobody else")
	}
}

// TestManifest_Stirred: whoever was changed by a notification differs from what is
// remembered, listed or not.
func TestManifest_Stirred(t *testing.T) {
	t.Parallel()
	row := func(id string) directory.Row {
		return directory.RowOfEntry("acme", person.Entry{ID: id, Mail: id + "@example.com"})
	}
	m := directory.NewManifest([]directory.Row{row("a"), row("b"), row("c")})
	stir := func(id string) directory.Stir { return directory.Stir{Key: person.KeyOf("acme", id)} }
	m = m.Stirred([]directory.Stir{stir("b"), stir("new"), {Key: "no key"}, {}})
	got := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "new"} {
		got[id] = m.Unchanged(row(id))
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": false, "c": true, "new": false}, got); diff != "" {
		t.Errorf("unchanged (-want +got):\n%s", diff)
	}
	missing := 0
	m.Missing(directory.NewManifest([]directory.Row{row("a"), row("c")}), func(directory.Row) { missing++ })
	if missing != 2 {
		t.Errorf("%d missing, want b and new", missing)
	}
}
