package play_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	insertMethod = "androidenterprise.users.insert"
	mintMethod   = "androidenterprise.users.generateAuthenticationToken"
	getMethod    = "androidenterprise.enterprises.get"
)

var spec = account.Spec{Identifier: "id-1", Type: account.UserAccount, DisplayName: "Example"}

// testKeys makes two keys for all tests: an account's, and the one after it.
var testKeys = googletest.KeyRing(2)

// bench is a client of a simulator with one enterprise. No wait is real.
type bench struct {
	*play.Client
	sim     *playtest.Server
	account googletest.ServiceAccount
	ent     string
}

func newBench(t *testing.T, adjust ...func(*play.Options)) *bench {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	b := &bench{sim: playtest.New(playtest.Options{
		NewKey: testKeys,
		Faults: googletest.NewFaults(googletest.FaultOptions{Float64: random.Float64}),
	})}
	t.Cleanup(b.sim.Close)
	var err error
	if b.account, err = b.sim.NewServiceAccount("esa"); err != nil {
		t.Fatal(err)
	}
	b.ent = b.sim.AddEnterprise("Example", b.account.Email)
	opt := play.Options{
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
		Caller: google.NewCaller(google.Options{
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		}),
		Endpoint: b.sim.URL,
	}
	for _, f := range adjust {
		f(&opt)
	}
	b.Client = play.New(opt)
	return b
}

func (b *bench) insert(t *testing.T) string {
	t.Helper()
	id, err := b.Insert(t.Context(), b.ent, spec)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func want(t *testing.T, err error, k fault.Kind, reason string) {
	t.Helper()
	if fault.KindOf(err) != k || fault.ReasonOf(err) != reason {
		t.Errorf("got %v %q (%v), want %v %q", fault.KindOf(err), fault.ReasonOf(err), err, k, reason)
	}
}

func TestAccountLifecycle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.insert(t)
	if again := b.insert(t); again != id {
		t.Errorf("second insert made %s, want %s", again, id)
	}
	if err := b.Rename(t.Context(), b.ent, id, "Renamed"); err != nil {
		t.Error(err)
	}
	got, err := b.Lookup(t.Context(), b.ent, id)
	wantRemote := account.Remote{UserID: id, Identifier: "id-1", Type: account.UserAccount, DisplayName: "Renamed"}
	if diff := cmp.Diff(wantRemote, got); diff != "" || err != nil {
		t.Errorf("lookup %v (-want +got):\n%s", err, diff)
	}
	if err := b.Rename(t.Context(), b.ent, id, ""); err != nil {
		t.Error(err)
	}
	token, err := b.MintToken(t.Context(), b.ent, id)
	if err != nil {
		t.Fatal(err)
	}
	d := b.sim.NewDevice("a1")
	if _, err := d.AddAccount(t.Context(), token); err != nil {
		t.Error(err)
	}
	if err := b.RevokeDeviceAccess(t.Context(), b.ent, id); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), b.ent, id); err != nil {
			t.Error(err)
		}
	}
	if n := b.sim.UserCount(b.ent); n != 0 {
		t.Errorf("users left: %d", n)
	}
	e, err := b.Enterprise(t.Context(), b.ent)
	wantEnt := play.Enterprise{ID: b.ent, Name: "Example", Type: play.TypePlayAccounts}
	if diff := cmp.Diff(wantEnt, e); diff != "" || err != nil {
		t.Errorf("enterprise %v (-want +got):\n%s", err, diff)
	}
	want(t, b.Rename(t.Context(), b.ent, "", "x"), fault.Invalid, "invalid-field")
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	none, err := b.PullNotifications(t.Context())
	if err != nil || none.SetID != "" || len(none.Items) != 0 {
		t.Errorf("empty: %+v, %v", none, err)
	}
	id := b.insert(t)
	token, err := b.MintToken(t.Context(), b.ent, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.NewDevice("a1").AddAccount(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	set, err := b.PullNotifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantItems := []play.Notification{{EnterpriseID: b.ent, Type: "newDevice", Device: &play.DeviceEvent{
		UserID: id, DeviceID: "a1", ManagementType: "managedDevice", DPCPackage: "dev.rollcall.agent",
	}}}
	if diff := cmp.Diff(wantItems, set.Items, cmpopts.IgnoreFields(play.Notification{}, "Time")); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if err := b.Acknowledge(t.Context(), set.SetID); err != nil {
		t.Error(err)
	}
	if n := b.sim.Snapshot().Notifications; n != 0 {
		t.Errorf("%d unacknowledged", n)
	}
	want(t, b.Acknowledge(t.Context(), ""), fault.Invalid, "invalid-field")
}

func TestSignup(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	su, err := b.StartSignup(t.Context(), "https://rollcall.example/signup")
	if err != nil {
		t.Fatal(err)
	}
	back, err := b.sim.ApproveSignup(su.URL, "New")
	if err != nil {
		t.Fatal(err)
	}
	enterpriseToken := secret.New(back.Query().Get("enterpriseToken"))
	e, err := b.CompleteSignup(t.Context(), su.CompletionToken, enterpriseToken)
	if err != nil || e.Name != "New" {
		t.Fatalf("complete: %+v, %v", e, err)
	}
	if err := b.BindServiceAccount(t.Context(), e.ID, b.account.Email); err != nil {
		t.Error(err)
	}
	_, err = b.CompleteSignup(t.Context(), su.CompletionToken, enterpriseToken)
	want(t, err, fault.Permanent, google.ReasonInvalid)
}
