package mailtoken_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// byAddress is how a mailbox is allowed without labels.
var byAddress = map[string]mailclient.Allow{
	"list":   {Mailboxes: []string{"Anna@example.com", "voicemail@example.com"}},
	"domain": {Domains: []string{"example.com"}},
}

// TestLeavers_D10_AreRefusedByListAndDomain, in words that do not tell them from nobody,
// while Google still gives tokens for them. A mailbox of nobody known is allowed, and so
// is one that went on to somebody else.
func TestLeavers_D10_AreRefusedByListAndDomain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		state  person.State
		reason string
	}{{person.Active, ""}, {person.Missing, ""}, {person.Disabled, denied}, {person.Leaving, denied}, {person.Gone, denied}} {
		t.Run(string(tc.state), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.google.SetSubject("voicemail@example.com", googletest.SubjectActive)
			anna := b.person("anna@example.com")
			anna.State = tc.state
			b.put(func(tx *record.Tx) error { return tx.PutPerson(anna) })
			for by, allow := range byAddress {
				s := b.server(allow)
				items := s.ask("ANNA@example.com", "voicemail@example.com", "stranger@example.org")
				if items[0].Reason != tc.reason || items[1].Reason != "" || tc.reason != "" && items[0].Detail != items[2].Detail {
					t.Errorf("by %s: %+v", by, items)
				}
			}
			other := anna
			other.Key, other.ID, other.State = person.KeyOf("acme", "another"), "another", person.Active
			b.put(func(tx *record.Tx) error { return tx.PutPerson(other) })
			b.pass(time.Minute)
			if got := b.server(byAddress["list"]).reasons("anna@example.com")[0]; got != "" {
				t.Errorf("the address was given again: %q", got)
			}
		})
	}
}

// TestLeavers_D10_LoseTheirMailboxWithinAMinute, kept tokens or not, and get it back when
// they return; what is remembered costs no read.
func TestLeavers_D10_LoseTheirMailboxWithinAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna := b.person("anna@example.com")
	s := b.server(byAddress["domain"])
	want := func(when, reason string, reads int64) {
		t.Helper()
		if got := s.reasons("anna@example.com")[0]; got != reason || b.served.Reads != reads {
			t.Errorf("%s: %q for %d reads, want %q for %d", when, got, b.served.Reads, reason, reads)
		}
	}
	want("at first: the client, the mode, and her address twice", "", 4)
	want("warm", "", 0)
	for _, tc := range []struct {
		state         person.State
		before, after string
	}{{person.Leaving, "", denied}, {person.Active, denied, ""}} {
		anna.State = tc.state
		b.put(func(tx *record.Tx) error { return tx.PutPerson(anna) })
		b.pass(59 * time.Second)
		want("shortly before the minute is over, with the client read again", tc.before, 1)
		want("warm", tc.before, 0)
		b.pass(time.Second)
		want("then", tc.after, 3)
	}
	if b.calls() != 1 {
		t.Errorf("Google was asked %d times", b.calls())
	}
}

// TestLeavers_D10_WithoutADirectoryNobodyIsKnown, whoever's rows are left of one.
func TestLeavers_D10_WithoutADirectoryNobodyIsKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna := b.person("anna@example.com")
	anna.State = person.Gone
	b.put(func(tx *record.Tx) error { return tx.PutPerson(anna) })
	b.put(func(tx *record.Tx) error { return tx.DeleteDirectory("acme") })
	s := b.server(byAddress["list"])
	if got := s.reasons("anna@example.com")[0]; got != "" {
		t.Errorf("without a directory: %q", got)
	}
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.LDAPOnly})
	})
	b.pass(time.Minute)
	if got := s.reasons("anna@example.com")[0]; got != denied {
		t.Errorf("with one: %q", got)
	}
}

// TestLeavers_D10_WhatCannotBeLookedUpIsNotAllowed, and is asked for again.
func TestLeavers_D10_WhatCannotBeLookedUpIsNotAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := inTime(t)
		who := s.mailboxes(2)
		r.err = errors.New("private cause")
		if got := s.reasons(who...); !slices.Equal(got, []string{"unavailable", "unavailable"}) || s.calls() != 0 {
			t.Errorf("%q, %d calls to Google", got, s.calls())
		}
		r.err = nil
		if got := s.at().reasons(who...); !slices.Equal(got, []string{"", ""}) {
			t.Errorf("afterwards: %q", got)
		}
	})
}
