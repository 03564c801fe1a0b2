package mailtokens_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// TestOpen_K3_SharesTheSourcesOfTheProcess: what mail gets is kept with what the
// directory gets, within one bound, and a broken key is one line in the process's log,
// whoever meets it.
func TestOpen_K3_SharesTheSourcesOfTheProcess(t *testing.T) {
	t.Parallel()
	faults := googletest.NewFaults(googletest.FaultOptions{})
	endpoint := googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: faults, NewKey: keys})
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	account, err := endpoint.NewServiceAccount("sa", server.URL+"/token")
	if err != nil {
		t.Fatal(err)
	}
	endpoint.Delegate(account.Email, mailclient.Full.URL())
	var log bytes.Buffer // read once nothing is under way
	p := setup.NewProcess(setup.Config{Secrets: "file", Data: t.TempDir(), DirectoryRate: 38, DirectoryEndpoint: server.URL},
		setup.Config{}.Logger(&log))
	var mu sync.Mutex
	observed := map[string]int{}
	p.Google = func(op, outcome string, _ int) {
		mu.Lock()
		defer mu.Unlock()
		observed[op+" "+outcome]++
	}
	vault, err := secrets.Store(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Put(t.Context(), directory.KeySecret("acme"), secret.NewBytes(account.JSON)); err != nil {
		t.Fatal(err)
	}
	mint, err := mailtokens.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := mailtokens.Open(t.Context(), p); err != nil || again != mint {
		t.Fatalf("a process has two: %v", err)
	}
	sources, err := tokens.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	const anna, bert = "anna@example.com", "bert@example.com"
	endpoint.SetSubject(anna, googletest.SubjectActive)
	endpoint.SetSubject(bert, googletest.SubjectActive)
	tok, err := mint.Token(t.Context(), "acme", anna, mailclient.Full)
	if err != nil {
		t.Fatal(err)
	}
	same, err := sources.Enterprise("acme").Token(t.Context(), anna, google.NewScopes(mailclient.Full.URL()))
	if err != nil || !same.Value.Equal(tok.Value) || faults.Calls(googletest.TokenMethod) != 1 || observed["oauth2.token ok"] != 1 {
		t.Errorf("%v; %d fetches, %v", err, faults.Calls(googletest.TokenMethod), observed)
	}

	endpoint.SetAccount(account.Email, googletest.AccountDisabled)
	clients, err := directories.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	users, err := clients.Google(t.Context(), directory.Config{Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: anna}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Get(t.Context(), workspace.ByID("1")); fault.ReasonOf(err) != google.ReasonKey {
		t.Errorf("the directory: %v", err)
	}
	for range 3 {
		if _, err := mint.Token(t.Context(), "acme", bert, mailclient.Full); fault.ReasonOf(err) != google.ReasonKey {
			t.Errorf("mail: %v", err)
		}
	}
	if n := strings.Count(log.String(), `"severity":"ERROR"`); n != 1 || faults.Calls(googletest.TokenMethod) != 2 {
		t.Errorf("%d lines, %d fetches:\n%s", n, faults.Calls(googletest.TokenMethod), log.String())
	}
}
