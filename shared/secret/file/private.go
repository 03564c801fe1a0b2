package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// checkFolder refuses a folder that is not this user's alone.
func (s *Store) checkFolder() error {
	info, err := os.Lstat(s.dir)
	if err != nil {
		return classify(err, "look at the secret folder")
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fault.New(fault.Permanent, "secret-symlink",
			"the secret folder %s is a symbolic link; name the folder that it points to", s.dir)
	}
	if !info.IsDir() {
		return fault.New(fault.Permanent, "secret-folder", "%s is not a folder", s.dir)
	}
	return checkOwnerAndMode(info, s.dir, folderMode)
}

// readPrivate returns the file's content if the file is this user's alone. It
// checks the open file, not the path, so that nobody can swap it in between.
func readPrivate(path string) ([]byte, error) {
	// O_NOFOLLOW fails on a symbolic link; O_NONBLOCK returns from a named pipe.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fault.Wrap(err, fault.Permanent, "secret-symlink",
			"%s is a symbolic link; a secret must be a plain file, remove the link", path)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Permanent, "secret-file", "%s is not a plain file", path)
	}
	if err := checkOwnerAndMode(info, path, fileMode); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, secret.MaxValue+1))
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b) > secret.MaxValue {
		return nil, fault.New(fault.Permanent, "secret-file",
			"%s must hold 1 to %d bytes; put the secret again", path, secret.MaxValue)
	}
	return b, nil
}

// checkOwnerAndMode refuses what another user owns or could reach.
func checkOwnerAndMode(info fs.FileInfo, path string, want fs.FileMode) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fault.New(fault.Permanent, "secret-owner",
			"%s belongs to user %d and Rollcall runs as user %d; run: chown %d '%s'", path, st.Uid, os.Geteuid(), os.Geteuid(), path)
	}
	special := fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	if mode := info.Mode(); mode.Perm()&^want != 0 || mode&special != 0 {
		return fault.New(fault.Permanent, "secret-mode",
			"%s has mode %#o, so others may reach it; run: chmod %o '%s'", path, mode.Perm(), want, path)
	}
	return nil
}
