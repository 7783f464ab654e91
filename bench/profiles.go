package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// profiles are the proxy's, of the time under load: by SIGUSR1 it begins its CPU
// profile anew, by SIGUSR2 it writes both. A nil one does nothing.
type profiles struct {
	cpu, heap string
	begun     bool
}

// profileWithin is how long the proxy may take to write them.
const profileWithin = 10 * time.Second

func newProfiles(dir string) *profiles {
	return &profiles{cpu: filepath.Join(dir, "cpu.pprof"), heap: filepath.Join(dir, "heap.pprof")}
}

func (p *profiles) flags() []string {
	return []string{"-cpuprofile", p.cpu, "-memprofile", p.heap}
}

// begin is for the moment right before the load; only the first call counts.
func (p *profiles) begin(c *child) error {
	if p == nil || p.begun {
		return nil
	}
	p.begun = true
	if err := os.Remove(p.heap); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("-profile: %w", err)
	}
	return c.cmd.Process.Signal(syscall.SIGUSR1)
}

// end returns when the profiles are written, the heap's last.
func (p *profiles) end(c *child) error {
	if p == nil || !p.begun {
		return nil
	}
	if err := c.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		return fmt.Errorf("-profile: %w", err)
	}
	for limit := time.Now().Add(profileWithin); ; {
		if _, err := os.Stat(p.heap); err == nil {
			return nil
		} else if time.Now().After(limit) {
			return fmt.Errorf("-profile: the proxy has not written %s within %v; its log says why", p.heap, profileWithin)
		}
		time.Sleep(arriveEvery)
	}
}
