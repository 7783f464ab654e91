package viewlink

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"farmproxy/textfile"
)

// version is that of the file. A newer one is left alone.
const version = 1

// maxFile is well above MaxLinks links, in bytes.
const maxFile = 256 << 10

type file struct {
	Version int      `json:"version"`
	Links   []stored `json:"links"`
}

// stored is a link in the file.
type stored struct {
	Name  string     `json:"name"`
	Hash  string     `json:"sha256"` // of its secret
	By    string     `json:"by"`
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until"` // null: until it is revoked
}

// read returns the links of a file; none if there is no file.
func read(path string) ([]entry, error) {
	text, err := textfile.Read(path, maxFile, true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var f file
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	if err == nil && f.Version != version {
		err = fmt.Errorf("expected version %d, got %d", version, f.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; no view link works, and none can be made: upgrade farmproxy if a newer one wrote it, or else move the file away and make new links", path, err)
	}
	list := make([]entry, len(f.Links))
	for i, l := range f.Links {
		e := entry{Link: Link{Name: l.Name, By: l.By, Since: l.Since}}
		if n, err := hex.Decode(e.hash[:], []byte(l.Hash)); err != nil || n != len(e.hash) {
			return nil, fmt.Errorf("%s: %s: expected 64 hexadecimal digits as sha256; no view link works, and none can be made: restore the file, or move it away and make new links", path, l.Name)
		}
		if l.Until != nil {
			e.Until = *l.Until
		}
		list[i] = e
	}
	return list, nil
}

// write replaces the file.
func write(path string, list []entry) error {
	f := file{version, make([]stored, len(list))}
	for i := range list {
		e := &list[i]
		f.Links[i] = stored{e.Name, hex.EncodeToString(e.hash[:]), e.By, e.Since.UTC(), nil}
		if !e.Until.IsZero() {
			until := e.Until.UTC()
			f.Links[i].Until = &until
		}
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return textfile.Replace(path, append(text, '\n'))
}
