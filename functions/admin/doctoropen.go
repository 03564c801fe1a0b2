package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

// gmail is Google's IMAP server ("IMAP, POP, and SMTP", Gmail's page on settings).
var gmail = imap.Server{Host: "imap.gmail.com", Port: 993, TLS: mail.ImplicitTLS}

// playTime bounds one attempt to ask Google Play.
const playTime = 8 * time.Second

// examiner makes what the doctor looks with, anew for each examination. Nothing of it
// is dialled before.
func examiner(p *setup.Process, db *record.DB, kept examine.Secrets, dead event.DeadLetters) func(context.Context) (*examine.Examiner, error) {
	observe := func(_ context.Context, e google.Event) {
		if p.Google != nil {
			p.Google(e.Op, e.Outcome, e.Attempt)
		}
	}
	return func(context.Context) (*examine.Examiner, error) {
		e := &examine.Examiner{
			DB: db, Secrets: kept, DeadLetters: dead, MakesKey: p.Config.Secrets == "file", Play: boundAt(p, kept, observe),
			SignIn: func(ctx context.Context, mailbox string, token secret.Value) error {
				_, err := imap.Check(ctx, gmail, mailbox, token)
				return err
			},
			Endpoint: p.Config.DirectoryEndpoint, IAMEndpoint: p.Config.IAMEndpoint, Now: p.Now, Log: p.Log,
			Calls: google.Options{Observe: observe},
		}
		if e.Endpoint != "" {
			// The tokens of a simulated Google are none of the real one's mail server.
			e.SignIn = nil
		}
		return e, nil
	}
}

// boundAt asks managed Google Play for an enterprise, by a client of its own: that of
// the functions remembers refusals for a while, and alerts.
func boundAt(p *setup.Process, kept examine.Secrets, observe func(context.Context, google.Event)) func(context.Context, string) error {
	c := play.New(play.Options{
		Tokens: google.NewTokens(google.TokenOptions{
			Credential: func(ctx context.Context) (secret.Value, error) {
				v, _, err := kept.Newest(ctx, tokens.PlayKey)
				return v, err
			},
			AnyTokenURI: p.Config.PlayEndpoint != "", IAMEndpoint: p.Config.IAMEndpoint, Log: slog.New(slog.DiscardHandler),
		}),
		Caller:   google.NewCaller(google.Options{Attempts: 2, AttemptTimeout: playTime, Observe: observe}),
		Endpoint: p.Config.PlayEndpoint,
	})
	return func(ctx context.Context, playEnterprise string) error {
		_, err := c.Enterprise(ctx, playEnterprise)
		return err
	}
}
