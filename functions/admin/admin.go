package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Authenticator proves who an admin is. It may be called concurrently.
type Authenticator interface {
	// Authenticate returns the admin's e-mail address, or "local". Whoever is not
	// proven is fault.Unauthorized, whoever is proven and no admin fault.Denied,
	// and fault.Transient says that the proof could not be checked now.
	Authenticate(r *http.Request) (who string, err error)
}

// Office serves admins: it reads status, writes configuration, and starts
// workflows by publishing their events. It does none of the workflows' work: at
// Google it reads one user where an admin asks for one, and changes nothing. Its
// fields are not changed once it serves; it may be used concurrently.
type Office struct {
	DB          *record.DB
	Events      event.Publisher
	DeadLetters event.DeadLetters
	Auth        Authenticator
	// Secrets holds the passwords of directories and the credentials, which are put
	// there and never shown.
	Secrets secret.Versions
	// Tokens returns a source of access tokens of a credential that is given as package
	// credential stores it, for trying it before it is stored.
	Tokens func(enterprise string, stored secret.Value) *google.Tokens
	// IMAP signs in to a mailbox, as imap.Check.
	IMAP func(ctx context.Context, server imap.Server, mailbox string, token secret.Value) (imap.Result, error)
	// MailTokenURL is the public URL of the function mailtoken, for mail servers.
	MailTokenURL string
	// AnyTokenURI takes a Google credential whose token_uri is not Google's, and
	// mail servers that are not: for development against simulators, never in production.
	AnyTokenURI bool
	// Google returns what reads Google's directory as a configuration says. It is
	// called when an admin asks about a person's Google account, and not before.
	Google func(context.Context, directory.Config) (GoogleUsers, error)
	// Doctor makes what an enterprise is examined with; nil is nothing.
	Doctor func(context.Context) (*examine.Examiner, error)
	// EnrollURL is the public URL of the function enroll, which goes into
	// provisioning QR codes.
	EnrollURL string
	Now       func() time.Time
	// Random is the source of enrollment tokens' secrets and of request ids; it
	// must be safe for concurrent use, as crypto/rand.Reader is.
	Random io.Reader
}

// maxBody bounds a request's body: a list of 100 ids fits several times.
const maxBody = 64 << 10

// action answers one request, or returns an error before it has begun to.
type action func(*request) error

// routes lists what there is, by path and method. A GET also answers HEAD.
func (o *Office) routes() map[string]map[string]action {
	const ent = "/v1/enterprises/{enterprise}"
	const dir = ent + "/directory"
	return map[string]map[string]action{
		"/v1/enterprises":               {"GET": o.listEnterprises, "POST": o.createEnterprise},
		ent:                             {"GET": o.showEnterprise},
		ent + "/policy":                 {"PUT": o.setPolicy},
		ent + "/enrollment-tokens":      {"GET": o.listTokens, "POST": o.createToken},
		ent + "/enrollment-tokens/{id}": {"GET": o.showToken, "DELETE": o.revokeToken},
		ent + "/devices":                {"GET": o.listDevices},
		ent + "/devices/{id}":           {"GET": o.showDevice},
		ent + "/devices/{id}/settings":  {"GET": o.previewSettings},
		ent + "/accounts":               {"GET": o.listAccounts},
		ent + "/accounts/{id}":          {"GET": o.showAccount},
		ent + "/audit":                  {"GET": o.listAudit},
		ent + "/workflows":              {"POST": o.startWorkflow},
		dir:                             {"GET": o.showDirectory, "PUT": o.setDirectory, "DELETE": o.removeDirectory},
		dir + "/bind-password":          {"GET": o.showBindPassword, "PUT": o.setBindPassword, "DELETE": o.removeBindPassword},
		ent + "/doctor":                 {"POST": o.examine(o.Doctor)},
		dir + "/status":                 {"GET": o.showDirectoryStatus},
		dir + "/runs":                   {"GET": o.listRuns, "POST": o.startRun},
		dir + "/runs/{id}":              {"GET": o.showRun},
		dir + "/runs/{id}/plan":         {"GET": o.listPlan},
		dir + "/runs/{id}/approve":      {"POST": o.approveRun},
		dir + "/runs/{id}/reject":       {"POST": o.rejectRun},
		ent + "/credential":             {"GET": o.showCredential, "PUT": o.importCredential, "DELETE": o.removeCredential},
		ent + "/credential/rotate":      {"PUT": o.rotateCredential},
		ent + "/mail-clients":           {"GET": o.listMailClients, "POST": o.createMailClient},
		ent + "/mail-clients/{id}":      {"GET": o.showMailClient, "PUT": o.changeMailClient, "DELETE": o.removeMailClient},
		ent + "/mail-server":            {"GET": o.showMailServer},
		ent + "/mail-check":             {"POST": o.checkMail},
		ent + "/people":                 {"GET": o.listPeople},
		ent + "/people/{id}":            {"GET": o.showPerson},
		ent + "/people/{id}/password":   {"GET": o.showPassword},
		ent + "/people/{id}/google":     {"GET": o.showGoogleAccount},
		ent + "/password-policy":        {"GET": o.showPasswordPolicy, "PUT": o.setPasswordPolicy, "DELETE": o.removePasswordPolicy},
		ent + "/passwords":              {"GET": o.listPasswords},
		ent + "/passwords/status":       {"GET": o.showPasswordStatus},
		ent + "/password-key":           {"GET": o.showPasswordKey, "POST": o.rotatePasswordKey},
		ent + "/settings":               {"GET": o.listSettings},
		ent + "/settings/{id}":          {"GET": o.showSetting, "PUT": o.saveSetting, "DELETE": o.removeSetting},
		ent + "/settings/{id}/labels":   {"PUT": o.labelSetting},
		"/v1/credentials":               {"GET": o.listCredentials},
		"/v1/audit":                     {"GET": o.listSystemAudit},
		"/v1/dead-letters":              {"GET": o.listDeadLetters},
		"/v1/dead-letters/{id}/replay":  {"POST": o.replayDeadLetter},
		"/v1/status":                    {"GET": o.showStatus},
	}
}

// Handler returns the function's handler. It serves the paths /v1/…; whoever
// mounts it below another path strips that first. Who asks is checked before
// anything else, so that a stranger does not even learn which paths there are.
func (o *Office) Handler(edge api.Edge) http.Handler {
	edge.Challenge = "Bearer"
	edge.Unauthorized = "The request was not accepted. Send an identity token of an admin, or on the server's own machine the token from its admin-token file, as Authorization: Bearer."
	mux := http.NewServeMux()
	for path, methods := range o.routes() {
		mux.Handle(path, o.serve(edge, func(r *request) error {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			do := methods[method]
			switch {
			case do == nil:
				return methodNotAllowed(methods)
			case method != http.MethodGet && r.URL.RawQuery != "":
				return fault.Field("", "this endpoint takes no parameters; say it in the body")
			}
			return do(r)
		}))
	}
	mux.Handle("/", o.serve(edge, func(r *request) error {
		return fault.New(fault.NotFound, "no-such-endpoint", "there is no endpoint here; every path begins with /v1/")
	}))
	return mux
}

func (o *Office) serve(edge api.Edge, do action) http.Handler {
	return edge.Handle(func(w http.ResponseWriter, r *http.Request) error {
		who, err := o.Auth.Authenticate(r)
		if err != nil {
			return err
		}
		actor := "admin:" + who
		api.Identify(r.Context(), actor)
		return do(&request{Request: r, w: w, actor: actor})
	})
}

// note returns a record of what the request's admin does now, with the result OK.
func (o *Office) note(r *request, enterprise, action, target, detail string) audit.Record {
	return audit.Record{
		Enterprise: enterprise, At: o.Now(), Actor: r.actor, Action: action,
		Target: target, Result: audit.OK, Detail: detail,
	}
}

// recording bounds the write of a record that outlives a request.
const recording = 10 * time.Second

// recorded does what cannot be part of a transaction. The trail has the record
// before it is done, so that nothing is done unrecorded, and a second record with
// the reason if it fails.
func (o *Office) recorded(ctx context.Context, rec audit.Record, do func() error) error {
	if err := o.DB.AppendAudit(ctx, rec); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	rec.At, rec.Result = o.Now(), fault.ReasonOf(err)
	if rec.Result == "" {
		rec.Result = "failed"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer cancel()
	return errors.Join(err, o.DB.AppendAudit(ctx, rec))
}
