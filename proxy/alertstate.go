package proxy

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// recall reads the file. What is wrong with it costs a message that comes twice, and no more.
func (a *alerts) recall() {
	text, err := os.ReadFile(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = a.engine.Restore(text, time.Now())
	}
	if err != nil {
		a.log.Warn("what was told of alerts is not known: it may be told again", "file", a.path, "error", err)
	}
}

// save writes the file if it is out of date, and waits for no disk.
func (a *alerts) save() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.dirty || a.path == "" || a.frozen {
		return
	}
	text, n := a.text()
	if a.saving.try(func() { a.store(text, n) }) {
		a.dirty = false
	}
}

// text returns what is to be written, and a number by which later ones are told from earlier
// ones. The caller has mu.
func (a *alerts) text() (text []byte, n int) {
	a.texts++
	return a.engine.State(time.Now()), a.texts
}

// store writes the file, unless a later text was written meanwhile, after the messages that it says were told: the other way round, a
// power cut in between would leave an alert that nobody is ever told.
func (a *alerts) store(text []byte, n int) {
	a.file.Lock()
	defer a.file.Unlock()
	if n < a.saved {
		return
	}
	a.saved = n
	kept := a.channels.Keep()
	var err error
	if kept {
		if err = a.write(a.path, text); err == nil {
			a.complain.Store(false)
			return
		}
	}
	a.mu.Lock()
	a.dirty = true
	a.mu.Unlock()
	if kept && !a.complain.Swap(true) { // else the log has why
		a.log.Error("what was told of alerts could not be written down, and is told again after a restart; it is tried again every 15 seconds: make room, or let farmproxy's user write there", "file", a.path, "error", err)
	}
}

// saveLast writes the file at the end, if the disk takes it.
func (a *alerts) saveLast() {
	a.mu.Lock()
	frozen := a.frozen
	text, n := a.text()
	a.mu.Unlock()
	if frozen || a.path == "" {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.store(text, n)
	}()
	select {
	case <-done:
	case <-time.After(stopTime):
	}
}

// freeze has nothing told, or lets things be told again.
func (a *alerts) freeze(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frozen = on
}

// state returns what the next process has to know.
func (a *alerts) state(now time.Time) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.engine.State(now)
}

// restore takes over from the process before.
func (a *alerts) restore(text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.engine.Restore(text, time.Now()); err != nil {
		a.log.Warn("what the process before knew of alerts is not understood: it may be told again", "error", err)
	}
}
