package passwords_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// process is one with the enterprise acme, which has a password policy.
func process(t *testing.T, kept string) *setup.Process {
	t.Helper()
	p := setup.NewProcess(setup.Config{Store: "embedded", Bus: "embedded", Secrets: kept, Data: t.TempDir(), DirectoryRate: 38},
		slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = p.Close() })
	db, err := p.DB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: "acme", Revision: 1})
	}); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOpen_OnOneMachineTheKeySetIsMade: once, and never written over.
func TestOpen_OnOneMachineTheKeySetIsMade(t *testing.T) {
	t.Parallel()
	p := process(t, "file")
	one, err := passwords.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	l, err := one.Want(t.Context(), "acme", person.KeyOf("acme", "anna"))
	if err != nil || l.State != password.Pending {
		t.Fatalf("a first password: %+v, %v", l, err)
	}
	again, err := passwords.Open(t.Context(), p)
	if err != nil || again != one {
		t.Errorf("a process has two: %v", err)
	}
	store, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	next := setup.NewProcess(p.Config, p.Log)
	setup.Use(next, "secrets", store)
	driver, err := p.Driver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	setup.Use(next, setup.SharedStore, driver)
	other, err := passwords.Open(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := other.Keys.Open(t.Context(), l.Bound(), l.Sealed); err != nil || len(v.Reveal()) != 16 {
		t.Errorf("the next process cannot open what this one sealed: %v", err)
	}
}

// TestOpen_W8_ALostKeySetIsNotReplaced: passwords that were sealed with it wait until it
// is back.
func TestOpen_W8_ALostKeySetIsNotReplaced(t *testing.T) {
	t.Parallel()
	p := process(t, "file")
	db, err := p.DB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := person.KeyOf("acme", "anna")
	if err := db.Update(t.Context(), func(tx *record.Tx) error {
		return tx.PutPassword(password.Ledger{Enterprise: "acme", Person: key, State: password.Active, Version: 1, Sealed: "AQ"})
	}); err != nil {
		t.Fatal(err)
	}
	pusher, err := passwords.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	store, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Access(t.Context(), keyring.SecretName); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another key set was made: %v", err)
	}
	_, err = pusher.Want(t.Context(), "acme", person.KeyOf("acme", "ben"))
	if fault.ReasonOf(err) != password.ReasonKeyMissing || !strings.Contains(err.Error(), "restore its last version") {
		t.Errorf("without its key set: %v", err)
	}
}

// TestOpen_InTheCloudAnOperatorMakesTheKeySet: until then nothing is lost, and the
// error says how.
func TestOpen_InTheCloudAnOperatorMakesTheKeySet(t *testing.T) {
	t.Parallel()
	p := process(t, "secretmanager")
	kept, err := file.Open(t.TempDir() + "/secrets")
	if err != nil {
		t.Fatal(err)
	}
	setup.Use[secret.Store](p, "secrets", kept)
	pusher, err := passwords.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	key := person.KeyOf("acme", "anna")
	_, err = pusher.Want(t.Context(), "acme", key)
	if fault.ReasonOf(err) != password.ReasonKeyMissing || !strings.Contains(err.Error(), "rollcall password key --rotate") {
		t.Errorf("without a key set: %v", err)
	}
	if _, err := kept.Access(t.Context(), keyring.SecretName); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a key set was made: %v", err)
	}
	if err := keyring.Create(context.Background(), kept, keyring.SecretName); err != nil {
		t.Fatal(err)
	}
	if l, err := pusher.Want(t.Context(), "acme", key); err != nil || l.State != password.Pending {
		t.Errorf("with it: %+v, %v", l, err)
	}
}
