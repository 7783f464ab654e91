package netloop

import (
	"bytes"

	"farmproxy/codec"
	"farmproxy/session"
)

// tlsRecord is the first byte of a client of TLS: of a record with a part of a handshake.
const tlsRecord = 0x16

// lines cuts a miner's bytes into lines. Whole lines are returned where they lie in
// the loop's read buffer. The rest of a read is kept for the next one in a buffer that
// the loop lends for that time, since nearly all reads end with a newline.
type lines struct {
	kept *[]byte // a partial line; nil: none. A pointer, since 10,000 miners have one each
}

// halves lends buffers for partial lines; each loop has one.
type halves struct{ free []*[]byte }

func (h *halves) get() *[]byte {
	if n := len(h.free); n > 0 {
		b := h.free[n-1]
		h.free = h.free[:n-1]
		return b
	}
	b := make([]byte, 0, codec.MaxMinerLine)
	return &b
}

func (h *halves) put(b *[]byte) {
	if b != nil && len(h.free) < maxHalves {
		*b = (*b)[:0]
		h.free = append(h.free, b)
	}
}

// half returns the partial line.
func (l *lines) half() []byte {
	if l.kept == nil {
		return nil
	}
	return *l.kept
}

// keep appends data to the partial line.
func (l *lines) keep(data []byte, pool *halves) {
	if l.kept == nil {
		l.kept = pool.get()
	}
	*l.kept = append(*l.kept, data...)
}

// next cuts the next line off data. line is nil if the rest is not a whole line; it is
// kept then. line is valid until the next call. ok is false if the connection must be
// closed, for reason.
func (l *lines) next(data []byte, pool *halves) (line, rest []byte, reason session.Reason, ok bool) {
	half := l.half()
	for len(data) > 0 {
		if len(half) == 0 && data[0] != '{' {
			// Checked at the first byte, so that a TLS hello or an HTTP request does
			// not wait for a newline.
			if codec.Padding(data[0]) {
				data = data[1:]
				continue
			}
			if data[0] == tlsRecord {
				return nil, nil, session.UnexpectedTLS, false
			}
			return nil, nil, session.NotStratum, false
		}
		end := bytes.IndexByte(data, '\n')
		size := len(half) + len(data)
		if end >= 0 {
			size = len(half) + end
		}
		if size > codec.MaxMinerLine {
			return nil, nil, session.LineTooLong, false
		}
		if end < 0 {
			l.keep(data, pool)
			return nil, nil, 0, true
		}
		line, rest = data[:end], data[end+1:]
		if len(half) > 0 {
			line = append(half, line...)
			l.drop(pool) // lent again only when this line has been handled
		}
		return codec.Trim(line), rest, 0, true
	}
	return nil, nil, 0, true
}

// drop returns the buffer when the miner leaves.
func (l *lines) drop(pool *halves) {
	pool.put(l.kept)
	l.kept = nil
}
