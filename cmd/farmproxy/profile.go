package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
)

// profile is where a run's profiles go, for go tool pprof. Signals choose the period
// they cover: a benchmark wants those under load.
type profile struct {
	cpu, heap string
	out       *os.File // of the CPU profile under way; nil: none
}

func (p *profile) flags(flags *flag.FlagSet) {
	flags.StringVar(&p.cpu, "cpuprofile", "", "write a CPU profile to this `FILE` on exit; SIGUSR1 restarts the profile, SIGUSR2 ends it")
	flags.StringVar(&p.heap, "memprofile", "", "write a heap profile to this `FILE` on exit, or on SIGUSR2")
}

// start begins the profiles. stop, to be called once, writes the profiles that no
// signal has written before.
func (p *profile) start() (stop func() error, err error) {
	if *p == (profile{}) {
		return func() error { return nil }, nil
	}
	if p.heap != "" {
		runtime.MemProfileRate = 512 << 10 // the runtime's default, see main
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	signals := make(chan os.Signal, 2) // one of each
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	over := make(chan struct{})
	written := false
	var failed error // read after watching
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-over:
				return
			case s := <-signals:
				if s == syscall.SIGUSR1 {
					written = false
					failed = errors.Join(failed, p.end(), p.begin())
					continue
				}
				failed = errors.Join(failed, p.write())
				written = true
			}
		}
	})
	return func() error {
		signal.Stop(signals)
		close(over)
		watching.Wait()
		if !written {
			failed = errors.Join(failed, p.write())
		}
		return failed
	}, nil
}

// begin begins the CPU profile.
func (p *profile) begin() error {
	if p.cpu == "" {
		return nil
	}
	f, err := os.Create(p.cpu)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		return fmt.Errorf("-cpuprofile: %w; name a file that can be written", err)
	}
	p.out = f
	return nil
}

// end ends the CPU profile, if one is under way.
func (p *profile) end() error {
	if p.out == nil {
		return nil
	}
	pprof.StopCPUProfile()
	err := p.out.Close()
	p.out = nil
	return err
}

// write ends the CPU profile and writes that of the heap. The file has another name
// until it is complete, so that whoever waits for it can read it at once.
func (p *profile) write() error {
	if err := p.end(); err != nil || p.heap == "" {
		return err
	}
	runtime.GC() // the profile shows the state at the last collection
	f, err := os.CreateTemp(filepath.Dir(p.heap), ".heap-")
	if err != nil {
		return fmt.Errorf("-memprofile: %w; name a file that can be written", err)
	}
	defer os.Remove(f.Name()) // fails once it has its name
	err = errors.Join(pprof.WriteHeapProfile(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), p.heap)
	}
	if err != nil {
		return fmt.Errorf("-memprofile: %w", err)
	}
	return nil
}
