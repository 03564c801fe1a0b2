// Package eventtest holds the tests that every event bus must pass: one case for
// each sentence of the contracts of event.Publisher, event.Handler and
// event.DeadLetters.
package eventtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// patience is how long a case waits for what must happen; it is only reached
// when the bus is wrong.
const patience = 90 * time.Second

// Bus is a bus under test.
type Bus interface {
	event.Publisher
	event.DeadLetters
	// Subscribe makes h the handler of topic; all calls come before Run.
	Subscribe(topic event.Topic, h event.Handler)
	// Run delivers until ctx ends, then waits for the handlers and returns nil.
	Run(ctx context.Context) error
}

// Harness makes a bus with no events in it, which no other test shares. The
// bus's attempts are event.DefaultMaxAttempts and its back-off is short.
type Harness func(t *testing.T) Bus

// Run runs the suite as parallel subtests of t.
func Run(t *testing.T, h Harness) {
	t.Helper()
	cases := []struct {
		name string
		test func(t *testing.T, b Bus)
	}{
		{"an event arrives as published", arrives},
		{"an empty payload arrives", emptyArrives},
		{"the largest payload arrives, a larger is refused", bounds},
		{"an unknown topic is refused", unknownTopic},
		{"a cancelled publication fails as transient", cancelled},
		{"events wait for a receiver", waits},
		{"a failed event comes again under the same id", comesAgain},
		{"a panic is a failed delivery", panics},
		{"an event under delivery at the end comes again", interrupted},
		{"a final failure is done once", finalOnce},
		{"the last failed attempt makes a dead letter", dies},
		{"listing changes nothing and keeps its limit", listing},
		{"a replayed event comes anew", replay},
		{"an unknown dead letter is not found", unknownDead},
		{"concurrent publishers lose nothing", concurrent},
		{"topics do not mix", topicsApart},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, h(t))
		})
	}
}

func publish(t *testing.T, b Bus, topic event.Topic, data string) string {
	t.Helper()
	id, err := b.Publish(t.Context(), topic, []byte(data))
	if err != nil || id == "" {
		t.Fatalf("Publish = %q, %v; want an id", id, err)
	}
	return id
}

// start runs b until stop is called or the test ends.
func start(t *testing.T, b Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// inbox is a handler that hands over what it gets and fails as told.
type inbox struct {
	got  chan event.Event
	fail func(e event.Event) error
}

func newInbox(fail func(event.Event) error) *inbox {
	return &inbox{got: make(chan event.Event, 1000), fail: fail}
}

func (i *inbox) handle(_ context.Context, e event.Event) error {
	i.got <- e
	if i.fail == nil {
		return nil
	}
	return i.fail(e)
}

func (i *inbox) next(t *testing.T) event.Event {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case e := <-i.got:
		return e
	case <-timeout.C:
		t.Fatal("no event came")
		return event.Event{}
	}
}

func always(err error) func(event.Event) error { return func(event.Event) error { return err } }

// outage is the error of a peer that is away for the moment.
var outage = fault.New(fault.Transient, "outage", "the peer is away")

// dead waits until the bus lists n dead letters. A bus may move an event there
// some time after its last attempt.
func dead(t *testing.T, b Bus, n int) []event.DeadLetter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := b.List(ctx, 100)
		if err != nil {
			t.Fatalf("List = %v", err)
		}
		if len(list) >= n {
			if len(list) > n {
				t.Fatalf("List = %d dead letters, want %d: %+v", len(list), n, list)
			}
			return list
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("List = %d dead letters, want %d", len(list), n)
		}
	}
}

// kill publishes n events that fail until they are dead letters.
func kill(t *testing.T, b Bus, n int) (ids map[string]string) {
	t.Helper()
	ids = map[string]string{}
	box := newInbox(always(outage))
	b.Subscribe(event.Provision, box.handle)
	for i := range n {
		data := fmt.Sprintf(`{"n":%d}`, i)
		ids[publish(t, b, event.Provision, data)] = data
	}
	stop := start(t, b)
	dead(t, b, n)
	stop()
	return ids
}
