package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Backup copies the SQLite file and the key to its passwords into a directory, under
// their own names, while farmproxy may run: the copy is the store as it is at one moment.
// It makes the directory, if need be, and overwrites nothing in it. It returns the copies'
// paths; both are on disk then, and nobody but this user can read them.
// ErrBadValue, one of ErrUnavailable.
func Backup(ctx context.Context, options Options, dir string) (copies []string, err error) {
	s, err := newStore(options)
	if err != nil {
		return nil, err
	}
	file, key := s.place.file, s.options.KeyFile
	if file == "" {
		return nil, failf(ErrBadValue, "store %q is not an SQLite file: back up PostgreSQL with its own tools (pg_dump), and copy the key file %s too", s.place.shown, key)
	}
	if err := ownedByThisUser(file); err != nil {
		return nil, err
	}
	text, err := readKey(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, keyMissing(key)
	} else if err != nil {
		return nil, err
	}
	copies = []string{filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, filepath.Base(key))}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range copies {
		if exists(name) {
			return nil, failf(ErrBadValue, "%s exists, and a backup overwrites nothing: name another directory", name)
		}
	}
	if err := s.copyTo(ctx, copies[0]); err != nil {
		return nil, errors.Join(err, remove(copies[0]))
	}
	if err := writeKey(copies[1], text); err != nil {
		return nil, errors.Join(err, remove(copies[0]))
	}
	return copies, syncDirectory(dir)
}

// ownedByThisUser refuses to open another user's file: what SQLite puts beside it would be
// ours, and farmproxy could not use its store any more.
func ownedByThisUser(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return failf(ErrUnavailable, "%v: mount or restore it", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return failf(ErrReadOnly, "%s belongs to another user: run this as the user that farmproxy runs as (sudo -u farmproxy)", file)
	}
	return nil
}

// copyTo writes a copy of the database, and waits until it is on disk.
func (s *Store) copyTo(ctx context.Context, name string) error {
	lock, err := lockShared(s.place.file)
	if err != nil {
		return err
	}
	defer lock.Close() // of nil too
	d, err := openPlain(s.place.file)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.reach(ctx, s.place.file); err != nil {
		return err
	}
	if err := d.intact(ctx); err != nil {
		return err
	}
	// An empty file is what VACUUM takes for none, and this one is ours alone.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := d.ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
		return d.trouble("the copy "+name+" cannot be written", err)
	}
	return f.Sync()
}

// remove deletes what an interrupted backup has written.
func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
