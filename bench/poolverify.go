package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

// Hash is that of a block header as it comes out of the function: a
// little-endian number. String is the usual big-endian form.
type Hash [32]byte

func (h Hash) String() string {
	big := h.bigEndian()
	return hex.EncodeToString(big[:])
}

func (h Hash) bigEndian() (b [32]byte) {
	for i := range h {
		b[31-i] = h[i]
	}
	return b
}

// Difficulty is the highest difficulty that the hash meets, in shares of
// difficulty 1.
func (h Hash) Difficulty() float64 {
	b := h.bigEndian()
	n := new(big.Float).SetInt(new(big.Int).SetBytes(b[:]))
	d, _ := new(big.Float).Quo(new(big.Float).SetInt(difficulty1), n).Float64()
	return d
}

// difficulty1 is the target of difficulty 1: 0xffff * 2^208.
var difficulty1 = new(big.Int).Lsh(big.NewInt(0xffff), 208)

// Target is a hash as a big-endian number: the highest that still meets a
// difficulty.
type Target [32]byte

// target is that of difficulty d of divider 1, exactly; where every hash meets d
// it is the highest that there is.
func target(d float64) (t Target) {
	q := new(big.Rat).Quo(new(big.Rat).SetInt(difficulty1), new(big.Rat).SetFloat64(d))
	n := new(big.Int).Quo(q.Num(), q.Denom())
	if n.BitLen() > 8*len(t) {
		return Target(bytes.Repeat([]byte{0xff}, len(t)))
	}
	n.FillBytes(t[:])
	return t
}

// meets says whether h is at or below t.
func (h Hash) meets(t Target) bool {
	b := h.bigEndian()
	return bytes.Compare(b[:], t[:]) <= 0
}

// Refusal is why a share was refused: the code and text that the miner is told.
type Refusal struct {
	Code int
	Text string
}

// Error is the text, with the code.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// The reasons a Pool refuses for; Books count by their Text.
var (
	refusedParams       = &Refusal{20, "Bad params"}
	refusedExtranonce2  = &Refusal{20, "Bad extranonce2 size"}
	refusedTime         = &Refusal{20, "Time out of range"}
	refusedVersion      = &Refusal{20, "Version bits outside mask"}
	refusedByScript     = &Refusal{20, "Refused by script"}
	refusedUnknown      = &Refusal{21, "Job not found"}
	refusedStale        = &Refusal{21, "Stale share"}
	refusedDuplicate    = &Refusal{22, "Duplicate share"}
	refusedLow          = &Refusal{23, "Low difficulty share"}
	refusedUnauthorized = &Refusal{24, "Unauthorized worker"}
	refusedSubscribe    = &Refusal{25, "Not subscribed"}
)

// rollAhead is how far beyond now a miner may roll ntime, as in Bitcoin's rules.
const rollAhead = 7200 * time.Second

// claim is a mining.submit, decoded.
type claim struct {
	user, job   string
	extranonce2 []byte
	ntime       uint32
	nonce       uint32
	bits        uint32
	hasBits     bool

	// of an agent's share
	worker  *agentWorker // who found it
	session uint16
	timed   bool // the time was not left out
	flips   bool // bits are those that differ from the job's version
}

// desk is the memory that a link judges shares in, one after another: ten
// thousand a second would keep the collector busy on the proxy's cores. Only
// the link's reader touches it.
type desk struct {
	message     message
	params      []string
	extranonce2 []byte
	header      []byte // and what leads to it
	reply       []byte
}

// claim reads the params of a mining.submit. The claim is valid until the next
// one.
func (d *desk) claim(params json.RawMessage) (claim, *Refusal) {
	clear(d.params[:cap(d.params)]) // a null leaves in place what it finds
	if json.Unmarshal(params, &d.params) != nil || len(d.params) < 5 || len(d.params) > 6 {
		return claim{}, refusedParams
	}
	p := d.params
	c := claim{user: p[0], job: p[1]}
	var err [4]error
	d.extranonce2, err[0] = hex.AppendDecode(d.extranonce2[:0], []byte(p[2]))
	c.extranonce2 = d.extranonce2
	c.ntime, err[1] = word(p[3])
	c.nonce, err[2] = word(p[4])
	if len(p) == 6 {
		c.hasBits = true
		c.bits, err[3] = word(p[5])
	}
	for _, e := range err {
		if e != nil {
			return c, refusedParams
		}
	}
	return c, nil
}

// rules are those that hold for one claim: of the job and of the session.
type rules struct {
	algorithm       *Algorithm
	job             *Job
	extranonce1     []byte
	extranonce2Size int
	rolling         bool // version rolling was agreed on
	mask            uint32
	target          Target
}

// verify rebuilds the header and judges it. Hash is zero when it came to a
// refusal before there was a header; duplicates are the caller's.
func (r rules) verify(c claim, now time.Time, d *desk) (Hash, *Refusal) {
	if len(c.extranonce2) != r.extranonce2Size {
		return Hash{}, refusedExtranonce2
	}
	if c.ntime < r.job.ntime || int64(c.ntime) > now.Add(rollAhead).Unix() {
		return Hash{}, refusedTime
	}
	if c.hasBits && (!r.rolling && c.bits != 0 || c.bits&^r.mask != 0) {
		return Hash{}, refusedVersion
	}
	d.header = r.header(d.header[:0], c)
	h := r.algorithm.hash(d.header)
	if !h.meets(r.target) {
		return h, refusedLow
	}
	return h, nil
}

// header builds it in the memory of h, which everything on the way to it passes
// through.
func (r rules) header(h []byte, c claim) []byte {
	for _, part := range [][]byte{r.job.coinb1, r.extranonce1, c.extranonce2, r.job.coinb2} {
		h = append(h, part...)
	}
	root := sha256d(h)
	for _, b := range r.job.branches {
		h = append(append(h[:0], root[:]...), b...)
		root = sha256d(h)
	}
	version := r.job.version
	switch {
	case c.flips:
		version ^= c.bits
	case c.hasBits && r.rolling:
		version = version&^r.mask | c.bits&r.mask
	}
	h = binary.LittleEndian.AppendUint32(h[:0], version)
	h = append(h, r.job.prevhash[:]...)
	h = append(h, root[:]...)
	for _, w := range []uint32{c.ntime, r.job.nbits, c.nonce} {
		h = binary.LittleEndian.AppendUint32(h, w)
	}
	return h
}

func sha256d(b []byte) [32]byte {
	once := sha256.Sum256(b)
	return sha256.Sum256(once[:])
}
