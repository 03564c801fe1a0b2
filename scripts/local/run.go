package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event/pubsub"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/setup"
)

// options are the command's flags.
type options struct {
	devices, people            int
	ldif, report, data, listen string

	ldap, ldapBase, ldapBind, ldapPasswordFile, ldapSchema, mode string

	store, bus       string
	steady, patience time.Duration
	faults, serve    bool
	// inspect, if set, sees the fleet before everything is closed, for tests.
	inspect func(*stack.Stack, *fleet, *organisation)
}

// errUnwell ends a run whose summary has problems.
var errUnwell = errors.New("the run did not end as it must; see the problems above")

// run does the main job and prints what came of it.
func run(ctx context.Context, opt options, out io.Writer) error {
	l, err := opt.startLDAP(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	cfg, cleanup, err := opt.config(ctx)
	if err != nil {
		return err
	}
	defer cleanup()
	logFile, err := os.OpenFile(filepath.Join(cfg.Data, "rollcall.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Permanent, "log", "cannot write a log into %s; give the folder's user write access, or choose another with --data", cfg.Data)
	}
	defer logFile.Close()
	kept := ""
	if opt.data == "" {
		kept = " (until it ends; --data keeps them)"
	}
	obs, now := &observer{}, newClock(history)
	s, err := stack.Start(ctx, stack.Options{
		Config: cfg, Log: cfg.Logger(logFile), Listen: opt.listen, Every: 5 * time.Minute,
		Process: func(p *setup.Process) { p.Observe, p.Google, p.Now = obs.served, obs.google, now.Now },
		Ready:   opt.ready,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Rollcall runs on %s, with the %s store and the %s bus\nlog and data: %s%s\n", s.URL, cfg.Store, cfg.Bus, cfg.Data, kept)
	o := office{s.URL + "/admin", s.Token}
	ent, err := enterpriseFor(ctx, o, s)
	if err == nil {
		err = opt.drive(ctx, s, o, obs, now, ent, l, out)
	}
	if err == nil && opt.serve {
		serve(ctx, s, ent.id, out)
	}
	return errors.Join(err, s.Close())
}

// directoryMode returns where people come from.
func (opt options) directoryMode() directory.Mode {
	switch {
	case opt.mode != "":
		return directory.Mode(opt.mode)
	case strings.Contains(opt.ldap, "://"):
		return directory.LDAPOnly // nobody knows the people's accounts at Google here
	}
	return directory.ReadOnly
}

// config returns the settings of this run, and what removes its folder where it
// is a temporary one.
func (opt options) config(ctx context.Context) (setup.Config, func(), error) {
	cfg, err := setup.Load(ctx)
	if err != nil {
		return cfg, nil, err
	}
	cfg.Store, cfg.Bus, cfg.Secrets, cfg.Data = opt.store, opt.bus, "file", opt.data
	if cfg.Project == "" && (os.Getenv("FIRESTORE_EMULATOR_HOST") != "" || os.Getenv("PUBSUB_EMULATOR_HOST") != "") {
		cfg.Project = "rollcall-local"
	}
	if opt.faults {
		// With faults a device needs more tokens than the limits mean to allow.
		cfg.TokenBurst, cfg.TokenDaily = 20, 100
	}
	if err := cfg.Validate(); err != nil {
		return cfg, nil, err
	}
	cleanup := func() {}
	if cfg.Data == "" {
		if cfg.Data, err = os.MkdirTemp("", "rollcall-"); err != nil {
			return cfg, nil, fault.Wrap(err, fault.Permanent, "data", "cannot make a temporary folder; choose one with --data")
		}
		cleanup = func() { _ = os.RemoveAll(cfg.Data) }
	} else if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return cfg, nil, fault.Wrap(err, fault.Permanent, "data", "cannot make the folder %s; choose another with --data", cfg.Data)
	} else if cfg.Data, err = filepath.Abs(cfg.Data); err != nil {
		// It is absolute for whoever copies it into another terminal.
		return cfg, nil, fault.Wrap(err, fault.Permanent, "data", "cannot tell where --data is; give it beginning with /")
	}
	return cfg, cleanup, nil
}

// ready makes what a real service or emulator lacks before events flow.
func (opt options) ready(ctx context.Context, s *stack.Stack) error {
	if b, ok := s.Bus.(*pubsub.Bus); ok {
		return b.EnsureTopics(ctx)
	}
	return nil
}

// drive has the fleet do its work in the enterprise ent.
func (opt options) drive(ctx context.Context, s *stack.Stack, o office, obs *observer, now *clock, ent enterprise, l *ldapServer, out io.Writer) error {
	sum := summary{Enterprise: ent.id, Store: opt.store, Bus: opt.bus, Faults: opt.faults}
	if opt.faults {
		breakDirectory(s.Workspace.Faults)
	}
	org, people, err := opt.enlist(ctx, s, o, ent, l, &sum, out)
	if err != nil {
		return err
	}
	if sum.Mail, err = org.openMail(ctx); err != nil {
		return err
	}
	f := newFleet(s, now)
	if err := f.issue(ctx, o, ent.id, assign(people, opt.devices), org.password); err != nil {
		return err
	}
	if opt.faults {
		breakThings(s.Play.Faults)
	}
	sum.People, sum.Devices, sum.SignedIn = len(people), len(f.phones), f.signedIn()

	began := time.Now()
	step, done := progress(out, len(f.phones), "enrolling")
	var stuck error
	sum.Converged, stuck = f.settle(ctx, opt.patience, step)
	sum.ConvergeSeconds = time.Since(began).Seconds()
	done()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lost, err := f.loseSignIns(ctx, max(1, len(f.phones)/50))
	if err != nil {
		return err
	}
	sum.SignInsLost = len(lost)
	again := &fleet{stack: s, clock: now, stats: f.stats, options: f.options, phones: lost}
	n, err := again.settle(ctx, opt.patience, func() {})
	sum.Converged -= len(lost) - n
	stuck = errors.Join(stuck, err, f.strangers(ctx, o, ent.id, people), org.settledPasswords(ctx, opt.patience, f))

	if sum.MailTokens, err = org.mailServer(ctx, now.Now, people); err != nil {
		stuck = errors.Join(stuck, fmt.Errorf("mail tokens: %w", err))
	}
	fmt.Fprintf(out, "steady check-ins for %v\n", opt.steady)
	if sum.Steady, err = f.steady(ctx, opt.steady, obs); err != nil {
		stuck = errors.Join(stuck, err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	stuck = errors.Join(stuck, org.secondAct(ctx, opt.patience, f, &sum, out))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if org.config.Mode.UsesGoogle() {
		fmt.Fprintln(out, "a password is refused and renewed; a day passes, and all are replaced")
	}
	if err := org.passwordAct(ctx, opt.patience, f, sum.Mail); err != nil {
		stuck = errors.Join(stuck, fmt.Errorf("passwords: %w", err))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.Play.Faults.Clear()
	stuck = errors.Join(stuck, s.Reconcile(ctx))
	if err := sum.collect(ctx, s, ent); err != nil {
		return err
	}
	sum.Refusals, sum.GoogleRetries = obs.refusals.all(), obs.retries.Load()
	for _, e := range f.stats.Summaries() {
		sum.AgentRetries += e.Retries
	}
	if opt.inspect != nil {
		opt.inspect(s, f, org)
	}
	sum.check()
	if stuck != nil {
		sum.Problems = append(sum.Problems, firstLine(stuck))
	}
	sum.print(out)
	if opt.report != "" {
		if err := sum.write(opt.report); err != nil {
			return err
		}
	}
	if len(sum.Problems) > 0 {
		return errUnwell
	}
	return nil
}

// progress returns what is called for each step of n: a bar on a terminal, and
// nothing where the output goes to a file.
func progress(out io.Writer, n int, what string) (step, done func()) {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(out, "%s the devices (%d)\n", what, n)
		return func() {}, func() {}
	}
	bar := progressbar.NewOptions(n, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
	return func() { _ = bar.Add(1) }, func() { fmt.Fprintln(out) }
}
