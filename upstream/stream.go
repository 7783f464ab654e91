package upstream

import (
	"bytes"
	"io"

	"farmproxy/codec"
)

// firstBuffer is what a link's buffer begins with; it doubles up to what the
// longest line needs, or the longest frame, which is no longer.
const firstBuffer = 4 << 10

// stream is what a pool sends, not cut up yet. What a deadline cuts short stays
// for the next call.
type stream struct {
	buf        []byte
	start, end int
}

// pending returns what was received and not taken; valid until the next fill.
func (s *stream) pending() []byte { return s.buf[s.start:s.end] }

// skip takes n of the pending bytes.
func (s *stream) skip(n int) { s.start += n }

// fill waits for more.
func (s *stream) fill(r io.Reader) error {
	if s.start > 0 {
		s.end = copy(s.buf, s.pending())
		s.start = 0
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

// line returns the next line without its newline; valid until the next call.
func (s *stream) line(r io.Reader) ([]byte, error) {
	scanned := 0
	for {
		if i := bytes.IndexByte(s.pending()[scanned:], '\n'); i >= 0 {
			line := s.pending()[:scanned+i]
			s.skip(len(line) + 1)
			if len(line) > codec.MaxPoolLine {
				return nil, errLongLine
			}
			return line, nil
		}
		scanned = s.end - s.start
		if scanned > codec.MaxPoolLine {
			return nil, errLongLine
		}
		if err := s.fill(r); err != nil {
			return nil, err
		}
	}
}
