package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// script makes p's waiting do one step after the other, and then press Ctrl-C.
func (p *place) script(steps ...func()) context.Context {
	ctx, cancel := context.WithCancel(p.t.Context())
	p.wait = func(ctx context.Context, d time.Duration) error {
		if d != pollEvery {
			p.t.Errorf("waits %v", d)
		}
		if len(steps) == 0 {
			cancel()
			return ctx.Err()
		}
		steps[0]()
		steps = steps[1:]
		return nil
	}
	p.t.Cleanup(cancel)
	return ctx
}

func (p *place) happens(action string, at time.Time) {
	p.t.Helper()
	err := p.db.Update(p.t.Context(), func(tx *record.Tx) error {
		return tx.Audit(audit.Record{Enterprise: "acme", At: at, Actor: "device:d1", Action: action, Target: "account:a", Result: audit.OK})
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.fleet()
	p.happens("long.ago", clock.Add(-2*time.Hour))
	p.happens("first", clock.Add(-time.Minute))
	ctx := p.script(
		func() { p.happens("second", clock) },
		func() { p.happens("late", clock.Add(-10*time.Second)) }, // committed after a later one
		func() {},
		func() { p.happens("third", clock.Add(time.Hour)) },
		func() { p.happens("fourth", clock.Add(time.Hour)) },
	)
	code, out, errs := p.run(ctx, "audit", "--follow")
	var actions []string
	for line := range strings.Lines(out) {
		actions = append(actions, strings.Fields(line)[3])
	}
	if d := cmp.Diff([]string{"first", "second", "late", "third", "fourth"}, actions); d != "" || code != 0 || errs != "" {
		t.Errorf("code %d, %s, -want +got:\n%s", code, errs, d)
	}
}

func TestFollowJSON(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.fleet()
	for i := range 3 {
		p.happens(fmt.Sprint("step-", i), clock)
	}
	code, out, _ := p.run(p.script(), "audit", "-f", "--json", "--since", "2026-03-01T11:59:00Z")
	golden(t, "follow-json", out)
	if lines := strings.Count(out, "\n"); lines != 3 || code != 0 {
		t.Errorf("code %d, %d lines", code, lines)
	}
}

func TestFollowWaitsForTheServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.fleet()
	p.happens("before", clock)
	ctx := p.script(
		func() { p.down.Store(true) }, func() {},
		func() { p.down.Store(false); p.happens("after", clock) },
	)
	code, out, errs := p.run(ctx, "audit", "--follow")
	if code != 0 || strings.Count(errs, "waiting for it") != 1 || !strings.Contains(out, "before") || !strings.Contains(out, "after") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if code, _, errs := p.run(t.Context(), "audit", "--follow", "--since", "yesterday"); code != 2 {
		t.Errorf("took a bad --since: %s", errs)
	}
}
