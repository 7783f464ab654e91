package pool

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"farmproxy/bench/proof"
)

// rollAhead is how far into the future a miner may roll ntime, as in Bitcoin's rules.
const rollAhead = 7200 * time.Second

// claim is a decoded mining.submit.
type claim struct {
	user, job   string
	extranonce2 []byte
	ntime       uint32
	nonce       uint32
	bits        uint32
	hasBits     bool

	// for an agent's share
	worker  *agentWorker // who found it
	session uint16
	timed   bool // the time was included
	flips   bool // bits are the difference from the job's version
}

// desk is the memory in which a link judges shares, one after another: without it, ten
// thousand a second would keep the collector busy on the proxy's cores. Only the link's
// reader touches it.
type desk struct {
	message     message
	params      []string
	extranonce2 []byte
	header      []byte // and its parts
	reply       []byte
}

// claim decodes the params of a mining.submit. The claim is valid until the next call.
func (d *desk) claim(params json.RawMessage) (claim, *proof.Refusal) {
	clear(d.params[:cap(d.params)]) // a null would leave the old value in place
	if json.Unmarshal(params, &d.params) != nil || len(d.params) < 5 || len(d.params) > 6 {
		return claim{}, proof.RefusedParams
	}
	p := d.params
	c := claim{user: p[0], job: p[1]}
	var err [4]error
	d.extranonce2, err[0] = hex.AppendDecode(d.extranonce2[:0], []byte(p[2]))
	c.extranonce2 = d.extranonce2
	c.ntime, err[1] = proof.ParseWord(p[3])
	c.nonce, err[2] = proof.ParseWord(p[4])
	if len(p) == 6 {
		c.hasBits = true
		c.bits, err[3] = proof.ParseWord(p[5])
	}
	for _, e := range err {
		if e != nil {
			return c, proof.RefusedParams
		}
	}
	return c, nil
}

// rules are the rules for one claim: the job's and the session's.
type rules struct {
	algorithm       *proof.Algorithm
	job             *proof.Job
	extranonce1     []byte
	extranonce2Size int
	rolling         bool // version rolling was negotiated
	mask            uint32
	target          proof.Target
}

// verify rebuilds the header and judges it. The hash is zero if the share was refused
// before there was a header; detecting duplicates is the caller's job.
func (r rules) verify(c claim, now time.Time, d *desk) (proof.Hash, *proof.Refusal) {
	if len(c.extranonce2) != r.extranonce2Size {
		return proof.Hash{}, proof.RefusedExtranonce2
	}
	if c.ntime < r.job.NTime || int64(c.ntime) > now.Add(rollAhead).Unix() {
		return proof.Hash{}, proof.RefusedTime
	}
	if c.hasBits && (!r.rolling && c.bits != 0 || c.bits&^r.mask != 0) {
		return proof.Hash{}, proof.RefusedVersion
	}
	d.header = r.header(d.header[:0], c)
	h := r.algorithm.Hash(d.header)
	if !h.Meets(r.target) {
		return h, proof.RefusedLow
	}
	return h, nil
}

// header builds the header in h, which also serves for all intermediate steps.
func (r rules) header(h []byte, c claim) []byte {
	for _, part := range [][]byte{r.job.Coinb1, r.extranonce1, c.extranonce2, r.job.Coinb2} {
		h = append(h, part...)
	}
	root := proof.DoubleSHA256(h)
	for _, b := range r.job.Branches {
		h = append(append(h[:0], root[:]...), b...)
		root = proof.DoubleSHA256(h)
	}
	version := r.job.Version
	switch {
	case c.flips:
		version ^= c.bits
	case c.hasBits && r.rolling:
		version = version&^r.mask | c.bits&r.mask
	}
	h = binary.LittleEndian.AppendUint32(h[:0], version)
	h = append(h, r.job.PrevHash[:]...)
	h = append(h, root[:]...)
	for _, w := range []uint32{c.ntime, r.job.NBits, c.nonce} {
		h = binary.LittleEndian.AppendUint32(h, w)
	}
	return h
}
