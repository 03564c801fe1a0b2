package tokens_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	setupgoogle "github.com/rollcall-emm/rollcall/shared/setup/google"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// site is a process whose credentials are those of one service account.
type site struct {
	process *setup.Process
	sources *tokens.Sources
	google  *googletest.TokenEndpoint
	faults  *googletest.Faults
	account googletest.ServiceAccount
	log     bytes.Buffer // read once nothing is under way
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{faults: googletest.NewFaults(googletest.FaultOptions{})}
	s.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: s.faults, NewKey: googletest.KeyRing(1)})
	server := httptest.NewServer(s.google)
	t.Cleanup(server.Close)
	var err error
	if s.account, err = s.google.NewServiceAccount("sa", server.URL+"/token"); err != nil {
		t.Fatal(err)
	}
	s.process = setup.NewProcess(setup.Config{Secrets: "file", Data: t.TempDir(), PlayRate: 100, DirectoryRate: 38,
		PlayEndpoint: server.URL, DirectoryEndpoint: server.URL}, setup.Config{}.Logger(&s.log))
	vault, err := secrets.Store(t.Context(), s.process)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{tokens.PlayKey, directory.KeySecret("acme"), directory.KeySecret("beta")} {
		if err := vault.Put(t.Context(), name, secret.NewBytes(s.account.JSON)); err != nil {
			t.Fatal(err)
		}
	}
	if s.sources, err = tokens.Open(t.Context(), s.process); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSources_K3_OneForEachCredential: clients of one credential share its tokens, and
// those of different ones the bound of what is kept.
func TestSources_K3_OneForEachCredential(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	again, err := tokens.Open(t.Context(), s.process)
	if err != nil || again != s.sources {
		t.Fatalf("a process has two: %v", err)
	}
	acme, beta, play := s.sources.Enterprise("acme"), s.sources.Enterprise("beta"), s.sources.Play()
	if acme != s.sources.Enterprise("acme") || play != s.sources.Play() || acme == beta || acme == play || beta == play {
		t.Error("want one source for each credential")
	}
	scopes := google.NewScopes("https://mail.google.com/")
	opt := s.sources.EnterpriseOptions("acme")
	for _, src := range []*google.Tokens{acme, acme, beta, play, google.NewTokens(opt)} {
		if _, err := src.Token(t.Context(), "", scopes); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.faults.Calls(googletest.TokenMethod); n != 4 || opt.Cache.Len() != n {
		t.Errorf("%d fetches, and %d tokens in one cache, want 4", n, opt.Cache.Len())
	}
}

// TestBrokenKey_K3_IsToldInTheLogOfTheProcess: once, with the enterprise whose key it
// is, and by the Play client likewise.
func TestBrokenKey_K3_IsToldInTheLogOfTheProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.google.SetAccount(s.account.Email, googletest.AccountDisabled)
	clients, err := directories.Open(t.Context(), s.process)
	if err != nil {
		t.Fatal(err)
	}
	c := directory.Config{Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: "a@example.com"}}
	users, err := clients.Google(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := clients.Passwords(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []*workspace.Client{users, passwords, users} {
		if _, err := client.Get(t.Context(), workspace.ByID("1")); fault.ReasonOf(err) != google.ReasonKey {
			t.Errorf("the directory: %v", err)
		}
	}
	play, err := setupgoogle.Play(t.Context(), s.process)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := play.Enterprise(t.Context(), "LC03abcd12"); fault.ReasonOf(err) != google.ReasonKey {
		t.Errorf("Play: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("want a line for each broken credential:\n%s", s.log.String())
	}
	for i, want := range []string{`"enterprise":"acme"`, s.account.ClientID} {
		if !strings.Contains(lines[i], `"severity":"ERROR"`) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %s: %s", i, want, lines[i])
		}
	}
	if strings.Contains(lines[1], `"enterprise"`) {
		t.Errorf("the Play key is no enterprise's: %s", lines[1])
	}
}
