package imap_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	oauthgoogle "golang.org/x/oauth2/google"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/imap/dovecottest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	ann = "ann@example.com"
	bob = "bob@example.com"
	// calendar is a scope without mail.
	calendar = "https://www.googleapis.com/auth/calendar"
)

// provider is the simulated Google that makes access tokens and tells a mail server
// what they stand for.
type provider struct {
	t       testing.TB
	tokens  *googletest.TokenEndpoint
	account googletest.ServiceAccount
	// ago is how far its clock is behind.
	ago atomic.Int64
	// introspection is where mail servers ask.
	introspection string
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{t: t}
	p.tokens = googletest.NewTokenEndpoint(googletest.TokenOptions{
		Now:  func() time.Time { return time.Now().Add(-time.Duration(p.ago.Load())) },
		Skew: 3 * time.Hour,
	})
	mux := http.NewServeMux()
	mux.Handle("/token", p.tokens)
	mux.Handle("/introspect", p.tokens.Introspection("mx", "password"))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.introspection = strings.Replace(srv.URL, "http://", "http://mx:password@", 1) + "/introspect"
	var err error
	if p.account, err = p.tokens.NewServiceAccount("mail", srv.URL+"/token"); err != nil {
		t.Fatal(err)
	}
	p.tokens.Delegate(p.account.Email, dovecottest.Scope, calendar)
	p.tokens.SetSubject(ann, googletest.SubjectActive)
	p.tokens.SetSubject(bob, googletest.SubjectActive)
	return p
}

// token returns an access token made so long ago.
func (p *provider) token(mailbox, scope string, ago time.Duration) secret.Value {
	p.t.Helper()
	p.ago.Store(int64(ago))
	defer p.ago.Store(0)
	config, err := oauthgoogle.JWTConfigFromJSON(p.account.JSON, scope)
	if err != nil {
		p.t.Fatal(err)
	}
	config.Subject = mailbox
	token, err := config.TokenSource(context.Background()).Token()
	if err != nil {
		p.t.Fatal(err)
	}
	return secret.New(token.AccessToken)
}
