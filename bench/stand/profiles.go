package stand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Profiles are the proxy's profiles of the time under load: on SIGUSR1 it restarts its
// CPU profile, on SIGUSR2 it writes both. A nil Profiles does nothing.
type Profiles struct {
	cpu, heap string
	begun     bool
}

// profileWithin is how long the proxy may take to write them.
const profileWithin = 10 * time.Second

// profileLooks is the time between checks whether they are there.
const profileLooks = 10 * time.Millisecond

func newProfiles(dir string) *Profiles {
	return &Profiles{cpu: filepath.Join(dir, "cpu.pprof"), heap: filepath.Join(dir, "heap.pprof")}
}

func (p *Profiles) flags() []string {
	return []string{"-cpuprofile", p.cpu, "-memprofile", p.heap}
}

// Begin is called right before the load; only the first call counts.
func (p *Profiles) Begin(c *Child) error {
	if p == nil || p.begun {
		return nil
	}
	p.begun = true
	if err := os.Remove(p.heap); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("-profile: %w", err)
	}
	return c.process.Signal(syscall.SIGUSR1)
}

// End returns once the profiles are written, the heap's last.
func (p *Profiles) End(c *Child) error {
	if p == nil || !p.begun {
		return nil
	}
	if err := c.process.Signal(syscall.SIGUSR2); err != nil {
		return fmt.Errorf("-profile: %w", err)
	}
	for limit := time.Now().Add(profileWithin); ; {
		if _, err := os.Stat(p.heap); err == nil {
			return nil
		} else if time.Now().After(limit) {
			return fmt.Errorf("-profile: the proxy has not written %s within %v; its log says why", p.heap, profileWithin)
		}
		time.Sleep(profileLooks)
	}
}
