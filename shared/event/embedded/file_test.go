package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func TestFull(t *testing.T) {
	t.Parallel()
	opt := newClock().options()
	opt.MaxBytes = 1 << 20
	b := open(t, t.TempDir(), opt)
	var accepted int
	for range 100 {
		_, err := b.Publish(t.Context(), event.Provision, make([]byte, 100<<10))
		if err == nil {
			accepted++
			continue
		}
		if fault.KindOf(err) != fault.Exhausted || fault.ReasonOf(err) != "bus-full" {
			t.Fatalf("Publish = %v, want exhausted with bus-full", err)
		}
	}
	if accepted == 0 || accepted == 100 {
		t.Fatalf("accepted %d, want some", accepted)
	}
	got := 0
	b.Subscribe(event.Provision, func(context.Context, event.Event) error { got++; return nil })
	if drain(t, b); got != accepted {
		t.Errorf("%d of %d accepted events came", got, accepted)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string) string // returns the folder to open
		kind    fault.Kind
		reason  string
	}{
		{"held by another", func(t *testing.T, dir string) string { open(t, dir, nil); return dir }, fault.Conflict, "bus-locked"},
		{"not a bus", func(t *testing.T, dir string) string {
			if err := os.WriteFile(filepath.Join(dir, embedded.FileName), make([]byte, 100_000), 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, fault.Permanent, "bus-corrupt"},
		{"no permission", func(t *testing.T, dir string) string {
			if os.Geteuid() == 0 {
				return "/sys/rollcall" // where not even root may make a folder
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			return dir
		}, fault.Permanent, "bus-permission"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tt.prepare(t, t.TempDir())
			_, err := embedded.Open(dir, nil)
			if fault.KindOf(err) != tt.kind || fault.ReasonOf(err) != tt.reason {
				t.Errorf("Open = %v, want %v %s", err, tt.kind, tt.reason)
			}
		})
	}
}

func TestFileMode(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "bus")
	open(t, dir, nil)
	info, err := os.Stat(filepath.Join(dir, embedded.FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", info.Mode(), err)
	}
}
