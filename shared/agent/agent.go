package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// State is what an agent must not forget. It holds no secret, and is written and
// read as JSON. Keys are kept apart.
type State struct {
	// DeviceID is empty until the device has enrolled.
	DeviceID  string             `json:"deviceId,omitempty"`
	Endpoints protocol.Endpoints `json:"endpoints,omitzero"`
	// Outcomes were not in a check-in that was answered yet.
	Outcomes []protocol.Outcome `json:"outcomes,omitempty"`
	// Adding is set while an account is being added.
	Adding *Adding `json:"adding,omitempty"`
}

// Adding is an addition whose outcome is not known yet.
type Adding struct {
	DirectiveID string `json:"directiveId"`
	// Before names the accounts that were there when it began.
	Before []string `json:"before,omitempty"`
}

func (s State) clone() State {
	s.Outcomes = slices.Clone(s.Outcomes)
	if s.Adding != nil {
		a := *s.Adding
		a.Before = slices.Clone(a.Before)
		s.Adding = &a
	}
	return s
}

// Config is what an Agent is made of. Keys, Play and Save are required.
type Config struct {
	Keys Keys
	Play Play
	// Mail, if set, takes mail settings. Without it the agent passes over them, as over
	// directives of a kind that it does not know.
	Mail Mail
	// State is what Save was last given; its zero value is a new device.
	State State
	// Save makes a state durable before it returns. It is not called where
	// nothing changed, and never twice at a time. If it fails, the call of the
	// Agent that needed it fails too, and nothing is lost.
	Save func(State) error
	// EnrollURL is the enroll endpoint, as the operator was told it.
	EnrollURL string
	// Device describes the device for people.
	Device protocol.DeviceInfo
	// AndroidID, if set, returns Google Play services' Android ID, or "" as long
	// as it is not known.
	AndroidID func() string
	// Options may be nil, and may be shared among agents.
	Options *Options
}

// Agent keeps one device converged. Its methods may be called concurrently;
// Enroll and CheckIn wait for each other.
type Agent struct {
	cfg    Config
	client *Client
	busy   chan struct{} // holds one token while a call runs
	state  State         // guarded by busy
	rest   time.Duration // what the server last said; guarded by busy

	mu    sync.Mutex
	wake  context.CancelFunc // ends Run's wait; nil while it does not wait
	woken bool               // Wake was called since the last wait
}

// ErrNotEnrolled is what CheckIn and Run return for a device without an id.
var ErrNotEnrolled = fault.New(fault.Conflict, "not-enrolled", "the device is not enrolled; call Enroll with an enrollment token, or EnrollBy")

// New returns an Agent. It does no I/O.
func New(cfg Config) (*Agent, error) {
	if cfg.Play == nil || cfg.Save == nil {
		return nil, fault.New(fault.Invalid, "config", "an agent needs Play and Save")
	}
	if s := cfg.State; s.DeviceID != "" && (checkURL(s.Endpoints.CheckIn) != nil || checkURL(s.Endpoints.Token) != nil) {
		return nil, fault.New(fault.Invalid, "state", "the saved state has no usable endpoints; enroll anew")
	}
	client, err := NewClient(cfg.Keys, cfg.Options)
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, client: client, busy: make(chan struct{}, 1), state: cfg.State.clone()}
	a.cfg.State = State{}
	return a, nil
}

func (a *Agent) androidID() string {
	if a.cfg.AndroidID == nil {
		return ""
	}
	return a.cfg.AndroidID()
}

// lock waits until no other call runs; on nil the caller must unlock.
func (a *Agent) lock(ctx context.Context) error {
	select {
	case a.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Agent) unlock() { <-a.busy }

// save makes a change of the state durable.
func (a *Agent) save() error {
	if err := a.cfg.Save(a.state.clone()); err != nil {
		return fmt.Errorf("save the agent's state: %w", err)
	}
	return nil
}

// Enroll makes the device known by an enrollment token and saves who it is. On a
// device that is enrolled it does nothing. After any failure it may be called
// again: the same keys with the same token are the same device. A *Problem with
// status 401 says that the token, or the device's clock, is not accepted.
func (a *Agent) Enroll(ctx context.Context, token secret.Value) error {
	return a.EnrollBy(ctx, ByToken(token))
}

// EnrollBy is Enroll with any credentials. The same keys by the same person are the
// same device, whether by password or by ID token.
func (a *Agent) EnrollBy(ctx context.Context, by Credentials) error {
	if err := a.lock(ctx); err != nil {
		return err
	}
	defer a.unlock()
	if a.state.DeviceID != "" {
		return nil
	}
	r, err := a.client.EnrollBy(ctx, a.cfg.EnrollURL, by, a.cfg.Device)
	if err != nil {
		return err
	}
	a.state.DeviceID, a.state.Endpoints = r.DeviceID, r.Endpoints
	if err := a.save(); err != nil {
		a.state.DeviceID, a.state.Endpoints = "", protocol.Endpoints{}
		return err
	}
	a.rest = time.Duration(r.NextCheckInSeconds) * time.Second
	return nil
}

// State returns what the agent knows, as Save would be given it; it waits for a
// call that runs.
func (a *Agent) State() State {
	a.busy <- struct{}{}
	defer a.unlock()
	return a.state.clone()
}
