// Package journal has the log that tests read while a farmproxy writes it.
package journal

import (
	"bytes"
	"strings"
	"sync"
)

// Journal is a log that any goroutine may write and read. The zero value is empty.
type Journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *Journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// String returns what was written since the last Reset.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Has reports whether a text was written since the last Reset.
func (j *Journal) Has(text string) bool { return strings.Contains(j.String(), text) }

// Count returns how often a text was written since the last Reset.
func (j *Journal) Count(text string) int { return strings.Count(j.String(), text) }

// Reset forgets what was written.
func (j *Journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}
