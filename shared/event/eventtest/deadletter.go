package eventtest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func dies(t *testing.T, b Bus) {
	box := newInbox(always(fault.New(fault.Transient, "outage", "token hunter2 refused")))
	b.Subscribe(event.Provision, box.handle)
	id := publish(t, b, event.Provision, `{"a":"b"}`)
	stop := start(t, b)
	d := dead(t, b, 1)[0]
	stop()
	if got := len(box.got); got != event.DefaultMaxAttempts {
		t.Errorf("deliveries = %d, want %d", got, event.DefaultMaxAttempts)
	}
	first := box.next(t)
	if d.ID != id || d.Topic != event.Provision || string(d.Data) != `{"a":"b"}` || d.Attempt != event.DefaultMaxAttempts {
		t.Errorf("dead letter = %+v, want event %q with its payload and %d attempts", d, id, event.DefaultMaxAttempts)
	}
	// A server may keep milliseconds only.
	if off := d.Published.Sub(first.Published).Abs(); off > time.Millisecond || d.Published.Location() != time.UTC {
		t.Errorf("Published = %v, want %v", d.Published, first.Published)
	}
	if d.Died.Before(d.Published) || d.Died.Location() != time.UTC {
		t.Errorf("Died = %v, want a moment in UTC after %v", d.Died, d.Published)
	}
	if d.Reason == "" || strings.Contains(d.Reason, "hunter2") {
		t.Errorf("Reason = %q, want a kind and no text", d.Reason)
	}
}

func listing(t *testing.T, b Bus) {
	ids := kill(t, b, 3)
	first := dead(t, b, 3)
	second := dead(t, b, 3)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("listing changed the dead letters (-first +second):\n%s", diff)
	}
	for i, d := range first {
		if ids[d.ID] != string(d.Data) {
			t.Errorf("dead letter %q holds %q, want %q", d.ID, d.Data, ids[d.ID])
		}
		if i > 0 && d.Died.Before(first[i-1].Died) {
			t.Errorf("dead letter %d died before %d, want oldest first", i, i-1)
		}
	}
	for limit, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 3} {
		list, err := b.List(t.Context(), limit)
		if err != nil || len(list) != want {
			t.Errorf("List(%d) = %d dead letters, %v; want %d", limit, len(list), err, want)
		}
	}
}

func replay(t *testing.T, b Bus) {
	ids := kill(t, b, 2)
	list := dead(t, b, 2)
	if err := b.Replay(t.Context(), list[0].ID); err != nil {
		t.Fatalf("Replay = %v", err)
	}
	box := newInbox(nil)
	b.Subscribe(event.Provision, box.handle)
	start(t, b)
	e := box.next(t)
	if _, old := ids[e.ID]; old || string(e.Data) != ids[list[0].ID] || e.Topic != list[0].Topic {
		t.Errorf("replayed event = %+v, want a new id with the payload of %q", e, list[0].ID)
	}
	if e.Attempt > 1 {
		t.Errorf("replayed Attempt = %d, want all attempts anew", e.Attempt)
	}
	if left := dead(t, b, 1); left[0].ID != list[1].ID {
		t.Errorf("dead letter left = %q, want %q", left[0].ID, list[1].ID)
	}
	if err := b.Replay(t.Context(), list[0].ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("second Replay = %v, want not found", err)
	}
}

func unknownDead(t *testing.T, b Bus) {
	if list, err := b.List(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v; want nothing", list, err)
	}
	for _, id := range []string{"", "no-such-id", "../x"} {
		if err := b.Replay(t.Context(), id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Replay(%q) = %v, want not found", id, err)
		}
	}
	ids := kill(t, b, 1)
	if err := b.Replay(t.Context(), "no-such-id"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Replay = %v, want not found", err)
	}
	if list := dead(t, b, 1); ids[list[0].ID] == "" {
		t.Errorf("dead letter = %q, want the one that was there", list[0].ID)
	}
}
