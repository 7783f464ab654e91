package upstream

import "time"

const (
	// maxBatch bounds how many shares go into one write: at 170 bytes each
	// (Stratum; an agent's have 15 to 23) that is 43 kB, less than a socket's
	// send buffer.
	maxBatch = 256

	// singleBatch is that where a link has one miner: a batch is kept for each.
	singleBatch = 4
)

// flush writes up to a batch of shares, and reports whether there are more.
// Where too many are in flight, or held, it takes none: the answer that makes
// room rouses the link.
func (k *link) flush() (more bool) {
	if k.batch == nil {
		size := maxBatch
		if k.lane.single() {
			size = singleBatch
		}
		k.batch = make([]Share, 0, size)
	}
	batch := k.batch
	e := k.epoch.Load()
	now := time.Now()
	var unsent []Share
	var resubmitted, submitted uint64

	k.mu.Lock()
	buf, room := k.dialect.begin(k.buf[:0])
	room = max(0, min(cap(batch), k.flight.room(), room)) // a share may have taken two ids
	n := copy(batch[:room], k.again)
	if k.again = k.again[n:]; len(k.again) == 0 {
		k.again = nil
	}
	shares, rest := e.take(batch[:n], room-n)
	rest += len(k.again)
	for i := range shares {
		s := &shares[i]
		f := lost // it was held while the extranonce changed
		if s.Job.Epoch == e.id {
			buf, f = k.dialect.share(buf, s, now)
		}
		switch f {
		case inFlight:
			submitted++
			if s.resubmitted {
				resubmitted++
			}
		case lost:
			unsent = append(unsent, *s)
		}
	}
	buf, more = k.dialect.end(buf, rest == 0)
	k.mu.Unlock()

	k.book.InFlight.Add(int64(submitted))
	k.book.Submitted.Add(submitted)
	k.book.Resubmitted.Add(resubmitted)
	if k.buf = buf; len(buf) > 0 && k.send(buf) {
		k.dialect.sent()
	}
	k.lane.lose(unsent)
	return more || rest > 0 && len(shares) > 0
}

// send writes, and drops the link where that fails.
func (k *link) send(b []byte) bool {
	k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := k.conn.Write(b)
	k.book.BytesUp.Add(uint64(n))
	if err != nil {
		k.drop(err)
	}
	return err == nil
}
