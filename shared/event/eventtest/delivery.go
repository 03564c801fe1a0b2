package eventtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func arrives(t *testing.T, b Bus) {
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	start(t, b)
	const data = `{"accountId":"a-1","text":"ä\u0000\n"}`
	id := publish(t, b, event.Provision, data)
	e := box.next(t)
	if e.ID != id || e.Topic != event.Provision || string(e.Data) != data {
		t.Errorf("event = %q %q %q, want %q %q %q", e.ID, e.Topic, e.Data, id, event.Provision, data)
	}
	if e.Published.IsZero() || e.Published.Location() != time.UTC {
		t.Errorf("Published = %v, want a moment in UTC", e.Published)
	}
	if e.Attempt != 0 && e.Attempt != 1 {
		t.Errorf("Attempt = %d, want 1, or 0 where the bus does not say", e.Attempt)
	}
}

func emptyArrives(t *testing.T, b Bus) {
	box := newInbox(nil)
	b.Subscribe(event.Reconcile, box.handle)
	start(t, b)
	id, err := b.Publish(t.Context(), event.Reconcile, nil)
	if err != nil {
		t.Fatalf("Publish of nothing = %v", err)
	}
	if e := box.next(t); e.ID != id || len(e.Data) != 0 {
		t.Errorf("event = %q %q, want %q and no data", e.ID, e.Data, id)
	}
}

func bounds(t *testing.T, b Bus) {
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	largest := `{"x":"` + strings.Repeat("y", event.MaxData-8) + `"}`
	if _, err := b.Publish(t.Context(), event.Provision, []byte(largest+" ")); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("Publish of %d bytes = %v, want too large", len(largest)+1, err)
	}
	publish(t, b, event.Provision, largest)
	start(t, b)
	if e := box.next(t); string(e.Data) != largest {
		t.Errorf("event of %d bytes came, want %d", len(e.Data), len(largest))
	}
}

func unknownTopic(t *testing.T, b Bus) {
	for _, topic := range []event.Topic{"", "no-such-topic", "../provision"} {
		if _, err := b.Publish(t.Context(), topic, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Publish on %q = %v, want invalid", topic, err)
		}
	}
}

func cancelled(t *testing.T, b Bus) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Publish(ctx, event.Provision, nil); fault.KindOf(err) != fault.Transient {
		t.Errorf("Publish = %v, want transient", err)
	}
	if _, err := b.List(ctx, 1); fault.KindOf(err) != fault.Transient {
		t.Errorf("List = %v, want transient", err)
	}
	if err := b.Replay(ctx, "x"); fault.KindOf(err) != fault.Transient {
		t.Errorf("Replay = %v, want transient", err)
	}
}

func waits(t *testing.T, b Bus) {
	id := publish(t, b, event.Provision, `{}`)
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	start(t, b)
	if e := box.next(t); e.ID != id {
		t.Errorf("event = %q, want %q", e.ID, id)
	}
}

// comesAgain also proves that an error without a kind brings the event back.
func comesAgain(t *testing.T, b Bus) {
	for _, failure := range []error{outage, fault.New(fault.Exhausted, "quota", "later"), errors.New("unclassified")} {
		var tries atomic.Int32
		box := newInbox(func(event.Event) error {
			if tries.Add(1) == 1 {
				return failure
			}
			return nil
		})
		b.Subscribe(event.Provision, box.handle)
		publish(t, b, event.Provision, `{"a":1}`)
		stop := start(t, b)
		first, second := box.next(t), box.next(t)
		stop()
		if second.Attempt != 0 && second.Attempt != 2 {
			t.Errorf("second Attempt = %d, want 2, or 0 where the bus does not say", second.Attempt)
		}
		first.Attempt, second.Attempt = 0, 0
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("redelivery differs (-first +second):\n%s", diff)
		}
	}
}

func panics(t *testing.T, b Bus) {
	var tries atomic.Int32
	box := newInbox(func(event.Event) error {
		if tries.Add(1) == 1 {
			panic("a defect")
		}
		return nil
	})
	b.Subscribe(event.Provision, box.handle)
	id := publish(t, b, event.Provision, `{}`)
	start(t, b)
	if first, second := box.next(t), box.next(t); first.ID != id || second.ID != id {
		t.Errorf("events = %q, %q; want %q twice", first.ID, second.ID, id)
	}
}

func interrupted(t *testing.T, b Bus) {
	began := make(chan string, 10)
	b.Subscribe(event.Provision, func(ctx context.Context, e event.Event) error {
		began <- e.ID
		<-ctx.Done()
		return ctx.Err()
	})
	id := publish(t, b, event.Provision, `{}`)
	stop := start(t, b)
	if got := <-began; got != id {
		t.Fatalf("event = %q, want %q", got, id)
	}
	stop()
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	start(t, b)
	if e := box.next(t); e.ID != id {
		t.Errorf("event = %q, want %q", e.ID, id)
	}
}

// finalOnce lets a second event go through all its attempts: by then the first
// would have come again.
func finalOnce(t *testing.T, b Bus) {
	final := map[string]fault.Kind{"0": fault.Invalid, "1": fault.Denied, "2": fault.NotFound, "3": fault.Conflict, "4": fault.Permanent}
	box := newInbox(func(e event.Event) error {
		if kind, ok := final[string(e.Data)]; ok {
			return fault.New(kind, "final", "it will never work")
		}
		return outage
	})
	b.Subscribe(event.Provision, box.handle)
	for data := range final {
		publish(t, b, event.Provision, data)
	}
	clock := publish(t, b, event.Provision, "clock")
	stop := start(t, b)
	if list := dead(t, b, 1); list[0].ID != clock {
		t.Errorf("dead letter = %q, want %q", list[0].ID, clock)
	}
	stop()
	close(box.got)
	count := map[string]int{}
	for e := range box.got {
		count[string(e.Data)]++
	}
	want := map[string]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1, "clock": event.DefaultMaxAttempts}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func concurrent(t *testing.T, b Bus) {
	const publishers, each = 8, 5
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	start(t, b)
	var mu sync.Mutex
	want := map[string]bool{}
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				id, err := b.Publish(t.Context(), event.Provision, []byte(`{}`))
				if err != nil {
					t.Errorf("Publish = %v", err)
				}
				mu.Lock()
				want[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(want) != publishers*each {
		t.Fatalf("%d different ids, want %d", len(want), publishers*each)
	}
	for len(want) > 0 {
		delete(want, box.next(t).ID)
	}
}

func topicsApart(t *testing.T, b Bus) {
	boxes := map[event.Topic]*inbox{}
	ids := map[string]event.Topic{}
	for _, topic := range event.Topics() {
		boxes[topic] = newInbox(nil)
		b.Subscribe(topic, boxes[topic].handle)
	}
	for range 3 {
		for _, topic := range event.Topics() {
			ids[publish(t, b, topic, `{}`)] = topic
		}
	}
	start(t, b)
	for topic, box := range boxes {
		for range 3 {
			if e := box.next(t); e.Topic != topic || ids[e.ID] != topic {
				t.Errorf("handler of %q got %q of %q", topic, e.ID, ids[e.ID])
			}
		}
	}
}
