package workspace_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// The Caller waits before Google refuses: at a tenth of Google's numbers, for
// speed.
func TestCallsStayBelowTheQuota(t *testing.T) {
	t.Parallel()
	o := workspace.CallerOptions()
	if n := o.Rate*60 + float64(o.Burst); n > workspace.Quota {
		t.Errorf("%v calls fit into a minute", n)
	}
	o.Rate, o.Burst, o.MaxDelay = o.Rate/10, o.Burst/10, time.Hour
	b := newBench(t, setup{sim: workspacetest.Options{QuotaPerMinute: 240}, caller: o})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := b.Get(t.Context(), workspace.ByID(boss)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.wantOnly200(t)
}

func TestCreationsStayBelowTheLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for i := range 40 {
		b.insert(t, fmt.Sprintf("new-%d@example.com", i))
	}
	b.wantOnly200(t)
}

func (b *bench) wantOnly200(t *testing.T) {
	t.Helper()
	for c, n := range b.sim.Faults.Counts() {
		if c.Status != 200 {
			t.Errorf("%s: %d times %d", c.Method, n, c.Status)
		}
	}
}

func TestCreationLimitRefusesLongWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	c := b.as(func(o *workspace.Options) {
		o.Creations = workspace.NewCreationLimit(workspace.CreationOptions{Rate: 0.01, Now: b.clock.Now, Sleep: b.clock.Sleep})
	})
	if _, err := c.Insert(t.Context(), newUser("a@example.com")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Insert(t.Context(), newUser("b@EXAMPLE.com"))
	want(t, err, fault.Exhausted, google.ReasonLocalLimit)
	if f := fault.As(err); f.RetryAfter != 100*time.Second || b.sim.Faults.Calls(insertMethod) != 1 {
		t.Errorf("retry after %v", f.RetryAfter)
	}
}
