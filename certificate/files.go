package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"

	"farmproxy/textfile"
)

// Files are where a certificate is: two PEM files, which may be the same one.
type Files struct {
	Cert string // the certificate, and those between it and its authority
	Key  string // its private key, not encrypted
}

// maxFile bounds a file, in bytes: chains have a few kB. A larger one is another file.
const maxFile = 1 << 20

// makeOne says how to get the files.
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
	text, err := textfile.Read(path, maxFile, private)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s: no such file; %s", path, makeOne)
	case err != nil:
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// parse makes a certificate of the files' contents.
func (f Files) parse(c contents) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w; expected a certificate in PEM and the key that belongs to it, as %s", f.Cert, f.Key, err, makeOne)
	}
	return &pair, nil
}
