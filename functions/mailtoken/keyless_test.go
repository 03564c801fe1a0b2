package mailtoken_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/mailtoken"
	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

const principal = "function@example.iam.gserviceaccount.com"

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

// TestKeyless_K4_GivesTokensForMailboxes: the function as it is deployed, with nothing in
// the secret but whom Google signs for, makes one signature and one token for each
// mailbox. That the process's clock is moved, as the local runner does, matters to proofs
// alone: tokens end by Google's.
func TestKeyless_K4_GivesTokensForMailboxes(t *testing.T) {
	b := newBench(t)
	b.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: b.faults, NewKey: keys})
	endpoint, iam := httptest.NewServer(b.google), googletest.NewIAM(b.google)
	t.Cleanup(endpoint.Close)
	signing := httptest.NewServer(iam)
	t.Cleanup(signing.Close)
	account, err := b.google.NewServiceAccount("mail", endpoint.URL+"/token")
	if err != nil {
		t.Fatal(err)
	}
	b.google.DeleteKey(account.Email, account.KeyID)
	b.google.Delegate(account.Email, mailclient.Full.URL())
	if err := iam.Allow(principal, account.Email, true); err != nil {
		t.Fatal(err)
	}
	surroundings(t, iam.Identity(principal))
	p := setup.NewProcess(setup.Config{Store: "embedded", Secrets: "file", Data: t.TempDir(), PublicURL: "https://emm.example.com",
		DirectoryEndpoint: endpoint.URL, IAMEndpoint: signing.URL, AuditDays: 400}, slog.New(slog.NewJSONHandler(b, nil)))
	t.Cleanup(func() { _ = p.Close() })
	b.now = time.Now().Add(90 * 24 * time.Hour)
	p.Now = b.clock
	if b.db, err = p.DB(t.Context()); err != nil {
		t.Fatal(err)
	}
	vault, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	keyless, err := credential.NewKeyless(account.Email, account.ClientID, endpoint.URL+"/token", credential.Options{AnyTokenURI: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Put(t.Context(), directory.KeySecret("acme"), keyless.Stored()); err != nil {
		t.Fatal(err)
	}
	if b.handler, err = mailtoken.Open(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	s, who := b.server(all), b.mailboxes(3)
	first := s.ask(who...)
	for i, it := range first {
		if g, ok := b.google.Grant(it.AccessToken); !ok || g.Subject != who[i] {
			t.Errorf("the token is for %+v: %+v", g, it)
		}
		if left := time.Until(it.ExpiresAt); left < 59*time.Minute || left > time.Hour {
			t.Errorf("it ends in %v", left)
		}
	}
	if !slices.Equal(s.ask(who...), first) {
		t.Error("a good token is not given again")
	}
	if n, m := b.faults.Calls(googletest.SignJWTMethod), b.faults.Calls(googletest.TokenMethod); n != 3 || m != 3 {
		t.Errorf("%d signatures and %d tokens for three mailboxes", n, m)
	}
}
