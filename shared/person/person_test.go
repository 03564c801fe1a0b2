package person_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func TestAccessOfStates_D10(t *testing.T) {
	t.Parallel()
	for s, want := range map[person.State]person.Access{
		person.Active: person.Granted, person.Missing: person.Granted, person.Disabled: person.Withdrawn,
		person.Leaving: person.Withdrawn, person.Gone: person.Removed, "": person.Removed,
	} {
		if got := s.Access(); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func TestDue_D10(t *testing.T) {
	t.Parallel()
	never := time.Time{}
	for _, tc := range []struct {
		name string
		p    person.Person
		want time.Time
	}{
		{"settled", person.Person{State: person.Active, Settled: person.Granted}, never},
		{"missing", person.Person{State: person.Missing, Settled: person.Granted}, never},
		{"just disabled", person.Person{State: person.Disabled, Settled: person.Granted}, now.Add(2 * time.Minute)},
		{"tried once", person.Person{State: person.Disabled, Settled: person.Granted, Attempts: 1}, now.Add(4 * time.Minute)},
		{"tried seven times", person.Person{State: person.Disabled, Settled: person.Granted, Attempts: 7}, now.Add(256 * time.Minute)},
		{"tried eight times", person.Person{State: person.Disabled, Settled: person.Granted, Attempts: 8}, now.Add(6 * time.Hour)},
		{"tried for ever", person.Person{State: person.Disabled, Settled: person.Granted, Attempts: math.MaxInt}, now.Add(6 * time.Hour)},
		{"just left", person.Person{State: person.Leaving, Settled: person.Granted, DeleteAt: now.Add(time.Hour)}, now.Add(2 * time.Minute)},
		{"leaving", person.Person{State: person.Leaving, Settled: person.Withdrawn, DeleteAt: now.Add(time.Hour)}, now.Add(time.Hour)},
		{"just gone", person.Person{State: person.Gone, Settled: person.Withdrawn}, now.Add(2 * time.Minute)},
		{"gone", person.Person{State: person.Gone, Settled: person.Removed}, never},
		{"back", person.Person{State: person.Active, Settled: person.Removed}, now.Add(2 * time.Minute)},
	} {
		tc.p.UpdatedAt = now
		if got := tc.p.Due(); !got.Equal(tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestDepart_D10(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		state person.State
		at    time.Time
		want  bool
	}{
		{person.Leaving, now.Add(1), false}, {person.Leaving, now, true}, {person.Leaving, now.Add(-1), true},
		{person.Leaving, time.Time{}, false}, {person.Active, now, false}, {person.Disabled, now, false}, {person.Gone, now, false},
	} {
		p := person.Person{State: tc.state, DeleteAt: tc.at, Attempts: 3, Settled: person.Withdrawn}
		if got := p.Depart(now); got != tc.want {
			t.Errorf("%s, to be deleted %v: %v", tc.state, tc.at, got)
		}
		if left := p.State == person.Gone && p.Since.Equal(now) && p.UpdatedAt.Equal(now) && p.Attempts == 0; tc.want != left {
			t.Errorf("%s, to be deleted %v: %+v", tc.state, tc.at, p)
		}
	}
}

func TestSettleAndPostpone(t *testing.T) {
	t.Parallel()
	p := person.Person{State: person.Disabled, Settled: person.Granted}
	p.Postpone(now)
	if p.Attempts != 1 || !p.UpdatedAt.Equal(now) || p.Due().IsZero() {
		t.Errorf("postponed: %+v", p)
	}
	p.Settle(person.Withdrawn, now.Add(time.Hour))
	if p.Attempts != 0 || p.Settled != person.Withdrawn || !p.Due().IsZero() {
		t.Errorf("settled: %+v", p)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, pair := range [][2]string{{"acme", "1"}, {"acme", "2"}, {"acme1", ""}, {"acm", "e1"}, {"acme", "Žofia\x00"}, {"acme", strings.Repeat("x", 5000)}} {
		k := person.KeyOf(pair[0], pair[1])
		if len(k) != 26 || strings.Trim(k, "abcdefghijklmnopqrstuvwxyz234567") != "" || k != person.KeyText(person.KeyHash(pair[0], pair[1])) {
			t.Errorf("%q: %q", pair, k)
		}
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q share a key", pair, other)
		}
		seen[k] = pair[0] + " " + pair[1]
	}
	if got := person.KeyOf("acme", "1"); got != person.KeyOf("acme", "1") {
		t.Error("a key changes")
	}
}

func TestMailKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"": "", " ": "", " Anna@Example.COM\t": "anna@example.com", "ÉTÉ@example.com": "été@example.com"} {
		if got := person.MailKey(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	e := person.Entry{ID: "id", Login: "anna", Mail: "a@example.com", FamilyName: "Example", GivenName: "Anna", DisplayName: "Anna E."}
	for _, want := range []string{"Anna E.", "Anna Example", "Example", "a@example.com", "anna", "id"} {
		if got := e.Name(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		switch want {
		case "Anna E.":
			e.DisplayName = ""
		case "Anna Example":
			e.GivenName = ""
		case "Example":
			e.FamilyName = ""
		case "a@example.com":
			e.Mail = ""
		case "anna":
			e.Login = ""
		}
	}
}

func TestCanSignIn(t *testing.T) {
	t.Parallel()
	open := person.Google{ID: "1", Suspended: person.No}
	if !open.CanSignIn() {
		t.Error("an open account")
	}
	for name, change := range map[string]func(*person.Google){
		"none": func(g *person.Google) { g.ID = "" }, "deleted": func(g *person.Google) { g.Deleted = true },
		"suspended": func(g *person.Google) { g.Suspended = person.Yes }, "perhaps suspended": func(g *person.Google) { g.Suspended = person.Unknown },
		"archived": func(g *person.Google) { g.Archived = person.Yes },
	} {
		g := open
		change(&g)
		if g.CanSignIn() {
			t.Error(name)
		}
	}
}
