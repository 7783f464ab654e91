package upstream

import (
	"bytes"

	"farmproxy/codec"
)

const (
	// firstBuffer is what a link's buffer begins with; it doubles up to what the
	// longest line needs, or the longest frame, which is shorter.
	firstBuffer = 4 << 10

	// keptBuffer is how much of it stays once it is empty: there may be thousands
	// of links, each with a long job now and then.
	keptBuffer = 64 << 10

	// maxPassed bounds a line that is passed over. The longest job known has 100 kB;
	// a line without an end would cost most of a core for as long as it goes on.
	maxPassed = 16 << 20
)

// stream is what a pool sends, not cut up yet. It cuts what it is fed where that
// lies, and copies only what is not whole.
type stream struct {
	buf     []byte // what was kept of what came before
	pending []byte // what came and was not taken: of buf, or the caller's until keep
	scanned int    // of pending: no line ends in it
	passed  int    // bytes of the line under way that are gone, since it is too long
}

// feed adds what came. data is looked at until keep.
func (s *stream) feed(data []byte) {
	if len(s.pending) == 0 {
		s.pending = data
		return
	}
	s.buf = append(s.buf, data...)
	s.pending = s.buf
}

// keep copies what was not taken, for the next feed.
func (s *stream) keep() {
	if len(s.pending) == 0 && cap(s.buf) > keptBuffer {
		s.buf = nil
	}
	if s.buf == nil && len(s.pending) > 0 {
		s.buf = make([]byte, 0, max(firstBuffer, len(s.pending)))
	}
	s.buf = append(s.buf[:0], s.pending...)
	s.pending = s.buf
}

// skip takes n of the pending bytes.
func (s *stream) skip(n int) {
	s.pending = s.pending[n:]
	s.scanned = 0
}

// endless reports that the line under way is longer than any pool's can be.
func (s *stream) endless() bool { return s.passed > maxPassed }

// inLine reports that what is pending goes on with a line that is too long.
func (s *stream) inLine() bool { return s.passed > 0 }

// line takes the next line, without its newline; false: it is not whole yet. One that
// is too long is passed over, at no cost of memory: then its length is what tooLong
// says, and there is no line.
func (s *stream) line() (line []byte, tooLong int, ok bool) {
	i := bytes.IndexByte(s.pending[s.scanned:], '\n')
	if i >= 0 {
		line = s.pending[:s.scanned+i]
		s.skip(len(line) + 1)
		if length := s.passed + len(line); length > codec.MaxPoolLine {
			s.passed = 0
			return nil, length, true
		}
		return line, 0, true
	}
	if s.scanned = len(s.pending); s.scanned > codec.MaxPoolLine || s.inLine() {
		s.passed += s.scanned
		s.skip(s.scanned)
	}
	return nil, 0, false
}
