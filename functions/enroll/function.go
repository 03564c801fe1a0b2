// Package enroll is the function enroll: it binds a new device key to an
// enterprise and a person.
//
// Trigger: HTTP POST from devices that have an enrollment token; the platform
// must let everybody invoke it. Idempotent: the same keys with the same token are
// the same device. Retry: the agent's. Permissions: read and write the store,
// access the secret identifier-key.
package enroll

import (
	"context"
	"net/http"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

func init() { functions.HTTP("enroll", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	key, err := secrets.IdentifierKey(ctx, p)
	if err != nil {
		return nil, err
	}
	refusals := rate.NewLimiter(1, 100)
	s := &Registrar{
		Token: db.Token, Enterprise: db.Enterprise, Update: record.In[Rows](db),
		IdentifierKey: key, Record: refusals.Allow, Now: time.Now,
	}
	return s.Handler(p.Edge("enroll"), p.Config.Endpoint("enroll"), p.Config.Endpoints()), nil
}
