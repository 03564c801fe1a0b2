package enroll_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const audience = "rollcall-agent"

// office is a bench whose enterprise has a directory that people sign in to, with Ada
// in it, and an identity provider.
type office struct {
	*bench
	idp *oidctest.Provider
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{bench: newBench(t), idp: oidctest.New(t)}
	o.configure(func(*directory.Config) {})
	o.person(func(*person.Person) {})
	o.ldap.entries["ada"] = person.Entry{ID: adaID, Login: "ada"}
	return o
}

// configure stores the enterprise's configuration as change leaves it.
func (o *office) configure(change func(*directory.Config)) {
	o.t.Helper()
	c := directory.Config{
		Enterprise: "acme", Mode: directory.LDAPOnly, LDAP: &directory.LDAP{URL: "ldaps://ldap.example.com", BaseDN: "dc=example,dc=com"},
		SignIn: &directory.SignIn{LDAP: true, OIDC: &directory.OIDC{Issuer: o.idp.URL, Audience: audience}, Labels: []string{"byod"}},
	}
	change(&c)
	o.update(func(tx *record.Tx) error { return tx.PutDirectory(c) })
}

// person stores Ada's row as change leaves it.
func (b *bench) person(change func(*person.Person)) {
	b.t.Helper()
	p := person.Person{
		Enterprise: "acme", ID: adaID, State: person.Active, EntryAt: noon, CreatedAt: noon, UpdatedAt: noon, Settled: person.Granted,
		Entry: person.Entry{ID: adaID, Login: "Ada", Mail: "Ada@example.com"},
	}
	change(&p)
	p.Key = person.KeyOf(p.Enterprise, p.ID)
	b.update(func(tx *record.Tx) error { return tx.PutPerson(p) })
}

// credentials make a request of p's.
type credentials func(p *phone) protocol.EnrollRequest

func byPassword(login, password string) credentials {
	return func(*phone) protocol.EnrollRequest {
		return protocol.EnrollRequest{Enterprise: "acme", SignIn: &protocol.SignIn{
			Username: login, Password: *protocol.NewSecret(secret.New(password)),
		}}
	}
}

// byIDToken signs a token for the phone as change leaves its claims.
func (o *office) byIDToken(change func(map[string]any)) credentials {
	return func(p *phone) protocol.EnrollRequest {
		c := o.idp.Claims(audience, o.nonce(p), adaID, o.clock())
		if change != nil {
			change(c)
		}
		return protocol.EnrollRequest{Enterprise: "acme", IDToken: protocol.NewSecret(secret.New(o.idp.Sign(c)))}
	}
}

// nonce is what an agent computes: see PROTOCOL.md.
func (b *bench) nonce(p *phone) string {
	return protocol.SignInNonce("acme", b.thumbprint(p))
}

// with builds p's request with its credentials.
func (b *bench) with(p *phone, c credentials) []byte {
	b.t.Helper()
	key, err := seal.NewKey(p.opening.Public())
	if err != nil {
		b.t.Fatal(err)
	}
	r := c(p)
	r.EncryptionKey, r.Device = key.JSON(), protocol.DeviceInfo{Model: "Phone 9"}
	body, err := r.Reveal()
	if err != nil {
		b.t.Fatal(err)
	}
	return body
}

// signIn sends p's request under a new proof, from the given address.
func (b *bench) signIn(p *phone, c credentials, from string) *httptest.ResponseRecorder {
	b.t.Helper()
	body := b.with(p, c)
	jwt, err := p.signer.Sign(http.MethodPost, url, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, url, strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(proof.Header, jwt)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

const home = "192.0.2.7:40000"

// in signs in and returns the device's id.
func (b *bench) in(p *phone, c credentials) string {
	b.t.Helper()
	w := b.signIn(p, c, home)
	var reply protocol.EnrollReply
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
		b.t.Fatalf("status %d for %s: %s", w.Code, b.last().Reason, w.Body)
	}
	return reply.DeviceID
}

// barred signs in and fails unless the answer has the status, for the reason.
func (b *bench) barred(p *phone, c credentials, from string, status int, reason string) *httptest.ResponseRecorder {
	b.t.Helper()
	w := b.signIn(p, c, from)
	if got := b.last(); w.Code != status || got.Reason != reason {
		b.t.Errorf("status %d for %q, want %d for %q: %s", w.Code, got.Reason, status, reason, w.Body)
	}
	return w
}

// attempts returns what is counted, without what nothing is counted in.
func (b *bench) attempts() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	for k, v := range b.documents(record.SignInAttempts) {
		if !strings.Contains(v, `"count":0`) {
			all[k.ID] = v
		}
	}
	return all
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// matchedByMail has ID tokens name people by their address.
func matchedByMail(o *office) {
	o.configure(func(c *directory.Config) { c.SignIn.OIDC.Claim, c.SignIn.OIDC.Match = "email", directory.MatchMail })
}

// peopleThen runs then once people were found.
func peopleThen(find finder, then func()) finder {
	return func(ctx context.Context, ent string, field directory.Match, value string) ([]person.Person, error) {
		ps, err := find(ctx, ent, field, value)
		then()
		return ps, err
	}
}

type finder = func(context.Context, string, directory.Match, string) ([]person.Person, error)

// logTo has the function log to w.
func (b *bench) logTo(w io.Writer) {
	b.handler = b.registrar.Handler(api.Edge{
		Function: "enroll", Now: b.clock, Log: slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})), Observe: b.observe,
	}, url, endpoints)
}
