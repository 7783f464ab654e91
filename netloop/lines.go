package netloop

import (
	"bytes"

	"farmproxy/codec"
	"farmproxy/session"
)

// lines cuts a miner's bytes into lines. Whole lines are handed out where they
// lie in the loop's read buffer; the rest of a read is kept for the
// next one in a buffer that the loop lends for that time, since nearly all
// reads end with a newline.
type lines struct {
	half []byte // the beginning of one; nil: none
}

// halves lends buffers for half lines; each loop has one.
type halves struct{ free [][]byte }

func (h *halves) get() []byte {
	if n := len(h.free); n > 0 {
		b := h.free[n-1]
		h.free = h.free[:n-1]
		return b
	}
	return make([]byte, 0, codec.MaxMinerLine)
}

func (h *halves) put(b []byte) {
	if b != nil && len(h.free) < maxHalves {
		h.free = append(h.free, b[:0])
	}
}

// next cuts the next line off data. line is nil when the rest is not a whole
// line; it is kept then. line is valid until the call after.
// ok is false when the bytes are not worth reading on, for reason.
func (l *lines) next(data []byte, pool *halves) (line, rest []byte, reason session.Reason, ok bool) {
	for len(data) > 0 {
		if len(l.half) == 0 && data[0] != '{' {
			// Seen at the first byte, so that a TLS hello or an HTTP request
			// does not wait for a newline.
			if codec.Padding(data[0]) {
				data = data[1:]
				continue
			}
			return nil, nil, session.NotStratum, false
		}
		end := bytes.IndexByte(data, '\n')
		size := len(l.half) + len(data)
		if end >= 0 {
			size = len(l.half) + end
		}
		if size > codec.MaxMinerLine {
			return nil, nil, session.LineTooLong, false
		}
		if end < 0 {
			if l.half == nil {
				l.half = pool.get()
			}
			l.half = append(l.half, data...)
			return nil, nil, 0, true
		}
		line, rest = data[:end], data[end+1:]
		if len(l.half) > 0 {
			line = append(l.half, line...)
			pool.put(l.half) // lent again only after this line is done with
			l.half = nil
		}
		return codec.Trim(line), rest, 0, true
	}
	return nil, nil, 0, true
}

// drop gives the buffer back when the miner goes.
func (l *lines) drop(pool *halves) {
	pool.put(l.half)
	l.half = nil
}
