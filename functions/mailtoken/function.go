// Package mailtoken is the function mailtoken: it gives mail servers that an admin
// registered the OAuth tokens with which they read people's mailboxes, by domain-wide
// delegation of the enterprise's service account. MAILTOKEN.md, beside the functions,
// tells authors of mail servers how to use it.
//
// Trigger: HTTP POST from mail clients, who prove themselves with a signed proof of
// their key or an ID token of their service account; the platform must let everybody
// invoke it. Idempotent: a token that is good is given again. Retry: the mail client's,
// with a new proof. Permissions: read the store, append to the audit trail, access the
// secrets workspace-key-ENTERPRISE, reach Google's token endpoint and, for keyless
// credentials, sign as the service account.
package mailtoken

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
)

func init() { functions.HTTP("mailtoken", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	mint, err := mailtokens.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	s := New(Options{
		Rows: db, Trail: db, Mint: mint, IDTokens: oidc.New(oidc.Options{Now: p.Now}), IDIssuer: oidc.GoogleIssuer,
		URL: p.Config.Endpoint("mailtoken"), Log: p.Log, Now: p.Now,
	})
	return s.Handler(p.Edge("mailtoken")), nil
}
