package directory_test

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func numbered(n int) []directory.Row {
	rows := make([]directory.Row, n)
	for i := range rows {
		rows[i] = directory.RowOfEntry("acme", person.Entry{ID: fmt.Sprintf("id-%d", i), Mail: fmt.Sprintf("user-%d@example.com", i)})
	}
	return rows
}

// What a source does not promise, and what is not its word, changes no row.
func TestRowsAreStable_D4(t *testing.T) {
	t.Parallel()
	e := person.Entry{ID: "1", Mail: "a@example.com", Aliases: []string{"b@example.com", "c@example.com"},
		Attributes: map[string]string{"a": "1", "b": "2", "c": "3"}, Enabled: person.Yes}
	row := directory.RowOfEntry("acme", e)
	for name, change := range map[string]func(*person.Entry){
		"nothing":              func(*person.Entry) {},
		"the DN":               func(e *person.Entry) { e.DN = "cn=a" },
		"the order of aliases": func(e *person.Entry) { e.Aliases = []string{"C@example.com", "b@example.com"} },
		"the map": func(e *person.Entry) {
			e.Attributes = maps.Collect(maps.All(map[string]string{"c": "3", "b": "2", "a": "1"}))
		},
	} {
		next := e
		change(&next)
		if directory.RowOfEntry("acme", next) != row {
			t.Errorf("%s changes the row", name)
		}
	}
	if got := directory.RowOfEntry("acme", e); got != row || e.Aliases[0] != "b@example.com" {
		t.Error("the entry was changed")
	}
	for name, change := range map[string]func(*person.Entry){
		"mail": func(e *person.Entry) { e.Mail = "A@example.com" }, "aliases": func(e *person.Entry) { e.Aliases = nil },
		"login": func(e *person.Entry) { e.Login = "a" }, "given": func(e *person.Entry) { e.GivenName = "a" },
		"family": func(e *person.Entry) { e.FamilyName = "a" }, "display": func(e *person.Entry) { e.DisplayName = "a" },
		"unit": func(e *person.Entry) { e.Unit = "a" }, "enabled": func(e *person.Entry) { e.Enabled = person.Unknown },
		"attributes": func(e *person.Entry) { e.Attributes = map[string]string{"a": "1"} }, "hash": func(e *person.Entry) { e.Hash = "a" },
	} {
		next := e
		change(&next)
		if got := directory.RowOfEntry("acme", next); got.Digest == row.Digest || got.Key != row.Key {
			t.Errorf("%s does not change the digest alone", name)
		}
	}
	empty := person.Entry{ID: "1", Aliases: []string{}, Attributes: map[string]string{}}
	if directory.RowOfEntry("acme", empty) != directory.RowOfEntry("acme", person.Entry{ID: "1"}) {
		t.Error("none and empty differ")
	}
	if directory.RowOfEntry("other", e).Key == row.Key {
		t.Error("two enterprises share a key")
	}
}

func TestRowsOfGoogleAreStable_D4(t *testing.T) {
	t.Parallel()
	g := joined(known(person.Active)).Google
	row := directory.RowOfGoogle("acme", g)
	for name, change := range map[string]func(*person.Google){
		"who suspended it": func(g *person.Google) { g.SuspendedByUs = true }, "the hash": func(g *person.Google) { g.Hash = "h" },
		"when to delete it": func(g *person.Google) { g.DeleteAt = t1 }, "when it was made": func(g *person.Google) { g.CreatedAt = t1 },
		"empty aliases": func(g *person.Google) { g.Aliases = []string{} },
	} {
		next := g
		change(&next)
		if directory.RowOfGoogle("acme", next) != row {
			t.Errorf("%s changes the row", name)
		}
	}
	for name, change := range map[string]func(*person.Google){
		"mail": func(g *person.Google) { g.Mail = "x" }, "suspended": func(g *person.Google) { g.Suspended = person.Unknown },
		"archived": func(g *person.Google) { g.Archived = person.Yes }, "admin": func(g *person.Google) { g.Admin = person.Yes },
		"owner": func(g *person.Google) { g.Owner = "x" }, "unit": func(g *person.Google) { g.OrgUnit = "/x" },
		"deleted": func(g *person.Google) { g.Deleted = true }, "aliases": func(g *person.Google) { g.Aliases = []string{"x"} },
	} {
		next := g
		change(&next)
		if directory.RowOfGoogle("acme", next).Digest == row.Digest {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

func TestMailHash(t *testing.T) {
	t.Parallel()
	if directory.MailHash(" ") != [8]byte{} || directory.MailHash("A@Example.com ") != directory.MailHash("a@example.com") ||
		directory.MailHash("a@example.com") == directory.MailHash("b@example.com") {
		t.Error("hashes of addresses")
	}
}

func TestManifestProperties(t *testing.T) {
	t.Parallel()
	row := rapid.Custom(func(t *rapid.T) directory.Row {
		var r directory.Row
		r.Key[0], r.Key[15] = rapid.Byte().Draw(t, "key"), rapid.ByteRange(0, 1).Draw(t, "last")
		r.Digest[0], r.Mail[7] = rapid.ByteRange(0, 3).Draw(t, "digest"), rapid.ByteRange(0, 3).Draw(t, "mail")
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		rows, others := rapid.SliceOf(row).Draw(t, "rows"), rapid.SliceOf(row).Draw(t, "others")
		last, next := map[[16]byte]directory.Row{}, map[[16]byte]bool{}
		for _, r := range rows {
			last[r.Key] = r
		}
		m, n := directory.NewManifest(slices.Clone(rows)), directory.NewManifest(slices.Clone(others))
		if len(m) != len(last) || !slices.IsSortedFunc(m, func(a, b directory.Row) int { return bytes.Compare(a.Key[:], b.Key[:]) }) {
			t.Fatalf("%d rows of %d keys", len(m), len(last))
		}
		for _, r := range n {
			next[r.Key] = true
		}
		by := map[[8]byte]int{}
		for key, want := range last {
			got, ok := m.Find(key)
			if !ok || got != want {
				t.Fatalf("found %v, want the last of its key %v", got, want)
			}
			if m.Unchanged(want) != (want.Digest != [8]byte{}) {
				t.Fatalf("%v changed", want)
			}
			other := want
			other.Digest[0] ^= 8
			if _, known := n.Find(key); m.Unchanged(other) || known != next[key] {
				t.Fatalf("%v", other)
			}
			if want.Mail != [8]byte{} {
				by[want.Mail]++
			}
		}
		var missing []directory.Row
		m.Missing(n, func(r directory.Row) { missing = append(missing, r) })
		var want []directory.Row
		for _, r := range m {
			if !next[r.Key] {
				want = append(want, r)
			}
		}
		if diff := cmp.Diff(want, missing); diff != "" {
			t.Fatalf("missing:\n%s", diff)
		}
		mails := m.Mails()
		for i := range byte(4) {
			h := [8]byte{7: i}
			if got := mails.Of(h); len(got) != by[h] || slices.ContainsFunc(got, func(r directory.Row) bool { return r.Mail != h }) {
				t.Fatalf("%d rows of address %d, want %d", len(got), i, by[h])
			}
		}
		var back []directory.Row
		for _, b := range m.Buckets() {
			var err error
			if back, err = directory.Unpack(back, b); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(back, m) {
			t.Fatal("buckets lose rows")
		}
	})
}

// One change rewrites one document, however many there are.
func TestBuckets_D4_AreStable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rows, buckets int }{{0, 1}, {1, 1}, {8192, 1}, {8193, 2}, {16_385, 4}, {100_000, 16}} {
		rows := numbered(tc.rows)
		before := directory.NewManifest(slices.Clone(rows)).Buckets()
		if len(before) != tc.buckets {
			t.Fatalf("%d rows in %d buckets, want %d", tc.rows, len(before), tc.buckets)
		}
		size := 0
		for _, b := range before {
			size += len(b)
			if len(b) > 2*directory.BucketRows*32 {
				t.Errorf("%d rows: a bucket of %d bytes", tc.rows, len(b))
			}
		}
		if size != 32*tc.rows {
			t.Errorf("%d rows in %d bytes", tc.rows, size)
		}
		if tc.rows == 0 {
			continue
		}
		changed := slices.Clone(rows)
		changed[tc.rows/2].Digest[0]++
		differ := 0
		for i, b := range directory.NewManifest(changed).Buckets() {
			if !bytes.Equal(b, before[i]) {
				differ++
			}
		}
		if differ != 1 {
			t.Errorf("%d rows: %d buckets differ after one change", tc.rows, differ)
		}
	}
}

func TestUnpackRefusesWhatCannotBeRows(t *testing.T) {
	t.Parallel()
	if _, err := directory.Unpack(nil, make([]byte, 33)); fault.KindOf(err) != fault.Permanent || fault.ReasonOf(err) != "manifest-damaged" {
		t.Error(err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(directory.Pack(numbered(1)))
	f.Add(directory.Pack(numbered(3)))
	f.Add(make([]byte, 31))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := directory.Unpack(nil, b)
		if (err == nil) != (len(b)%32 == 0) {
			t.Fatal(err)
		}
		if err == nil && (len(rows) != len(b)/32 || !bytes.Equal(directory.Pack(rows), b)) {
			t.Fatal("rows are not what was packed")
		}
	})
}

// The work of a run without changes over 100,000 people, without I/O: rows of
// what is listed, the manifest, the comparison, the index, the buckets. live-MB is
// what is held at the end.
func BenchmarkManifest_D4(b *testing.B) {
	const n = 100_000
	entries := make([]person.Entry, n)
	for i := range entries {
		entries[i] = person.Entry{ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), Mail: fmt.Sprintf("user-%d@example.com", i), Login: fmt.Sprintf("user-%d", i),
			GivenName: "User", FamilyName: "Numbered", DisplayName: "User Numbered", Unit: "ou=people,dc=example,dc=com", Enabled: person.Yes}
	}
	rowsOf := func() []directory.Row {
		rows := make([]directory.Row, 0, n)
		for _, e := range entries {
			rows = append(rows, directory.RowOfEntry("acme", e))
		}
		return rows
	}
	old := directory.NewManifest(rowsOf())
	b.ReportAllocs()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := directory.NewManifest(rowsOf())
		changed := 0
		for _, r := range m {
			if !old.Unchanged(r) {
				changed++
			}
		}
		old.Missing(m, func(directory.Row) { changed++ })
		mails, buckets := m.Mails(), m.Buckets()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if changed != 0 || len(buckets) != 16 {
			b.Fatalf("%d changes, %d buckets", changed, len(buckets))
		}
		runtime.KeepAlive(mails)
		runtime.KeepAlive(m)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "live-MB")
}
