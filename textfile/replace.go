package textfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace writes a file anew, for its owner alone: whoever reads it finds all of the old one
// or all of the new one, after a loss of power too. It waits for the disk.
func Replace(path string, text []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails once renamed
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
