package directories_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	boss      = "admin@example.com"
	principal = "function@example.iam.gserviceaccount.com"
)

// surroundings is a simulated machine of Google's, whose metadata server gives this
// process an identity.
func surroundings(t *testing.T, identity string) {
	t.Helper()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" || r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/token" {
			http.NotFound(w, r)
			return
		}
		googletest.WriteJSON(w, map[string]any{"access_token": identity, "expires_in": 3599, "token_type": "Bearer"})
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("GCE_METADATA_HOST", metadata.Listener.Addr().String())
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir()) // no gcloud of whoever runs the test
}

// TestKeyless_K4_ReadsTheDirectoryAndSetsPasswords: with nothing in the secret but
// whom Google signs for, and one signature and one token for each scope.
func TestKeyless_K4_ReadsTheDirectoryAndSetsPasswords(t *testing.T) {
	faults := googletest.NewFaults(googletest.FaultOptions{})
	tokens := googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: faults, NewKey: googletest.KeyRing(1)})
	sim := workspacetest.New(workspacetest.Options{Tokens: tokens, Faults: faults})
	t.Cleanup(sim.Close)
	iam := googletest.NewIAM(tokens)
	signing := httptest.NewServer(iam)
	t.Cleanup(signing.Close)
	account, err := sim.NewServiceAccount("sync")
	if err != nil {
		t.Fatal(err)
	}
	tokens.DeleteKey(account.Email, account.KeyID)
	tokens.Delegate(account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope)
	if err := iam.Allow(principal, account.Email, true); err != nil {
		t.Fatal(err)
	}
	surroundings(t, iam.Identity(principal))
	sim.AddCustomer("example.com")
	if _, err := sim.AddAdmin(boss); err != nil {
		t.Fatal(err)
	}
	p := setup.NewProcess(setup.Config{Secrets: "file", Data: t.TempDir(), DirectoryRate: 38,
		DirectoryEndpoint: sim.URL, IAMEndpoint: signing.URL}, slog.New(slog.DiscardHandler))
	vault, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	keyless, err := credential.NewKeyless(account.Email, account.ClientID, sim.URL+"/token", credential.Options{AnyTokenURI: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Put(t.Context(), directory.KeySecret("acme"), keyless.Stored()); err != nil {
		t.Fatal(err)
	}
	c, err := directories.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	cfg := directory.Config{Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: boss}}
	reading, err := c.Google(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	writing, err := c.Passwords(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		u, err := reading.Get(t.Context(), workspace.ByID(boss))
		if err != nil || u.PrimaryEmail != boss {
			t.Fatalf("read %+v, %v", u, err)
		}
		if _, err := writing.SetPassword(t.Context(), workspace.ByID(u.ID), secret.New("Any-Passw0rd")); err != nil {
			t.Fatal(err)
		}
	}
	if n, m := faults.Calls(googletest.SignJWTMethod), faults.Calls(googletest.TokenMethod); n != 2 || m != 2 {
		t.Errorf("%d signatures and %d tokens for two scopes", n, m)
	}
}
