package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
)

// TestCrashUnderDelivery opens the file as it is while a handler works, as after
// a kill in that moment: the event comes again and its attempt is counted, until
// an event that kills its process each time is a dead letter.
func TestCrashUnderDelivery(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	id := publish(t, open(t, dir, c.options()), "{}")
	var attempts []int
	for range event.DefaultMaxAttempts {
		here := copyFile(t, dir)
		b := open(t, here, c.options())
		b.Subscribe(event.Provision, func(_ context.Context, e event.Event) error {
			attempts = append(attempts, e.Attempt)
			dir = copyFile(t, here)
			return nil
		})
		drain(t, b)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	b := open(t, copyFile(t, dir), c.options())
	b.Subscribe(event.Provision, func(context.Context, event.Event) error {
		t.Error("the event came once more than its attempts")
		return nil
	})
	drain(t, b)
	if list, err := b.List(t.Context(), 10); err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("List = %+v, %v; want %q", list, err, id)
	}
}

// copyFile copies the bus in dir to a folder that nobody holds.
func copyFile(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, embedded.FileName))
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := os.WriteFile(filepath.Join(to, embedded.FileName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
