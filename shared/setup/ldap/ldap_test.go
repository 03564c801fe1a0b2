package ldap_test

import (
	"log/slog"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/ldap"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// TestClient_HashesOnlyWhereTheyAreSent: and then as digests that tell only that a
// hash changed (invariant D1).
func TestClient_HashesOnlyWhereTheyAreSent(t *testing.T) {
	t.Parallel()
	server, err := ldaptest.Start(ldaptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	person := ldaptest.Person("dc=example,dc=com", 1)
	const stored = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
	person.Attributes["userPassword"] = []string{stored}
	if err := server.Add(person); err != nil {
		t.Fatal(err)
	}
	p := setup.NewProcess(setup.Config{Secrets: "file", Data: t.TempDir()}, slog.New(slog.DiscardHandler))
	c, err := ldap.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	vault, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	password, err := server.Password(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Put(t.Context(), directory.BindSecret("acme"), password); err != nil {
		t.Fatal(err)
	}
	l := server.Config()
	id := server.ID(person.DN)
	hash := func(mode directory.Mode, hashes bool) string {
		client, err := c.Client(t.Context(), directory.Config{Enterprise: "acme", Mode: mode, LDAP: &l, Google: &directory.Google{PasswordHashes: hashes}})
		if err != nil {
			t.Fatal(err)
		}
		found, err := client.Lookup(t.Context(), []string{id})
		if err != nil || found[id].Entry.ID == "" {
			t.Fatalf("%+v, %v", found, err)
		}
		return found[id].Entry.Hash
	}
	for _, none := range []string{hash(directory.ReadOnly, true), hash(directory.LDAPOnly, true), hash(directory.ReadWrite, false)} {
		if none != "" {
			t.Errorf("a hash is read where none is sent: %q", none)
		}
	}
	first := hash(directory.ReadWrite, true)
	if first == "" || first == stored || first != hash(directory.ReadWrite, true) {
		t.Errorf("the digest is %q", first)
	}
	if err := server.SetPassword(person.DN, "another"); err != nil {
		t.Fatal(err)
	}
	if hash(directory.ReadWrite, true) == first {
		t.Error("another password has the same digest")
	}
	if _, err := c.Client(t.Context(), directory.Config{Enterprise: "acme", Mode: directory.GoogleOnly}); fault.KindOf(err) != fault.Permanent {
		t.Errorf("without LDAP: %v", err)
	}
}
