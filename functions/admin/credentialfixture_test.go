package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	credentialPath = "/v1/enterprises/acme/credential"
	rotatePath     = credentialPath + "/rotate"
	boss           = "admin@example.com"
)

// delegation is a Google that gives tokens to service accounts.
type delegation struct {
	*bench
	google *googletest.TokenEndpoint
	faults *googletest.Faults
}

var ringKeys = googletest.KeyRing(4)

func newDelegation(t *testing.T) *delegation {
	t.Helper()
	d := &delegation{bench: newBench(t), faults: googletest.NewFaults(googletest.FaultOptions{})}
	d.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: d.faults, NewKey: ringKeys})
	d.google.SetSubject(boss, googletest.SubjectActive)
	d.office.AnyTokenURI = true
	d.office.Tokens = func(enterprise string, stored secret.Value) *google.Tokens {
		return google.NewTokens(google.TokenOptions{
			Credential: func(context.Context) (secret.Value, error) { return stored, nil }, AnyTokenURI: true, Enterprise: enterprise,
			Base: googletest.InProcess(map[string]http.Handler{"google.test": d.google}), Log: slog.New(slog.DiscardHandler),
		})
	}
	return d
}

// account makes a key of a service account that is granted scopes.
func (d *delegation) account(name string, scopes ...string) googletest.ServiceAccount {
	d.t.Helper()
	a, err := d.google.NewServiceAccount(name, "http://google.test/token")
	if err != nil {
		d.t.Fatal(err)
	}
	if len(scopes) > 0 {
		d.google.Delegate(a.Email, scopes...)
	}
	return a
}

// keyBody is a body with a key file.
func keyBody(file []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, file); err != nil {
		panic(err)
	}
	return `{"key":` + b.String() + `}`
}

// keeps holds that the credential of an account is stored.
func (d *delegation) keeps(a googletest.ServiceAccount) {
	d.t.Helper()
	v, err := d.office.Secrets.Access(d.t.Context(), directory.KeySecret("acme"))
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := credential.Read(v, credential.Options{AnyTokenURI: true})
	if err != nil || c.View.KeyID != a.KeyID {
		d.t.Errorf("the key %s is stored, want %s: %v", c.View.KeyID, a.KeyID, err)
	}
}

// leaks looks for what is secret in everything that was said.
func (d *delegation) leaks(texts ...string) {
	d.t.Helper()
	d.leaksNothing(append(d.google.Secrets(), "PRIVATE KEY", "MII", "eyJ", "ya29.")...)
	for _, text := range texts {
		for _, s := range append(d.google.Secrets(), "PRIVATE KEY", "MII", "eyJ", "ya29.") {
			if strings.Contains(text, s) {
				d.t.Errorf("%q is told", s)
			}
		}
	}
}

// p12File is a legacy key file.
func p12File(t *testing.T, password string) string {
	t.Helper()
	b, err := pkcs12.Legacy.Encode(testKey(), selfSigned(t), nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, credential.LeastBits)
	if err != nil {
		panic(err)
	}
	return key
})

// keyFile is a key file of Google's form with some members replaced; "" takes a
// member out.
func keyFile(t *testing.T, other map[string]string) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(testKey())
	if err != nil {
		t.Fatal(err)
	}
	f := map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "0123456789abcdef",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "sync@p.iam.gserviceaccount.com", "client_id": "104123456789012345678",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	maps.Copy(f, other)
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// selfSigned is the certificate that goes with testKey in a P12 file.
func selfSigned(t *testing.T) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sync"}, NotBefore: clock, NotAfter: clock.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &testKey().PublicKey, testKey())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// trailText is what the records of the trail say.
func (b *bench) trailText() string {
	b.t.Helper()
	records, _, err := b.office.DB.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var all strings.Builder
	for _, r := range records {
		all.WriteString(r.Action + ": " + r.Detail + "\n")
	}
	return all.String()
}
