package proxy

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// readTime bounds the reading and checking of a configuration: names that do not resolve
// take seconds, and systemd gives a reload half a minute. Whatever takes longer may never
// end: a file on a server that is away.
const readTime = 20 * time.Second

// bounded does one thing at a time that may take for ever, and waits for readTime at most.
type bounded struct{ busy atomic.Bool }

var (
	errLate = errors.New("reading the file, or one that it names, takes too long: is a file system away (NFS), or a disk failing? Nothing has changed")
	errBusy = errors.New("an earlier reload still waits for a file: is a file system away (NFS), or a disk failing? Nothing has changed")
)

// bounds returns what do returns, unless that takes too long: then do's result goes
// nowhere. Meanwhile nothing else is done: each such wait takes a thread of the kernel's.
func bounds[T any](b *bounded, do func() T) (result T, err error) {
	if !b.busy.CompareAndSwap(false, true) {
		return result, errBusy
	}
	done := make(chan T, 1)
	go func() {
		result := do()
		b.busy.Store(false)
		done <- result
	}()
	timer := time.NewTimer(readTime)
	defer timer.Stop()
	select {
	case result = <-done:
		return result, nil
	case <-timer.C:
		return result, fmt.Errorf("%w (gave up after %v)", errLate, readTime)
	}
}

// lone does one thing at a time that may take for ever, and waits for none: a disk may be away.
type lone struct{ busy atomic.Bool }

// try starts do, unless the last one has not ended.
func (l *lone) try(do func()) bool {
	if !l.busy.CompareAndSwap(false, true) {
		return false
	}
	go func() {
		defer l.busy.Store(false)
		do()
	}()
	return true
}
