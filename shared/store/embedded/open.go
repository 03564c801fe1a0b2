package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// FileName is the name of the store's file within its folder.
const FileName = "store.db"

// lockWait is how long Open waits for a process that is about to end.
const lockWait = time.Second

// Open opens the store in the folder dir, and creates folder (mode 0700) and file
// (mode 0600) where they are missing. It waits up to a second, or until ctx's
// deadline if that is sooner, for another process to let go of the file.
//
// Errors are fault.Permanent and say what to change, with one of the reasons
// store-folder, store-permission, store-locked, store-corrupt; or fault.Exhausted
// with reason store-full.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := ready(ctx); err != nil {
		return nil, err
	}
	wait := lockWait
	if deadline, ok := ctx.Deadline(); ok {
		// bolt takes zero for "for ever".
		wait = max(min(wait, time.Until(deadline)), time.Millisecond)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cannotOpen(dir, err)
	}
	path := filepath.Join(dir, FileName)
	_, statErr := os.Stat(path)
	db, err := openFile(path, wait)
	if err != nil {
		return nil, cannotOpen(dir, err)
	}
	if statErr != nil {
		// Without this a power cut could take the new file's name along.
		if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(filepath.Clean(dir)))); err != nil {
			return nil, errors.Join(cannotOpen(dir, err), db.Close())
		}
	}
	return &Store{db: db, turn: make(chan struct{}, 1)}, nil
}

// openFile opens the bolt file and makes sure that it is whole. bolt panics over
// some damage and reads beyond the end of a file that was cut short; both become
// errors here.
func openFile(path string, wait time.Duration) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: wait, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil {
		err = db.View(func(tx *bolt.Tx) error {
			if info.Size() < tx.Size() {
				return fmt.Errorf("%w: %d bytes of %d", errDamaged, info.Size(), tx.Size())
			}
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

var errDamaged = errors.New("embedded: the file is damaged")

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		// A parent folder that may not be listed was there before, and stays.
		if errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cannotOpen classifies why the store in dir did not open.
func cannotOpen(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.Permanent, "store-permission",
			"Rollcall may not write to the folder %s. Give its user read and write access, or choose another --data folder.", dir)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.EISDIR):
		return fault.Wrap(err, fault.Permanent, "store-folder",
			"%s is not a folder that can hold a store. Choose another --data folder.", dir)
	case errors.Is(err, berrors.ErrTimeout):
		return fault.Wrap(err, fault.Permanent, "store-locked",
			"Another Rollcall process uses the folder %s. Stop it, or choose another --data folder.", dir)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum),
		errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, errDamaged):
		return fault.Wrap(err, fault.Permanent, "store-corrupt",
			"The file %s is damaged. Restore it from a backup, or move it away to start afresh.", filepath.Join(dir, FileName))
	default:
		return classify(err)
	}
}

// classify makes a *fault.Error of what bolt or the operating system reports;
// nil stays nil.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case fault.As(err) != nil: // was classified where it arose
		return err
	case full(err):
		return fault.Wrap(err, fault.Exhausted, "store-full",
			"The disk or quota of the store is full. Make room; nothing that was acknowledged is lost.")
	case errors.Is(err, errRecord):
		return corrupt(err)
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return fault.Wrap(err, fault.Permanent, "store-closed", "The store is closed.")
	default:
		return fault.Wrap(err, fault.Transient, "store-io", "The store could not read or write its file.")
	}
}

func corrupt(err error) error {
	return fault.Wrap(err, fault.Permanent, "store-corrupt",
		"The store's file is damaged. Stop Rollcall and restore the file from a backup.")
}

// full recognises a full disk also by its text, because bolt does not wrap the
// cause when it cannot grow its file.
func full(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}
