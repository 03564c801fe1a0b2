// Package file keeps secrets in a folder of one machine: one file a name, which
// only the user who runs Rollcall can read. It is the secret store of
// development and of installations without Google Cloud.
package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
	// tempPrefix holds a dot, which no secret's name may, so that a file left by
	// a crash is never taken for a secret.
	tempPrefix = ".put-"
)

// Store is a secret.Store over a folder. It may be used by several goroutines
// and several processes at once: a reader sees a whole value, old or new.
type Store struct {
	dir string
	// mu orders writers, so that the last Put to return is the one that stays.
	mu sync.Mutex
}

var _ secret.Store = (*Store)(nil)

// Open returns the store in the folder dir, which it creates with mode 0700 if
// it is missing. A folder that another user can enter, that another user owns or
// that is a symbolic link is fault.Permanent, and the text says what to run.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, "secret-folder", "cannot resolve the secret folder")
	}
	if err := os.MkdirAll(abs, folderMode); err != nil {
		return nil, classify(err, "create the secret folder")
	}
	s := &Store{dir: abs}
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	return s, s.sweep()
}

// sweep removes what writers that were killed left behind. A writer of another
// process may lose its file to it, and then its Put fails; it does not lie.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
	if err != nil {
		return classify(err, "list the secret folder")
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return classify(err, "remove an unfinished secret")
		}
	}
	return nil
}

// Access implements secret.Store. A file whose mode, owner or type is not what
// Put makes is fault.Permanent.
func (s *Store) Access(ctx context.Context, name string) (secret.Value, error) {
	if err := s.begin(ctx, name); err != nil {
		return secret.Value{}, err
	}
	b, err := readPrivate(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Value{}, fault.New(fault.NotFound, "secret-missing", "there is no secret of the name %s", name)
	}
	if err != nil {
		return secret.Value{}, classify(err, "read a secret")
	}
	return secret.NewBytes(b), nil
}

// Put implements secret.Store. The value replaces the old one as a whole, also
// if the machine stops in the middle. A full disk is fault.Exhausted with reason
// "secrets-full", and the old value stays.
func (s *Store) Put(ctx context.Context, name string, v secret.Value) error {
	if err := s.begin(ctx, name); err != nil {
		return err
	}
	if err := secret.CheckValue(v); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return s.write(name, v)
}

// lock keeps the writers of this process and of others apart; whoever is killed lets
// go.
func (s *Store) lock() (unlock func(), err error) {
	s.mu.Lock()
	d, err := os.Open(s.dir)
	if err == nil {
		if err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err == nil {
			return func() { _ = d.Close(); s.mu.Unlock() }, nil
		}
		_ = d.Close()
	}
	s.mu.Unlock()
	return nil, classify(err, "lock the secret folder")
}

// write replaces the value. The lock is held.
func (s *Store) write(name string, v secret.Value) error {
	temp, err := writeTemp(s.dir, v.Bytes())
	if err != nil {
		return classify(err, "write a secret")
	}
	if err := os.Rename(temp, s.path(name)); err != nil {
		_ = os.Remove(temp)
		return classify(err, "replace a secret")
	}
	return classify(syncFolder(s.dir), "write the secret folder")
}

// Delete implements secret.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.begin(ctx, name); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Remove(s.path(name)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return classify(err, "delete a secret")
	}
	return classify(syncFolder(s.dir), "write the secret folder")
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// begin is what every call checks first. The folder is checked each time, for
// an operator may have loosened it since.
func (s *Store) begin(ctx context.Context, name string) error {
	if err := secret.CheckName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Transient, "cancelled", "the call was cancelled")
	}
	return s.checkFolder()
}

// writeTemp writes b durably to a new file in dir and returns its path.
func writeTemp(dir string, b []byte) (path string, err error) {
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// syncFolder makes renames and removals in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// classify names what failed. Paths may be in the cause, contents never are.
func classify(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case fault.As(err) != nil:
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.Wrap(err, fault.Exhausted, "secrets-full", "cannot %s: the disk is full; free some space", doing)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.Permanent, "secret-permission", "cannot %s: the user who runs Rollcall may not", doing)
	default:
		return fault.Wrap(err, fault.Permanent, "secret-file", "cannot %s: %s", doing, strings.TrimSpace(reason(err)))
	}
}

// reason returns the system's word for a failure, without the path.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "the file system refused"
}
