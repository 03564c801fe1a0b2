package mail_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// saved is a book of acme with the given settings, saved one after the other.
func saved(t *testing.T, settings ...mail.Setting) mail.Book {
	t.Helper()
	b := mail.Book{Enterprise: "acme"}
	for _, s := range settings {
		var err error
		if b, _, err = b.With(s, noon); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestBook_KeepsSettingsByID(t *testing.T) {
	t.Parallel()
	b := saved(t, imap(), exchange(apps))
	if b.Revision != 2 || len(b.Settings) != 2 || b.Settings[0].ID != "sales" {
		t.Fatalf("revision %d of %+v", b.Revision, b.Settings)
	}
	if got := b.NeedsGenerated(); !slices.Equal(got, []string{"sales"}) {
		t.Errorf("generated passwords are needed by %v", got)
	}
	s, ok := b.Setting("voice")
	if !ok || s.Version != 1 || s.Enterprise != "acme" || !s.CreatedAt.Equal(noon) {
		t.Errorf("%v %+v", ok, s)
	}
	if _, ok := b.Setting("none"); ok {
		t.Error("there is a setting that nobody saved")
	}
	before := slices.Clone(b.Settings)
	less, ok := b.Without("sales")
	if !ok || less.Revision != 3 || len(less.Settings) != 1 || less.Settings[0].ID != "voice" {
		t.Errorf("%v %+v", ok, less)
	}
	if same, ok := less.Without("sales"); ok || same.Revision != 3 {
		t.Errorf("a setting was removed twice: revision %d", same.Revision)
	}
	changed := imap(func(s *mail.Setting) { s.Name = "Other" })
	if _, s, _ := b.With(changed, noon.Add(time.Hour)); s.Version != 2 || !s.CreatedAt.Equal(noon) {
		t.Errorf("%+v", s)
	}
	if d := cmp.Diff(before, b.Settings); d != "" {
		t.Errorf("a change of a copy changed the book: -want +got:\n%s", d)
	}
}

// TestBook_TheSameSettingChangesNothing: what is equal once it is stored, and read
// again, leaves the revision alone, so that no check-in has to look.
func TestBook_TheSameSettingChangesNothing(t *testing.T) {
	t.Parallel()
	first := exchange(managed(mail.Gmail, nil), func(s *mail.Setting) { s.Labels = []string{"b", "a"} })
	b := saved(t, first)
	raw, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var stored mail.Book
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*mail.Setting)
		want   int
	}{
		"nothing":            {func(*mail.Setting) {}, 1},
		"the labels' order":  {func(s *mail.Setting) { s.Labels = []string{"a", "b", "a"} }, 1},
		"an empty map":       {managed(mail.Gmail, map[string]string{}), 1},
		"another enterprise": {func(s *mail.Setting) { s.Enterprise = "" }, 1},
		"a label":            {func(s *mail.Setting) { s.Labels = []string{"a"} }, 2},
		"the description":    {func(s *mail.Setting) { s.Description = "x" }, 2},
		"the server":         {func(s *mail.Setting) { s.Exchange.Server = "x.example" }, 2},
	} {
		next := first
		exchangeCopy := *first.Exchange
		next.Exchange = &exchangeCopy
		tc.change(&next)
		got, s, err := stored.With(next, noon.Add(time.Hour))
		if err != nil || got.Revision != tc.want {
			t.Errorf("%s changed: revision %d, want %d (%v)", name, got.Revision, tc.want, err)
		}
		if tc.want == 1 && !s.UpdatedAt.Equal(noon) {
			t.Errorf("%s changed: saved at %v", name, s.UpdatedAt)
		}
	}
}

func TestBook_IsBounded(t *testing.T) {
	t.Parallel()
	b := mail.Book{Enterprise: "acme"}
	for i := range mail.MaxSettings {
		var err error
		if b, _, err = b.With(exchange(func(s *mail.Setting) { s.ID = fmt.Sprintf("s%d", i) }), noon); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := b.With(imap(), noon)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "remove one first") {
		t.Errorf("one setting too many: %v", err)
	}
	if _, _, err := b.With(exchange(func(s *mail.Setting) { s.ID, s.Name = "s7", "Other" }), noon); err != nil {
		t.Errorf("a full book cannot be changed: %v", err)
	}
	large := map[string]string{}
	for i := range 50 {
		large[fmt.Sprintf("k%d", i)] = strings.Repeat("x", 500)
	}
	for i := 0; err == nil || i == 0; i++ {
		b, _, err = b.With(exchange(managed(mail.Generic, large), func(s *mail.Setting) { s.ID = fmt.Sprintf("s%d", i) }), noon)
		if i == mail.MaxSettings {
			t.Fatal("a book has no bound")
		}
	}
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "512 KiB") {
		t.Errorf("a book too large: %v", err)
	}
}

// TestBook_IsInOrder: whatever is saved and removed, the settings are in order of id,
// each once, and every change counts.
func TestBook_IsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := mail.Book{Enterprise: "acme"}
		model := map[string]string{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c-1", "c", "z9"}).Draw(t, "id")
			name := rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "name")
			before, had := b.Revision, model[id]
			if name == "" {
				b, _ = b.Without(id)
				delete(model, id)
			} else {
				b, _, _ = b.With(imap(func(s *mail.Setting) { s.ID, s.Name = id, name }), noon)
				model[id] = name
			}
			if changed := had != name; changed != (b.Revision == before+1) || !changed && b.Revision != before {
				t.Fatalf("%q became %q: revision %d after %d", had, name, b.Revision, before)
			}
		}
		got := map[string]string{}
		for _, s := range b.Settings {
			got[s.ID] = s.Name
		}
		ordered := slices.IsSortedFunc(b.Settings, func(x, y mail.Setting) int { return strings.Compare(x.ID, y.ID) })
		if d := cmp.Diff(model, got); d != "" || !ordered || len(b.Settings) != len(got) {
			t.Fatalf("ordered %v, -want +got:\n%s", ordered, d)
		}
	})
}
