package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Progress shows one changing line: rewritten in place on a terminal, a new line now
// and then elsewhere. A nil Progress shows nothing.
type Progress struct {
	w        io.Writer
	terminal bool

	mu   sync.Mutex
	last time.Time
	open bool // a line is there without its newline
}

// How often the line changes, on a terminal and elsewhere (in a log).
const (
	progressEvery = 500 * time.Millisecond
	progressInLog = 5 * time.Second
)

// NewProgress shows its line on t's error output.
func NewProgress(t Terminal) *Progress {
	p := &Progress{w: t.Err}
	if f, ok := t.Err.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

// Show replaces the line, unless it is too soon for that.
func (p *Progress) Show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.open = true
	case now.Sub(p.last) >= progressInLog:
		fmt.Fprintln(p.w, text)
		p.last = now
	}
}

// Note writes a separate line, which stays.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, "       "+text)
	p.open = false
}

// End leaves the line as it is and starts a new one.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}

// Every shows what text returns until stop is called; stop may be called more than
// once.
func (p *Progress) Every(text func() string) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.Show(text())
			case <-done:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		running.Wait()
	})
}
