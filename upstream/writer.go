package upstream

import (
	"time"

	"farmproxy/codec"
)

const (
	// maxBatch bounds how many shares go into one write: at 170 bytes each
	// that is 43 kB, less than a socket's send buffer.
	maxBatch = 256

	// directBatch is that where a link has one miner: a batch is kept for each.
	directBatch = 4

	// linger is how long the writer waits after it is woken, so that the shares
	// that all loops find in that time travel in one segment: at 1,000 shares a
	// second two on average, which halves the writes. It adds 1 ms to a round
	// trip of 20 to 200 ms.
	linger = time.Millisecond

	// lingerBelow is the queue length from which there is nothing to wait for.
	lingerBelow = maxBatch / 2
)

// write sends what there is to send until the link ends. It is the writer.
func (k *link) write() {
	size := maxBatch
	if k.route.direct {
		size = directBatch
	}
	batch := make([]Share, 0, size)
	for {
		e := k.epoch.Load()
		select {
		case <-k.ctx.Done():
			return
		case <-e.wake:
		case <-k.wake:
		case line := <-k.replies:
			k.send(line)
			continue
		}
		if !k.active.Load() {
			continue // activate wakes again
		}
		if e.waiting() < lingerBelow {
			time.Sleep(linger)
		}
		for k.ctx.Err() == nil && k.flush(batch) {
		}
	}
}

// flush writes up to a batch of shares, and reports whether there are more.
// Where too many are in flight, or wait for a name, it takes none: the answer
// that makes room wakes the writer.
func (k *link) flush(batch []Share) (more bool) {
	e := k.epoch.Load()
	now := time.Now()
	var lost []Share
	var resubmitted, submitted uint64

	k.mu.Lock()
	room := min(cap(batch), k.flight.room(), maxQueue-k.names.held)
	n := copy(batch[:room], k.again)
	if k.again = k.again[n:]; len(k.again) == 0 {
		k.again = nil
	}
	shares, rest := e.take(batch[:n], room-n)
	rest += len(k.again)
	buf := k.buf[:0]
	for i := range shares {
		s := &shares[i]
		if s.Job.Epoch != e.id {
			lost = append(lost, *s) // it waited for a name while the extranonce changed
			continue
		}
		user, out, ok := k.under(buf, s, now)
		buf = out
		if !ok {
			continue
		}
		if s.resubmitted {
			resubmitted++
		}
		submitted++
		buf = k.appendShare(buf, s, user, k.flight.put(s, now))
	}
	k.mu.Unlock()

	k.book.InFlight.Add(int64(submitted))
	k.book.Submitted.Add(submitted)
	k.book.Resubmitted.Add(resubmitted)
	if k.buf = buf; len(buf) > 0 {
		k.send(buf)
	}
	k.lane.lose(lost)
	return rest > 0 && len(shares) > 0
}

// appendShare appends a share's mining.submit.
func (k *link) appendShare(buf []byte, s *Share, user string, id uint64) []byte {
	var prefix [2]byte
	var extranonce2 [codec.MaxExtranonce2]byte
	p := codec.PoolShare{
		User:        user,
		JobID:       s.Job.PoolID,
		Extranonce2: s.Job.Layout.Extranonce2(extranonce2[:0], s.Prefix.Append(prefix[:0]), s.Extranonce2.Bytes()),
		NTime:       s.NTime,
		Nonce:       s.Nonce,
		HasVersion:  k.rolling.Load(),
	}
	// A miner that did not roll hands in the job's own version. Without version
	// bits every pool makes the same header of it; with them, pools that do not
	// replace but flip (btcpool, public-pool) go wrong on a job that has bits
	// inside the mask.
	if s.Version == s.Job.Version && s.Version&s.Job.Mask != 0 {
		p.HasVersion = false
	}
	// Bits that the job allowed but the mask does not any more are shown too:
	// without them the pool would see another header than the miner hashed.
	p.VersionBits = s.Version & (s.Job.Mask | k.mask.Load())
	return codec.AppendPoolSubmit(buf, id, &p)
}

// send writes, and drops the link where that fails.
func (k *link) send(b []byte) {
	k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := k.conn.Write(b)
	k.book.BytesUp.Add(uint64(n))
	if err != nil {
		k.drop(err)
	}
}
