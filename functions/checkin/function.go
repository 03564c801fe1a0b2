// Package checkin is the function checkin: it takes a device's report and returns
// the ordered directives.
//
// Trigger: HTTP POST from devices, who prove themselves with a signed proof; the
// platform must let everybody invoke it. Idempotent: the same report changes
// nothing the second time, and a reused proof is refused. Retry: the agent's.
// Permissions: read and write the store.
package checkin

import (
	"context"
	"math/rand/v2"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
)

func init() { functions.HTTP("checkin", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	desk := &Desk{
		Device: db.Device, Enterprise: db.Enterprise, Update: record.In[Rows](db), URL: p.Config.Endpoint("checkin"),
		Now: p.Now, Random: rand.Float64,
	}
	return desk.Handler(p.Edge("checkin")), nil
}
