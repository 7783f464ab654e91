package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Files are where a certificate is: two PEM files, which may be the same one.
type Files struct {
	Cert string // the certificate, and those between it and its authority
	Key  string // its private key, not encrypted
}

// maxFile bounds a file, in bytes: chains have a few kB. A larger one is another file.
const maxFile = 1 << 20

// make tells how to make the files.
const makeOne = "farmproxy cert makes both"

// contents are what is in the files.
type contents struct{ cert, key string }

// read reads the files. Errors name the file and say what to do.
func (f Files) read() (c contents, err error) {
	if c.cert, err = readFile(f.Cert, false); err != nil {
		return c, err
	}
	c.key, err = readFile(f.Key, true)
	return c, err
}

func readFile(path string, private bool) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer would hold a reload up
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s: no such file; %s", path, makeOne)
	case err != nil:
		return "", fmt.Errorf("%w; let the user that farmproxy runs as read it", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: it is no ordinary file (mode %s); name a PEM file", path, info.Mode())
	}
	if mode := info.Mode().Perm(); private && mode&0o007 != 0 {
		return "", fmt.Errorf("%s: every user of this machine can read or write this key (mode %#o); chmod 640 it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: expected at most %d bytes; name the right file", path, maxFile)
	}
	return string(text), err
}

// parse makes a certificate of the files' contents.
func (f Files) parse(c contents) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w; expected a certificate in PEM and the key that belongs to it, as %s", f.Cert, f.Key, err, makeOne)
	}
	return &pair, nil
}
