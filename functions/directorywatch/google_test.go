package directorywatch_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

var keys = googletest.KeyRing(1)

// TestGoogle_TellsOfEachChange over a real connection, and again after an outage.
func TestGoogle_TellsOfEachChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here := httptest.NewTLSServer(b.handler)
	t.Cleanup(here.Close)
	// The wait before Google's second try is when the bus comes back.
	back := func(context.Context, time.Duration) { b.bus.failing(nil) }
	sim := workspacetest.New(workspacetest.Options{Now: b.clock, NewKey: keys, Callback: here.Client(), Sleep: back})
	t.Cleanup(sim.Close)
	sa, err := sim.NewServiceAccount("sync")
	if err != nil {
		t.Fatal(err)
	}
	sim.Tokens.Delegate(sa.Email, admin.AdminDirectoryUserReadonlyScope)
	sim.AddCustomer("example.com")
	if _, err := sim.AddAdmin("ada@example.com"); err != nil {
		t.Fatal(err)
	}
	google := workspace.New(workspace.Options{
		Enterprise: "acme", Subject: "ada@example.com", ReadOnly: true, Now: b.clock, Endpoint: sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
	})
	b.channel(directory.Channel{ID: channel, Enterprise: "acme", OpenedAt: noon}) // Google has not answered yet
	_, err = google.Watch(t.Context(), workspace.WatchRequest{ID: channel, Address: here.URL, Token: directory.ChannelToken(key, channel)})
	if err != nil {
		t.Fatal(err)
	}
	b.bus.failing(fault.New(fault.Transient, "bus", "down"))
	id, err := sim.AddUser(workspacetest.User{PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	sim.Remove(id)
	if delivered, lost, err := sim.Drain(t.Context()); err != nil || delivered != 3 || lost != 0 {
		t.Errorf("%d delivered, %d lost, %v", delivered, lost, err)
	}
	if diff := cmp.Diff([]directory.Command{refresh(id), refresh(id)}, b.bus.take()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}
