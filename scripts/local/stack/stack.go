// Package stack runs every function of Rollcall in one process on loopback, with
// a simulated Google Play and Directory API behind them: for the local runner, and for tests of the
// whole.
package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/functions/admin"
	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/functions/directorysync"
	"github.com/rollcall-emm/rollcall/functions/directorywatch"
	"github.com/rollcall-emm/rollcall/functions/enroll"
	"github.com/rollcall-emm/rollcall/functions/mailtoken"
	"github.com/rollcall-emm/rollcall/functions/passwordpush"
	"github.com/rollcall-emm/rollcall/functions/passwordsweep"
	"github.com/rollcall-emm/rollcall/functions/provision"
	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/functions/token"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/cloudidentity/cloudidentitytest"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// Options say how a Stack is made; Config and Log are required.
type Options struct {
	Config setup.Config
	Log    *slog.Logger
	// Listen is the address to serve on, a loopback one; default 127.0.0.1:0.
	Listen string
	// Play is the simulated Google Play; nil makes one.
	Play *playtest.Server
	// Workspace is the simulated Directory API; nil makes one, with a customer that
	// has the domain example.com.
	Workspace *workspacetest.Server
	// Process, if set, adjusts the process before anything is opened in it.
	Process func(*setup.Process)
	// Ready, if set, is called once everything is open and before events flow.
	Ready func(context.Context, *Stack) error
	// Every is how often reconcile, directorysync and passwordsweep are started; 0
	// leaves it to the caller.
	Every time.Duration
}

// Stack is a running Rollcall.
type Stack struct {
	// URL is the root under which each function has its name: URL/checkin.
	URL string
	// Play is the simulated Google Play.
	Play *playtest.Server
	// Workspace is the simulated Directory API, and Customer Google's id of the
	// customer that it was made with.
	Workspace *workspacetest.Server
	Customer  string
	// Settings is what the customer's administrators set at Google; nil where the
	// caller gave a Workspace.
	Settings *cloudidentitytest.Server
	// DirectoryKey is the JSON key of a service account that may act as the
	// administrators of the simulated Directory API.
	DirectoryKey json.RawMessage
	// Process holds the settings, the store and the bus.
	Process *setup.Process
	// Bus carries the events.
	Bus bus.Bus
	// Token is what the function admin wants from a caller on this machine, and
	// TokenFile is where it stands.
	Token     secret.Value
	TokenFile string

	account string // the service account's address
	server  *http.Server
	owned   []func() // what this stack made and closes
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start opens everything and serves. Its error says in words what is in the way,
// such as a port in use or a folder without permission.
func Start(ctx context.Context, opt Options) (*Stack, error) {
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", opt.Listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, "listen",
			"cannot listen on %s; stop what uses that port, or choose another with --listen", opt.Listen)
	}
	s := &Stack{URL: "http://" + ln.Addr().String(), Play: opt.Play, Workspace: opt.Workspace}
	if err := s.open(ctx, opt); err != nil {
		return nil, errors.Join(err, ln.Close(), s.Close())
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.running.Go(func() { _ = s.server.Serve(ln) })
	s.running.Go(func() {
		if err := s.Bus.Run(run); err != nil && run.Err() == nil {
			opt.Log.Error("the bus delivers no more events; start again", "error", err)
		}
	})
	if opt.Every > 0 {
		s.running.Go(func() { s.schedule(run, opt.Every) })
	}
	return s, nil
}

// open makes everything, the store first: its message about the folder is the
// clearest.
func (s *Stack) open(ctx context.Context, opt Options) (err error) {
	if s.Play == nil {
		s.Play = playtest.New(playtest.Options{Faults: faults()})
		s.owned = append(s.owned, s.Play.Close)
	}
	if s.Workspace == nil {
		s.startGoogle()
	}
	opt.Config.PublicURL, opt.Config.PlayEndpoint, opt.Config.DirectoryEndpoint = s.URL, s.Play.URL, s.Workspace.URL
	s.Process = setup.NewProcess(opt.Config, opt.Log)
	if opt.Process != nil {
		opt.Process(s.Process)
	}
	if _, err := s.Process.DB(ctx); err != nil {
		return err
	}
	if err := s.credentials(ctx); err != nil {
		return err
	}
	if s.Bus, err = bus.Open(ctx, s.Process); err != nil {
		return err
	}
	if opt.Ready != nil {
		if err := opt.Ready(ctx, s); err != nil {
			return err
		}
	}
	mux, err := s.functions(ctx)
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(opt.Log.Handler(), slog.LevelWarn)}
	return nil
}

func (s *Stack) functions(ctx context.Context) (*http.ServeMux, error) {
	p := s.Process
	mux := http.NewServeMux()
	for name, open := range map[string]func(context.Context, *setup.Process) (http.Handler, error){
		"checkin": checkin.Open, "enroll": enroll.Open, "token": token.Open, "mailtoken": mailtoken.Open,
		"admin": admin.Open, "directorywatch": directorywatch.Open,
	} {
		h, err := open(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		mux.Handle("/"+name, h)
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, h))
	}
	for topic, open := range map[event.Topic]func(context.Context, *setup.Process) (event.Handler, error){
		event.Provision: provision.Open, event.Reconcile: reconcile.Open, event.Directory: directorysync.Open,
		event.Password: passwordpush.Open, event.PasswordSweep: passwordsweep.Open,
	} {
		h, err := open(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", topic, err)
		}
		s.Bus.Subscribe(topic, h)
	}
	mux.Handle("/", api.Edge{Function: "none", Log: p.Log, Now: time.Now}.Handle(
		func(http.ResponseWriter, *http.Request) error {
			return fault.New(fault.NotFound, "not-found", "the functions here are /enroll, /checkin, /token, /mailtoken and /admin/v1/...")
		}))
	return mux, nil
}

func (s *Stack) schedule(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, topic := range []event.Topic{event.Reconcile, event.Directory, event.PasswordSweep} {
				if _, err := s.Bus.Publish(ctx, topic, nil); err != nil {
					s.Process.Log.Warn("cannot start what a schedule starts", "topic", topic, "error", err)
				}
			}
		}
	}
}

// Reconcile runs the function reconcile once, now, in the caller's goroutine.
func (s *Stack) Reconcile(ctx context.Context) error {
	return s.once(ctx, event.Reconcile, reconcile.Open)
}

// SweepPasswords runs the function passwordsweep once, now, in the caller's goroutine.
func (s *Stack) SweepPasswords(ctx context.Context) error {
	return s.once(ctx, event.PasswordSweep, passwordsweep.Open)
}

func (s *Stack) once(ctx context.Context, topic event.Topic, open func(context.Context, *setup.Process) (event.Handler, error)) error {
	h, err := open(ctx, s.Process)
	if err != nil {
		return err
	}
	return h(ctx, event.Event{ID: rand.Text(), Topic: topic, Published: time.Now().UTC()})
}

// NewPlayEnterprise makes an enterprise at the simulated Google Play that this
// stack's service account may manage, and returns Google's id of it.
func (s *Stack) NewPlayEnterprise(name string) string { return s.Play.AddEnterprise(name, s.account) }

// Close stops serving, waits for what is under way, and closes the files. It may
// be called on a Stack that did not start fully.
func (s *Stack) Close() error {
	var errs []error
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if s.server.Shutdown(ctx) != nil {
			_ = s.server.Close()
		}
		cancel()
	}
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
	if s.Bus != nil {
		errs = append(errs, s.Bus.Close())
	}
	if s.Process != nil {
		errs = append(errs, s.Process.Close())
	}
	for _, end := range s.owned {
		end()
	}
	return errors.Join(errs...)
}
