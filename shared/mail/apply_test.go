package mail_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestSave_VersionsWhatDevicesGet(t *testing.T) {
	t.Parallel()
	first := mail.Save(mail.Setting{}, exchange(func(s *mail.Setting) { s.Version = 9 }), noon)
	if first.Version != 1 || !first.CreatedAt.Equal(noon) || !first.UpdatedAt.Equal(noon) {
		t.Fatalf("a new setting is version %d of %v", first.Version, first.CreatedAt)
	}
	for _, tc := range []struct {
		name   string
		change func(*mail.Setting)
		want   int
	}{
		{"nothing", func(*mail.Setting) {}, 1},
		{"description", func(s *mail.Setting) { s.Description = "other" }, 1},
		{"labels", func(s *mail.Setting) { s.Labels = []string{"x", "a", "x"} }, 1},
		{"name", func(s *mail.Setting) { s.Name = "other" }, 2},
		{"server", func(s *mail.Setting) { s.Exchange.Server = "other.example" }, 2},
		{"items", func(s *mail.Setting) { s.Exchange.Sync.Tasks = false }, 2},
		{"sign-in", apps, 2},
		{"address", func(s *mail.Setting) { s.Email = "$USERID$" }, 2},
		{"audience", func(s *mail.Setting) { s.Audience = mail.ManagedApple }, 2},
		{"managed", managed(mail.Gmail, nil), 2},
	} {
		later := noon.Add(time.Hour)
		got := mail.Save(first, exchange(tc.change), later)
		if got.Version != tc.want || !got.CreatedAt.Equal(noon) || !got.UpdatedAt.Equal(later) {
			t.Errorf("%s changed: version %d of %v, want %d", tc.name, got.Version, got.CreatedAt, tc.want)
		}
		if !slices.IsSorted(got.Labels) || len(slices.Compact(slices.Clone(got.Labels))) != len(got.Labels) {
			t.Errorf("%s changed: labels %v", tc.name, got.Labels)
		}
	}
}

// contentOf is the digest of what a device of somebody is to get.
func contentOf(t *testing.T, s mail.Setting, who mail.Person, on mail.Device, usable int) string {
	t.Helper()
	c, err := mail.For(s, who, on, &mail.Accepted{Version: usable, Value: secret.New("x")})
	if err != nil {
		t.Fatal(err)
	}
	return c.Digest()
}

func TestChanges_C5(t *testing.T) {
	t.Parallel()
	pw, plain := exchange(apps), imap(elsewhere)
	older := exchange(apps, func(s *mail.Setting) { s.Version = 0 })
	other := mail.Device{ID: "d2"}
	moved, nobody := ada, mail.Person{}
	moved.GoogleEmail = "ada.b@g.example"
	content := func(s mail.Setting, password int) string { return contentOf(t, s, ada, phone, password) }
	held := func(s mail.Status, of mail.Setting, password int) []mail.Held {
		return []mail.Held{{Setting: "sales", Version: of.Version, PasswordVersion: password, Content: content(of, password), Status: s}}
	}
	wait := mail.Change{Setting: "sales", Version: 1, Do: mail.Wait}
	send := mail.Change{Setting: "sales", Version: 1, PasswordVersion: 4, Content: content(pw, 4), Do: mail.Send}
	voice := mail.Change{Setting: "voice", Version: 1, Content: content(plain, 0), Do: mail.Send}
	withdraw := mail.Change{Setting: "sales", Version: 1, Content: content(pw, 4), Do: mail.Withdraw}
	block := func(setting string) mail.Change {
		return mail.Change{Setting: setting, Version: 1, Do: mail.Block, Reason: mail.ReasonMissing,
			Text: "The person has no value for $EMAIL$; the directory must have one."}
	}
	movedSend := send
	movedSend.Content = contentOf(t, pw, moved, phone, 4)
	for _, tc := range []struct {
		name   string
		who    mail.Person
		on     mail.Device
		held   []mail.Held
		usable int
		want   []mail.Change
	}{
		{"new, no password yet", ada, phone, nil, 0, []mail.Change{wait, voice}},
		{"new", ada, phone, nil, 4, []mail.Change{send, voice}},
		{"sent without an answer", ada, phone, held(mail.Sent, pw, 4), 4, []mail.Change{send, voice}},
		{"applied", ada, phone, held(mail.Applied, pw, 4), 4, []mail.Change{voice}},
		{"failed", ada, phone, held(mail.Failed, pw, 4), 4, []mail.Change{voice}},
		{"failed with an older password", ada, phone, held(mail.Failed, pw, 3), 4, []mail.Change{send, voice}},
		{"older version", ada, phone, held(mail.Applied, older, 4), 4, []mail.Change{send, voice}},
		{"newer password", ada, phone, held(mail.Applied, pw, 3), 4, []mail.Change{send, voice}},
		{"newer password on its way", ada, phone, held(mail.Applied, pw, 3), 0, []mail.Change{wait, voice}},
		{"another address", moved, phone, held(mail.Applied, pw, 4), 4, []mail.Change{movedSend, voice}},
		{"label came back", ada, phone, held(mail.Withdrawing, pw, 4), 4, []mail.Change{send, voice}},
		{"no address", nobody, phone, nil, 4, []mail.Change{block("sales"), block("voice")}},
		{"no address any more, and no password", nobody, phone, held(mail.Applied, pw, 4), 0, []mail.Change{block("sales"), block("voice")}},
		{"no label", ada, other, nil, 4, nil},
		{"label gone", ada, other, held(mail.Applied, pw, 4), 4, []mail.Change{withdraw}},
		{"label gone, could not be applied", ada, other, held(mail.Failed, pw, 4), 4, []mail.Change{withdraw}},
		{"label gone, withdrawal without an answer", ada, other, held(mail.Withdrawing, pw, 4), 0, []mail.Change{withdraw}},
	} {
		got := mail.Changes([]mail.Setting{plain, pw}, tc.who, tc.on, tc.held, tc.usable)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	send := mail.Change{Setting: "sales", Version: 2, PasswordVersion: 4, Content: "c2", Do: mail.Send}
	withdraw := mail.Change{Setting: "sales", Version: 2, Content: "c2", Do: mail.Withdraw}
	older := send
	older.Content = "c1"
	sent := mail.Note(nil, send, noon)
	leaving := mail.Note(sent, withdraw, noon)
	stuck, _ := mail.Answer(leaving, withdraw, false, "NO", noon)
	done, _ := mail.Answer(sent, send, true, "", noon)
	for _, tc := range []struct {
		name string
		held []mail.Held
		c    mail.Change
		ok   bool
		want string // statuses; empty: nothing changed
	}{
		{"applied", sent, send, true, "[applied ]"},
		{"could not be applied", sent, send, false, "[failed NO]"},
		{"applied, twice", done, send, true, ""},
		{"failed after applied", done, send, false, ""},
		{"an older content", sent, older, true, ""},
		{"withdrawn", leaving, withdraw, true, "[]"},
		{"could not be withdrawn", leaving, withdraw, false, "[withdrawing NO]"},
		{"could not be withdrawn, twice", stuck, withdraw, false, ""},
		{"withdrawn at last", stuck, withdraw, true, "[]"},
		{"withdrawn, though it was not asked", sent, withdraw, true, ""},
		{"applied, though it was withdrawn", leaving, send, true, ""},
		{"nothing is known", nil, send, true, ""},
	} {
		got, changed := mail.Answer(tc.held, tc.c, tc.ok, "NO", noon.Add(time.Hour))
		words := "["
		for _, h := range got {
			words += fmt.Sprintf("%s %s", h.Status, h.Reason)
		}
		if words += "]"; changed != (tc.want != "") || changed && words != tc.want {
			t.Errorf("%s: changed %v to %s, want %s", tc.name, changed, words, tc.want)
		}
		if !changed && !cmp.Equal(got, tc.held) {
			t.Errorf("%s: said that nothing changed", tc.name)
		}
	}
	failed, _ := mail.Answer(sent, send, false, "NO", noon)
	forgotten := mail.Forget(failed, "sales")
	if diff := cmp.Diff([]mail.Change{send}, mail.Diff([]mail.Change{send}, forgotten)); diff != "" {
		t.Errorf("sent after Forget (-want +got):\n%s", diff)
	}
	if got, changed := mail.Answer(forgotten, send, false, "NO", noon); changed {
		t.Errorf("an answer that came late was taken for one to what is sent again: %v", got)
	}
	// The device may still have what was sent before the content that failed.
	gone := mail.Diff(nil, forgotten)
	if len(gone) != 1 || gone[0].Do != mail.Withdraw {
		t.Fatalf("after Forget and without the label: %v", gone)
	}
	if got, changed := mail.Answer(mail.Note(forgotten, gone[0], noon), gone[0], true, "", noon); len(got) != 0 || !changed {
		t.Errorf("withdrawn, and %v is left", got)
	}
	if got := mail.Forget(done, "sales"); !cmp.Equal(got, done) {
		t.Errorf("Forget took what works: %v", got)
	}
}

// TestNote_OnceForWhatIsSentAgain: what was sent and not answered costs no write
// each time it is repeated, and Wait and Block none at all.
func TestNote_OnceForWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	send := mail.Change{Setting: "sales", Version: 2, PasswordVersion: 4, Content: "c2", Do: mail.Send}
	sent := mail.Note(nil, send, noon)
	leaving := mail.Note(sent, mail.Change{Setting: "sales", Version: 2, Content: "c2", Do: mail.Withdraw}, noon)
	newer := send
	newer.Content = "c3"
	for _, tc := range []struct {
		name    string
		held    []mail.Held
		c       mail.Change
		changes bool
	}{
		{"sent again", sent, send, false},
		{"another content", sent, newer, true},
		{"withdrawn again", leaving, mail.Change{Setting: "sales", Version: 2, Content: "c2", Do: mail.Withdraw}, false},
		{"wanted again", leaving, send, true},
		{"waiting", sent, mail.Change{Setting: "sales", Do: mail.Wait}, false},
		{"blocked", sent, mail.Change{Setting: "sales", Do: mail.Block}, false},
	} {
		if got := mail.Note(tc.held, tc.c, noon.Add(time.Hour)); cmp.Equal(got, tc.held) == tc.changes {
			t.Errorf("%s: %v became %v", tc.name, tc.held, got)
		}
	}
	if h := leaving[0]; h.PasswordVersion != 4 || h.Version != 2 {
		t.Errorf("what is withdrawn was forgotten: %+v", h)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	applied := mail.Held{Setting: "a", Version: 2, Status: mail.Applied}
	older := mail.Held{Setting: "a", Version: 1, Status: mail.Applied}
	failed := mail.Held{Setting: "b", Version: 1, Status: mail.Failed}
	got := mail.Tally(slices.Values([][]mail.Held{{applied, failed}, nil, {applied}, {older}}))
	want := map[mail.Standing]int{{"a", 2, mail.Applied}: 2, {"a", 1, mail.Applied}: 1, {"b", 1, mail.Failed}: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Tally (-want +got):\n%s", diff)
	}
}

// TestChanges_ObedientDeviceSettles: whatever a device holds, once it has done what
// it is told it holds exactly the settings of its labels, and is told no more.
func TestChanges_ObedientDeviceSettles(t *testing.T) {
	t.Parallel()
	labels := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		var settings []mail.Setting
		for i := range rapid.IntRange(0, 4).Draw(t, "settings") {
			s := imap()
			if rapid.Bool().Draw(t, "password") {
				s = exchange(apps)
			}
			s.ID, s.Version = fmt.Sprintf("s%d", i), rapid.IntRange(1, 3).Draw(t, "version")
			s.Labels = rapid.SliceOfNDistinct(rapid.SampledFrom(labels), 0, 3, rapid.ID[string]).Draw(t, "labels")
			settings = append(settings, s)
		}
		on := mail.Device{Labels: rapid.SliceOfNDistinct(rapid.SampledFrom(labels), 0, 3, rapid.ID[string]).Draw(t, "device")}
		var held []mail.Held
		for i := range 6 {
			if rapid.Bool().Draw(t, "holds") {
				held = append(held, mail.Held{
					Setting: fmt.Sprintf("s%d", i), Version: rapid.IntRange(1, 3).Draw(t, "held"), PasswordVersion: rapid.IntRange(0, 2).Draw(t, "with"),
					Content: "older", Status: rapid.SampledFrom([]mail.Status{mail.Sent, mail.Applied, mail.Withdrawing}).Draw(t, "status"),
				})
			}
		}
		const usable = 2
		for _, c := range mail.Changes(settings, ada, on, held, usable) {
			held = mail.Note(held, c, noon)
			held, _ = mail.Answer(held, c, true, "", noon)
		}
		if left := mail.Changes(settings, ada, on, held, usable); len(left) != 0 {
			t.Fatalf("still to do: %+v", left)
		}
		var want []string
		for _, s := range settings {
			if s.Covers(on) {
				want = append(want, fmt.Sprint(s.ID, s.Version, mail.Applied))
			}
		}
		var got []string
		for _, h := range held {
			got = append(got, fmt.Sprint(h.Setting, h.Version, h.Status))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the device holds %v, want %v", got, want)
		}
	})
}
