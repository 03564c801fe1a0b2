package agent_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestMail_SaveFails lets each save fail in turn: nothing is lost, and what was applied
// is reported.
func TestMail_SaveFails(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 6; n++ {
		p, a := mailed(t)
		p.failSave = p.saves + n
		failed := 0
		for range 4 {
			if _, err := a.CheckIn(t.Context()); errors.Is(err, errDisk) {
				failed++
			} else if err != nil {
				t.Fatalf("save %d: %v", n, err)
			}
		}
		if failed != 1 || len(p.server.mail.open) != 0 {
			t.Errorf("save %d failed %d calls, want 1; left are %v", n, failed, p.server.mail.open)
		}
		if diff := cmp.Diff(allMail, p.mailbox.has); diff != "" {
			t.Errorf("save %d: the mail client has (-want +got):\n%s", n, diff)
		}
		p.wantConverged()
	}
}

// TestMail_CrashAtEveryStep kills the agent before and after everything it does: the
// device converges, and every setting is there as it was sent.
func TestMail_CrashAtEveryStep(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		p, _ := mailed(t)
		steps := 0
		p.step = func() {
			if steps++; steps == at {
				panic(killed{})
			}
		}
		dead, err := live(p)
		if err != nil {
			t.Fatalf("step %d: %v", at, err)
		}
		if !dead {
			if at < 20 {
				t.Errorf("%d steps are too few to be true", at-1)
			}
			return
		}
		p.step = func() {}
		if _, err := live(p); err != nil {
			t.Fatalf("after death at step %d: %v", at, err)
		}
		p.wantConverged()
		if diff := cmp.Diff(allMail, p.mailbox.has); diff != "" || p.adds != 1 || p.mailbox.applied > 4 || p.mailbox.removed > 2 {
			t.Errorf("after death at step %d: %d additions, %d settings applied, %d removed; the mail client has (-want +got):\n%s",
				at, p.adds, p.mailbox.applied, p.mailbox.removed, diff)
		}
		for _, o := range p.server.mail.outcomes {
			if o.Result != protocol.Done {
				t.Errorf("after death at step %d: %+v", at, o)
			}
		}
	}
}
