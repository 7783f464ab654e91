package upstream

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// Test work is what miners get whose lane waits for its place: a job that no pool gave, and
// that no pool will see. A share of it shows that there is hash rate behind the lane, which
// nobody can invent; so it is let in before those that have shown nothing, and past their
// bound (newcomers.pass). Of an algorithm that can't be checked here there is none.

const (
	// testEpoch is that of all test work: no pool session has that number.
	testEpoch = ^uint64(0)

	// testDifficulty is what the pool of test work would ask for: no share meets it, so
	// each one stays here.
	testDifficulty = 1 << 100

	// testBits is the network's target in test work: a real one, which a rig meets once
	// in its life.
	testBits = 0x17010000

	// testSize is the extranonce2 of test work, in bytes, where nothing is known of the
	// goal's pools: as most pools give. An agent has room in it.
	testSize = 8

	testVersion = 0x20000000
)

// The coinbase of test work, around its extranonce: valid, and worth nothing. Firmware that
// looks for a block's height finds one.
var (
	testHeight = []byte{3, 0, 0, 0x0f}

	testHead = slices.Concat([]byte{1, 0, 0, 0, 1}, make([]byte, 32), []byte{0xff, 0xff, 0xff, 0xff})
	testTail = slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 1}, make([]byte, 8), []byte{11, 0x6a, 9}, []byte("test work"), make([]byte, 4))
)

// test gives the lane's miners test work, unless they have work. It is as hard for them as
// the pool's would be, as far as that is known. The caller has Goal.mu.
func (l *Lane) test() {
	p := l.goal.list()[0]
	if l.latest.Load() != nil || p.algorithm != nil && p.algorithm.Hash == nil {
		return
	}
	job := l.testWork(p, time.Now())
	if job == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(Post{Lane: l, Job: job, Clean: true, Mask: job.Mask, Difficulty: p.book.Difficulty.Load()})
}

// crowded says that newcomers of an address wait.
func (d *Directory) crowded(from netip.Prefix) {
	if pauseOver(&d.crowdLogged, int64(time.Since(d.born)), fullPause) {
		d.log.Warn("an address has as many newcomers with links of their own as it may have, and none of them has worked: further ones get test work, and their link with a share of it; if they are none of yours, keep them out by deny in [[listener]]", "address", from.String())
	}
}

// testWork makes a job for miners that wait for a link to p; nil: its pool leaves no room.
// No two are alike, and nobody knows one beforehand: a share is worth something once.
func (l *Lane) testWork(p *pool, now time.Time) *work.Job {
	size, _, known := p.state.get(p.URL)
	if !known || size == 0 {
		size = testSize
	}
	layout, ok := work.NewLayout(size, int(l.key.Len))
	if !ok {
		return nil
	}
	extranonce1 := binary.BigEndian.AppendUint32(nil, rand.Uint32())
	n := codec.Notify{JobID: `"test"`, Clean: true, Template: work.Template{
		Coinb1:  slices.Concat(testHead, []byte{byte(len(testHeight) + len(extranonce1) + size)}, testHeight),
		Coinb2:  testTail,
		Version: testVersion, NBits: testBits, NTime: uint32(now.Unix()),
	}}
	for i := 0; i < len(n.PrevHash)-8; i += 8 { // a block's hash ends in zeros
		binary.BigEndian.PutUint64(n.PrevHash[i:], rand.Uint64())
	}
	job := newJob(jobs.Add(1), &n, extranonce1, layout, p.algorithm)
	job.Epoch, job.Received, job.Difficulty, job.Mask = testEpoch, now, testDifficulty, l.goal.mask()
	job.Work = l.works.number(job)
	return job
}

// IsTestWork reports whether a job is test work: a share of it is on nobody's books.
func IsTestWork(job *work.Job) bool { return job.Epoch == testEpoch }

// Pass notes that a share of test work was handed in: if the lane waits for its place, it
// comes before those that have shown nothing. Any goroutine.
func (l *Lane) Pass() { l.places().pass(l, time.Now()) }
