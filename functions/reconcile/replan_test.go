package reconcile_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// started keeps the workflows that are started.
type started struct {
	commands []workflow.Command
	fail     error
}

func (s *started) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	if s.fail != nil {
		return "", s.fail
	}
	c, err := workflow.Parse(data)
	if topic != event.Provision {
		err = errors.New("published on " + string(topic))
	}
	s.commands = append(s.commands, c)
	return "e1", err
}

// TestReconcile_W2_APolicyThatNobodyCarriedOut: whoever changed a password policy may
// have died before the workflow was started, or it was lost. It is started once an
// hour until it has ended, and costs a read where there is nothing to do.
func TestReconcile_W2_APolicyThatNobodyCarriedOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var bus started
	b.sweeper.Bus = &bus
	run := func(at time.Duration, want int) {
		t.Helper()
		b.now, bus.commands = noon.Add(at), nil
		sum, err := b.sweeper.Run(t.Context())
		if sum.Replanned != want || len(bus.commands) != want || (err != nil) != (bus.fail != nil && at == 3*time.Hour) {
			t.Errorf("after %v: %+v, %v, started %v; want %d", at, sum, err, bus.commands, want)
		}
		for _, c := range bus.commands {
			if c.Enterprise != "acme" || c.Op != workflow.Replan || c.RequestedBy != actor || !c.RequestedAt.Equal(b.now) {
				t.Errorf("started %+v", c)
			}
		}
	}
	run(0, 0) // no policy
	p := password.Policy{Enterprise: "acme", RotateDays: 90}.Changed(password.Policy{}, noon, "admin:a@example.com")
	b.put(func(tx *record.Tx) error { return tx.PutPasswordPolicy(p) })
	run(59*time.Minute, 0)
	run(time.Hour, 1)
	run(time.Hour+5*time.Minute, 0)
	run(2*time.Hour, 1)
	bus.fail = fault.New(fault.Transient, "bus-down", "")
	run(3*time.Hour, 0)
	bus.fail = nil
	run(4*time.Hour, 1)
	p.ReplanAt = time.Time{}
	b.put(func(tx *record.Tx) error { return tx.PutPasswordPolicy(p) })
	run(9*time.Hour, 0)
}

// TestReconcile_D8_ADamagedPolicy stops nothing that is done for others.
func TestReconcile_D8_ADamagedPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sweeper.Bus = &started{}
	if err := b.driver.Update(t.Context(), func(tx store.Txn) error {
		return tx.Put(store.Document{Key: store.Key{Kind: record.PasswordPolicies, ID: "acme"}, Body: []byte(`{"length":"x"}`)})
	}); err != nil {
		t.Fatal(err)
	}
	if got := b.run(); got.Replanned != 0 {
		t.Errorf("summary %+v", got)
	}
}
