package workspace_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	listMethod   = "directory.users.list"
	getMethod    = "directory.users.get"
	insertMethod = "directory.users.insert"
	updateMethod = "directory.users.update"
	deleteMethod = "directory.users.delete"

	domain = "example.com"
	boss   = "admin@example.com"
)

var testKeys = googletest.KeyRing(1)

// clock is a hand-moved clock, which sleeping moves as well.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

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

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// bench is a client of a simulator with one customer. No wait is real.
type bench struct {
	*workspace.Client
	sim      *workspacetest.Server
	clock    *clock
	account  googletest.ServiceAccount
	customer string
	opt      workspace.Options
}

type setup struct {
	sim    workspacetest.Options
	client func(*workspace.Options)
	caller google.Options
}

func newBench(t testing.TB, s setup) *bench {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	b := &bench{clock: &clock{t: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	s.sim.Now, s.sim.NewKey = b.clock.Now, testKeys
	s.sim.Faults = googletest.NewFaults(googletest.FaultOptions{Float64: random.Float64})
	b.sim = workspacetest.New(s.sim)
	t.Cleanup(b.sim.Close)
	var err error
	if b.account, err = b.sim.NewServiceAccount("sync"); err != nil {
		t.Fatal(err)
	}
	b.sim.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope,
		admin.AdminDirectoryUserSecurityScope)
	b.customer = b.sim.AddCustomer(domain)
	if _, err := b.sim.AddAdmin(boss); err != nil {
		t.Fatal(err)
	}
	if s.caller.Rate == 0 {
		s.caller.Rate, s.caller.Burst = workspace.CallerOptions().Rate, workspace.CallerOptions().Burst
	}
	s.caller.Now, s.caller.Sleep = b.clock.Now, b.clock.Sleep
	b.opt = workspace.Options{
		Enterprise: "e1", Subject: boss, Endpoint: b.sim.URL, Now: b.clock.Now,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
		Caller:     google.NewCaller(s.caller),
		Creations:  workspace.NewCreationLimit(workspace.CreationOptions{Now: b.clock.Now, Sleep: b.clock.Sleep}),
	}
	if s.client != nil {
		s.client(&b.opt)
	}
	b.Client = workspace.New(b.opt)
	return b
}

// setPassword is SetPassword for those who do not ask who the user is.
func (b *bench) setPassword(ctx context.Context, k workspace.Key, v secret.Value) error {
	_, err := b.SetPassword(ctx, k, v)
	return err
}

// as returns a client like b's with another option.
func (b *bench) as(change func(*workspace.Options)) *workspace.Client {
	opt := b.opt
	change(&opt)
	return workspace.New(opt)
}

var password = secret.New("correct horse")

func newUser(address string) workspace.NewUser {
	return workspace.NewUser{PrimaryEmail: address, GivenName: "Anna", FamilyName: "Example",
		Password: workspace.Password{Value: password}}
}

func (b *bench) insert(t testing.TB, address string) workspace.User {
	t.Helper()
	u, err := b.Insert(t.Context(), newUser(address))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func want(t *testing.T, err error, k fault.Kind, reason string) {
	t.Helper()
	if fault.KindOf(err) != k || fault.ReasonOf(err) != reason {
		t.Errorf("got %v %q (%v), want %v %q", fault.KindOf(err), fault.ReasonOf(err), err, k, reason)
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	ctx := t.Context()
	b.sim.AddOrgUnit(b.customer, "/Sales")
	in := newUser("anna@example.com")
	in.DisplayName, in.OrgUnitPath, in.Suspended, in.ChangePasswordAtNextLogin = "Annie", "/Sales", true, true
	in.ExternalIDs = []workspace.ExternalID{{Value: "uuid-1", Type: "custom", CustomType: "rollcall"}}
	u, err := b.Insert(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	exp := workspace.User{
		ID: u.ID, PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", DisplayName: "Annie",
		OrgUnitPath: "/Sales", Suspended: workspace.Yes, Archived: workspace.No, SuspensionReason: "ADMIN",
		ChangePasswordAtNextLogin: workspace.Yes, Admin: workspace.No, DelegatedAdmin: workspace.No,
		ExternalIDs: in.ExternalIDs, CreatedAt: b.clock.Now(),
	}
	ignore := cmpopts.IgnoreFields(workspace.User{}, "ETag")
	if diff := cmp.Diff(exp, u, ignore); diff != "" || u.MayBeAdmin() {
		t.Errorf("insert (-want +got):\n%s", diff)
	}
	if !b.sim.PasswordIs(u.ID, password) || b.sim.Faults.Calls("*") != 2 { // and the token
		t.Error("the insert was not one call that carries the password")
	}
	if u, err = b.Rename(ctx, u.Key(), "anna.new@example.com"); err != nil {
		t.Fatal(err)
	}
	exp.PrimaryEmail, exp.Aliases = "anna.new@example.com", []string{"anna@example.com"}
	if diff := cmp.Diff(exp, u, ignore); diff != "" {
		t.Errorf("rename (-want +got):\n%s", diff)
	}
	next := secret.New("battery staple")
	for _, err := range []error{
		b.Unsuspend(ctx, u.Key()), b.setPassword(ctx, u.Key(), next), b.setPassword(ctx, u.Key(), next), b.SignOut(ctx, u.Key()),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if set, err := b.SetPassword(ctx, u.Key(), next); err != nil || set.ID != u.ID || set.PrimaryEmail != u.PrimaryEmail {
		t.Errorf("the user whose password was set is %q: %v", set.ID, err)
	}
	exp.Suspended, exp.SuspensionReason = workspace.No, ""
	if u, err = b.Get(ctx, workspace.ByID("anna@example.com")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exp, u, ignore); diff != "" || !b.sim.PasswordIs(u.ID, next) || b.sim.SignOuts(u.ID) != 1 {
		t.Errorf("get (-want +got):\n%s", diff)
	}
	if err := b.Suspend(ctx, u.Key()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := b.Delete(ctx, u.Key()); err != nil {
			t.Error(err)
		}
	}
	_, err = b.Get(ctx, u.Key())
	want(t, err, fault.NotFound, workspace.ReasonDeleted)
	page, err := b.List(ctx, "", workspace.ListOptions{Deleted: true})
	if err != nil || len(page.Users) != 1 || page.Users[0].ID != u.ID || page.Users[0].DeletedAt.IsZero() || page.Users[0].Suspended != workspace.Unknown {
		t.Errorf("deleted: %+v, %v", page, err)
	}
	for range 2 {
		if err := b.Undelete(ctx, u.ID, "/"); err != nil {
			t.Error(err)
		}
	}
	if u, err = b.Get(ctx, u.Key()); err != nil || u.OrgUnitPath != "/" {
		t.Errorf("undeleted: %+v, %v", u, err)
	}
}
