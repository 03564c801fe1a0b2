package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var _ secret.Versions = (*Store)(nil)

// Newest implements secret.Versions. Every Put makes a file of its own, so the file
// tells the version.
func (s *Store) Newest(ctx context.Context, name string) (secret.Value, secret.Version, error) {
	if err := s.begin(ctx, name); err != nil {
		return secret.Value{}, "", err
	}
	unlock, err := s.lock()
	if err != nil {
		return secret.Value{}, "", err
	}
	defer unlock()
	v, err := s.Access(ctx, name)
	if err != nil {
		return v, "", err
	}
	version, err := s.version(name)
	return v, version, err
}

// Replace implements secret.Versions. Nothing is ever covered.
func (s *Store) Replace(ctx context.Context, name string, base secret.Version, v secret.Value) (secret.Version, []secret.Value, error) {
	if err := s.begin(ctx, name); err != nil {
		return "", nil, err
	}
	if err := secret.CheckValue(v); err != nil {
		return "", nil, err
	}
	unlock, err := s.lock()
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	is, err := s.version(name)
	switch {
	case err != nil:
		return "", nil, err
	case is != base:
		return "", nil, secret.Changed(name)
	}
	if err := s.write(name, v); err != nil {
		return "", nil, err
	}
	is, err = s.version(name)
	return is, nil, err
}

// Retire implements secret.Versions. There are no versions but the newest.
func (s *Store) Retire(ctx context.Context, name string, old secret.Version) error {
	if err := s.begin(ctx, name); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	is, err := s.version(name)
	if err == nil && is == old && old != "" {
		return fault.New(fault.Conflict, secret.ReasonChanged, "the secret %s has this version in use", name)
	}
	return err
}

// version returns the version of what is stored, zero where nothing is. The lock is held.
func (s *Store) version(name string) (secret.Version, error) {
	info, err := os.Lstat(s.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", classify(err, "look at a secret")
	}
	var inode uint64
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = st.Ino
	}
	return secret.Version(fmt.Sprintf("%d-%d", inode, info.ModTime().UnixNano())), nil
}
