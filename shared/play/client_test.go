package play_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
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
	b := &bench{sim: playtest.New(playtest.Options{NewKey: testKeys})}
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

// The reasons that account.Provider demands, for every call.
func TestMissing(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *bench, string) error{
		"insert": func(ctx context.Context, b *bench, _ string) error { _, err := b.Insert(ctx, b.ent, spec); return err },
		"mint": func(ctx context.Context, b *bench, id string) error {
			_, err := b.MintToken(ctx, b.ent, id)
			return err
		},
		"lookup": func(ctx context.Context, b *bench, id string) error { _, err := b.Lookup(ctx, b.ent, id); return err },
		"rename": func(ctx context.Context, b *bench, id string) error { return b.Rename(ctx, b.ent, id, "x") },
		"revoke": func(ctx context.Context, b *bench, id string) error { return b.RevokeDeviceAccess(ctx, b.ent, id) },
		"delete": func(ctx context.Context, b *bench, id string) error { return b.Delete(ctx, b.ent, id) },
	}
	for _, tc := range []struct {
		name   string
		cause  func(b *bench, id string)
		kind   fault.Kind
		reason string
		works  string // the calls for which it is no failure
	}{
		{"user deleted", func(b *bench, id string) { b.sim.DeleteUser(b.ent, id) },
			fault.NotFound, account.ReasonUserMissing, "insert delete"},
		{"enterprise deleted", func(b *bench, _ string) { b.sim.DeleteEnterprise(b.ent) },
			fault.NotFound, account.ReasonEnterpriseMissing, ""},
		{"not bound", func(b *bench, _ string) { b.ent = b.sim.AddEnterprise("Other") },
			fault.NotFound, account.ReasonEnterpriseMissing, ""},
		{"nobody knows", func(b *bench, id string) {
			b.sim.DeleteUser(b.ent, id)
			b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse})
		}, fault.Transient, google.ReasonBackend, "insert"},
	} {
		for name, call := range calls {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				id := b.insert(t)
				tc.cause(b, id)
				err := call(t.Context(), b, id)
				if strings.Contains(tc.works, name) {
					if err != nil {
						t.Error(err)
					}
					return
				}
				want(t, err, tc.kind, tc.reason)
			})
		}
	}
}

func TestForbiddenForOneUserIsPermanent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, err := b.sim.AddGoogleUser(b.ent, "someone@example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.MintToken(t.Context(), b.ent, id)
	want(t, err, fault.Permanent, google.ReasonForbidden)
}

// P2: an answer that is lost after Google has done the work.
func TestInsertAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]googletest.Mode{"drop": googletest.DropAfter, "malformed": googletest.Malformed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: mode, Times: 2})
			id := b.insert(t)
			users := b.sim.Users(b.ent)
			if len(users) != 1 || users[0].ID != id || b.sim.InsertCalls() != 3 {
				t.Errorf("%d inserts made %+v, returned %s", b.sim.InsertCalls(), users, id)
			}
		})
	}
}

func TestConcurrentInsertsMakeOneAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = b.Insert(t.Context(), b.ent, spec); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := b.sim.UserCount(b.ent); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if n := b.sim.Faults.Calls(googletest.TokenMethod); n != 1 {
		t.Errorf("%d token requests, want one for all", n)
	}
}

// T1, T3: minting is repeated only where nothing was minted.
func TestMintIsNotDoubled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script googletest.Script
		works  bool
		minted int
	}{
		{"429", googletest.Script{Method: mintMethod, Mode: googletest.Refuse, Status: 429, RetryAfter: "1"}, true, 1},
		{"401", googletest.Script{Method: mintMethod, Mode: googletest.Refuse, Status: 401}, true, 1},
		{"token endpoint down", googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse}, true, 1},
		{"503", googletest.Script{Method: mintMethod, Mode: googletest.Refuse}, false, 0},
		{"HTML", googletest.Script{Method: mintMethod, Mode: googletest.HTML, Status: 502}, false, 0},
		{"drop before", googletest.Script{Method: mintMethod, Mode: googletest.DropBefore}, false, 0},
		{"drop after", googletest.Script{Method: mintMethod, Mode: googletest.DropAfter}, false, 1},
		{"malformed", googletest.Script{Method: mintMethod, Mode: googletest.Malformed}, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.insert(t)
			b.sim.Tokens.RevokeAll()
			// The rejected token makes the first try of Lookup fetch another.
			if _, err := b.Lookup(t.Context(), b.ent, id); err != nil {
				t.Fatal(err)
			}
			if tc.script.Method == googletest.TokenMethod {
				b.sim.Tokens.RevokeAll()
			}
			tc.script.Times = 1
			b.sim.Faults.Add(tc.script)
			token, err := b.MintToken(t.Context(), b.ent, id)
			if tc.works && (err != nil || token.Empty()) {
				t.Errorf("mint: %v", err)
			}
			if !tc.works {
				if fault.KindOf(err) != fault.Transient {
					t.Errorf("mint: %v, want a transient fault", err)
				}
			}
			if n := len(b.sim.IssuedTokens()); n != tc.minted {
				t.Errorf("minted %d, want %d", n, tc.minted)
			}
		})
	}
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

func TestCredential(t *testing.T) {
	t.Parallel()
	t.Run("a failed first use is tried again", func(t *testing.T) {
		t.Parallel()
		fail := true
		var key secret.Value
		b := newBench(t, func(o *play.Options) {
			read := o.Credential
			o.Credential = func(ctx context.Context) (secret.Value, error) {
				if fail {
					return key, errors.New("secret store is away")
				}
				return read(ctx)
			}
		})
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Transient, google.ReasonConfig)
		fail = false
		b.insert(t)
	})
	t.Run("not a key file", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, func(o *play.Options) {
			o.Credential = func(context.Context) (secret.Value, error) { return secret.New(`{"type":"secret words"}`), nil }
		})
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
		if strings.Contains(err.Error(), "secret words") {
			t.Errorf("error quotes the file: %v", err)
		}
	})
	t.Run("foreign token endpoint", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, func(o *play.Options) { o.Endpoint = "" })
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
		if host := strings.TrimPrefix(b.sim.URL, "http://"); !strings.Contains(err.Error(), host) {
			t.Errorf("%q does not name %s", err, host)
		}
		if n := b.sim.Faults.Calls("*"); n != 0 {
			t.Errorf("%d calls were made", n)
		}
	})
	t.Run("a replaced key is picked up", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.insert(t)
		old := b.account
		b.sim.Tokens.RevokeAll()
		b.sim.Tokens.DeleteKey(old.Email, old.KeyID)
		_, err := b.Insert(t.Context(), b.ent, spec)
		want(t, err, fault.Permanent, google.ReasonKey)
		if b.account, err = b.sim.NewServiceAccount("esa"); err != nil {
			t.Fatal(err)
		}
		b.insert(t)
	})
}

// E3: a server that echoes the request in its errors tells nobody's secrets.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 412, 429, 500, 503} {
		b := newBench(t)
		id := b.insert(t)
		if _, err := b.MintToken(t.Context(), b.ent, id); err != nil {
			t.Fatal(err)
		}
		var texts []string
		try := func() {
			_, err := b.MintToken(t.Context(), b.ent, id)
			_, err2 := b.Insert(t.Context(), b.ent, spec)
			_, err3 := b.CompleteSignup(t.Context(), secret.New("completion-word"), secret.New("enterprise-word"))
			for _, e := range []error{err, err2, err3} {
				if e == nil {
					t.Errorf("status %d: no error", status)
					continue
				}
				for e := e; e != nil; e = errors.Unwrap(e) {
					texts = append(texts, e.Error())
				}
			}
		}
		b.sim.Faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: status})
		try()
		b.sim.Faults.Clear()
		b.sim.Tokens.RevokeAll()
		b.sim.Faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Echo, Status: status})
		try()
		b.sim.Close()
		try()
		secrets := append(b.sim.Tokens.Secrets(), b.sim.IssuedTokens()...)
		secrets = append(secrets, "completion-word", "enterprise-word", "ya29", "eyJ")
		for _, s := range secrets {
			if strings.Contains(strings.Join(texts, "\n"), s) {
				t.Errorf("status %d: an error tells %q", status, s)
			}
		}
	}
}

func TestNewDialsNothing(t *testing.T) {
	t.Parallel()
	c := play.New(play.Options{
		Credential: func(context.Context) (secret.Value, error) {
			t.Error("credential read")
			return secret.Value{}, errors.New("no")
		},
		Base: roundTripper(func(*http.Request) (*http.Response, error) {
			t.Error("dialled")
			return nil, errors.New("no")
		}),
	})
	if c == nil {
		t.Error("no client")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
