// Package directorysync is the function directorysync: it keeps Rollcall's people
// in step with the organisation's directories.
//
// A run reads the directories page by page, keeps 32 bytes of every record and the
// whole of those that differ from the last run (collect), plans what follows for
// each person (compare), has the plan judged (guard) and its absences confirmed
// (confirm), carries it out (apply), and remembers what it read for the next run
// (finish). After each page and each part of the plan a transaction holds how far
// it is, so that a run which is killed, or reaches its slice of time, goes on
// there.
//
// Trigger: Pub/Sub topic directory, published by a schedule every fifteen minutes
// without payload, by admins, by directorywatch, and by this function to go on.
// Idempotent: a run has one owner at a time, and the writes of an earlier one are
// refused. Retry: Pub/Sub redelivers what is transient for up to a day; a run that
// nobody has is taken up by the next schedule. Permissions: read and write the
// store, publish to the topics directory and provision, access the secrets
// ldap-bind-*, workspace-key-* and identifier-key.
package directorysync

import (
	"context"
	"crypto/rand"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/setup/ldap"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

func init() { functions.CloudEvent("directorysync", bus.Function(event.Directory, Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (event.Handler, error) {
	e, err := NewEngine(ctx, p)
	if err != nil {
		return nil, err
	}
	return e.Handle, nil
}

// NewEngine makes an Engine of what a process shares.
func NewEngine(ctx context.Context, p *setup.Process) (*Engine, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	events, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	clients, err := directories.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	people, err := ldap.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	key, err := secrets.IdentifierKey(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Engine{
		DB: db, Bus: events, Now: p.Now, Log: p.Log, Google: clients.Google,
		LDAP: func(ctx context.Context, c directory.Config) (ldapSource, error) { return people.Client(ctx, c) },
		Accounts: &AccountWriter{Google: clients.Google, Hash: HashFrom(people.Client), Joined: db.PersonByGoogle,
			Random: rand.Reader, Now: p.Now},
		NewID: setup.NewID, Slice: p.Config.DirectorySlice, Key: key, PublicURL: p.Config.Endpoint("directorywatch"),
	}, nil
}
