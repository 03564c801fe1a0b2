// Package enroll is the function enroll: it binds a new device key to an
// enterprise and a person.
//
// Trigger: HTTP POST from devices that have an enrollment token, or whose person signs
// in with the organisation's own credentials; the platform must let everybody invoke
// it. Idempotent: the same keys with the same token, or by the same person, are the
// same device. Retry: the agent's. Permissions: read and write the store, access the
// secret identifier-key and the secrets ldap-bind-ENTERPRISE, reach the organisations'
// LDAP servers and identity providers.
package enroll

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/signin"
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
	store, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	refusals := rate.NewLimiter(1, 100)
	s := &Registrar{
		Token: db.Token, Enterprise: db.Enterprise, Directory: db.Directory, Attempts: db.Attempts,
		People: people(db), Passwords: passwords(store), IDTokens: oidc.New(oidc.Options{}),
		Update: record.In[Rows](db), IdentifierKey: key, Limits: signin.DefaultLimits(), Proxies: p.Config.Proxies,
		Record: refusals.Allow, Now: p.Now,
	}
	return s.Handler(p.Edge("enroll"), p.Config.Endpoint("enroll"), p.Config.Endpoints()), nil
}

func people(db *record.DB) func(context.Context, string, directory.Match, string) ([]person.Person, error) {
	return func(ctx context.Context, ent string, field directory.Match, value string) (ps []person.Person, err error) {
		switch field {
		case directory.MatchMail:
			ps, _, err = db.PeopleByMail(ctx, ent, value, record.Page{})
		case directory.MatchLogin:
			ps, _, err = db.PeopleByLogin(ctx, ent, value, record.Page{})
		default:
			ps = make([]person.Person, 1)
			if ps[0], err = db.Person(ctx, person.KeyOf(ent, value)); fault.KindOf(err) == fault.NotFound {
				return nil, nil
			}
		}
		return ps, err
	}
}

// passwords makes the client anew for each sign-in, which dials nothing until it is
// asked. Package setup/ldap would have it read password hashes, too.
func passwords(store secret.Store) func(directory.Config) Passwords {
	return func(c directory.Config) Passwords {
		return ldap.New(ldap.Options{Config: *c.LDAP, Password: func(ctx context.Context) (secret.Value, error) {
			return store.Access(ctx, directory.BindSecret(c.Enterprise))
		}})
	}
}
