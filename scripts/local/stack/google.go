package stack

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"time"

	directoryapi "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/functions/admin"
	"github.com/rollcall-emm/rollcall/shared/cloudidentity/cloudidentitytest"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// startGoogle makes the simulated Directory API, and beside it under the same root URL
// what Google's administrators set, which the doctor compares: passwords of 8 to 100
// characters that do not expire, and IMAP on.
func (s *Stack) startGoogle() {
	mux := http.NewServeMux()
	front := httptest.NewServer(mux)
	s.Workspace = workspacetest.NewHandler(front.URL, workspacetest.Options{Faults: faults()})
	s.Customer = s.Workspace.AddCustomer("example.com")
	s.Settings = cloudidentitytest.NewHandler(cloudidentitytest.Options{Tokens: s.Workspace.Tokens})
	s.Settings.AddPolicy(cloudidentitytest.Policy{Setting: "security.password", Value: map[string]any{
		"minimumLength": 8, "maximumLength": 100, "expirationDuration": "0s"}})
	s.Settings.AddPolicy(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{"enableImapAccess": true}})
	mux.Handle("/v1/policies", s.Settings)
	mux.Handle("/", s.Workspace)
	s.owned = append(s.owned, func() {
		s.Workspace.Close()
		front.CloseClientConnections()
		front.Close()
	})
}

// faults returns a script of faults that strike by chance.
func faults() *googletest.Faults {
	var mu sync.Mutex
	dice := mathrand.New(mathrand.NewPCG(1, uint64(time.Now().UnixNano())))
	return googletest.NewFaults(googletest.FaultOptions{Float64: func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return dice.Float64()
	}})
}

// credentials stores the simulators' service account keys and the admin's token.
func (s *Stack) credentials(ctx context.Context) error {
	store, err := secrets.Store(ctx, s.Process)
	if err != nil {
		return err
	}
	sa, err := s.Play.NewServiceAccount("rollcall")
	if err != nil {
		return err
	}
	s.account = sa.Email
	if err := store.Put(ctx, tokens.PlayKey, secret.NewBytes(sa.JSON)); err != nil {
		return err
	}
	reader, err := s.Workspace.NewServiceAccount("rollcall-directory")
	if err != nil {
		return err
	}
	s.Workspace.Tokens.Delegate(reader.Email, directoryapi.AdminDirectoryUserScope, directoryapi.AdminDirectoryUserReadonlyScope, doctor.ScopePolicies,
		directoryapi.AdminDirectoryUserSecurityScope, mailclient.Full.URL(), mailclient.IMAPAdmin.URL())
	s.DirectoryKey = reader.JSON
	s.Token = secret.New(rand.Text() + rand.Text())
	if err := store.Put(ctx, admin.TokenName, s.Token); err != nil {
		return err
	}
	s.TokenFile = filepath.Join(s.Process.Config.Data, "secrets", admin.TokenName)
	return nil
}
