package netloop

import (
	"bytes"

	"farmproxy/codec"
	"farmproxy/session"
)

// lines cuts a miner's bytes into lines. Whole lines are handed out where they
// lie in the loop's read buffer; the rest of a read is carried over to the
// next one in a buffer that the loop lends for that time, since nearly all
// reads end with a newline.
type lines struct {
	carry []byte // nil: nothing carried over
}

// carries lends buffers for half lines; each loop has one.
type carries struct{ free [][]byte }

func (c *carries) get() []byte {
	if n := len(c.free); n > 0 {
		b := c.free[n-1]
		c.free = c.free[:n-1]
		return b
	}
	return make([]byte, 0, codec.MaxMinerLine)
}

func (c *carries) put(b []byte) {
	if b != nil && len(c.free) < maxCarries {
		c.free = append(c.free, b[:0])
	}
}

// next cuts the next line off data. line is nil when the rest is not a whole
// line; it has been carried over then. line is valid until the call after.
// ok is false when the bytes are not worth reading on, for reason.
func (l *lines) next(data []byte, pool *carries) (line, rest []byte, reason session.Reason, ok bool) {
	for len(data) > 0 {
		if len(l.carry) == 0 && data[0] != '{' {
			// Seen at the first byte, so that a TLS hello or an HTTP request
			// does not wait for a newline.
			if codec.Padding(data[0]) {
				data = data[1:]
				continue
			}
			return nil, nil, session.NotStratum, false
		}
		end := bytes.IndexByte(data, '\n')
		size := len(l.carry) + len(data)
		if end >= 0 {
			size = len(l.carry) + end
		}
		if size > codec.MaxMinerLine {
			return nil, nil, session.LineTooLong, false
		}
		if end < 0 {
			if l.carry == nil {
				l.carry = pool.get()
			}
			l.carry = append(l.carry, data...)
			return nil, nil, 0, true
		}
		line, rest = data[:end], data[end+1:]
		if len(l.carry) > 0 {
			line = append(l.carry, line...)
			pool.put(l.carry) // lent again only after this line is done with
			l.carry = nil
		}
		return codec.Trim(line), rest, 0, true
	}
	return nil, nil, 0, true
}

// drop gives the buffer back when the miner goes.
func (l *lines) drop(pool *carries) {
	pool.put(l.carry)
	l.carry = nil
}
