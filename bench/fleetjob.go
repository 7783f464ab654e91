package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
	"sync/atomic"
	"time"
)

// fleetJob is a mining.notify as miners use it. Immutable, and shared by all
// miners that got the same bytes.
type fleetJob struct {
	line     []byte // as received
	id       string // JSON, as received
	clean    bool
	prevhash [32]byte // in header order
	coinb1   []byte
	coinb2   []byte
	branches []byte // 32 bytes each
	version  uint32
	nbits    uint32
	ntime    uint32
	arrival  *arrival
}

// arrival is when a piece of work came to the miners, under whatever bytes.
type arrival struct {
	key    WorkKey
	miners atomic.Int64
	last   atomic.Int64 // Unix nanoseconds
}

func (a *arrival) add(now time.Time) {
	a.miners.Add(1)
	at := now.UnixNano()
	for old := a.last.Load(); at > old && !a.last.CompareAndSwap(old, at); old = a.last.Load() {
	}
}

// jobCache reads each distinct notify once: ten thousand miners get the same
// bytes.
type jobCache struct {
	latest atomic.Pointer[fleetJob]
	limit  atomic.Pointer[cachedLimit]

	mu       sync.Mutex
	jobs     recent[string, *fleetJob]
	arrivals recent[WorkKey, *arrival]
}

// Bounds of the cache: jobs are needed while one of them travels to all miners,
// arrivals until the report. A pool that gives each of 10,000 miners bytes of
// its own still finds room.
const (
	cachedJobs     = 1 << 12
	cachedArrivals = 1 << 12
)

// get is the job of a notify line.
func (c *jobCache) get(line []byte) (*fleetJob, error) {
	if j := c.latest.Load(); j != nil && bytes.Equal(j.line, line) {
		return j, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs.limit, c.arrivals.limit = cachedJobs, cachedArrivals
	if j, ok := c.jobs.get(string(line)); ok {
		return j, nil
	}
	j, key, err := newFleetJob(line)
	if err != nil {
		return nil, err
	}
	a, ok := c.arrivals.get(key)
	if !ok {
		a = &arrival{key: key}
		c.arrivals.put(key, a)
	}
	j.arrival = a
	c.jobs.put(string(j.line), j)
	c.latest.Store(j)
	return j, nil
}

// arrived is to how many miners the work came, and when the last one had it.
func (c *jobCache) arrived(key WorkKey) (miners int, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.arrivals.get(key)
	if !ok {
		return 0, time.Time{}
	}
	return int(a.miners.Load()), time.Unix(0, a.last.Load())
}

// newFleetJob reads a notify line.
func newFleetJob(line []byte) (*fleetJob, WorkKey, error) {
	var m struct{ Params []json.RawMessage }
	var key WorkKey
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, key, fmt.Errorf("notify: %w", err)
	}
	if len(m.Params) < 9 {
		return nil, key, fmt.Errorf("notify: want 9 params, got %d", len(m.Params))
	}
	var text [9]string
	for _, i := range []int{1, 2, 3, 5, 6, 7} {
		if err := json.Unmarshal(m.Params[i], &text[i]); err != nil {
			return nil, key, fmt.Errorf("notify params[%d]: %w", i, err)
		}
	}
	var branches []string
	if err := json.Unmarshal(m.Params[4], &branches); err != nil {
		return nil, key, fmt.Errorf("notify params[4]: %w", err)
	}
	j := &fleetJob{
		line:  bytes.Clone(line),
		id:    string(m.Params[0]),
		clean: string(bytes.TrimSpace(m.Params[8])) == "true",
	}
	sum := sha256.New()
	fmt.Fprint(sum, text[1], ending(text[3]), branches, text[5], text[6])
	copy(key[:], sum.Sum(nil))

	var fixed [3][4]byte
	for i, into := range [][]byte{fixed[0][:], fixed[1][:], fixed[2][:]} {
		if n, err := hex.Decode(into, []byte(text[5+i])[:min(8, len(text[5+i]))]); err != nil || n != 4 {
			return nil, key, fmt.Errorf("notify params[%d]: want 8 hex digits, got %q", 5+i, text[5+i])
		}
	}
	j.version = binary.BigEndian.Uint32(fixed[0][:])
	j.nbits = binary.BigEndian.Uint32(fixed[1][:])
	j.ntime = binary.BigEndian.Uint32(fixed[2][:])

	prevhash, err := hex.DecodeString(text[1])
	if err != nil || len(prevhash) != 32 {
		return nil, key, fmt.Errorf("notify params[1]: want 64 hex digits, got %q", text[1])
	}
	for i := range prevhash {
		j.prevhash[i] = prevhash[i^3] // byte-swapped in each word
	}
	if j.coinb1, err = hex.DecodeString(text[2]); err != nil {
		return nil, key, fmt.Errorf("notify params[2]: %w", err)
	}
	if j.coinb2, err = hex.DecodeString(text[3]); err != nil {
		return nil, key, fmt.Errorf("notify params[3]: %w", err)
	}
	for _, b := range branches {
		if j.branches, err = hex.AppendDecode(j.branches, []byte(b)); err != nil || len(j.branches)%32 != 0 {
			return nil, key, fmt.Errorf("notify params[4]: want 64 hex digits each, got %q", b)
		}
	}
	return j, key, nil
}

// attempt is what a miner varies to find a share for a job. The fleet makes all
// of its attempts in the same memory.
type attempt struct {
	extranonce1, extranonce2 []byte
	ntime, nonce, bits       uint32
	mask                     uint32

	header [80]byte
	line   []byte // the submit
}

// search counts a.nonce up until the header's hash meets the limit, and is
// false when that takes so long that the fleet could not hold any rate.
func (j *fleetJob) search(algorithm *Algorithm, a *attempt, limit *limit) (Hash, bool) {
	coinbase := make([]byte, 0, 1024)
	coinbase = append(coinbase, j.coinb1...)
	coinbase = append(coinbase, a.extranonce1...)
	coinbase = append(coinbase, a.extranonce2...)
	coinbase = append(coinbase, j.coinb2...)
	once := sha256.Sum256(coinbase)
	var pair [64]byte
	root := sha256.Sum256(once[:])
	for i := 0; i < len(j.branches); i += 32 {
		copy(pair[:], root[:])
		copy(pair[32:], j.branches[i:i+32])
		once = sha256.Sum256(pair[:])
		root = sha256.Sum256(once[:])
	}
	h := a.header[:]
	binary.LittleEndian.PutUint32(h[0:], j.version&^a.mask|a.bits&a.mask)
	copy(h[4:], j.prevhash[:])
	copy(h[36:], root[:])
	binary.LittleEndian.PutUint32(h[68:], a.ntime)
	binary.LittleEndian.PutUint32(h[72:], j.nbits)
	for range algorithm.search {
		binary.LittleEndian.PutUint32(h[76:], a.nonce)
		hash := algorithm.hash(h)
		if limit.met(hash) {
			return hash, true
		}
		a.nonce++
	}
	return Hash{}, false
}

// limit is the highest hash that meets a difficulty: four 64-bit digits, the
// most significant first.
type limit [4]uint64

// newLimit is 0xffff * 2^208 / difficulty, rounded down, for a difficulty in
// shares of difficulty 1.
func newLimit(difficulty float64) *limit {
	q := new(big.Float).SetMantExp(big.NewFloat(0xffff), 208).SetPrec(512)
	q.Quo(q, new(big.Float).SetPrec(512).SetFloat64(difficulty))
	n, _ := q.Int(nil)
	if n.BitLen() > 256 {
		return &limit{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	}
	var b [32]byte
	n.FillBytes(b[:])
	var l limit
	for i := range l {
		l[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return &l
}

func (l *limit) met(h Hash) bool {
	for i := range l {
		digit := binary.LittleEndian.Uint64(h[24-8*i:])
		if digit != l[i] {
			return digit < l[i]
		}
	}
	return true
}

// limitOf is the limit for a difficulty, computed once for all miners.
func (c *jobCache) limitOf(difficulty float64) *limit {
	if l := c.limit.Load(); l != nil && l.difficulty == difficulty {
		return &l.limit
	}
	l := &cachedLimit{difficulty, *newLimit(difficulty)}
	c.limit.Store(l)
	return &l.limit
}

// cachedLimit is the limit that was asked for last.
type cachedLimit struct {
	difficulty float64
	limit      limit
}
