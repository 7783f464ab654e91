package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// state is the file in which sizes and masks outlive a restart.
type state struct {
	path string // "": none
	mu   sync.Mutex
}

// remembered is what the file holds of each pool, by its URL.
type remembered struct {
	Extranonce2 int    `json:"extranonce2_size"`
	Mask        string `json:"version_mask"` // 8 hex digits
}

// recall reads the state file. What can't be read is not known, and said.
func (r *Route) recall() {
	if r.state.path == "" {
		return
	}
	text, err := os.ReadFile(r.state.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	pools := make(map[string]remembered)
	if err == nil {
		err = json.Unmarshal(text, &pools)
	}
	if err != nil {
		r.log.Warn("what was known of the pools can't be read; it will be learned again", "file", r.state.path, "reason", err)
		return
	}
	for _, p := range r.pools {
		var mask uint32
		m, ok := pools[p.URL]
		if !ok || m.Extranonce2 <= 0 {
			continue
		}
		if _, err := fmt.Sscanf(m.Mask, "%08x", &mask); err == nil {
			p.learn(m.Extranonce2, mask)
		}
	}
}

// remember writes the state file: a new one, renamed into place.
func (r *Route) remember() {
	if r.state.path == "" {
		return
	}
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	pools := make(map[string]remembered)
	for _, p := range r.pools {
		if size, mask, known := p.known(); known {
			pools[p.URL] = remembered{size, fmt.Sprintf("%08x", mask)}
		}
	}
	if err := replaceFile(r.state.path, pools); err != nil {
		r.log.Warn("what is known of the pools can't be remembered; see that state_dir is writable", "file", r.state.path, "reason", err)
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
