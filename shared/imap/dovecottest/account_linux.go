package dovecottest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user who runs all of Dovecot and owns the mail.
type account struct {
	user, group string
	// as is who to become, nil where that is who we are.
	as *syscall.Credential
}

// whoRuns returns who we are, or where that is root, whom Dovecot gives no mail, the
// user that its package comes with.
func whoRuns() (account, error) {
	who, err := user.Current()
	if os.Geteuid() == 0 {
		who, err = user.Lookup("dovecot")
	}
	if err != nil {
		return account{}, fmt.Errorf("dovecot needs a user with a name: %w", err)
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return account{}, fmt.Errorf("dovecot needs a group with a name: %w", err)
	}
	a := account{user: who.Username, group: group.Name}
	if os.Geteuid() == 0 {
		uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, err
		}
		a.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return a, nil
}

// attributes has Dovecot end when we do, and its processes found by their group.
func (a account) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: a.as, Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// folder makes a folder for Dovecot, with a path short enough for sockets. Another
// user must reach it, and the folder for temporary files may be closed to others.
func (a account) folder() (string, error) {
	parent := os.TempDir()
	if a.as != nil && !open(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "dovecot-")
	if err != nil {
		return "", err
	}
	return dir, a.own(dir)
}

// open reports whether everybody may pass through dir and what is above it.
func open(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&1 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// own gives what is at path, and below it, to the account.
func (a account) own(path string) error {
	if a.as == nil {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // Dovecot moves messages about
		}
		if err != nil {
			return err
		}
		if err := os.Lchown(p, int(a.as.Uid), int(a.as.Gid)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}
