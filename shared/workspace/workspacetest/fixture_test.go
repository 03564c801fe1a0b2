package workspacetest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	oauthgoogle "golang.org/x/oauth2/google"
	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// clock is a hand-moved clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const (
	domain  = "example.com"
	boss    = "admin@example.com"
	secret1 = "correct horse"
)

var testKeys = googletest.KeyRing(1)

// bench is a simulator with one customer and Google's own client.
type bench struct {
	*workspacetest.Server
	clock    *clock
	account  googletest.ServiceAccount
	customer string
	api      *admin.Service
}

func newBench(t testing.TB, opt workspacetest.Options) *bench {
	t.Helper()
	b := &bench{clock: newClock()}
	opt.Now, opt.NewKey = b.clock.Now, testKeys
	b.Server = workspacetest.New(opt)
	t.Cleanup(b.Close)
	var err error
	if b.account, err = b.NewServiceAccount("sync"); err != nil {
		t.Fatal(err)
	}
	b.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope,
		admin.AdminDirectoryUserSecurityScope, admin.AdminDirectoryGroupScope)
	b.customer = b.AddCustomer(domain, "example.net")
	if _, err := b.AddAdmin(boss); err != nil {
		t.Fatal(err)
	}
	b.api = b.apiOf(t, boss, admin.AdminDirectoryUserScope)
	return b
}

func (b *bench) apiOf(t testing.TB, subject, scope string) *admin.Service {
	t.Helper()
	conf, err := oauthgoogle.JWTConfigFromJSON(b.account.JSON, scope)
	if err != nil {
		t.Fatal(err)
	}
	conf.Subject = subject
	api, err := admin.NewService(t.Context(), option.WithHTTPClient(conf.Client(context.Background())), option.WithEndpoint(b.URL))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func newUser(address string) *admin.User {
	return &admin.User{PrimaryEmail: address, Password: secret1, Name: &admin.UserName{GivenName: "Anna", FamilyName: "Example"}}
}

func (b *bench) insert(t *testing.T, address string) *admin.User {
	t.Helper()
	u, err := b.api.Users.Insert(newUser(address)).Do()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// refused holds an error of Google's client against status and reason.
func refused(t *testing.T, err error, status int, reason string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != status || len(e.Errors) != 1 || e.Errors[0].Reason != reason {
		t.Errorf("got %v, want %d %s", err, status, reason)
	}
}

func (b *bench) get(t *testing.T, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
