// Package checkin is the function checkin: it takes a device's report and returns
// the ordered directives, those of mail settings among them. A setting that needs the
// person's generated password goes out once Google has accepted that password, for
// which the function asks Google itself where there is time.
//
// Trigger: HTTP POST from devices, who prove themselves with a signed proof; the
// platform must let everybody invoke it. Idempotent: the same report changes
// nothing the second time, and a reused proof is refused. Retry: the agent's.
// Permissions: read and write the store, access the secrets password-key and
// workspace-key-ENTERPRISE.
package checkin

import (
	"context"
	"math/rand/v2"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
)

func init() { functions.HTTP("checkin", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	desk := &Desk{
		Device: db.Device, Enterprise: db.Enterprise, Update: record.In[Rows](db), Settings: db,
		Passwords: func(ctx context.Context) (Passwords, error) { return passwords.Open(ctx, p) },
		Budget:    p.Config.PasswordBudget, URL: p.Config.Endpoint("checkin"),
		Log: p.Log, Now: p.Now, Random: rand.Float64,
	}
	return desk.Handler(p.Edge("checkin")), nil
}
