package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/secret/secrettest"
)

func open(t *testing.T, dir string) *file.Store {
	t.Helper()
	s, err := file.Open(dir)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	secrettest.Run(t, func(t *testing.T) func(*testing.T) secret.Versions {
		dir := filepath.Join(t.TempDir(), "secrets")
		return func(t *testing.T) secret.Versions { return open(t, dir) }
	})
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "secrets")
	s := open(t, dir)
	if err := s.Put(t.Context(), "key", secret.New("v")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "key"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %o, want %o", filepath.Base(path), got, want)
		}
	}
}

// TestRefuses: whatever another user could read or swap is refused, and the
// error says what to run.
func TestRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(dir string) error
		reason  string
		says    string
	}{
		{"a folder that others may enter", func(d string) error { return os.Chmod(d, 0o711) }, "secret-mode", "chmod 700"},
		{"a folder of the group", func(d string) error { return os.Chmod(d, 0o770) }, "secret-mode", "chmod 700"},
		{"a file that the group reads", func(d string) error { return os.Chmod(d+"/key", 0o640) }, "secret-mode", "chmod 600"},
		{"a file that all read", func(d string) error { return os.Chmod(d+"/key", 0o604) }, "secret-mode", "chmod 600"},
		{"an executable file", func(d string) error { return os.Chmod(d+"/key", 0o700) }, "secret-mode", "chmod 600"},
		{"a file that is a link", func(d string) error {
			return errors.Join(os.Rename(d+"/key", d+"/real"), os.Symlink(d+"/real", d+"/key"))
		}, "secret-symlink", "symbolic link"},
		{"a folder that is a link", func(d string) error {
			return errors.Join(os.Rename(d, d+"-real"), os.Symlink(d+"-real", d))
		}, "secret-symlink", "symbolic link"},
		{"a folder in place of the file", func(d string) error {
			return errors.Join(os.Remove(d+"/key"), os.Mkdir(d+"/key", 0o700))
		}, "secret-file", "not a plain file"},
		{"an empty file", func(d string) error { return os.Truncate(d+"/key", 0) }, "secret-file", "put the secret again"},
		{"a file in place of the folder", func(d string) error {
			return errors.Join(os.RemoveAll(d), os.WriteFile(d, nil, 0o600))
		}, "secret-folder", "not a folder"},
		{"a file of another user", func(d string) error { return os.Chown(d+"/key", 65534, -1) }, "secret-owner", "chown"},
		{"a folder of another user", func(d string) error { return os.Chown(d, 65534, -1) }, "secret-owner", "chown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.reason == "secret-owner" && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			dir := filepath.Join(t.TempDir(), "secrets")
			s := open(t, dir)
			if err := s.Put(t.Context(), "key", secret.New("hunter2")); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			_, err := s.Access(t.Context(), "key")
			e := fault.As(err)
			if e == nil || e.Kind != fault.Permanent || e.Reason != tt.reason || !strings.Contains(e.Public, tt.says) {
				t.Errorf("Access = %v (%s), want permanent %s that says %q", err, fault.ReasonOf(err), tt.reason, tt.says)
			}
		})
	}
}

func TestOpenRefusesALooseFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(dir); fault.KindOf(err) != fault.Permanent {
		t.Errorf("Open = %v, want permanent", err)
	}
}

// TestPutTightensALooseFile: Put replaces the file, and with it its mode.
func TestPutTightensALooseFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "key", secret.New("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Access(t.Context(), "key"); err != nil || got.Reveal() != "new" {
		t.Errorf("Access = %v, %v; want the new value", got, err)
	}
}

// TestKilledWriter: a file that a killed writer left is no secret and goes away.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	if err := open(t, dir).Put(t.Context(), "key", secret.New("v")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".put-123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"key"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
