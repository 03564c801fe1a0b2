package mailtoken_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const denied = mailclient.ReasonNotAllowed

// TestAllow_ByListDomainAndLabel, in any case.
func TestAllow_ByListDomainAndLabel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.person("anna@example.com", "voicemail")
	b.person("bert@example.com", "sales")
	b.person("cora@example.com")
	away := b.person("dora@example.com", "voicemail")
	away.State = person.Disabled
	closed := b.person("emil@example.com", "voicemail")
	closed.Google.Suspended = person.Yes
	renamed := b.person("fred@example.com", "voicemail")
	renamed.Google.Mail = "fritz@example.com"
	b.google.SetSubject("fritz@example.com", 1)
	for _, p := range []person.Person{away, closed, renamed} {
		b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	}
	for _, tc := range []struct {
		name  string
		allow mailclient.Allow
		want  map[string]string
	}{
		{"list", mailclient.Allow{Mailboxes: []string{"Bert@Example.com"}}, map[string]string{
			"bert@example.com": "", "anna@example.com": denied, "nobody@example.com": denied,
		}},
		{"domain", mailclient.Allow{Domains: []string{"EXAMPLE.com"}}, map[string]string{
			"Bert@Example.COM": "", "anna@example.com": "", "anna@sub.example.com": denied, "anna@example.org": denied,
			"nobody@example.com": "google-subject", // of its own domain a client hears what Google says
		}},
		{"label", mailclient.Allow{Labels: []string{"voicemail"}}, map[string]string{
			"ANNA@example.com": "", "bert@example.com": denied, "cora@example.com": denied, "dora@example.com": denied,
			"emil@example.com": denied, "fritz@example.com": "", "fred@example.com": denied, "nobody@example.com": denied,
		}},
		{"two labels and a list", mailclient.Allow{Labels: []string{"voicemail", "sales"}, Mailboxes: []string{"cora@example.com"}}, map[string]string{
			"anna@example.com": "", "bert@example.com": "", "cora@example.com": "", "dora@example.com": denied,
		}},
	} {
		s := b.server(tc.allow)
		for mailbox, want := range tc.want {
			if got := s.reasons(mailbox)[0]; got != want {
				t.Errorf("%s: %s: %q, want %q", tc.name, mailbox, got, want)
			}
		}
	}
}

// TestAllow_WhatIsNotAllowedLooksLikeWhatIsNotThere, to the byte.
func TestAllow_WhatIsNotAllowedLooksLikeWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.person("bert@example.com", "sales")
	s := b.server(mailclient.Allow{Labels: []string{"voicemail"}, Mailboxes: []string{"a@example.com"}, Domains: []string{"example.org"}})
	there, missing := s.ask("bert@example.com")[0], s.ask("nobody@example.com")[0]
	there.Mailbox, missing.Mailbox = "", ""
	if diff := cmp.Diff(there, missing); diff != "" || there.Reason != denied || there.RetryAfterSeconds != 0 {
		t.Errorf("%+v (-there +not there):\n%s", there, diff)
	}
	if b.calls() != 0 {
		t.Errorf("Google was asked %d times", b.calls())
	}
}

// TestAllow_InModesOfTheDirectory: without one nobody's labels count, and where people
// are Google's own their entry says whether the account is open.
func TestAllow_InModesOfTheDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna := b.person("anna@example.com", "voicemail")
	anna.Google, anna.Entry.Enabled = person.Google{}, person.Yes
	bert := b.person("bert@example.com", "voicemail")
	bert.Google, bert.Entry.Enabled = person.Google{}, person.No
	for _, p := range []person.Person{anna, bert} {
		b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	}
	s := b.server(mailclient.Allow{Labels: []string{"voicemail"}})
	for _, tc := range []struct {
		mode directory.Mode
		want []string
	}{
		{directory.GoogleOnly, []string{"", denied}},
		{directory.LDAPOnly, []string{"", ""}},
		{"", []string{denied, denied}},
	} {
		b.pass(2 * time.Minute) // what is remembered is over
		b.put(func(tx *record.Tx) error {
			if tc.mode == "" {
				return tx.DeleteDirectory("acme")
			}
			return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: tc.mode})
		})
		if got := s.reasons("anna@example.com", "bert@example.com"); !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.mode, got, tc.want)
		}
	}
}

// TestAllow_ChangesHoldWithinAMinute: those of a person after 60 s, those of the client
// after 30 s; who is revoked is then refused.
func TestAllow_ChangesHoldWithinAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna := b.person("anna@example.com", "voicemail")
	s := b.server(mailclient.Allow{Labels: []string{"voicemail"}})
	want := func(when, reason string) {
		t.Helper()
		if got := s.reasons("anna@example.com")[0]; got != reason {
			t.Errorf("%s: %q, want %q", when, got, reason)
		}
	}
	want("at first", "")
	anna.Labels = nil
	b.put(func(tx *record.Tx) error { return tx.PutPerson(anna) })
	b.pass(59 * time.Second)
	want("shortly after she lost the label", "")
	b.pass(time.Second)
	want("a minute after", denied)
	s.register(func(c *mailclient.Client) { c.Allow = mailclient.Allow{Mailboxes: []string{"anna@example.com"}} })
	b.pass(28 * time.Second) // its row was read a second before
	want("shortly after the client was allowed her", denied)
	b.pass(time.Second)
	want("half a minute after", "")
	s.register(func(c *mailclient.Client) { c.State = mailclient.Revoked })
	b.pass(29 * time.Second)
	want("shortly after the client was revoked", "")
	b.pass(time.Second)
	if w := b.send(s.request("anna@example.com")); w.Code != 401 {
		t.Errorf("half a minute after: %d %s", w.Code, w.Body)
	}
	b.put(func(tx *record.Tx) error { return tx.DeleteMailClient(s.id) })
	if w := b.send(s.request("anna@example.com")); w.Code != 401 || b.served.Reason != "mail-client-unknown" {
		t.Errorf("removed: %d %s", w.Code, b.served.Reason)
	}
	s.register(func(*mailclient.Client) {})
	want("registered again", "")
}

// TestAllow_EnterprisesAreApart: a label of one enterprise's person allows nothing to
// another's client, before and after the first one asked.
func TestAllow_EnterprisesAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.person("anna@example.com", "voicemail")
	allow := mailclient.Allow{Labels: []string{"voicemail"}}
	own, foreign := b.server(allow), b.stranger()
	foreign.register(func(c *mailclient.Client) { c.Enterprise, c.Allow = "beta", allow })
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectory(directory.Config{Enterprise: "beta", Mode: directory.ReadOnly})
	})
	for range 2 {
		if got := foreign.reasons("anna@example.com")[0]; got != denied {
			t.Errorf("another enterprise's client: %q", got)
		}
		if got := own.reasons("anna@example.com")[0]; got != "" {
			t.Errorf("her own enterprise's: %q", got)
		}
	}
}
