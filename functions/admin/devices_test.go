package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/replay"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// fleet stores a ready, a held and a retired device, and an account with one
// binding, in the enterprise acme; and one of each in another.
func (b *bench) fleet() seal.Key {
	b.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	key, err := seal.NewKey(&private.PublicKey)
	if err != nil {
		b.t.Fatal(err)
	}
	proofs := replay.Window{{ID: "proof-of-the-past", Until: clock}}
	b.acme()
	b.putEnterprise(enterprise.Enterprise{ID: "other", Play: "LC02"})
	b.putDevice(device.Device{
		ID: "d1", Enterprise: "acme", State: device.Active, EncryptionKey: key.JSON(), Proofs: proofs,
		Subject: account.Subject{Kind: account.Person, ID: "e-1"}, LastSeen: clock,
		Desired: device.Desired{AccountID: "acct1", AccountName: "name1"},
	})
	b.putDevice(device.Device{ID: "d2", Enterprise: "acme", Desired: device.Desired{Hold: device.Revoked}})
	b.putDevice(device.Device{ID: "d3", Enterprise: "acme", State: device.Retired})
	b.putDevice(device.Device{ID: "d9", Enterprise: "other", Desired: device.Desired{AccountID: "acct9"}})
	b.putAccount(account.Account{
		ID: "acct1", Enterprise: "acme", PlayEnterprise: "LC01", State: account.Active, UserID: "u1", Name: "name1",
		Subject: account.Subject{Kind: account.Person, ID: "e-1"}, CreatedAt: clock, UpdatedAt: clock,
		Bindings: []account.Binding{{DeviceID: "d1", Since: clock, Proofs: proofs, Tokens: token.Ledger{
			{DirectiveID: "add-1", At: clock, State: token.Failed, Reason: "NO_NETWORK"},
			{DirectiveID: "add-2", At: clock, State: token.Added},
		}}},
	})
	b.putAccount(account.Account{ID: "acct2", Enterprise: "acme", State: account.Deleted})
	b.putAccount(account.Account{ID: "acct9", Enterprise: "other", PlayEnterprise: "LC02", UserID: "u9", Name: "name9"})
	return key
}

func ids(t *testing.T, b *bench, path string) []string {
	t.Helper()
	var p page[struct{ ID string }]
	b.want(200, "GET", path, "", &p)
	out := []string{}
	for _, v := range p.Items {
		out = append(out, v.ID)
	}
	return out
}

func TestListDevicesAndAccounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	for path, want := range map[string][]string{
		"devices":                           {"d1", "d2", "d3"},
		"devices?status=held":               {"d2"},
		"devices?status=no%20account":       {},
		"devices?status=retired&limit=1":    {"d3"}, // two empty pages lie before it
		"accounts":                          {"acct1", "acct2"},
		"accounts?state=deleted":            {"acct2"},
		"accounts?userId=u1":                {"acct1"},
		"accounts?userId=u9":                {},
		"accounts?name=name1":               {"acct1"},
		"accounts?name=name9":               {},
		"accounts?name=name1&state=deleted": {},
	} {
		if d := cmp.Diff(want, ids(t, b, "/v1/enterprises/acme/"+path)); d != "" {
			t.Errorf("%s: -want +got:\n%s", path, d)
		}
	}
	b.refuse(400, "GET", "/v1/enterprises/acme/devices?status=lost", "", "status", "ready")
	b.refuse(400, "GET", "/v1/enterprises/acme/accounts?state=lost", "", "state", "active")
	b.refuse(400, "GET", "/v1/enterprises/acme/accounts?userId=a&name=b", "", "name", "not both")
	b.refuse(400, "GET", "/v1/enterprises/acme/accounts?name="+strings.Repeat("%C3%A9", 255), "", "name", "254 characters")
	b.want(200, "GET", "/v1/enterprises/acme/accounts?name="+strings.Repeat("%C3%A9", 254), "", nil)
	b.refuse(400, "GET", "/v1/enterprises/acme/accounts?person=e-1", "", "person", "not known")
	b.refuse(404, "GET", "/v1/enterprises/nobody/devices", "", "", "no enterprise")
	b.refuse(404, "GET", "/v1/enterprises/nobody/accounts", "", "", "no enterprise")
}

// TestAccountsOfOneName: a device says its account's name itself. One that says
// another's name does not hide that account from the admin who looks for it.
func TestAccountsOfOneName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for _, id := range []string{"honest", "a-liar"} {
		b.putAccount(account.Account{ID: id, Enterprise: "acme", State: account.Active, Name: "name1"})
	}
	if d := cmp.Diff([]string{"a-liar", "honest"}, ids(t, b, "/v1/enterprises/acme/accounts?name=name1")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestFilteredListingEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for i := range 25 {
		d := device.Device{ID: fmt.Sprintf("d%02d", i), Enterprise: "acme"}
		if i == 24 {
			d.State = device.Retired
		}
		b.putDevice(d)
	}
	// Pages of two: the only match lies behind more pages than one request reads.
	found, requests, next := 0, 0, ""
	for requests = 1; requests < 10; requests++ {
		var p page[struct{ ID string }]
		b.want(200, "GET", "/v1/enterprises/acme/devices?status=retired&limit=2&next="+next, "", &p)
		found += len(p.Items)
		if next = p.Next; next == "" {
			break
		}
	}
	if found != 1 || requests < 2 || requests > 3 {
		t.Errorf("found %d in %d requests, want 1 in 2 or 3", found, requests)
	}
}

func TestShowDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.fleet()
	var got deviceDetail
	b.want(200, "GET", "/v1/enterprises/acme/devices/d1", "", &got)
	if want := base64.RawURLEncoding.EncodeToString(key.Thumbprint()); got.EncryptionKeyThumbprint != want {
		t.Errorf("thumbprint %q, want %q", got.EncryptionKeyThumbprint, want)
	}
	if got.Status != "ready" || got.Account == nil || got.Account.UserID != "u1" {
		t.Errorf("got %+v", got)
	}
	want := token.Ledger{
		{DirectiveID: "add-1", At: clock, State: token.Failed, Reason: "NO_NETWORK"},
		{DirectiveID: "add-2", At: clock, State: token.Added},
	}
	if d := cmp.Diff(want, got.Binding.Tokens); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	body := b.do("GET", "/v1/enterprises/acme/devices/d1", "").Body.String() +
		b.do("GET", "/v1/enterprises/acme/accounts/acct1", "").Body.String()
	for _, hidden := range []string{"proof-of-the-past", "proofs", `"x":`, `"encryptionKey":`} {
		if strings.Contains(body, hidden) {
			t.Errorf("the reply shows %s: %s", hidden, body)
		}
	}
	for _, id := range []string{"d9", "nothing", "%2e%2e%2f"} {
		b.refuse(404, "GET", "/v1/enterprises/acme/devices/"+id, "", "", "no device")
	}
	b.want(200, "GET", "/v1/enterprises/other/devices/d9", "", nil)
}

func TestShowAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	var got accountDetail
	b.want(200, "GET", "/v1/enterprises/acme/accounts/acct1", "", &got)
	if got.Devices != 1 || len(got.Bindings) != 1 || len(got.Bindings[0].Tokens) != 2 || got.Name != "name1" {
		t.Errorf("got %+v", got)
	}
	b.refuse(404, "GET", "/v1/enterprises/acme/accounts/acct9", "", "", "no account")
	b.refuse(404, "GET", "/v1/enterprises/acme/accounts/nothing", "", "", "no account")
}
