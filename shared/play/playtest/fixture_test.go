package playtest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	oauthgoogle "golang.org/x/oauth2/google"
	"google.golang.org/api/androidenterprise/v1"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
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

// testKeys makes two keys for all tests: the account's and a stranger's.
var testKeys = googletest.KeyRing(2)

// bench is a simulator with one enterprise and Google's own client.
type bench struct {
	*playtest.Server
	clock   *clock
	account googletest.ServiceAccount
	ent     string
	api     *androidenterprise.Service
}

func newBench(t *testing.T, opt playtest.Options) *bench {
	t.Helper()
	b := &bench{clock: newClock()}
	opt.Now, opt.NewKey = b.clock.Now, testKeys
	b.Server = playtest.New(opt)
	t.Cleanup(b.Close)
	var err error
	if b.account, err = b.NewServiceAccount("esa"); err != nil {
		t.Fatal(err)
	}
	b.ent = b.AddEnterprise("Example, Inc.", b.account.Email)
	b.api = b.apiOf(t, b.account)
	return b
}

func (b *bench) apiOf(t *testing.T, sa googletest.ServiceAccount) *androidenterprise.Service {
	t.Helper()
	conf, err := oauthgoogle.JWTConfigFromJSON(sa.JSON, androidenterprise.AndroidenterpriseScope)
	if err != nil {
		t.Fatal(err)
	}
	api, err := androidenterprise.NewService(t.Context(),
		option.WithHTTPClient(conf.Client(context.Background())), option.WithEndpoint(b.URL))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func (b *bench) insert(t *testing.T, identifier, accountType string) *androidenterprise.User {
	t.Helper()
	u, err := b.api.Users.Insert(b.ent, &androidenterprise.User{AccountIdentifier: identifier, AccountType: accountType}).Do()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (b *bench) mint(t *testing.T, userID string) secret.Value {
	t.Helper()
	tok, err := b.api.Users.GenerateAuthenticationToken(b.ent, userID).Do()
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(tok.Token)
}

func (b *bench) add(t *testing.T, d *playtest.Device, userID string) string {
	t.Helper()
	name, err := d.AddAccount(t.Context(), b.mint(t, userID))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func accounts(t *testing.T, d *playtest.Device) []protocol.Account {
	t.Helper()
	got, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	var add *playtest.AddError
	if !errors.As(err, &add) || add.Reason() != want {
		t.Errorf("got %v, want reason %s", err, want)
	}
}

func wantStatus(t *testing.T, err error, want int, reason string) {
	t.Helper()
	var api *googleapi.Error
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want HTTP %d", err, want)
	}
	got := ""
	if len(api.Errors) > 0 {
		got = api.Errors[0].Reason
	}
	if api.Code != want || (reason != "" && got != reason) {
		t.Errorf("got HTTP %d %s (%s), want %d %s", api.Code, got, http.StatusText(api.Code), want, reason)
	}
}
