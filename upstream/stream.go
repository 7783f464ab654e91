package upstream

import (
	"bytes"
	"fmt"
	"io"

	"farmproxy/codec"
)

const (
	// firstBuffer is what a link's buffer begins with; it doubles up to what the
	// longest line needs, or the longest frame, which is shorter.
	firstBuffer = 4 << 10

	// keptBuffer is how much of it stays once it is empty: there may be thousands
	// of links, each with a long job now and then.
	keptBuffer = 64 << 10
)

// stream is what a pool sends, not cut up yet. What a deadline cuts short stays
// for the next call.
type stream struct {
	buf        []byte
	start, end int
	scanned    int // of the pending bytes: no line ends in them
	passed     int // bytes of the line under way that are gone, since it is too long
}

// longLine is how a line ends that was passed over: its length in bytes.
type longLine int

func (n longLine) Error() string {
	return fmt.Sprintf("a line of %d bytes, of which up to %d are taken", int(n), codec.MaxPoolLine)
}

// pending returns what was received and not taken; valid until the next fill.
func (s *stream) pending() []byte { return s.buf[s.start:s.end] }

// skip takes n of the pending bytes.
func (s *stream) skip(n int) {
	s.start += n
	s.scanned = 0
}

// inLine reports that what is pending goes on with a line that is too long.
func (s *stream) inLine() bool { return s.passed > 0 }

// fill waits for more.
func (s *stream) fill(r io.Reader) error {
	if s.start > 0 {
		s.end = copy(s.buf, s.pending())
		s.start = 0
	}
	if s.end == 0 && len(s.buf) > keptBuffer {
		s.buf = nil
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, max(firstBuffer, len(s.buf)))...)
	}
	n, err := r.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	return err
}

// line returns the next line without its newline; valid until the next call. One
// that is too long is passed over, at no cost of memory, and is a longLine.
func (s *stream) line(r io.Reader) ([]byte, error) {
	for {
		if i := bytes.IndexByte(s.pending()[s.scanned:], '\n'); i >= 0 {
			line := s.pending()[:s.scanned+i]
			s.skip(len(line) + 1)
			if length := s.passed + len(line); length > codec.MaxPoolLine {
				s.passed = 0
				return nil, longLine(length)
			}
			return line, nil
		}
		if s.scanned = s.end - s.start; s.scanned > codec.MaxPoolLine || s.inLine() {
			s.passed += s.scanned
			s.skip(s.scanned)
		}
		if err := s.fill(r); err != nil {
			return nil, err
		}
	}
}
