package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// maxRemembered bounds the pools that the state keeps: those beyond are learned
// anew. There are fewer in the world.
const maxRemembered = 4096

// state is what pools gave, by URL: whoever works there gets the same. It
// outlives a restart in a file.
type state struct {
	path string // of the file; "": none
	log  *slog.Logger

	mu    sync.RWMutex
	pools map[string]given
	file  sync.Mutex // one writes at a time
}

// given is what a pool gives.
type given struct {
	size int // of its extranonce2
	mask uint32
}

// remembered is what the file holds of each pool, by its URL.
type remembered struct {
	Extranonce2 int    `json:"extranonce2_size"`
	Mask        string `json:"version_mask"` // 8 hex digits
}

// get returns what is known of a pool.
func (s *state) get(url string) (size int, mask uint32, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, known := s.pools[url]
	return g.size, g.mask, known
}

// learn keeps what a pool gave, here and in the file, and reports whether it
// is new.
func (s *state) learn(url string, size int, mask uint32) (changed bool) {
	g := given{size, mask}
	s.mu.Lock()
	old, known := s.pools[url]
	changed = !known || old != g
	if changed && !known && len(s.pools) >= maxRemembered {
		for other := range s.pools {
			delete(s.pools, other)
			break
		}
	}
	s.pools[url] = g
	s.mu.Unlock()
	if changed {
		s.remember()
	}
	return changed
}

// recall reads the state file. What can't be read is not known, and said.
func (s *state) recall() {
	s.pools = make(map[string]given)
	if s.path == "" {
		return
	}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	pools := make(map[string]remembered)
	if err == nil {
		err = json.Unmarshal(text, &pools)
	}
	if err != nil {
		s.log.Warn("what was known of the pools can't be read; it will be learned again", "file", s.path, "reason", err)
		return
	}
	for url, m := range pools {
		var mask uint32
		if _, err := fmt.Sscanf(m.Mask, "%08x", &mask); err == nil && m.Extranonce2 > 0 && len(s.pools) < maxRemembered {
			s.pools[url] = given{m.Extranonce2, mask}
		}
	}
}

// remember writes the state file: a new one, renamed into place.
func (s *state) remember() {
	if s.path == "" {
		return
	}
	s.file.Lock()
	defer s.file.Unlock()
	pools := make(map[string]remembered)
	s.mu.RLock()
	for url, g := range s.pools {
		pools[url] = remembered{g.size, fmt.Sprintf("%08x", g.mask)}
	}
	s.mu.RUnlock()
	if err := replaceFile(s.path, pools); err != nil {
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
