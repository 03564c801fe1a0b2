package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

func TestRunThatNobodyTakesUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	var waited time.Duration
	p.wait = func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	}
	code, _, errs := p.run(t.Context(), "directory", "run", "--wait")
	if code != exitUnavailable || waited < untaken || waited > untaken+watchEvery || !strings.Contains(errs, "dead-letter list") {
		t.Errorf("code %d after %v: %s", code, waited, errs)
	}
	if n := strings.Count(errs, "waiting for the function directorysync"); n != 1 {
		t.Errorf("says %d times for what it waits: %s", n, errs)
	}
}

func TestFollowedRunGoesOnAfterCtrlC(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	ctx, cancel := context.WithCancel(t.Context())
	p.wait = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	code, _, errs := p.run(ctx, "directory", "run", "--wait")
	if code != exitFailed || !strings.Contains(errs, "goes on. How it stands: rollcall directory status") || !strings.HasSuffix(errs, "interrupted\n") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestFollowedRunOutlivesTheServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	p.obeys(
		func(directory.Run) { p.down.Store(true) }, func(directory.Run) {},
		func(run directory.Run) {
			p.down.Store(false)
			run.Phase = directory.Done
			p.putRun(run)
		})
	code, out, errs := p.run(t.Context(), "directory", "run", "--wait")
	if code != 0 || strings.Count(errs, "waiting for the server") != 1 || !strings.Contains(out, "done") {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

func TestProgressBarIsForTerminalsAlone(t *testing.T) {
	t.Parallel()
	for _, screen := range []bool{true, false} {
		p := newPlace(t)
		p.company()
		p.screen = screen
		in := func(phase directory.Phase, done int) func(directory.Run) {
			return func(run directory.Run) {
				run.Phase, run.Parts, run.Applied = phase, 8, done
				p.putRun(run)
			}
		}
		p.obeys(func(directory.Run) {}, in(directory.Collecting, 0), in(directory.Collecting, 0), in(directory.Applying, 2), in(directory.Applying, 6), in(directory.Done, 8))
		code, out, errs := p.run(t.Context(), "directory", "run", "--wait")
		if code != 0 || strings.ContainsAny(out, "\r█") {
			t.Errorf("code %d: %q", code, out)
		}
		for _, part := range []string{"waiting for the function directorysync", "reading the directory", "applying", "25%", "75%", "6/8"} {
			if strings.Contains(errs, part) != screen {
				t.Errorf("at a terminal %v, %q is in %q: %v", screen, part, errs, !screen)
			}
		}
		// What a person reads next begins on an empty line.
		if screen && !strings.HasSuffix(errs, "\r") {
			t.Errorf("the bar is not taken away: %q", errs)
		}
	}
}
