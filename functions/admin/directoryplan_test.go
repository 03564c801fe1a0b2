package admin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// planned stores a plan of n items in parts of size; every third withdraws.
func (b *bench) planned(n, size int) {
	b.t.Helper()
	parts := (n + size - 1) / size
	b.putRun(directory.Run{Kind: directory.DryRun, Phase: directory.Done, Parts: parts})
	for i := range parts {
		p := directory.Part{Run: runID, Number: i}
		for j := i * size; j < min(n, (i+1)*size); j++ {
			action := directory.Add
			var gone directory.Finding
			switch j % 6 {
			case 0:
				action, gone = directory.Leave, directory.Absent
			case 3: // not asked yet
				action, gone = directory.Miss, directory.Unlisted
			case 4: // asked, in vain
				action, gone = directory.Miss, directory.Unconfirmed
			}
			p.Items = append(p.Items, directory.Item{
				Key: fmt.Sprint("k", j), ID: fmt.Sprint(j), Facts: directory.Facts{EntryGone: gone}, Steps: []directory.Step{{Action: action}},
			})
		}
		b.put(func(tx *record.Tx) error { return tx.PutPart(p) })
	}
}

func (b *bench) pages(query string) (ids []string, n int) {
	b.t.Helper()
	next := ""
	for n = 1; n < 100; n++ {
		var got page[planItem]
		b.want(200, "GET", dirPath+"/runs/"+runID+"/plan"+query+"&next="+next, "", &got)
		for _, i := range got.Items {
			ids = append(ids, i.ID)
		}
		if next = got.Next; next == "" {
			break
		}
	}
	return ids, n
}

func TestPlanIsPaged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	b.planned(10, 4)
	all := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	for _, tc := range []struct {
		query string
		want  []string
		pages int
	}{
		{"?limit=1000", all, 1},
		{"?limit=3", all, 4},
		{"?limit=4", all, 3},
		{"?limit=10", all, 1},
		{"?limit=2&withdraws=yes", []string{"0", "3", "6", "9"}, 2},
		{"?limit=1000&withdraws=no", []string{"1", "2", "4", "5", "7", "8"}, 1},
	} {
		got, n := b.pages(tc.query)
		if d := cmp.Diff(tc.want, got); d != "" || n != tc.pages {
			t.Errorf("%s: %d pages, want %d, -want +got:\n%s", tc.query, n, tc.pages, d)
		}
	}
	b.planned(maxParts+5, 1)
	if got, n := b.pages("?withdraws=yes&limit=1000"); len(got) != (maxParts+5+2)/3 || n != 2 {
		t.Errorf("%d items in %d pages; one request reads more than %d parts", len(got), n, maxParts)
	}
	path := dirPath + "/runs/" + runID + "/plan"
	for _, next := range []string{"x", "1", "1.", "-1.0", "1.-1", "1.101"} {
		b.refuse(400, "GET", path+"?next="+next, "", "next", "unchanged")
	}
	b.refuse(400, "GET", path+"?withdraws=maybe", "", "withdraws", "yes or no")
	b.putRun(directory.Run{ID: strings.Repeat("b", 26), Parts: 1})
	b.refuse(404, "GET", dirPath+"/runs/"+strings.Repeat("b", 26)+"/plan", "", "", "no longer kept")
}

func TestPlanTellsFromWhatToWhat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	key := strings.Repeat("k", 26)
	b.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{
			Key: key, Enterprise: "acme", Entry: person.Entry{Mail: "ada@example.com", FamilyName: "Byron", Hash: "digest-1"},
			Google: person.Google{ID: "7", Suspended: person.No, FamilyName: "Byron"},
		})
	})
	item := directory.Item{
		Key: key, ID: "1", Facts: directory.Facts{
			Entry:  &person.Entry{Mail: "ada.lovelace@example.com", FamilyName: "Lovelace", Hash: "digest-2"},
			Google: &person.Google{ID: "7", Suspended: person.Yes, FamilyName: "Byron", Hash: "digest-3"},
		},
		Steps: []directory.Step{
			{Action: directory.Update, Fields: []string{"mail", "password"}},
			{Action: directory.Mirror, Fields: []string{"suspended"}},
			{Action: directory.UpdateAccount, Fields: []string{"familyName"}},
		},
	}
	done := item
	done.Outcome = directory.Applied
	b.putRun(directory.Run{Parts: 1})
	b.put(func(tx *record.Tx) error {
		return tx.PutPart(directory.Part{Run: runID, Items: []directory.Item{item, done}})
	})
	var got page[planItem]
	b.want(200, "GET", dirPath+"/runs/"+runID+"/plan", "", &got)
	want := []fieldChange{
		{"directory", "mail", "ada@example.com", "ada.lovelace@example.com"}, {"directory", "password", "", ""},
		{"google", "suspended", "no", "yes"}, {"google", "familyName", "Byron", "Lovelace"},
	}
	if d := cmp.Diff(want, got.Items[0].Changes); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(got.Items[1].Changes) > 0 {
		t.Errorf("after it was applied: %v", got.Items[1].Changes)
	}
	if w := b.do("GET", dirPath+"/runs/"+runID+"/plan", ""); strings.Contains(w.Body.String(), "digest-") {
		t.Errorf("digests of passwords are shown: %s", w.Body)
	}
}
