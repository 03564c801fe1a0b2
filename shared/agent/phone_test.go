package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var errDisk = errors.New("disk full")

const accountName = "managed@play.example"

// phone is a device: its accounts, its storage, its clock. step is called between
// any two things that the agent does, and may panic to kill it.
type phone struct {
	t        *testing.T
	server   *server
	keys     agent.Keys
	accounts []protocol.Account
	mailbox  *mailbox // nil on a phone without a mail client
	adds     int
	addErr   error
	// removeErr is what RemoveAccount returns, after removing if removeAnyway.
	removeErr    error
	removeAnyway bool
	stored       []byte // the state as JSON, "{}" at first
	saves        int
	failSave     int // the save that fails, from 1
	skew         time.Duration
	step         func()

	mu        sync.Mutex
	waits     []time.Duration
	onWait    func(ctx context.Context, d time.Duration) error
	exchanges []agent.Exchange
}

func newPhone(t *testing.T, s *server) *phone {
	t.Helper()
	keys, err := agent.GenerateKeys(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, server: s, keys: keys, stored: []byte("{}"), step: func() {}}
}

// start makes an agent from what is stored, as after a restart.
func (p *phone) start() *agent.Agent {
	p.t.Helper()
	var st agent.State
	if err := json.Unmarshal(p.stored, &st); err != nil {
		p.t.Fatal(err)
	}
	cfg := agent.Config{
		Keys: p.keys, Play: p, State: st, Save: p.save, EnrollURL: p.server.endpoint("enroll"),
		Device: p.device(),
		Options: &agent.Options{
			HTTP: &http.Client{Transport: p}, Now: p.now, Wait: p.wait,
			Random: rand.NewChaCha8([32]byte{byte(rand.Uint32()), byte(rand.Uint32())}), Observe: p.observe,
		},
	}
	if p.mailbox != nil {
		cfg.Mail = p.mailbox
	}
	a, err := agent.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func (p *phone) device() protocol.DeviceInfo {
	return protocol.DeviceInfo{Manufacturer: "Acme", Model: "One", SDK: 34, Agent: "test/1"}
}

// enrolled starts an agent and enrols it.
func (p *phone) enrolled() *agent.Agent {
	p.t.Helper()
	a := p.start()
	if err := a.Enroll(p.t.Context(), secret.New(enrollmentToken)); err != nil {
		p.t.Fatalf("Enroll = %v", err)
	}
	return a
}

func (p *phone) now() time.Time {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return p.server.now.Add(p.skew)
}

func (p *phone) wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	p.waits = append(p.waits, d)
	p.mu.Unlock()
	if p.onWait != nil {
		return p.onWait(ctx, d)
	}
	return ctx.Err()
}

func (p *phone) observe(e agent.Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchanges = append(p.exchanges, e)
}

func (p *phone) save(s agent.State) error {
	p.step()
	if p.saves++; p.saves == p.failSave {
		return errDisk
	}
	p.stored, _ = json.Marshal(s)
	p.step()
	return nil
}

// RoundTrip lets the agent die before and after a request.
func (p *phone) RoundTrip(r *http.Request) (*http.Response, error) {
	p.step()
	resp, err := p.server.Client().Transport.RoundTrip(r)
	if err == nil {
		p.step()
	}
	return resp, err
}

func (p *phone) AddAccount(_ context.Context, token secret.Value) (string, error) {
	p.step()
	if p.addErr != nil {
		return "", p.addErr
	}
	p.server.mu.Lock()
	owner := p.server.tokens[token.Reveal()]
	p.server.tokens[token.Reveal()] = ""
	p.server.mu.Unlock()
	if owner == "" {
		p.t.Errorf("AddAccount: the token was not minted, or was used before")
	}
	if p.holds(accountName) {
		p.t.Errorf("AddAccount: the account is there already")
	}
	p.adds++
	p.accounts = append(p.accounts, protocol.Account{Name: accountName, State: protocol.AccountReady})
	p.step()
	return accountName, nil
}

func (p *phone) holds(name string) bool {
	return slices.ContainsFunc(p.accounts, func(a protocol.Account) bool { return a.Name == name })
}

func (p *phone) RemoveAccount(_ context.Context, name string) error {
	p.step()
	if p.removeErr == nil || p.removeAnyway {
		p.accounts = slices.DeleteFunc(p.accounts, func(a protocol.Account) bool { return a.Name == name })
	}
	p.step()
	return p.removeErr
}

func (p *phone) Accounts(context.Context) ([]protocol.Account, error) {
	return slices.Clone(p.accounts), nil
}

// wantConverged checks that device and server agree on the one account.
func (p *phone) wantConverged() {
	p.t.Helper()
	d := p.server.only()
	if len(p.accounts) != 1 || p.accounts[0].Name != accountName || p.accounts[0].State != protocol.AccountReady {
		p.t.Errorf("accounts = %v, want the managed one, ready", p.accounts)
	}
	if d.Desired.AccountName != accountName {
		p.t.Errorf("the server knows the account as %q, want %q", d.Desired.AccountName, accountName)
	}
}
