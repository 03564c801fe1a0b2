package directorysync

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// actor is who acts in the trail where no admin does.
const actor = "system:directory"

// Engine runs the directory syncs of all enterprises. It may be used concurrently,
// also by several processes.
type Engine struct {
	DB  *record.DB
	Bus event.Publisher
	Now func() time.Time
	Log *slog.Logger
	// Google and LDAP make the client for an enterprise's configuration.
	Google func(context.Context, directory.Config) (*workspace.Client, error)
	LDAP   func(context.Context, directory.Config) (ldapSource, error)
	// Accounts changes people's Google accounts, in ReadWrite.
	Accounts accounts
	// NewID makes ids of runs, manifests and channels.
	NewID func() string
	// Slice is how long one process works on a run before it hands it on.
	Slice time.Duration
	// Key is the identifier key, from which the tokens of channels are derived.
	Key secret.Value
	// PublicURL is the address of directorywatch, to which Google sends.
	PublicURL string

	keep int // see room
	part int // see partItems
}

// accounts brings a person's Google account in line with the person, one step
// after the other, until none is left or allowed refuses the next. save is called
// with the row after each step. It returns the row and the steps that were done.
type accounts interface {
	Bring(ctx context.Context, c directory.Config, p person.Person, allowed func(directory.Action) bool, save func(person.Person) error) (person.Person, []directory.Step, error)
}
