// Package textfile reads the files that a configuration names, and itself: whatever they
// are, reading them ends, and errors say what to do. It replaces those that farmproxy keeps.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Read returns the content of an ordinary file of at most so many bytes. A private one
// must not be open to every user of the machine. Errors do not name the file, since the
// caller has more to say of it; fs.ErrNotExist is one. It does not block, except as a
// disk does.
func Read(path string, most int, private bool) (string, error) {
	// A pipe without a writer would hold up whoever opens it, for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fs.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("%w; let the user that farmproxy runs as read it", bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", bare(err)
	case info.IsDir():
		return "", errors.New("it is a directory, not a file")
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("it is no ordinary file (mode %s); name a text file", info.Mode())
	}
	if mode := info.Mode().Perm(); private && mode&0o007 != 0 {
		return "", fmt.Errorf("every user of this machine can read or write it (mode %#o); chmod 640 it", mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return "", bare(err)
	case len(text) > most:
		return "", fmt.Errorf("expected at most %d bytes; name the right file", most)
	}
	return string(text), nil
}

// bare returns an error without the path.
func bare(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}
