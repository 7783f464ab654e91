package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"farmproxy/textfile"
)

const (
	// maxRemembered bounds the pools in the state: any beyond are learned anew. There
	// are fewer pools in the world.
	maxRemembered = 4096

	// stateVersion is the version of the file's format. Older files had no version and
	// contained only the pools: they are read as version 0.
	stateVersion = 1

	// rememberEvery is the minimum time between two writes of the state file: a pool
	// that keeps changing what it gives must not keep the disk busy.
	rememberEvery = 5 * time.Second
)

// state is what pools gave, by URL: whoever works there gets the same. A file preserves
// it across restarts.
//
// Event loops learn, so nothing here waits for the disk except keep, which has its own
// goroutine.
type state struct {
	path    string // of the file; "": no file
	write   func(path string, value any) error
	log     *slog.Logger
	changed chan struct{} // there is something to write

	mu    sync.RWMutex
	pools map[string]given
	dirty bool       // the file is out of date
	file  sync.Mutex // serializes writes; an event loop never takes it together with mu
}

// given is what a pool gives.
type given struct {
	size int // extranonce2 size
	mask uint32
	said bool // the pool has said what the mask is
	ever bool // version rolling was allowed at some time
}

// stateFile is the content of the file.
type stateFile struct {
	Version int                   `json:"version"`
	Pools   map[string]remembered `json:"pools"` // by URL
}

// remembered is the file's entry for a pool.
type remembered struct {
	Extranonce2 int    `json:"extranonce2_size"`
	Mask        string `json:"version_mask"` // 8 hex digits; "": never said
	Ever        bool   `json:"version_rolling,omitempty"`
}

// get returns what is known of a pool. If it never said a mask, the mask is the usual
// one.
func (s *state) get(url string) (size int, mask uint32, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, known := s.pools[url]
	if known && !g.said {
		g.mask = maskDefault
	}
	return g.size, g.mask, known
}

// granted reports whether a pool has ever allowed version rolling.
func (s *state) granted(url string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pools[url].ever
}

// learn stores what a pool gave. The known mask stays unless the pool said one. It
// returns the previous mask, and whether anything is new.
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

// recall reads the state file. If that is unreadable, nothing is known, and the log
// says so. A newer farmproxy's file is not overwritten either: that version may be back
// tomorrow.
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
		s.log.Warn("the saved state of the pools was written by a newer farmproxy; it is left alone, and the state of the pools is not saved: run that farmproxy, or delete the file",
			"file", s.path, "version", file.Version, "this_one_knows", stateVersion)
		s.path = ""
		return
	}
	if err != nil {
		s.log.Warn("the saved state of the pools cannot be read; farmproxy will learn it again", "file", s.path, "reason", err)
		return
	}
	s.remind(known(file.Pools))
}

// known reads what was written of pools, as far as it makes sense.
func known(pools map[string]remembered) map[string]given {
	list := make(map[string]given, len(pools))
	for url, m := range pools {
		var mask uint32
		_, err := fmt.Sscanf(m.Mask, "%08x", &mask)
		said := m.Mask != ""
		if (err == nil || !said) && m.Extranonce2 > 0 {
			list[url] = given{m.Extranonce2, mask, said, m.Ever || mask != 0}
		}
	}
	return list
}

// remind takes over what was known of pools.
func (s *state) remind(pools map[string]given) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for url, g := range pools {
		if _, there := s.pools[url]; there || len(s.pools) < maxRemembered {
			s.pools[url] = g
		}
	}
}

// remembered returns what the file has of it.
func (g given) remembered() remembered {
	m := remembered{Extranonce2: g.size, Ever: g.ever}
	if g.said {
		m.Mask = fmt.Sprintf("%08x", g.mask)
	}
	return m
}

// decodeState reads a state file of any known version; of a newer one, only the
// version.
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

// outdated has the state file written.
func (s *state) outdated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
	poke(s.changed)
}

// keep writes the state file whenever something is new, until ctx ends; changes within
// rememberEvery are written together.
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

// remember writes the state file if it is out of date: a new file, renamed into place.
// It waits for the disk.
func (s *state) remember() {
	s.file.Lock()
	defer s.file.Unlock()
	pools := make(map[string]remembered)
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = false
	for url, g := range s.pools {
		pools[url] = g.remembered()
	}
	s.mu.Unlock()
	if !dirty || s.path == "" {
		return
	}
	if err := s.write(s.path, stateFile{stateVersion, pools}); err != nil {
		s.log.Warn("the state of the pools cannot be saved; check that state_dir is writable", "file", s.path, "reason", err)
	}
}

func replaceFile(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return textfile.Replace(path, append(text, '\n'))
}
