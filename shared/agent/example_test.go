package agent_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// memory is a device's side of Google Play that adds whatever it is told to.
type memory struct{ accounts []protocol.Account }

func (m *memory) AddAccount(_ context.Context, _ secret.Value) (string, error) {
	m.accounts = append(m.accounts, protocol.Account{Name: accountName, State: protocol.AccountReady})
	return accountName, nil
}

func (m *memory) RemoveAccount(context.Context, string) error { m.accounts = nil; return nil }

func (m *memory) Accounts(context.Context) ([]protocol.Account, error) { return m.accounts, nil }

// A device makes its keys, enrols and checks in once.
func ExampleAgent() {
	server := newServer(new(testing.T))
	defer server.Close()
	keys, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		panic(err)
	}
	a, err := agent.New(agent.Config{
		Keys: keys, Play: &memory{}, EnrollURL: server.URL + "/enroll",
		Save:    func(agent.State) error { return nil }, // a real agent writes a file
		Options: &agent.Options{Now: func() time.Time { return epoch }},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := a.Enroll(ctx, secret.New(enrollmentToken)); err != nil {
		panic(err)
	}
	r, err := a.CheckIn(ctx)
	fmt.Println(r.Converged, r.Outcomes[0].AccountName, err)
	// Output: true managed@play.example <nil>
}
