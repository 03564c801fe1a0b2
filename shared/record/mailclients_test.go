package record_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

func open(t *testing.T) *record.DB {
	t.Helper()
	d, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return record.New(d, func() string { return "id" })
}

// update runs each change in a transaction of its own.
func update(t *testing.T, db *record.DB, changes ...func(*record.Tx) error) {
	t.Helper()
	for _, c := range changes {
		if err := db.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMailClients_AreFoundByIDAndEnterprise(t *testing.T) {
	t.Parallel()
	db := open(t)
	voice := mailclient.Client{ID: "m1", Enterprise: "acme", Name: "Voicemail", Thumbprint: "t", Scope: mailclient.Full,
		State: mailclient.Revoked, Allow: mailclient.Allow{Mailboxes: []string{"a@example.com"}}}
	gate := mailclient.Client{ID: "m2", Enterprise: "acme", Name: "Gate", State: mailclient.Active,
		ServiceAccount: &mailclient.ServiceAccount{Email: "e", Sub: "1"}}
	other := mailclient.Client{ID: "m3", Enterprise: "beta"}
	for _, c := range []mailclient.Client{voice, gate, other} {
		update(t, db, func(tx *record.Tx) error { return tx.PutMailClient(c) })
	}
	got, next, err := db.MailClients(t.Context(), "acme", record.Page{})
	if diff := cmp.Diff([]mailclient.Client{voice, gate}, got); err != nil || next != "" || diff != "" {
		t.Errorf("%v, %q (-want +got):\n%s", err, next, diff)
	}
	one, err := db.MailClient(t.Context(), "m2")
	if diff := cmp.Diff(gate, one); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	update(t, db,
		func(tx *record.Tx) error {
			c, err := tx.MailClient("m1")
			if diff := cmp.Diff(voice, c); diff != "" {
				t.Errorf("in a transaction (-want +got):\n%s", diff)
			}
			return err
		},
		func(tx *record.Tx) error { return tx.DeleteMailClient("m2") },
		func(tx *record.Tx) error { return tx.DeleteMailClient("m2") })
	if _, err := db.MailClient(t.Context(), "m2"); fault.KindOf(err) != fault.NotFound || fault.As(err).Public != `there is no mail client "m2"` {
		t.Errorf("removed: %v", err)
	}
}

// TestPeopleByAddress_TheDirectorysAndGoogles in any case, and each person once.
func TestPeopleByAddress_TheDirectorysAndGoogles(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, p := range []person.Person{
		{Key: "anna", Enterprise: "acme", Entry: person.Entry{Mail: "Anna@example.com"}, Google: person.Google{Mail: "anna@example.com"}},
		{Key: "bert", Enterprise: "acme", Entry: person.Entry{Mail: "bert@example.com"}, Google: person.Google{Mail: "ANNA@example.com"}},
		{Key: "cora", Enterprise: "acme", Entry: person.Entry{Mail: "cora@example.com"}},
		{Key: "dora", Enterprise: "beta", Entry: person.Entry{Mail: "anna@example.com"}},
	} {
		update(t, db, func(tx *record.Tx) error { return tx.PutPerson(p) })
	}
	for address, want := range map[string][]string{
		"anna@EXAMPLE.com": {"anna", "bert"}, "bert@example.com": {"bert"}, "cora@example.com": {"cora"}, "nobody@example.com": nil,
	} {
		people, err := db.PeopleByAddress(t.Context(), "acme", address)
		var got []string
		for _, p := range people {
			got = append(got, p.Key)
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", address, err, diff)
		}
	}
}
