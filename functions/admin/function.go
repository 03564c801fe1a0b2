// Package admin is the function admin: it reads status for the command line and a
// console, keeps configuration, and starts workflows by publishing their events.
//
// Trigger: HTTP from admins; the platform must let only admins invoke it, and it
// verifies their identity token itself as well. Idempotent: reading is; creating
// the same thing twice is refused. Retry: the caller's. Permissions: read and
// write the store, publish to the topics, read the dead letters, put, read and
// delete the secrets of directories, destroy old versions of them, put and read the
// key of passwords, read the Play key.
package admin

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

func init() { functions.HTTP("admin", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	events, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	kept, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	sources, err := tokens.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	auth, err := authenticator(ctx, p, kept)
	if err != nil {
		return nil, err
	}
	o := &Office{
		DB: db, Events: events, DeadLetters: events, Auth: auth, Secrets: kept,
		AnyTokenURI: p.Config.DirectoryEndpoint != "",
		Google:      googleUsers(p), Tokens: trialTokens(sources), IMAP: imap.Check, MailTokenURL: p.Config.Endpoint("mailtoken"),
		Doctor:    examiner(p, db, kept, events),
		EnrollURL: p.Config.Endpoint("enroll"), Now: p.Now, Random: rand.Reader,
	}
	return o.Handler(p.Edge("admin")), nil
}

// trialTokens makes sources of tokens for credentials that are not in use yet: their
// failures are told to the admin who brought them, and alert nobody.
func trialTokens(sources *tokens.Sources) func(string, secret.Value) *google.Tokens {
	return func(enterprise string, stored secret.Value) *google.Tokens {
		opt := sources.EnterpriseOptions(enterprise)
		opt.Credential = func(context.Context) (secret.Value, error) { return stored, nil }
		opt.Cache, opt.Log = nil, slog.New(slog.DiscardHandler)
		return google.NewTokens(opt)
	}
}

// googleUsers makes the clients when the first is asked for: most admins' requests
// need none.
func googleUsers(p *setup.Process) func(context.Context, directory.Config) (GoogleUsers, error) {
	return func(ctx context.Context, c directory.Config) (GoogleUsers, error) {
		clients, err := directories.Open(ctx, p)
		if err != nil {
			return nil, err
		}
		users, err := clients.Google(ctx, c)
		if err != nil {
			return nil, err // not a client that is nil
		}
		return users, nil
	}
}

// TokenName is the secret with which admins of one machine prove themselves.
const TokenName = "admin-token"

// authenticator returns the platform's identities where admins are named, and on
// one machine a token that is made at first use.
func authenticator(ctx context.Context, p *setup.Process, kept secret.Store) (Authenticator, error) {
	if len(p.Config.AdminEmails) > 0 {
		return NewPlatform(PlatformConfig{
			Admins: p.Config.AdminEmails, Audiences: p.Config.AdminAudiences, Now: p.Now,
		})
	}
	if p.Config.Secrets != "file" {
		return nil, fault.Field("ROLLCALL_ADMIN_EMAILS", "is empty; name the admins' e-mail addresses, separated by commas")
	}
	token, err := kept.Access(ctx, TokenName)
	if fault.KindOf(err) == fault.NotFound {
		token = secret.New(rand.Text() + rand.Text())
		err = kept.Put(ctx, TokenName, token)
	}
	return Loopback{Token: token}, err
}
