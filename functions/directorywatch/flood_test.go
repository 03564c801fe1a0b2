package directorywatch_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// told counts what was published: hints, and the times up to which a walk takes
// the rest.
func told(cs []directory.Command) (hints int, walks []time.Time) {
	for _, c := range cs {
		if c.Full {
			walks = append(walks, c.RequestedAt)
		} else {
			hints++
		}
	}
	return hints, walks
}

// TestFlood_IsLeftToAWalk: a thousand hints at once are fifty calls to Google and
// one walk, and the walk begins after the last of them that went by.
func TestFlood_IsLeftToAWalk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var wg sync.WaitGroup
	var refused atomic.Int64
	for range 8 {
		wg.Go(func() {
			for range 125 {
				if w := b.post(hint()); w.Code != http.StatusNoContent {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	hints, walks := told(b.bus.take())
	if n := refused.Load(); n != 0 || hints != directory.MaxUsers {
		t.Errorf("%d refused, %d hints, want 0 and %d", n, hints, directory.MaxUsers)
	}
	if diff := cmp.Diff([]time.Time{noon.Add(time.Minute)}, walks); diff != "" {
		t.Errorf("walks (-want +got):\n%s", diff)
	}
	// Another enterprise has its own allowance.
	const theirs = "zyxwvutsrqponmlkjihgfedcba"
	b.channel(directory.Channel{ID: theirs, ResourceID: resource, Enterprise: "beta"})
	b.post(hint(header("X-Goog-Channel-Id", theirs), header("X-Goog-Channel-Token", directory.ChannelToken(key, theirs).Reveal())))
	if got := b.bus.take(); len(got) != 1 || got[0].Enterprise != "beta" || got[0].Full {
		t.Errorf("another enterprise's hint: %+v", got)
	}
}

// TestFlood_ThatGoesOn costs one command a minute and a few hints, and never leaves
// a hint to a walk that began before it.
func TestFlood_ThatGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hints, commands := 0, 0
	var covered time.Time // by walks that begin later
	for range 15 * 60 {
		b.post(hint())
		h, walks := told(b.bus.take())
		for _, until := range walks {
			covered = until
		}
		if h == 0 && !b.clock().Before(covered) {
			t.Fatalf("at %v a hint was dropped that nothing makes up for; walks begin after %v", b.clock(), covered)
		}
		hints, commands = hints+h, commands+len(walks)
		b.advance(time.Second)
	}
	if hints < 190 || hints > 200 || commands > 15 {
		t.Errorf("in a quarter of an hour %d hints and %d commands, want 190 to 200 and 15 at most", hints, commands)
	}
}

// TestFlood_WhoseCommandFailsIsRepeated: nothing goes by before the command that
// makes up for it is published.
func TestFlood_WhoseCommandFailsIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range directory.MaxUsers {
		b.post(hint())
	}
	b.bus.take()
	b.bus.failing(errors.New("down"))
	for range 2 {
		if w := b.post(hint()); w.Code != http.StatusInternalServerError {
			t.Errorf("answered %d", w.Code)
		}
	}
	b.bus.failing(nil)
	for range 2 {
		b.post(hint())
	}
	if hints, walks := told(b.bus.take()); hints != 0 || len(walks) != 1 {
		t.Errorf("%d hints and %d walks, want 0 and 1", hints, len(walks))
	}
}
