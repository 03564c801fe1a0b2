package directories_test

import (
	"log/slog"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

func open(t *testing.T) (*setup.Process, *directories.Clients) {
	t.Helper()
	p := setup.NewProcess(setup.Config{Store: "embedded", Bus: "embedded", Secrets: "file", Data: t.TempDir(), DirectoryRate: 38},
		slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = p.Close() })
	c, err := directories.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

// TestGoogle_OneClientForEachEnterprise: it keeps its access token from run to run,
// until it is to act as somebody else or otherwise.
func TestGoogle_OneClientForEachEnterprise(t *testing.T) {
	t.Parallel()
	p, c := open(t)
	cfg := directory.Config{Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: "a@example.com"}}
	get := func(cfg directory.Config) *workspace.Client {
		client, err := c.Google(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	first := get(cfg)
	if get(cfg) != first {
		t.Error("the same configuration has another client")
	}
	if err := first.Delete(t.Context(), workspace.ByID("1")); fault.ReasonOf(err) != workspace.ReasonReadOnly {
		t.Errorf("a client that only reads deletes: %v", err)
	}
	other := cfg
	other.Enterprise = "beta"
	subject := cfg
	subject.Google = &directory.Google{Subject: "b@example.com"}
	writing := cfg
	writing.Mode = directory.ReadWrite
	for name, cfg := range map[string]directory.Config{"another enterprise": other, "another administrator": subject, "accounts are made": writing} {
		if get(cfg) == first {
			t.Errorf("%s: the client is the same", name)
		}
	}
	again, err := directories.Open(t.Context(), p)
	if err != nil || again != c {
		t.Errorf("a process has two: %v", err)
	}
	if _, err := c.Google(t.Context(), directory.Config{Enterprise: "acme", Mode: directory.LDAPOnly}); fault.KindOf(err) != fault.Permanent {
		t.Errorf("without Google: %v", err)
	}
}

// TestPasswords_WritesInEveryMode: the password policy is the permission, so the
// client of a directory that is only read writes all the same, and the sync's does
// not begin to.
func TestPasswords_WritesInEveryMode(t *testing.T) {
	t.Parallel()
	_, c := open(t)
	cfg := directory.Config{Enterprise: "acme", Google: &directory.Google{Subject: "a@example.com"}}
	var clients []*workspace.Client
	for _, cfg.Mode = range []directory.Mode{directory.ReadOnly, directory.GoogleOnly, directory.ReadWrite, directory.ReadOnly} {
		client, err := c.Passwords(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
		if _, err := client.SetPassword(t.Context(), workspace.ByID("1"), secret.New("Any-Passw0rd")); fault.ReasonOf(err) == workspace.ReasonReadOnly {
			t.Errorf("%s: %v", cfg.Mode, err)
		}
	}
	reading, err := c.Google(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if clients[0] != clients[3] || clients[0] == reading {
		t.Error("the client is made anew with each mode, or is the one that only reads")
	}
	if err := reading.Suspend(t.Context(), workspace.ByID("1")); fault.ReasonOf(err) != workspace.ReasonReadOnly {
		t.Errorf("the sync's client writes: %v", err)
	}
	if _, err := c.Passwords(t.Context(), directory.Config{Enterprise: "acme"}); fault.ReasonOf(err) != password.ReasonNoDirectory {
		t.Errorf("without Google: %v", err)
	}
}
