package viewlink

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// MaxLinks bounds the time that it takes to compare a token with all of them.
	MaxLinks = 256

	// MaxName is the longest name, in characters.
	MaxName = 32

	// writeTime is how long somebody waits for the disk. It may be away for ever, and whoever
	// asks over HTTP has an answer within 30 s.
	writeTime = 10 * time.Second

	// partingTime is how long an upgrade waits for it, while miners wait for the upgrade.
	partingTime = time.Second
)

var (
	// ErrTaken is why a link is not made: another one has its name.
	ErrTaken = errors.New("a view link of this name exists: revoke it first, or choose another name")

	// ErrUnknown is why a link is not revoked.
	ErrUnknown = errors.New("there is no view link of this name")

	// ErrFrozen is why nothing changes for a moment.
	ErrFrozen = errors.New("another farmproxy is taking over from this one: try again in a moment")

	// ErrSlow is why it is not known whether something was done.
	ErrSlow = errors.New("writing it down takes too long: is a file system away (NFS), or a disk failing? Once it is back, the list of view links shows what was done")

	errNowhere = errors.New("view links are kept in state_dir: set it to make one")
)

// Link is a view link, without its secret. Its times are those of the clock on the wall,
// which operators mean.
type Link struct {
	Name  string
	By    string    // who made it
	Since time.Time // when
	Until time.Time // zero: until it is revoked
	Used  time.Time // when the page was last opened with it, since farmproxy started; zero: not yet
}

type entry struct {
	Link
	hash [sha256.Size]byte // of its secret
}

// over reports whether a link's time is over.
func (e *entry) over(now time.Time) bool { return !e.Until.IsZero() && !now.Before(e.Until) }

// Links are the view links there are. Any goroutine may use them.
type Links struct {
	path    string                      // of the file; "": there can't be any
	write   func(string, []entry) error // write, but in tests
	writing chan struct{}               // has one element during a change; taken before mu

	mu     sync.Mutex // is not held while a disk is waited for: each request takes it
	list   []entry    // by name
	broken error      // why the file can't be used; nil: it can
	frozen bool       // nothing may change
}

// Open returns the links of a file; "": there can't be any. It also returns why the file
// can't be used: then there are none, and none can be made.
func Open(path string) (*Links, error) {
	l := &Links{path: path, write: write, writing: make(chan struct{}, 1)}
	return l, l.Reopen()
}

// Reopen reads the file again, which another process has written.
func (l *Links) Reopen() error {
	if l.path == "" {
		return nil
	}
	list, err := read(l.path)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list, l.broken = list, err
	return err
}

// Freeze has nothing change, or lets things change again. It waits a little for a change
// that is being written down.
func (l *Links) Freeze(on bool) {
	l.mu.Lock()
	l.frozen = on
	l.mu.Unlock()
	if !on || l.path == "" {
		return
	}
	late := time.NewTimer(partingTime)
	defer late.Stop()
	select {
	case l.writing <- struct{}{}:
		<-l.writing
	case <-late.C: // whoever asked for it gets ErrSlow, and asks the next process again
	}
}

// Rehearsal returns a copy of the links, where a change is judged as it is here and nothing is
// written down.
func (l *Links) Rehearsal() *Links {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Links{
		path: l.path, write: func(string, []entry) error { return nil }, writing: make(chan struct{}, 1),
		list: slices.Clone(l.list), broken: l.broken, frozen: l.frozen,
	}
}

// Create makes a link, and returns its secret, which is not kept.
func (l *Links) Create(name, by string, now, until time.Time) (link Link, secret string, err error) {
	if !IsName(name) {
		return link, "", fmt.Errorf("name: expected 1 to %d letters, digits and . _ @ - such as control-room, got %.40q", MaxName, name)
	}
	secret = rand.Text()
	e := entry{Link{Name: name, By: by, Since: now, Until: until}, sha256.Sum256([]byte(secret))}
	err = l.change(now, func(list []entry) ([]entry, error) {
		at, taken := find(list, name)
		if taken {
			return nil, ErrTaken
		}
		if len(list) >= MaxLinks {
			return nil, fmt.Errorf("there are %d view links, and there may be no more: revoke some", len(list))
		}
		return slices.Insert(list, at, e), nil
	})
	if err != nil {
		return link, "", err
	}
	return e.Link, secret, nil
}

// Revoke ends a link: pages that were opened with it are closed.
func (l *Links) Revoke(name string, now time.Time) error {
	return l.change(now, func(list []entry) ([]entry, error) {
		at, there := find(list, name)
		if !there {
			return nil, ErrUnknown
		}
		return slices.Delete(list, at, at+1), nil
	})
}

// change makes a change, and returns once it is written down, or after writeTime.
func (l *Links) change(now time.Time, do func([]entry) ([]entry, error)) error {
	if l.path == "" {
		return errNowhere
	}
	late := time.NewTimer(writeTime)
	defer late.Stop()
	select {
	case l.writing <- struct{}{}:
	case <-late.C:
		return ErrSlow
	}
	done := make(chan error, 1)
	go func() {
		err := l.rewrite(now, do)
		<-l.writing
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return ErrSlow
	}
}

// rewrite makes a change of a copy of the list, and of the list once it is written down.
// Links whose time is over go at the next change. It is called one at a time.
func (l *Links) rewrite(now time.Time, do func([]entry) ([]entry, error)) error {
	list, err := l.copied(now)
	if err == nil {
		list, err = do(list)
	}
	if err != nil {
		return err
	}
	if err := l.write(l.path, list); err != nil {
		return fmt.Errorf("nothing has changed, since it could not be written down: %w; make room, or let farmproxy's user write there", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range list {
		if at, there := find(l.list, list[i].Name); there && l.list[at].hash == list[i].hash {
			list[i].Used = l.list[at].Used // maybe meanwhile
		}
	}
	l.list = list
	return nil
}

// copied returns a copy of the list without those whose time is over, or why it can't change.
func (l *Links) copied(now time.Time) ([]entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return nil, l.broken
	case l.frozen:
		return nil, ErrFrozen
	}
	return slices.DeleteFunc(slices.Clone(l.list), func(e entry) bool { return e.over(now) }), nil
}

// List returns all links whose time is not over, by name.
func (l *Links) List(now time.Time) []Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Link, 0, len(l.list))
	for i := range l.list {
		if e := &l.list[i]; !e.over(now) {
			list = append(list, e.Link)
		}
	}
	return list
}

// Allows returns the name of the link that a secret belongs to, if there is one. It takes
// the same time for every secret.
func (l *Links) Allows(secret string, now time.Time) (name string, ok bool) {
	hash := sha256.Sum256([]byte(secret))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if e := &l.list[i]; subtle.ConstantTimeCompare(e.hash[:], hash[:]) == 1 && !e.over(now) {
			name, ok = e.Name, true
		}
	}
	return name, ok
}

// Opened notes that the page was opened with a link, and returns when it was before.
func (l *Links) Opened(name string, now time.Time) (before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, there := find(l.list, name); there {
		before, l.list[at].Used = l.list[at].Used, now
	}
	return before
}

func find(list []entry, name string) (at int, there bool) {
	return slices.BinarySearchFunc(list, name, func(e entry, name string) int { return strings.Compare(e.Name, name) })
}

// IsName reports whether a link may be called so: in the log, and in an address. Tokens are
// named so too.
func IsName(name string) bool {
	return name != "" && len(name) <= MaxName && strings.IndexFunc(name, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-", r)
	}) < 0
}
