package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// maxRemembered bounds the pools that the state keeps: those beyond are
	// learned anew. There are fewer in the world.
	maxRemembered = 4096

	// stateVersion is of the file's form. Before it the file had no version: that is
	// read as version 0, in which the pools were all of it.
	stateVersion = 1

	// rememberEvery is the least time between two writes of the state file: a pool
	// that changes what it gives all the time must not keep the disk busy.
	rememberEvery = 5 * time.Second
)

// state is what pools gave, by URL: whoever works there gets the same. It
// outlives a restart in a file.
//
// Event loops learn, so that nothing here waits for the disk but keep, which has a
// goroutine of its own.
type state struct {
	path    string // of the file; "": none
	write   func(path string, value any) error
	log     *slog.Logger
	changed chan struct{} // there is something to be written

	mu    sync.RWMutex
	pools map[string]given
	dirty bool       // what the file does not have yet
	file  sync.Mutex // one writes at a time; never taken together with mu by an event loop
}

// given is what a pool gives.
type given struct {
	size int // of its extranonce2
	mask uint32
	said bool // what the mask is
	ever bool // that version bits may be rolled, at some time
}

// stateFile is what the file holds.
type stateFile struct {
	Version int                   `json:"version"`
	Pools   map[string]remembered `json:"pools"` // by URL
}

// remembered is what the file holds of each pool.
type remembered struct {
	Extranonce2 int    `json:"extranonce2_size"`
	Mask        string `json:"version_mask"` // 8 hex digits; "" it was never said
	Ever        bool   `json:"version_rolling,omitempty"`
}

// get returns what is known of a pool. The mask of one that never said it is the
// usual one.
func (s *state) get(url string) (size int, mask uint32, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, known := s.pools[url]
	if known && !g.said {
		g.mask = maskDefault
	}
	return g.size, g.mask, known
}

// granted reports that a pool has let version bits be rolled at some time.
func (s *state) granted(url string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pools[url].ever
}

// learn keeps what a pool gave; its mask where said, else the one that is known
// stays. It returns that one, and whether anything is new.
func (s *state) learn(url string, size int, mask uint32, said bool) (before uint32, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.pools[url]
	g := given{size, mask, true, old.ever || said && mask != 0}
	if !said {
		g.mask, g.said = old.mask, old.said
	}
	if known && old == g {
		return old.mask, false
	}
	if !known && len(s.pools) >= maxRemembered {
		for other := range s.pools {
			delete(s.pools, other)
			break
		}
	}
	s.pools[url] = g
	s.dirty = true
	poke(s.changed)
	return old.mask, true
}

// recall reads the state file. What can't be read is not known, and said. A file of a
// newer farmproxy, which may be back tomorrow, is not written either.
func (s *state) recall() {
	s.pools, s.changed, s.write = make(map[string]given), make(chan struct{}, 1), replaceFile
	if s.path == "" {
		return
	}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var file stateFile
	if err == nil {
		file, err = decodeState(text)
	}
	if file.Version > stateVersion {
		s.log.Warn("what was known of the pools was written by a newer farmproxy; it is left alone, and what pools give is not remembered: run that farmproxy, or remove the file",
			"file", s.path, "version", file.Version, "this_one_knows", stateVersion)
		s.path = ""
		return
	}
	if err != nil {
		s.log.Warn("what was known of the pools can't be read; it will be learned again", "file", s.path, "reason", err)
		return
	}
	for url, m := range file.Pools {
		var mask uint32
		_, err := fmt.Sscanf(m.Mask, "%08x", &mask)
		said := m.Mask != ""
		if (err == nil || !said) && m.Extranonce2 > 0 && len(s.pools) < maxRemembered {
			s.pools[url] = given{m.Extranonce2, mask, said, m.Ever || mask != 0}
		}
	}
}

// decodeState reads a state file of any version that there was; of a newer one its
// version alone.
func decodeState(text []byte) (f stateFile, err error) {
	var form struct {
		Version int             `json:"version"`
		Pools   json.RawMessage `json:"pools"`
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return f, err
	}
	f.Version = form.Version
	switch {
	case f.Version > stateVersion:
		return f, nil
	case f.Version > 0:
		text = form.Pools
	}
	return f, json.Unmarshal(text, &f.Pools)
}

// keep writes the state file whenever something is new, until ctx ends; what
// comes within rememberEvery is written together.
func (s *state) keep(ctx context.Context) {
	for {
		select {
		case <-s.changed:
			s.remember()
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(rememberEvery):
		case <-ctx.Done():
			return
		}
	}
}

// remember writes the state file, if it does not have all: a new one, renamed
// into place. It waits for the disk.
func (s *state) remember() {
	s.file.Lock()
	defer s.file.Unlock()
	pools := make(map[string]remembered)
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = false
	for url, g := range s.pools {
		m := remembered{Extranonce2: g.size, Ever: g.ever}
		if g.said {
			m.Mask = fmt.Sprintf("%08x", g.mask)
		}
		pools[url] = m
	}
	s.mu.Unlock()
	if !dirty || s.path == "" {
		return
	}
	if err := s.write(s.path, stateFile{stateVersion, pools}); err != nil {
		s.log.Warn("what is known of the pools can't be remembered; see that state_dir is writable", "file", s.path, "reason", err)
	}
}

func replaceFile(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain, once renamed
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
