package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

func TestOpenCreates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s := open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, embedded.FileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	_, err := s.Get(t.Context(), store.Key{Kind: "rows", ID: "a"})
	wantReason(t, err, "store-closed")
	err = s.Update(t.Context(), func(store.Txn) error { return nil })
	wantReason(t, err, "store-closed")
}

func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	if fault.KindOf(err) != fault.Permanent || fault.ReasonOf(err) != want {
		t.Errorf("got %v of kind %v and reason %q, want fault.Permanent and %q", err, fault.KindOf(err), fault.ReasonOf(err), want)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T, dir string) string {
		s := open(t, dir)
		if err := s.Update(t.Context(), func(tx store.Txn) error {
			return tx.Put(store.Document{Key: store.Key{Kind: "rows", ID: "a"}, Body: []byte(`{}`)})
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, embedded.FileName)
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, dir string) (open string)
		want  string
	}{
		"a file in the folder's place": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "data"), "x")
			return filepath.Join(dir, "data")
		}, "store-folder"},
		"a file above": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "data"), "x")
			return filepath.Join(dir, "data", "deeper")
		}, "store-folder"},
		"a folder in the file's place": {func(t *testing.T, dir string) string {
			if err := os.Mkdir(filepath.Join(dir, embedded.FileName), 0o700); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "store-folder"},
		"another file": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, embedded.FileName), strings.Repeat("not a store ", 4096))
			return dir
		}, "store-corrupt"},
		"a file cut short": {func(t *testing.T, dir string) string {
			if err := os.Truncate(whole(t, dir), 3*4096); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "store-corrupt"},
		"a stub of a file": {func(t *testing.T, dir string) string {
			if err := os.Truncate(whole(t, dir), 100); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "store-corrupt"},
		"scribbled on": {func(t *testing.T, dir string) string {
			path := whole(t, dir)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range raw {
				raw[i] ^= 0x5a
			}
			write(t, path, string(raw))
			return dir
		}, "store-corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := embedded.Open(t.Context(), tc.spoil(t, t.TempDir()))
			wantReason(t, err, tc.want)
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	_, err := embedded.Open(t.Context(), dir)
	wantReason(t, err, "store-locked")
	out, err := child(t, "open", dir).Output()
	if err != nil || strings.TrimSpace(string(out)) != "store-locked" {
		t.Errorf("another process: %q, %v, want store-locked", out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := embedded.Open(ctx, dir); err == nil {
		t.Error("Open under a short deadline succeeded on a locked store")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out, err = child(t, "open", dir).Output()
	if err != nil || strings.TrimSpace(string(out)) != "opened" {
		t.Errorf("after Close: %q, %v, want opened", out, err)
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	out, err := child(t, "open-unprivileged", dir).Output()
	if err != nil || strings.TrimSpace(string(out)) != "store-permission" {
		t.Errorf("got %q, %v, want store-permission", out, err)
	}
}
