// Package tap keeps the last messages of a connection, for an operator who looks at it.
//
//	connection ─ Add ─> ring of copies ─ Since ─> whoever looks, now and then
//
// It copies, and knows no protocol: the bytes that it gives out have passwords in them.
// Add never waits for one who looks: messages that nobody has taken in time are gone, and
// counted. All methods may be called from any goroutine; the nil Tap keeps nothing.
package tap

import (
	"bytes"
	"sync"
	"time"
)

// maxMessage is how many bytes of a message are kept: a share, an answer, the begin of a
// job.
const maxMessage = 512

// Message is a line, without its end, or a frame.
type Message struct {
	At   time.Time
	Sent bool   // by farmproxy; false: by the other side
	Text []byte // its first bytes, a copy
	Size int    // all of it, in bytes
}

// Tap is a ring of messages.
type Tap struct {
	mu    sync.Mutex // held for a copy only: event loops take it
	ring  []Message
	added uint64 // messages ever
}

// New returns a tap that keeps so many messages, at least 1.
func New(messages int) *Tap { return &Tap{ring: make([]Message, messages)} }

// Add adds what was sent or received in one go: lines, or a frame. Once the ring has gone
// round it allocates nothing for messages of the usual lengths.
func (t *Tap) Add(now time.Time, sent bool, data []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(data) > 0 && data[0] != '{' {
		t.add(now, sent, data)
		return
	}
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		t.add(now, sent, line)
		data = rest
	}
}

func (t *Tap) add(now time.Time, sent bool, message []byte) {
	m := &t.ring[t.added%uint64(len(t.ring))]
	m.At, m.Sent, m.Size = now, sent, len(message)
	m.Text = append(m.Text[:0], message[:min(len(message), maxMessage)]...)
	t.added++
}

// Since returns copies of the messages after the first n, those that are still there; how
// many of them are not; and n for the next call. Begin with 0.
func (t *Tap) Since(n uint64) (list []Message, missed, next uint64) {
	if t == nil {
		return nil, 0, n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if size := uint64(len(t.ring)); t.added > size && n < t.added-size {
		missed = t.added - size - n
		n += missed
	}
	for ; n < t.added; n++ {
		m := t.ring[n%uint64(len(t.ring))]
		m.Text = bytes.Clone(m.Text)
		list = append(list, m)
	}
	return list, missed, n
}
