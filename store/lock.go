package store

import (
	"errors"
	"os"
	"syscall"
)

// lockSuffix names the file whose lock marks a store's file as in use. It is a separate
// file: closing a database file drops SQLite's locks on it in the same process.
const lockSuffix = ".lock"

// lock is held until it is closed.
type lock struct{ file *os.File }

// Close gives the lock up. Closing the file is not enough: a process that is being started
// at this moment has it too, until it runs its own program.
func (l *lock) Close() error {
	if l == nil {
		return nil
	}
	return errors.Join(flock(l.file, syscall.LOCK_UN), l.file.Close())
}

// lockShared marks a store's file as in use until the lock is closed. It returns nil if
// the disk is full or the directory is not writable: then nobody can tell, and the
// store has bigger problems. ErrLocked while the file is being repaired.
func lockShared(file string) (*lock, error) {
	f, err := os.OpenFile(file+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil
	}
	if err := flock(f, syscall.LOCK_SH); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, failf(ErrLocked, "store: %s is being repaired by farmproxy store repair: wait until it has finished", file)
		}
		return nil, nil // a file system without locks
	}
	return &lock{f}, nil
}

// lockAlone makes sure that no farmproxy has a store's file open, and that none opens
// it until the lock is closed. ErrLocked.
func lockAlone(file string) (*lock, error) {
	f, err := os.OpenFile(file+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, failf(ErrReadOnly, "%v: run this as the user that farmproxy runs as", err)
	}
	if err := flock(f, syscall.LOCK_EX); errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, failf(ErrLocked, "a running farmproxy has %s open: stop it first (systemctl stop farmproxy), and start it again afterwards", file)
	}
	return &lock{f}, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
