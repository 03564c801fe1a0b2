package cloudidentity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/cloudidentity"
	"github.com/rollcall-emm/rollcall/shared/cloudidentity/cloudidentitytest"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const boss = "admin@example.com"

var keys = googletest.KeyRing(1)

// bench is a simulated Google with one super administrator, and a client of it.
type bench struct {
	*cloudidentity.Client
	sim     *cloudidentitytest.Server
	account googletest.ServiceAccount
}

func newBench(t *testing.T, opt cloudidentitytest.Options) *bench {
	t.Helper()
	opt.Faults = googletest.NewFaults(googletest.FaultOptions{})
	opt.Tokens = googletest.NewTokenEndpoint(googletest.TokenOptions{NewKey: keys, Faults: opt.Faults})
	b := &bench{sim: cloudidentitytest.New(opt)}
	t.Cleanup(b.sim.Close)
	var err error
	if b.account, err = b.sim.NewServiceAccount("doctor"); err != nil {
		t.Fatal(err)
	}
	b.sim.Tokens.Delegate(b.account.Email, cloudidentity.Scope)
	b.sim.Tokens.SetSubject(boss, googletest.SubjectActive)
	b.sim.SetSuperAdmin(boss, true)
	tokens := google.NewTokens(google.TokenOptions{
		Credential:  func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
		AnyTokenURI: true,
	})
	b.Client = cloudidentity.New(cloudidentity.Options{
		Enterprise: "acme", Token: tokens.For(boss, cloudidentity.Scope), Endpoint: b.sim.URL,
		Caller: google.NewCaller(google.Options{Sleep: func(context.Context, time.Duration) error { return nil }}),
	})
	return b
}

func TestPolicies_OfTheSettingsAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudidentitytest.Options{MaxPage: 2})
	b.sim.AddPolicy(cloudidentitytest.Policy{Setting: "security.password", System: true, Value: map[string]any{"minimumLength": 8}})
	b.sim.AddPolicy(cloudidentitytest.Policy{Setting: "security.passwords"})
	b.sim.AddPolicy(cloudidentitytest.Policy{Setting: "security.password", OrgUnit: "sales", Group: "g1", Licence: "/product/x"})
	b.sim.AddPolicy(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{"enable_imap_access": true}})
	got, err := b.Policies(t.Context(), cloudidentity.Password, cloudidentity.IMAPAccess)
	want := []cloudidentity.Policy{
		{Setting: "security.password", OrgUnit: "orgUnits/root", System: true, Order: 1, Value: cloudidentity.Value{"minimumLength": []byte("8")}},
		{Setting: "security.password", OrgUnit: "orgUnits/sales", Group: "groups/g1", Licensed: true, Order: 3, Value: cloudidentity.Value{}},
		{Setting: "gmail.imap_access", OrgUnit: "orgUnits/root", Order: 4, Value: cloudidentity.Value{"enable_imap_access": []byte("true")}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v -want +got:\n%s", err, d)
	}
	if n := b.sim.Faults.Calls(cloudidentitytest.ListMethod); n != 2 {
		t.Errorf("%d calls for two pages", n)
	}
	b.sim.ClearPolicies()
	if got, err := b.Policies(t.Context(), cloudidentity.LessSecureApps); len(got) != 0 || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
}

func TestPolicies_Refusals(t *testing.T) {
	t.Parallel()
	script := func(s googletest.Script) func(*bench) {
		return func(b *bench) { s.Method = cloudidentitytest.ListMethod; b.sim.Faults.Add(s) }
	}
	for _, tc := range []struct {
		name   string
		spoil  func(*bench)
		reason string
	}{
		{"no super administrator", func(b *bench) { b.sim.SetSuperAdmin(boss, false) }, google.ReasonForbidden},
		{"no grant", func(b *bench) { b.sim.Tokens.Delegate(b.account.Email) }, google.ReasonConfig},
		{"API off", script(googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: google.SaysServiceDisabled}), google.ReasonConfig},
		{"down", script(googletest.Script{Mode: googletest.Refuse}), google.ReasonBackend},
		{"a web page", script(googletest.Script{Mode: googletest.HTML, Status: 502}), google.ReasonBackend},
		{"half an answer", script(googletest.Script{Mode: googletest.Malformed}), google.ReasonBackend},
		{"too fast", script(googletest.Script{Mode: googletest.Refuse, Status: 429}), google.ReasonQuota},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cloudidentitytest.Options{})
			b.sim.AddPolicy(cloudidentitytest.Policy{Setting: cloudidentity.Password})
			tc.spoil(b)
			got, err := b.Policies(t.Context(), cloudidentity.Password)
			if fault.ReasonOf(err) != tc.reason || got != nil {
				t.Errorf("got %v, %v, want %s", got, err, tc.reason)
			}
		})
	}
	b := newBench(t, cloudidentitytest.Options{MaxPage: 1})
	for range 21 {
		b.sim.AddPolicy(cloudidentitytest.Policy{Setting: cloudidentity.Password})
	}
	if _, err := b.Policies(t.Context(), cloudidentity.Password); fault.ReasonOf(err) != google.ReasonBackend {
		t.Errorf("a listing without an end: %v", err)
	}
	if _, err := b.Policies(t.Context()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no setting: %v", err)
	}
}

// E3: a server that echoes the request in its errors tells nobody's token.
func TestPolicies_E3_ErrorsTellNoToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 500} {
		b := newBench(t, cloudidentitytest.Options{})
		b.sim.Faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: status, Skip: 1})
		_, err := b.Policies(t.Context(), cloudidentity.Password)
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		if err == nil || len(b.sim.Tokens.Secrets()) < 2 {
			t.Fatalf("%d: %v", status, err)
		}
		for _, s := range append(b.sim.Tokens.Secrets(), "Bearer") {
			if strings.Contains(text, s) {
				t.Errorf("%d: the error tells it: %.200s", status, text)
			}
		}
	}
}
