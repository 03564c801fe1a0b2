// Package examine looks at an enterprise from end to end, as package doctor tells it
// (invariant K2): it asks the live endpoints, each thing apart and all side by side,
// and changes nothing. What it asks Google it asks anew each time, without what other
// parts of the process remember of refusals: whoever has mended something wants to
// see it at once.
package examine

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Secrets reads secrets; secret.Versions has it.
type Secrets interface {
	Access(ctx context.Context, name string) (secret.Value, error)
	// Newest is Access past every cache.
	Newest(ctx context.Context, name string) (secret.Value, secret.Version, error)
}

// Examiner looks. Its fields are not changed once it is used, and it may be used
// concurrently. A function that is nil is a thing that is not looked at.
type Examiner struct {
	DB          *record.DB
	Secrets     Secrets
	DeadLetters event.DeadLetters
	// Probe asks the function directorysync to try the directory, and returns the id
	// of the run that tells how it went.
	Probe func(ctx context.Context, c directory.Config) (run string, err error)
	// Play asks Google whether an enterprise of managed Google Play is bound, with the
	// errors of play.Client.Enterprise.
	Play func(ctx context.Context, playEnterprise string) error
	// SignIn signs in to a mailbox by IMAP, with the errors of imap.Check.
	SignIn func(ctx context.Context, mailbox string, token secret.Value) error
	// MakesKey: the key set of passwords is made at first use, so that none is no
	// trouble.
	MakesKey bool

	// Endpoint is the root URL of a simulator of Google's APIs. Setting it also lets a
	// credential name any token_uri, so it has no place in production.
	Endpoint string
	// IAMEndpoint and Ambient are as in google.TokenOptions.
	IAMEndpoint string
	Ambient     func(context.Context) (secret.Value, error)
	// Base makes the requests to Google, default http.DefaultTransport.
	Base http.RoundTripper
	// Calls limits the calls to Google; its zero value takes one more attempt at what
	// fails for a moment.
	Calls google.Options

	Now func() time.Time
	// Clock is the machine's clock, by which the credential is proven and which is
	// compared with Google's; default time.Now.
	Clock func() time.Time
	// Deadline is how long an examination may take, default 20 s.
	Deadline time.Duration
	// Log gets what failed with its cause; default slog.Default.
	Log *slog.Logger
}

// grace is how long a check may take to notice that the time is over.
const grace = 500 * time.Millisecond

// Examine looks at an enterprise. Whatever fails is a line of the report; an error is
// that there is no such enterprise.
func (e *Examiner) Examine(ctx context.Context, enterprise string) (doctor.Report, error) {
	limit := e.Deadline
	if limit <= 0 {
		limit = 20 * time.Second
	}
	expired, stop := context.WithTimeout(ctx, limit+grace)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p := &patient{Examiner: e, limit: limit}
	store, err := p.read(ctx, enterprise)
	if err != nil {
		return doctor.Report{}, err
	}
	p.prepare()
	r := doctor.Report{Enterprise: enterprise, At: e.Now().UTC()}
	r.Lines = append([]doctor.Line{store}, p.all(ctx, expired.Done(), p.checks())...)
	r.Worst = doctor.Worst(r.Lines)
	return r, nil
}

func (e *Examiner) clock() time.Time {
	if e.Clock == nil {
		return time.Now()
	}
	return e.Clock()
}

func (e *Examiner) log() *slog.Logger {
	if e.Log == nil {
		return slog.Default()
	}
	return e.Log
}
