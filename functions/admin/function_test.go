package admin

import (
	"log/slog"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
)

// TestGoogleUsers_AreThoseOfTheDirectory: admins ask Google with the process's own
// clients, so that they share its limits and access tokens.
func TestGoogleUsers_AreThoseOfTheDirectory(t *testing.T) {
	t.Parallel()
	p := setup.NewProcess(setup.Config{Store: "embedded", Bus: "embedded", Secrets: "file", Data: t.TempDir(), DirectoryRate: 38},
		slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = p.Close() })
	ask := googleUsers(p)
	c := directory.Config{Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: "a@example.com"}}
	got, err := ask(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := directories.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := clients.Google(t.Context(), c); err != nil || got != GoogleUsers(want) {
		t.Errorf("another client: %v", err)
	}
	c.Google = nil
	if got, err := ask(t.Context(), c); fault.KindOf(err) != fault.Permanent || got != nil {
		t.Errorf("without Google: %v, %v", got, err)
	}
}
