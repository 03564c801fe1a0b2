package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-retry"
	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// manyDevices is how many devices the sample's busiest person has: one more than
// Google lets one account be on.
const manyDevices = 11

// phone is one device of the fleet: the reference agent over a simulated Google
// Play.
type phone struct {
	agent  *agent.Agent
	config agent.Config
	play   *playtest.Device
	mail   *mailClient
	by     agent.Credentials
	token  secret.Value // of by, where it is one
	// owner is whose device it is; the zero value for dedicated devices.
	owner person.Person
}

// fleet is the devices that enrol.
type fleet struct {
	stack   *stack.Stack
	clock   *clock
	stats   *agent.Stats
	options *agent.Options
	mu      sync.Mutex // of phones, while they are made
	phones  []*phone
}

// assignment is how many devices somebody has.
type assignment struct {
	owner   person.Person // nobody for dedicated devices
	label   string
	devices int
}

// assign spreads n devices over the people: one of them has eleven, every tenth
// device is a dedicated one, and the others go round.
func assign(people []person.Person, n int) []assignment {
	dedicated := n / 10
	left := n - dedicated
	counts := make([]int, len(people))
	if left > manyDevices+1 {
		counts[0] = manyDevices
		left -= manyDevices
	}
	for i := 0; left > 0; i++ {
		at := i % len(people)
		if at == 0 && counts[0] >= manyDevices && len(people) > 1 {
			continue
		}
		counts[at]++
		left--
	}
	var out []assignment
	for i, c := range counts {
		if c > 0 {
			out = append(out, assignment{owner: people[i], label: staff, devices: c})
		}
	}
	if dedicated > 0 {
		out = append(out, assignment{label: "kiosk", devices: dedicated})
	}
	return out
}

func newFleet(s *stack.Stack, c *clock) *fleet {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	f := &fleet{stack: s, clock: c, stats: &agent.Stats{}}
	f.options = &agent.Options{HTTP: &http.Client{Transport: transport}, Observe: f.stats.Observe, Now: c.Now}
	return f
}

// issue has the admin make an enrollment token for each assignment, and a phone
// for each device. The single device of somebody with a password enrols with that
// instead.
func (f *fleet) issue(ctx context.Context, o office, enterprise string, as []assignment, password func(person.Person) (secret.Value, bool)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, a := range as {
		g.Go(func() error {
			if own, ok := password(a.owner); ok && a.devices == 1 {
				return f.add(a, secret.Value{}, agent.ByPassword(enterprise, a.owner.Entry.Login, own))
			}
			req := map[string]any{"uses": a.devices, "lifeSeconds": 3600}
			if a.owner.ID != "" {
				req["person"] = a.owner.ID
			}
			if a.label != "" {
				req["labels"] = []string{a.label}
			}
			var made enrollmentToken
			if err := o.post(ctx, "/v1/enterprises/"+enterprise+"/enrollment-tokens", req, &made); err != nil {
				return err
			}
			token := secret.New(made.Secret)
			return f.add(a, token, agent.ByToken(token))
		})
	}
	return g.Wait()
}

// add makes the phones of an assignment. It may be called concurrently.
func (f *fleet) add(a assignment, token secret.Value, by agent.Credentials) error {
	for range a.devices {
		p, err := f.newPhone(by)
		if err != nil {
			return err
		}
		p.owner, p.token = a.owner, token
		f.mu.Lock()
		f.phones = append(f.phones, p)
		f.mu.Unlock()
	}
	return nil
}

func (f *fleet) newPhone(by agent.Credentials) (*phone, error) {
	keys, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		return nil, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	p := &phone{play: f.stack.Play.NewDevice(hex.EncodeToString(id[:])), mail: &mailClient{}, by: by}
	p.config = agent.Config{
		Keys: keys, Play: p.play, Mail: p.mail, EnrollURL: f.stack.URL + "/enroll", Options: f.options,
		Save:      func(agent.State) error { return nil }, // it lives as long as its device
		AndroidID: func() string { return p.play.AndroidID() },
		Device:    protocol.DeviceInfo{Manufacturer: "Simulated", Model: "Phone", SDK: 35, Agent: "rollcall-agent/1"},
	}
	p.agent, err = agent.New(p.config)
	return p, err
}

// again returns an agent of the same device, as after a restart of the phone,
// that reports to f's present options.
func (p *phone) again(f *fleet) (*agent.Agent, error) {
	c := p.config
	c.State, c.Options = p.agent.State(), f.options
	return agent.New(c)
}

// settle enrols every phone and has it check in until it has nothing left to do.
// It returns how many settled; those that did not are in the error, by reason.
func (f *fleet) settle(ctx context.Context, patience time.Duration, step func()) (int, error) {
	var settled atomic.Int64
	var mu sync.Mutex
	var failed []error
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g := errgroup.Group{}
	g.SetLimit(32)
	for _, p := range f.phones {
		g.Go(func() error {
			defer step()
			if err := p.settle(ctx); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
				return nil
			}
			settled.Add(1)
			return nil
		})
	}
	_ = g.Wait()
	return int(settled.Load()), errors.Join(failed...)
}

func (p *phone) settle(ctx context.Context) error {
	pace := retry.WithJitterPercent(25, retry.WithCappedDuration(5*time.Second, retry.NewExponential(100*time.Millisecond)))
	var last error
	err := retry.Do(ctx, pace, func(ctx context.Context) error {
		err := p.round(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
			if plain := errors.Unwrap(err); plain != nil {
				last = plain // without go-retry's mark
			}
		}
		return err
	})
	if err != nil && last != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("out of patience: %w", last)
	}
	return err
}

// round enrols if need be and checks in once; what may work later is marked so.
func (p *phone) round(ctx context.Context) error {
	if err := p.agent.EnrollBy(ctx, p.by); err != nil {
		return patient(err)
	}
	r, err := p.agent.CheckIn(ctx)
	switch {
	case err != nil:
		return patient(err)
	case r.Converged:
		return nil
	case r.Blocked != nil && r.Blocked.Status == http.StatusForbidden:
		return fmt.Errorf("blocked: %w", r.Blocked)
	}
	return retry.RetryableError(fmt.Errorf("%d directives pending", len(r.Pending)))
}

// patient marks what may work later; a refusal is the last word.
func patient(err error) error {
	var p *agent.Problem
	if errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests {
		return err
	}
	return retry.RetryableError(err)
}

// loseSignIns invalidates the account on some phones, as Google Play does.
func (f *fleet) loseSignIns(ctx context.Context, n int) ([]*phone, error) {
	var lost []*phone
	for i := range min(n, len(f.phones)) {
		p := f.phones[(i*7)%len(f.phones)]
		as, err := p.play.Accounts(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range as {
			p.play.LoseSignIn(a.Name)
		}
		lost = append(lost, p)
	}
	return lost, nil
}
