package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"farmproxy/textfile"
)

// keySize is the key size of AES-256, in bytes.
const keySize = 32

// maxKeyFile bounds a key file, in bytes: it has 64 digits and a line end.
const maxKeyFile = 1 << 10

// sealer encrypts passwords with AES-256-GCM. A sealed text is nonce and ciphertext; it
// opens only under the name for which it was sealed, so nobody with access to the
// database alone can give one account's password to another. It may be used from any
// goroutine.
type sealer struct {
	aead cipher.AEAD
}

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// seal returns text, sealed for name.
func (s *sealer) seal(name, text string) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(text)+s.aead.Overhead())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return s.aead.Seal(nonce, nonce, []byte(text), []byte(name))
}

// open returns what was sealed for name.
func (s *sealer) open(name string, sealed []byte) (string, error) {
	size := s.aead.NonceSize()
	if len(sealed) < size {
		return "", errors.New("too short for a sealed text")
	}
	text, err := s.aead.Open(nil, sealed[:size], sealed[size:], []byte(name))
	return string(text), err
}

// readKey reads a key file: 64 hex digits. fs.ErrNotExist if there is none.
func readKey(file string) ([]byte, error) {
	text, err := textfile.Read(file, maxKeyFile, true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, failf(ErrBadKey, "key file %s: %v", file, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, failf(ErrBadKey, "key file %s is damaged: expected %d hex digits; restore it from a backup", file, 2*keySize)
	}
	return key, nil
}

// createKey makes a new key and its file, which is complete and on disk when it
// returns. fs.ErrExist if there is a file already.
func createKey(file string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	if err := writeKey(file, key); err != nil {
		return nil, err
	}
	return key, nil
}

// writeKey writes a key to a new file, which is complete and on disk when it returns.
// fs.ErrExist if there is a file already.
func writeKey(file string, key []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // 0600
	if err != nil {
		return fmt.Errorf("key file %s cannot be created: %w; make its directory writable, or set [store] key_file", file, err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%x\n", key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("key file %s cannot be written: %w", file, err)
	}
	// Link fails if the file exists, as O_EXCL does, and never exposes a half-written
	// key.
	if err := os.Link(f.Name(), file); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(file))
}

func syncDirectory(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func keyMissing(file string) error {
	return failf(ErrKeyMissing, "key file %s is missing, and without it the passwords in the store cannot be read: "+
		"restore it from a backup, or copy it from another box that shares this store", file)
}

// loadKey returns the key in file; it creates one if there is none, unless the store is
// encrypted already. made reports that it did.
func loadKey(file string, encrypted bool) (key []byte, made bool, err error) {
	key, err = readKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if encrypted {
		return nil, false, keyMissing(file)
	}
	key, err = createKey(file)
	if errors.Is(err, fs.ErrExist) { // another farmproxy process was faster
		key, err = readKey(file)
		return key, false, err
	}
	return key, err == nil, err
}
