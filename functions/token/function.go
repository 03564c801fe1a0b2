// Package token is the function token: it provisions the account where it is
// missing and mints the authentication token that adds it to the device.
//
// Trigger: HTTP POST from devices, who prove themselves with a signed proof; the
// platform must let everybody invoke it. Idempotent: accounts are upserted under
// a derived identifier, and each call with a new proof mints a new token within
// the device's limits. Retry: the agent's. Permissions: read and write the store,
// access the secret play-key.
package token

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/google"
)

func init() { functions.HTTP("token", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	c, err := google.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	s := &Issuer{Update: record.In[Rows](c.DB), Accounts: c.Accounts, Limits: p.Config.Limits(), Now: p.Now}
	return s.Handler(p.Edge("token"), p.Config.Endpoint("token")), nil
}
