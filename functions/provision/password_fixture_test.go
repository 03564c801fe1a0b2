package provision_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// plainKeys seals nothing: whose password it is and which is all that is looked at.
type plainKeys struct{}

func (plainKeys) Seal(_ context.Context, b password.Binding, _ secret.Value) (string, error) {
	return fmt.Sprintf("%s/%s/%d", b.Enterprise, b.Person, b.Version), nil
}

func (plainKeys) Open(context.Context, password.Binding, string) (secret.Value, error) {
	panic("a workflow opens a password")
}

func (plainKeys) NeedsReseal(context.Context, string) (bool, error) { return false, nil }

type dice struct{}

func (dice) Generate(n int) (secret.Value, error) { return secret.New(strings.Repeat("x", n)), nil }

// policy stores acme's password policy.
func (b *bench) policy(p password.Policy) {
	b.t.Helper()
	p.Enterprise, p.Revision = "acme", p.Revision+1
	b.put(func(tx *record.Tx) error { return tx.PutPasswordPolicy(p) })
}

// active stores a person with labels and a password that Google accepted an hour
// ago, and returns the key.
func (b *bench) active(id string, labels ...string) string {
	b.t.Helper()
	return b.password(id, func(l *password.Ledger) {}, labels...)
}

func (b *bench) password(id string, edit func(*password.Ledger), labels ...string) string {
	b.t.Helper()
	key := b.someone(id, labels...)
	hour := noon.Add(-time.Hour)
	l := password.Ledger{
		Person: key, Enterprise: "acme", State: password.Active, Version: 1, Accepted: 1, Begun: hour, SetAt: hour,
		Sealed: "acme/" + key + "/1", Length: 16, UpdatedAt: hour,
	}
	edit(&l)
	b.put(func(tx *record.Tx) error { return tx.PutPassword(l) })
	return key
}

// someone stores a person without a password and returns the key.
func (b *bench) someone(id string, labels ...string) string {
	b.t.Helper()
	key := person.KeyOf("acme", id)
	b.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{Key: key, Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted, Labels: labels})
	})
	return key
}

// labelled stores a device of a person, with labels, and returns its id.
func (b *bench) labelled(id string, labels ...string) string {
	b.t.Helper()
	p := b.phone(id, account.UserAccount)
	b.edit(p.id, func(d *device.Device) { d.Labels = labels })
	return p.id
}

func (b *bench) edit(id string, change func(*device.Device)) {
	b.t.Helper()
	d := b.row(id)
	change(&d)
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
}

func (b *bench) ledger(key string) password.Ledger {
	b.t.Helper()
	l, err := b.db.Password(b.t.Context(), "acme", key)
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// told returns who was nudged since the last call, each once.
func (b *bench) told() map[string]bool {
	b.nudged.Lock()
	defer b.nudged.Unlock()
	told := map[string]bool{}
	for _, n := range b.nudges {
		told[n.Person] = true
	}
	b.nudges = nil
	return told
}
